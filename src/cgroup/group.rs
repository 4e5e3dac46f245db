//! The cgroups of one container, as they are remembered in its state.

use alloc::vec::Vec;

use crate::json::{Node, Writer};

/// A container's cgroup in one hierarchy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    /// It is in the hierarchy of cgroup v2.
    pub unified: bool,
    /// The hierarchy's controllers, with commas between; `name=systemd` for a
    /// named one. For the unified one they are not remembered: read
    /// `cgroup.controllers`.
    pub controllers: &'static str,
    /// The directory, absolute.
    pub directory: &'static str,
}

/// A container's cgroups, one a hierarchy; none where the host has none or
/// where a rootless runtime may make none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cgroups {
    /// See the type; the unified one is the last.
    pub groups: Vec<Group>,
}

impl Group {
    /// Whether its hierarchy has the controller.
    pub fn has(&self, controller: &str) -> bool {
        self.controllers.split(',').any(|name| name == controller)
    }
}

impl Cgroups {
    /// Writes them as a value of the state: `{"paths":{CONTROLLERS:DIRECTORY}}`,
    /// with an empty name for the unified one.
    pub fn to_json(&self, writer: &mut Writer) {
        writer.open_object();
        writer.object_field("paths");
        for group in &self.groups {
            let name = if group.unified { "" } else { group.controllers };
            writer.string_field(name, group.directory);
        }
        writer.close();
        writer.close();
    }

    /// Reads what [`Cgroups::to_json`] wrote.
    pub fn from_json(node: &Node<'static, '_>) -> Option<Cgroups> {
        let mut paths = Vec::new();
        node.string_map("paths", &mut paths);
        let mut groups: Vec<Group> = paths
            .into_iter()
            .map(|(controllers, directory)| Group {
                unified: controllers.is_empty(),
                controllers,
                directory,
            })
            .collect();
        // The unified one is the last.
        if let Some(at) = groups.iter().position(|group| group.unified) {
            let unified = groups.remove(at);
            groups.push(unified);
        }
        Some(Cgroups { groups })
    }

    /// The cgroup of the unified hierarchy.
    pub fn unified(&self) -> Option<&Group> {
        self.groups.iter().find(|group| group.unified)
    }

    /// The cgroup of the v1 hierarchy with this controller.
    pub fn v1(&self, controller: &str) -> Option<&Group> {
        self.groups.iter().find(|group| !group.unified && group.has(controller))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn there_and_back() {
        let group = |unified, controllers, directory| Group { unified, controllers, directory };
        let cgroups = Cgroups {
            groups: alloc::vec![
                group(false, "cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct/x"),
                group(false, "name=systemd", "/sys/fs/cgroup/systemd/x"),
                group(true, "", "/sys/fs/cgroup/unified/x"),
            ],
        };
        let mut writer = Writer::new();
        cgroups.to_json(&mut writer);
        let text = writer.finish();
        let document = json::Document::parse(text.leak().as_bytes(), "state.json").unwrap();
        assert_eq!(document.try_read(Cgroups::from_json).unwrap(), cgroups);
        assert_eq!(cgroups.unified().unwrap().directory, "/sys/fs/cgroup/unified/x");
        assert!(cgroups.v1("cpuacct").is_some() && cgroups.v1("acct").is_none());
        let empty = json::Document::parse(b"{}", "state.json").unwrap();
        assert_eq!(empty.try_read(Cgroups::from_json).unwrap(), Cgroups::default());
    }
}
