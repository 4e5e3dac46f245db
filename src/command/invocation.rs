//! One call of the program, parsed: what every command gets.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::str::FromStr;

use crate::command::flag::Command;
use crate::command::globals::Globals;
use crate::command::parse::{self, Parsed};
use crate::container::{ContainerId, Root};
use crate::error;
use crate::error::{Error, Result};
use crate::log::Log;

/// A command with its flags, arguments and surroundings.
#[derive(Debug)]
pub struct Invocation {
    /// What the program calls itself: `ocinit`, `runc` or `crun`.
    pub program: &'static str,
    /// The command.
    pub command: &'static Command,
    /// The flags before the command.
    pub globals: Globals,
    /// Where warnings go.
    pub log: Log,
    /// All arguments, the program's name first.
    pub arguments: &'static [&'static CStr],
    /// The program's environment, `NAME=VALUE` each.
    pub environment: &'static [&'static CStr],
    pub(super) parsed: Parsed,
}

impl Invocation {
    /// Whether a switch is on.
    pub fn flag(&self, long: &str) -> bool {
        self.parsed.values.flag(long)
    }

    /// The value of a flag; the last one when there are several.
    pub fn value(&self, long: &str) -> Option<&'static str> {
        self.parsed.values.value(long)
    }

    /// All values of a flag, in order.
    pub fn values(&self, long: &str) -> Vec<&'static str> {
        self.parsed.values.values(long)
    }

    /// A number from 0.
    ///
    /// # Errors
    /// The value is not a number, or does not fit.
    pub fn number(&self, long: &str) -> Result<Option<u32>> {
        let Some(value) = self.value(long) else { return Ok(None) };
        match u32::from_str(value) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(error!("invalid value \"{value}\" for flag -{long}: parse error")),
        }
    }

    /// The positional arguments, untouched.
    pub fn positionals(&self) -> &[&'static CStr] {
        &self.parsed.positionals
    }

    /// A positional argument as text.
    ///
    /// # Errors
    /// It is not UTF-8.
    pub fn positional(&self, index: usize) -> Result<Option<&'static str>> {
        self.parsed.positionals.get(index).map(|argument| parse::text(argument)).transpose()
    }

    /// The container's id: the first positional argument.
    ///
    /// # Errors
    /// It is not the id of a container.
    pub fn id(&self) -> Result<ContainerId> {
        let Some(argument) = self.parsed.positionals.first() else {
            return Err(Error::new("container id cannot be empty"));
        };
        ContainerId::new(parse::text(argument)?)
    }

    /// The state of the containers, for commands on one that exists.
    ///
    /// # Errors
    /// `container does not exist` when there is no such directory.
    pub fn root(&self) -> Result<Root> {
        let path = &self.globals.root;
        Root::open(path)?.ok_or_else(|| error!("container does not exist: no directory {path}"))
    }

    /// The value of an environment variable; `None` also when it is not UTF-8.
    pub fn variable(&self, name: &str) -> Option<&'static str> {
        variable(self.environment, name)
    }
}

/// The value of `name` in an environment; `None` also when it is not UTF-8.
pub fn variable(environment: &[&'static CStr], name: &str) -> Option<&'static str> {
    environment.iter().find_map(|entry| {
        let (key, value) = entry.to_str().ok()?.split_once('=')?;
        (key == name).then_some(value)
    })
}
