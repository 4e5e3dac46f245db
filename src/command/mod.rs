//! The command line: one file a command, and what all of them share.

mod check;
mod checkpoint;
mod create;
mod delete;
mod events;
mod exec;
mod features;
pub mod flag;
pub mod globals;
mod help;
mod invocation;
mod kill;
mod list;
mod mounts;
pub mod output;
mod pack;
pub mod parse;
mod pattern;
mod pause;
mod plan;
mod ps;
pub mod quantity;
mod restore;
mod run;
mod several;
mod spec;
mod start;
mod state;
mod update;

use alloc::boxed::Box;
use core::ffi::CStr;

pub use flag::{Command, Flag};
pub use help::ENDING;
pub use invocation::Invocation;

use crate::command::parse::{Parsed, text};
use crate::error;
use crate::error::{Error, Result};
use crate::log::Log;
use crate::request::Caller;
use crate::sys::signal;
use crate::text;

/// All commands, in the order of the help.
pub static COMMANDS: &[&Command] = &[
    &check::COMMAND,
    &checkpoint::COMMAND,
    &create::COMMAND,
    &delete::COMMAND,
    &events::COMMAND,
    &exec::COMMAND,
    &features::COMMAND,
    &kill::COMMAND,
    &list::COMMAND,
    &mounts::COMMAND,
    &pack::COMMAND,
    &pause::PAUSE,
    &plan::COMMAND,
    &ps::COMMAND,
    &restore::COMMAND,
    &pause::RESUME,
    &run::COMMAND,
    &spec::COMMAND,
    &start::COMMAND,
    &state::COMMAND,
    &update::COMMAND,
];

/// The exit status where an error asks for no other.
const FAILURE: u8 = 1;
/// The exit status of an unknown command.
const UNKNOWN: u8 = 3;

/// Runs the command line. `arguments` starts with the program's name.
pub fn main(arguments: &'static [&'static CStr], environment: &'static [&'static CStr]) -> u8 {
    let program = program(arguments.first().copied().unwrap_or_default());
    let mut log = Log::stderr();
    match dispatch(program, arguments, environment, &mut log) {
        Ok(status) => status,
        Err(error) => {
            log.error(&error);
            error.status.unwrap_or(FAILURE)
        }
    }
}

/// The name that we go by: links called `runc` and `crun` are served under
/// their own name, as the engines that look for them expect.
fn program(argument: &'static CStr) -> &'static str {
    let name = argument.to_bytes().rsplit(|byte| *byte == b'/').next();
    match name {
        Some(b"runc") => "runc",
        Some(b"crun") => "crun",
        _ => "ocinit",
    }
}

#[inline(never)]
fn dispatch(
    program: &'static str,
    all: &'static [&'static CStr],
    environment: &'static [&'static CStr],
    log: &mut Log,
) -> Result<u8> {
    let known: alloc::vec::Vec<Flag> =
        globals::FLAGS.iter().chain(&help::ENDING).copied().collect();
    let arguments = all.get(1..).unwrap_or_default();
    let parsed = match parse::parse(known.leak(), arguments, true) {
        Ok(parsed) => parsed,
        Err(error) => return usage(help::program(program), error),
    };
    if parsed.help {
        return show(help::program(program));
    }
    if parsed.values.flag("version") {
        return show(help::version(program));
    }
    let values = &parsed.values;
    *log = Log::open(&|long| values.value(long), values.flag("debug"))?;
    let Some((name, rest)) = parsed.positionals.split_first() else {
        return show(help::program(program));
    };
    let name = text(name)?;
    if name == "help" || name == "h" {
        return match rest.first() {
            None => show(help::program(program)),
            Some(topic) => show(help::command(program, find(text(topic)?)?)),
        };
    }
    let command = find(name)?;
    let globals = globals::read(program, &parsed.values, environment)?;
    let arguments = match parse::parse(command.flags, rest, command.verbatim) {
        Ok(parsed) if parsed.help => return show(help::command(program, command)),
        Ok(parsed) => count(program, command, parsed).map(|()| parsed),
        Err(error) => Err(error),
    };
    let parsed = match arguments {
        Ok(parsed) => parsed,
        Err(error) => return usage(help::command(program, command), error),
    };
    let log = core::mem::replace(log, Log::stderr());
    log.debug(format_args!("{program} {}: {}", env!("CARGO_PKG_VERSION"), command.name()));
    let caller = Caller { globals, log, arguments: all, environment };
    // It stays, as all that is made once.
    let invocation = &*Box::leak(Box::new(Invocation { program, command, caller, parsed }));
    signal::hear_of_children();
    (command.run)(invocation).or_else(|error| {
        invocation.log.error(&error);
        Ok(error.status.unwrap_or(command.failure))
    })
}

fn find(name: &str) -> Result<&'static Command> {
    let found = COMMANDS.iter().copied().find(|command| command.name() == name);
    found.ok_or_else(|| Error::about("No help topic for '{}'", name).status(UNKNOWN))
}

/// Whether the command got as many positional arguments as it takes.
fn count(program: &str, command: &Command, parsed: &Parsed) -> Result<()> {
    let given = parsed.positionals.len();
    let Command { min, max, .. } = *command;
    let (bound, limit) = if min == max {
        ("exactly", min)
    } else if given < usize::from(min) {
        ("a minimum of", min)
    } else {
        ("a maximum of", max)
    };
    let enough = given >= usize::from(min) && (max == flag::MANY || given <= usize::from(max));
    if enough {
        return Ok(());
    }
    let plural = if limit == 1 { "" } else { "s" };
    let name = command.name();
    Err(error!("{program}: \"{name}\" requires {bound} {limit} argument{plural}"))
}

fn show(page: &str) -> Result<u8> {
    output::print(page).map(|()| 0)
}

/// A mistake on the command line: the page on stdout, the error on stderr.
fn usage(page: &str, error: Error) -> Result<u8> {
    // The error is reported in any case, and it is the more useful one.
    let _ = output::print(text!("Incorrect Usage: {error}\n\n{page}"));
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    /// What holds for every declaration.
    #[test]
    fn declarations() {
        let names: alloc::vec::Vec<&str> = COMMANDS.iter().map(|command| command.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        let program = Command { flags: globals::FLAGS, ..*COMMANDS[0] };
        for command in COMMANDS.iter().copied().chain([&program]) {
            assert!(command.min <= command.max);
            assert!(!command.texts().summary.ends_with('.'));
            assert_eq!(command.name(), command.texts().name);
            for (index, flag) in command.flags.iter().enumerate() {
                assert!(!flag.help().ends_with('.'), "{}", flag.long());
                assert!(!["help", "h"].contains(&flag.long()));
                assert!(flag.short() != Some('h'));
                for other in &command.flags[..index] {
                    assert!(other.long() != flag.long(), "{} {}", command.name(), flag.long());
                    assert!(
                        other.short().is_none() || other.short() != flag.short(),
                        "{}",
                        flag.long()
                    );
                }
            }
        }
    }

    #[test]
    fn counts() {
        let check = |min, max, given, expect: &str| {
            let command = Command { text: "x", min, max, ..*COMMANDS[0] };
            let positionals = alloc::vec![c""; given];
            let parsed = Parsed { positionals, ..Parsed::default() };
            let got = count("runc", &command, &parsed);
            assert_eq!(got.map_or_else(|error| error.to_string(), |()| String::new()), expect);
        };
        check(1, 1, 1, "");
        check(1, 1, 0, "runc: \"x\" requires exactly 1 argument");
        check(1, 1, 2, "runc: \"x\" requires exactly 1 argument");
        check(0, 0, 1, "runc: \"x\" requires exactly 0 arguments");
        check(1, 2, 0, "runc: \"x\" requires a minimum of 1 argument");
        check(1, 2, 3, "runc: \"x\" requires a maximum of 2 arguments");
        check(2, flag::MANY, 1, "runc: \"x\" requires a minimum of 2 arguments");
        check(1, flag::MANY, 300, "");
    }

    #[test]
    fn names() {
        for (argument, expect) in [
            (c"/usr/bin/runc", "runc"),
            (c"crun", "crun"),
            (c"./ocinit", "ocinit"),
            (c"runc/", "ocinit"),
            (c"", "ocinit"),
        ] {
            assert_eq!(program(argument), expect);
        }
    }
}
