//! The script for fish (complete(1) of its manual).

use super::{Value, command_names, flags, global_flags, takes_id, value};
use ocinit::command::{COMMANDS, Flag};
use std::fmt::Write;

/// The script.
pub fn script() -> String {
    let commands = command_names().join(" ");
    let mut out = format!(
        "# fish completion for ocinit, made by `cargo xtask completions`.\n\
         set -l commands {commands}\ncomplete -c ocinit -f\n"
    );
    let first = "not __fish_seen_subcommand_from $commands";
    for flag in global_flags() {
        one(&mut out, first, flag);
    }
    for command in COMMANDS {
        let summary = quoted(command.texts().summary);
        let _ =
            writeln!(out, "complete -c ocinit -n '{first}' -a {} -d '{summary}'", command.name());
        let here = format!("__fish_seen_subcommand_from {}", command.name());
        for flag in flags(command) {
            one(&mut out, &here, flag);
        }
        if takes_id(command) {
            let _ = writeln!(
                out,
                "complete -c ocinit -n '{here}' -a '(ocinit list --quiet 2>/dev/null)'"
            );
        }
    }
    out
}

fn one(out: &mut String, condition: &str, flag: Flag) {
    let _ = write!(out, "complete -c ocinit -n '{condition}' -l {}", flag.long());
    if let Some(short) = flag.short() {
        let _ = write!(out, " -s {short}");
    }
    match value(flag) {
        None => {}
        Some(Value::Any) => out.push_str(" -x"),
        Some(Value::Directory) => out.push_str(" -x -a '(__fish_complete_directories)'"),
        Some(Value::File) => out.push_str(" -r -F"),
        Some(Value::Words(words)) => {
            let _ = write!(out, " -x -a '{}'", words.join(" "));
        }
    }
    let _ = writeln!(out, " -d '{}'", quoted(flag.help()));
}

/// Text within single quotes.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}
