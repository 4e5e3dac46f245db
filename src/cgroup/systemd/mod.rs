//! The systemd driver: the container is a scope (or a slice) that systemd makes
//! and keeps, asked over D-Bus.
//!
//! Units, names and properties are those of runc (its docs/systemd.md), so that
//! engines find them: [`Names`] from `slice:prefix:name`, the container's first
//! process in `PIDs`, the limits as properties (org.freedesktop.systemd1(5),
//! systemd.resource-control(5)), and then once more by the files of
//! [`super::Plan`], since systemd knows only some of them and rounds.
//!
//! The first process exists before its unit: an empty scope vanishes. It waits
//! until [`Driver::start`] and [`super::Plan::adopt`] are done.

pub mod annotation;
mod bus;
mod devices;
mod manager;
mod name;
mod property;
mod unit;

use alloc::vec;
use alloc::vec::Vec;
use core::ffi::CStr;
use rustix::fd::BorrowedFd;
use rustix::process::Pid;

use super::plan::Plan;
use crate::dbus::Value;
use crate::error::{Error, Result};
use crate::spec::{Cpu, DeviceRule};
use crate::text;
use manager::Manager;
pub use name::Names;
use property::property;
pub use unit::Unit;

/// What the configuration and the command line say.
#[derive(Debug)]
pub struct Request<'a> {
    /// `linux.cgroupsPath`.
    pub cgroups_path: Option<&'a str>,
    /// The container's id.
    pub id: &'a str,
    /// The annotations: `org.systemd.property.NAME` is a property.
    pub annotations: &'a [(&'a str, &'a str)],
    /// `linux.resources.devices`.
    pub devices: &'a [DeviceRule],
    /// The host has cgroup v2 alone.
    pub unified: bool,
    /// `--rootless`; `None` is auto.
    pub rootless: Option<bool>,
    /// The environment, which says where the buses are.
    pub environment: &'a [&'static CStr],
}

/// A unit's properties, planned for a systemd of one version.
#[derive(Debug)]
pub struct Properties {
    version: u32,
    /// It takes processes: it is a scope.
    takes_pids: bool,
    /// The properties that are known without limits and processes.
    fixed: Vec<Value>,
    /// Those of the annotations.
    extra: Vec<Value>,
}

/// A unit that is to be made, and the connection to systemd.
#[derive(Debug)]
pub struct Driver {
    manager: Manager,
    /// What is remembered of it.
    pub unit: Unit,
    /// Where its cgroup will be, from the mount point on.
    pub path: &'static str,
    properties: Properties,
}

impl Properties {
    /// Plans them; `user` is for a user's systemd, `extra` what the annotations ask
    /// for.
    pub fn plan(
        request: &Request<'_>,
        names: &Names,
        user: bool,
        version: u32,
        extra: Vec<Value>,
    ) -> Self {
        let mut fixed = fixed(names, request.unified);
        if devices::takes(user, version) {
            fixed.extend(devices::properties(request.devices));
        }
        Properties { version, takes_pids: !names.is_slice(), fixed, extra }
    }

    /// All of them, with the limits of the plan and the process in it.
    fn all(&self, plan: &Plan, pid: Option<Pid>) -> Vec<Value> {
        let mut properties = self.fixed.clone();
        if let Some(pid) = pid.filter(|_| self.takes_pids) {
            let pid = Value::Number(b'u', pid.as_raw_nonzero().get() as u64);
            properties.push(property("PIDs", Value::array("u", vec![pid])));
        }
        properties.extend(property::properties(&plan.writes, self.version, &Cpu::default()));
        // The user has the last word.
        properties.extend(&self.extra);
        properties
    }

    /// All but the process, as lines `NAME=VALUE`.
    pub fn lines(&self, plan: &Plan) -> Vec<&'static str> {
        self.all(plan, None).iter().map(property::line).collect()
    }
}

impl Driver {
    /// Connects to systemd, after a look at everything that can be wrong
    /// without it.
    ///
    /// # Errors
    /// `cgroupsPath` or an annotation is not valid; no systemd answers.
    #[inline(never)]
    pub fn connect(request: &Request<'_>) -> Result<Driver> {
        let user = bus::is_user(request.rootless, request.environment);
        if user && !request.unified {
            return Err(Error::new("cannot use rootless systemd cgroups manager on cgroup v1")
                .hint("a user's systemd owns cgroups only where there is cgroup v2 alone"));
        }
        let names = Names::new(request.cgroups_path, request.id, user)?;
        let extra = annotation::properties(request.annotations)?;
        let bus::Found { mut manager, address: bus, control_group } =
            bus::connect(user, request.environment)?;
        // That of a user's systemd is below the system's, and in a container
        // that of the system's may be anywhere.
        let path = text::about_both("{}{}", control_group, names.path);
        let properties = Properties::plan(request, &names, user, manager.version()?, extra);
        let unit = Unit { name: names.unit, user, bus };
        Ok(Driver { manager, unit, path, properties })
    }

    /// What is asked of systemd, as lines `NAME=VALUE`.
    pub fn lines(&self, plan: &Plan) -> Vec<&'static str> {
        self.properties.lines(plan)
    }

    /// Makes the unit, with the process in it unless it is a slice.
    ///
    /// # Errors
    /// systemd refuses: nothing has been made then.
    pub fn start(&mut self, plan: &Plan, pid: Pid) -> Result<()> {
        let properties = self.properties.all(plan, Some(pid));
        self.manager.start(self.unit.name, properties)
    }
}

/// What every container's unit has: accounting gives it the controllers, and
/// delegation leaves its cgroup to us.
fn fixed(names: &Names, unified: bool) -> Vec<Value> {
    let text = |name, text: &str| property(name, Value::text(text));
    let io = if unified { "IOAccounting" } else { "BlockIOAccounting" };
    let on = ["MemoryAccounting", "CPUAccounting", io, "TasksAccounting"];
    let mut properties = vec![
        text("Description", text::about("OCI container {}", names.name)),
        property("DefaultDependencies", Value::bool(false)),
    ];
    properties.extend(on.map(|name| property(name, Value::bool(true))));
    if names.is_slice() {
        let wanted = Value::array("s", vec![Value::text(names.slice)]);
        properties.push(property("Wants", wanted));
    } else {
        properties.push(text("Slice", names.slice));
        properties.push(property("Delegate", Value::bool(true)));
    }
    properties
}

impl Driver {
    /// The connection with systemd.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.manager.as_fd()
    }
}
