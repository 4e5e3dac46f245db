//! The cgroups of a running container, opened for another process (`exec`).

use rustix::fs::OFlags;

use super::create::Created;
use super::file;
use super::group::{Cgroups, Group};
use super::path::components;
use crate::error;
use crate::error::{Context, Result};

impl Cgroups {
    /// Opens them, or cgroups below them: `below` are the values of `--cgroup`,
    /// each a path (for all hierarchies) or `CONTROLLER[,CONTROLLER]:PATH`.
    ///
    /// # Errors
    /// A cgroup does not exist (any more), may not be entered, or is not below
    /// the container's; a controller is not there, or named twice.
    pub fn open(&self, below: &[&str]) -> Result<Created> {
        let mut cgroups = self.clone();
        for (index, value) in below.iter().enumerate() {
            let invalid = |what: &str| Err(error!("invalid --cgroup argument: {value}: {what}"));
            let Some((controllers, path)) = value.split_once(':') else {
                if index != 0 || below.len() != 1 {
                    return invalid("a path without controllers stands alone");
                }
                for group in &mut cgroups.groups {
                    descend(group, value)?;
                }
                continue;
            };
            for controller in controllers.split(',') {
                let has = |group: &&mut Group| !group.unified && group.has(controller);
                let Some(group) = cgroups.groups.iter_mut().find(has) else {
                    return invalid("the container has no cgroup of this controller");
                };
                let old = self.groups.iter().find(|old| old.controllers == group.controllers);
                if old.is_some_and(|old| old.directory != group.directory) {
                    return invalid("its hierarchy has a path already");
                }
                descend(group, path)?;
            }
        }
        let mut created = Created::default();
        for group in cgroups.groups {
            let (file, flags) = match group.unified {
                true => ("", OFlags::RDONLY | OFlags::DIRECTORY),
                false => ("tasks", OFlags::WRONLY),
            };
            let opened = file::open(&group.directory, file, flags)
                .context(|| error!("open cgroup \"{}\"", group.directory).what)?;
            created.push(group, opened);
        }
        Ok(created)
    }
}

fn descend(group: &mut Group, path: &str) -> Result<()> {
    let path = components(path)
        .ok_or_else(|| error!("invalid --cgroup argument: {path}: not a sub cgroup path"))?;
    if !path.is_empty() {
        group.directory.push('/');
        group.directory.push_str(&path);
    }
    Ok(())
}
