//! A unit as it is remembered, and what is done to it later.

use alloc::vec::Vec;
use rustix::process::Pid;

use super::super::group::Cgroups;
use super::super::update;
use super::super::write::Write;
use super::manager::Manager;
use super::{bus, devices, property};
use crate::dbus::{Address, Value};
use crate::error::{Error, Result};
use crate::json::{Node, Writer};
use crate::spec::Resources;

/// A container's unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its name.
    pub name: &'static str,
    /// It is of a user's systemd.
    pub user: bool,
    /// The address at which that systemd was reached: whoever deletes the
    /// container may have another environment.
    pub bus: &'static str,
}

impl Unit {
    /// Writes it as a value of the state.
    pub fn to_json(&self, out: &mut Writer) {
        out.open_object();
        out.string_field("unit", self.name);
        out.bool_field("user", self.user);
        out.string_field("bus", self.bus);
        out.close();
    }

    /// Reads what [`Unit::to_json`] wrote.
    pub fn from_json(node: &Node<'static, '_>) -> Option<Unit> {
        Some(Unit { name: node.text("unit")?, user: node.flag("user"), bus: node.text("bus")? })
    }

    fn manager(&self) -> Result<Manager> {
        let address = Address::parse(self.bus).ok_or_else(|| {
            Error::about_quoted("state.json: {} is no address of a bus", self.bus)
        })?;
        bus::reach(&address, self.user)
    }

    /// Stops it and lets systemd forget it; one that is gone is fine.
    ///
    /// # Errors
    /// systemd cannot be reached, or does not finish in 30 s.
    pub fn stop(&self) -> Result<()> {
        self.manager()?.stop(self.name)
    }

    /// Sets new limits: the properties, until the unit ends, and then the files
    /// of its cgroups. `before` are those that were asked for until now.
    ///
    /// Whatever the property, systemd writes all that it knows of the unit anew,
    /// in its own terms (a quota in whole percents), before it answers. So the
    /// files of earlier limits are written once more, too, and its program for
    /// devices, which denies all where ours denies a list, is taken off.
    ///
    /// # Errors
    /// systemd or the kernel refuses one.
    pub fn update(
        &self,
        cgroups: &Cgroups,
        resources: &mut Resources<'_>,
        before: &Resources<'_>,
    ) -> Result<()> {
        let (groups, writes) = cgroups.writes(resources, before)?;
        let mut manager = self.manager()?;
        let cpu = before.cpu.unwrap_or_default();
        let version = manager.version()?;
        let mut set = |properties: Vec<Value>| {
            if properties.is_empty() {
                return update::write(&groups, &writes);
            }
            let programs = cgroups.device_programs();
            manager.set_properties(self.name, properties)?;
            cgroups.keep_device_programs(&programs)?;
            let (_, mut earlier) =
                cgroups.writes(&mut update::in_force(before), &Resources::default())?;
            let asked = |old: &Write| writes.iter().any(|new| new.is_for_the_file_of(old));
            earlier.retain(|old| !asked(old));
            update::write(&groups, &earlier)?;
            update::write(&groups, &writes)
        };
        set(property::properties(&writes, version, &cpu))?;
        if resources.devices.is_empty() {
            return Ok(());
        }
        // First what the kernel may refuse: then nothing has changed.
        cgroups.update_devices(&resources.devices)?;
        if devices::takes(self.user, version) {
            set(devices::renewal(&resources.devices))?;
            cgroups.update_devices(&resources.devices)?;
        }
        Ok(())
    }

    /// Has systemd move a process of ours into `cgroups`, which are `own`, the
    /// unit's, or below them: for where we may not.
    ///
    /// # Errors
    /// systemd refuses it.
    pub fn attach(&self, pid: Pid, cgroups: &Cgroups, own: &Cgroups) -> Result<()> {
        let below = || {
            let own = &own.unified()?.directory;
            cgroups.unified()?.directory.strip_prefix(&**own)
        };
        self.manager()?.attach(self.name, below().unwrap_or_default(), pid)
    }
}
