//! `config.json`, as far as it goes without the kernel: read, planned for one of
//! three kinds of host, and shown.

use ocinit::cgroup::systemd::{Names, annotation};
use ocinit::cgroup::{self, Layout};
use ocinit::json::{self, Document};
use ocinit::plan::Host;
use ocinit::plan::Request;
use ocinit::plan::container::{hooks, plan, rootfs};
use ocinit::plan::document::Shown;
use ocinit::spec::Spec;
use std::ffi::CStr;

/// Root of the host.
pub const ROOT: Host = Host {
    uid: 0,
    gid: 0,
    capabilities: (1 << 41) - 1,
    in_user_namespace: false,
    apparmor: true,
    selinux: true,
};

/// An ordinary user.
const USER: Host =
    Host { uid: 1000, gid: 1000, capabilities: 0, apparmor: false, selinux: false, ..ROOT };

const ENVIRONMENT: &[&CStr] = &[c"PATH=/usr/bin:/bin"];

const UNIFIED: &str = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n";

const SEPARATE: &str = "\
31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
34 31 0:31 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices
35 31 0:33 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio
36 31 0:32 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
";

/// Reads the bytes as a configuration, and shows the plan. Their number says
/// for which host.
pub fn check(data: &[u8]) {
    let Ok(document) = Document::parse(data, "config.json") else { return };
    let Ok(spec) = Spec::read(&document) else { return };
    let _ = annotation::properties(&spec.annotations);
    let _ = Names::new(spec.linux.cgroups_path, "web", false);
    let unified = Layout::parse(UNIFIED, "0::/user.slice/session\n")
        .with_unified_controllers("cpuset cpu io memory hugetlb pids rdma\n");
    let separate = Layout::parse(
        SEPARATE,
        "5:blkio:/\n4:devices:/\n3:memory:/a\n2:cpu,cpuacct:/a\n1:name=systemd:/s\n",
    );
    match data.len() % 3 {
        0 => show(spec, ROOT, &unified),
        1 => show(spec, ROOT, &separate),
        _ => show(spec, USER, &unified),
    }
}

fn show(spec: &Spec<'_>, host: Host, layout: &Layout) {
    let linux = &spec.linux;
    let resources = linux.resources.as_ref();
    let cgroups = cgroup::plan(layout, linux.cgroups_path, "web", resources, host.uid != 0);
    let Ok(cgroups) = cgroups else { return };
    let Some(rootfs) = rootfs(spec, "/bundle") else { return };
    let request = Request {
        id: "web",
        bundle: "/bundle",
        rootfs,
        no_pivot: false,
        no_new_keyring: false,
        preserve_fds: 0,
        extra_env: &[],
        environment: ENVIRONMENT,
        host,
        layout,
        cgroups: &cgroups.cgroups,
        notify: None,
        shared_parent: linux.rootfs_propagation.map(|_| "/bundle"),
    };
    let Ok(plan) = plan(spec, &request) else { return };
    let later = |kind, list| hooks(kind, list, ENVIRONMENT);
    let (Ok(poststart), Ok(poststop)) =
        (later("poststart", &spec.hooks.poststart), later("poststop", &spec.hooks.poststop))
    else {
        return;
    };
    let text = Shown {
        id: "web",
        bundle: request.bundle,
        rootfs: request.rootfs,
        plan,
        cgroups: &cgroups,
        unit: None,
        rdt: &ocinit::rdt::Group::default(),
        later_hooks: &[poststart, poststop],
    }
    .document();
    assert!(json::parse(text.as_bytes()).is_ok(), "the plan is no JSON: {text}");
    let _ = json::outline(&text);
}
