//! What reads the bytes of others, one module a reader, each with a function
//! `check` that takes any bytes at all. It panics where the reader does, or
//! where what the reader made cannot be right.
//!
//! `fuzz_targets` has a program for each; `cargo xtask fuzz` runs them. The test
//! here tries the seeds, among which are inputs that once failed.

pub mod command_line;
pub mod config;
pub mod criu;
pub mod dbus;
pub mod host;
pub mod netlink;
pub mod process;
pub mod report;
pub mod seccomp;
pub mod state;

/// A reader's name, which is that of its program and of its folder in `seeds`,
/// and what tries it.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("command_line", command_line::check),
    ("config", config::check),
    ("criu", criu::check),
    ("dbus", dbus::check),
    ("host", host::check),
    ("netlink", netlink::check),
    ("process", process::check),
    ("report", report::check),
    ("seccomp", seccomp::check),
    ("state", state::check),
];

#[cfg(test)]
mod tests {
    use super::TARGETS;
    use std::path::Path;

    #[test]
    fn every_target_takes_its_seeds() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, check) in TARGETS {
            check(b"");
            let mut tried = 0;
            for seed in folder.join("seeds").join(name).read_dir().unwrap() {
                let seed = seed.unwrap().path();
                println!("{}", seed.display());
                check(&std::fs::read(seed).unwrap());
                tried += 1;
            }
            assert!(tried > 0, "{name} has no seed");
            assert!(folder.join(format!("fuzz_targets/{name}.rs")).is_file(), "{name}");
        }
    }
}
