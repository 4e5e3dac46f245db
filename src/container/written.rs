//! A state as [`State::to_json`] writes it, read in one pass and without a tree:
//! `list` reads thousands, and each command at least one.
//!
//! Only those very bytes are taken: the properties in their order, no blanks, keys
//! that are sorted once and occur once, no escape but of quotes and backslashes.
//! A text that is all of this to its end is JSON, and what comes out is what the
//! tree would have given. Anything else, which another version may have written, or
//! nobody, is `None` and left to the reader of the tree.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::cgroup::Group;
use crate::cgroup::systemd::Unit;
use crate::container::{Cgroups, ContainerId, State};
use crate::number;
use crate::{cut, rdt};

/// Reads it; `None` where a byte is another one.
#[inline(never)]
pub(super) fn read(text: &'static [u8]) -> Option<&'static mut State> {
    let mut text = Text { rest: core::str::from_utf8(text).ok()? };
    // In the order in which they are written.
    let state = Box::leak(Box::new(State {
        oci_version: text.string("{\"ociVersion\":\""),
        id: ContainerId::new(text.string(",\"id\":\"")).ok()?,
        pid: text.number(",\"pid\":").try_into().ok()?,
        start_time: text.number(",\"startTime\":"),
        bundle: text.string(",\"bundle\":\""),
        rootfs: text.string(",\"rootfs\":\""),
        created: text.string(",\"created\":\""),
        annotations: text.annotations(),
        cgroups: text.cgroups(),
        rdt: rdt::Group::default(),
        rootless: text.flag(",\"rootless\":"),
        systemd: text.unit(),
        unfiltered: text.skip(",\"unfiltered\":true"),
        own_keyring: text.flag(",\"ownKeyring\":"),
        new_namespaces: text.number(",\"newNamespaces\":") as u32,
        listener_path: text.string(",\"listenerPath\":\""),
        listener_metadata: text.string(",\"listenerMetadata\":\""),
        descriptors: text.descriptors(),
        hooks: text.string(",\"hooks\":\""),
        limits: text.string(",\"limits\":\""),
    }));
    (text.rest == "}").then_some(state)
}

/// What is left of the text: nothing as soon as something is not as expected, so
/// that nothing that follows is either.
struct Text {
    rest: &'static str,
}

impl Text {
    fn fail(&mut self) {
        self.rest = "";
    }

    /// Goes past these words; whether they come next.
    #[inline(never)]
    fn skip(&mut self, words: &str) -> bool {
        let rest = self.rest.strip_prefix(words);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Goes past these words, which must come next.
    #[inline(never)]
    fn expect(&mut self, words: &str) {
        self.rest = self.rest.strip_prefix(words).unwrap_or_default();
    }

    /// The string that these words and its quote open.
    #[inline(never)]
    fn string(&mut self, before: &str) -> &'static str {
        self.expect(before);
        let mut whole = String::new();
        let special = |byte: u8| matches!(byte, b'"' | b'\\' | 0..0x20);
        while let Some(at) = self.rest.bytes().position(special) {
            let (run, rest) = cut::at(self.rest, at);
            match rest.as_bytes() {
                [b'"', ..] => {
                    self.rest = cut::from(rest, 1);
                    if whole.is_empty() {
                        return run;
                    }
                    whole.push_str(run);
                    return whole.leak();
                }
                [b'\\', b'"' | b'\\', ..] => {
                    whole.push_str(run);
                    whole.push_str(cut::before(cut::from(rest, 1), 1));
                    self.rest = cut::from(rest, 2);
                }
                _ => break,
            }
        }
        self.fail();
        ""
    }

    /// The number from 0 to 2^64 - 1 after these words.
    #[inline(never)]
    fn number(&mut self, before: &str) -> u64 {
        self.expect(before);
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = cut::at(self.rest, digits);
        self.rest = rest;
        // More than one digit that begins with a zero is no JSON.
        if digits > 1 && number.starts_with('0') {
            self.fail();
        }
        number::unsigned(number).unwrap_or_else(|| {
            self.fail();
            0
        })
    }

    /// The boolean after these words.
    #[inline(never)]
    fn flag(&mut self, before: &str) -> bool {
        self.expect(before);
        let yes = self.skip("true");
        if !yes {
            self.expect("false");
        }
        yes
    }

    /// Visits the strings of the object that these words open.
    #[inline(never)]
    fn map(&mut self, before: &str, visit: &mut dyn FnMut(&'static str, &'static str)) {
        self.expect(before);
        let mut separator = "\"";
        while !self.skip("}") && !self.rest.is_empty() {
            let name = self.string(separator);
            visit(name, self.string(":\""));
            separator = ",\"";
        }
    }

    fn annotations(&mut self) -> Vec<(&'static str, &'static str)> {
        let mut annotations: Vec<(&str, &str)> = Vec::new();
        let mut sorted = true;
        self.map(",\"annotations\":{", &mut |name, value| {
            sorted &= annotations.last().is_none_or(|(last, _)| *last < name);
            annotations.push((name, value));
        });
        if !sorted {
            self.fail();
        }
        annotations
    }

    /// The cgroups: sorted by their controllers, and the unified one, which has no
    /// words for them, the last.
    fn cgroups(&mut self) -> Cgroups {
        let mut groups: Vec<Group> = Vec::new();
        let mut once = true;
        self.map(",\"cgroups\":{\"paths\":{", &mut |controllers, directory| {
            groups.push(Group { unified: controllers.is_empty(), controllers, directory });
            for pair in (1..groups.len()).rev() {
                let [before, after] =
                    [pair - 1, pair].map(|at| (groups[at].unified, groups[at].controllers));
                once &= before != after;
                if before <= after {
                    break;
                }
                groups.swap(pair - 1, pair);
            }
        });
        self.expect("}");
        if !once {
            self.fail();
        }
        Cgroups { groups }
    }

    fn unit(&mut self) -> Option<Unit> {
        if !self.skip(",\"systemd\":{") {
            return None;
        }
        let name = self.string("\"unit\":\"");
        let user = self.flag(",\"user\":");
        let bus = self.string(",\"bus\":\"");
        self.expect("}");
        if name.is_empty() || bus.is_empty() {
            self.fail();
        }
        Some(Unit { name, user, bus })
    }

    fn descriptors(&mut self) -> [&'static str; 3] {
        if !self.skip(",\"descriptors\":[") {
            return [""; 3];
        }
        let names = ["\"", ",\"", ",\""].map(|before| self.string(before));
        self.expect("]");
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::sample_state;
    use alloc::format;

    fn sample() -> State {
        let group = |unified, controllers, directory| Group { unified, controllers, directory };
        let groups = alloc::vec![
            group(false, "cpu,cpuacct", "/c/cpu/x"),
            group(false, "pids", "/c/\"pids\"/x"),
            group(true, "", "/c/unified/x"),
        ];
        State {
            rdt: rdt::Group::default(),
            cgroups: Cgroups { groups },
            annotations: alloc::vec![("a", "\\é\""), ("b", "")],
            ..sample_state()
        }
    }

    /// What this reader and that of the tree make of a text.
    fn both(text: &str) -> [Option<alloc::string::String>; 2] {
        let text = crate::text::keep(text).as_bytes();
        let tree = State::from_any_json(text).ok().flatten();
        [read(text), tree].map(|state| state.map(|state| format!("{state:?}")))
    }

    #[test]
    fn what_is_written_is_read() {
        let bare = State {
            annotations: Vec::new(),
            cgroups: Cgroups::default(),
            systemd: None,
            unfiltered: false,
            rootless: true,
            own_keyring: false,
            descriptors: [""; 3],
            hooks: "",
            start_time: 0,
            ..sample()
        };
        for state in [sample(), bare] {
            let [here, tree] = both(&state.to_json());
            assert_eq!(here, Some(format!("{state:?}")));
            assert_eq!(here, tree);
        }
    }

    #[test]
    fn the_order_of_cgroups_does_not_matter() {
        let mut state = sample();
        state.cgroups.groups.reverse();
        assert_eq!(both(&state.to_json())[0], Some(format!("{:?}", sample())));
    }

    #[test]
    fn whatever_else_is_read_is_what_the_tree_says() {
        let text = sample().to_json();
        let mut read = 0;
        let others = ["", "\"", "\\", "}", "0", "-", "a", "\t", " ", ",", "\0", "\\\\", "\\n"];
        for (at, _) in text.char_indices() {
            let before = cut::before(&text, at);
            let after = cut::from(&text, at).chars().skip(1).collect::<String>();
            for other in others {
                let [here, tree] = both(&format!("{before}{other}{after}"));
                assert!(here.is_none() || here == tree, "{before}{other}{after}");
                read += usize::from(here.is_some());
            }
            assert_eq!(both(before)[0], None);
        }
        assert!(read > 1000, "{read}");
    }

    #[test]
    fn what_occurs_twice_is_left_to_the_tree() {
        let text = sample().to_json();
        for (once, twice) in [
            (r#""b":"""#, r#""b":"","b":"x""#),
            (r#""b":"""#, r#""b":"","a":"x""#),
            (r#""cpu,cpuacct":"#, r#""pids":"","cpu,cpuacct":"#),
            (r#""cpu,cpuacct":"#, r#""":"","cpu,cpuacct":"#),
        ] {
            let [here, tree] = both(&text.replacen(once, twice, 1));
            assert!(here.is_none() && tree.is_some(), "{twice}");
        }
    }
}
