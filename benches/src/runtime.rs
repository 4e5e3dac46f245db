//! The contenders, and how each is called.

use crate::options::{Options, workspace};
use crate::place::DIRECTORY;
use ocinit_tests::cgroups::hierarchies;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One contender.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// What it is called here.
    pub name: String,
    /// The program.
    pub program: PathBuf,
}

/// All that are there: ocinit first, then its peers, then those of `--with`.
pub fn all(options: &Options) -> Vec<Runtime> {
    let known = [
        ("ocinit", workspace().join("target/release/ocinit")),
        ("crun", "/usr/bin/crun".into()),
        ("runc", "/usr/sbin/runc".into()),
        ("youki", youki()),
    ];
    let known = known.into_iter().map(|(name, program)| (name.to_string(), program));
    let named = known.chain(options.with.iter().cloned());
    let all = named.map(|(name, program)| Runtime { name, program });
    all.filter(|runtime| {
        let there = runtime.program.exists();
        if !there {
            println!("(no {}: {} is not there)", runtime.name, runtime.program.display());
        }
        there
    })
    .collect()
}

fn youki() -> PathBuf {
    let directory = std::env::var_os("OCINIT_BENCH_YOUKI").map(PathBuf::from);
    directory.unwrap_or_default().join("bin/youki")
}

impl Runtime {
    /// Where it keeps its states.
    pub fn root(&self) -> PathBuf {
        Path::new(DIRECTORY).join(format!("state-{}", self.name))
    }

    /// A call with these words after `--root`.
    pub fn call(&self, words: &[&str]) -> Command {
        self.call_in(&self.root(), words)
    }

    /// A call with this directory of states.
    pub fn call_in(&self, root: &Path, words: &[&str]) -> Command {
        let mut command = bare(&self.program);
        command.arg("--root").arg(root).args(words);
        command
    }

    /// `run` of a bundle.
    pub fn run(&self, bundle: &Path, id: &str) -> Command {
        self.call(&["run", "--bundle", &bundle.display().to_string(), id])
    }

    /// Its version, in a line.
    pub fn version(&self) -> String {
        let out = bare(&self.program).arg("--version").stdout(Stdio::piped()).output();
        let text = out.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
        text.unwrap_or_default().lines().next().unwrap_or("unknown").to_string()
    }
}

/// A program with nothing of our environment and a closed standard input.
pub fn bare(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/root");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The floor on a bundle's root file system. `left_out` and `options` are its
/// letters.
pub fn floor(bundle: &Path, left_out: &str, options: &str) -> Command {
    let unified = ocinit_tests::cgroups::is_unified();
    let program_too = if unified && crate::place::device_programs() { "b" } else { "" };
    let mut command = bare(&program("floor"));
    command.arg(bundle.join("rootfs")).arg(format!("floor{}", std::process::id()));
    command.args([format!("-{left_out}"), format!("-{options}{program_too}")]);
    command.args(groups(std::process::id() as i32));
    command
}

/// The floor of `exec`: a program in the namespaces and control groups of that
/// process.
pub fn enter(pid: i32) -> Command {
    let mut command = bare(&program("enter"));
    command.arg(pid.to_string()).args(groups(pid));
    command
}

/// One of the floor's programs.
pub fn program(name: &str) -> PathBuf {
    workspace().join("target/floor/release").join(name)
}

/// The directories of a process's control groups, for the floor. It makes its
/// own beneath ours, where the runtimes make theirs, too.
fn groups(pid: i32) -> Vec<String> {
    let all = hierarchies();
    let only = all.iter().all(ocinit_tests::cgroups::Hierarchy::unified);
    let place = |h: &ocinit_tests::cgroups::Hierarchy| {
        let kind = match h.controllers.first() {
            None if only => "v2only",
            None => "v2",
            Some(name) => name.trim_start_matches("name="),
        };
        Some(format!("{kind}={}", h.directory_of(pid)?.display()))
    };
    all.iter().filter_map(place).collect()
}
