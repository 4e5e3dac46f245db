//! The id maps of a new user namespace (user_namespaces(7)), written by the
//! parent: directly, or through newuidmap(1) and newgidmap(1).

use crate::error::{Context, Error, Result};
use crate::named;
use crate::quote::quoted;
use crate::sys::exec::Strings;
use crate::text;
use crate::text::c_string;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::Pid;

/// A range of ids: `size` of them from `container` inside are `host` and up
/// outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// First id inside.
    pub container: u32,
    /// First id outside.
    pub host: u32,
    /// How many.
    pub size: u32,
}

/// Both maps of a user namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdMaps {
    /// User ids.
    pub uid: Vec<Range>,
    /// Group ids.
    pub gid: Vec<Range>,
    /// The maps go beyond what an unprivileged user may write.
    pub need_helper: bool,
    /// `setgroups` must be denied first: the map is of one's own group, without
    /// privilege.
    pub deny_setgroups: bool,
}

impl IdMaps {
    /// The maps as they are, and how this user may write them: `uid` and `gid`
    /// are the caller's effective ids, `privileged` says that it has
    /// `CAP_SETUID` and `CAP_SETGID` in its user namespace.
    pub fn new(uid: Vec<Range>, gid: Vec<Range>, own: (u32, u32), privileged: bool) -> IdMaps {
        let alone =
            |map: &[Range], id: u32| matches!(map, [one] if one.size == 1 && one.host == id);
        let own_only = alone(&uid, own.0) && alone(&gid, own.1);
        IdMaps {
            need_helper: !privileged && !own_only,
            deny_setgroups: !privileged && own_only,
            uid,
            gid,
        }
    }

    /// Writes the maps of process `pid`.
    ///
    /// # Errors
    /// The kernel's answer for the file, or what newuidmap and newgidmap say;
    /// with a hint at /etc/subuid.
    pub fn write(&self, pid: Pid, environment: &Strings) -> Result<()> {
        if self.need_helper {
            run_helper("newuidmap", pid, &self.uid, environment)?;
            return run_helper("newgidmap", pid, &self.gid, environment);
        }
        if self.deny_setgroups {
            write_file(pid, "setgroups", "deny")?;
        }
        write_file(pid, "uid_map", &text(&self.uid))?;
        write_file(pid, "gid_map", &text(&self.gid))
    }
}

/// The map as the kernel takes it: `INSIDE OUTSIDE SIZE` lines.
pub fn text(map: &[Range]) -> String {
    let mut text = String::new();
    for range in map {
        let _ = writeln!(text, "{} {} {}", range.container, range.host, range.size);
    }
    text
}

fn write_file(pid: Pid, name: &str, text: &str) -> Result<()> {
    let path = text!("/proc/{}/{name}", pid.as_raw_nonzero());
    let what = || text!("write {} to {}", quoted(text), quoted(path));
    let file = named::open(path, OFlags::WRONLY).context(what)?;
    match rustix::io::write(&file, text.as_bytes()) {
        Ok(_) => Ok(()),
        Err(errno) => {
            let error = Error::os(what(), errno);
            Err(match errno {
                Errno::PERM => error.hint("these ids are not yours to map"),
                Errno::INVAL => error.hint("at most 340 ranges that do not overlap"),
                _ => error,
            })
        }
    }
}

fn run_helper(program: &str, pid: Pid, map: &[Range], environment: &Strings) -> Result<()> {
    let mut arguments = Vec::from([program, text!("{}", pid.as_raw_nonzero())]);
    for range in map {
        for number in [range.container, range.host, range.size] {
            arguments.push(text!("{number}"));
        }
    }
    let arguments: Vec<_> = arguments.into_iter().filter_map(c_string).collect();
    let (status, said) = crate::process::spawn::run_and_read(
        program,
        &Strings::new(arguments.leak()),
        environment,
    )
    .map_err(|error| {
        error.hint("an ordinary user needs newuidmap and newgidmap (package uidmap) for these maps")
    })?;
    if status == 0 {
        return Ok(());
    }
    Err(Error::about_both("{}: {}", program, said.trim_ascii())
        .hint("the ranges that a user may map are in /etc/subuid and /etc/subgid"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_write_what() {
        let one = |host| Vec::from([Range { container: 0, host, size: 1 }]);
        let many = || Vec::from([Range { container: 0, host: 100_000, size: 65536 }]);
        let check = |uid: Vec<Range>, gid: Vec<Range>, privileged, helper, deny| {
            let maps = IdMaps::new(uid, gid, (1000, 1000), privileged);
            assert_eq!((maps.need_helper, maps.deny_setgroups), (helper, deny));
        };
        check(one(1000), one(1000), false, false, true);
        check(one(1000), one(1001), false, true, false);
        check(many(), many(), false, true, false);
        check(many(), many(), true, false, false);
        check(one(1000), one(1000), true, false, false);
        assert_eq!(text(&many()), "0 100000 65536\n");
    }
}
