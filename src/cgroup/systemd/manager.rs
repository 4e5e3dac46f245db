//! The calls of systemd's manager object (org.freedesktop.systemd1(5), "The
//! Manager Object").

use alloc::vec;
use alloc::vec::Vec;
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use rustix::process::Pid;

use crate::cut;
use crate::dbus::{Connection, Reply, Value};
use crate::error;
use crate::error::{Error, Result};
use crate::number;
use crate::sys::clock::monotonic;
use crate::text;
use crate::text::keep;

/// How long a job may take, in milliseconds: as runc.
const JOB: u64 = 30_000;

const NAME: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

/// The signals that we wait for.
const RULE: &str = "type='signal',sender='org.freedesktop.systemd1',\
    interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";

/// A connection to systemd.
#[derive(Debug)]
pub struct Manager {
    connection: Connection,
}

impl Manager {
    /// Over this connection.
    ///
    /// # Errors
    /// The connection breaks.
    pub fn new(mut connection: Connection) -> Result<Manager> {
        connection.watch(RULE)?;
        Ok(Manager { connection })
    }

    fn call(&mut self, member: &str, body: &[Value]) -> Result<Reply> {
        self.connection
            .call((NAME, PATH, MANAGER), member, body)
            .map_err(|error| error.within(text::about("systemd: {}", member)))
    }

    /// As [`Manager::call`], with an error that is the reply.
    fn demand(&mut self, member: &str, body: &[Value]) -> Result<Reply> {
        let reply = self.call(member, body)?;
        if reply.error.is_empty() {
            return Ok(reply);
        }
        Err(error!("systemd: {member}: {}: {}", reply.error, reply.text))
    }

    /// A property of the manager that is a text.
    ///
    /// # Errors
    /// It has none; or the connection breaks.
    pub fn property(&mut self, name: &str) -> Result<&'static str> {
        let to = (NAME, PATH, "org.freedesktop.DBus.Properties");
        let body = [Value::text(MANAGER), Value::text(name)];
        match self.connection.call(to, "Get", &body) {
            Ok(reply) if reply.error.is_empty() => Ok(reply.text),
            Ok(reply) => Err(Error::about_both("{}: {}", reply.error, reply.text)),
            Err(error) => Err(error),
        }
        .map_err(|error| error.within(text::about("get its property {}", name)))
    }

    /// systemd's version.
    ///
    /// # Errors
    /// As [`Manager::property`].
    pub fn version(&mut self) -> Result<u32> {
        self.property("Version").map(version)
    }

    /// Calls a method that queues a job, and waits for the job's end. The reply
    /// has the job's result for a text.
    fn job(&mut self, member: &str, body: &[Value]) -> Result<Reply> {
        // Without subscribers systemd says nothing.
        self.connection.tell((NAME, PATH, MANAGER), "Subscribe", &[])?;
        let mut reply = self.call(member, body)?;
        if !reply.error.is_empty() {
            return Ok(reply);
        }
        let deadline = monotonic() + JOB;
        reply.text = self.connection.wait_signal(deadline, &mut |signal| {
            // Nobody but who took the job can say what became of it.
            if signal.member != "JobRemoved"
                || signal.signature != "uoss"
                || signal.sender != reply.sender
            {
                return None;
            }
            signal.body.u32()?;
            let is_ours = signal.body.text()? == reply.text;
            let _unit = signal.body.text()?;
            signal.body.text().filter(|_| is_ours).map(keep)
        })?;
        Ok(reply)
    }

    /// `StartTransientUnit`, and waits until the unit is there. A failed unit of
    /// this name that was left behind is forgotten first.
    ///
    /// # Errors
    /// systemd refuses it, or does not finish in 30 s.
    pub fn start(&mut self, unit: &str, properties: Vec<Value>) -> Result<()> {
        let body = [
            Value::text(unit),
            Value::text("replace"),
            Value::array("(sv)", properties),
            Value::Array("(sa(sv))", &[]),
        ];
        let mut job = self.job("StartTransientUnit", &body);
        if let Ok(reply) = &job
            && reply.error.ends_with(".UnitExists")
        {
            self.reset_failed(unit);
            job = self.job("StartTransientUnit", &body);
        }
        let error = match job {
            Ok(reply) if !reply.error.is_empty() => {
                return Err(error!(
                    "unable to start unit \"{unit}\": {}: {}",
                    reply.error, reply.text
                ));
            }
            Ok(reply) if reply.text == "done" => return Ok(()),
            Ok(reply) => {
                Error::about_both("error creating systemd unit `{}`: got `{}`", unit, reply.text)
                    .hint(text::about("see `systemctl status {}` and the journal", unit))
            }
            Err(error) if error.errno == Some(Errno::TIMEDOUT) => {
                error.within(text::about("Timeout waiting for systemd to create {}", unit))
            }
            Err(error) => error.within(text::about("unable to start unit \"{}\"", unit)),
        };
        self.reset_failed(unit);
        Err(error)
    }

    /// `StopUnit`, and waits until it is stopped; that it is gone already is
    /// fine, and that it failed is forgotten.
    ///
    /// # Errors
    /// The connection breaks, or systemd does not finish in 30 s.
    pub fn stop(&mut self, unit: &str) -> Result<()> {
        let body = [Value::text(unit), Value::text("replace")];
        let result = self.job("StopUnit", &body);
        self.reset_failed(unit);
        result.map(drop).map_err(|error| error.within(text::about("stop unit \"{}\"", unit)))
    }

    /// `ResetFailedUnit`: a unit that is failed stays loaded otherwise.
    fn reset_failed(&mut self, unit: &str) {
        let _ = self.call("ResetFailedUnit", &[Value::text(unit)]);
    }

    /// `SetUnitProperties`, until the unit ends.
    ///
    /// # Errors
    /// systemd refuses one.
    pub fn set_properties(&mut self, unit: &str, properties: Vec<Value>) -> Result<()> {
        let properties = Value::array("(sv)", properties);
        self.demand("SetUnitProperties", &[Value::text(unit), Value::bool(true), properties])
            .map(drop)
    }

    /// `AttachProcessesToUnit`: systemd may move processes into a user's cgroup
    /// that the user may not. Since systemd 238.
    ///
    /// # Errors
    /// systemd refuses it.
    pub fn attach(&mut self, unit: &str, below: &str, pid: Pid) -> Result<()> {
        let pid = Value::Number(b'u', pid.as_raw_nonzero().get() as u64);
        let body = [Value::text(unit), Value::text(below), Value::array("u", vec![pid])];
        self.demand("AttachProcessesToUnit", &body).map(drop)
    }
}

impl Manager {
    /// The connection with systemd.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

/// The first number in `252.39-1~deb12u1`, `v245.4-1.fc32` and the like; 0 where
/// there is none.
fn version(text: &str) -> u32 {
    let digits = text.trim_start_matches(['v', '"']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    number::unsigned(cut::before(digits, end)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, number) in [
            ("252.39-1~deb12u1", 252),
            ("v245.4-1.fc32", 245),
            ("241", 241),
            ("258~rc1", 258),
            ("", 0),
            ("x", 0),
        ] {
            assert_eq!(version(text), number, "{text}");
        }
    }
}
