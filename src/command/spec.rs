//! `spec`: a config.json to start from.

use crate::named;
use crate::sys::fd::AsFd;
use rustix::fs::{FsWord, Mode, OFlags, openat, statfs};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};

use crate::command::{Command, Flag, Invocation};
use crate::error::{Context, Error, Result};
use crate::spec::DefaultConfig;
use crate::sys::descriptor::write_all;
use crate::text;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "spec\n\
        write a config.json to start from\n\
        It runs `sh` on a terminal, in the root file system `rootfs` of the bundle.",
    flags: &[
        Flag("bundle DIR, -b: directory to write it to (default: the current directory)"),
        Flag("file FILE, -f: its name there (default: config.json)"),
        Flag("rootless: for a user without privileges"),
    ],
    min: 0,
    max: 0,
    verbatim: false,
    failure: 1,
    run,
};

/// The file system type of the unified cgroup hierarchy (statfs(2)).
const CGROUP2_SUPER_MAGIC: FsWord = 0x6367_7270;

fn run(invocation: &Invocation) -> Result<u8> {
    let rootless = invocation.flag("rootless");
    let config = DefaultConfig {
        rootless: rootless.then(|| (geteuid().as_raw(), getegid().as_raw())),
        cgroup_namespace: statfs(c"/sys/fs/cgroup")
            .is_ok_and(|found| found.f_type == CGROUP2_SUPER_MAGIC),
    };
    let bundle = invocation.text("bundle").unwrap_or(".");
    let name = invocation.text("file").unwrap_or("config.json");
    let open = OFlags::RDONLY | OFlags::DIRECTORY;
    let directory =
        named::open(bundle, open).context(|| text::about("open bundle \"{}\"", bundle))?;
    let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = match openat(directory.as_fd(), name, create, Mode::from_raw_mode(0o666)) {
        Err(Errno::EXIST) => return Err(Error::about("File {} exists. Remove it first", name)),
        other => other.context(|| text::about_both("create \"{}\" in \"{}\"", name, bundle))?,
    };
    let mut document = config.document();
    document.push('\n');
    write_all(file.as_fd(), document.as_bytes()).context(|| text::about("write \"{}\"", name))?;
    Ok(0)
}
