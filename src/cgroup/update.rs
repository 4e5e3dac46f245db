//! New limits for existing cgroups (`update`). Device rules are not touched.

use alloc::vec::Vec;

use super::file;
use super::group::{Cgroups, Group};
use super::limits::{Write, apply, limits};
use crate::error::Result;
use crate::spec::Resources;

impl Cgroups {
    /// Writes the limits that are set; the others stay as they are.
    ///
    /// # Errors
    /// As [`super::plan()`] and [`super::Plan::create`]; values written before
    /// the one that failed stay.
    pub fn update(&self, resources: &Resources<'_>) -> Result<()> {
        let (groups, writes) = self.writes(resources)?;
        for (index, group) in groups.iter().enumerate() {
            let own: Vec<&Write> = writes.iter().filter(|write| write.group == index).collect();
            apply(&own, &group.directory)?;
        }
        Ok(())
    }

    /// What is written for these limits, and the groups with their controllers.
    pub(super) fn writes(&self, resources: &Resources<'_>) -> Result<(Vec<Group>, Vec<Write>)> {
        let mut groups = self.groups.clone();
        for group in groups.iter_mut().filter(|group| group.unified) {
            let text = file::must_read(&group.directory, "cgroup.controllers")?;
            group.controllers = text.trim_ascii().replace(' ', ",");
        }
        let mut resources = resources.clone();
        if let Some(group) = groups.iter().find(|group| group.unified) {
            complete(&mut resources, &group.directory);
        }
        let writes = limits(&resources, &groups)?;
        Ok((groups, writes))
    }
}

/// Some files of v2 hold two values, and swap is told as memory and swap
/// together: what is not given is as it was.
fn complete(resources: &mut Resources<'_>, directory: &str) {
    let current = |file: &str| -> Option<i64> {
        let text = file::read_in(directory, file).ok()?;
        match text.split_ascii_whitespace().next()? {
            "max" => Some(-1),
            number => number.parse().ok(),
        }
    };
    if let Some(cpu) = &mut resources.cpu
        && cpu.period.is_some()
        && cpu.quota.unwrap_or(0) == 0
    {
        cpu.quota = current("cpu.max");
    }
    if let Some(memory) = &mut resources.memory
        && memory.swap.unwrap_or(0) != 0
        && memory.limit.unwrap_or(0) == 0
    {
        memory.limit = current("memory.max");
    }
}
