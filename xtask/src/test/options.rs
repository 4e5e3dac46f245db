//! The command line of `test`: which parts.

use crate::error::Result;

/// A layout of the cgroup trees, which the tests make in their own mount namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// What the machine has.
    Host,
    /// Only the v1 controllers.
    V1,
    /// Only a cgroup2 tree.
    V2,
}

impl View {
    /// In the order in which they run.
    pub const ALL: [View; 3] = [View::Host, View::V1, View::V2];

    /// The name, as the command line and the tests know it.
    pub fn name(self) -> &'static str {
        match self {
            View::Host => "host",
            View::V1 => "v1",
            View::V2 => "v2",
        }
    }
}

/// Who makes the control groups of the containers in the test machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// The runtime, in the file system.
    Cgroupfs,
    /// systemd, asked by the runtime.
    Systemd,
}

impl Manager {
    /// In the order in which they run.
    pub const ALL: [Manager; 2] = [Manager::Cgroupfs, Manager::Systemd];

    /// The name, as the command line and the tests know it.
    pub fn name(self) -> &'static str {
        match self {
            Manager::Cgroupfs => "cgroupfs",
            Manager::Systemd => "systemd",
        }
    }
}

/// The parts to run.
#[derive(Debug, Default, PartialEq)]
pub struct Options {
    pub lint: bool,
    pub unit: bool,
    pub memory: bool,
    pub fuzz: bool,
    pub binary: bool,
    /// The binaries of all targets.
    pub targets: bool,
    /// The boards that are emulated.
    pub boards: bool,
    /// Views in which the integration tests run here.
    pub views: Vec<View>,
    /// Managers with which they run in the test machine.
    pub managers: Vec<Manager>,
    /// Only tests whose name contains it.
    pub name: Option<String>,
    /// No part was asked for.
    pub all: bool,
    /// All parts but the test machine.
    pub without_guests: bool,
}

impl Options {
    /// Reads the command line. No part named means all of them; with a
    /// name of a test only those that have tests, on this machine.
    pub fn read(mut parser: lexopt::Parser) -> Result<Options> {
        use lexopt::prelude::*;
        let mut options = Options::default();
        while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
            match argument {
                Long("lint") => options.lint = true,
                Long("unit") => options.unit = true,
                Long("miri") => options.memory = true,
                Long("fuzz") => options.fuzz = true,
                Long("binary") => options.binary = true,
                Long("targets") => options.targets = true,
                Long("boards") => options.boards = true,
                Long("view") => {
                    let name = parser.value().map_err(|e| e.to_string())?;
                    let view = View::ALL.into_iter().find(|v| name == v.name());
                    let view = view.ok_or("--view takes host, v1 or v2")?;
                    if !options.views.contains(&view) {
                        options.views.push(view);
                    }
                }
                Long("without-guests") => options.without_guests = true,
                Long("guest") => {
                    let name = parser.value().map_err(|e| e.to_string())?;
                    let manager = Manager::ALL.into_iter().find(|m| name == m.name());
                    let manager = manager.ok_or("--guest takes cgroupfs or systemd")?;
                    if !options.managers.contains(&manager) {
                        options.managers.push(manager);
                    }
                }
                Value(name) if options.name.is_none() => {
                    options.name = Some(name.string().map_err(|e| e.to_string())?);
                }
                other => return Err(other.unexpected().to_string()),
            }
        }
        let Options { lint, unit, memory, fuzz, binary, targets, boards, .. } = options;
        let part = lint || unit || memory || fuzz || binary || targets || boards;
        if !(part || options.integration()) {
            options.all = true;
            options.unit = true;
            options.views = View::ALL.into();
            if options.left_out().is_none() {
                options.managers = Manager::ALL.into();
            }
            if options.name.is_none() {
                options.lint = true;
                options.memory = true;
                options.fuzz = true;
                options.binary = true;
                options.targets = true;
                options.boards = true;
            }
        }
        Ok(options)
    }

    /// Why a run of all parts does without the test machine.
    pub fn left_out(&self) -> Option<&'static str> {
        match self.name {
            _ if !self.all => None,
            Some(_) => Some("tests of a name run there only with --guest"),
            None if self.without_guests => Some("--without-guests"),
            None => None,
        }
    }

    /// Whether the integration tests run somewhere.
    pub fn integration(&self) -> bool {
        !self.views.is_empty() || !self.managers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Options> {
        Options::read(lexopt::Parser::from_args(arguments))
    }

    #[test]
    fn no_part_means_all() {
        let all = read(&[]).unwrap();
        assert!(all.lint && all.unit && all.binary && all.targets && all.views == View::ALL);
        assert!(all.memory && all.fuzz && all.boards);
        let some = read(&["exec"]).unwrap();
        assert!(!some.lint && some.unit && !some.binary && !some.targets);
        assert_eq!(some.views, View::ALL);
        assert!(!some.memory && !some.fuzz && !some.boards);
        assert_eq!(some.name.as_deref(), Some("exec"));
        assert_eq!((&all.managers[..], all.left_out()), (&Manager::ALL[..], None));
        let without = read(&["--without-guests"]).unwrap();
        assert!(without.lint && without.views == View::ALL);
        for without in [some, without] {
            assert!(without.managers.is_empty() && without.left_out().is_some());
        }
    }

    #[test]
    fn a_part_means_only_it() {
        let unit = read(&["--unit"]).unwrap();
        assert_eq!(unit, Options { unit: true, ..Options::default() });
        let fuzz = read(&["--fuzz", "--miri"]).unwrap();
        assert_eq!(fuzz, Options { fuzz: true, memory: true, ..Options::default() });
        let views = read(&["--view", "v2", "--view=host", "--view", "v2"]).unwrap();
        assert_eq!(views.views, [View::V2, View::Host]);
        assert!(!views.unit && !views.lint && !views.binary && views.managers.is_empty());
        let guest = read(&["--guest", "systemd"]).unwrap();
        assert_eq!(guest.managers, [Manager::Systemd]);
        assert!(guest.views.is_empty() && guest.integration());
        let boards = read(&["--boards", "sparc64"]).unwrap();
        assert!(boards.boards && !boards.unit && !boards.integration());
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for wrong in
            [&["--view"][..], &["--view", "v3"], &["--guest", "v2"], &["--fast"], &["one", "two"]]
        {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
