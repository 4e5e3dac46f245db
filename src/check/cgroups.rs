//! What would fail of a container's cgroups.

use super::{Report, exists, machine, value};
use crate::cgroup::{Plan, Write};
use crate::cut;
use crate::quote::quoted;
use rustix::fs::{Access, access};
use rustix::io::Errno;

/// Looks at the directories, the files and the device program.
#[inline(never)]
pub fn cgroups(report: &mut Report, plan: &Plan, rootless: bool) {
    for (index, (group, mount)) in plan.cgroups.groups.iter().zip(&plan.mounts).enumerate() {
        let above = existing(group.directory);
        let mut writes = plan.writes.iter().filter(|write| write.group == index).peekable();
        let limited = writes.peek().is_some();
        if let Err(errno) = access(above, Access::WRITE_OK)
            && (limited || !rootless)
        {
            report.problem(
                &format_args!("make cgroup \"{}\"", group.directory),
                &format_args!("write to \"{above}\": {}", crate::errno::Described(errno)),
                "run as root, or ask for a delegated cgroup (systemd: Delegate=yes)",
            );
        }
        let enabled = value(&[above, "/cgroup.controllers"]).unwrap_or_default();
        let is_told = |write: &&Write| match group.unified {
            // The root has no limits; what is not enabled elsewhere will be, on
            // the way to the container.
            true => {
                above != *mount
                    && (rootless || enabled.split(' ').any(|name| name == write.controller()))
            }
            // The files of other controllers are not in the root.
            false => above != *mount || ["cpu", "memory"].contains(&write.controller()),
        };
        for write in writes.filter(is_told).filter(|write| !has(write, above)) {
            report.problem(
                &format_args!(
                    "write \"{}\" to \"{}/{}\"",
                    write.value, group.directory, write.file
                ),
                &format_args!("\"{above}\" has no such file"),
                hint(write),
            );
        }
    }
    for write in plan.writes.iter().filter(|write| write.file == "rdma.max") {
        let device = write.value.split(' ').next().unwrap_or_default();
        if !exists(&["/sys/class/infiniband/", device]) {
            report.problem(
                &format_args!("linux.resources.rdma[{}]", quoted(device)),
                &"there is no such device",
                "those of \"/sys/class/infiniband\" are known",
            );
        }
    }
    if let Some(directory) = plan.device_program()
        && !rootless
        && let Err(errno) = machine::device_program()
    {
        report.problem(
            &format_args!("attach a device program to \"{directory}\""),
            &crate::errno::Described(errno),
            match errno {
                Errno::PERM => "it takes CAP_BPF and CAP_NET_ADMIN",
                _ => "CONFIG_BPF_SYSCALL, CONFIG_CGROUP_BPF",
            },
        );
    }
}

fn has(write: &Write, directory: &str) -> bool {
    let other = write.alternative.as_ref().map(|other| other.0);
    write.optional
        || [Some(write.file), other].into_iter().flatten().any(|file| {
            // cgroup.* are those of every cgroup but the root.
            file.starts_with("cgroup.") || exists(&[directory, "/", file])
        })
}

fn hint(write: &Write) -> &'static str {
    if write.is_swap() {
        "boot with swapaccount=1, CONFIG_SWAP"
    } else if write.controller() == "hugetlb" {
        "the kernel has no pages of this size: CONFIG_CGROUP_HUGETLB"
    } else if write.file.starts_with("cpu.rt_") {
        "CONFIG_RT_GROUP_SCHED"
    } else {
        "the controller is not enabled here, or the kernel lacks this limit"
    }
}

/// The directory, or the nearest above that exists.
fn existing(directory: &str) -> &str {
    let mut path = directory;
    while !exists(&[path]) {
        match cut::at_last(path, b'/') {
            Some((above, _)) if !above.is_empty() => path = above,
            _ => break,
        }
    }
    path
}
