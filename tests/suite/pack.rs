//! `pack`: the archive is what Debian's cpio and gzip unpack to the same tree.

use ocinit_tests::oci::find_binary;
use ocinit_tests::{Bundle, Lab, json, skip};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

ocinit_tests::isolate!();

/// Runs a program of Debian's.
fn run(command: &mut Command) -> Vec<u8> {
    let out = command.stderr(Stdio::inherit()).output().expect("start it");
    assert!(out.status.success(), "{command:?}: {}", out.status);
    out.stdout
}

fn sh(script: &str, dir: &Path) -> String {
    let mut command = Command::new("sh");
    let out = run(command.args(["-euc", script]).current_dir(dir));
    String::from_utf8_lossy(&out).into_owned()
}

/// The archive unpacked by cpio into a new directory.
fn unpack(lab: &Lab, archive: &Path) -> std::path::PathBuf {
    let dir = lab.dir().join("unpacked");
    fs::create_dir(&dir).unwrap();
    let script = "gzip -dcf < \"$ARCHIVE\" | cpio -idm --quiet";
    let mut command = Command::new("sh");
    run(command.args(["-euc", script]).env("ARCHIVE", archive).current_dir(&dir));
    dir
}

/// What a tree consists of: paths, types, permissions, owners, devices, links
/// and contents.
fn listing(dir: &Path) -> String {
    let script = "find . -printf '%P %y %m %U:%G %l ' -exec stat -c '%t:%T' {} \\; | sort
        find . -type f -print0 | sort -z | xargs -0 sha256sum";
    sh(script, dir)
}

/// A bundle with one of everything that an archive can hold.
fn varied(lab: &Lab) -> Bundle {
    let bundle = lab.bundle();
    bundle.save();
    let script = "
        printf 'odd' > \"$(printf 'a name\\nwith\\377bytes')\"
        echo once > one; ln one another; ln one zz
        : > empty; ln empty empty2
        truncate -s 3M sparse; echo end >> sparse
        head -c 100000 /dev/urandom > noise
        mkdir -p deep/er/still; chmod 1770 deep; chmod 4755 one; chown 12:34 deep/er
        mkfifo pipe; mknod null c 1 3; mknod disk b 259 77777; chmod 640 disk
        ln -s /etc/../nowhere outside; ln -s . loop; chown -h 5:6 loop
        touch -d 2001-01-01 empty";
    sh(script, &bundle.rootfs("/"));
    bundle
}

#[test]
fn an_archive_unpacks_to_the_bundle() {
    let lab = Lab::new();
    let bundle = varied(&lab);
    for format in ["cpio", "cpio.gz"] {
        let archive = lab.dir().join(format!("image.{format}"));
        let call = lab.oci(["pack", "--format", format, "-o"]).arg(&archive);
        call.arg("--bundle").arg(bundle.dir()).ok().quiet();
        let compressed = fs::read(&archive).unwrap().starts_with(&[0x1f, 0x8b]);
        assert_eq!(compressed, format == "cpio.gz");
        let unpacked = unpack(&lab, &archive);
        let (here, there) = (listing(bundle.dir()), listing(&unpacked.join("bundle")));
        assert!(here.contains("sparse"), "{here}");
        assert_eq!(there, here, "{format}");
        let inode = |path: &str| fs::metadata(unpacked.join(path)).unwrap().ino();
        assert_eq!(inode("bundle/rootfs/one"), inode("bundle/rootfs/zz"));
        assert_eq!(inode("bundle/rootfs/empty"), inode("bundle/rootfs/empty2"));
        assert_ne!(inode("bundle/rootfs/one"), inode("bundle/rootfs/empty"));
        fs::remove_dir_all(unpacked).unwrap();
    }
}

#[test]
fn the_init_and_what_it_needs_are_there() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let config = lab.dir().join("settings");
    fs::write(&config, r#"{"restart": "always"}"#).unwrap();
    let archive = lab.dir().join("image");
    let call = lab.oci(["pack", "-o"]).arg(&archive).arg("--config").arg(&config);
    call.arg("-b").arg(bundle.dir()).ok().quiet();
    let unpacked = unpack(&lab, &archive);
    let binary = find_binary().unwrap();
    assert!(fs::read(unpacked.join("init")).unwrap() == fs::read(binary).unwrap());
    let stat = |path: &str| fs::symlink_metadata(unpacked.join(path)).unwrap();
    assert_eq!(stat("init").ino(), stat("bin/ocinit").ino());
    assert_eq!(stat("init").mode(), 0o100_755);
    assert_eq!(fs::read(unpacked.join("etc/ocinit.json")).unwrap(), fs::read(config).unwrap());
    assert_eq!((stat("dev/console").mode(), stat("dev/console").rdev()), (0o020_600, 0x501));
    for directory in ["proc", "sys", "dev", "run", "tmp"] {
        assert!(stat(directory).is_dir(), "{directory}");
    }
}

#[test]
fn another_init_is_packed_instead() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let archive = lab.dir().join("image");
    let init = lab.dir().join("other");
    // The beginning of a program for sparc64.
    let mut elf = b"\x7fELF\x02\x02\x01".to_vec();
    elf.resize(64, 0);
    elf[19] = 43;
    fs::write(&init, &elf).unwrap();
    let call = lab.oci(["pack", "-o"]).arg(&archive).arg("--init").arg(&init).arg("-b");
    let said = call.arg(bundle.dir()).ok().stderr;
    let native = if cfg!(target_arch = "x86_64") { "(62)" } else { "(183)" };
    assert!(said.contains("another machine") && said.contains(native), "{said}");
    assert!(said.contains("the init (43)"), "{said}");
    let unpacked = unpack(&lab, &archive);
    assert_eq!(fs::read(unpacked.join("init")).unwrap(), elf);
}

#[test]
fn the_same_bundle_gives_the_same_bytes() {
    let lab = Lab::new();
    let bundle = varied(&lab);
    let pack = |dir: &Path, epoch: Option<&str>, umask: &str| {
        let script = format!("umask {umask}; exec \"$0\" pack -b \"$1\" -o \"$2\"");
        let out = lab.dir().join("image");
        let mut call = lab.program(Path::new("/bin/sh")).args(["-c", &script]);
        call = call.arg(find_binary().unwrap()).arg(dir).arg(&out);
        if let Some(epoch) = epoch {
            call = call.env("SOURCE_DATE_EPOCH", epoch);
        }
        call.ok().quiet();
        fs::read(out).unwrap()
    };
    let first = pack(bundle.dir(), None, "022");
    // Another place, other inodes, another order and time of making.
    let copy = lab.dir().join("copy");
    fs::create_dir(&copy).unwrap();
    let script = format!("cp -a rootfs config.json '{}'", copy.display());
    sh(&script, bundle.dir());
    sh("mv rootfs/sparse x; touch -d 2011-11-11 x; mv x rootfs/sparse", &copy);
    fs::set_permissions(&copy, fs::metadata(bundle.dir()).unwrap().permissions()).unwrap();
    assert!(pack(&copy, None, "077") == first);
    let dated = pack(&copy, Some("1700000000"), "022");
    assert!(dated != first);
    fs::write(lab.dir().join("dated"), dated).unwrap();
    let unpacked = unpack(&lab, &lab.dir().join("dated"));
    assert_eq!(fs::metadata(unpacked.join("init")).unwrap().mtime(), 1_700_000_000);
}

#[test]
fn a_users_bundle_is_packed_without_privileges() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let user = ocinit_tests::user::bare();
    user.take(bundle.dir());
    let call = lab.oci(["pack", "--format", "cpio", "-b"]).arg(bundle.dir());
    let out = call.user(&user).ok().stdout;
    assert!(out.contains("dev/console"));
}

#[test]
fn a_bundle_that_could_not_run_is_refused_as_run_does() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let out = lab.dir().join("image");
    fs::write(&out, "before").unwrap();
    let dir = bundle.dir().to_path_buf();
    let refused = |why: &str| {
        let call = lab.oci(["pack", "-o"]).arg(&out).arg("-b").arg(&dir);
        call.fails(1).one_line().says(why);
        let run = lab.oci(["run", "-b"]).arg(&dir).arg(lab.id());
        run.fails(1).says(why);
        assert_eq!(fs::read(&out).unwrap(), b"before", "{why}");
    };
    refused("ENOENT (no such file or directory): a bundle is a directory with a config.json");
    bundle.write_config("{");
    refused("config.json");
    bundle.config["process"]["cwd"] = json!("relative");
    bundle.save();
    refused("process.cwd");
    bundle.config["process"]["cwd"] = json!("/");
    bundle.config["root"]["path"] = json!("nowhere");
    bundle.save();
    refused("make the directory, and unpack an image into it");
}

#[test]
fn what_an_archive_cannot_hold_is_refused_by_name() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.save();
    let out = lab.dir().join("image");
    let dir = bundle.dir().to_path_buf();
    let pack = || lab.oci(["pack", "-o"]).arg(&out).arg("-b").arg(&dir);
    sh("truncate -s 4G huge", &bundle.rootfs("/"));
    pack().fails(1).one_line().says("bundle/rootfs/huge").says("EFBIG").says("smaller than 4 GiB");
    fs::remove_file(bundle.rootfs("huge")).unwrap();
    // The archive in what it is made of.
    let inside = bundle.dir().join("image");
    let call = lab.oci(["pack", "-o"]).arg(&inside).arg("-b").arg(bundle.dir());
    call.fails(1).one_line().says("the archive would be in itself");
    let left = fs::read_dir(bundle.dir()).unwrap().count();
    assert_eq!(left, 2, "config.json and rootfs, and nothing else");
    bundle.config["root"]["path"] = json!(bundle.rootfs("/"));
    bundle.save();
    pack().fails(1).one_line().says("is not packed with the bundle");
    bundle.config["root"]["path"] = json!("../elsewhere");
    fs::create_dir(lab.dir().join("elsewhere")).unwrap();
    bundle.save();
    pack().fails(1).one_line().says("is not packed with the bundle");
    assert!(!out.exists());
}

#[test]
fn what_is_left_out_is_said() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["nosuch"]);
    bundle.save();
    let socket = std::os::unix::net::UnixListener::bind(bundle.rootfs("/socket")).unwrap();
    let proc = bundle.rootfs("/proc");
    fs::create_dir_all(&proc).unwrap();
    let mounted = nix::mount::mount(
        Some("proc"),
        &proc,
        Some("proc"),
        nix::mount::MsFlags::empty(),
        None::<&str>,
    );
    mounted.expect("a procfs");
    lab.owns_mount(&proc);
    let archive = lab.dir().join("image");
    let call = lab.oci(["pack", "-o"]).arg(&archive).arg("-b").arg(bundle.dir()).ok();
    for why in [
        "exec: \\\"nosuch\\\": executable file not found in the root file system",
        "\\\"bundle/rootfs/socket\\\" is left out: a socket",
        "\\\"bundle/rootfs/proc\\\" is left out: a file system of the kernel's",
    ] {
        assert!(call.stderr.contains(why), "{why}: {}", call.stderr);
    }
    assert_eq!(call.stderr.lines().count(), 3, "{}", call.stderr);
    drop(socket);
    let unpacked = unpack(&lab, &archive);
    assert!(!unpacked.join("bundle/rootfs/socket").exists());
    assert_eq!(fs::read_dir(unpacked.join("bundle/rootfs/proc")).unwrap().count(), 0);
}

#[test]
fn links_lead_nowhere() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    fs::write(lab.dir().join("secret"), "not for the archive").unwrap();
    symlink(lab.dir(), bundle.rootfs("/directory")).unwrap();
    symlink(lab.dir().join("secret"), bundle.rootfs("/file")).unwrap();
    let call = lab.oci(["pack", "--format", "cpio", "-b"]).arg(bundle.dir());
    let out = call.ok().stdout;
    assert!(out.contains("bundle/rootfs/directory") && !out.contains("not for the archive"));
    // A link in the place of the root file system itself.
    fs::rename(bundle.rootfs("/"), lab.dir().join("moved")).unwrap();
    symlink(lab.dir().join("moved"), bundle.dir().join("rootfs")).unwrap();
    let call = lab.oci(["pack", "--format", "cpio", "-b"]).arg(bundle.dir());
    call.fails(1).one_line().says("it must be a directory, and no link to one");
}

#[test]
fn a_full_disk_leaves_nothing() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let small = lab.dir().join("small");
    lab.tmpfs(&small, "size=256k");
    let call = lab.oci(["pack", "-o"]).arg(small.join("image")).arg("-b").arg(bundle.dir());
    call.fails(1).one_line().says("ENOSPC").says("small/image");
    assert_eq!(fs::read_dir(&small).unwrap().count(), 0);
    let call = lab.oci(["pack", "-o"]).arg("/dev/full").arg("-b").arg(bundle.dir());
    call.fails(1).one_line().says("ENOSPC");
    assert!(!fs::metadata("/dev/full").unwrap().is_file());
}

#[test]
fn a_terminal_gets_no_archive() {
    if !Path::new("/usr/bin/script").exists() {
        skip!("script(1) is not installed");
    }
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let binary = find_binary().unwrap();
    let command = format!("{} pack -b {}", binary.display(), bundle.dir().display());
    let call = lab.program(Path::new("/usr/bin/script"));
    let out = call.args(["-qec", &command, "/dev/null"]).fails(1).stdout;
    assert!(out.contains("stdout is a terminal") && out.lines().count() == 1, "{out:?}");
}

#[test]
fn values_that_are_none_are_refused() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let pack = || lab.oci(["pack", "-b"]).arg(bundle.dir());
    pack().args(["--format", "zip"]).fails(1).one_line().says("cpio.gz or cpio");
    for epoch in ["soon", "-1", "4294967296"] {
        pack().env("SOURCE_DATE_EPOCH", epoch).fails(1).one_line().says("SOURCE_DATE_EPOCH");
    }
    pack().args(["--init", "/nowhere"]).fails(1).one_line().says("/nowhere").says("ENOENT");
    pack().args(["--init", "/dev/null"]).fails(1).one_line().says("it is no program");
    let config = lab.dir().join("settings");
    fs::write(&config, "restart: always").unwrap();
    pack().arg("--config").arg(&config).fails(1).one_line().says("settings");
    pack().args(["-o"]).arg(lab.dir()).fails(1).one_line().says("EISDIR");
    pack().args(["-o", "/nowhere/image"]).fails(1).one_line().says("ENOENT");
    let _ = fs::set_permissions(&config, fs::Permissions::from_mode(0o600));
}
