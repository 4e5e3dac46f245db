//! docs/properties.md: every property and every flag with the tests that cover it.
//!
//! The rows come from `properties/*.txt`, the names of the tests from the test
//! programs themselves, those of the bundles from the generator of the
//! comparison. A row without a test, a test that is not there any more, a flag
//! of the binary without a row, or a file that is not what would be written
//! fails. `OCINIT_BLESS=1` writes the file.

use ocinit_tests::differential::{cases, explained::matches};
use ocinit_tests::isolate::{View, view};
use ocinit_tests::{Value, images, oci};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the file begins with; the numbers of rows and of tests follow.
const HEAD: &str = "# Properties and flags, and their tests

Written by `cargo test -p ocinit-tests --test properties` with `OCINIT_BLESS=1` from `tests/suite/properties/` and
the tests that there are; the same test fails when a row has no test. `FILE::NAME` is in `tests/suite/`,
`unit::MODULE::NAME` in `src/`, and `differential::GROUP (NAMES)` compares those bundles with runc and crun.
";

/// The options of mounts that the specification lists: one row each, from the
/// bundles of that name.
const OPTIONS: &str = "options";

fn sources() -> [(&'static str, &'static str); 2] {
    [
        ("config.json", include_str!("properties/config.txt")),
        ("Command line", include_str!("properties/commands.txt")),
    ]
}

/// All tests: those of the files in `suite/`, and the unit tests of the library.
fn tests() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for arguments in [&["-p", "ocinit-tests"][..], &["-p", "ocinit", "--lib"]] {
        for (target, program) in programs(arguments) {
            let target = if arguments.len() > 2 { "unit".into() } else { target };
            let out = output(Command::new(program).arg("--list"));
            let names = out.lines().filter_map(|l| l.strip_suffix(": test"));
            all.extend(names.map(|name| format!("{target}::{name}")));
        }
    }
    all
}

/// The test programs of a package, built if need be.
fn programs(arguments: &[&str]) -> BTreeMap<String, PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["test", "--no-run", "--quiet", "--message-format=json"]).args(arguments);
    command.arg("--target-dir").arg(images::target_dir());
    let out = output(command.current_dir(repository()));
    let artifacts = out.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
    artifacts
        .filter(|a| a["profile"]["test"] == true)
        .filter_map(|a| {
            let name = a["target"]["name"].as_str()?.to_string();
            Some((name, PathBuf::from(a["executable"].as_str()?)))
        })
        .collect()
}

fn output(command: &mut Command) -> String {
    let child = oci::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let out = child.and_then(|c| c.wait_with_output()).expect("run a program");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{command:?}: {said}");
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace")
}

/// The text of one row's tests; what is wrong with them goes to `wrong`.
fn covered(row: &str, list: &str, tests: &BTreeSet<String>, wrong: &mut Vec<String>) -> String {
    let mut shown = Vec::new();
    for word in list.split(',').map(str::trim).filter(|w| !w.is_empty()) {
        if let Some(pattern) = word.strip_prefix("diff:") {
            let all = cases::all();
            let found: Vec<&str> =
                all.iter().map(|c| c.name.as_str()).filter(|n| matches(pattern, n)).collect();
            match (found.first(), pattern.split_once('/')) {
                (None, _) => wrong.push(format!("{row}: no bundle {pattern}")),
                (_, Some((group, "*"))) => shown.push(format!("`differential::{group}`")),
                (_, None) => shown.push("`differential`".into()),
                (_, Some((group, _))) => {
                    let names: Vec<&str> =
                        found.iter().filter_map(|n| Some(n.split_once('/')?.1)).collect();
                    shown.push(format!("`differential::{group}` ({})", names.join(", ")));
                }
            }
        } else if tests.contains(word) {
            shown.push(format!("`{word}`"));
        } else {
            wrong.push(format!("{row}: no test {word}"));
        }
    }
    if shown.is_empty() {
        wrong.push(format!("{row}: no test at all"));
    }
    shown.join(", ")
}

/// The rows of mount options, which are bundles of that name.
fn options() -> Vec<(String, String)> {
    let all = cases::of(OPTIONS);
    let names = all.iter().filter_map(|c| c.name.strip_prefix("options/"));
    let single = names.filter(|n| n.chars().all(|c| c.is_ascii_lowercase()));
    let row = |name: &str| {
        let more = match name {
            "iversion" | "lazytime" | "silent" | "nosymfollow" => {
                ", mount_options::rare_options_reach_the_mount"
            }
            "rro" => ", mounts::a_recursive_option_reaches_the_mounts_below",
            "rslave" => ", mounts::mounts_reach_a_slave_volume_and_not_a_private_one",
            _ => "",
        };
        (format!("option {name}"), format!("diff:options/{name}{more}"))
    };
    single.filter(|n| !["nonsense", "remount"].contains(n)).map(row).collect()
}

#[test]
fn every_row_has_its_tests() {
    if view() != View::Host {
        ocinit_tests::skip!("the same in every view: it is done in the host's");
    }
    let tests = tests();
    let (mut text, mut wrong, mut rows) = (String::from(HEAD), Vec::new(), 0);
    for (title, source) in sources() {
        write!(text, "\n## {title}\n").expect("to a String");
        for line in source.lines().filter(|l| !l.is_empty() && !l.starts_with("# ")) {
            if let Some(section) = line.strip_prefix("## ") {
                write!(text, "\n### {section}\n\n| row | tests |\n|---|---|\n")
                    .expect("to a String");
                continue;
            }
            let Some((row, list)) = line.split_once(" | ") else {
                panic!("not of the form ROW | TESTS: {line}")
            };
            let mut all = vec![(row.to_string(), list.to_string())];
            if row.starts_with("the last of several options") {
                all.extend(options());
            }
            for (row, list) in all {
                rows += 1;
                let tests = covered(&row, &list, &tests, &mut wrong);
                writeln!(text, "| {row} | {tests} |").expect("to a String");
            }
        }
    }
    assert!(wrong.is_empty(), "of {rows} rows:\n{}", wrong.join("\n"));
    let file = repository().join("docs/properties.md");
    if std::env::var_os("OCINIT_BLESS").is_some() {
        std::fs::write(&file, &text).expect("write docs/properties.md");
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(there == text, "docs/properties.md is not up to date: run with OCINIT_BLESS=1");
}

#[test]
fn every_flag_of_the_binary_has_a_row() {
    let binary = oci::find_binary().expect("the binary under test");
    let help = |command: Option<&str>| {
        output(Command::new(&binary).args(command).arg("--help").env_clear())
    };
    let commands = help(None);
    let commands = commands.split("COMMANDS:").nth(1).unwrap_or_default();
    let commands = commands.split("\n\n").next().unwrap_or_default();
    let names = commands.lines().filter_map(|l| l.split_whitespace().next());
    let names: Vec<&str> = names.filter(|n| !n.starts_with("help")).collect();
    assert!(names.len() > 10, "{names:?}");
    let (_, rows) = sources()[1];
    let has = |row: &str| rows.lines().any(|l| l.split(" | ").next() == Some(row));
    let mut missing = Vec::new();
    for command in std::iter::once(None).chain(names.into_iter().map(Some)) {
        let name = command.unwrap_or("ocinit");
        let page = help(command);
        let flags = page.lines().filter_map(|l| l.trim_start().strip_prefix("--"));
        let flags = flags.filter_map(|l| l.split([' ', ',']).next());
        let flags: Vec<&str> = flags.filter(|f| *f != "help" || command.is_none()).collect();
        missing.extend(flags.iter().map(|f| format!("{name} --{f}")).filter(|row| !has(row)));
        let about = |l: &str| l.starts_with(&format!("{name} ")) || l.contains(name);
        if flags.is_empty() && !rows.lines().any(about) {
            missing.push(name.into());
        }
    }
    assert!(missing.is_empty(), "no row for: {}", missing.join(", "));
}
