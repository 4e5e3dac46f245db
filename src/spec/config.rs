//! The top of `config.json`.

use alloc::vec::Vec;

use super::{Hooks, Linux, Mount, Process, validate};
use crate::error::Result;
use crate::json::{Document, Node};
use crate::number;
use alloc::boxed::Box;

/// A container's configuration: the whole of `config.json` for Linux.
///
/// `vm`, `windows`, `solaris` and `zos` are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spec<'a> {
    /// `ociVersion`: the release the bundle was written for.
    pub oci_version: &'a str,
    /// The root file system; the specification requires it on Linux.
    pub root: Option<Root<'a>>,
    /// Mounts, to be made in this order.
    pub mounts: Vec<Mount<'a>>,
    /// What to run. Absent: `create` may succeed, `start` must fail.
    pub process: Option<Process<'a>>,
    /// The host name in the uts namespace.
    pub hostname: Option<&'a str>,
    /// The NIS domain name in the uts namespace.
    pub domainname: Option<&'a str>,
    /// Programs to run around the container's life.
    pub hooks: Hooks<'a>,
    /// Data for others, sorted by key.
    pub annotations: Vec<(&'a str, &'a str)>,
    /// Everything below `linux`; the default where it is absent.
    pub linux: Linux<'a>,
}

/// `root`: the root file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root<'a> {
    /// The directory, absolute or relative to the bundle.
    pub path: &'a str,
    /// Whether it is read-only inside the container.
    pub readonly: bool,
}

impl<'a> Spec<'a> {
    /// Reads and validates a configuration.
    ///
    /// # Errors
    /// The first thing wrong, as `FILE:LINE:COLUMN: PATH: what and what is
    /// allowed`.
    pub fn read(document: &'a Document<'_>) -> Result<&'a mut Self> {
        let spec = document.read(|node| Box::leak(Box::new(Spec::parse(node))))?;
        validate::spec(spec).map_err(|invalid| document.error(&invalid))?;
        if let Some(resources) = &mut spec.linux.resources
            && resources.pids == Some(0)
            && minor(spec.oci_version) < 3
        {
            // Before 1.3 it was what engines wrote for no limit.
            resources.pids = None;
        }
        Ok(spec)
    }

    /// Reads a configuration without the rules of `validate`.
    #[inline(never)]
    pub fn parse(node: &Node<'a, '_>) -> Self {
        let mut spec = Spec::default();
        spec.oci_version = node.required_text("ociVersion");
        node.object("root", &mut spec.root, Root::parse);
        node.list("mounts", &mut spec.mounts, Mount::parse);
        node.object("process", &mut spec.process, Process::parse);
        spec.hostname = node.text("hostname");
        spec.domainname = node.text("domainname");
        if let Some(node) = node.get("hooks") {
            spec.hooks.fill(&node);
        }
        node.string_map("annotations", &mut spec.annotations);
        if let Some(node) = node.get("linux") {
            spec.linux.fill(&node);
        }
        spec
    }
}

/// The second number of a version; 0 where it has none.
fn minor(version: &str) -> u32 {
    version.split('.').nth(1).and_then(number::unsigned).unwrap_or(0)
}

impl<'a> Root<'a> {
    fn parse(node: &Node<'a, '_>) -> Self {
        Root { path: node.required_text("path"), readonly: node.flag("readonly") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pids_limit_of_0_is_a_limit_since_1_3() {
        let limit = |version: &str| {
            let text = alloc::format!(
                "{{\"ociVersion\":\"{version}\",\"root\":{{\"path\":\"r\"}},\
                 \"linux\":{{\"resources\":{{\"pids\":{{\"limit\":0}}}}}}}}"
            );
            let document = Document::parse(text.as_bytes(), "config.json").unwrap();
            Spec::read(&document).unwrap().linux.resources.as_ref().unwrap().pids
        };
        assert_eq!(limit("1.0.2-dev"), None);
        assert_eq!(limit("1.2.1"), None);
        assert_eq!(limit("1.3.0"), Some(0));
    }
}
