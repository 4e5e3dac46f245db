//! Waiting for signals, and dying of one.

use std::io::Write;

/// Says `text` and stays until SIGTERM, even if that comes at once.
pub fn hold(text: &str) -> ! {
    // SAFETY: the set is plain data, filled before it is used.
    let set = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGTERM);
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        set
    };
    say(text);
    let mut signal = 0;
    // SAFETY: both pointers are to live locals.
    unsafe { libc::sigwait(&set, &mut signal) };
    std::process::exit(0)
}

/// Says "ready", then each signal's number on a line of its own; ends with 0
/// on SIGTERM. A parent that is the container's init also reaps.
pub fn wait() -> ! {
    // SAFETY: the set is plain data, filled by sigfillset before it is used.
    let set = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut set);
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
        set
    };
    say("ready");
    loop {
        let mut signal = 0;
        // SAFETY: both pointers are to live locals.
        if unsafe { libc::sigwait(&set, &mut signal) } != 0 {
            continue;
        }
        if signal == libc::SIGCHLD {
            // SAFETY: a null status pointer is allowed.
            while unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } > 0 {}
            continue;
        }
        say(&format!("signal {signal}"));
        if signal == libc::SIGTERM {
            std::process::exit(0);
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Dies of the signal, which init ignores unless it sends it to itself by force.
pub fn die(signal: i32) -> ! {
    // SAFETY: restoring the default action and raising a signal touch no memory.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
    std::process::exit(98);
}
