//! The parser: arguments in, flags with their values and positional arguments
//! out. It knows nothing of any particular command.
//!
//! The rules are those of Go's flag package and of runc: one dash or two mean
//! the same, `--` ends the flags, and a flag may follow positional arguments
//! (unless the command is `verbatim`). Beyond runc, `-dt` means `-d -t` where
//! no flag is called `dt` and both are switches.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::CStr;

use crate::command::flag::Flag;
use crate::cut;
use crate::error;
use crate::error::{Error, Result};
use crate::fault::Quoted;
use crate::json::words;

/// Long names of flags with their values, in the order of the command line.
#[derive(Debug, Default)]
pub struct Values(Vec<(&'static str, &'static str)>);

impl Values {
    /// Whether a switch is on.
    pub fn flag(&self, long: &str) -> bool {
        self.value(long) == Some("true")
    }

    /// The last value of a flag.
    #[inline(never)]
    pub fn value(&self, long: &str) -> Option<&'static str> {
        self.0.iter().rev().find(|(flag, _)| *flag == long).map(|(_, value)| *value)
    }

    /// All values of a flag.
    #[inline(never)]
    pub fn values(&self, long: &str) -> Vec<&'static str> {
        self.0.iter().filter(|(flag, _)| *flag == long).map(|(_, value)| *value).collect()
    }
}

/// What was found on one level of the command line.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The flags.
    pub values: Values,
    /// What is not a flag, in order.
    pub positionals: Vec<&'static CStr>,
    /// `--help` or `-h` was given: nothing after it was looked at.
    pub help: bool,
}

/// Parses `arguments` by the declarations in `flags`. With `verbatim`, the
/// first positional argument and all that follow it are returned untouched.
///
/// # Errors
/// Those of the flags, in the words of Go's flag package, which engines know;
/// and flags that are not UTF-8.
pub fn parse(
    flags: &[Flag],
    arguments: &[&'static CStr],
    verbatim: bool,
) -> Result<&'static Parsed> {
    let parsed = Box::leak(Box::new(Parsed::default()));
    let mut rest = arguments.iter().copied();
    while let Some(argument) = rest.next() {
        let bytes = argument.to_bytes();
        if bytes == b"--" {
            parsed.positionals.extend(rest);
            break;
        }
        if bytes.len() < 2 || bytes[0] != b'-' {
            parsed.positionals.push(argument);
            if verbatim {
                parsed.positionals.extend(rest);
                break;
            }
            continue;
        }
        let text = text(argument)?;
        let double = bytes[1] == b'-';
        let text = cut::from(text, if double { 2 } else { 1 });
        if text.starts_with(['-', '=']) {
            return Err(Error::about("bad flag syntax: {}", self::text(argument)?));
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        if name == "help" || name == "h" {
            parsed.help = true;
            break;
        }
        let Some(flag) = flags.iter().find(|flag| flag.is(name)) else {
            if double || value.is_some() || !switches(flags, name, &mut parsed.values) {
                return Err(Error::about("flag provided but not defined: -{}", name));
            }
            continue;
        };
        let value = match (flag.value(), value) {
            (None, None) => "true",
            (None, Some(value)) => boolean(name, value)?,
            (Some(_), Some(value)) => value,
            (Some(_), None) => match rest.next() {
                Some(value) => self::text(value)?,
                None => {
                    let dashes = if name.len() == 1 { "-" } else { "--" };
                    return Err(Error::about_both("flag needs an argument: {}{}", dashes, name));
                }
            },
        };
        parsed.values.0.push((flag.long(), value));
    }
    Ok(parsed)
}

/// Turns on the switches that the letters of `letters` name; does nothing and
/// returns false when one of them is not the letter of a switch.
fn switches(flags: &[Flag], letters: &str, values: &mut Values) -> bool {
    let find =
        |letter| flags.iter().find(|flag| flag.short() == Some(letter) && flag.value().is_none());
    if letters.chars().any(|letter| find(letter).is_none()) {
        return false;
    }
    values.0.extend(letters.chars().filter_map(find).map(|flag| (flag.long(), "true")));
    true
}

/// `true` or `false`, by the rules of Go's strconv.ParseBool.
///
/// # Errors
/// It is neither.
pub fn boolean(name: &str, value: &str) -> Result<&'static str> {
    match words::index("1 t T true TRUE True 0 f F false FALSE False ", value) {
        Some(..6) => Ok("true"),
        Some(_) => Ok("false"),
        None => {
            Err(Error::about_both("invalid boolean value \"{}\" for -{}: parse error", value, name))
        }
    }
}

/// An argument as text.
///
/// # Errors
/// It is not UTF-8.
pub fn text(argument: &'static CStr) -> Result<&'static str> {
    argument.to_str().map_err(|_| error!("argument {} is not valid UTF-8", Quoted(argument)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};

    static FLAGS: &[Flag] = &[
        Flag("detach, -d: leave"),
        Flag("tty, -t: allocate"),
        Flag("no-subreaper: do not adopt"),
        Flag("format FORMAT, -f: table or json (default: table)"),
        Flag("env NAME=VALUE, -e, repeated: set"),
    ];

    /// The line split at spaces, parsed, and written down again.
    fn check(line: &str, verbatim: bool, expect: &str) {
        let arguments: Vec<&'static CStr> = line
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(|word| {
                let mut bytes = word.as_bytes().to_vec();
                bytes.push(0);
                CStr::from_bytes_with_nul(bytes.leak()).unwrap()
            })
            .collect();
        let got = match parse(FLAGS, &arguments, verbatim) {
            Ok(parsed) => {
                let mut out = String::new();
                for (flag, value) in &parsed.values.0 {
                    out += &format!("{flag}={value} ");
                }
                for positional in &parsed.positionals {
                    out += &format!("[{}] ", positional.to_str().unwrap());
                }
                if parsed.help {
                    out += "help";
                }
                out.trim_ascii_end().to_string()
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expect, "{line}");
    }

    #[test]
    fn flags() {
        check("", false, "");
        check("--detach a", false, "detach=true [a]");
        check("-detach a", false, "detach=true [a]");
        check("-no-subreaper a", false, "no-subreaper=true [a]");
        check("--detach=false a", false, "detach=false [a]");
        check("--detach=maybe", false, "invalid boolean value \"maybe\" for -detach: parse error");
        check("--format json", false, "format=json");
        check("--format=json", false, "format=json");
        check("-f json", false, "format=json");
        check("-f=json", false, "format=json");
        check("-f -", false, "format=-");
        check("-f --detach", false, "format=--detach");
        check("--format=", false, "format=");
        check("-e A=B --env=C=D", false, "env=A=B env=C=D");
        check("-dt a", false, "detach=true tty=true [a]");
        check("-df a", false, "flag provided but not defined: -df");
        check("--dt a", false, "flag provided but not defined: -dt");
        check("--nosuch", false, "flag provided but not defined: -nosuch");
        check("--nosuch=1", false, "flag provided but not defined: -nosuch");
        check("a -f", false, "flag needs an argument: -f");
        check("--format", false, "flag needs an argument: --format");
        check("---d", false, "bad flag syntax: ---d");
        check("--=d", false, "bad flag syntax: --=d");
    }

    #[test]
    fn positionals() {
        check("a --detach b", false, "detach=true [a] [b]");
        check("a -- --detach", false, "[a] [--detach]");
        check("- a", false, "[-] [a]");
        check("-d a --detach -- b", true, "detach=true [a] [--detach] [--] [b]");
        check("-d -- a -- b", true, "detach=true [a] [--] [b]");
        check("a --help --nosuch", false, "[a] help");
        check("a --help", true, "[a] [--help]");
        check("-h", true, "help");
    }

    #[test]
    fn last_value_wins() {
        let arguments = [c"-f", c"a", c"-f", c"b", c"-d", c"-d=0"];
        let parsed = parse(FLAGS, &arguments, false).unwrap();
        assert_eq!(parsed.values.value("format"), Some("b"));
        assert_eq!(parsed.values.value("env"), None);
        assert!(!parsed.values.flag("detach"));
    }

    #[test]
    fn text_must_be_utf8() {
        assert!(parse(FLAGS, &[c"-f", c"\xff"], false).is_err());
        assert_eq!(parse(FLAGS, &[c"a", c"\xff"], true).unwrap().positionals[1], c"\xff");
    }
}
