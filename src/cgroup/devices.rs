//! Which devices the container may use: `linux.resources.devices`, and above
//! them those that every container may (runc's list, which has the last word
//! there too). What no rule allows is denied.

use crate::sys::fd::AsFd;
use alloc::vec::Vec;
use core::fmt;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::group::{Cgroups, Group};
use super::{devices_v1, ebpf, file};
use crate::error::{Error, Result};
use crate::spec::{DeviceAccess, DeviceRule, DeviceRuleKind};
use crate::sys::bpf::{self, Instruction};
use crate::text;

/// Allowed to every container: making any node (which does not open it), null,
/// random, full, tty, zero, urandom, and the pseudo-terminals.
const DEFAULT: [DeviceRule; 10] = [
    DeviceRule { access: MKNOD, ..device(None, None) },
    DeviceRule { access: MKNOD, kind: DeviceRuleKind::Block, ..device(None, None) },
    device(Some(1), Some(3)),
    device(Some(1), Some(8)),
    device(Some(1), Some(7)),
    device(Some(5), Some(0)),
    device(Some(1), Some(5)),
    device(Some(1), Some(9)),
    device(Some(136), None),
    device(Some(5), Some(2)),
];

/// What was asked for, and above it what every container may use.
pub fn with_default(asked: &[DeviceRule]) -> Vec<DeviceRule> {
    asked.iter().copied().chain(DEFAULT).collect()
}

const MKNOD: DeviceAccess = DeviceAccess { read: false, write: false, mknod: true };

const fn device(major: Option<u32>, minor: Option<u32>) -> DeviceRule {
    let (kind, access) = (DeviceRuleKind::Char, DeviceAccess::ALL);
    DeviceRule { allow: true, kind, major, minor, access }
}

/// The rules, in the form that the hierarchy takes.
#[derive(Debug)]
pub struct Devices {
    /// The cgroup that gets them, as an index into the plan's.
    group: usize,
    rules: Rules,
}

#[derive(Debug)]
enum Rules {
    /// Lines for `devices.deny` (`false`) and `devices.allow`.
    V1(Vec<(bool, &'static str)>),
    /// A program for the unified hierarchy.
    Unified(Vec<Instruction>),
}

impl Devices {
    /// Decides where and how the rules are enforced. `None` where nothing needs
    /// to be, and where nothing can and nobody asked.
    ///
    /// # Errors
    /// The host has no device cgroup; rules that v1 cannot express.
    pub fn plan(asked: &[DeviceRule], groups: &[Group], rootless: bool) -> Result<Option<Devices>> {
        let rules = with_default(asked);
        let find = |wanted: fn(&Group) -> bool| groups.iter().position(wanted);
        if let Some(group) = find(|group| !group.unified && group.has("devices")) {
            let rules = match devices_v1::lines(&rules) {
                Ok(lines) => Rules::V1(lines),
                // Nothing would be written.
                Err(_) if rootless => return Ok(None),
                Err(error) => return Err(error),
            };
            return Ok(Some(Devices { group, rules }));
        }
        if allow_everything(&rules) {
            return Ok(None);
        }
        match find(|group| group.unified) {
            Some(group) => {
                Ok(Some(Devices { group, rules: Rules::Unified(ebpf::program(&rules)) }))
            }
            None if asked.is_empty() || rootless => Ok(None),
            None => Err(no_cgroup()),
        }
    }

    /// The cgroup, where it is a program that enforces the rules.
    pub fn program_group(&self) -> Option<usize> {
        matches!(self.rules, Rules::Unified(_)).then_some(self.group)
    }

    /// Writes the lines, where this v1 cgroup is the one.
    ///
    /// # Errors
    /// The line, the file and the errno; none for a rootless runtime.
    pub fn apply_v1(&self, index: usize, group: &Group, rootless: bool) -> Result<()> {
        let Rules::V1(lines) = &self.rules else { return Ok(()) };
        if self.group != index || rootless {
            return Ok(());
        }
        write_lines(group.directory, lines)
    }

    /// Loads and attaches the program, where this unified cgroup is the one. Of
    /// a cgroup that `existed` the programs of before are taken off.
    ///
    /// # Errors
    /// The kernel or the privileges lack it; none for a rootless runtime.
    pub fn apply_unified(
        &self,
        index: usize,
        group: &Group,
        directory: BorrowedFd<'_>,
        existed: bool,
        rootless: bool,
    ) -> Result<()> {
        let Rules::Unified(program) = &self.rules else { return Ok(()) };
        if self.group != index {
            return Ok(());
        }
        match replace(program, directory, existed) {
            Err(failure) if !rootless => Err(refused(group.directory, failure)),
            _ => Ok(()),
        }
    }

    /// One line a rule, or one for the program.
    pub fn describe(&self, groups: &[Group], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directory = groups.get(self.group).map_or("", |group| group.directory);
        match &self.rules {
            Rules::V1(lines) => lines.iter().try_for_each(|(allow, line)| {
                let file = if *allow { "allow" } else { "deny" };
                writeln!(f, "write \"{line}\" to \"{directory}/devices.{file}\"")
            }),
            Rules::Unified(program) => writeln!(
                f,
                "attach a device program of {} instructions to \"{directory}\"",
                program.len()
            ),
        }
    }
}

impl Cgroups {
    /// Puts these rules in the place of those that the container has. What both
    /// allow may be used at every moment, but on v1 where the one or the other
    /// allow everything but a list.
    ///
    /// # Errors
    /// As [`Devices::plan`], and the kernel refuses them.
    pub(super) fn update_devices(&self, asked: &[DeviceRule]) -> Result<()> {
        let rules = with_default(asked);
        if let Some(group) = self.v1("devices") {
            let directory = &group.directory;
            let before = file::must_read(directory, "devices.list")?;
            return write_lines(
                directory,
                &devices_v1::changes(&before, devices_v1::lines(&rules)?),
            );
        }
        let group = self.unified().ok_or_else(no_cgroup)?;
        let directory = open_directory(group)?;
        // Also where they allow everything: the program takes the place of another.
        replace(&ebpf::program(&rules), directory.as_fd(), true)
            .map_err(|failure| refused(group.directory, failure))
    }

    /// The programs that enforce the rules now, by id.
    pub(super) fn device_programs(&self) -> Vec<u32> {
        let directory = self.unified().and_then(|group| open_directory(group).ok());
        // Who may not ask has none attached either.
        let ids = directory.and_then(|directory| attached(directory.as_fd()).ok());
        ids.unwrap_or_default()
    }

    /// Takes off what was attached beside these programs, unless it has taken
    /// the place of all of them.
    ///
    /// # Errors
    /// The kernel refuses it.
    pub(super) fn keep_device_programs(&self, programs: &[u32]) -> Result<()> {
        let Some(group) = self.unified().filter(|_| !programs.is_empty()) else { return Ok(()) };
        let directory = open_directory(group)?;
        let failed = |failure| refused(group.directory, failure);
        let now = attached(directory.as_fd()).map_err(failed)?;
        let (kept, new): (Vec<u32>, Vec<u32>) =
            now.into_iter().partition(|id| programs.contains(id));
        if kept.is_empty() {
            return Ok(());
        }
        detach(directory.as_fd(), &new).map_err(failed)
    }
}

fn open_directory(group: &Group) -> Result<OwnedFd> {
    file::must_open(group.directory, "", OFlags::RDONLY | OFlags::DIRECTORY)
}

/// The programs of the cgroup, by id.
fn attached(directory: BorrowedFd<'_>) -> core::result::Result<Vec<u32>, Failure> {
    let mut ids = [0; bpf::MAX_PROGRAMS];
    let count = bpf::device_programs(directory, &mut ids).map_err(|errno| ("look for", errno))?;
    Ok(ids[..count].to_vec())
}

fn detach(directory: BorrowedFd<'_>, programs: &[u32]) -> core::result::Result<(), Failure> {
    for &id in programs {
        let program = bpf::program_by_id(id).map_err(|errno| ("open", errno))?;
        bpf::detach_device_program(directory, program.as_fd())
            .map_err(|errno| ("detach", errno))?;
    }
    Ok(())
}

fn no_cgroup() -> Error {
    Error::new("cannot set linux.resources.devices: no device cgroup here")
        .hint("mount cgroup2 (or the devices controller) on /sys/fs/cgroup")
}

/// Writes lines for `devices.deny` (`false`) and `devices.allow`.
fn write_lines(directory: &str, lines: &[(bool, &'static str)]) -> Result<()> {
    let open = |name| file::must_open(directory, name, OFlags::WRONLY);
    let (deny, allow) = (open("devices.deny")?, open("devices.allow")?);
    for (allowed, line) in lines {
        let (file, name) =
            if *allowed { (&allow, "devices.allow") } else { (&deny, "devices.deny") };
        file::write_value(file, line).map_err(|errno| {
            let step = text::about("set linux.resources.devices: write \"{}\" to", line);
            file::failed(step, directory, name, errno)
        })?;
    }
    Ok(())
}

/// What was done to the program, and the errno.
type Failure = (&'static str, Errno);

fn refused(directory: &str, (step, errno): Failure) -> Error {
    let what = text::about_both(
        "set linux.resources.devices: {} the eBPF program of \"{}\"",
        step,
        directory,
    );
    let error = Error::os(what, errno);
    match errno {
        Errno::NOSYS | Errno::INVAL => {
            error.hint("the kernel needs CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF")
        }
        Errno::PERM => error.hint("it takes CAP_BPF and CAP_NET_ADMIN, or CAP_SYS_ADMIN"),
        _ => error,
    }
}

/// Whether the rules, the last ones aside that only allow, end with "everything".
fn allow_everything(rules: &[DeviceRule]) -> bool {
    let everything = |rule: &DeviceRule| {
        rule.kind == DeviceRuleKind::All
            && rule.access == DeviceAccess::ALL
            && rule.major.or(rule.minor).is_none()
    };
    rules.iter().rev().take_while(|rule| rule.allow).any(everything)
}

/// Attaches the program, then takes off those of before: there is no moment
/// without rules.
fn replace(
    program: &[Instruction],
    directory: BorrowedFd<'_>,
    existed: bool,
) -> core::result::Result<(), Failure> {
    let old = if existed { attached(directory)? } else { Vec::new() };
    let loaded = match bpf::load_device_program(program) {
        // Before Linux 5.11 programs count as locked memory.
        Err(Errno::PERM) => {
            let none = Rlimit { current: None, maximum: None };
            let _ = setrlimit(Resource::Memlock, none);
            bpf::load_device_program(program)
        }
        result => result,
    }
    .map_err(|errno| ("load", errno))?;
    bpf::attach_device_program(directory, loaded.as_fd()).map_err(|errno| ("attach", errno))?;
    detach(directory, &old)
}
