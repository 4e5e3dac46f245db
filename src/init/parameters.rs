//! The kernel's command line, taken apart as the kernel does it
//! (lib/cmdline.c, `next_arg`): blanks part parameters, but not within quotes.

use crate::text;
use alloc::string::String;

/// The parameters for us, in their order: the name without `ocinit.`, and the
/// value. One without a value is switched on: its value is `true`.
pub fn parameters(line: &str) -> impl Iterator<Item = (String, String)> + '_ {
    words(line).filter_map(|word| {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, value),
            None => (&*word, "true"),
        };
        // To the kernel both signs are one.
        let name = text::replaced(name, b'_', "-");
        let name = name.strip_prefix("ocinit.")?;
        Some((String::from(name), String::from(value)))
    })
}

/// The words of the line, without their quotes.
fn words(line: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = line.chars();
    core::iter::from_fn(move || {
        let mut word = String::new();
        let (mut quoted, mut any) = (false, false);
        for char in rest.by_ref() {
            match char {
                '"' => (quoted, any) = (!quoted, true),
                _ if !quoted && char.is_ascii_whitespace() => {
                    if any {
                        return Some(word);
                    }
                }
                _ => {
                    word.push(char);
                    any = true;
                }
            }
        }
        any.then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn lines() {
        let check = |line: &str, expect: &[(&str, &str)]| {
            let found: Vec<(String, String)> = parameters(line).collect();
            let found: Vec<(&str, &str)> = found.iter().map(|(n, v)| (&**n, &**v)).collect();
            assert_eq!(found, expect, "{line:?}");
        };
        check("", &[]);
        check("quiet root=/dev/sda ocinitx.a=b xocinit.a=b ocinit\n", &[]);
        check("ocinit.bundle=/a quiet ocinit.debug\n", &[("bundle", "/a"), ("debug", "true")]);
        check("  ocinit.on_exit=halt  ocinit.on-exit= ", &[("on-exit", "halt"), ("on-exit", "")]);
        check("ocinit.a=\"b c\" ocinit.d=e", &[("a", "b c"), ("d", "e")]);
        check("\"ocinit.a=b c\" x", &[("a", "b c")]);
        check("ocinit.a=\"b c", &[("a", "b c")]);
        check("ocinit.a=b=c ocinit.a=\"\"", &[("a", "b=c"), ("a", "")]);
        check("x -- ocinit.a=é", &[("a", "é")]);
    }
}
