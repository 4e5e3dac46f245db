//! What the board's owner wants: defaults, then `/etc/ocinit.json`, then the
//! kernel's command line. Both have the same names and go through
//! [`Settings::set`].
//!
//! Nothing that is wrong here keeps the board from coming up: what cannot be
//! understood is said and left at what it was. docs/init.md describes each one.

use super::parameters::parameters;
use crate::container::ContainerId;
use crate::error;
use crate::error::Error;
use crate::json::words;
use crate::json::{Document, Node, Number, Value};
use crate::number;
use crate::spec::signal;
use crate::text::{c_string, keep};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;

/// Where the settings are in the initramfs.
pub const FILE: &str = "/etc/ocinit.json";

/// How the board ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Without power.
    PowerOff,
    /// From the beginning.
    Reboot,
    /// Stopped, with power.
    Halt,
}

/// When the container is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Never.
    No,
    /// When its status is not 0, or it could not be started.
    OnFailure,
    /// Whenever it has ended.
    Always,
}

/// Where lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// The console.
    Console,
    /// The kernel's log.
    Kmsg,
    /// Nowhere.
    Null,
}

/// An interface of control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A tree for each controller.
    First,
    /// One tree.
    Second,
}

/// A command that says whether the container is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The program and its arguments, run in the container.
    pub command: Vec<&'static CStr>,
    /// Seconds from one end to the next start.
    pub interval: u32,
    /// Seconds that it may take.
    pub timeout: u32,
    /// How many failures in a row make the container unhealthy.
    pub retries: u32,
}

/// All of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The bundle's directory; `None` is `/bundle`, or what the image has.
    pub bundle: Option<&'static str>,
    /// The container's id.
    pub id: &'static str,
    /// When the container is started again.
    pub restart: Restart,
    /// How often in a row; `None` is without end.
    pub max_restarts: Option<u32>,
    /// What happens when it is not; `None` starts it again all the same.
    pub on_exit: Option<Ending>,
    /// The console's device: `ttyS0` or `/dev/ttyS0`.
    pub console: Option<&'static str>,
    /// Where our own lines go.
    pub log: Sink,
    /// Where the container's output goes.
    pub output: Sink,
    /// After how many seconds without a sign of life the hardware resets the
    /// board; `None` leaves the watchdog alone.
    pub watchdog: Option<u32>,
    /// A block device or a file with the file system that has the bundle.
    pub root: Option<&'static str>,
    /// The bundle can be written to, and forgets it.
    pub overlay: bool,
    /// The control groups; `None` is version 2, if it has what version 1 has.
    pub cgroup: Option<Version>,
    /// A shell on the console.
    pub debug: bool,
    /// What the kernel lacks is an error.
    pub strict: bool,
    /// The board's name.
    pub hostname: Option<&'static str>,
    /// Seconds between the stop signal and SIGKILL.
    pub stop_timeout: u32,
    /// The signal that asks the container to end.
    pub stop_signal: i32,
    /// How to know that it is well.
    pub health: Option<HealthCheck>,
}

/// Why a setting was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is none of this name.
    Unknown,
    /// The value is not what this says.
    Expected(&'static str),
}

use Refused::{Expected, Unknown};

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            bundle: None,
            id: "main",
            restart: Restart::No,
            max_restarts: None,
            on_exit: Some(Ending::PowerOff),
            console: None,
            log: Sink::Console,
            output: Sink::Console,
            watchdog: None,
            root: None,
            overlay: false,
            cgroup: None,
            debug: false,
            strict: false,
            hostname: None,
            stop_timeout: 10,
            stop_signal: linux_raw_sys::general::SIGTERM as i32,
            health: None,
        }
    }
}

fn path(value: &str) -> Result<Option<&'static str>, Refused> {
    match value.starts_with('/') {
        true => Ok(Some(keep(value))),
        false => Err(Expected("an absolute path")),
    }
}

fn switch(value: &str) -> Result<bool, Refused> {
    let word = words::index("1 true yes on 0 false no off ", value);
    word.map(|number| number < 4).ok_or(Expected("true or false"))
}

fn seconds(value: &str) -> Result<u32, Refused> {
    // A day is more than any of them needs, and keeps sums small.
    number::unsigned(value)
        .filter(|seconds| *seconds <= 86_400)
        .ok_or(Expected("seconds, 0 to 86400"))
}

fn restart(value: &str) -> Result<(Restart, Option<u32>), Refused> {
    const FORM: Refused = Expected("no, on-failure[:MAX] or always[:MAX]");
    let (word, max) = match value.split_once(':') {
        Some((word, max)) => (word, Some(number::unsigned(max).ok_or(FORM)?)),
        None => (value, None),
    };
    match word {
        "no" if max.is_none() => Ok((Restart::No, None)),
        "on-failure" => Ok((Restart::OnFailure, max)),
        "always" => Ok((Restart::Always, max)),
        _ => Err(FORM),
    }
}

impl Settings {
    /// Takes one setting over.
    ///
    /// # Errors
    /// It is unknown, or its value is no good; nothing has changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        match name {
            "bundle" => self.bundle = path(value)?,
            "root" => self.root = path(value)?,
            "id" => match ContainerId::new(value) {
                Ok(_) => self.id = keep(value),
                Err(_) => return Err(Expected("letters, digits and _+-.")),
            },
            "restart" => (self.restart, self.max_restarts) = restart(value)?,
            "on-exit" => {
                self.on_exit = match value {
                    "poweroff" => Some(Ending::PowerOff),
                    "reboot" => Some(Ending::Reboot),
                    "halt" => Some(Ending::Halt),
                    "restart" => None,
                    _ => return Err(Expected("poweroff, reboot, halt or restart")),
                }
            }
            "console" => match value.strip_prefix("/dev/").unwrap_or(value) {
                "" => return Err(Expected("a device")),
                device => self.console = Some(keep(device)),
            },
            "log" => {
                self.log = match value {
                    "console" => Sink::Console,
                    "kmsg" => Sink::Kmsg,
                    _ => return Err(Expected("console or kmsg")),
                }
            }
            "output" => {
                self.output = match value {
                    "console" => Sink::Console,
                    "kmsg" => Sink::Kmsg,
                    "null" => Sink::Null,
                    _ => return Err(Expected("console, kmsg or null")),
                }
            }
            "cgroup" => {
                self.cgroup = match value {
                    "auto" => None,
                    "v1" => Some(Version::First),
                    "v2" => Some(Version::Second),
                    _ => return Err(Expected("auto, v1 or v2")),
                }
            }
            "watchdog" => self.watchdog = Some(seconds(value)?).filter(|seconds| *seconds > 0),
            "overlay" => self.overlay = switch(value)?,
            "debug" => self.debug = switch(value)?,
            "strict" => self.strict = switch(value)?,
            "hostname" if value.is_empty() || value.len() > 64 => {
                return Err(Expected("1 to 64 bytes"));
            }
            "hostname" => self.hostname = Some(keep(value)),
            "stop-timeout" => self.stop_timeout = seconds(value)?,
            "stop-signal" => match signal::number(value) {
                Some(number @ 1..) => self.stop_signal = number as i32,
                _ => return Err(Expected("a signal")),
            },
            _ => return Err(Unknown),
        }
        Ok(())
    }

    /// Takes the file over; with a mistake in it, nothing of it. `complain` gets
    /// what is not known.
    ///
    /// # Errors
    /// `FILE:LINE:COLUMN: PROPERTY: what is wrong`.
    pub fn read_file(&mut self, text: &[u8], complain: &mut dyn FnMut(Error)) -> Result<(), Error> {
        let document = Document::parse(text, FILE)?;
        let mut new = self.clone();
        let mut unknown = Vec::new();
        document.read(|node| new.take(node, &mut unknown))?;
        for name in unknown {
            complain(Error::about_both("{}: {}: unknown setting, ignored", FILE, &name));
        }
        *self = new;
        Ok(())
    }

    fn take(&mut self, top: &Node<'_, '_>, unknown: &mut Vec<String>) {
        let Value::Object(object) = top.value() else {
            top.complain(format_args!("expected an object"));
            return;
        };
        for (name, _) in object.sorted() {
            let Some(node) = top.get(name) else { continue };
            if name == "health" {
                self.health = health(&node);
                continue;
            }
            let value = match node.value() {
                Value::Number(Number::U64(number)) => format!("{number}"),
                Value::Bool(value) => format!("{value}"),
                _ => String::from(node.as_str().unwrap_or_default()),
            };
            match self.set(name, &value) {
                Ok(()) => {}
                Err(Unknown) => unknown.push(String::from(name)),
                Err(Expected(what)) => node.complain(format_args!("expected {what}")),
            }
        }
    }

    /// Takes the kernel's command line over. `complain` gets what cannot be.
    pub fn read_command_line(&mut self, line: &str, complain: &mut dyn FnMut(Error)) {
        for (name, value) in parameters(line) {
            match self.set(&name, &value) {
                Ok(()) => {}
                Err(Unknown) => {
                    complain(Error::about("ocinit.{}: unknown parameter, ignored", &name))
                }
                Err(Expected(what)) => {
                    complain(error!("ocinit.{name}={value}: expected {what}; ignored"));
                }
            }
        }
    }
}

/// `health`; without a command there is none.
fn health(node: &Node<'_, '_>) -> Option<HealthCheck> {
    let mut command = Vec::new();
    node.required("command")?;
    node.strings("command", &mut command);
    let command: Option<Vec<&'static CStr>> = command.into_iter().map(c_string).collect();
    let number = |name, default: u32, least: u32| {
        let value = node.u32(name).unwrap_or(default);
        if let Some(node) = node.get(name).filter(|_| !(least..=86_400).contains(&value)) {
            node.complain(format_args!("out of range: allowed are {least} to 86400"));
        }
        value
    };
    let check = HealthCheck {
        command: command.unwrap_or_default(),
        interval: number("interval", 30, 1),
        timeout: number("timeout", 5, 1),
        retries: number("retries", 3, 1),
    };
    if check.command.is_empty() {
        node.complain(format_args!("command: must not be empty"));
    }
    Some(check)
}

#[cfg(test)]
mod tests;
