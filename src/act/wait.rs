//! A first process that waits for `start`.

use super::channel::Channel;
use crate::sys::fd::AsFd;
use crate::sys::signal::{self, RECORD, Set};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::net::{RecvFlags, SocketFlags, accept_with, recv};

/// Signals that end who waits: all of them are blocked, and the first process of a
/// pid namespace would not even keep one whose action is the default.
/// SIGHUP, SIGINT, SIGQUIT and SIGTERM have these numbers everywhere.
const ENDING: Set = Set(1 << 0 | 1 << 1 | 1 << 2 | 1 << 14);

/// Waits on the socket for `start`; the connection is where a failure is reported.
/// A signal that asks a program to end ends the process.
pub fn for_start(listener: &OwnedFd) -> Channel {
    let signals = signal::signalfd(ENDING).ok();
    loop {
        if let Some(signals) = &signals {
            let mut ready =
                [PollFd::new(listener, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
            let _ = poll(&mut ready, None);
            let mut record = [0; RECORD];
            if !ready[1].revents().is_empty() && rustix::io::read(signals, &mut record).is_ok() {
                crate::sys::exit(128 + signal::number(&record) as u8);
            }
        }
        let Ok(connection) = accept_with(listener, SocketFlags::CLOEXEC) else { continue };
        let mut byte = [0];
        match recv(connection.as_fd(), &mut byte[..], RecvFlags::empty()) {
            Ok((1.., _)) => return Channel::from(connection),
            // Somebody asks whether we are still waiting.
            _ => drop(connection),
        }
    }
}
