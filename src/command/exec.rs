//! `exec`: one more process in a container.

use crate::act::exec::exec;
use crate::command::create::{CONSOLE_SOCKET, PID_FILE, PIDFD_SOCKET};
use crate::command::flag::MANY;
use crate::command::{Command, Flag, Invocation};
use crate::error::{Error, Result};
use crate::request::ExecOptions;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "exec <container-id> <command> [arguments...] | -p FILE <container-id>\n\
        run one more process in a container\n\
        The process is as `process` in config.json of the bundle describes it, with\n\
        the flags on top; or as FILE describes it alone.",
    flags: &[
        CONSOLE_SOCKET,
        PIDFD_SOCKET,
        Flag("cwd DIR: working directory in the container"),
        Flag("env NAME=VALUE, -e, repeated: set an environment variable"),
        Flag("tty, -t: allocate a terminal"),
        Flag("user UID[:GID], -u: run as this user"),
        Flag("additional-gids GID, -g, repeated: add a supplementary group"),
        Flag("process FILE, -p: the process, as JSON"),
        Flag("detach, -d: leave the process running and return"),
        PID_FILE,
        Flag("process-label LABEL: run under this SELinux label"),
        Flag("apparmor PROFILE: run under this AppArmor profile"),
        Flag("no-new-privs: set no_new_privs"),
        Flag("cap CAPABILITY, -c, repeated: add a capability"),
        Flag("preserve-fds N: hand on N more descriptors after stdio (default: 0)"),
        Flag("cgroup [CONTROLLER:]PATH, repeated: run in an existing cgroup below the container's"),
        Flag("ignore-paused: also in a paused container, where it waits"),
    ],
    min: 1,
    max: MANY,
    verbatim: true,
    failure: 255,
    run,
};

/// From the command line.
///
/// # Errors
/// The id or a number is not one; neither a program nor `--process` is
/// given.
fn options(invocation: &Invocation) -> Result<ExecOptions> {
    let text = |long| invocation.text(long);
    let id = invocation.id()?;
    let arguments = invocation.positionals().get(1..).unwrap_or_default().to_vec();
    let process = text("process");
    if arguments.is_empty() && process.is_none() {
        return Err(Error::new("process args cannot be empty"));
    }
    Ok(ExecOptions {
        id,
        arguments,
        process,
        console_socket: text("console-socket"),
        pidfd_socket: text("pidfd-socket"),
        pid_file: text("pid-file"),
        cwd: text("cwd"),
        env: invocation.values("env"),
        tty: invocation.flag("tty"),
        user: text("user"),
        additional_gids: invocation.values("additional-gids"),
        detach: invocation.flag("detach"),
        process_label: text("process-label"),
        apparmor: text("apparmor"),
        no_new_privs: invocation.value("no-new-privs").map(|value| value == "true"),
        capabilities: invocation.values("cap"),
        preserve_fds: invocation.number("preserve-fds")?.unwrap_or(0),
        cgroups: invocation.values("cgroup"),
        ignore_paused: invocation.flag("ignore-paused"),
    })
}

fn run(invocation: &Invocation) -> Result<u8> {
    exec(invocation, &options(invocation)?)
}
