//! What a flag and a command are. Both are declared once, as data: the parser,
//! the help pages, the completions and the man pages all read the declaration.

use crate::command::Invocation;
use crate::cut;
use crate::error::Result;

/// A flag of the program or of one of its commands, in one text:
/// `NAME VALUE, -N, repeated, hidden: HELP (default: DEFAULT)`. All but the name
/// and the help may be missing.
///
/// One text, since each field of its own would be a pointer and a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag(pub &'static str);

impl Flag {
    /// What is before the help, and the help with the default.
    fn halves(self) -> (&'static str, &'static str) {
        let colon = self.0.as_bytes().windows(2).position(|pair| pair == b": ");
        let end = colon.unwrap_or(self.0.len());
        (cut::before(self.0, end), cut::from(self.0, end + 2))
    }

    /// The long name, without dashes: accepted after one dash or two, as Go
    /// programs do.
    pub fn long(self) -> &'static str {
        let end = self.0.bytes().position(|byte| matches!(byte, b' ' | b',' | b':'));
        cut::before(self.0, end.unwrap_or(self.0.len()))
    }

    /// The metavariable of the value in the help; `None` is a switch, which
    /// takes `=true` and `=false` only.
    pub fn value(self) -> Option<&'static str> {
        let rest = cut::from(self.halves().0, self.long().len()).strip_prefix(' ')?;
        rest.split(',').next()
    }

    /// What follows a comma before the help.
    fn marks(self) -> impl Iterator<Item = &'static str> {
        self.halves().0.split(',').skip(1)
    }

    /// The name of one letter.
    pub fn short(self) -> Option<char> {
        self.marks().find_map(|mark| mark.strip_prefix(" -"))?.chars().next()
    }

    /// May be given many times, each value counts. Others: the last one wins.
    pub fn repeat(self) -> bool {
        self.marks().any(|mark| mark == " repeated")
    }

    /// Accepted, but not shown.
    pub fn hidden(self) -> bool {
        self.halves().0.ends_with(", hidden")
    }

    /// One sentence, with the default after it.
    pub fn text(self) -> &'static str {
        self.halves().1
    }

    /// The sentence alone.
    pub fn help(self) -> &'static str {
        self.text().split_once(" (default: ").map_or(self.text(), |(help, _)| help)
    }

    /// The default as the help shows it.
    pub fn default(self) -> Option<&'static str> {
        self.text().split_once(" (default: ")?.1.strip_suffix(')')
    }

    /// Whether `name`, without dashes, means this flag.
    pub fn is(self, name: &str) -> bool {
        if self.long() == name {
            return true;
        }
        let mut letters = name.chars();
        let letter = letters.next();
        letters.next().is_none() && letter.is_some() && self.short() == letter
    }
}

/// A command of the program.
#[derive(Debug)]
pub struct Command {
    /// Its name and arguments, then, each from a line of its own on, the summary and
    /// what else there is to say: see [`Texts`].
    pub text: &'static str,
    /// Its flags, in the order of the help.
    pub flags: &'static [Flag],
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

/// What [`Command::text`] says.
#[derive(Debug)]
pub struct Texts {
    /// The word on the command line.
    pub name: &'static str,
    /// What follows the flags, for the help: `<container-id> [signal]`.
    pub arguments: &'static str,
    /// Half a sentence for the list of commands.
    pub summary: &'static str,
    /// More, for the command's own page; may be empty.
    pub description: &'static str,
}

impl Command {
    /// The word on the command line, without the rest: each start asks all commands.
    pub fn name(&self) -> &'static str {
        let end = self.text.bytes().position(|byte| matches!(byte, b' ' | b'\n'));
        cut::before(self.text, end.unwrap_or(self.text.len()))
    }

    /// The text taken apart.
    pub fn texts(&self) -> Texts {
        let (first, rest) = halves(self.text, '\n');
        let (name, arguments) = halves(first, ' ');
        let (summary, description) = halves(rest, '\n');
        Texts { name, arguments, summary, description }
    }
}

/// What is before the first such character, or all, and what is behind it.
fn halves(text: &'static str, character: char) -> (&'static str, &'static str) {
    text.split_once(character).unwrap_or((text, ""))
}

/// No limit on the number of positional arguments.
pub const MANY: u8 = u8::MAX;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_has_it_all() {
        let flag = Flag("map A:B[:C], -m, repeated: as this: that (default: a: b)");
        assert_eq!((flag.long(), flag.value(), flag.short()), ("map", Some("A:B[:C]"), Some('m')));
        assert_eq!((flag.help(), flag.default()), ("as this: that", Some("a: b")));
        assert!(flag.repeat() && !flag.hidden() && flag.is("map") && flag.is("m"));
        assert!(["map A:B[:C]", "map A", "ma", "mm", "M", ""].iter().all(|name| !flag.is(name)));
        let flag = Flag("no-pivot, hidden: a-b, -c, repeated (so)");
        assert_eq!((flag.long(), flag.value(), flag.short()), ("no-pivot", None, None));
        assert_eq!((flag.help(), flag.default()), ("a-b, -c, repeated (so)", None));
        assert!(!flag.repeat() && flag.hidden() && !flag.is("c"));
        assert_eq!(flag.text(), flag.help());
    }
}
