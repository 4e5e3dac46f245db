//! On sparc64 stable Rust has no assembler: as if the kernel lacked the call.

use super::Work;
use linux_raw_sys::general::clone_args;
use rustix::io::Errno;

/// Does nothing: `ENOSYS`, as the kernel gives it.
///
/// # Safety
/// None is asked for; the others have more to ask.
pub unsafe fn clone(
    _arguments: &mut clone_args,
    _begin: extern "C" fn(&mut Work<'_>) -> !,
    _work: &mut Work<'_>,
) -> usize {
    (-(Errno::NOSYS.raw_os_error() as isize)) as usize
}
