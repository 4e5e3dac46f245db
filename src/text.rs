//! Text that stays: a command lives for milliseconds and its allocator takes
//! nothing back, so what is formatted once is a `&'static str`. That is two words
//! in registers, can be copied, and there is nothing to drop.
//!
//! For errors, paths and what else is made a few times in a command; not where a
//! command goes round for as long as a container lives.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::string::String;
use core::ffi::CStr;
use core::fmt;

/// The words, formatted: what [`text!`](crate::text!) calls.
#[inline(never)]
pub fn stays(words: fmt::Arguments<'_>) -> &'static str {
    alloc::fmt::format(words).leak()
}

/// A copy that stays.
pub fn keep(text: &str) -> &'static str {
    String::from(text).leak()
}

/// The bytes as text; what is not UTF-8 in them is replaced.
pub fn lossy(bytes: &[u8]) -> &str {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => text.leak(),
    }
}

/// A copy that stays, as the kernel takes it; `None` where there is a null byte in it.
pub fn c_string(text: impl AsRef<[u8]>) -> Option<&'static CStr> {
    keep_c(text.as_ref())
}

#[inline(never)]
fn keep_c(bytes: &[u8]) -> Option<&'static CStr> {
    Some(Box::leak(CString::new(bytes).ok()?.into_boxed_c_str()))
}

/// `format!` into a text that stays.
#[macro_export]
macro_rules! text {
    ($($argument:tt)*) => {
        $crate::text::stays(format_args!($($argument)*))
    };
}
