//! The network namespace of a new container. The kernel takes longer to make it than
//! for all else that is made, so the command and the first process share the work:
//! where the command has nothing else to do, it makes the namespace while the process
//! mounts, hands it over, and brings up its loopback interface; where it has, or may
//! not come back, or both have one processor, the process does.

use super::born::{from_fault, ignore_end};
use super::channel::Channel;
use crate::error::{Context, Result};
use crate::fault::{Act, Detail};
use crate::namespace::refused::refused;
use crate::network::LOOPBACK;
use crate::sys::clone::{setns, unshare};
use crate::sys::fd::AsFd;
use crate::sys::network::loopback_up;
use linux_raw_sys::general::CLONE_NEWNET;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};

/// Where the first process has its network namespace from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// It was born with the one that it is to have.
    Born,
    /// It makes it itself.
    Made,
    /// The command makes it, and sends it.
    Sent,
}

/// In the command: makes a network namespace and sends it to the process, which
/// waits in [`enter`]; then brings up its loopback interface.
///
/// # Errors
/// The kernel refuses one of these, or the way back into the command's own namespace.
pub fn send(channel: &Channel) -> Result<()> {
    let own = current().context(|| "open the network namespace")?;
    unshare(CLONE_NEWNET).map_err(|errno| from_fault(refused(CLONE_NEWNET, errno)))?;
    let sent = current().map(|new| channel.send_with(b"n", &[new.as_fd()]));
    let up = loopback_up().context(|| LOOPBACK);
    // Whatever became of it, this is not where the command stays.
    setns(own.as_fd(), CLONE_NEWNET).context(|| "return into the network namespace")?;
    sent.and_then(ignore_end).context(|| "hand over the container's network namespace")?;
    up
}

/// That of this process, which has no other thread.
fn current() -> rustix::io::Result<OwnedFd> {
    openat(CWD, c"/proc/self/ns/net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// In the process: brings up the loopback interface, where it made the namespace.
///
/// # Errors
/// The kernel refuses it.
pub fn bring_up(network: Network) -> Act {
    match network {
        Network::Sent => Ok(()),
        Network::Born | Network::Made => Ok(loopback_up()?),
    }
}

/// In the process: from here on it is in its network namespace.
///
/// # Errors
/// The kernel refuses it.
pub fn enter(network: Network, channel: &Channel) -> Act {
    match network {
        Network::Born => Ok(()),
        Network::Made => unshare(CLONE_NEWNET).map_err(|errno| refused(CLONE_NEWNET, errno)),
        Network::Sent => match channel.receive(&mut [0]).detail("wait for it")? {
            (1.., Some(new)) => Ok(setns(new.as_fd(), CLONE_NEWNET).detail("setns")?),
            // The command has ended, or reports the failure itself.
            _ => crate::sys::exit(1),
        },
    }
}
