//! Closed sets of words in one string each.
//!
//! A table of `&str` costs a pointer, a length and a relocation an entry; one
//! string with spaces costs a byte. The place of a word in its list is its
//! number.

use core::cmp::Ordering;

/// The place of `word` in a list of words, each followed by a space.
pub fn index(list: &'static str, word: &str) -> Option<usize> {
    // By bytes: a search for a character in a text is made for long texts, and
    // this one was a quarter of all instructions of a plan.
    let mut rest = list.as_bytes();
    let mut number = 0;
    loop {
        let end = rest.iter().position(|byte| *byte == b' ')?;
        if rest[..end] == *word.as_bytes() {
            return Some(number);
        }
        rest = &rest[end + 1..];
        number += 1;
    }
}

/// The word at a place in the list, `""` beyond its end.
pub fn nth(list: &'static str, index: usize) -> &'static str {
    iter(list).nth(index).unwrap_or("")
}

/// The words of a list, in order.
pub fn iter(list: &'static str) -> impl Iterator<Item = &'static str> {
    list.split_terminator(' ')
}

/// How many words a binary search leaves to be read one by one.
const STEP: usize = 4;

/// How many offsets a sorted list of so many words has.
pub const fn steps(words: usize) -> usize {
    words.div_ceil(STEP)
}

/// Where each fourth word of a sorted list begins, for [`search`].
pub const fn offsets<const COUNT: usize>(list: &str) -> [u16; COUNT] {
    let bytes = list.as_bytes();
    let mut offsets = [0; COUNT];
    let (mut at, mut word) = (0, 0);
    while at < bytes.len() {
        if at == 0 || bytes[at - 1] == b' ' {
            if word % STEP == 0 {
                offsets[word / STEP] = at as u16;
            }
            word += 1;
        }
        at += 1;
    }
    assert!(steps(word) == COUNT);
    offsets
}

/// The place of `word` in a sorted list with a space between its words.
pub fn search(list: &str, offsets: &[u16], word: &str) -> Option<usize> {
    // Two words of the list are none.
    if word.as_bytes().contains(&b' ') {
        return None;
    }
    let not_after = |at: &u16| compare(list, usize::from(*at), word) != Ordering::Greater;
    let block = offsets.partition_point(not_after).checked_sub(1)?;
    let mut at = usize::from(offsets[block]);
    for place in block * STEP..(block + 1) * STEP {
        if compare(list, at, word) == Ordering::Equal {
            return Some(place);
        }
        let rest = list.as_bytes().get(at..)?;
        at += rest.iter().position(|byte| *byte == b' ')? + 1;
    }
    None
}

/// Compares the word that begins there with one that has no space.
fn compare(list: &str, at: usize, word: &str) -> Ordering {
    let (list, word) = (list.as_bytes(), word.as_bytes());
    // A space, which ends both, is less than what is in words.
    let byte = |bytes: &[u8], at| bytes.get(at).copied().unwrap_or(b' ');
    let mut place = 0;
    loop {
        let (left, right) = (byte(list, at + place), byte(word, place));
        if left != right || left == b' ' {
            return left.cmp(&right);
        }
        place += 1;
    }
}

/// Declares an enum whose values are words of the specification.
///
/// `NAMES` is the list of the words in the order of declaration.
#[macro_export]
macro_rules! closed_set {
    (
        $(#[$outer:meta])*
        pub enum $Name:ident { $($(#[$inner:meta])* $Variant:ident = $word:literal,)+ }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum $Name { $($(#[$inner])* $Variant,)+ }

        impl $Name {
            /// The words of the specification, in the order of the variants,
            /// each followed by a space.
            pub const NAMES: &'static str = concat!($($word, " "),+);
            /// Every value, in the order of the names.
            pub const ALL: &'static [$Name] = &[$($Name::$Variant),+];

            /// The specification's word for the value.
            pub fn name(self) -> &'static str {
                $crate::json::words::nth(Self::NAMES, self as usize)
            }

            /// The value of a property that must hold one of the words.
            #[allow(dead_code)]
            fn required(node: &$crate::json::Node<'_, '_>, name: &str) -> Self {
                Self::at(node.required_word(name, Self::NAMES))
            }

            /// The value at a place in the list, the first beyond its end.
            #[allow(dead_code)]
            fn at(index: usize) -> Self {
                Self::ALL.get(index).copied().unwrap_or(Self::ALL[0])
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const SORTED: &str = "a ab abc b ba d";
    const OFFSETS: [u16; steps(6)] = offsets(SORTED);

    #[test]
    fn every_word_is_found_and_nothing_else() {
        for (place, word) in SORTED.split(' ').enumerate() {
            assert_eq!(search(SORTED, &OFFSETS, word), Some(place), "{word}");
        }
        for word in ["", " ", "A", "aa", "abcd", "a ab", "bb", "c", "d ", "e"] {
            assert_eq!(search(SORTED, &OFFSETS, word), None, "{word}");
        }
    }
}
