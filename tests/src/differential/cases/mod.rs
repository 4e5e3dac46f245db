//! The generator of bundles, as data: a name, a document, what to prepare.
//!
//! A document may say `@BUNDLE@`, `@TREE@`, `@PEER@` and `@ID@`; see [`super::Bench`].

mod cgroups;
mod hooks;
mod linux;
mod mounts;
mod namespaces;
mod options;
mod process;
mod seccomp;
mod whole;

pub use cgroups::fit;

use crate::spec;
use serde_json::{Value, json};
use std::path::Path;

/// One bundle.
#[derive(Clone, Debug)]
pub struct Case {
    /// `GROUP/NAME`.
    pub name: String,
    /// The document.
    pub config: Value,
    /// What to do to the root file system first.
    pub setup: Option<fn(&Path)>,
}

impl Case {
    /// The default document, in the version of the specification that all three
    /// accept, with a report of what is inside.
    fn new(group: &str, name: &str) -> Case {
        let mut config = spec::default();
        config["ociVersion"] = json!("1.0.2");
        // Elsewhere these would only be the same twenty mounts again.
        if !["defaults", "cgroups"].contains(&group) {
            spec::drop_mount(&mut config, "/sys/fs/cgroup");
            config["linux"]["maskedPaths"] = json!([]);
            config["linux"]["readonlyPaths"] = json!([]);
        }
        Case { name: format!("{group}/{name}"), config, setup: None }
    }

    /// With a change to the document.
    fn with(mut self, change: impl FnOnce(&mut Value)) -> Case {
        change(&mut self.config);
        self
    }

    /// With a property of `process`.
    fn process(self, key: &str, value: Value) -> Case {
        self.with(|c| c["process"][key] = value)
    }

    /// With a property of `linux`.
    fn linux(self, key: &str, value: Value) -> Case {
        self.with(|c| c["linux"][key] = value)
    }

    /// With one more mount.
    fn mount(self, destination: &str, kind: &str, source: &str, options: &[&str]) -> Case {
        let mount = json!({
            "destination": destination, "type": kind, "source": source, "options": options
        });
        self.with(|c| spec::add_mount(c, mount))
    }

    /// With another program.
    fn args(self, args: &[&str]) -> Case {
        self.process("args", json!(args))
    }

    /// With accesses to be tried by the guest.
    fn probes(self, words: &[&str]) -> Case {
        self.with(|c| {
            let args = c["process"]["args"].as_array_mut().expect("the guest's arguments");
            args.extend(words.iter().map(|w| json!(w)));
        })
    }

    /// With a look at the control groups from outside, while the guest is there.
    fn observed(self) -> Case {
        self.with(|c| c["process"]["args"][1] = json!("observe"))
    }

    /// With a prepared root file system, which is not linked to another one.
    fn setup(mut self, setup: fn(&Path)) -> Case {
        self.setup = Some(setup);
        self
    }

    /// Whether the guest stays until it gets a signal.
    pub fn stays(&self) -> bool {
        self.config["process"]["args"][1] == "observe"
    }
}

/// A group's name and its generator.
pub type Group = (&'static str, fn() -> Vec<Case>);

/// All groups.
pub const GROUPS: &[Group] = &[
    ("defaults", whole::defaults),
    ("exit", whole::exits),
    ("namespaces", namespaces::all),
    ("options", options::all),
    ("mounts", mounts::all),
    ("propagation", mounts::propagation),
    ("devices", linux::devices),
    ("paths", linux::paths),
    ("sysctl", linux::sysctl),
    ("seccomp", seccomp::all),
    ("ids", process::ids),
    ("capabilities", process::capabilities),
    ("rlimits", process::rlimits),
    ("process", process::rest),
    ("cgroups", cgroups::places),
    ("resources", cgroups::resources),
    ("unified", cgroups::unified),
    ("scopes", cgroups::scopes),
    ("hooks", hooks::all),
];

/// The bundles of one group.
pub fn of(group: &str) -> Vec<Case> {
    let found = GROUPS.iter().find(|g| g.0 == group);
    found.unwrap_or_else(|| panic!("no group {group}")).1()
}

/// All bundles.
pub fn all() -> Vec<Case> {
    GROUPS.iter().flat_map(|g| g.1()).collect()
}
