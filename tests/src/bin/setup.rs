//! Makes a machine ready for the integration tests: packages, root file systems, users.
//!
//! With arguments, `TREE BUSYBOX GUEST`, only the busybox tree, of programs that may be another architecture's.

use ocinit_tests::{images, packages, user};
use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let paths: Vec<&Path> = arguments.iter().map(Path::new).collect();
    if let [tree, busybox, guest] = paths[..] {
        return images::lay_out(tree, busybox, guest);
    }
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
