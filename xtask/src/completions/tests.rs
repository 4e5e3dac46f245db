//! The scripts are what their shells can read, and bash's answers are right.

use super::{Value, choices, script, value};
use ocinit::command::{COMMANDS, globals};
use std::process::Command;

/// Runs a shell on a script; `None` where there is no such shell.
fn shell(program: &str, arguments: &[&str]) -> Option<String> {
    let Ok(out) = Command::new(program).args(arguments).output() else {
        eprintln!("skip: there is no {program}");
        return None;
    };
    let error = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && error.is_empty(), "{program}: {error}");
    Some(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The script in a file of its own.
fn file(shell: &str, test: &str) -> std::path::PathBuf {
    let name = format!("ocinit-completions-{}-{test}.{shell}", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, script(shell).unwrap()).unwrap();
    path
}

#[test]
fn values_are_read_from_the_help() {
    assert_eq!(choices("set the log format: text or json").unwrap(), ["text", "json"]);
    assert_eq!(choices("cgroupfs, systemd or disabled").unwrap().len(), 3);
    assert!(choices("run or do").is_some() && choices("run as this user").is_none());
    let words = |long: &str| {
        let flag = globals::FLAGS.iter().find(|flag| flag.long() == long).unwrap();
        matches!(value(*flag), Some(Value::Words(_)))
    };
    for flag in ["log-format", "log-level", "cgroup-manager", "rootless"] {
        assert!(words(flag), "{flag}");
    }
    assert!(!words("root") && !words("debug"));
}

#[test]
fn every_flag_is_in_every_script() {
    for name in ["bash", "zsh", "fish"] {
        let script = script(name).unwrap();
        for flag in COMMANDS.iter().flat_map(|command| command.flags).filter(|flag| !flag.hidden())
        {
            assert!(script.contains(flag.long()), "{name}: {}", flag.long());
        }
    }
    assert!(script("csh").is_none());
}

#[test]
fn shells_can_read_them() {
    for (name, arguments) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let file = file(name, "read");
        shell(name, &[arguments, file.to_str().unwrap()]);
        std::fs::remove_file(&file).unwrap();
    }
}

#[test]
fn bash_completes() {
    let file = file("bash", "complete");
    let check = |words: &str, expect: &[&str]| {
        // The last word is the one being completed.
        let words: Vec<String> = words.split(' ').map(|word| format!("'{word}'")).collect();
        let query = format!(
            "compopt() {{ :; }}\nocinit() {{ echo 'web db'; }}\nsource {}\n\
             COMP_WORDS=({})\nCOMP_CWORD={}\n_ocinit\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
            file.display(),
            words.join(" "),
            words.len() - 1
        );
        let Some(answer) = shell("bash", &["--norc", "-c", &query]) else { return };
        let answers: Vec<&str> = answer.split_whitespace().collect();
        assert_eq!(answers, expect, "{words:?}");
    };
    check("ocinit st", &["start", "state"]);
    check("ocinit --log-f", &["--log-format"]);
    check("ocinit --log-format ", &["text", "json"]);
    check("ocinit --log-format = j", &["json"]);
    check("ocinit --root /x --debug featu", &["features"]);
    check("ocinit run --pre", &["--preserve-fds"]);
    check("ocinit list --format t", &["table"]);
    check("ocinit start ", &["web", "db"]);
    check("ocinit kill web SIGTE", &["SIGTERM"]);
    check("ocinit help sp", &["spec"]);
    check("ocinit --root /us", &["/usr"]);
    check("ocinit run -b /us", &["/usr"]);
    check("ocinit run x", &[]);
    std::fs::remove_file(&file).unwrap();
}
