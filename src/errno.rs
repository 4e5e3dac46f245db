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
    TABLE.iter().find(|row| row.0 == number).map(|row| (row.1, row.2))
}

#[rustfmt::skip]
const TABLE: &[(u32, &str, &str)] = &[
    (EPERM, "EPERM", "operation not permitted"),
    (ENOENT, "ENOENT", "no such file or directory"),
    (ESRCH, "ESRCH", "no such process"),
    (EINTR, "EINTR", "interrupted system call"),
    (EIO, "EIO", "input/output error"),
    (ENXIO, "ENXIO", "no such device or address"),
    (E2BIG, "E2BIG", "argument list too long"),
    (ENOEXEC, "ENOEXEC", "exec format error"),
    (EBADF, "EBADF", "bad file descriptor"),
    (ECHILD, "ECHILD", "no child processes"),
    (EAGAIN, "EAGAIN", "resource temporarily unavailable"),
    (ENOMEM, "ENOMEM", "cannot allocate memory"),
    (EACCES, "EACCES", "permission denied"),
    (EFAULT, "EFAULT", "bad address"),
    (ENOTBLK, "ENOTBLK", "block device required"),
    (EBUSY, "EBUSY", "device or resource busy"),
    (EEXIST, "EEXIST", "file exists"),
    (EXDEV, "EXDEV", "invalid cross-device link"),
    (ENODEV, "ENODEV", "no such device"),
    (ENOTDIR, "ENOTDIR", "not a directory"),
    (EISDIR, "EISDIR", "is a directory"),
    (EINVAL, "EINVAL", "invalid argument"),
    (ENFILE, "ENFILE", "too many open files in system"),
    (EMFILE, "EMFILE", "too many open files"),
    (ENOTTY, "ENOTTY", "inappropriate ioctl for device"),
    (ETXTBSY, "ETXTBSY", "text file busy"),
    (EFBIG, "EFBIG", "file too large"),
    (ENOSPC, "ENOSPC", "no space left on device"),
    (ESPIPE, "ESPIPE", "illegal seek"),
    (EROFS, "EROFS", "read-only file system"),
    (EMLINK, "EMLINK", "too many links"),
    (EPIPE, "EPIPE", "broken pipe"),
    (EDOM, "EDOM", "numerical argument out of domain"),
    (ERANGE, "ERANGE", "numerical result out of range"),
    (EDEADLK, "EDEADLK", "resource deadlock avoided"),
    (ENAMETOOLONG, "ENAMETOOLONG", "file name too long"),
    (ENOLCK, "ENOLCK", "no locks available"),
    (ENOSYS, "ENOSYS", "function not implemented"),
    (ENOTEMPTY, "ENOTEMPTY", "directory not empty"),
    (ELOOP, "ELOOP", "too many levels of symbolic links"),
    (ENOMSG, "ENOMSG", "no message of desired type"),
    (ENODATA, "ENODATA", "no data available"),
    (ETIME, "ETIME", "timer expired"),
    (ENOLINK, "ENOLINK", "link has been severed"),
    (EPROTO, "EPROTO", "protocol error"),
    (EBADMSG, "EBADMSG", "bad message"),
    (EOVERFLOW, "EOVERFLOW", "value too large for defined data type"),
    (EILSEQ, "EILSEQ", "invalid or incomplete multibyte or wide character"),
    (EUSERS, "EUSERS", "too many users"),
    (ENOTSOCK, "ENOTSOCK", "socket operation on non-socket"),
    (EDESTADDRREQ, "EDESTADDRREQ", "destination address required"),
    (EMSGSIZE, "EMSGSIZE", "message too long"),
    (EPROTOTYPE, "EPROTOTYPE", "protocol wrong type for socket"),
    (ENOPROTOOPT, "ENOPROTOOPT", "protocol not available"),
    (EPROTONOSUPPORT, "EPROTONOSUPPORT", "protocol not supported"),
    (ESOCKTNOSUPPORT, "ESOCKTNOSUPPORT", "socket type not supported"),
    (EOPNOTSUPP, "EOPNOTSUPP", "operation not supported"),
    (EPFNOSUPPORT, "EPFNOSUPPORT", "protocol family not supported"),
    (EAFNOSUPPORT, "EAFNOSUPPORT", "address family not supported by protocol"),
    (EADDRINUSE, "EADDRINUSE", "address already in use"),
    (EADDRNOTAVAIL, "EADDRNOTAVAIL", "cannot assign requested address"),
    (ENETDOWN, "ENETDOWN", "network is down"),
    (ENETUNREACH, "ENETUNREACH", "network is unreachable"),
    (ENETRESET, "ENETRESET", "network dropped connection on reset"),
    (ECONNABORTED, "ECONNABORTED", "software caused connection abort"),
    (ECONNRESET, "ECONNRESET", "connection reset by peer"),
    (ENOBUFS, "ENOBUFS", "no buffer space available"),
    (EISCONN, "EISCONN", "transport endpoint is already connected"),
    (ENOTCONN, "ENOTCONN", "transport endpoint is not connected"),
    (ETIMEDOUT, "ETIMEDOUT", "connection timed out"),
    (ECONNREFUSED, "ECONNREFUSED", "connection refused"),
    (EHOSTDOWN, "EHOSTDOWN", "host is down"),
    (EHOSTUNREACH, "EHOSTUNREACH", "no route to host"),
    (EALREADY, "EALREADY", "operation already in progress"),
    (EINPROGRESS, "EINPROGRESS", "operation now in progress"),
    (ESTALE, "ESTALE", "stale file handle"),
    (EUCLEAN, "EUCLEAN", "structure needs cleaning"),
    (EREMOTEIO, "EREMOTEIO", "remote I/O error"),
    (EDQUOT, "EDQUOT", "disk quota exceeded"),
    (ENOMEDIUM, "ENOMEDIUM", "no medium found"),
    (EMEDIUMTYPE, "EMEDIUMTYPE", "wrong medium type"),
    (ECANCELED, "ECANCELED", "operation canceled"),
    (ENOKEY, "ENOKEY", "required key not available"),
    (EKEYEXPIRED, "EKEYEXPIRED", "key has expired"),
    (EKEYREVOKED, "EKEYREVOKED", "key has been revoked"),
    (EKEYREJECTED, "EKEYREJECTED", "key was rejected by service"),
    (EOWNERDEAD, "EOWNERDEAD", "owner died"),
    (ENOTRECOVERABLE, "ENOTRECOVERABLE", "state not recoverable"),
];

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
    }
}
