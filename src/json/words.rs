//! Closed sets of words in one string each.
//!
//! A table of `&str` costs a pointer, a length and a relocation an entry; one
//! string with spaces costs a byte. The place of a word in its list is its
//! number.

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
