//! The cgroups of a running container, opened for another process (`exec`).

use alloc::string::String;
use rustix::fs::OFlags;

use super::create::Created;
use super::file;
use super::group::{Cgroups, Group};
use super::members::tree;
use super::path::components;
use crate::error::{Error, Result};
use crate::number;
use crate::text;
use crate::text::keep;

impl Cgroups {
    /// The same, but in the unified hierarchy the cgroup below in which this
    /// process of the container is: where the container gives controllers to
    /// cgroups of its own, its own cgroup cannot be entered (`EBUSY`), and runc
    /// puts the new process beside init.
    #[must_use]
    pub fn beside(&self, init: i32) -> Cgroups {
        let mut cgroups = self.clone();
        for group in cgroups.groups.iter_mut().filter(|group| group.unified) {
            let holds = |directory: &String| {
                let procs = file::read_in(directory, "cgroup.procs").unwrap_or_default();
                procs.lines().any(|line| number::signed(line) == Some(init))
            };
            let directories = tree(group.directory).unwrap_or_default();
            if let Some(directory) = directories.into_iter().find(holds) {
                group.directory = keep(&directory);
            }
        }
        cgroups
    }

    /// Opens them, or cgroups below them: `below` are the values of `--cgroup`,
    /// each a path (for all hierarchies) or `CONTROLLER[,CONTROLLER]:PATH`.
    ///
    /// # Errors
    /// A cgroup does not exist (any more), may not be entered, or is not below
    /// the container's; a controller is not there, or named twice.
    pub fn open(&self, below: &[&str]) -> Result<Created> {
        let mut cgroups = self.clone();
        for (index, value) in below.iter().enumerate() {
            let invalid = |what: &str| {
                Err(Error::about_both("invalid --cgroup argument: {}: {}", value, what))
            };
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
            let opened = file::must_open(group.directory, file, flags)?;
            created.push(group, opened);
        }
        Ok(created)
    }
}

fn descend(group: &mut Group, path: &str) -> Result<()> {
    let path = components(path).ok_or_else(|| {
        Error::about("invalid --cgroup argument: {}: not a sub cgroup path", path)
    })?;
    if !path.is_empty() {
        group.directory = text::about_both("{}/{}", group.directory, path);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::super::tests::{View, create, in_view, inmate, settle, sweep, wait};
    use crate::spec::Resources;
    use alloc::format;
    use rustix::process::Signal;

    #[test]
    fn beside_init_where_the_own_cgroup_is_full_of_cgroups() {
        in_view(View::V2, |layout| {
            let cgroups = create(layout, "beside", &Resources::default()).unwrap().keep();
            let directory = &cgroups.unified().unwrap().directory;
            std::fs::create_dir(format!("{directory}/init")).unwrap();
            let inner = cgroups.open(&["init"]).unwrap();
            let init = inmate(&inner);
            settle(&inner, init);
            let found = cgroups.beside(init.as_raw_nonzero().get());
            assert_eq!(found.unified().unwrap().directory, format!("{directory}/init"));
            assert_eq!(cgroups.beside(1), cgroups);
            cgroups.kill_all(Signal::KILL).unwrap();
            wait(init);
            cgroups.remove().unwrap();
            sweep(&cgroups);
        });
    }
}
