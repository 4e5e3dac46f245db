//! What a flag and a command are. Both are declared once, as data: the parser,
//! the help pages, the completions and the man pages all read the declaration.

use crate::command::Invocation;
use crate::error::Result;

/// A flag of the program or of one of its commands.
#[derive(Debug)]
pub struct Flag {
    /// The long name, without dashes: accepted after one dash or two, as Go
    /// programs do.
    pub long: &'static str,
    /// The name of one letter.
    pub short: Option<char>,
    /// The metavariable of the value in the help; `None` is a switch, which
    /// takes `=true` and `=false` only.
    pub value: Option<&'static str>,
    /// May be given many times, each value counts. Others: the last one wins.
    pub repeat: bool,
    /// The default as the help shows it.
    pub default: Option<&'static str>,
    /// One sentence.
    pub help: &'static str,
    /// Accepted, but not shown.
    pub hidden: bool,
}

impl Flag {
    /// A flag that is there or not.
    pub const fn switch(long: &'static str, help: &'static str) -> Flag {
        Flag { long, short: None, value: None, repeat: false, default: None, help, hidden: false }
    }

    /// A flag with a value, called `value` in the help.
    pub const fn value(long: &'static str, value: &'static str, help: &'static str) -> Flag {
        let mut flag = Flag::switch(long, help);
        flag.value = Some(value);
        flag
    }

    /// With a name of one letter.
    pub const fn short(mut self, short: char) -> Flag {
        self.short = Some(short);
        self
    }

    /// May be given many times.
    pub const fn repeat(mut self) -> Flag {
        self.repeat = true;
        self
    }

    /// Shows this default in the help.
    pub const fn default(mut self, default: &'static str) -> Flag {
        self.default = Some(default);
        self
    }

    /// Not shown in the help.
    pub const fn hidden(mut self) -> Flag {
        self.hidden = true;
        self
    }

    /// Whether `name`, without dashes, means this flag.
    pub fn is(&self, name: &str) -> bool {
        if self.long == name {
            return true;
        }
        let mut letters = name.chars();
        self.short.is_some() && letters.next() == self.short && letters.next().is_none()
    }
}

/// A command of the program.
#[derive(Debug)]
pub struct Command {
    /// The word on the command line.
    pub name: &'static str,
    /// What follows the flags, for the help: `<container-id> [signal]`.
    pub arguments: &'static str,
    /// Half a sentence for the list of commands.
    pub summary: &'static str,
    /// More, for the command's own page; may be empty.
    pub description: &'static str,
    /// Its flags, in the order of the help.
    pub flags: &'static [&'static Flag],
    /// The fewest positional arguments.
    pub min: u8,
    /// The most positional arguments; [`MANY`] is any number.
    pub max: u8,
    /// The first positional argument ends the flags: the rest belongs to
    /// another program.
    pub verbatim: bool,
    /// The exit status of a failure that does not ask for another one.
    pub failure: u8,
    /// Does it. The value is the exit status.
    pub run: fn(&Invocation) -> Result<u8>,
}

/// No limit on the number of positional arguments.
pub const MANY: u8 = u8::MAX;
