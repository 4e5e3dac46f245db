//! Whole plans, byte for byte: `golden/NAME.json` is a configuration,
//! `golden/NAME.plan` what `ocinit plan` shows for it on a made-up host.
//!
//! `OCINIT_BLESS=1 cargo test --lib golden` writes the plans again.

extern crate std;

use super::Host;
use super::Request;
use super::container::{hooks, plan, rootfs};
use super::document::{Shown, ShownUnit};
use crate::cgroup::systemd::{self, Names, Properties, annotation};
use crate::cgroup::{self, Layout};
use crate::json::{Document, indent, outline};
use crate::spec::{DefaultConfig, Spec};
use alloc::format;
use alloc::string::String;
use std::path::PathBuf;

const ENVIRONMENT: &[&core::ffi::CStr] = &[c"PATH=/usr/bin:/bin"];

const ROOT: Host = Host {
    uid: 0,
    gid: 0,
    capabilities: (1 << 41) - 1,
    in_user_namespace: false,
    apparmor: true,
    selinux: true,
};

const USER: Host =
    Host { uid: 1000, gid: 1000, capabilities: 0, apparmor: false, selinux: false, ..ROOT };

fn unified() -> Layout {
    Layout::parse(
        "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
        "0::/user.slice/session\n",
    )
    .with_unified_controllers("cpuset cpu io memory hugetlb pids rdma\n")
}

fn separate() -> Layout {
    let mountinfo = "\
31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
34 31 0:31 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices
35 31 0:32 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
";
    Layout::parse(mountinfo, "4:devices:/\n3:memory:/a\n2:cpu,cpuacct:/a\n1:name=systemd:/s\n")
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/plan/golden").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
}

/// The JSON of the plan for a configuration.
fn document(config: &str, host: Host, layout: &Layout, no_pivot: bool) -> String {
    made_by(None, config, host, layout, no_pivot)
}

/// As [`document`], with cgroups that systemd of this version makes.
fn made_by(
    systemd: Option<u32>,
    config: &str,
    host: Host,
    layout: &Layout,
    no_pivot: bool,
) -> String {
    let document = Document::parse(config.as_bytes(), "config.json").unwrap();
    let spec = Spec::read(&document).unwrap_or_else(|error| panic!("{error}"));
    let linux = &spec.linux;
    let rootless = host.uid != 0;
    let names = systemd.map(|version| {
        let names = Names::new(linux.cgroups_path, "web", rootless).unwrap();
        let request = systemd::Request {
            cgroups_path: linux.cgroups_path,
            id: "web",
            annotations: &spec.annotations,
            devices: linux.resources.as_ref().map_or(&[], |resources| &resources.devices),
            unified: layout.is_unified(),
            rootless: None,
            environment: &[],
        };
        let extra = annotation::properties(&spec.annotations).unwrap();
        let properties = Properties::plan(&request, &names, rootless, version, extra);
        (names, properties)
    });
    let path = names.as_ref().map_or(linux.cgroups_path, |(names, _)| Some(names.path));
    let cgroups = cgroup::plan(layout, path, "web", linux.resources.as_ref(), rootless);
    let cgroups = cgroups.unwrap_or_else(|error| panic!("{error}"));
    let rootfs = rootfs(spec, "/bundle").unwrap();
    let request = Request {
        id: "web",
        bundle: "/bundle",
        rootfs,
        no_pivot,
        no_new_keyring: no_pivot,
        preserve_fds: u32::from(no_pivot),
        extra_env: &[],
        environment: ENVIRONMENT,
        host,
        layout,
        cgroups: &cgroups.cgroups,
        notify: None,
        shared_parent: linux.rootfs_propagation.map(|_| "/bundle"),
    };
    let plan = plan(spec, &request).unwrap_or_else(|error| panic!("{error}"));
    let unit = names.map(|(names, properties)| (names.unit, properties.lines(&cgroups)));
    let later = |kind, list| hooks(kind, list, ENVIRONMENT).unwrap();
    let shown = Shown {
        id: "web",
        bundle: request.bundle,
        rootfs: request.rootfs,
        plan,
        cgroups: &cgroups,
        unit: unit.as_ref().map(|(name, properties)| ShownUnit {
            name,
            user: rootless,
            properties,
        }),
        rdt: &crate::rdt::Group::default(),
        later_hooks: &[
            later("poststart", &spec.hooks.poststart),
            later("poststop", &spec.hooks.poststop),
        ],
    };
    shown.document()
}

/// Compares, or writes.
fn compare(name: &str, text: &str) {
    if std::env::var_os("OCINIT_BLESS").is_some() {
        std::fs::write(file(name), text).unwrap();
    }
    let expect = read(name);
    let different = text.lines().zip(expect.lines()).find(|(found, expected)| found != expected);
    assert!(
        text == expect,
        "{name} differs, first at {different:?}: see the head of src/plan/golden.rs"
    );
}

fn check(name: &str, host: Host, layout: &Layout, no_pivot: bool) {
    let config = read(&format!("{name}.json"));
    compare(&format!("{name}.plan"), &outline(&document(&config, host, layout, no_pivot)));
}

#[test]
fn the_default_configuration() {
    let config = DefaultConfig { rootless: None, cgroup_namespace: true }.document();
    let document = document(&config, ROOT, &unified(), false);
    compare("default.plan", &outline(&document));
    compare("default.plan.json", &(indent(&document, "  ") + "\n"));
}

#[test]
fn a_rootless_one() {
    let config = DefaultConfig { rootless: Some((1000, 1000)), cgroup_namespace: true }.document();
    compare("rootless.plan", &outline(&document(&config, USER, &unified(), false)));
}

/// The filter is the machine's.
#[cfg(target_arch = "x86_64")]
#[test]
fn one_as_docker_writes_it() {
    check("docker", ROOT, &unified(), false);
}

#[test]
fn a_unit_of_systemd() {
    let config = read("systemd.json");
    let document = made_by(Some(255), &config, ROOT, &unified(), false);
    compare("systemd.plan", &outline(&document));
    compare("systemd.plan.json", &(indent(&document, "  ") + "\n"));
}

#[test]
fn every_namespace_joined() {
    check("joined", ROOT, &unified(), false);
}

#[test]
fn every_namespace_new_with_ranges_of_ids() {
    check("ranges", USER, &unified(), false);
}

#[test]
fn a_terminal_on_cgroups_of_v1() {
    check("terminal", ROOT, &separate(), true);
}

#[test]
fn hooks_of_all_kinds() {
    check("hooks", ROOT, &Layout::default(), false);
}

#[test]
fn options_of_mounts() {
    check("mounts", ROOT, &Layout::default(), false);
}

#[test]
fn no_mount_namespace() {
    check("bare", ROOT, &separate(), false);
}

#[test]
fn everything_of_a_process() {
    check("process", ROOT, &unified(), false);
}
