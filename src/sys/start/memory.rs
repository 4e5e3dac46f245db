//! memcpy and its family, which the compiler calls by name.
//!
//! x86_64 uses the string instructions, which are small and fast for much; they
//! take their time to begin, so a few bytes are copied as two words. Other architectures copy word by word where
//! both sides are aligned.

#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn copy_forward(to: *mut u8, from: *const u8, n: usize) {
    // SAFETY: the caller gives n readable and n writable bytes, and the words are
    // within them. Both are read before one is written.
    unsafe {
        if let 8..=16 = n {
            let (first, last) = (from as *const u64, from.add(n - 8) as *const u64);
            let (first, last) = (first.read_unaligned(), last.read_unaligned());
            (to as *mut u64).write_unaligned(first);
            return (to.add(n - 8) as *mut u64).write_unaligned(last);
        }
    }
    // SAFETY: the caller gives n readable and n writable bytes; the direction
    // flag is clear by the ABI.
    unsafe {
        core::arch::asm!("rep movsb", inout("rcx") n => _, inout("rdi") to => _,
            inout("rsi") from => _, options(nostack, preserves_flags));
    }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
unsafe fn copy_forward(to: *mut u8, from: *const u8, n: usize) {
    const WORD: usize = size_of::<usize>();
    let mut i = 0;
    // SAFETY: the caller gives n readable and n writable bytes; words are only
    // touched where both addresses are aligned and WORD bytes are left.
    unsafe {
        if (to as usize | from as usize).is_multiple_of(WORD) {
            while i + WORD <= n {
                let word = core::ptr::read_volatile(from.add(i) as *const usize);
                *(to.add(i) as *mut usize) = word;
                i += WORD;
            }
        }
        while i < n {
            *to.add(i) = core::ptr::read_volatile(from.add(i));
            i += 1;
        }
    }
}

/// C's memcpy.
///
/// # Safety
/// As in C: `n` bytes readable at `from` and writable at `to`, not overlapping.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { copy_forward(to, from, n) };
    to
}

/// C's memmove.
///
/// # Safety
/// As in C: `n` bytes readable at `from` and writable at `to`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    // SAFETY: the caller's promise; copying backward is needed only where the
    // destination starts inside the source.
    unsafe {
        if (to as usize).wrapping_sub(from as usize) >= n {
            copy_forward(to, from, n);
        } else {
            let mut i = n;
            while i > 0 {
                i -= 1;
                *to.add(i) = core::ptr::read_volatile(from.add(i));
            }
        }
    }
    to
}

/// What memset does, without a call: the compiler's calls of memset need an
/// address that is relocated.
///
/// # Safety
/// `n` bytes must be writable at `to`.
#[inline(always)]
pub unsafe fn fill(to: *mut u8, byte: u8, n: usize) {
    // SAFETY: the caller's promise; the volatile write keeps the compiler from
    // turning the loop into a call of memset.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!("rep stosb", inout("rcx") n => _, inout("rdi") to => _,
            in("al") byte, options(nostack, preserves_flags));
        #[cfg(not(target_arch = "x86_64"))]
        for i in 0..n {
            core::ptr::write_volatile(to.add(i), byte);
        }
    }
}

/// C's memset.
///
/// # Safety
/// As in C: `n` bytes writable at `to`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memset(to: *mut u8, byte: i32, n: usize) -> *mut u8 {
    // SAFETY: the caller's promise.
    unsafe { fill(to, byte as u8, n) };
    to
}

/// C's memcmp.
///
/// # Safety
/// As in C: `n` bytes readable at both addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    let mut i = 0;
    // SAFETY: the caller's promise, with i + 8 <= n.
    while i + 8 <= n
        && unsafe {
            let word = |at: *const u8| (at.add(i) as *const u64).read_unaligned();
            word(a) == word(b)
        }
    {
        i += 8;
    }
    for i in i..n {
        // SAFETY: the caller's promise, with i < n.
        let (x, y) = unsafe { (core::ptr::read_volatile(a.add(i)), *b.add(i)) };
        if x != y {
            return i32::from(x) - i32::from(y);
        }
    }
    0
}

/// BSD's bcmp: memcmp of which only zero or not zero counts.
///
/// # Safety
/// As in C: `n` bytes readable at both addresses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { memcmp(a, b, n) }
}

/// C's strlen.
///
/// # Safety
/// As in C: `string` ends with a null byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn strlen(string: *const u8) -> usize {
    let mut n = 0;
    // SAFETY: the caller's promise: there is a null byte at or after each i.
    while unsafe { core::ptr::read_volatile(string.add(n)) } != 0 {
        n += 1;
    }
    n
}
