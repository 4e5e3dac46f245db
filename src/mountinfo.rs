//! Lines of /proc/PID/mountinfo (proc_pid_mountinfo(5)).

use crate::cut::{self, split};
use alloc::borrow::ToOwned;

/// One of them, with the paths as they are written there (see [`unescape`]).
pub struct Mounted<'a> {
    /// The directory of the file system that is the mount's root.
    pub root: &'a str,
    /// Where it is mounted.
    pub point: &'a str,
    /// The type of the file system.
    pub fstype: &'a str,
    /// What is mounted.
    pub source: &'a str,
    /// The options of the file system.
    pub options: &'a str,
}

impl<'a> Mounted<'a> {
    /// `ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG…] - TYPE SOURCE SUPER`
    pub fn parse(line: &'a str) -> Option<Mounted<'a>> {
        let mut fields = split(line, b' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        fields.find(|field| *field == "-")?;
        let (fstype, source) = (fields.next()?, fields.next()?);
        Some(Mounted { root, point, fstype, source, options: fields.next()? })
    }
}

/// A path of mountinfo, where blank, tab, line feed and backslash are `\ooo`.
pub fn unescape(text: &str) -> &'static str {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|octal| u8::try_from(u64::from_str_radix(octal, 8).ok()?).ok())
        {
            Some(byte) => {
                out.push(char::from(byte));
                out.push_str(cut::from(part, 3));
            }
            None => {
                out.push('\\');
                out.push_str(part);
            }
        }
    }
    out.leak()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mountinfo() {
        let parts = |line| Mounted::parse(line).map(|it| (it.point, it.fstype, it.source));
        let line = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue";
        assert_eq!(parts(line), Some(("/mnt2", "ext3", "/dev/root")));
        assert_eq!(parts("36 35"), None);
        assert_eq!(parts("1 2 3:4 / /x rw - tmpfs"), None);
    }
}
