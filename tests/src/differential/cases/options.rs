//! Every option of a mount, on a bind mount of a tree and on a new tmpfs.

use super::Case;

/// The specification's options that go with both; recursive ones with binds only.
const BOTH: &[&str] = &[
    "defaults",
    "ro",
    "rw",
    "suid",
    "nosuid",
    "dev",
    "nodev",
    "exec",
    "noexec",
    "sync",
    "async",
    "dirsync",
    "mand",
    "nomand",
    "atime",
    "noatime",
    "diratime",
    "nodiratime",
    "relatime",
    "norelatime",
    "strictatime",
    "nostrictatime",
    "iversion",
    "noiversion",
    "lazytime",
    "nolazytime",
    "silent",
    "loud",
    "nosymfollow",
    "symfollow",
    "private",
    "rprivate",
    "slave",
    "rslave",
    "shared",
    "rshared",
    "unbindable",
    "runbindable",
];

const RECURSIVE: &[&str] = &[
    "rro",
    "rrw",
    "rsuid",
    "rnosuid",
    "rdev",
    "rnodev",
    "rexec",
    "rnoexec",
    "ratime",
    "rnoatime",
    "rdiratime",
    "rnodiratime",
    "rrelatime",
    "rnorelatime",
    "rstrictatime",
    "rnostrictatime",
    "rsymfollow",
    "rnosymfollow",
];

const TMPFS: &[&str] =
    &["size=100k", "mode=1700", "uid=5", "gid=6", "nr_inodes=100", "tmpcopyup", "huge=never"];

/// Lists whose last word counts.
const SEVERAL: &[&[&str]] = &[
    &["ro", "rw"],
    &["rw", "ro"],
    &["noexec", "exec", "nosuid"],
    &["ro", "noexec", "nodev", "nosuid", "noatime"],
    &["noatime", "relatime"],
    &["strictatime", "noatime"],
    &["nodev", "rslave"],
    &["private", "shared"],
    &["ro", "rprivate"],
];

/// All of them.
pub fn all() -> Vec<Case> {
    let case = |name: String| Case::new("options", &name);
    let mut all = Vec::new();
    for option in BOTH {
        let case = case(option.to_string());
        let case = case.mount("/x/bind", "bind", "@TREE@", &["rbind", option]);
        all.push(case.mount("/x/tmpfs", "tmpfs", "tmpfs", &[option]));
    }
    for option in RECURSIVE {
        let case = case(option.to_string());
        all.push(case.mount("/x/bind", "bind", "@TREE@", &["rbind", option]));
    }
    for option in TMPFS {
        let name = format!("tmpfs-{}", option.split('=').next().unwrap_or(option));
        let case = case(name).mount("/etc", "tmpfs", "tmpfs", &[option]);
        all.push(case.probes(&["list:/etc", "stat:/etc"]));
    }
    for words in SEVERAL {
        let case = case(words.join("+"));
        let mut bind = vec!["rbind"];
        bind.extend(*words);
        let case = case.mount("/x/bind", "bind", "@TREE@", &bind);
        all.push(case.mount("/x/tmpfs", "tmpfs", "tmpfs", words));
    }
    all.extend([
        case("nonsense".into()).mount("/x/tmpfs", "tmpfs", "tmpfs", &["nonsense"]),
        case("nonsense-on-bind".into()).mount("/x", "bind", "@TREE@", &["bind", "nonsense"]),
        case("of-a-volume".into()).mount(
            "/x",
            "bind",
            "@TREE@",
            &["nocopy", "copy", "volume-opt=o=ro", "bind"],
        ),
        case("no-type-but-bind".into()).mount("/x", "", "@TREE@", &["bind"]),
        case("bind-type-without-option".into()).mount("/x", "bind", "@TREE@", &[]),
        case("other-type-but-bind".into()).mount("/x", "tmpfs", "@TREE@", &["bind"]),
        case("remount".into()).mount("/x", "tmpfs", "tmpfs", &["size=100k"]).mount(
            "/x",
            "tmpfs",
            "tmpfs",
            &["remount", "ro", "size=200k"],
        ),
        case("remount-bind".into()).mount("/x", "bind", "@TREE@", &["bind"]).mount(
            "/x",
            "bind",
            "@TREE@",
            &["bind", "remount", "ro"],
        ),
    ]);
    all
}
