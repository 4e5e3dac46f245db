//! `cargo xtask completions SHELL`: completions for bash, zsh or fish, made from
//! the declarations of commands and flags.

mod bash;
mod fish;
#[cfg(test)]
mod tests;
mod zsh;

use crate::error::Result;
use ocinit::command::{COMMANDS, Command, ENDING, Flag, globals};

/// The command.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    let shell = parser.value().map_err(|e| e.to_string())?;
    crate::no_more(parser)?;
    let shell = shell.to_string_lossy();
    let script = script(&shell).ok_or_else(|| format!("no completions for {shell}"))?;
    print!("{script}");
    Ok(true)
}

/// The script for a shell.
pub fn script(shell: &str) -> Option<String> {
    match shell {
        "bash" => Some(bash::script()),
        "zsh" => Some(zsh::script()),
        "fish" => Some(fish::script()),
        _ => None,
    }
}

/// What a flag's value is.
enum Value<'a> {
    /// Nothing that could be completed.
    Any,
    Directory,
    File,
    /// One of these.
    Words(Vec<&'a str>),
}

/// Reads the metavariable and the help: a help that ends in a list, as "set the
/// format: text or json", names the values.
fn value(flag: Flag) -> Option<Value<'static>> {
    let value = match flag.value()? {
        "DIR" => Value::Directory,
        "FILE" | "SOCKET" => Value::File,
        _ => choices(flag.help()).map_or(Value::Any, Value::Words),
    };
    Some(value)
}

fn choices(help: &'static str) -> Option<Vec<&'static str>> {
    let list = help.rsplit(": ").next()?;
    let (first, last) = list.rsplit_once(" or ")?;
    let words: Vec<&str> = first.split(", ").chain([last]).collect();
    let word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    words.iter().all(word).then_some(words)
}

/// The flags before the command, as the help shows them.
fn global_flags() -> impl Iterator<Item = Flag> {
    globals::FLAGS.iter().chain(&ENDING).copied().filter(|flag| !flag.hidden())
}

/// The flags of a command, as the help shows them.
fn flags(command: &'static Command) -> impl Iterator<Item = Flag> {
    command.flags.iter().chain(&ENDING[..1]).copied().filter(|flag| !flag.hidden())
}

/// Whether the first argument is the id of a container that exists.
fn takes_id(command: &Command) -> bool {
    command.texts().arguments.starts_with("<container-id>")
        && !["check", "create", "plan", "run"].contains(&command.name())
}

/// The names of a flag, with dashes.
fn names(flag: Flag) -> Vec<String> {
    let short = flag.short().map(|short| format!("-{short}"));
    [format!("--{}", flag.long())].into_iter().chain(short).collect()
}

/// The names of all commands.
fn command_names() -> Vec<&'static str> {
    COMMANDS.iter().map(|command| command.name()).collect()
}
