//! The project's host tool, called as `cargo xtask COMMAND`.
//!
//! One file a command. A command prints what it does, step by step, and ends
//! with a status other than 0 when a step fails. It works on the checkout it
//! was built from, whatever the current directory is.

mod bench;
mod binary;
mod boards;
mod build;
mod completions;
mod cross;
mod debian;
mod demo;
mod dist;
mod elf;
mod error;
mod footprint;
mod fuzz;
mod glibc;
mod man;
mod process;
mod programs;
mod reproducible;
mod seccomp_tables;
mod size;
mod target;
mod test;
mod toolchain;
mod vm;
mod workspace;

use error::Result;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  boot BOARD [--bundle DIR]
                       pack a bundle, or one that checks itself, with the
                       binary for the board, and boot it in an emulator
                       (boards/README.md)
  build [--target T]   the release binary, for the host or for another target
                       (targets/README.md); may be given again
  dist                 the binaries of all targets, built from nothing, and their
                       checksums, in target/dist
       --built         from the usual builds, brought up to date, instead
  demo                 build, make a bundle of busybox and run a container
  test [PART] [NAME]   all checks and tests, or a part:
       --lint          formatting and clippy
       --unit          unit tests of the library and of this tool (no root)
       --miri          unit tests with AddressSanitizer, and those of the pure
                       modules under Miri
       --fuzz          some seconds of each target of `fuzz`
       --binary        what the release binary must be: static, no interpreter,
                       the same bytes when it is built elsewhere…
       --targets       the binaries of all targets: the same, and that they start;
                       unit tests of the library for each, emulated
       --boards        the boards of boards/, in emulators; NAME is that of some
       --view VIEW     the integration tests (root) in one cgroup view:
                       host, v1 or v2; may be given again
       --guest MANAGER in the test machine, with control groups by MANAGER:
                       cgroupfs or systemd; may be given again
       --without-guests
                       all parts but the test machine
       NAME            only tests whose name contains it, or the integration
                       tests of the file tests/suite/NAME.rs
  bench [NAME...]      the runtime beside runc, crun and the kernel's own part (root):
                       run, lifecycle, exec, many, footprint, limit, filter, list,
                       pieces; figures in target/bench/results.json
       --quick         fewer rounds
       --youki         build youki too, once, which takes minutes
       --with NAME=PATH
                       one more runtime; may be given again
       --write-docs    write the tables of docs/performance.md from the figures
  bench boot [BOARD...]
                       from the kernel to the container's program on boards, in
                       instructions
  fuzz [TARGET]        feed random bytes to what reads those of others
       --seconds N     for so long each
  man OUTDIR           write the manual pages
  completions SHELL    print the completions for bash, zsh or fish
  reproducible         build again in other folders, and compare the bytes
  seccomp-tables       make src/seccomp/tables again (--headers DIR --source DIR)
  size [--record]      size, peak memory and system calls, next to the last
                       recorded ones; --record writes them down
       --targets       only the sizes of the binaries of all targets
  vm -- COMMAND        a command in the test machine: a QEMU guest with systemd,
                       cgroup v2 and AppArmor, with the binary in its PATH
       --user          as an ordinary user, from that user's systemd
       --shell         a shell on the terminal instead of a command
";

fn main() -> ExitCode {
    match dispatch() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command; false when it has printed what failed.
fn dispatch() -> Result<bool> {
    use lexopt::prelude::*;
    let mut parser = lexopt::Parser::from_env();
    let command = match parser.next().map_err(|e| e.to_string())? {
        Some(Value(name)) => name.to_string_lossy().into_owned(),
        Some(Short('h') | Long("help")) | None => "help".into(),
        Some(other) => return Err(other.unexpected().to_string()),
    };
    match command.as_str() {
        "bench" => bench::command(parser),
        "boot" => boards::command(parser),
        "build" => build::command(parser),
        "completions" => completions::command(parser),
        "demo" => demo::command(parser),
        "dist" => dist::command(parser),
        "fuzz" => fuzz::command(parser),
        "man" => man::command(parser),
        "test" => test::command(parser),
        "reproducible" => reproducible::command(parser),
        "seccomp-tables" => seccomp_tables::run(parser).map(|()| true).map_err(|e| e.to_string()),
        "size" => size::command(parser),
        "vm" => vm::command(parser),
        "help" => {
            print!("{HELP}");
            Ok(true)
        }
        _ => Err(format!("no command {command:?}\n\n{HELP}")),
    }
}

/// Refuses every argument that is left: for commands that take none.
fn no_more(mut parser: lexopt::Parser) -> Result {
    match parser.next().map_err(|e| e.to_string())? {
        Some(argument) => Err(argument.unexpected().to_string()),
        None => Ok(()),
    }
}
