//! System calls by number, and how a failure is told.

use linux_raw_sys::general::{__NR_exit_group, __NR_write};

/// A system call; a negative value is an errno.
///
/// # Safety
/// As the call of that number asks.
#[inline(always)]
pub unsafe fn raw(number: u32, a: [usize; 6]) -> isize {
    // SAFETY: the caller's promise.
    unsafe { sc::syscall6(number as usize, a[0], a[1], a[2], a[3], a[4], a[5]) as isize }
}

/// The call with its arguments as numbers; the rest are 0.
#[macro_export]
macro_rules! call {
    ($number:ident $(, $argument:expr)*) => {{
        let mut arguments = [0_usize; 6];
        let given = [$($argument as usize),*];
        let mut i = 0;
        while i < given.len() {
            arguments[i] = given[i];
            i += 1;
        }
        // SAFETY: addresses are those of values that live across the call, as
        // strings with their null.
        unsafe { $crate::call::raw(linux_raw_sys::general::$number, arguments) }
    }};
}

/// As [`call!`]; where it fails, the program says which call and ends.
#[macro_export]
macro_rules! must {
    ($number:ident $(, $argument:expr)*) => {{
        let value = $crate::call!($number $(, $argument)*);
        if value < 0 {
            $crate::call::fail(concat!(stringify!($number), ":", line!(), ":", file!()), value);
        }
        value
    }};
}

/// Says what failed, with its errno, and ends.
#[cold]
#[inline(never)]
pub fn fail(what: &str, errno: isize) -> ! {
    let mut text = crate::text::Text::<160>::new();
    text.push(b"floor: ").push(what.as_bytes()).push(b": errno ").number(-errno as u64).push(b"\n");
    // SAFETY: a buffer of our own.
    unsafe { raw(__NR_write, [2, text.address(), text.length(), 0, 0, 0]) };
    exit(1)
}

/// Ends the process.
pub fn exit(status: i32) -> ! {
    loop {
        // SAFETY: takes a number.
        unsafe { raw(__NR_exit_group, [status as usize, 0, 0, 0, 0, 0]) };
    }
}
