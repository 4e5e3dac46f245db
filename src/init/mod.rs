//! The first process of a board: it brings the machine up, runs the container of
//! one bundle, and keeps the board alive. docs/init.md is for its users.
//!
//! Rules: nothing here exits, panics or waits for anything but events; the loop
//! ([`supervise`]) allocates nothing; what may fail in many ways is done by a
//! process of its own ([`task`]); what to do next is decided by state machines
//! that know no system call ([`policy`], [`health`]).

mod adapt;
mod board;
mod clock;
mod console;
mod control_groups;
mod ending;
mod file_systems;
mod health;
mod image;
mod modules;
mod output;
mod parameters;
mod policy;
mod root;
mod settings;
mod signals;
mod sleep;
mod supervise;
mod task;
mod voice;
mod watchdog;

use crate::act::bundle::read_config;
use crate::act::protect;
use crate::error::{Context, Error};
use crate::fault::Quoted;
use crate::sys::clone::{Side, clone};
use crate::sys::{clock as time, network, signal};
use crate::text;
use alloc::vec::Vec;
use board::Board;
use core::ffi::CStr;
use core::sync::atomic::{AtomicBool, Ordering};
use rustix::io::Errno;
use rustix::system::{RebootCommand, reboot, sethostname};
use rustix::time::Timespec;
use settings::{Settings, Sink};
use voice::Voice;
use watchdog::Watchdog;

/// The shell of `ocinit.debug`.
const SHELL: &CStr = c"/bin/sh";

/// How we are called again, should a protected copy be needed.
static ARGUMENTS: &[&CStr] = &[c"init"];

/// Whether the program is meant to be the first process, and not a command: it
/// has process id 1, and is called `init` (as the kernel calls it), or is called
/// without any argument. So it stays a command where it is the first process of
/// a container and is told what to do.
pub fn is_meant(pid: i32, arguments: &[&CStr]) -> bool {
    let name = arguments.first().and_then(|name| name.to_bytes().rsplit(|b| *b == b'/').next());
    pid == 1 && (name == Some(b"init") || arguments.len() < 2)
}

/// Whether this process is the first one of the board: not so its tasks, and what
/// comes of them, which may have process id 1 in a namespace of their own.
static FIRST: AtomicBool = AtomicBool::new(false);

/// Whether this process must not end.
pub fn is_first() -> bool {
    FIRST.load(Ordering::Relaxed)
}

/// What the first process does when it can do nothing any more, by a mistake of
/// ours: the board starts again, after a time to read what the console shows.
pub fn give_up() -> ! {
    const TIME: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
    let _ = rustix::io::write(crate::sys::stderr(), b"ocinit: error: rebooting in 10 s\n");
    let _ = rustix::event::poll(&mut [], Some(&TIME));
    // Not by ourselves: should it not work, we must not end by it.
    if let Ok(Side::Child) = clone(0, None) {
        rustix::fs::sync();
        let _ = reboot(RebootCommand::Restart);
        crate::sys::exit(1);
    }
    loop {
        let _ = rustix::event::poll(&mut [], None);
    }
}

/// Brings the board up and runs its container for as long as the board lives.
pub fn main() -> ! {
    let start = time::monotonic();
    FIRST.store(true, Ordering::Relaxed);
    signal::block(signal::Set::ALL);
    let board = bring_up();
    supervise::run(board, start)
}

/// Everything before the container. Errors are said, and the rest is done all
/// the same: a board that comes up half can be looked at.
fn bring_up() -> Board {
    let mut errors: Vec<Error> = Vec::new();
    let mut note = |result: Result<(), Error>| errors.extend(result.err());
    note(root::leave_ramfs());
    note(file_systems::mount_proc());
    note(protect::run_protected(ARGUMENTS, &[]).map(drop));
    let mut mounts = Vec::new();
    file_systems::mount_all(&mut |error| mounts.push(error));
    modules::load_all(&mut |error| mounts.push(error));
    errors.extend(mounts);
    let mut settings = Settings::default();
    read_settings(&mut settings, &mut |error| errors.push(error));
    // Ctrl-Alt-Del becomes SIGINT. In a pid namespace there is no such key, and
    // the kernel says EINVAL (kernel/pid_namespace.c, reboot_pid_ns).
    let whole = reboot(RebootCommand::CadOff) != Err(Errno::INVAL);
    control_groups::mount_all(settings.cgroup, whole, &mut |error| errors.push(error));
    errors.extend(console::take(settings.console).err());
    let mut voice = Voice::open();
    if settings.log == Sink::Kmsg {
        voice.use_kmsg();
    }
    if settings.log == Sink::Kmsg || settings.output == Sink::Kmsg {
        // Else the kernel drops what comes too fast.
        let _ = write_file(c"/proc/sys/kernel/printk_devkmsg", b"on");
    }
    voice.notice(format_args!("{} is process 1", env!("CARGO_PKG_VERSION")));
    for error in &errors {
        voice.warning(format_args!("{error}"));
    }
    let _ = sethostname(settings.hostname.unwrap_or("localhost").as_bytes());
    if let Err(errno) = network::loopback_up() {
        let what = crate::errno::Described(errno);
        voice.warning(format_args!("bring the loopback up: {what}: CONFIG_NET, CONFIG_INET"));
    }
    if whole {
        clock::set(settings::FILE);
    }
    let bundle = find_bundle(&settings, &voice);
    Board { settings, bundle, voice, whole }
}

/// The file, then the command line.
fn read_settings(settings: &mut Settings, complain: &mut dyn FnMut(Error)) {
    match read_config(settings::FILE) {
        Ok(text) => {
            if let Err(error) = settings.read_file(text, complain) {
                complain(error.hint("the file's settings are not used"));
            }
        }
        Err(error) if error.errno == Some(Errno::NOENT) => {}
        Err(error) => complain(error),
    }
    match read_config("/proc/cmdline") {
        Ok(line) => settings.read_command_line(text::lossy(line), complain),
        Err(error) => complain(error),
    }
}

/// The bundle's directory; what is in the way is said, and met again when the
/// container is started.
fn find_bundle(settings: &Settings, voice: &Voice) -> &'static str {
    let mut image = None;
    if let Some(source) = settings.root {
        // Where it is not mounted there is no bundle: another one is not meant.
        image = Some(image::PLACE);
        if let Err(error) = image::mount_image(source) {
            voice.error(format_args!("{error}"));
        }
    }
    let bundle = image::bundle(image, settings.bundle);
    if settings.overlay
        && let Err(error) = image::overlay(image.unwrap_or(bundle))
    {
        voice.error(format_args!("{error}"));
    }
    bundle
}

fn write_file(path: &CStr, text: &[u8]) -> Result<(), Error> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    open(path, flags, Mode::empty())
        .and_then(|file| rustix::io::write(&file, text))
        .map(drop)
        .context(|| text!("write {}", Quoted(path)))
}

/// Opens the watchdog that the settings ask for.
fn open_watchdog(board: &Board) -> Option<Watchdog> {
    let seconds = board.settings.watchdog?;
    match Watchdog::open(seconds, time::monotonic()) {
        Ok((watchdog, real)) => {
            if real != seconds {
                board.voice.warning(format_args!("the watchdog waits {real} s, not {seconds}"));
            }
            Some(watchdog)
        }
        Err(error) => {
            board.voice.error(format_args!("{error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors() {
        for (pid, arguments, expect) in [
            (1, &[c"/init"][..], true),
            (1, &[c"/sbin/init", c"splash"], true),
            (1, &[c"init"], true),
            (1, &[c"/bin/ocinit"], true),
            (1, &[], true),
            (1, &[c"/bin/ocinit", c"run"], false),
            (1, &[c"/init/ocinit", c"--version"], false),
            (2, &[c"/init"], false),
            (2, &[c"ocinit"], false),
        ] {
            assert_eq!(is_meant(pid, arguments), expect, "{pid} {arguments:?}");
        }
    }
}
