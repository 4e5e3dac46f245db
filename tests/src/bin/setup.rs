//! Makes a machine ready for the integration tests: packages, root file systems, users.

use ocinit_tests::{images, packages, user};

fn main() {
    if let Err(why) = packages::install_missing() {
        eprintln!("setup: {why}");
        std::process::exit(1);
    }
    user::with_subids();
    user::bare();
    // Read by xtask, which takes them into its test machine.
    println!("guest: {}", images::guest().display());
    println!("busybox: {}", images::busybox().display());
    println!("debian: {}", images::debian().display());
}
