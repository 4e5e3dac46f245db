//! The names and meanings of error numbers.
//!
//! The numbers differ between architectures: they come from linux-raw-sys. The
//! meanings are those of strerror(3) in lower case, because engines search for
//! `permission denied` and `no such file or directory`.

use core::fmt;
use linux_raw_sys::errno::*;
use rustix::io::Errno;

/// An errno as `ENAME (its meaning)`, or `errno N` where it has no name here.
pub struct Described(pub Errno);

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match find(self.0) {
            Some((name, meaning)) => write!(f, "{name} ({meaning})"),
            None => write!(f, "errno {}", self.0.raw_os_error()),
        }
    }
}

/// The errno with this number; `None` for what is none (`MAX_ERRNO` of the
/// kernel's include/linux/err.h is 4095): [`Errno`] takes no other.
pub fn of(number: i32) -> Option<Errno> {
    (1..4096).contains(&number).then(|| Errno::from_raw_os_error(number))
}

/// The meaning alone, as strerror(3) gives it, in lower case.
pub fn meaning(errno: Errno) -> &'static str {
    find(errno).map_or("unknown error", |(_, meaning)| meaning)
}

fn find(errno: Errno) -> Option<(&'static str, &'static str)> {
    let number = errno.raw_os_error() as u32;
    let row = NUMBERS.iter().position(|of| u32::from(*of) == number)?;
    TEXTS.lines().nth(row)?.split_once(' ')
}

/// The numbers beside the names and meanings, which are one text: a row of two
/// texts would take 40 bytes more.
macro_rules! table {
    ($($name:ident $meaning:literal,)+) => {
        const NUMBERS: &[u16] = &[$($name as u16),+];
        const TEXTS: &str = concat!($(stringify!($name), " ", $meaning, "\n"),+);
    };
}

table! {
    EPERM "operation not permitted",
    ENOENT "no such file or directory",
    ESRCH "no such process",
    EINTR "interrupted system call",
    EIO "input/output error",
    ENXIO "no such device or address",
    E2BIG "argument list too long",
    ENOEXEC "exec format error",
    EBADF "bad file descriptor",
    ECHILD "no child processes",
    EAGAIN "resource temporarily unavailable",
    ENOMEM "cannot allocate memory",
    EACCES "permission denied",
    EFAULT "bad address",
    ENOTBLK "block device required",
    EBUSY "device or resource busy",
    EEXIST "file exists",
    EXDEV "invalid cross-device link",
    ENODEV "no such device",
    ENOTDIR "not a directory",
    EISDIR "is a directory",
    EINVAL "invalid argument",
    ENFILE "too many open files in system",
    EMFILE "too many open files",
    ENOTTY "inappropriate ioctl for device",
    ETXTBSY "text file busy",
    EFBIG "file too large",
    ENOSPC "no space left on device",
    ESPIPE "illegal seek",
    EROFS "read-only file system",
    EMLINK "too many links",
    EPIPE "broken pipe",
    EDOM "numerical argument out of domain",
    ERANGE "numerical result out of range",
    EDEADLK "resource deadlock avoided",
    ENAMETOOLONG "file name too long",
    ENOLCK "no locks available",
    ENOSYS "function not implemented",
    ENOTEMPTY "directory not empty",
    ELOOP "too many levels of symbolic links",
    ENOMSG "no message of desired type",
    ENODATA "no data available",
    ETIME "timer expired",
    ENOLINK "link has been severed",
    EPROTO "protocol error",
    EBADMSG "bad message",
    EOVERFLOW "value too large for defined data type",
    EILSEQ "invalid or incomplete multibyte or wide character",
    EUSERS "too many users",
    ENOTSOCK "socket operation on non-socket",
    EDESTADDRREQ "destination address required",
    EMSGSIZE "message too long",
    EPROTOTYPE "protocol wrong type for socket",
    ENOPROTOOPT "protocol not available",
    EPROTONOSUPPORT "protocol not supported",
    ESOCKTNOSUPPORT "socket type not supported",
    EOPNOTSUPP "operation not supported",
    EPFNOSUPPORT "protocol family not supported",
    EAFNOSUPPORT "address family not supported by protocol",
    EADDRINUSE "address already in use",
    EADDRNOTAVAIL "cannot assign requested address",
    ENETDOWN "network is down",
    ENETUNREACH "network is unreachable",
    ENETRESET "network dropped connection on reset",
    ECONNABORTED "software caused connection abort",
    ECONNRESET "connection reset by peer",
    ENOBUFS "no buffer space available",
    EISCONN "transport endpoint is already connected",
    ENOTCONN "transport endpoint is not connected",
    ETIMEDOUT "connection timed out",
    ECONNREFUSED "connection refused",
    EHOSTDOWN "host is down",
    EHOSTUNREACH "no route to host",
    EALREADY "operation already in progress",
    EINPROGRESS "operation now in progress",
    ESTALE "stale file handle",
    EUCLEAN "structure needs cleaning",
    EREMOTEIO "remote I/O error",
    EDQUOT "disk quota exceeded",
    ENOMEDIUM "no medium found",
    EMEDIUMTYPE "wrong medium type",
    ECANCELED "operation canceled",
    ENOKEY "required key not available",
    EKEYEXPIRED "key has expired",
    EKEYREVOKED "key has been revoked",
    EKEYREJECTED "key was rejected by service",
    EOWNERDEAD "owner died",
    ENOTRECOVERABLE "state not recoverable",
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn named_and_unnamed() {
        assert_eq!(Described(Errno::ACCESS).to_string(), "EACCES (permission denied)");
        assert_eq!(Described(of(4000).unwrap()).to_string(), "errno 4000");
        assert_eq!([0, 4096, -1, i32::MIN, i32::MAX].map(of), [None; 5]);
        assert_eq!(meaning(Errno::NOENT), "no such file or directory");
        assert_eq!(Described(Errno::PERM).to_string(), "EPERM (operation not permitted)");
        let last = "ENOTRECOVERABLE (state not recoverable)";
        assert_eq!(Described(Errno::NOTRECOVERABLE).to_string(), last);
        assert_eq!(TEXTS.lines().count(), NUMBERS.len());
    }
}
