//! Text in a buffer of a fixed size, with a null byte after it.

/// Text of fewer than `N` bytes; what is more is dropped.
pub struct Text<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Text<N> {
    /// No text.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Text<N> {
        Text { bytes: [0; N], length: 0 }
    }

    /// Adds bytes.
    pub fn push(&mut self, more: &[u8]) -> &mut Text<N> {
        for byte in more {
            if self.length + 1 < N {
                self.bytes[self.length] = *byte;
                self.length += 1;
            }
        }
        self
    }

    /// Adds a number in decimal.
    pub fn number(&mut self, value: u64) -> &mut Text<N> {
        let mut digits = [0; 20];
        let (mut at, mut value) = (digits.len(), value);
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                return self.push(&digits[at..]);
            }
        }
    }

    /// Where it is, for a system call.
    pub fn address(&self) -> usize {
        self.bytes.as_ptr() as usize
    }

    /// The bytes, without the null byte.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Its length without the null byte.
    pub fn length(&self) -> usize {
        self.length
    }
}
