//! Text cut at a byte. Where that is inside of a character or behind the end, the
//! first part is the whole text; core's own ways panic there, and bring all
//! that it takes to show a character in a message. Bytes are cut in the same way:
//! each place that may panic is a call, and 24 bytes that say where it is.

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

/// What is before the last such byte, and what is behind it. It is one of ASCII.
#[inline(never)]
pub fn at_last(text: &str, byte: u8) -> Option<(&str, &str)> {
    let place = text.bytes().rposition(|other| other == byte)?;
    Some((before(text, place), from(text, place + 1)))
}

/// The parts of a text between bytes of that kind. A machine has thousands of
/// mounts, and core's search for a character is made for long texts.
pub fn split(text: &str, byte: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        match text.bytes().position(|other| other == byte) {
            Some(end) => {
                rest = text.get(end + 1..);
                text.get(..end)
            }
            None => rest.take(),
        }
    })
}

/// The first of the bytes, as many as were read; all where there are fewer.
#[inline]
pub fn first(bytes: &[u8], length: usize) -> &[u8] {
    bytes.get(..length).unwrap_or(bytes)
}

/// The bytes from this one on; none behind the end.
#[inline]
pub fn rest(bytes: &[u8], from: usize) -> &[u8] {
    bytes.get(from..).unwrap_or_default()
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
        assert_eq!(at_last("/aé/b", b'/'), Some(("/aé", "b")));
        assert_eq!(at_last("/", b'/'), Some(("", "")));
        assert_eq!(at_last("aé", b'/'), None);
        assert_eq!([0, 1, 2, 3].map(|length| first(b"ab", length)), [&b""[..], b"a", b"ab", b"ab"]);
        assert_eq!([0, 1, 2, 3].map(|from| rest(b"ab", from)), [&b"ab"[..], b"b", b"", b""]);
    }
}
