//! `linux.resources` as writes into files: which cgroup, which file, what text.
//!
//! Every controller is in one hierarchy, of v1 or the unified one, and that
//! decides the files: [`super::limits_v1`], [`super::limits_v2`]. Zero is "not
//! set" where runc takes it so: everywhere but `pids.limit` and `cpu.idle`.

use alloc::vec::Vec;
use rustix::io::Errno;

use super::group::Group;
use super::write::{Sink, Write};
use super::{file, limits_v1 as v1, limits_v2 as v2};
use crate::error;
use crate::error::{Error, Result};
use crate::spec::Resources;
use crate::text;
use crate::text::keep;

/// What one controller's limits become in one of the two versions.
type Translate = fn(&Resources<'_>, &mut Sink<'_>) -> Result<()>;

/// The controllers in the order in which they are written, with what they are
/// called in v1 and v2.
const CONTROLLERS: &[(&str, &str, Translate, Translate)] = &[
    ("memory", "memory", v1::memory, v2::memory),
    ("cpu", "cpu", v1::cpu, v2::cpu),
    ("cpuset", "cpuset", v1::cpuset, v1::cpuset),
    ("pids", "pids", v1::pids, v1::pids),
    ("blkio", "io", v1::block_io, v2::block_io),
    ("hugetlb", "hugetlb", v1::hugetlb, v2::hugetlb),
    ("net_cls", "", v1::network_class, v1::network_class),
    ("net_prio", "", v1::network_priorities, v1::network_priorities),
    ("rdma", "rdma", v1::rdma, v1::rdma),
];

/// All writes for these cgroups.
///
/// # Errors
/// A value is out of range, or its controller is in none of the hierarchies.
pub fn limits(resources: &Resources<'_>, groups: &[Group]) -> Result<Vec<Write>> {
    let mut writes = Vec::new();
    for &(old, new, translate_v1, translate_v2) in CONTROLLERS {
        let place = groups.iter().enumerate().find_map(|(index, group)| {
            let name = if group.unified { new } else { old };
            group.has(name).then_some((index, group.unified))
        });
        let (group, unified) = place.unwrap_or((usize::MAX, groups.iter().any(|g| g.unified)));
        let before = writes.len();
        let mut sink = Sink { group, writes: &mut writes };
        let translate = if unified { translate_v2 } else { translate_v1 };
        translate(resources, &mut sink)?;
        if place.is_none() {
            missing(&writes, before, if unified && !new.is_empty() { new } else { old })?;
            writes.truncate(before);
        }
    }
    if !resources.unified.is_empty() {
        unified(resources, groups, &mut writes)?;
    }
    Ok(writes)
}

/// An error where something was asked of a controller that is not there.
fn missing(writes: &[Write], before: usize, controller: &str) -> Result<()> {
    match writes.get(before..).unwrap_or_default().iter().find(|write| !write.optional) {
        Some(write) => Err(error!(
            "cannot set linux.resources.{} to {}: this host has no cgroup controller \"{controller}\"",
            write.property, write.value
        )),
        None => Ok(()),
    }
}

/// `unified`: verbatim, after and so above everything else.
fn unified(resources: &Resources<'_>, groups: &[Group], writes: &mut Vec<Write>) -> Result<()> {
    let [Group { unified: true, .. }] = groups else {
        return Err(Error::new("invalid configuration: cannot use unified on cgroup v1")
            .hint("linux.resources.unified needs a host with cgroup v2 alone"));
    };
    for &(name, value) in &resources.unified {
        let wrong =
            |what: &str| Err(Error::about_both("linux.resources.unified[\"{}\"]: {}", name, what));
        if name.as_bytes().contains(&b'/') {
            return wrong("must be a file name without slashes");
        }
        let Some((controller, _)) = name.split_once('.').filter(|(before, _)| !before.is_empty())
        else {
            return wrong("must be in the form CONTROLLER.PARAMETER");
        };
        if controller != "cgroup" && !groups[0].has(controller) {
            return wrong("this host does not have the controller");
        }
        // A file like io.max takes one line a write.
        for line in value.trim_end_matches('\n').split('\n') {
            Sink { group: 0, writes }.put("unified", keep(name), format_args!("{line}"));
        }
    }
    Ok(())
}

/// Writes them, in order; what the kernel calls invalid is tried again after
/// the others, because some values bound each other (memory and memory with
/// swap, a period and its quota) and the order depends on the old values.
///
/// # Errors
/// The file, the value and the errno.
pub fn apply(writes: &[&Write], directory: &str) -> Result<()> {
    let mut again = Vec::new();
    for write in writes {
        match put(write, directory) {
            Err(Errno::INVAL) if writes.len() > 1 => again.push(write),
            result => result.or_else(|errno| fail(write, directory, errno))?,
        }
    }
    for write in again {
        put(write, directory).or_else(|errno| fail(write, directory, errno))?;
    }
    Ok(())
}

fn put(write: &Write, directory: &str) -> rustix::io::Result<()> {
    match (file::write_in(directory, write.file, write.value), &write.alternative) {
        (Err(Errno::NOENT), Some((file, value))) => file::write_in(directory, file, value),
        (Err(Errno::NOENT), None) if write.optional => Ok(()),
        (result, _) => result,
    }
}

#[cold]
fn fail(write: &Write, directory: &str, errno: Errno) -> Result<()> {
    let Write { file, value, property, .. } = write;
    let error = Error::os(
        text!("set linux.resources.{property}: write \"{value}\" to \"{directory}/{file}\""),
        errno,
    );
    let hint = match errno {
        Errno::NOENT | Errno::ACCESS if write.is_swap() => {
            "the kernel does not account for swap (swapaccount=1)"
        }
        Errno::NOENT if write.controller() == "hugetlb" => "the kernel has no pages of this size",
        Errno::NOENT | Errno::ACCESS => {
            "the kernel does not have this limit, or a cgroup above does not enable its controller"
        }
        Errno::BUSY if property.starts_with("memory.") => {
            "unable to set memory limit: more than that is in use"
        }
        Errno::INVAL if property.starts_with("memory.") => {
            "memory+swap limit should be >= memory limit"
        }
        _ => return Err(error),
    };
    Err(error.hint(hint))
}
