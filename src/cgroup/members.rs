//! The processes of the cgroups: list and signal them.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use rustix::fs::{FileType, OFlags, RawDir};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use super::file;
use super::group::Cgroups;
use crate::error::{Context, Result};
use crate::number;
use crate::text;

/// How often new processes may turn up while all are being killed.
const ROUNDS: usize = 1000;

impl Cgroups {
    /// All processes in them and below, as ids in the reader's pid namespace.
    /// Cgroups that are gone have none.
    ///
    /// # Errors
    /// A cgroup exists but cannot be read.
    pub fn pids(&self) -> Result<Vec<i32>> {
        // Every process is in every hierarchy, so one will do.
        let preferred = ["pids", "devices", "name=systemd"];
        let v1 = || preferred.iter().find_map(|name| self.v1(name));
        let group = self.unified().or_else(v1).or_else(|| self.groups.first());
        group.map_or(Ok(Vec::new()), |group| pids_below(group.directory))
    }

    /// Sends a signal to all processes. SIGKILL also reaches those that are
    /// forked meanwhile, and those that are frozen: on v1 they are thawed.
    ///
    /// # Errors
    /// A process could not be signalled.
    pub fn kill_all(&self, signal: Signal) -> Result<()> {
        let kill = signal == Signal::KILL;
        // Linux 5.14; kills what is below too.
        if let (true, Some(group)) = (kill, self.unified())
            && file::write_in(group.directory, "cgroup.kill", "1").is_ok()
        {
            return self.thaw_v1();
        }
        let mut signalled: Vec<i32> = Vec::new();
        for _ in 0..if kill { ROUNDS } else { 1 } {
            let mut pids = self.pids()?;
            pids.retain(|pid| !signalled.contains(pid));
            if pids.is_empty() {
                break;
            }
            for &pid in &pids {
                match Pid::from_raw(pid).map(|pid| kill_process(pid, signal)) {
                    // 0: a process outside of our pid namespace.
                    None | Some(Ok(()) | Err(Errno::SRCH)) => {}
                    Some(Err(errno)) => return Err(errno).context(|| text!("kill {pid}")),
                }
            }
            signalled.append(&mut pids);
        }
        if kill { self.thaw_v1() } else { Ok(()) }
    }

    /// A process of a frozen v1 cgroup dies only when it is thawed.
    fn thaw_v1(&self) -> Result<()> {
        match self.v1("freezer") {
            Some(_) if self.is_frozen()? => self.freeze(false),
            _ => Ok(()),
        }
    }
}

/// The processes of a cgroup and of those below it.
pub fn pids_below(directory: &str) -> Result<Vec<i32>> {
    let mut pids = Vec::new();
    for directory in tree(directory)? {
        let text = match file::read_in(&directory, "cgroup.procs") {
            // A threaded cgroup of v2 knows only threads.
            Err(Errno::OPNOTSUPP) => file::read_in(&directory, "cgroup.threads"),
            result => result,
        };
        match text {
            Ok(text) => pids.extend(text.lines().filter_map(number::signed::<i32>)),
            Err(Errno::NOENT | Errno::NODEV) => {}
            Err(errno) => {
                return Err(file::failed("read", &directory, "cgroup.procs", errno));
            }
        }
    }
    Ok(pids)
}

/// The directory and all below it, parents before children; nothing where it
/// does not exist.
pub fn tree(directory: &str) -> Result<Vec<String>> {
    let mut found = Vec::from([String::from(directory)]);
    let mut next = 0;
    while let Some(directory) = found.get(next) {
        let children =
            children(directory).map_err(|errno| file::failed("read", directory, "", errno))?;
        match children {
            Some(children) => {
                found.extend(children);
                next += 1;
            }
            None => {
                found.remove(next);
            }
        }
    }
    Ok(found)
}

/// The directories in a directory; `None` where it does not exist.
fn children(directory: &str) -> rustix::io::Result<Option<Vec<String>>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let opened = match file::open(directory, "", flags) {
        Err(Errno::NOENT) => return Ok(None),
        result => result?,
    };
    let mut children = Vec::new();
    // A cgroup's directory counts itself, its `.`, and its children.
    if rustix::fs::fstat(&opened)?.st_nlink == 2 {
        return Ok(Some(children));
    }
    let mut buffer = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(opened, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Err(Errno::NOENT) => break,
            entry => entry?,
        };
        let name = entry.file_name();
        if entry.file_type() != FileType::Directory || name == c"." || name == c".." {
            continue;
        }
        if let Ok(name) = name.to_str() {
            children.push(alloc::format!("{directory}/{name}"));
        }
    }
    Ok(Some(children))
}
