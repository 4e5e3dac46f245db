//! `create`: a container that waits for `start`.

use crate::act::create::{Until, create};
use crate::command::{Command, Flag, Invocation};
use crate::container::ContainerId;
use crate::error::Result;
use crate::request::CreateOptions;

/// The directory with config.json.
pub const BUNDLE: Flag =
    Flag("bundle DIR, -b: directory of config.json (default: the current directory)");
/// crun's: the configuration under another name.
pub const CONFIG: Flag =
    Flag("config FILE, -f: the configuration, instead of the bundle's config.json");
/// Where the terminal's master goes.
pub const CONSOLE_SOCKET: Flag =
    Flag("console-socket SOCKET: send the terminal's master end to this AF_UNIX socket");
/// Where the process's pidfd goes.
pub const PIDFD_SOCKET: Flag =
    Flag("pidfd-socket SOCKET: send the pidfd of the process to this AF_UNIX socket");
/// Where the process id is written.
pub const PID_FILE: Flag = Flag("pid-file FILE: write the process id to FILE");
/// For initramfs hosts.
pub const NO_PIVOT: Flag =
    Flag("no-pivot: do not use pivot_root: for a root file system on a ramfs");
/// Keep the caller's session keyring.
pub const NO_NEW_KEYRING: Flag = Flag("no-new-keyring: keep the session keyring of the caller");
/// Descriptors handed on.
pub const PRESERVE_FDS: Flag =
    Flag("preserve-fds N: hand on N more descriptors after stdio and $LISTEN_FDS (default: 0)");
/// Let orphans go to whom they like.
pub const NO_SUBREAPER: Flag = Flag("no-subreaper: do not adopt orphans of the container");

/// The declaration.
pub static COMMAND: Command = Command {
    text: "create <container-id>\n\
        create a container\n\
        Sets up everything that config.json of the bundle asks for, up to the\n\
        program, which is executed by `start`. The id must be new under --root.",
    flags: &[
        BUNDLE,
        CONFIG,
        CONSOLE_SOCKET,
        PIDFD_SOCKET,
        PID_FILE,
        NO_PIVOT,
        NO_NEW_KEYRING,
        PRESERVE_FDS,
        NO_SUBREAPER,
    ],
    min: 1,
    max: 1,
    verbatim: false,
    failure: 1,
    run,
};

/// From the command line of `create` or `run`.
///
/// # Errors
/// The id or a number is not one.
pub fn options(invocation: &Invocation) -> Result<CreateOptions> {
    with_id(invocation, invocation.id()?)
}

/// For a command that takes some of the flags, and this container.
///
/// # Errors
/// A number is not one.
pub fn with_id(invocation: &Invocation, id: ContainerId) -> Result<CreateOptions> {
    let text = |long| invocation.text(long);
    Ok(CreateOptions {
        id,
        bundle: text("bundle").unwrap_or("."),
        config: text("config"),
        console_socket: text("console-socket"),
        pidfd_socket: text("pidfd-socket"),
        pid_file: text("pid-file"),
        no_pivot: invocation.flag("no-pivot"),
        no_new_keyring: invocation.flag("no-new-keyring"),
        preserve_fds: invocation.number("preserve-fds")?.unwrap_or(0),
        detach: invocation.flag("detach"),
        keep: invocation.flag("keep"),
        no_subreaper: invocation.flag("no-subreaper"),
    })
}

fn run(invocation: &Invocation) -> Result<u8> {
    create(invocation, &options(invocation)?, Until::Created)
}
