//! Which systemd is asked, and where it listens.

use alloc::vec::Vec;
use core::ffi::CStr;
use rustix::process::geteuid;

use super::manager::Manager;
use crate::cgroup::file;
use crate::dbus::{Address, Connection};
use crate::error::{Error, Result};
use crate::number;
use crate::request::in_user_namespace;
use crate::request::variable;
use crate::text;
use crate::text::keep;

/// The system bus (D-Bus Specification, "Well-known Message Bus Instances").
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

/// The end of the name of the socket on which systemd itself listens, for root
/// and where no bus runs.
const PRIVATE: &str = "/systemd/private";

/// The remedy where it does not run.
const HINT: &str = "where systemd does not run use --cgroup-manager cgroupfs";

/// Whether a user's systemd is asked: as `--rootless` says; on auto for ordinary
/// users, and for root of a user namespace that was made for one, which still
/// has that one's bus.
pub fn is_user(rootless: Option<bool>, environment: &[&'static CStr]) -> bool {
    rootless.unwrap_or_else(|| {
        let of_user = |address: &Address| !address.name.starts_with(b"/run/user/0/");
        !geteuid().is_root()
            || in_user_namespace() && candidates(true, environment).first().is_some_and(of_user)
    })
}

/// The sockets to try, in order.
fn candidates(user: bool, environment: &[&'static CStr]) -> Vec<Address> {
    let set = |name| variable(environment, name).filter(|value| !value.is_empty());
    let name = if user { "DBUS_SESSION_BUS_ADDRESS" } else { "DBUS_SYSTEM_BUS_ADDRESS" };
    let mut addresses: Vec<Address> = set(name).and_then(Address::parse).into_iter().collect();
    let is_set = !addresses.is_empty();
    if !user {
        if !is_set {
            addresses.push(Address::path(SYSTEM_BUS));
        }
        addresses.push(Address::path(text::about("/run{}", PRIVATE)));
    } else if let Some(directory) = set("XDG_RUNTIME_DIR") {
        if !is_set {
            addresses.push(Address::path(text::about("{}/bus", directory)));
        }
        addresses.push(Address::path(text::about_both("{}{}", directory, PRIVATE)));
    }
    addresses
}

/// A systemd that answers.
pub struct Found {
    /// The connection to it.
    pub manager: Manager,
    /// Where it was found.
    pub address: &'static str,
    /// The cgroup that it manages; of the one for the whole host empty.
    pub control_group: &'static str,
}

/// Connects to systemd.
///
/// # Errors
/// Nobody answers: the first socket that was tried, and why.
pub fn connect(user: bool, environment: &[&'static CStr]) -> Result<Found> {
    let mut failure = None;
    for address in candidates(user, environment) {
        let found = reach(&address, user).and_then(|mut manager| {
            let group = manager.property("ControlGroup").map_err(|error| {
                error.within(text::about("systemd at \"{}\"", address.display())).hint(HINT)
            })?;
            let control_group = keep(group.trim_end_matches('/'));
            Ok(Found { manager, address: address.to_text(), control_group })
        });
        match found {
            Ok(found) => return Ok(found),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.unwrap_or_else(|| {
        Error::new(
            "systemd: no user bus: neither $DBUS_SESSION_BUS_ADDRESS nor $XDG_RUNTIME_DIR is set",
        )
        .hint(HINT)
    }))
}

/// Connects to systemd at this address.
///
/// # Errors
/// Nobody answers.
pub fn reach(address: &Address, user: bool) -> Result<Manager> {
    let is_bus = !address.name.ends_with(PRIVATE.as_bytes());
    let uid = if user { outer_uid() } else { geteuid().as_raw() };
    let connection = Connection::open(address, uid, is_bus)
        .map_err(|error| error.within("systemd").hint(HINT))?;
    Manager::new(connection)
}

/// Our user id outside of our user namespace: the user's systemd is there.
fn outer_uid() -> u32 {
    let own = geteuid().as_raw();
    let map = file::read_all("/proc/self/uid_map").unwrap_or_default();
    outer(own, &map).unwrap_or(own)
}

/// The id outside by the lines `INSIDE OUTSIDE COUNT` of user_namespaces(7).
fn outer(own: u32, map: &str) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line.split_ascii_whitespace().map(number::unsigned::<u32>);
        let (inside, outside, count) = (numbers.next()??, numbers.next()??, numbers.next()??);
        let offset = own.checked_sub(inside).filter(|offset| *offset < count)?;
        outside.checked_add(offset)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets() {
        let check = |user, environment: &[&'static CStr], expect: &[&str]| {
            let found: Vec<_> =
                candidates(user, environment).iter().map(Address::display).collect();
            assert_eq!(found, expect);
        };
        check(false, &[], &[SYSTEM_BUS, "/run/systemd/private"]);
        let system = c"DBUS_SYSTEM_BUS_ADDRESS=unix:abstract=x";
        check(false, &[system], &["@x", "/run/systemd/private"]);
        check(true, &[], &[]);
        let runtime = c"XDG_RUNTIME_DIR=/run/user/7";
        check(true, &[runtime], &["/run/user/7/bus", "/run/user/7/systemd/private"]);
        let session = c"DBUS_SESSION_BUS_ADDRESS=unix:path=/b,guid=1";
        check(true, &[session], &["/b"]);
        check(true, &[session, runtime], &["/b", "/run/user/7/systemd/private"]);
        assert!(is_user(Some(true), &[]) && !is_user(Some(false), &[runtime]));
    }

    #[test]
    fn ids_outside() {
        let map = "         0       1000          1\n         1     100000      65536\n";
        for (own, expect) in [(0, Some(1000)), (1, Some(100_000)), (65_537, None)] {
            assert_eq!(outer(own, map), expect, "{own}");
        }
        assert_eq!(outer(5, "0 0 4294967295\n"), Some(5));
        assert_eq!(outer(0, "garbage\n"), None);
    }
}
