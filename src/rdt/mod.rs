//! `linux.intelRdt`: shares of caches and memory bandwidth, by the resctrl file
//! system (the kernel's Documentation/filesystems/resctrl.rst; runtime-spec,
//! config-linux.md "IntelRdt").
//!
//! A class of service is a directory of it, a monitoring group one in its
//! `mon_groups`; a process belongs to those whose `tasks` its id was written to,
//! and so do its children.

mod schemata;
mod stats;

#[cfg(test)]
mod tests;

use crate::error::{Context, Error, Result};
use crate::json::{Node, Writer};
use crate::named;
use crate::quote::quoted;
use crate::spec::IntelRdt;
use crate::sys::descriptor::write_all;
use crate::sys::fd::AsFd;
use crate::text::keep;
use crate::{error, text};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;
use rustix::process::Pid;

/// Where resctrl is mounted.
pub const ROOT: &str = "/sys/fs/resctrl";

/// The groups of a container. The default has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// The directory of the class; empty for none.
    pub class: &'static str,
    /// The class is the container's own, and ends with it.
    pub own: bool,
    /// The directory of the monitoring group; empty for none.
    pub monitor: &'static str,
}

/// Whether this host has it.
pub fn is_there() -> bool {
    read(text!("{ROOT}/schemata")).is_ok()
}

impl Group {
    /// Finds out which groups a container gets; makes none.
    ///
    /// # Errors
    /// There is no resctrl at `root`, the class must be there but is not, or is
    /// there with other shares.
    pub fn plan(root: &str, rdt: &IntelRdt<'_>, id: &str) -> Result<Group> {
        if read(text!("{root}/schemata")).is_err() {
            return Err(error!("linux.intelRdt: there is no resctrl on {}", quoted(root))
                .hint("mount it, on a CPU and a kernel that have it (CONFIG_X86_CPU_RESCTRL)"));
        }
        let class = match rdt.clos_id {
            Some("/") => keep(root),
            Some(name) if !name.is_empty() => text!("{root}/{name}"),
            _ => text!("{root}/{id}"),
        };
        let current = read(text!("{class}/schemata"));
        let wanted = schemata::first(rdt);
        match &current {
            Ok(current) => schemata::compare(class, &wanted, current)?,
            Err(_) if rdt.clos_id.is_some() && wanted.is_empty() && rdt.schemata.is_empty() => {
                return Err(Error::os(
                    text!("linux.intelRdt.closID: {}", quoted(class)),
                    Errno::NOENT,
                )
                .hint("without shares of its own the class must exist"));
            }
            Err(_) => {}
        }
        let monitor = match rdt.enable_monitoring {
            true => text!("{class}/mon_groups/{id}"),
            false => "",
        };
        Ok(Group { own: current.is_err(), class, monitor })
    }

    /// Makes the groups, and gives the class its shares.
    ///
    /// # Errors
    /// There is no room for one more, or the CPU does not take the shares.
    pub fn create(&mut self, rdt: &IntelRdt<'_>) -> Result<()> {
        if self.own {
            // What could not be made is not ours to remove.
            make(self.class).inspect_err(|_| self.own = false)?;
        }
        if !self.monitor.is_empty() {
            make(self.monitor).inspect_err(|_| self.monitor = "")?;
        }
        self.share(rdt)
    }

    /// Gives the class these shares; those of other resources stay.
    ///
    /// # Errors
    /// The CPU does not take them.
    pub fn share(&self, rdt: &IntelRdt<'_>) -> Result<()> {
        for text in [schemata::first(rdt), schemata::last(rdt)] {
            let path = text!("{}/schemata", self.class);
            write(path, &text).map_err(|error| {
                match read(text!("{ROOT}/info/last_cmd_status")) {
                    Ok(said) => error.hint(said.trim_ascii()),
                    Err(_) => error,
                }
            })?;
        }
        Ok(())
    }

    /// Puts a process into the groups.
    ///
    /// # Errors
    /// One is not there any more.
    pub fn enter(&self, pid: Pid) -> Result<()> {
        for path in [&self.class, &self.monitor].into_iter().filter(|path| !path.is_empty()) {
            write(text!("{path}/tasks"), text!("{}", pid.as_raw_nonzero()))?;
        }
        Ok(())
    }

    /// Removes the groups that are the container's own.
    ///
    /// # Errors
    /// Those of rmdir(2); missing ones are fine.
    pub fn remove(&self) -> Result<()> {
        let class = if self.own { self.class } else { "" };
        for path in [self.monitor, class].into_iter().filter(|path| !path.is_empty()) {
            match unlinkat(CWD, path, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(Error::os(text!("remove {}", quoted(path)), errno)),
            }
        }
        Ok(())
    }

    /// As a property `intelRdt`, where there are groups.
    pub fn to_json(&self, out: &mut Writer) {
        if self.class.is_empty() {
            return;
        }
        out.object_field("intelRdt");
        out.string_field("class", self.class);
        out.bool_field("own", self.own);
        out.string_field("monitor", self.monitor);
        out.close();
    }

    /// Reads what [`Group::to_json`] wrote.
    pub fn from_json(node: &Node<'static, '_>) -> Group {
        let Some(node) = node.get("intelRdt") else { return Group::default() };
        let text = |name| node.text(name).unwrap_or_default();
        Group { class: text("class"), own: node.flag("own"), monitor: text("monitor") }
    }
}

fn make(path: &str) -> Result<()> {
    mkdirat(CWD, path, Mode::from_raw_mode(0o755)).map_err(|errno| {
        let error = Error::os(text!("linux.intelRdt: make {}", quoted(path)), errno);
        match errno {
            Errno::NOSPC => error.hint("the CPU has no room for one more group"),
            _ => error,
        }
    })
}

fn read(path: &str) -> Result<&'static str> {
    let file = named::open(path, OFlags::RDONLY).context(|| text!("open {}", quoted(path)))?;
    Ok(text::lossy(crate::process::spawn::read_all(&file).leak()))
}

/// Writes to a file of resctrl; an empty text needs no file.
fn write(path: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    // The files are there but in the tests' false tree.
    let flags = OFlags::WRONLY | OFlags::CLOEXEC | OFlags::CREATE;
    openat(CWD, path, flags, Mode::from_raw_mode(0o644))
        .and_then(|file| write_all(file.as_fd(), text.as_bytes()))
        .context(|| text!("linux.intelRdt: write {} to {}", quoted(text), quoted(path)))
}
