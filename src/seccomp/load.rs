//! The child's part: one system call.

use rustix::fd::OwnedFd;
use rustix::io::Errno;

use super::Filter;
use crate::fault::Fault;
use crate::sys::seccomp;

impl Filter {
    /// Gives the calling thread this filter; the notify descriptor, which is
    /// close-on-exec, where the profile has a rule for a listener.
    ///
    /// It needs `no_new_privs` or CAP_SYS_ADMIN in the user namespace, and
    /// allocates nothing: it is for the child. From its return on every call
    /// goes through the filter.
    ///
    /// # Errors
    /// The kernel's, with the remedy where it is known.
    pub fn load(&self) -> Result<Option<OwnedFd>, Fault> {
        seccomp::load(&self.instructions, self.flags).map_err(|errno| {
            let fault = Fault::from(errno);
            match errno {
                Errno::ACCESS => fault
                    .hint("a filter needs noNewPrivileges, or CAP_SYS_ADMIN until it is loaded"),
                Errno::NOSYS => fault.hint("the kernel needs CONFIG_SECCOMP_FILTER"),
                Errno::BUSY => fault.hint("the process already has a filter with a listener"),
                // Such a kernel may know the actions all the same (sparc64 does).
                Errno::INVAL if !seccomp::knows_flags(0) => {
                    fault.hint("the kernel needs CONFIG_SECCOMP_FILTER")
                }
                Errno::INVAL => fault.hint("this kernel does not know one of the filter's flags"),
                _ => fault,
            }
        })
    }
}
