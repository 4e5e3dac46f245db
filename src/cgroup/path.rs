//! Where a container's cgroup is in each hierarchy (`linux.cgroupsPath`).
//!
//! An absolute path starts at the mount point. A relative one, and the container
//! id where there is none, starts at the runtime's own cgroup; in the unified
//! hierarchy at the parent of it, because a cgroup with processes of its own
//! cannot give controllers to its children (cgroup-v2.rst, "No Internal Process
//! Constraint"). That is what runc does.

use alloc::string::String;

use super::layout::Hierarchy;
use crate::cut;
use crate::error::{Error, Result};
use crate::text;

/// A checked `cgroupsPath`: at least one component, none of them `..`.
#[derive(Debug, PartialEq, Eq)]
pub struct CgroupPath {
    absolute: bool,
    /// Without a slash at either end.
    path: &'static str,
}

impl CgroupPath {
    /// Checks the path; the container's id stands in for one that is absent or
    /// empty.
    ///
    /// # Errors
    /// It has a `..`, or names no cgroup.
    pub fn new(cgroups_path: Option<&str>, id: &str) -> Result<CgroupPath> {
        let given = cgroups_path.filter(|path| !path.is_empty()).unwrap_or(id);
        let path = components(given).ok_or_else(|| {
            Error::about("linux.cgroupsPath \"{}\": \"..\" is not allowed", given)
        })?;
        if path.is_empty() {
            return Err(Error::about("linux.cgroupsPath \"{}\": names no cgroup", given));
        }
        Ok(CgroupPath { absolute: given.starts_with('/'), path })
    }

    /// The directory in this hierarchy.
    pub fn in_hierarchy(&self, hierarchy: &Hierarchy) -> &'static str {
        let own = hierarchy.own.trim_end_matches('/');
        let start = match (self.absolute, hierarchy.unified) {
            (true, _) => "",
            (false, false) => own,
            (false, true) => cut::at_last(own, b'/').map_or("", |(parent, _)| parent),
        };
        text!("{}{start}/{}", hierarchy.mount.trim_end_matches('/'), self.path)
    }
}

/// The path without empty components and `.`, and without a slash at either
/// end; `None` where it has a `..`.
pub fn components(given: &str) -> Option<&'static str> {
    let mut path = String::new();
    for component in given.split('/') {
        match component {
            "" | "." => continue,
            ".." => return None,
            _ => {}
        }
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(component);
    }
    Some(path.leak())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::keep;

    fn directory(path: Option<&str>, unified: bool, own: &str) -> Result<&'static str> {
        let hierarchy = Hierarchy { unified, controllers: "", mount: "/m", own: keep(own) };
        CgroupPath::new(path, "id").map(|path| path.in_hierarchy(&hierarchy))
    }

    #[test]
    fn absolute_relative_unset() {
        for (path, own, v1, v2) in [
            (Some("/a/b"), "/own/x", "/m/a/b", "/m/a/b"),
            (Some("//a/./b/"), "/own/x", "/m/a/b", "/m/a/b"),
            (Some("a/b"), "/own/x", "/m/own/x/a/b", "/m/own/a/b"),
            (Some("a"), "/own", "/m/own/a", "/m/a"),
            (Some("a"), "/", "/m/a", "/m/a"),
            (None, "/own/x", "/m/own/x/id", "/m/own/id"),
            (Some(""), "/", "/m/id", "/m/id"),
            (Some("a..b/..c"), "/", "/m/a..b/..c", "/m/a..b/..c"),
        ] {
            assert_eq!(directory(path, false, own).unwrap(), v1, "{path:?}");
            assert_eq!(directory(path, true, own).unwrap(), v2, "{path:?}");
        }
    }

    #[test]
    fn no_escape() {
        for path in ["..", "/..", "a/../b", "/a/..", "../../a", "/", ".", "//./"] {
            assert!(directory(Some(path), true, "/own").is_err(), "{path}");
        }
    }
}
