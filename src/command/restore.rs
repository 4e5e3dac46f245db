//! `restore`: a container from the images of a checkpoint.

use super::checkpoint::{
    AUTO_DEDUP, EMPTY_NS, EXT_UNIX_SK, FILE_LOCKS, IMAGE_PATH, LAZY_PAGES, LINK_REMAP,
    MANAGE_CGROUPS_MODE, NETWORK_LOCK, SHELL_JOB, TCP_ESTABLISHED, WORK_PATH,
};
use super::create;
use crate::checkpoint::options::Options;
use crate::checkpoint::restore;
use crate::command::{Command, Flag, Invocation};
use crate::error::Result;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "restore <container-id>\n\
        bring a container back from a checkpoint\n\
        The bundle is the one that was saved, or a copy. Unless detached, it stays\n\
        until the program ends, as `run` does. What went wrong is in restore.log.",
    flags: &[
        create::BUNDLE,
        IMAGE_PATH,
        WORK_PATH,
        create::CONSOLE_SOCKET,
        Flag("detach, -d: leave the program running and return"),
        create::PIDFD_SOCKET,
        create::PID_FILE,
        create::NO_SUBREAPER,
        Flag("no-pivot: ignored: CRIU changes the root"),
        TCP_ESTABLISHED,
        Flag("tcp-close: restore TCP connections closed"),
        LINK_REMAP,
        EXT_UNIX_SK,
        SHELL_JOB,
        FILE_LOCKS,
        LAZY_PAGES,
        MANAGE_CGROUPS_MODE,
        EMPTY_NS,
        AUTO_DEDUP,
        NETWORK_LOCK,
        Flag("lsm-profile TYPE:LABEL: another apparmor or selinux profile"),
        Flag("lsm-mount-context LABEL: another SELinux context for mounts"),
    ],
    min: 1,
    max: 1,
    verbatim: false,
    failure: 1,
    run,
};

fn run(invocation: &Invocation) -> Result<u8> {
    let asked = Options::read(invocation)?;
    restore::restore(invocation, &create::options(invocation)?, asked)
}
