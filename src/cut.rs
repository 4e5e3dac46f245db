//! Text cut at a byte. Where that is inside of a character or behind the end, the
//! first part is the whole text; core's own ways panic there, and bring all
//! that it takes to show a character in a message.

/// What is before the byte and what begins with it.
#[inline(never)]
pub fn at(text: &str, byte: usize) -> (&str, &str) {
    text.split_at_checked(byte).unwrap_or((text, ""))
}

/// What is before the byte.
pub fn before(text: &str, byte: usize) -> &str {
    at(text, byte).0
}

/// What begins with the byte.
pub fn from(text: &str, byte: usize) -> &str {
    at(text, byte).1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_and_outside() {
        for (byte, parts) in
            [(0, ("", "aé")), (1, ("a", "é")), (2, ("aé", "")), (3, ("aé", "")), (4, ("aé", ""))]
        {
            assert_eq!(at("aé", byte), parts, "{byte}");
        }
    }
}
