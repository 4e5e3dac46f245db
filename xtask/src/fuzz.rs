//! `cargo xtask fuzz`: the programs of `fuzz/`, each for some seconds.
//!
//! They are built with the flags of `cargo fuzz build`, so that neither that
//! tool nor a nightly compiler has to be there: `RUSTC_BOOTSTRAP` makes the
//! pinned compiler take them. What libFuzzer finds worth keeping stays in
//! `target/fuzz/corpus`, and an input that crashes in `target/fuzz/crashes`.

use crate::debian;
use crate::error::{Context, Result};
use crate::process::{is_root, run, step};
use crate::workspace::{cargo, host, root, sysroot, target};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// Seconds for each program, unless said.
pub const SECONDS: u32 = 8;

/// What the compiler adds for libFuzzer: counters at each edge, and what is
/// compared.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "-Ccodegen-units=1",
];

/// How one program ended.
pub struct Outcome {
    pub target: String,
    /// How often it ran, or what went wrong.
    pub result: Result<u64>,
}

/// The command.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    use lexopt::prelude::*;
    let (mut target, mut seconds) = (None, SECONDS);
    while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
        match argument {
            Long("seconds") => {
                let value = parser.value().map_err(|e| e.to_string())?;
                seconds = value.parse().map_err(|e| e.to_string())?;
            }
            Value(name) if target.is_none() => {
                target = Some(name.string().map_err(|e| e.to_string())?);
            }
            other => return Err(other.unexpected().to_string()),
        }
    }
    possible()?;
    let outcomes = all(target.as_deref(), seconds)?;
    for Outcome { target, result } in &outcomes {
        match result {
            Ok(runs) => println!("{target:14} {runs:10} runs"),
            Err(why) => println!("{target:14} FAILED: {why}"),
        }
    }
    Ok(outcomes.iter().all(|outcome| outcome.result.is_ok()))
}

/// Whether the programs can be built here; the error says what is missing.
pub fn possible() -> Result {
    let has = |name: &str| Command::new(name).arg("--version").output().is_ok();
    if has("c++") {
        return Ok(());
    }
    if !is_root() {
        return Err("libFuzzer is C++, and there is no c++: install the package g++".into());
    }
    debian::install("g++")
}

/// Builds the programs and runs those whose name is `only`, as many at a time
/// as there are processors.
pub fn all(only: Option<&str>, seconds: u32) -> Result<Vec<Outcome>> {
    let names: Vec<String> = targets()?;
    let chosen: Vec<String> =
        names.iter().filter(|name| only.is_none_or(|only| only == *name)).cloned().collect();
    if chosen.is_empty() {
        return Err(format!("no such target; there are {}", names.join(" ")));
    }
    let programs = build()?;
    seeds()?;
    step(format_args!("fuzzing for {seconds} s each: {}", chosen.join(" ")));
    let (left, done) = (Mutex::new(chosen.into_iter()), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("no panic").next();
                    let Some(target) = next else { return };
                    let result = fuzz(&programs, &target, seconds);
                    done.lock().expect("no panic").push(Outcome { target, result });
                }
            });
        }
    });
    let mut outcomes = done.into_inner().expect("no panic");
    outcomes.sort_by(|a, b| a.target.cmp(&b.target));
    Ok(outcomes)
}

/// The names of the programs.
fn targets() -> Result<Vec<String>> {
    let folder = root().join("fuzz/fuzz_targets");
    let files = folder.read_dir().context(folder.display())?;
    let name = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = files.flatten().filter_map(|file| name(file.path())).collect();
    names.sort();
    Ok(names)
}

/// Builds all programs; the directory that they are in.
fn build() -> Result<PathBuf> {
    step("building the fuzz targets");
    let mut flags = COVERAGE.join("\x1f");
    match sanitizer() {
        true => flags += "\x1f-Zsanitizer=address",
        false => println!("this toolchain has no AddressSanitizer: without it"),
    }
    // With a target given, the flags are not for build scripts.
    let host = host()?;
    let args = ["build", "-q", "-p", "ocinit-fuzz", "--profile", "fuzz", "--target", &host];
    run(cargo(&args).env("CARGO_ENCODED_RUSTFLAGS", flags).env("RUSTC_BOOTSTRAP", "1"))?;
    Ok(target().join(host).join("fuzz"))
}

/// Whether the toolchain has the library of AddressSanitizer.
pub fn sanitizer() -> bool {
    let Ok(libraries) = sysroot().and_then(|sysroot| {
        let folder = sysroot.join("lib/rustlib").join(host()?).join("lib");
        folder.read_dir().context(folder.display())
    }) else {
        return false;
    };
    libraries.flatten().any(|file| file.file_name().to_string_lossy().ends_with("_rt.asan.a"))
}

/// The parts of the bundles that the tests generate.
fn seeds() -> Result {
    let folder = place("bundles");
    run(cargo(&["run", "-q", "-p", "ocinit-tests", "--bin", "bundles", "--"]).arg(folder))
}

fn place(name: &str) -> PathBuf {
    target().join("fuzz").join(name)
}

/// Runs one program; how many inputs it tried.
fn fuzz(programs: &Path, name: &str, seconds: u32) -> Result<u64> {
    let (corpus, crashes) = (place("corpus").join(name), place("crashes").join(name));
    for folder in [&corpus, &crashes] {
        std::fs::create_dir_all(folder).context(folder.display())?;
    }
    let program = programs.join(name);
    let mut command = Command::new(&program);
    // What it keeps goes into the first directory.
    command.arg(&corpus).arg(root().join("fuzz/seeds").join(name));
    command.args(Some(place("bundles").join(name)).filter(|folder| folder.is_dir()));
    if name == "config" {
        command.arg(root().join("src/plan/golden"));
    }
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-artifact_prefix={}/", crashes.display()));
    // Arguments of the command line and JSON trees are never freed, on purpose.
    command.args(["-print_final_stats=1", "-detect_leaks=0", "-rss_limit_mb=0"]);
    command.args(["-timeout=10", "-max_len=16384"]).env("ASAN_OPTIONS", "detect_leaks=0");
    let out = command.stdin(Stdio::null()).output().context(program.display())?;
    let said = String::from_utf8_lossy(&out.stderr);
    if out.status.success() {
        return runs(&said).ok_or_else(|| format!("it did not say how often it ran: {said}"));
    }
    println!("{}", tail(&said));
    match crash(&said) {
        Some(input) => Err(format!("`{} {input}` fails", program.display())),
        None => Err(format!("{}: {}", program.display(), out.status)),
    }
}

/// The number of runs in what libFuzzer says at the end.
fn runs(said: &str) -> Option<u64> {
    let line = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    line?.trim().parse().ok()
}

/// The file with the input that failed.
fn crash(said: &str) -> Option<&str> {
    said.lines().find_map(|line| line.split_once("Test unit written to ").map(|(_, file)| file))
}

/// The last lines.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says() {
        let said = "#8\tDONE\nstat::number_of_executed_units: 65536\nstat::average: 1\n";
        assert_eq!((runs(said), crash(said)), (Some(65536), None));
        let said = "artifact_prefix='/c/'; Test unit written to /c/crash-1\nBase64: eA==\n";
        assert_eq!((runs(said), crash(said)), (None, Some("/c/crash-1")));
    }

    #[test]
    fn each_program_is_a_target_of_the_library() {
        let library = std::fs::read_to_string(root().join("fuzz/src/lib.rs")).unwrap();
        let names = targets().unwrap();
        assert!(names.len() > 5);
        for name in names {
            assert!(library.contains(&format!("(\"{name}\", {name}::check)")), "{name}");
        }
    }
}
