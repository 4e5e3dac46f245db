//! What signals mean to the first process. Those that end the board are the ones
//! that the tools of busybox, sysvinit and systemd send.

use super::settings::Ending;
use linux_raw_sys::general::*;

/// The first real-time signal as users count (see [`crate::spec::signal`]).
const RTMIN: u32 = 34;

/// What to do about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The board ends.
    End(Ending),
    /// Nothing: what it tells is looked at in any case, or is about us alone.
    Nothing,
    /// The container gets it.
    Forward,
}

/// The meaning of signal `number`.
pub fn meaning(number: u32) -> Meaning {
    const HALT: u32 = RTMIN + 3;
    const POWER_OFF: u32 = RTMIN + 4;
    const REBOOT: u32 = RTMIN + 5;
    match number {
        // Ctrl-Alt-Del, and busybox's reboot.
        SIGINT | SIGTERM | REBOOT => Meaning::End(Ending::Reboot),
        // A failing power supply, and busybox's poweroff.
        SIGPWR | SIGUSR2 | POWER_OFF => Meaning::End(Ending::PowerOff),
        SIGUSR1 | HALT => Meaning::End(Ending::Halt),
        SIGCHLD | SIGPIPE | SIGURG | SIGALRM => Meaning::Nothing,
        _ => Meaning::Forward,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::signal::number;

    #[test]
    fn meanings() {
        for (name, expect) in [
            ("TERM", Meaning::End(Ending::Reboot)),
            ("INT", Meaning::End(Ending::Reboot)),
            ("PWR", Meaning::End(Ending::PowerOff)),
            ("USR2", Meaning::End(Ending::PowerOff)),
            ("USR1", Meaning::End(Ending::Halt)),
            ("RTMIN+3", Meaning::End(Ending::Halt)),
            ("RTMIN+4", Meaning::End(Ending::PowerOff)),
            ("RTMIN+5", Meaning::End(Ending::Reboot)),
            ("CHLD", Meaning::Nothing),
            ("HUP", Meaning::Forward),
            ("WINCH", Meaning::Forward),
            ("RTMIN+6", Meaning::Forward),
        ] {
            assert_eq!(meaning(number(name).unwrap()), expect, "{name}");
        }
    }
}
