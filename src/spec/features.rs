//! The features document: what this build can do, for engines to ask.
//!
//! Lists come from the same tables that read `config.json`, so that they
//! cannot disagree. What depends on parts of the runtime that may be missing is
//! in [`Abilities`].

use alloc::string::String;

use super::{
    Hooks, MemoryPolicy, MemoryPolicyMode, NamespaceKind, Seccomp, SeccompAction, SeccompArch,
    SeccompOperator, VERSION, VERSION_MIN, annotations, capability, mount_options,
};
use crate::json::{Writer, indent, words};
use crate::text;

/// The parts of the runtime that the document reports.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    /// `linux.resources.rdma`.
    pub rdma: bool,
    /// `--systemd-cgroup`.
    pub systemd: bool,
    /// `--systemd-cgroup` without privileges.
    pub systemd_user: bool,
    /// `linux.seccomp`.
    pub seccomp: bool,
    /// `process.apparmorProfile`.
    pub apparmor: bool,
    /// `process.selinuxLabel`.
    pub selinux: bool,
    /// `linux.intelRdt`.
    pub intel_rdt: bool,
    /// `linux.memoryPolicy`.
    pub memory_policy: bool,
    /// `idmap` mounts.
    pub idmap: bool,
    /// `linux.netDevices`.
    pub net_devices: bool,
    /// `checkpoint` and `restore`.
    pub checkpoint: bool,
}

impl Abilities {
    /// What this build does. Switch a part on when it works.
    pub const BUILD: Abilities = Abilities {
        rdma: false,
        systemd: true,
        systemd_user: true,
        seccomp: true,
        apparmor: true,
        selinux: true,
        intel_rdt: true,
        memory_policy: true,
        idmap: true,
        net_devices: true,
        checkpoint: true,
    };

    /// The document, indented by four blanks as runc's.
    pub fn document(&self) -> String {
        let mut writer = Writer::new();
        writer.open_object();
        writer.string_field("ociVersionMin", VERSION_MIN);
        writer.string_field("ociVersionMax", VERSION);
        list(&mut writer, "hooks", Hooks::NAMES);
        list(&mut writer, "mountOptions", mount_options::NAMES);
        writer.object_field("linux");
        self.linux(&mut writer);
        writer.close();
        writer.object_field("annotations");
        writer.string_field("io.github.ocinit.version", env!("CARGO_PKG_VERSION"));
        writer.string_field(
            "org.opencontainers.runc.checkpoint.enabled",
            if self.checkpoint { "true" } else { "false" },
        );
        writer.close();
        list(&mut writer, "potentiallyUnsafeConfigAnnotations", annotations::NAMES);
        writer.close();
        indent(&writer.finish(), "    ")
    }

    fn linux(&self, writer: &mut Writer) {
        list(writer, "namespaces", NamespaceKind::NAMES);
        writer.array_field("capabilities");
        for name in words::iter(capability::NAMES) {
            writer.string(&text::joined(&["CAP_", name], ""));
        }
        writer.close();

        writer.object_field("cgroup");
        writer.bool_field("v1", true);
        writer.bool_field("v2", true);
        writer.bool_field("systemd", self.systemd);
        writer.bool_field("systemdUser", self.systemd_user);
        writer.bool_field("rdma", self.rdma);
        writer.close();

        open_part(writer, "seccomp", self.seccomp);
        if self.seccomp {
            list(writer, "actions", SeccompAction::NAMES);
            list(writer, "operators", SeccompOperator::NAMES);
            list(writer, "archs", SeccompArch::NAMES);
            list(writer, "knownFlags", Seccomp::FLAGS);
            list(writer, "supportedFlags", Seccomp::FLAGS);
        }
        writer.close();
        part(writer, "apparmor", self.apparmor);
        part(writer, "selinux", self.selinux);

        open_part(writer, "intelRdt", self.intel_rdt);
        if self.intel_rdt {
            writer.bool_field("schemata", true);
            writer.bool_field("monitoring", true);
        }
        writer.close();
        if self.memory_policy {
            writer.object_field("memoryPolicy");
            list(writer, "modes", MemoryPolicyMode::NAMES);
            list(writer, "flags", MemoryPolicy::FLAGS);
            writer.close();
        }
        writer.object_field("mountExtensions");
        part(writer, "idmap", self.idmap);
        writer.close();
        part(writer, "netDevices", self.net_devices);
    }
}

fn list(writer: &mut Writer, key: &str, names: &'static str) {
    writer.strings_field(key, &mut words::iter(names));
}

fn part(writer: &mut Writer, key: &str, enabled: bool) {
    open_part(writer, key, enabled);
    writer.close();
}

fn open_part(writer: &mut Writer, key: &str, enabled: bool) {
    writer.object_field(key);
    writer.bool_field("enabled", enabled);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Document;

    #[test]
    fn says_what_engines_look_for() {
        let text = Abilities::BUILD.document();
        let document = Document::parse(text.as_bytes(), "features").unwrap();
        let read = |path: &str| {
            let mut value = document.value();
            for key in path.split('.') {
                let crate::json::Value::Object(object) = value else { panic!("{path}") };
                value = object.get(key).unwrap();
            }
            let mut writer = Writer::new();
            writer.value(value);
            writer.finish()
        };
        let check = |path, expect: &str| assert_eq!(read(path), expect, "{path}");
        check("ociVersionMin", "\"1.0.0\"");
        check("ociVersionMax", "\"1.3.0\"");
        check("linux.mountExtensions.idmap.enabled", "true");
        check("linux.cgroup.v2", "true");
        check("linux.netDevices", r#"{"enabled":true}"#);
        check("linux.intelRdt", r#"{"enabled":true,"monitoring":true,"schemata":true}"#);
        assert!(read("linux.memoryPolicy").contains("MPOL_WEIGHTED_INTERLEAVE"));
        let unsafe_ones = read("potentiallyUnsafeConfigAnnotations");
        for name in [r#""org.systemd.property.""#, r#""org.criu.config""#] {
            assert!(unsafe_ones.contains(name), "{unsafe_ones}");
        }
        check("linux.seccomp.enabled", "true");
        let options = read("mountOptions");
        for option in ["\"rro\"", "\"idmap\"", "\"ridmap\"", "\"tmpcopyup\"", "\"nosymfollow\""] {
            assert!(options.contains(option), "{option}");
        }
        let capabilities = read("linux.capabilities");
        assert!(capabilities.starts_with(r#"["CAP_CHOWN","#));
        assert!(capabilities.ends_with(r#","CAP_CHECKPOINT_RESTORE"]"#));
        assert_eq!(capabilities.split(',').count(), 41);
        assert!(text.starts_with("{\n    \"ociVersionMin\": \"1.0.0\",\n"));
    }

    #[test]
    fn everything_switched_on_is_valid() {
        let all =
            Abilities { seccomp: true, intel_rdt: true, memory_policy: true, ..Abilities::BUILD };
        let text = all.document();
        Document::parse(text.as_bytes(), "features").unwrap();
        assert!(text.contains("SCMP_ACT_NOTIFY") && text.contains("MPOL_BIND"));
    }
}
