//! Numbers that are texts: in files of the kernel, on the command line, in names.

/// The number that the text is, without a sign but `+`, where the type has it. One
/// parser does for all types.
#[inline]
pub fn unsigned<T: TryFrom<u64>>(text: &str) -> Option<T> {
    #[inline(never)]
    fn parse(text: &str) -> Option<u64> {
        text.parse().ok()
    }
    T::try_from(parse(text)?).ok()
}

/// The same with a sign.
#[inline]
pub fn signed<T: TryFrom<i64>>(text: &str) -> Option<T> {
    #[inline(never)]
    fn parse(text: &str) -> Option<i64> {
        text.parse().ok()
    }
    T::try_from(parse(text)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_type() {
        assert_eq!(unsigned::<u8>("255"), Some(255));
        assert_eq!(unsigned::<u8>("256"), None);
        assert_eq!(unsigned("18446744073709551615"), Some(u64::MAX));
        assert_eq!(unsigned::<u64>("18446744073709551616"), None);
        assert_eq!(signed("-2147483648"), Some(i32::MIN));
        assert_eq!(signed::<i32>("2147483648"), None);
        for text in ["", " 1", "1 ", "-", "0x1", "1.0", "-1"] {
            assert_eq!(unsigned::<u32>(text), text.parse().ok(), "{text}");
            assert_eq!(signed::<i32>(text), text.parse().ok(), "{text}");
        }
    }
}
