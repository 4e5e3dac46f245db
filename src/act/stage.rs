//! The process between the command and the container's first one, where the
//! order of namespaces demands it: it joins, makes a user or time namespace, and
//! clones the first process as its own sibling, so that the command is that
//! one's parent.

use super::channel::Channel;
use super::child::Child;
use super::network::Network;
use super::report::{Kind, Report};
use crate::fault::{Act, Detail, Fault};
use crate::namespace::{self, STEP, join::join_all, refused::refused, time::unshare_time};
use crate::plan::Plan;
use crate::sys::clone::{Side, clone, unshare};
use linux_raw_sys::general::{CLONE_NEWCGROUP, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_PARENT};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Runs as the stage; the first process runs from here too.
pub fn run(child: &mut Child<'_>, plan: &mut Plan) -> ! {
    // Over this pipe the first process hears that the command knows of it: if we
    // are killed before, it must not wait for ever, nor the command for it.
    let (known, tell) = match pipe_with(PipeFlags::CLOEXEC).detail("pipe") {
        Ok(ends) => ends,
        Err(fault) => fail(&child.channel, &fault),
    };
    match prepare(child, &plan.namespaces) {
        Ok(flags) => match clone(flags | CLONE_PARENT, None) {
            Ok(Side::Child) => {
                drop(tell);
                match rustix::io::read(&known, &mut [0]).detail("wait to be known") {
                    Ok(1) => drop(known),
                    Ok(_) => crate::sys::exit(1),
                    Err(fault) => fail(&child.channel, &fault),
                }
                // The command must hear of us before it hears from us.
                child.wait_first = true;
                child.become_root = false;
                child.late = 0;
                child.network = Network::Born;
                child.joins = false;
                child.entrances = &[];
                child.run(plan)
            }
            Ok(Side::Parent(pid)) => {
                let born = Report::new(Kind::Born, pid.as_raw_nonzero().get());
                let sent = child.channel.send(&born);
                match sent.and_then(|()| rustix::io::write(&tell, b"k")) {
                    Ok(_) => crate::sys::exit(0),
                    Err(errno) => fail(&child.channel, &errno.into()),
                }
            }
            Err(errno) => fail(&child.channel, &refused(flags, errno)),
        },
        Err(fault) => fail(&child.channel, &fault),
    }
}

/// Everything up to the clone; the flags of the namespaces that are left for it.
fn prepare(child: &Child<'_>, namespaces: &namespace::Plan) -> Result<u32, Fault> {
    if child.wait_first && child.channel.wait_go().is_err() {
        crate::sys::exit(1);
    }
    crate::cgroup::enter(child.entrances)?;
    // Who shares a pid namespace with us must not look into us. A user namespace
    // of our own keeps them out too, and needs us to reach our files in /proc.
    let joins_user = namespaces.joins(CLONE_NEWUSER);
    if !namespaces.is_new(CLONE_NEWUSER) {
        set_dumpable_behavior(DumpableBehavior::NotDumpable).detail("PR_SET_DUMPABLE")?;
    }
    join_all(namespaces.join.iter())?;
    if joins_user {
        crate::process::identity::become_root()?;
    }
    let mut flags = namespaces.new & !CLONE_NEWCGROUP;
    if namespaces.is_new(CLONE_NEWUSER) {
        make_user_namespace(child)?;
        flags &= !CLONE_NEWUSER;
    }
    if namespaces.is_new(CLONE_NEWTIME) {
        unshare_time(namespaces.time_offsets)?;
        // The next clone is born into it.
        flags &= !CLONE_NEWTIME;
    }
    Ok(flags)
}

fn make_user_namespace(child: &Child<'_>) -> Act {
    unshare(CLONE_NEWUSER).map_err(|errno| refused(CLONE_NEWUSER, errno))?;
    child.channel.send(&Report::new(Kind::WantIdMaps, 0)).detail("ask for the id maps")?;
    if child.channel.wait_go().is_err() {
        crate::sys::exit(1);
    }
    crate::process::identity::become_root()
}

/// The fault as the error of a command that met it itself.
pub fn failed(fault: &Fault) -> crate::error::Error {
    super::report::decode(Report::failed(&STEP, fault).as_bytes())
}

fn fail(channel: &Channel, fault: &Fault) -> ! {
    let _ = channel.send(&Report::failed(&STEP, fault));
    crate::sys::exit(1)
}
