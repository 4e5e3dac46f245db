//! Who the process is: user, groups, capabilities (credentials(7),
//! capabilities(7); runtime-spec, config.md "User" and "Linux Process").

use crate::fault::{Act, Detail};
use alloc::vec::Vec;
use linux_raw_sys::general::CAP_SETPCAP;
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

/// The last capability that a set of 64 bits can hold.
const LAST: u32 = 63;

/// The five sets, bit N for capability N.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// What execve can ever give.
    pub bounding: u64,
    /// What counts now.
    pub effective: u64,
    /// What a file's inheritable set may pass on.
    pub inheritable: u64,
    /// What can be made effective.
    pub permitted: u64,
    /// What execve keeps without a file capability.
    pub ambient: u64,
}

/// Who the process is to be.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// User id inside.
    pub uid: u32,
    /// Group id inside.
    pub gid: u32,
    /// Supplementary groups; `None` leaves the caller's
    /// (`run.oci.keep_original_groups`, or setgroups(2) is denied).
    pub groups: Option<Vec<Gid>>,
    /// Capabilities.
    pub capabilities: Sets,
    /// Capabilities kept until [`Identity::give_up_extra`]: without
    /// no_new_privs, CAP_SYS_ADMIN to load the system call filter last.
    pub extra: u64,
}

/// Becomes root of the user namespace just entered.
pub fn become_root() -> Act {
    set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT)
        .detail("setresgid: no group is mapped to 0")?;
    set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).detail("setresuid: no user is mapped to 0")
}

impl Identity {
    /// Takes the identity on. Capabilities that we do not have ourselves are
    /// left out, as the specification asks; the plan warned about them.
    pub fn act(&self) -> Act {
        let have = capabilities(None).detail("capget")?.permitted.bits();
        self.limit_bounding_set(have)?;
        set_keep_capabilities(true).detail("PR_SET_KEEPCAPS")?;
        if let Some(groups) = &self.groups {
            match set_thread_groups(groups) {
                // Already none: nothing to change where it is not allowed.
                Err(Errno::PERM) if groups.is_empty() => {}
                result => result.detail("setgroups")?,
            }
        }
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        set_thread_res_gid(gid, gid, gid).detail(format_args!("setresgid {}", self.gid))?;
        set_thread_res_uid(uid, uid, uid).detail(format_args!("setresuid {}", self.uid))?;
        set_keep_capabilities(false).detail("PR_SET_KEEPCAPS")?;
        self.set_capabilities(have, self.extra)
    }

    /// Gives up what was kept for the last steps.
    pub fn give_up_extra(&self) -> Act {
        if self.extra == 0 {
            return Ok(());
        }
        let have = capabilities(None).detail("capget")?.permitted.bits();
        self.set_capabilities(have, 0)
    }

    fn limit_bounding_set(&self, have: u64) -> Act {
        if have & (1 << CAP_SETPCAP) == 0 {
            // What cannot be dropped was not ours to give anyway.
            return Ok(());
        }
        for number in (0..=LAST).filter(|number| self.capabilities.bounding & (1 << number) == 0) {
            let bit = CapabilitySet::from_bits_retain(1 << number);
            match remove_capability_from_bounding_set(bit) {
                // Past the last one that this kernel knows.
                Err(Errno::INVAL) => break,
                result => result.detail("PR_CAPBSET_DROP")?,
            }
        }
        Ok(())
    }

    fn set_capabilities(&self, have: u64, extra: u64) -> Act {
        let sets = &self.capabilities;
        let permitted = (sets.permitted | extra) & have;
        let inheritable = sets.inheritable & have;
        let new = CapabilitySets {
            effective: CapabilitySet::from_bits_retain((sets.effective | extra) & permitted),
            permitted: CapabilitySet::from_bits_retain(permitted),
            inheritable: CapabilitySet::from_bits_retain(inheritable),
        };
        set_capabilities(None, new).detail("capset")?;
        match clear_ambient_capability_set() {
            Ok(()) | Err(Errno::INVAL) => {}
            result => result.detail("PR_CAP_AMBIENT_CLEAR_ALL")?,
        }
        // A capability is ambient only while it is permitted and inheritable.
        let ambient = sets.ambient & sets.permitted & have & inheritable;
        for number in (0..=LAST).filter(|number| ambient & (1 << number) != 0) {
            let bit = CapabilitySet::from_bits_retain(1 << number);
            configure_capability_in_ambient_set(bit, true).detail("PR_CAP_AMBIENT_RAISE")?;
        }
        Ok(())
    }
}
