//! What is remembered of a container between two commands.

use alloc::string::String;
use alloc::vec::Vec;

use crate::act::listener::Listener;
use crate::cgroup::systemd::Unit;
use crate::container::{Cgroups, ContainerId, written};
use crate::error::Result;
use crate::json::{self, Node, Writer};
use crate::rdt::Group;
use alloc::boxed::Box;
use linux_raw_sys::general::CLONE_NEWPID;

/// A container's state, as saved.
#[derive(Debug, Clone)]
pub struct State {
    /// `ociVersion` of the configuration.
    pub oci_version: &'static str,
    /// The id.
    pub id: ContainerId,
    /// The process id of the container's init in our pid namespace; 0 as long
    /// as there is none.
    pub pid: i32,
    /// When it was started, in clock ticks after boot: with the pid it names
    /// the process for ever (see [`crate::container::process`]).
    pub start_time: u64,
    /// The bundle's directory, absolute.
    pub bundle: &'static str,
    /// The root file system's directory on the host, absolute.
    pub rootfs: &'static str,
    /// When it was created: RFC 3339 in UTC with a fraction.
    pub created: &'static str,
    /// The configuration's annotations.
    pub annotations: Vec<(&'static str, &'static str)>,
    /// Its cgroups.
    pub cgroups: Cgroups,
    /// Its classes of caches and memory bandwidth.
    pub rdt: Group,
    /// Errors of cgroups for want of permission are ignored.
    pub rootless: bool,
    /// The unit, where systemd made the cgroups.
    pub systemd: Option<Unit>,
    /// The kernel has no system call filters, and the container runs without the
    /// one that it was to have: so do the processes that join it.
    pub unfiltered: bool,
    /// The container has a session keyring of its own.
    pub own_keyring: bool,
    /// The namespaces that were made for the container (`CLONE_NEW*` flags).
    pub new_namespaces: u32,
    /// `linux.seccomp.listenerPath`; empty where there is none.
    pub listener_path: &'static str,
    /// `linux.seccomp.listenerMetadata`.
    pub listener_metadata: &'static str,
    /// `hooks` of the configuration when the container was created, as JSON (so
    /// that a later change of config.json has no effect on it); empty when there
    /// are none.
    pub hooks: &'static str,
    /// The pipes that init was given as descriptors 0, 1 and 2, as the kernel names
    /// them; empty for what is none.
    pub descriptors: [&'static str; 3],
    /// The limits that were asked for, as JSON; see [`crate::container::limits`].
    pub limits: &'static str,
}

impl State {
    /// Whether the container has a pid namespace of its own: then all its
    /// processes end with its init.
    pub fn has_own_pids(&self) -> bool {
        self.new_namespaces & CLONE_NEWPID != 0
    }

    /// The annotations.
    pub fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.annotations.iter().copied()
    }

    /// Who gets the descriptor of the container's system call filter.
    pub fn listener<'a>(&'a self, status: &'a str) -> Listener<'a> {
        Listener {
            path: self.listener_path,
            metadata: self.listener_metadata,
            pid: self.pid,
            status,
            state: self,
        }
    }

    /// As a document of one line.
    pub fn to_json(&self) -> String {
        let mut out = Writer::new();
        out.open_object();
        out.string_field("ociVersion", self.oci_version);
        out.string_field("id", self.id.as_str());
        out.number_field("pid", self.pid.into());
        out.number_field("startTime", self.start_time as i64);
        out.string_field("bundle", self.bundle);
        out.string_field("rootfs", self.rootfs);
        out.string_field("created", self.created);
        out.object_field("annotations");
        for (name, value) in self.annotations() {
            out.string_field(name, value);
        }
        out.close();
        out.key("cgroups");
        self.cgroups.to_json(&mut out);
        self.rdt.to_json(&mut out);
        out.bool_field("rootless", self.rootless);
        if let Some(unit) = &self.systemd {
            out.key("systemd");
            unit.to_json(&mut out);
        }
        if self.unfiltered {
            out.bool_field("unfiltered", true);
        }
        out.bool_field("ownKeyring", self.own_keyring);
        out.number_field("newNamespaces", self.new_namespaces.into());
        out.string_field("listenerPath", self.listener_path);
        out.string_field("listenerMetadata", self.listener_metadata);
        if self.descriptors.iter().any(|name| !name.is_empty()) {
            let mut names = self.descriptors.iter().copied();
            out.strings_field("descriptors", &mut names);
        }
        out.string_field("hooks", self.hooks);
        out.string_field("limits", self.limits);
        out.close();
        out.finish()
    }

    /// Reads a saved state; `None` when the text is not JSON, as after a crash.
    /// Properties that are not known are ignored.
    ///
    /// # Errors
    /// It is JSON, but no state of ours: another runtime's, for example.
    pub fn from_json(text: &'static [u8]) -> Result<Option<&'static mut State>> {
        if let Some(state) = written::read(text) {
            return Ok(Some(state));
        }
        State::from_any_json(text)
    }

    /// As [`State::from_json`], for what [`State::to_json`] may not have written.
    pub(super) fn from_any_json(text: &'static [u8]) -> Result<Option<&'static mut State>> {
        match json::Document::parse(text, "state.json") {
            Ok(document) => document.try_read(read).map(Some),
            Err(_) => Ok(None),
        }
    }
}

fn read(node: &Node<'static, '_>) -> Option<&'static mut State> {
    let text = |name| node.required(name)?.as_str();
    let mut annotations = Vec::new();
    node.string_map("annotations", &mut annotations);
    Some(Box::leak(Box::new(State {
        oci_version: text("ociVersion")?,
        id: ContainerId::new(text("id")?).ok()?,
        pid: node.i32("pid").filter(|pid| *pid >= 0)?,
        start_time: node.u64("startTime")?,
        bundle: text("bundle")?,
        rootfs: text("rootfs")?,
        created: text("created")?,
        annotations,
        cgroups: Cgroups::from_json(&node.required("cgroups")?)?,
        rdt: Group::from_json(node),
        rootless: node.flag("rootless"),
        systemd: node.get("systemd").and_then(|node| Unit::from_json(&node)),
        unfiltered: node.flag("unfiltered"),
        own_keyring: node.flag("ownKeyring"),
        new_namespaces: node.u64("newNamespaces").unwrap_or_default() as u32,
        listener_path: node.text("listenerPath").unwrap_or_default(),
        listener_metadata: node.text("listenerMetadata").unwrap_or_default(),
        descriptors: node.get("descriptors").map(|node| three(&node)).unwrap_or_default(),
        hooks: node.text("hooks").unwrap_or_default(),
        limits: node.text("limits").unwrap_or_default(),
    })))
}

/// The first three texts of a list.
pub fn three<'v>(list: &Node<'v, '_>) -> [&'v str; 3] {
    let mut texts = [""; 3];
    let mut place = texts.iter_mut();
    list.each(&mut |item| {
        if let (Some(place), Some(text)) = (place.next(), item.as_str()) {
            *place = text;
        }
    });
    texts
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::text::keep;

    /// A state to test with.
    pub fn sample() -> State {
        State {
            oci_version: "1.2.0",
            id: ContainerId::new("web").unwrap(),
            pid: 4711,
            start_time: 99,
            bundle: "/b",
            rootfs: "/b/rootfs",
            created: "2024-02-29T12:00:00.5Z",
            annotations: alloc::vec![("a.b", "\"c\"")],
            cgroups: Cgroups::default(),
            rdt: Group { class: "/r/web", own: true, monitor: "/r/web/mon_groups/web" },
            rootless: false,
            systemd: Some(Unit {
                name: "runc-web.scope",
                user: true,
                bus: "unix:path=/run/user/1/bus",
            }),
            unfiltered: true,
            own_keyring: true,
            new_namespaces: CLONE_NEWPID,
            listener_path: "",
            listener_metadata: "",
            descriptors: ["pipe:[7]", "", "pipe:[8]"],
            hooks: r#"{"poststop":[{"path":"/bin/true"}]}"#,
            limits: r#"{"pids":{"limit":7}}"#,
        }
    }

    #[test]
    fn there_and_back() {
        let text = sample().to_json();
        let again = parse(&text).unwrap();
        assert_eq!(again.to_json(), text);
        assert_eq!(again.annotations, sample().annotations);
    }

    fn parse(text: &str) -> Option<&'static mut State> {
        State::from_json(keep(text).as_bytes()).unwrap()
    }

    #[test]
    fn unknown_properties_and_garbage() {
        let text = sample().to_json();
        let more = text.replacen('{', "{\"later\":[1,{}],", 1);
        assert_eq!(parse(&more).unwrap().to_json(), text);
        for bad in ["", "{\"id\":", &text[..text.len() - 1]] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn states_of_others() {
        let negative = sample().to_json().replacen("4711", "-1", 1);
        let runc = r#"{"id":"a","init_process_pid":1,"init_process_start":2,"created":"x"}"#;
        for other in ["{}", "null", "[]", runc, &negative] {
            assert!(State::from_json(keep(other).as_bytes()).is_err(), "{other}");
        }
    }
}
