//! What is to be done: directories and what is written into their files.

use alloc::vec::Vec;
use core::fmt;

use super::devices::Devices;
use super::group::{Cgroups, Group};
use super::layout::Layout;
use super::limits::limits;
use super::path::CgroupPath;
use super::write::Write;
use crate::error::Result;
use crate::spec::Resources;

/// A container's cgroups, planned.
#[derive(Debug)]
pub struct Plan {
    /// The directories. What is really made is in
    /// [`Created::cgroups`](super::Created::cgroups).
    pub cgroups: Cgroups,
    /// For each of them the hierarchy's mount point.
    pub mounts: Vec<&'static str>,
    /// The limits, in the order in which they are written.
    pub writes: Vec<Write>,
    /// The device rules; `None` where nothing can enforce them and nobody asked.
    pub(super) devices: Option<Devices>,
    /// Cgroups that may not be made are left out, unless a limit needs them.
    pub(super) rootless: bool,
}

/// Decides the directories and the writes.
///
/// # Errors
/// `cgroupsPath` is not valid, a value is out of range, or a limit's controller
/// is in no hierarchy of this host.
pub fn plan(
    layout: &Layout,
    cgroups_path: Option<&str>,
    id: &str,
    resources: Option<&Resources<'_>>,
    rootless: bool,
) -> Result<Plan> {
    let path = CgroupPath::new(cgroups_path, id)?;
    let groups: Vec<Group> = layout
        .hierarchies
        .iter()
        .map(|hierarchy| Group {
            unified: hierarchy.unified,
            controllers: hierarchy.controllers,
            directory: path.in_hierarchy(hierarchy),
        })
        .collect();
    let none = Resources::default();
    let resources = resources.unwrap_or(&none);
    Ok(Plan {
        writes: limits(resources, &groups)?,
        devices: Devices::plan(&resources.devices, &groups, rootless)?,
        mounts: layout.hierarchies.iter().map(|hierarchy| hierarchy.mount).collect(),
        cgroups: Cgroups { groups },
        rootless,
    })
}

impl Plan {
    /// The cgroup that gets a device program, where one does.
    pub fn device_program(&self) -> Option<&str> {
        let group = self.devices.as_ref()?.program_group()?;
        self.cgroups.groups.get(group).map(|group| group.directory)
    }

    /// Whether something asked for is written into this cgroup.
    pub(super) fn limited(&self, group: usize) -> bool {
        self.writes.iter().any(|write| write.group == group)
    }
}

/// One line a cgroup and a write, as `ocinit plan` shows them.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in &self.cgroups.groups {
            writeln!(f, "make cgroup \"{}\"", group.directory)?;
        }
        for write in &self.writes {
            writeln!(f, "{}", write.at(&self.cgroups.groups))?;
        }
        match &self.devices {
            Some(devices) => devices.describe(&self.cgroups.groups, f),
            None => Ok(()),
        }
    }
}
