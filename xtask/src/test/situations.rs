//! What boards are booted into, and what their consoles have to say then.

use crate::boards::{Board, Ending, FileSystem, Said, Trials};
use crate::error::Result;

/// One boot.
pub struct Situation {
    pub name: &'static str,
    /// Parameters of the kernel.
    pub parameters: &'static str,
    pub variant: Variant,
    /// Texts with how often each has to be on the console.
    pub expected: &'static [(&'static str, usize)],
    /// What is shown of it as a figure: the text before it, what it is, and the
    /// text after it.
    pub figures: &'static [(&'static str, &'static str, &'static str)],
}

/// What the boot is done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The archive that `pack` makes.
    Whole,
    /// One without a /dev.
    WithoutDev,
    /// One with modules, where the kernel has drivers as modules.
    Modules,
    /// As little memory as the kernel boots with.
    Small,
    /// A disk with the bundle.
    Disk(FileSystem),
    /// A file in the archive with a file system that has the bundle.
    File(FileSystem),
    /// A health command that fails, and the watchdog: it ends the boot.
    Neglected,
    /// The bundle with the core of the integration tests, which tell of themselves.
    Suite,
}

/// Where the archive has a file with a file system.
pub const FILE: &str = "image";

/// The settings of [`Variant::Neglected`]. The container outlives the first
/// word to stop, so that the watchdog comes before the next start.
pub const NEGLECTED: &str = r#"{
    "bundle": "/bundle/waits",
    "restart": "always",
    "stop-signal": "SIGUSR1",
    "stop-timeout": 60,
    "watchdog": 2,
    "health": {"command": ["/bin/guest", "exit", "1"], "interval": 1, "timeout": 30, "retries": 1}
}
"#;

const OFF: (&str, usize) = ("ocinit: powering off", 1);
const STARTED: (&str, usize) = ("ocinit: container \"main\" started", 1);
const GOOD: (&str, usize) = ("ocinit: container \"main\" exited with status 42", 1);
const NOT_STARTED: (&str, usize) = ("ocinit: container \"main\" could not be started", 1);

/// A board that nobody looks after: it does not end by itself.
const NEGLECT: Situation = Situation {
    name: "the watchdog resets a board that is not well",
    parameters: "",
    variant: Variant::Neglected,
    expected: &[
        STARTED,
        ("ocinit: error: container \"main\" is unhealthy", 1),
        ("ocinit: stopping container \"main\"", 1),
        ("ocinit: rebooting", 0),
    ],
    figures: &[],
};

/// Those for the board.
pub fn of(board: &Board) -> &'static [Situation] {
    match board.trials() {
        Trials::All => ALL,
        Trials::Little => LITTLE,
        Trials::Start => START,
    }
}

/// All that a whole kernel is booted into.
const ALL: &[Situation] = &[
    Situation {
        name: "a container with namespaces and limits",
        parameters: "",
        variant: Variant::Whole,
        expected: &[STARTED, ("BOARD cgroup = v2", 1), ("BOARD ok", 16), GOOD, OFF],
        figures: &[(") after ", "from /init to the program", "")],
    },
    Situation {
        name: "the same with cgroup v1",
        parameters: "ocinit.cgroup=v1",
        variant: Variant::Whole,
        expected: &[STARTED, ("BOARD cgroup = v1", 1), ("BOARD ok", 16), GOOD, OFF],
        figures: &[],
    },
    Situation {
        name: "a thousand orphans, and an init at rest",
        parameters: "ocinit.bundle=/bundle/shared",
        variant: Variant::Whole,
        expected: &[STARTED, ("BOARD ok", 5), GOOD, OFF],
        figures: &[
            ("BOARD rss = ", "resident memory of the init", ""),
            ("BOARD storm = ", "a thousand orphans in", ""),
        ],
    },
    Situation {
        name: "the runtime's life cycle, mounts, capabilities and control groups",
        parameters: "ocinit.bundle=/bundle/runtime",
        variant: Variant::Whole,
        expected: &[STARTED, ("BOARD ok", 53), GOOD, OFF],
        figures: &[],
    },
    Situation {
        name: "the core of the integration tests",
        parameters: "",
        variant: Variant::Suite,
        expected: &[STARTED, GOOD, OFF],
        figures: &[],
    },
    Situation {
        name: "a program that fails is started again as often as allowed",
        parameters: "ocinit.bundle=/bundle/fails ocinit.restart=on-failure:2",
        variant: Variant::Whole,
        expected: &[
            ("exited with status 3", 3),
            ("ocinit: container \"main\" starts again in", 2),
            OFF,
        ],
        figures: &[],
    },
    Situation {
        name: "the init feeds the watchdog",
        parameters: "ocinit.bundle=/bundle/watched ocinit.watchdog=2",
        variant: Variant::Modules,
        expected: &[STARTED, ("BOARD ok the init holds the watchdog", 1), GOOD, OFF],
        figures: &[],
    },
    NEGLECT,
    Situation {
        name: "the bundle is a squashfs on a disk",
        parameters: "ocinit.root=/dev/vda",
        variant: Variant::Disk(FileSystem::Squashfs),
        expected: &[
            ("BOARD root = squashfs", 1),
            ("BOARD writing = EROFS", 1),
            ("BOARD ok", 1),
            STARTED,
            GOOD,
            OFF,
        ],
        figures: &[],
    },
    Situation {
        name: "the bundle is an ext4 on a disk, with an overlay to write to",
        parameters: "ocinit.root=/dev/vda ocinit.overlay",
        variant: Variant::Disk(FileSystem::Ext4),
        expected: &[
            ("BOARD root = overlay", 1),
            ("BOARD writing = works", 1),
            ("BOARD ok", 1),
            STARTED,
            GOOD,
            OFF,
        ],
        figures: &[],
    },
    Situation {
        name: "the bundle is an erofs in a file",
        parameters: "ocinit.root=/image",
        variant: Variant::File(FileSystem::Erofs),
        expected: &[
            ("BOARD root = erofs", 1),
            ("BOARD writing = EROFS", 1),
            ("BOARD ok", 1),
            STARTED,
            GOOD,
            OFF,
        ],
        figures: &[],
    },
    Situation {
        name: "there is no bundle",
        parameters: "ocinit.bundle=/nowhere",
        variant: Variant::Whole,
        expected: &[("ENOENT (no such file or directory)", 1), NOT_STARTED, OFF],
        figures: &[],
    },
    Situation {
        name: "config.json is broken",
        parameters: "ocinit.bundle=/bundle/broken",
        variant: Variant::Whole,
        expected: &[("ocinit: error: config.json", 1), NOT_STARTED, OFF],
        figures: &[],
    },
    Situation {
        name: "the program is missing",
        parameters: "ocinit.bundle=/bundle/missing",
        variant: Variant::Whole,
        expected: &[("exec: \"/bin/nothing\"", 1), NOT_STARTED, OFF],
        figures: &[],
    },
    Situation {
        name: "the kernel has no memory controller",
        parameters: "cgroup_disable=memory ocinit.bundle=/bundle/limited",
        variant: Variant::Whole,
        expected: &[("CONFIG_MEMCG: the container runs without", 1), STARTED, GOOD, OFF],
        figures: &[],
    },
    Situation {
        name: "the kernel has no memory controller, and that matters",
        parameters: "cgroup_disable=memory ocinit.strict=true ocinit.bundle=/bundle/limited",
        variant: Variant::Whole,
        expected: &[
            ("linux.resources.memory: this kernel lacks CONFIG_MEMCG", 1),
            NOT_STARTED,
            OFF,
        ],
        figures: &[],
    },
    Situation {
        name: "the archive has no /dev",
        parameters: "",
        variant: Variant::WithoutDev,
        expected: &[STARTED, ("BOARD ok", 16), GOOD, OFF],
        figures: &[],
    },
    Situation {
        name: "parameters are unknown or wrong",
        parameters: "ocinit.nonsense=1 ocinit.restart=maybe ocinit.bundle=/bundle/shared nonsense",
        variant: Variant::Whole,
        expected: &[
            ("ocinit: warning: ocinit.nonsense: unknown parameter", 1),
            ("ocinit: warning: ocinit.restart=maybe", 1),
            STARTED,
            GOOD,
            OFF,
        ],
        figures: &[],
    },
    Situation {
        name: "there is hardly any memory",
        parameters: "ocinit.bundle=/bundle/shared",
        variant: Variant::Small,
        expected: &[STARTED, GOOD, OFF],
        figures: &[],
    },
];

/// What a kernel is booted into that has no control groups, no filters and no
/// network, on a machine with hardly any memory.
const LITTLE: &[Situation] = &[
    Situation {
        name: "the kernel has next to nothing",
        parameters: "",
        variant: Variant::Small,
        expected: &[
            ("CONFIG_CGROUPS", 3),
            ("ocinit: warning: linux.namespaces: ", 4),
            ("ocinit: warning: linux.resources.", 3),
            ("CONFIG_SECCOMP_FILTER: the container runs without", 1),
            STARTED,
            ("BOARD ok", 9),
            GOOD,
            OFF,
        ],
        figures: &[],
    },
    Situation {
        name: "the container wants more memory than there is",
        parameters: "ocinit.bundle=/bundle/hungry",
        variant: Variant::Small,
        expected: &[
            STARTED,
            ("Out of memory: Killed process", 1),
            ("ocinit: container \"main\" exited with status 137", 1),
            OFF,
        ],
        figures: &[],
    },
    NEGLECT,
];

/// What a board is booted into that another one stands for otherwise.
const START: &[Situation] = &[Situation {
    name: "the firmware starts the kernel",
    parameters: "loglevel=7 ocinit.bundle=/bundle/little",
    variant: Variant::Whole,
    expected: &[("efi: EFI v", 1), STARTED, ("BOARD ok", 9), GOOD, OFF],
    figures: &[(") after ", "from /init to the program", "")],
}];

impl Situation {
    /// Whether the console says what it has to, and the machine ended as it has
    /// to: it went off by itself, or was reset by the watchdog.
    pub fn verdict(&self, said: &Said, watchdog: Option<&str>) -> Result {
        let expected = match (self.variant, watchdog) {
            (Variant::Neglected, Some(_)) => Ending::Bitten,
            // The kernel's own, which resets the machine as a reboot does.
            (Variant::Neglected, None) => Ending::Reset,
            _ => Ending::Off,
        };
        match said.ending {
            ending if ending == expected => {}
            Ending::Panic => return Err("the kernel panicked".into()),
            Ending::Late => return Err("the machine did not end in time".into()),
            ending => return Err(format!("the machine's end: {ending:?}, and not {expected:?}")),
        }
        if let Some(failed) = said.lines.iter().find(|line| line.contains("BOARD FAIL")) {
            return Err(failed.clone());
        }
        for (text, times) in self.expected {
            let found = said.lines.iter().filter(|line| line.contains(text)).count();
            if found != *times {
                return Err(format!("{found} lines with {text:?}, and not {times}"));
            }
        }
        Ok(())
    }

    /// What is to be shown.
    pub fn figures(&self, said: &Said) -> Vec<String> {
        let figure = |(before, what, after): &(&str, &str, &str)| {
            let value = said.after(before)?;
            let value = if after.is_empty() { value } else { value.split_once(after)?.0 };
            Some(format!("{what} {value}"))
        };
        self.figures.iter().filter_map(figure).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn said(text: &str, ending: Ending) -> Said {
        let lines = text.lines().map(String::from).collect();
        Said { lines, ending, time: Duration::ZERO }
    }

    const SITUATION: Situation = Situation {
        name: "a test",
        parameters: "",
        variant: Variant::Whole,
        expected: &[("one", 1), ("two", 2)],
        figures: &[("took ", "time", " s")],
    };

    #[test]
    fn the_console_has_to_say_everything_so_often() {
        for (text, ending, good) in [
            ("one\ntwo\ntwo", Ending::Off, true),
            ("one\ntwo", Ending::Off, false),
            ("one\none\ntwo\ntwo", Ending::Off, false),
            ("two\ntwo", Ending::Off, false),
            ("one\ntwo\ntwo\nBOARD FAIL x: y", Ending::Off, false),
            ("one\ntwo\ntwo", Ending::Panic, false),
            ("one\ntwo\ntwo", Ending::Late, false),
            ("one\ntwo\ntwo", Ending::Reset, false),
            ("one\ntwo\ntwo", Ending::Unknown, false),
        ] {
            let verdict = SITUATION.verdict(&said(text, ending), None);
            assert_eq!(verdict.is_ok(), good, "{text} {ending:?}");
        }
    }

    #[test]
    fn a_neglected_board_is_reset_by_its_watchdog() {
        let neglected = Situation { variant: Variant::Neglected, ..SITUATION };
        for (ending, hardware, good) in [
            (Ending::Bitten, Some("i6300esb"), true),
            (Ending::Reset, Some("i6300esb"), false),
            (Ending::Reset, None, true),
            (Ending::Off, None, false),
        ] {
            let verdict = neglected.verdict(&said("one\ntwo\ntwo", ending), hardware);
            assert_eq!(verdict.is_ok(), good, "{ending:?} {hardware:?}");
        }
        let settings: serde_json::Value = serde_json::from_str(NEGLECTED).unwrap();
        assert!(settings.is_object());
    }

    #[test]
    fn figures_are_read() {
        assert_eq!(SITUATION.figures(&said("it took 3 s\n", Ending::Off)), ["time 3"]);
        assert!(SITUATION.figures(&said("it did not", Ending::Off)).is_empty());
    }
}
