//! Kinds of mounts, where they go, what is bound, and propagation.

use super::Case;
use crate::spec;
use serde_json::json;
use std::os::unix::fs::symlink;

/// All but options and propagation.
pub fn all() -> Vec<Case> {
    let case = |name: &str| Case::new("mounts", name);
    let bind = |name: &str, at: &str, source: &str| {
        case(name).mount(at, "bind", &format!("@BUNDLE@/data/{source}"), &["bind"])
    };
    vec![
        bind("bind-directory", "/x", "dir").probes(&["read:/x/file", "create:/x/new"]),
        bind("bind-file", "/x", "file").probes(&["read:/x", "write:/x"]),
        bind("bind-file-over-file", "/etc/passwd", "file").probes(&["read:/etc/passwd"]),
        bind("bind-socket", "/run/s", "socket").probes(&["stat:/run/s"]),
        bind("bind-link-to-directory", "/x", "dirlink").probes(&["read:/x/file"]),
        bind("bind-link-to-file", "/x", "filelink").probes(&["read:/x"]),
        bind("bind-deep-target", "/a/b/c/d", "file").probes(&["read:/a/b/c/d", "stat:/a/b"]),
        bind("bind-relative-target", "x/y", "file").probes(&["read:/x/y"]),
        bind("bind-target-with-dots", "/etc/../x", "dir").probes(&["read:/x/file"]),
        bind("bind-root-of-image", "/", "dir").args(&["true"]),
        bind("bind-missing-source", "/x", "nosuch"),
        bind("bind-file-over-directory", "/etc", "file"),
        bind("bind-directory-over-file", "/etc/passwd", "dir"),
        case("bind-relative-source").mount("/x", "bind", "data/dir", &["bind"]).probes(&["read:/x/file"]),
        case("bind-not-recursive").mount("/x", "bind", "@TREE@", &["bind"]).probes(&["read:/x/file", "read:/x/sub/file"]),
        case("bind-recursive").mount("/x", "bind", "@TREE@", &["rbind"]).probes(&["read:/x/file", "read:/x/sub/file"]),
        case("bind-recursive-read-only").mount("/x", "bind", "@TREE@", &["rbind", "ro"]).probes(&["create:/x/f", "create:/x/sub/f"]),
        bind("target-is-absolute-link", "/link", "dir").setup(|root| symlink("/etc", root.join("link")).expect("link")).probes(&["read:/etc/file", "link:/link"]),
        bind("target-is-relative-link", "/link", "dir").setup(|root| symlink("etc", root.join("link")).expect("link")).probes(&["read:/etc/file"]),
        bind("target-link-leads-out", "/link", "dir").setup(|root| symlink("../../../../etc", root.join("link")).expect("link")).probes(&["read:/etc/file"]),
        bind("target-below-link", "/link/deep/x", "file").setup(|root| symlink("/var", root.join("link")).expect("link")).probes(&["read:/var/deep/x"]),
        bind("target-link-dangles", "/link", "dir").setup(|root| symlink("/no/such", root.join("link")).expect("link")).probes(&["read:/no/such/file"]),
        bind("target-link-loops", "/link", "dir").setup(|root| symlink("link", root.join("link")).expect("link")),
        case("over-one-another").mount("/x", "tmpfs", "one", &[]).mount("/x", "tmpfs", "two", &["ro"]),
        case("one-in-another")
            .mount("/x", "tmpfs", "one", &["mode=755"])
            .mount("/x/y", "tmpfs", "two", &["mode=700"])
            .mount("/x/y/z", "bind", "@BUNDLE@/data/file", &["bind"])
            .probes(&["stat:/x", "stat:/x/y", "read:/x/y/z"]),
        case("below-a-read-only-tmpfs")
            .mount("/x", "tmpfs", "outer", &["ro"])
            .mount("/x/y", "tmpfs", "inner", &[])
            .probes(&["mkdir:/x/z", "mkdir:/x/y/z"]),
        case("inner-before-outer").mount("/x/y", "tmpfs", "inner", &[]).mount("/x", "tmpfs", "outer", &[]).probes(&["list:/x"]),
        case("tmpfs-on-tmp").mount("/tmp", "tmpfs", "tmpfs", &["nosuid", "size=10%"]).probes(&["stat:/tmp", "create:/tmp/x"]),
        case("tmpfs-source-name").mount("/x", "tmpfs", "my-name", &[]),
        case("tmpcopyup-of-etc").mount("/etc", "tmpfs", "tmpfs", &["tmpcopyup", "mode=700"]).probes(&["list:/etc", "stat:/etc", "stat:/etc/passwd", "read:/etc/group"]),
        case("tmpcopyup-of-nothing").mount("/nosuch", "tmpfs", "tmpfs", &["tmpcopyup"]).probes(&["list:/nosuch"]),
        case("overlay").mount("/x", "overlay", "overlay", &["lowerdir=@BUNDLE@/data/dir:@BUNDLE@/data/dir/below"]).probes(&["list:/x"]),
        case("overlay-over-root-directory").mount("/etc", "overlay", "overlay", &["lowerdir=@BUNDLE@/data/dir:@BUNDLE@/rootfs/etc"]).probes(&["list:/etc"]),
        case("proc-with-options").with(|c| c["mounts"][0]["options"] = json!(["hidepid=2", "nosuid", "noexec"])),
        case("proc-subset").mount("/x", "proc", "proc", &["subset=pid"]).probes(&["list:/x"]),
        case("proc-twice").mount("/x/proc", "proc", "proc", &["ro"]),
        case("sysfs-writable").with(|c| { spec::drop_mount(c, "/sys"); spec::drop_mount(c, "/sys/fs/cgroup"); }).mount("/sys", "sysfs", "sysfs", &["nosuid", "rw"]),
        case("no-sys").with(|c| { spec::drop_mount(c, "/sys"); spec::drop_mount(c, "/sys/fs/cgroup"); }),
        case("no-dev").with(|c| for at in ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"] { spec::drop_mount(c, at) }),
        case("no-mounts-but-proc").with(|c| { let proc = c["mounts"][0].take(); c["mounts"] = json!([proc]); }),
        case("cgroup-writable").with(|c| spec::drop_mount(c, "/sys/fs/cgroup")).mount("/sys/fs/cgroup", "cgroup", "cgroup", &["nosuid", "rw"]).probes(&["list:/sys/fs/cgroup", "mkdir:/sys/fs/cgroup/x"]),
        case("cgroup-without-namespace").with(|c| spec::drop_namespace(c, "cgroup")).probes(&["list:/sys/fs/cgroup"]),
        case("cgroup-elsewhere").with(|c| spec::drop_mount(c, "/sys/fs/cgroup")).mount("/x/cg", "cgroup", "cgroup", &["ro"]).probes(&["list:/x/cg"]),
        case("mqueue-elsewhere").mount("/x", "mqueue", "mqueue", &[]),
        case("devpts-options").with(|c| { spec::drop_mount(c, "/dev/pts"); }).mount("/dev/pts", "devpts", "devpts", &["newinstance", "ptmxmode=0600", "mode=0600", "nosuid", "noexec"]).probes(&["stat:/dev/pts/ptmx"]),
        case("shm-small").with(|c| spec::drop_mount(c, "/dev/shm")).mount("/dev/shm", "tmpfs", "shm", &["mode=1777", "size=4k"]),
        case("dev-bound").with(|c| for at in ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"] { spec::drop_mount(c, at) }).mount("/dev", "bind", "@BUNDLE@/data/dir", &["bind"]).probes(&["list:/dev"]),
        case("dev-read-only").with(|c| { spec::drop_mount(c, "/dev"); let rest = c["mounts"].take(); let mut all = vec![rest[0].clone(), json!({"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["ro", "mode=755"]})]; all.extend(rest.as_array().expect("list")[1..].iter().cloned()); c["mounts"] = json!(all); }).probes(&["mkdir:/dev/x", "read:/dev/zero"]),
        case("ramfs").mount("/x", "ramfs", "ramfs", &["mode=700"]).probes(&["stat:/x"]),
        case("unknown-kind").mount("/x", "nosuchfs", "none", &[]),
        case("many").with(|c| for n in 0..40 { spec::add_mount(c, json!({"destination": format!("/m/{n}"), "type": "tmpfs", "source": format!("n{n}"), "options": ["nosuid"]})) }),
    ]
}

/// Propagation of the root and of mounts, from inside.
pub fn propagation() -> Vec<Case> {
    let kinds = [
        "shared",
        "rshared",
        "slave",
        "rslave",
        "private",
        "rprivate",
        "unbindable",
        "runbindable",
    ];
    let mut all = Vec::new();
    for kind in kinds {
        let case = Case::new("propagation", &format!("root-{kind}"))
            .linux("rootfsPropagation", json!(kind));
        all.push(case.mount("/x", "bind", "@TREE@", &["rbind"]));
        let case = Case::new("propagation", &format!("file-{kind}"));
        all.push(case.mount("/x", "bind", "@BUNDLE@/data/file", &["bind", kind]));
    }
    let with = |name: &str, kind: &str, option: &str| {
        let case = Case::new("propagation", name).linux("rootfsPropagation", json!(kind));
        case.mount("/x", "bind", "@TREE@", &["rbind", option])
    };
    all.extend([
        with("shared-root-slave-mount", "shared", "rslave"),
        with("slave-root-shared-mount", "rslave", "rshared"),
        with("slave-root-private-mount", "rslave", "rprivate"),
        Case::new("propagation", "root-bogus").linux("rootfsPropagation", json!("bogus")),
        Case::new("propagation", "root-empty").linux("rootfsPropagation", json!("")),
    ]);
    all
}
