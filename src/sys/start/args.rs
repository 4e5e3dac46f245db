//! The arguments, the environment and the auxiliary vector, where the kernel put
//! them.

use core::ffi::{CStr, c_char};
#[cfg(not(target_arch = "sparc64"))]
use linux_raw_sys::auxvec::AT_PAGESZ;

/// What is at the stack pointer at the process's entry: argc, argv with its null,
/// envp with its null, and pairs of words that end with a null. All of it lives
/// as long as the process.
#[cfg(not(target_arch = "sparc64"))]
#[derive(Clone, Copy)]
pub struct Vectors(*const usize);

#[cfg(not(target_arch = "sparc64"))]
impl Vectors {
    /// # Safety
    /// `stack` must be the stack pointer at the process's entry.
    pub unsafe fn new(stack: *const usize) -> Vectors {
        Vectors(stack)
    }

    /// The stack pointer at the process's entry.
    pub fn stack(&self) -> usize {
        self.0 as usize
    }

    /// The null-terminated array argv.
    pub fn argv(&self) -> *const *const c_char {
        // SAFETY: it follows argc.
        unsafe { self.0.add(1).cast() }
    }

    /// The null-terminated array envp.
    pub fn envp(&self) -> *const *const c_char {
        // SAFETY: it follows the null of argv, which has argc strings.
        unsafe { self.argv().add(*self.0 + 1) }
    }

    /// The arguments.
    pub fn arguments(&self) -> impl Iterator<Item = &'static CStr> + use<> {
        // SAFETY: what the kernel put there.
        unsafe { strings(self.argv()) }
    }

    /// The environment.
    pub fn environment(&self) -> impl Iterator<Item = &'static CStr> + use<> {
        // SAFETY: what the kernel put there.
        unsafe { strings(self.envp()) }
    }

    /// The size of a page in bytes (`AT_PAGESZ` of getauxval(3)).
    pub fn page_size(&self) -> usize {
        // SAFETY: AT_PAGESZ is always one of the pairs behind envp.
        unsafe {
            let mut at = self.envp().cast::<usize>();
            while *at != 0 {
                at = at.add(1);
            }
            at = at.add(1);
            while *at != AT_PAGESZ as usize {
                at = at.add(2);
            }
            *at.add(1)
        }
    }
}

/// The strings of such an array.
///
/// # Safety
/// `array` must be a null-terminated array of C strings that live for ever.
pub unsafe fn strings(mut array: *const *const c_char) -> impl Iterator<Item = &'static CStr> {
    core::iter::from_fn(move || {
        // SAFETY: the caller's promise; the iterator stops at the null and
        // never moves past it.
        unsafe {
            if (*array).is_null() {
                return None;
            }
            let string = CStr::from_ptr(*array);
            array = array.add(1);
            Some(string)
        }
    })
}
