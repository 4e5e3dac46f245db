//! The command line: flags of the program, the command, its flags, and values
//! with a form of their own.

use ocinit::command::{COMMANDS, globals, parse, quantity};
use ocinit::container::ContainerId;
use ocinit::spec::{capability, signal};
use std::collections::HashSet;
use std::ffi::CStr;
use std::sync::{LazyLock, Mutex};

/// Words that are kept: arguments live as long as the program, so those that
/// were tried are never freed. What comes after that many is not tried.
const KEPT: usize = 1 << 19;

static WORDS: LazyLock<Mutex<HashSet<&'static CStr>>> = LazyLock::new(Mutex::default);

/// Parses the lines of the bytes as arguments, as far as `ocinit::main` goes
/// before the command runs.
pub fn check(data: &[u8]) {
    let Some(arguments) = data.split(|byte| *byte == b'\n').map(keep).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let Ok(parsed) = parse::parse(globals::FLAGS, &arguments, true) else { return };
    let _ = globals::read("ocinit", &parsed.values, &[]);
    let Some((name, rest)) = parsed.positionals.split_first() else { return };
    let Some(command) =
        COMMANDS.iter().find(|command| command.name().as_bytes() == name.to_bytes())
    else {
        return;
    };
    let Ok(parsed) = parse::parse(command.flags, rest, command.verbatim) else { return };
    assert!(parsed.positionals.len() <= rest.len());
    let given = command.flags.iter().flat_map(|flag| parsed.values.values(flag.long()));
    for text in given.chain(parsed.positionals.iter().filter_map(|word| word.to_str().ok())) {
        values(text);
    }
}

fn values(text: &str) {
    let _ = quantity::duration(text);
    if let Ok(bytes) = quantity::bytes(text) {
        assert!(bytes >= 0, "{text}");
    }
    let _ = signal::number(text).map(signal::name);
    let _ = capability::number(text);
    if let Ok(id) = ContainerId::new(text) {
        assert!(!id.as_str().contains('/') && ![".", "..", ""].contains(&id.as_str()));
    }
}

fn keep(word: &[u8]) -> Option<&'static CStr> {
    let mut words = WORDS.lock().expect("no panic while it is held");
    let word = CStr::from_bytes_until_nul(&[word, b"\0"].concat()).ok()?.to_owned();
    if let Some(known) = words.get(word.as_c_str()) {
        return Some(*known);
    }
    if words.len() == KEPT {
        return None;
    }
    let word: &'static CStr = Box::leak(word.into_boxed_c_str());
    words.insert(word);
    Some(word)
}
