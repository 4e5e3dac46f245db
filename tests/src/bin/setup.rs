//! Makes a machine ready for the integration tests: packages, root file systems, users.

use ocinit_tests::{images, packages, user};

fn main() {
    if let Err(why) = packages::install_missing() {
        eprintln!("setup: {why}");
        std::process::exit(1);
    }
    images::busybox();
    images::debian();
    user::with_subids();
    user::bare();
    println!("ready: {}", images::cache_dir().display());
}
