//! The names and numbers of capabilities (capabilities(7)).

use crate::json::words;

/// The names without `CAP_`, each followed by a space; the place of a name is
/// its number in the kernel, the same on every architecture.
pub const NAMES: &str = concat!(
    "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP ",
    "LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER ",
    "SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE ",
    "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP ",
    "MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF ",
    "CHECKPOINT_RESTORE ",
);

/// The number of a capability, for its name in upper case with `CAP_`.
pub fn number(name: &str) -> Option<u32> {
    let index = words::index(NAMES, name.strip_prefix("CAP_")?)?;
    Some(index as u32)
}

/// The name of a capability without `CAP_`; `""` where it has none here.
pub fn name(number: u32) -> &'static str {
    words::nth(NAMES, number as usize)
}
