//! New limits for existing cgroups (`update`). Device rules are not touched.

use alloc::vec::Vec;

use super::file;
use super::group::Cgroups;
use super::limits::{Write, apply, limits};
use crate::error;
use crate::error::{Context, Result};
use crate::spec::Resources;

impl Cgroups {
    /// Writes the limits that are set; the others stay as they are.
    ///
    /// # Errors
    /// As [`super::plan()`] and [`super::Plan::create`]; values written before
    /// the one that failed stay.
    pub fn update(&self, resources: &Resources<'_>) -> Result<()> {
        let mut groups = self.groups.clone();
        for group in groups.iter_mut().filter(|group| group.unified) {
            let path = || error!("read \"{}/cgroup.controllers\"", group.directory).what;
            let text = file::read_in(&group.directory, "cgroup.controllers").context(path)?;
            group.controllers = text.trim_ascii().replace(' ', ",");
        }
        let writes = limits(resources, &groups)?;
        for (index, group) in groups.iter().enumerate() {
            let own: Vec<&Write> = writes.iter().filter(|write| write.group == index).collect();
            apply(&own, &group.directory)?;
        }
        Ok(())
    }
}
