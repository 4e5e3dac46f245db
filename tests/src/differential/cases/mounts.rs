//! Kinds of mounts, where they go, what is bound, and propagation.

use super::Case;
use crate::spec;
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::path::Path;

/// All but options and propagation.
pub fn all() -> Vec<Case> {
    let mut all = binds();
    all.extend(links());
    all.extend(order());
    all.extend(file_systems());
    all.extend(cgroups());
    all.extend(dev());
    all
}

fn case(name: &str) -> Case {
    Case::new("mounts", name)
}

fn bind(name: &str, at: &str, source: &str) -> Case {
    case(name).mount(at, "bind", &format!("@BUNDLE@/data/{source}"), &["bind"])
}

fn tree(name: &str, options: &[&str]) -> Case {
    case(name).mount("/x", "bind", "@TREE@", options)
}

fn drop_mounts(c: &mut Value, places: &[&str]) {
    for at in places {
        spec::drop_mount(c, at);
    }
}

fn binds() -> Vec<Case> {
    let both = ["read:/x/file", "read:/x/sub/file"];
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
        case("bind-relative-source")
            .mount("/x", "bind", "data/dir", &["bind"])
            .probes(&["read:/x/file"]),
        tree("bind-not-recursive", &["bind"]).probes(&both),
        tree("bind-recursive", &["rbind"]).probes(&both),
        tree("bind-recursive-read-only", &["rbind", "ro"])
            .probes(&["create:/x/f", "create:/x/sub/f"]),
    ]
}

/// Links where something is to be mounted.
fn links() -> Vec<Case> {
    fn link(root: &Path, target: &str) {
        symlink(target, root.join("link")).expect("make a link");
    }
    let to = |name: &str, setup: fn(&Path)| bind(name, "/link", "dir").setup(setup);
    vec![
        to("target-is-absolute-link", |root| link(root, "/etc"))
            .probes(&["read:/etc/file", "link:/link"]),
        to("target-is-relative-link", |root| link(root, "etc")).probes(&["read:/etc/file"]),
        to("target-link-leads-out", |root| link(root, "../../../../etc"))
            .probes(&["read:/etc/file"]),
        bind("target-below-link", "/link/deep/x", "file")
            .setup(|root| link(root, "/var"))
            .probes(&["read:/var/deep/x"]),
        to("target-link-dangles", |root| link(root, "/no/such")).probes(&["read:/no/such/file"]),
        to("target-link-loops", |root| link(root, "link")),
    ]
}

fn order() -> Vec<Case> {
    let many = |c: &mut Value| {
        for n in 0..40 {
            let at = format!("/m/{n}");
            let mount = json!({"destination": at, "type": "tmpfs", "source": format!("n{n}")});
            spec::add_mount(c, mount);
        }
    };
    vec![
        case("over-one-another").mount("/x", "tmpfs", "one", &[]).mount(
            "/x",
            "tmpfs",
            "two",
            &["ro"],
        ),
        case("one-in-another")
            .mount("/x", "tmpfs", "one", &["mode=755"])
            .mount("/x/y", "tmpfs", "two", &["mode=700"])
            .mount("/x/y/z", "bind", "@BUNDLE@/data/file", &["bind"])
            .probes(&["stat:/x", "stat:/x/y", "read:/x/y/z"]),
        case("below-a-read-only-tmpfs")
            .mount("/x", "tmpfs", "outer", &["ro"])
            .mount("/x/y", "tmpfs", "inner", &[])
            .probes(&["mkdir:/x/z", "mkdir:/x/y/z"]),
        case("inner-before-outer")
            .mount("/x/y", "tmpfs", "inner", &[])
            .mount("/x", "tmpfs", "outer", &[])
            .probes(&["list:/x"]),
        case("many").with(many),
    ]
}

fn file_systems() -> Vec<Case> {
    let overlay = |name: &str, at: &str, lower: &str| {
        let lower = format!("lowerdir=@BUNDLE@/data/dir:@BUNDLE@/{lower}");
        case(name).mount(at, "overlay", "overlay", &[&lower]).probes(&[&format!("list:{at}")])
    };
    let sys = ["/sys"];
    vec![
        case("tmpfs-on-tmp")
            .mount("/tmp", "tmpfs", "tmpfs", &["nosuid", "size=10%"])
            .probes(&["stat:/tmp", "create:/tmp/x"]),
        case("tmpfs-source-name").mount("/x", "tmpfs", "my-name", &[]),
        case("tmpcopyup-of-etc")
            .mount("/etc", "tmpfs", "tmpfs", &["tmpcopyup", "mode=700"])
            .probes(&["list:/etc", "stat:/etc", "stat:/etc/passwd", "read:/etc/group"]),
        case("tmpcopyup-of-nothing")
            .mount("/nosuch", "tmpfs", "tmpfs", &["tmpcopyup"])
            .probes(&["list:/nosuch", "stat:/nosuch"]),
        overlay("overlay", "/x", "data/dir/below"),
        overlay("overlay-over-root-directory", "/etc", "rootfs/etc"),
        case("proc-with-options")
            .with(|c| c["mounts"][0]["options"] = json!(["hidepid=2", "nosuid", "noexec"])),
        case("proc-subset").mount("/x", "proc", "proc", &["subset=pid"]).probes(&["list:/x"]),
        case("proc-twice").mount("/x/proc", "proc", "proc", &["ro"]),
        case("sysfs-writable").with(|c| drop_mounts(c, &sys)).mount(
            "/sys",
            "sysfs",
            "sysfs",
            &["nosuid", "rw"],
        ),
        case("no-sys").with(|c| drop_mounts(c, &sys)),
        case("no-mounts-but-proc").with(|c| {
            let proc = c["mounts"][0].take();
            c["mounts"] = json!([proc]);
        }),
        case("mqueue-elsewhere").mount("/x", "mqueue", "mqueue", &[]),
        case("ramfs").mount("/x", "ramfs", "ramfs", &["mode=700"]).probes(&["stat:/x"]),
        case("unknown-kind").mount("/x", "nosuchfs", "none", &[]),
    ]
}

fn cgroups() -> Vec<Case> {
    let at = |name: &str, at: &str, options: &[&str]| {
        case(name).mount(at, "cgroup", "cgroup", options).probes(&[&format!("list:{at}")])
    };
    vec![
        at("cgroup-writable", "/sys/fs/cgroup", &["nosuid", "rw"])
            .probes(&["mkdir:/sys/fs/cgroup/x"]),
        at("cgroup-without-namespace", "/sys/fs/cgroup", &["nosuid", "ro"])
            .with(|c| spec::drop_namespace(c, "cgroup")),
        at("cgroup-elsewhere", "/x/cg", &["ro"]),
    ]
}

fn dev() -> Vec<Case> {
    let all = ["/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"];
    let pts = ["newinstance", "ptmxmode=0600", "mode=0600", "nosuid", "noexec"];
    vec![
        case("no-dev").with(|c| drop_mounts(c, &all)),
        case("dev-bound")
            .with(|c| drop_mounts(c, &all))
            .mount("/dev", "bind", "@BUNDLE@/data/dir", &["bind"])
            .probes(&["list:/dev"]),
        case("dev-over-a-device")
            .mount("/dev/random", "bind", "/dev/urandom", &["bind"])
            .mount("/dev/null", "bind", "@BUNDLE@/data/file", &["bind"])
            .linux("devices", json!([{"type": "c", "path": "/dev/null", "major": 1, "minor": 3}]))
            .probes(&["read:/dev/null", "devices:/dev"]),
        case("dev-read-only")
            .with(|c| c["mounts"][1]["options"] = json!(["ro", "mode=755"]))
            .probes(&["mkdir:/dev/x", "read:/dev/zero"]),
        case("devpts-options")
            .with(|c| spec::drop_mount(c, "/dev/pts"))
            .mount("/dev/pts", "devpts", "devpts", &pts)
            .probes(&["stat:/dev/pts/ptmx"]),
        case("shm-small").with(|c| spec::drop_mount(c, "/dev/shm")).mount(
            "/dev/shm",
            "tmpfs",
            "shm",
            &["mode=1777", "size=4k"],
        ),
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
    let case = |name: &str| Case::new("propagation", name);
    let root = |name: &str, kind: &str| case(name).linux("rootfsPropagation", json!(kind));
    let with = |name: &str, kind: &str, option: &str| {
        root(name, kind).mount("/x", "bind", "@TREE@", &["rbind", option])
    };
    let mut all = Vec::new();
    for kind in kinds {
        let name = format!("root-{kind}");
        all.push(root(&name, kind).mount("/x", "bind", "@TREE@", &["rbind"]));
        let case = case(&format!("file-{kind}"));
        all.push(case.mount("/x", "bind", "@BUNDLE@/data/file", &["bind", kind]));
    }
    all.extend([
        with("shared-root-slave-mount", "shared", "rslave"),
        with("slave-root-shared-mount", "rslave", "rshared"),
        with("slave-root-private-mount", "rslave", "rprivate"),
        root("root-bogus", "bogus"),
        root("root-empty", ""),
    ]);
    all
}
