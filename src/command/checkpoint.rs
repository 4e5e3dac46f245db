//! `checkpoint`: a container's processes as files. Its flags are `restore`'s, too.

use crate::checkpoint::dump;
use crate::checkpoint::options::{Flags, Options};
use crate::command::{Command, Flag, Invocation};
use crate::error::Result;
use alloc::vec::Vec;

/// Where the images are.
pub const IMAGE_PATH: Flag = Flag("image-path DIR: directory of the images (default: checkpoint)");
/// Where criu works.
pub const WORK_PATH: Flag =
    Flag("work-path DIR: directory of criu's log, if not that of the images");
/// Connections of TCP.
pub const TCP_ESTABLISHED: Flag =
    Flag("tcp-established: save and restore established TCP connections");
/// Sockets whose other end is not in the container.
pub const EXT_UNIX_SK: Flag = Flag("ext-unix-sk: allow AF_UNIX sockets connected to the outside");
/// A terminal of the caller's.
pub const SHELL_JOB: Flag = Flag("shell-job: allow processes on a terminal from outside");
/// Locks.
pub const FILE_LOCKS: Flag = Flag("file-locks: save and restore locks of files");
/// Deleted files with other names.
pub const LINK_REMAP: Flag = Flag("link-remap: save files whose name was deleted by another link");
/// Memory on demand.
pub const LAZY_PAGES: Flag = Flag("lazy-pages: leave memory to be fetched when it is first used");
/// Cgroups.
pub const MANAGE_CGROUPS_MODE: Flag =
    Flag("manage-cgroups-mode MODE: soft, full, strict or ignore (default: soft)");
/// Namespaces without contents.
pub const EMPTY_NS: Flag =
    Flag("empty-ns NAMESPACE, repeated: only `network`, which is empty in any case");
/// Pages that a later image has.
pub const AUTO_DEDUP: Flag = Flag("auto-dedup: drop pages of earlier images that later ones have");
/// crun's: how the network stands still.
pub const NETWORK_LOCK: Flag =
    Flag("network-lock METHOD: stop the network by iptables, nftables, or skip that");

/// The declaration.
pub static COMMAND: Command = Command {
    text: "checkpoint <container-id>\n\
        save the processes of a running container\n\
        criu(8) writes them as images. The container is deleted then, unless it is to\n\
        go on. What went wrong is in dump.log.",
    flags: &[
        IMAGE_PATH,
        WORK_PATH,
        Flag("parent-path DIR: earlier images, counted from --image-path"),
        Flag("leave-running: let the container go on"),
        Flag("pre-dump: save only memory, and let the container go on"),
        TCP_ESTABLISHED,
        Flag("tcp-skip-in-flight: leave out TCP connections not yet established"),
        LINK_REMAP,
        EXT_UNIX_SK,
        SHELL_JOB,
        FILE_LOCKS,
        LAZY_PAGES,
        Flag("status-fd FD: write a null byte there when pages can be fetched"),
        Flag("page-server ADDRESS:PORT: send the memory to that page server"),
        MANAGE_CGROUPS_MODE,
        EMPTY_NS,
        AUTO_DEDUP,
        NETWORK_LOCK,
    ],
    min: 1,
    max: 1,
    verbatim: false,
    failure: 1,
    run,
};

impl Flags for Invocation {
    fn is_on(&self, long: &str) -> bool {
        self.flag(long)
    }

    fn text(&self, long: &str) -> Option<&'static str> {
        self.value(long)
    }

    fn texts(&self, long: &str) -> Vec<&'static str> {
        self.values(long)
    }
}

fn run(invocation: &Invocation) -> Result<u8> {
    dump::checkpoint(invocation, &invocation.id()?, Options::read(invocation)?)?;
    Ok(0)
}
