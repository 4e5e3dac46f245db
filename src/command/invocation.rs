//! One call of the program, parsed: what every command gets.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::ops::Deref;
use core::str::FromStr;

use crate::command::flag::Command;
use crate::command::parse::{self, Parsed};
use crate::container::ContainerId;
use crate::error::{Error, Result};
use crate::request::Caller;

/// A command with its flags, arguments and surroundings.
#[derive(Debug)]
pub struct Invocation {
    /// What the program calls itself: `ocinit`, `runc` or `crun`.
    pub program: &'static str,
    /// The command.
    pub command: &'static Command,
    /// Who called, and how.
    pub caller: Caller,
    pub(super) parsed: &'static Parsed,
}

impl Deref for Invocation {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
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

    /// The same, where an empty text is none, as for runc.
    pub fn text(&self, long: &str) -> Option<&'static str> {
        self.value(long).filter(|value| !value.is_empty())
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
            Err(_) => Err(Error::about_both(
                "invalid value \"{}\" for flag -{}: parse error",
                value,
                long,
            )),
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
}
