//! The last steps of every process here: its rights, its filter, its program.

use crate::{call, call::exit, must};
use core::ffi::CStr;
use linux_raw_sys::general::*;
use linux_raw_sys::prctl::{PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS};

/// CAP_KILL, CAP_NET_BIND_SERVICE and CAP_AUDIT_WRITE, as `spec` writes them.
const KEPT: u64 = 1 << 5 | 1 << 10 | 1 << 29;

/// `SECCOMP_SET_MODE_FILTER` and `SECCOMP_FILTER_FLAG_SPEC_ALLOW` of
/// linux/seccomp.h, the flag that profiles without flags have.
const SET_FILTER: usize = 1;
const SPEC_ALLOW: usize = 4;

/// A filter's instructions (`struct sock_filter`, 8 bytes each) in memory.
#[derive(Clone, Copy)]
pub struct Filter {
    address: isize,
    bytes: isize,
}

impl Filter {
    /// Maps a file of instructions.
    pub fn map(file: &CStr) -> Filter {
        let fd = must!(__NR_openat, AT_FDCWD, file.as_ptr(), O_RDONLY | O_CLOEXEC);
        // SEEK_END.
        let bytes = must!(__NR_lseek, fd, 0, 2);
        let address = must!(__NR_mmap, 0, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
        must!(__NR_close, fd);
        Filter { address, bytes }
    }

    fn load(self) {
        // struct sock_fprog: a number of instructions, and where they are.
        let program = [self.bytes / 8, self.address];
        must!(__NR_seccomp, SET_FILTER, SPEC_ALLOW, program.as_ptr());
    }
}

/// Gives up what the benches' bundle gives up. An ordinary user may not change
/// the groups.
pub fn rights(groups: bool) {
    for number in (0..64).filter(|number| KEPT >> number & 1 == 0) {
        if call!(__NR_prctl, PR_CAPBSET_DROP, number, 0, 0, 0) < 0 {
            break;
        }
    }
    if groups {
        must!(__NR_setgroups, 0, 0);
    }
    // _LINUX_CAPABILITY_VERSION_3; effective, permitted and inheritable, twice.
    let header = [0x2008_0522_u32, 0];
    let kept = KEPT as u32;
    let sets = [kept, kept, 0, 0, 0, 0];
    must!(__NR_capset, header.as_ptr(), sets.as_ptr());
}

/// No new privileges: before a filter.
pub fn no_new_privileges() {
    must!(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/// Becomes `/bin/true`.
pub fn become_true(filter: Option<Filter>) -> ! {
    let limit = [1024_u64, 1024];
    must!(__NR_prlimit64, 0, 7, limit.as_ptr(), 0);
    let arguments = [c"/bin/true".as_ptr(), core::ptr::null()];
    let environment = [c"PATH=/bin".as_ptr(), c"TERM=xterm".as_ptr(), core::ptr::null()];
    if let Some(filter) = filter {
        filter.load();
    }
    must!(__NR_execve, arguments[0], arguments.as_ptr(), environment.as_ptr());
    exit(1)
}
