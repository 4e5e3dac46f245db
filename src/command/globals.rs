//! The flags before the command, and the default place of the state.

use core::ffi::CStr;

use crate::command::flag::Flag;
use crate::command::parse::{Values, boolean};
use crate::error::{Error, Result};
use crate::request::{CgroupManager, Globals, in_user_namespace, variable};
use crate::text;

/// The declarations, in the order of the help.
pub static FLAGS: &[Flag] = &[
    Flag("debug: enable debug logging"),
    Flag("log FILE: append logs to FILE, or to journald:NAME or syslog:NAME, instead of stderr"),
    Flag("log-format FORMAT: set the log format: text or json (default: text)"),
    Flag("log-level LEVEL: log from this level on: error, warning, info or debug (default: info)"),
    Flag("root DIR: directory for the state of containers (should be on tmpfs)"),
    Flag("systemd-cgroup: ask systemd for cgroups: cgroupsPath is slice:prefix:name"),
    Flag("cgroup-manager MANAGER: cgroupfs, systemd or disabled (default: cgroupfs)"),
    Flag("rootless WHEN: ignore cgroup permission errors: true, false or auto (default: auto)"),
    Flag("criu FILE: the program that checkpoint and restore use (default: criu)"),
];

/// Checks the values.
///
/// # Errors
/// A value is not one of those that its flag takes.
pub fn read(program: &str, values: &Values, environment: &[&'static CStr]) -> Result<Globals> {
    let cgroup_manager = match values.value("cgroup-manager") {
        Some("systemd") => CgroupManager::Systemd,
        Some("disabled") => CgroupManager::Disabled,
        None if values.flag("systemd-cgroup") => CgroupManager::Systemd,
        None | Some("cgroupfs") => CgroupManager::Cgroupfs,
        Some(other) => return Err(Error::about("invalid cgroup-manager: {}", other)),
    };
    let rootless = match values.value("rootless") {
        None | Some("" | "auto") => None,
        Some(value) => Some(boolean("rootless", value)? == "true"),
    };
    let (root, root_sticky) = match values.value("root") {
        Some(root) => {
            if root.bytes().all(|byte| byte == b'/') {
                return Err(Error::new("--root must be a directory other than /"));
            }
            (root, false)
        }
        None => match runtime_directory(environment) {
            Some(runtime) => (text::about_both("{}/{}", runtime, program), true),
            None => (text::about("/run/{}", program), false),
        },
    };
    Ok(Globals {
        root,
        root_given: values.value("root").is_some(),
        root_sticky,
        cgroup_manager,
        rootless,
        criu: values.value("criu").filter(|name| !name.is_empty()),
    })
}

/// `$XDG_RUNTIME_DIR` where it is to be used: by ordinary users, and by root
/// of a user namespace that some tool made for an ordinary user (runc's rule:
/// such a tool leaves USER as it was).
fn runtime_directory(environment: &[&'static CStr]) -> Option<&'static str> {
    let directory = variable(environment, "XDG_RUNTIME_DIR").filter(|value| !value.is_empty())?;
    let root = rustix::process::geteuid().is_root();
    if root && (variable(environment, "USER") == Some("root") || !in_user_namespace()) {
        return None;
    }
    Some(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::parse::parse;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    fn globals(arguments: &[&'static CStr]) -> Result<Globals> {
        read("runc", &parse(FLAGS, arguments, true)?.values, &[])
    }

    #[test]
    fn roots() {
        for (arguments, expect, given) in [
            (Vec::new(), "/run/runc", false),
            (Vec::from([c"--root", c"/a/b"]), "/a/b", true),
            (Vec::from([c"--root=a"]), "a", true),
        ] {
            let globals = globals(&arguments).unwrap();
            assert_eq!((globals.root, globals.root_given), (expect, given));
        }
        for root in [c"--root=", c"--root=/", c"--root=//"] {
            assert!(globals(&[root]).is_err());
        }
    }

    #[test]
    fn cgroup_managers() {
        use CgroupManager::*;
        for (arguments, expect) in [
            (&[][..], Cgroupfs),
            (&[c"--systemd-cgroup"], Systemd),
            (&[c"--cgroup-manager=systemd"], Systemd),
            (&[c"--cgroup-manager", c"cgroupfs", c"--systemd-cgroup"], Cgroupfs),
            (&[c"--cgroup-manager", c"disabled"], Disabled),
        ] {
            assert_eq!(globals(arguments).unwrap().cgroup_manager, expect);
        }
        let error = globals(&[c"--cgroup-manager=x"]).unwrap_err();
        assert_eq!(error.to_string(), "invalid cgroup-manager: x");
    }

    #[test]
    fn rootless() {
        assert_eq!(globals(&[]).unwrap().rootless, None);
        assert_eq!(globals(&[c"--rootless=auto"]).unwrap().rootless, None);
        assert!(globals(&[c"--rootless", c"true"]).unwrap().is_rootless());
        assert!(!globals(&[c"--rootless=0"]).unwrap().is_rootless());
        assert!(globals(&[c"--rootless=maybe"]).is_err());
    }
}
