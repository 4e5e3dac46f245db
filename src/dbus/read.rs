//! Reading what came over the wire: nothing in it is trusted.

/// Bytes with a position in them. Every read is `None` where the bytes end too
/// early or are not what they should be.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`, where alignment counts from.
    pub fn new(bytes: &'a [u8], big_endian: bool) -> Reader<'a> {
        Reader { bytes, at: 0, big_endian }
    }

    /// The position.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes on to the next multiple of the alignment.
    pub fn align(&mut self, alignment: usize) -> Option<()> {
        self.at = self.at.checked_next_multiple_of(alignment)?;
        (self.at <= self.bytes.len()).then_some(())
    }

    /// The next bytes as they are.
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    /// A byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    /// A number of 32 bits.
    pub fn u32(&mut self) -> Option<u32> {
        self.align(4)?;
        let bytes = self.take(4)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    /// A string or an object path.
    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.u32()?;
        self.ended(length as usize)
    }

    /// A signature.
    pub fn signature(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        self.ended(length.into())
    }

    /// The string that a variant holds.
    pub fn variant_text(&mut self) -> Option<&'a str> {
        match self.signature()? {
            "s" | "o" => self.text(),
            _ => None,
        }
    }

    /// UTF-8 of this length, with a zero after it.
    fn ended(&mut self, length: usize) -> Option<&'a str> {
        let text = core::str::from_utf8(self.take(length)?).ok()?;
        (self.byte()? == 0).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_byte_orders() {
        let mut little = Reader::new(b"\x07\0\0\0\x02\0\0\0ab\0\x01s\0\0\0\x01\0\0\0c\0", false);
        assert_eq!((little.byte(), little.text()), (Some(7), Some("ab")));
        assert_eq!(little.variant_text(), Some("c"));
        let mut big = Reader::new(b"\0\0\0\x02ab\0", true);
        assert_eq!(big.text(), Some("ab"));
    }

    #[test]
    fn nothing_beyond_the_end() {
        for broken in [
            &b""[..],
            b"\x02\0\0",
            b"\x02\0\0\0a",
            b"\x02\0\0\0ab",
            b"\x02\0\0\0abc",
            b"\x01\0\0\0\xff\0",
            b"\xff\xff\xff\xffab\0",
        ] {
            assert_eq!(Reader::new(broken, false).text(), None, "{broken:?}");
        }
        let mut reader = Reader::new(b"abc", false);
        assert_eq!(reader.take(usize::MAX), None);
        assert_eq!((reader.byte(), reader.align(8)), (Some(b'a'), None));
        for variant in [&b"\x01u\0\0\x01\0\0\0"[..], b"\x01s", b"\xffs\0", b"\x01s\x01"] {
            assert_eq!(Reader::new(variant, false).variant_text(), None, "{variant:?}");
        }
    }
}
