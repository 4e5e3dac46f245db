//! Mount options: from the names of fstab(5) and of the specification to what
//! the kernel takes.
//!
//! The new mount calls have separate words for what belongs to a mount
//! (`MOUNT_ATTR_*`) and to a file system (`MS_*` of its superblock); old
//! mount(2) mixes them. [`MountOptions`] keeps them apart, and
//! [`MountOptions::legacy_flags`] mixes them again.
//!
//! Later options win over earlier ones. The access time modes are not bits but
//! one field, [`MOUNT_ATTR__ATIME`], of which `relatime` is the zero: whoever
//! sets it must clear the whole field, so an option about it always shows in
//! `clear`.
//!
//! podman leaves options of its volumes among those of a bind mount: `copy`, `nocopy`
//! and `volume-opt=…`. It has carried them out itself; as with runc and crun they do
//! nothing.

use alloc::vec::Vec;
use linux_raw_sys::general::*;

use crate::json::words;

/// Attributes to set and to clear, as mount_setattr(2) takes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `MOUNT_ATTR_*` to set.
    pub set: u32,
    /// `MOUNT_ATTR_*` to clear; applied before `set`.
    pub clear: u32,
}

/// What the options of one mount ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MountOptions<'a> {
    /// For the mount itself.
    pub attributes: Attributes,
    /// For the mount and all below it (`rro` and its like, Linux 5.12).
    pub recursive: Attributes,
    /// `MS_*` of the superblock to set; `ro` is here and in `attributes`.
    pub superblock: u32,
    /// `MS_*` of the superblock to clear.
    pub superblock_clear: u32,
    /// A bind mount; `true` for one with all mounts below (`rbind`).
    pub bind: Option<bool>,
    /// Change an existing mount.
    pub remount: bool,
    /// Propagation changes in order, `MS_SHARED` and its like with `MS_REC`.
    pub propagation: Vec<u32>,
    /// An id-mapped mount; `true` for one with all mounts below (`ridmap`).
    pub idmap: Option<bool>,
    /// Fill the new tmpfs with what the directory below held.
    pub tmpcopyup: bool,
    /// What is not an option of ours, for the file system.
    pub data: Vec<&'a str>,
}

/// What one option does.
#[derive(Clone, Copy)]
enum Effect {
    Nothing,
    /// Sets attributes.
    Set(u32),
    /// Clears attributes.
    Clear(u32),
    /// Sets attributes of the whole tree.
    SetAll(u32),
    /// Clears attributes of the whole tree.
    ClearAll(u32),
    /// Sets superblock flags.
    Super(u32),
    /// Clears superblock flags.
    SuperClear(u32),
    /// Read-only: superblock and mount.
    ReadOnly,
    /// Writable: superblock and mount.
    Writable,
    Bind(bool),
    Remount,
    Propagate(u32),
    IdMap(bool),
    TmpCopyUp,
}
use Effect::*;

macro_rules! table {
    ($($name:literal $effect:expr,)+) => {
        /// The names of all options, in order, each followed by a space.
        pub const NAMES: &str = concat!($($name, " "),+);
        const EFFECTS: &[Effect] = &[$($effect),+];
        static OFFSETS: [u16; words::steps(EFFECTS.len())] = words::offsets(NAMES);
    };
}

table! {
    "async" SuperClear(MS_SYNCHRONOUS),
    "atime" Clear(MOUNT_ATTR_NOATIME),
    "bind" Bind(false),
    "defaults" Nothing,
    "dev" Clear(MOUNT_ATTR_NODEV),
    "diratime" Clear(MOUNT_ATTR_NODIRATIME),
    "dirsync" Super(MS_DIRSYNC),
    "exec" Clear(MOUNT_ATTR_NOEXEC),
    "idmap" IdMap(false),
    "iversion" Super(MS_I_VERSION),
    "lazytime" Super(MS_LAZYTIME),
    "loud" SuperClear(MS_SILENT),
    "mand" Super(MS_MANDLOCK),
    "noatime" Set(MOUNT_ATTR_NOATIME),
    "nodev" Set(MOUNT_ATTR_NODEV),
    "nodiratime" Set(MOUNT_ATTR_NODIRATIME),
    "noexec" Set(MOUNT_ATTR_NOEXEC),
    "noiversion" SuperClear(MS_I_VERSION),
    "nolazytime" SuperClear(MS_LAZYTIME),
    "nomand" SuperClear(MS_MANDLOCK),
    "norelatime" Clear(MOUNT_ATTR__ATIME),
    "nostrictatime" Clear(MOUNT_ATTR_STRICTATIME),
    "nosuid" Set(MOUNT_ATTR_NOSUID),
    "nosymfollow" Set(MOUNT_ATTR_NOSYMFOLLOW),
    "private" Propagate(MS_PRIVATE),
    "ratime" ClearAll(MOUNT_ATTR_NOATIME),
    "rbind" Bind(true),
    "rdev" ClearAll(MOUNT_ATTR_NODEV),
    "rdiratime" ClearAll(MOUNT_ATTR_NODIRATIME),
    "relatime" Set(MOUNT_ATTR_RELATIME),
    "remount" Remount,
    "rexec" ClearAll(MOUNT_ATTR_NOEXEC),
    "ridmap" IdMap(true),
    "rnoatime" SetAll(MOUNT_ATTR_NOATIME),
    "rnodev" SetAll(MOUNT_ATTR_NODEV),
    "rnodiratime" SetAll(MOUNT_ATTR_NODIRATIME),
    "rnoexec" SetAll(MOUNT_ATTR_NOEXEC),
    "rnorelatime" ClearAll(MOUNT_ATTR__ATIME),
    "rnostrictatime" ClearAll(MOUNT_ATTR_STRICTATIME),
    "rnosuid" SetAll(MOUNT_ATTR_NOSUID),
    "rnosymfollow" SetAll(MOUNT_ATTR_NOSYMFOLLOW),
    "ro" ReadOnly,
    "rprivate" Propagate(MS_PRIVATE | MS_REC),
    "rrelatime" SetAll(MOUNT_ATTR_RELATIME),
    "rro" SetAll(MOUNT_ATTR_RDONLY),
    "rrw" ClearAll(MOUNT_ATTR_RDONLY),
    "rshared" Propagate(MS_SHARED | MS_REC),
    "rslave" Propagate(MS_SLAVE | MS_REC),
    "rstrictatime" SetAll(MOUNT_ATTR_STRICTATIME),
    "rsuid" ClearAll(MOUNT_ATTR_NOSUID),
    "rsymfollow" ClearAll(MOUNT_ATTR_NOSYMFOLLOW),
    "runbindable" Propagate(MS_UNBINDABLE | MS_REC),
    "rw" Writable,
    "shared" Propagate(MS_SHARED),
    "silent" Super(MS_SILENT),
    "slave" Propagate(MS_SLAVE),
    "strictatime" Set(MOUNT_ATTR_STRICTATIME),
    "suid" Clear(MOUNT_ATTR_NOSUID),
    "symfollow" Clear(MOUNT_ATTR_NOSYMFOLLOW),
    "sync" Super(MS_SYNCHRONOUS),
    "tmpcopyup" TmpCopyUp,
    "unbindable" Propagate(MS_UNBINDABLE),
}

/// What podman leaves in a bind mount (podman-run(1), `--volume` and `--mount`).
fn is_of_volume(option: &str) -> bool {
    matches!(option, "copy" | "nocopy") || option.starts_with("volume-opt=")
}

impl Attributes {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.set | self.clear == 0
    }

    fn set(&mut self, bits: u32) {
        // RELATIME is no bit at all.
        if bits == MOUNT_ATTR_RELATIME || bits & MOUNT_ATTR__ATIME != 0 {
            self.clear(MOUNT_ATTR__ATIME);
        } else {
            self.clear &= !bits;
        }
        self.set |= bits;
    }

    fn clear(&mut self, bits: u32) {
        let bits = if bits & MOUNT_ATTR__ATIME != 0 { MOUNT_ATTR__ATIME } else { bits };
        self.set &= !bits;
        self.clear |= bits;
    }
}

impl<'a> MountOptions<'a> {
    /// An option of the file system as fsconfig(2) takes it: a label of SELinux
    /// has its quotes for mount(2) alone, where commas would part it.
    pub fn key_and_value(option: &str) -> (&str, Option<&str>) {
        let Some((key, value)) = option.split_once('=') else { return (option, None) };
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let label = matches!(key, "context" | "fscontext" | "defcontext" | "rootcontext");
        (key, Some(quoted.filter(|_| label).unwrap_or(value)))
    }

    /// Explains the options of one mount; those it does not know become data.
    pub fn parse(options: &[&'a str]) -> Self {
        let mut parsed = MountOptions::default();
        for &option in options {
            match words::search(NAMES, &OFFSETS, option) {
                Some(index) => parsed.apply(EFFECTS[index]),
                None if option.is_empty() => {}
                None => parsed.data.push(option),
            }
        }
        if parsed.bind.is_some() {
            parsed.data.retain(|option| !is_of_volume(option));
        }
        parsed
    }

    fn apply(&mut self, effect: Effect) {
        match effect {
            Nothing => {}
            Set(bits) => self.attributes.set(bits),
            Clear(bits) => self.attributes.clear(bits),
            SetAll(bits) => self.recursive.set(bits),
            ClearAll(bits) => self.recursive.clear(bits),
            Super(flags) => self.set_superblock(flags),
            SuperClear(flags) => self.clear_superblock(flags),
            ReadOnly => {
                self.attributes.set(MOUNT_ATTR_RDONLY);
                self.set_superblock(MS_RDONLY);
            }
            Writable => {
                self.attributes.clear(MOUNT_ATTR_RDONLY);
                self.clear_superblock(MS_RDONLY);
            }
            Bind(recursive) => self.bind = Some(recursive || self.bind == Some(true)),
            Remount => self.remount = true,
            Propagate(flags) => self.propagation.push(flags),
            IdMap(recursive) => self.idmap = Some(recursive || self.idmap == Some(true)),
            TmpCopyUp => self.tmpcopyup = true,
        }
    }

    fn set_superblock(&mut self, flags: u32) {
        self.superblock |= flags;
        self.superblock_clear &= !flags;
    }

    fn clear_superblock(&mut self, flags: u32) {
        self.superblock &= !flags;
        self.superblock_clear |= flags;
    }

    /// The flags for mount(2): superblock and mount in one word, without
    /// MS_BIND, MS_REMOUNT, the propagation and what is recursive.
    pub fn legacy_flags(&self) -> u32 {
        const PAIRS: [(u32, u32); 8] = [
            (MOUNT_ATTR_RDONLY, MS_RDONLY),
            (MOUNT_ATTR_NOSUID, MS_NOSUID),
            (MOUNT_ATTR_NODEV, MS_NODEV),
            (MOUNT_ATTR_NOEXEC, MS_NOEXEC),
            (MOUNT_ATTR_NOATIME, MS_NOATIME),
            (MOUNT_ATTR_STRICTATIME, MS_STRICTATIME),
            (MOUNT_ATTR_NODIRATIME, MS_NODIRATIME),
            (MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW),
        ];
        let Attributes { set, clear } = self.attributes;
        let mut flags = self.superblock;
        for (attribute, flag) in PAIRS {
            if set & attribute != 0 {
                flags |= flag;
            }
        }
        if clear & MOUNT_ATTR__ATIME != 0 && set & MOUNT_ATTR__ATIME == 0 {
            flags |= MS_RELATIME;
        }
        flags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(options: &'a str) -> MountOptions<'a> {
        MountOptions::parse(&options.split(',').collect::<Vec<_>>())
    }

    #[test]
    fn labels_lose_their_quotes() {
        for (option, key, value) in [
            ("nosuch", "nosuch", None),
            ("size=1=2", "size", Some("1=2")),
            ("context=\"u:r:t:s0:c1,c2\"", "context", Some("u:r:t:s0:c1,c2")),
            ("rootcontext=u:r:t:s0", "rootcontext", Some("u:r:t:s0")),
            ("context=\"", "context", Some("\"")),
            ("lowerdir=\"/a\"", "lowerdir", Some("\"/a\"")),
        ] {
            assert_eq!(MountOptions::key_and_value(option), (key, value), "{option}");
        }
    }

    #[test]
    fn names_are_sorted_and_distinct() {
        let names: Vec<_> = words::iter(NAMES).collect();
        assert!(names.is_sorted_by(|a, b| a < b));
        assert_eq!(names.len(), EFFECTS.len());
    }

    #[test]
    fn attributes() {
        let check = |options: &str, set, clear| {
            assert_eq!(parse(options).attributes, Attributes { set, clear }, "{options}");
        };
        check("", 0, 0);
        check("defaults", 0, 0);
        check("nosuid,nodev", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0);
        check("nosuid,suid", 0, MOUNT_ATTR_NOSUID);
        check("suid,nosuid", MOUNT_ATTR_NOSUID, 0);
        check("noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME);
        check("noatime,strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME);
        check("strictatime,relatime", 0, MOUNT_ATTR__ATIME);
        check("noatime,atime", 0, MOUNT_ATTR__ATIME);
        check("nostrictatime", 0, MOUNT_ATTR__ATIME);
        check("nodiratime,noatime", 0x90, MOUNT_ATTR__ATIME);
        check("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0);
    }

    #[test]
    fn recursive_attributes() {
        let check = |options: &str, set, clear| {
            let parsed = parse(options);
            assert_eq!(parsed.recursive, Attributes { set, clear }, "{options}");
            assert!(parsed.attributes.is_empty());
        };
        check("rro,rnosuid", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0);
        check("rro,rrw", 0, MOUNT_ATTR_RDONLY);
        check("rnoatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME);
        check("ratime", 0, MOUNT_ATTR__ATIME);
        check("rrelatime", 0, MOUNT_ATTR__ATIME);
        check("rnostrictatime", 0, MOUNT_ATTR__ATIME);
    }

    #[test]
    fn the_rest() {
        let parsed =
            parse("ro,sync,mode=755,size=65536k,rbind,bind,rprivate,slave,tmpcopyup,idmap");
        assert_eq!(parsed.superblock, MS_RDONLY | MS_SYNCHRONOUS);
        assert_eq!(parsed.attributes.set, MOUNT_ATTR_RDONLY);
        assert_eq!(parsed.data, ["mode=755", "size=65536k"]);
        assert_eq!(parsed.bind, Some(true));
        assert_eq!(parsed.propagation, [MS_PRIVATE | MS_REC, MS_SLAVE]);
        assert_eq!(parsed.idmap, Some(false));
        assert!(parsed.tmpcopyup && !parsed.remount);
        assert_eq!(parse("ro,rw").superblock_clear, MS_RDONLY);
        assert_eq!(parse("silent,loud").superblock, 0);
        assert_eq!(parse("ridmap").idmap, Some(true));
    }

    #[test]
    fn a_volumes_options_do_nothing_on_binds() {
        for (options, data) in [
            ("copy,nocopy,volume-opt=o=ro,rbind", &[][..]),
            ("bind,copies,nocopy=1,volume-opt,r0", &["copies", "nocopy=1", "volume-opt", "r0"]),
            ("nocopy,volume-opt=a", &["nocopy", "volume-opt=a"]),
        ] {
            assert_eq!(parse(options).data, data, "{options}");
        }
    }

    #[test]
    fn legacy() {
        let check = |options, flags| assert_eq!(parse(options).legacy_flags(), flags, "{options}");
        check("ro,nosuid,nodev,noexec", 15);
        check("noatime,nodiratime", MS_NOATIME | MS_NODIRATIME);
        check("strictatime", MS_STRICTATIME);
        check("relatime,sync", MS_RELATIME | MS_SYNCHRONOUS);
        check("rro,bind", 0);
    }
}
