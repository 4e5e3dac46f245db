//! `process.rlimits`: setting them, and what stands in the way of one.

use crate::cut;
use crate::fault::{Act, Detail};
use crate::number;
use crate::spec::Rlimit;
use crate::sys::limit;
use linux_raw_sys::general::RLIMIT_NOFILE;
use rustix::fs::{Mode, OFlags, open};

/// Sets the limits of the calling process.
pub fn set_all(limits: &[Rlimit]) -> Act {
    for &Rlimit { resource, soft, hard } in limits {
        limit::set(resource, limit::Limit { soft, hard }).detail(format_args!(
            "process.rlimits: set {} to {soft} (hard {hard})",
            Rlimit::name(resource)
        ))?;
    }
    Ok(())
}

/// The most that RLIMIT_NOFILE can be, for whomever (`fs.nr_open`, proc(5)).
pub fn most_files() -> Option<u64> {
    let file =
        open(c"/proc/sys/fs/nr_open", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut text = [0; 32];
    let length = rustix::io::read(&file, &mut text[..]).ok()?;
    number::unsigned(core::str::from_utf8(cut::first(&text, length)).ok()?.trim_ascii())
}

/// What helps against `EPERM` for a limit that is more than ours.
pub fn remedy(limit: &Rlimit) -> &'static str {
    if is_beyond(limit, most_files()) {
        return "it is more than the sysctl fs.nr_open, which can be raised";
    }
    "raising a hard limit needs CAP_SYS_RESOURCE"
}

/// Whether it is a limit of descriptors beyond the kernel's most.
pub fn is_beyond(limit: &Rlimit, most: Option<u64>) -> bool {
    limit.resource == RLIMIT_NOFILE && most.is_some_and(|most| limit.hard > most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use linux_raw_sys::general::RLIMIT_NPROC;

    #[test]
    fn only_descriptors_have_a_most() {
        let limit = |resource, hard| Rlimit { resource, soft: 1, hard };
        assert!(is_beyond(&limit(RLIMIT_NOFILE, 11), Some(10)));
        assert!(!is_beyond(&limit(RLIMIT_NOFILE, 10), Some(10)));
        assert!(!is_beyond(&limit(RLIMIT_NOFILE, u64::MAX), None));
        assert!(!is_beyond(&limit(RLIMIT_NPROC, u64::MAX), Some(10)));
        assert!(most_files().is_none_or(|most| most >= 1024));
    }
}
