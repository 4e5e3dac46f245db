//! Architectures: how the kernel shows their calls to a filter.

use crate::json::words;
use crate::spec::SeccompArch;

/// What a table holds for a call that the architecture does not have.
const ABSENT: u16 = !0;
/// Numbers relative to an architecture's base are below this.
pub const SLOTS: usize = 1024;
/// The slot of ARM's private call 0 (see [`Arch::number`]).
const PRIVATE: usize = 1008;
/// `__ARM_NR_BASE` of arch/arm/include/uapi/asm/unistd.h.
const PRIVATE_BASE: u32 = 0xf_0000;
/// `__X32_SYSCALL_BIT` of arch/x86/include/uapi/asm/unistd.h.
pub const X32_BIT: u32 = 0x4000_0000;

/// One architecture.
#[derive(Debug)]
pub struct Arch {
    /// Its name in a profile.
    pub name: SeccompArch,
    /// `seccomp_data.arch`: `AUDIT_ARCH_*` of include/uapi/linux/audit.h.
    pub audit: u32,
    /// What its call numbers begin with.
    pub base: u32,
    /// Arguments have 64 bits; otherwise the upper half is not looked at.
    pub wide: bool,
    /// The most significant half of an argument comes first.
    pub big_endian: bool,
    /// `socketcall(2)` and `ipc(2)` stand for other calls.
    pub multiplexed: bool,
    /// The numbers of the family's names, relative to `base`.
    numbers: &'static [u16],
    /// Where they are others: place and number.
    changes: &'static [(u16, u16)],
}

/// The architectures that one kernel runs.
#[derive(Debug)]
pub struct Family {
    /// The names of their calls, sorted, with a space between them.
    names: &'static str,
    /// See [`words::offsets`].
    offsets: &'static [u16],
    /// The architectures; those with the same `audit` beside each other.
    pub arches: &'static [Arch],
    /// The calls behind socketcall(2) and ipc(2): the place of the name, and the
    /// number; [`IPC`] is added to those of ipc(2).
    behind: &'static [(u16, u8)],
    /// The places of socketcall(2) and ipc(2).
    multiplexers: [u16; 2],
}

/// What is added to the numbers of ipc(2) in the tables.
const IPC: u8 = 128;

impl Family {
    /// Where the name is in the tables.
    pub fn find(&self, name: &str) -> Option<u16> {
        words::search(self.names, self.offsets, name).map(|place| place as u16)
    }

    /// The call that multiplexes the call at this place, and its number there.
    pub fn multiplexer(&self, name: u16) -> Option<(u16, u32)> {
        let (_, number) = self.behind.iter().find(|(behind, _)| *behind == name)?;
        let [socketcall, ipc] = self.multiplexers;
        let call = if number & IPC == 0 { socketcall } else { ipc };
        Some((call, u32::from(number & !IPC)))
    }

    /// The family whose kernel may be built for `native`.
    pub fn of(native: SeccompArch) -> Option<&'static Family> {
        let has = |family: &&&Family| family.arches.iter().any(|arch| arch.name == native);
        FAMILIES.iter().find(has).copied()
    }

    /// The names, for tests.
    #[cfg(any(test, feature = "reference"))]
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.split(' ')
    }
}

impl Arch {
    /// The slot of a name that [`Family::find`] found; `None` where this
    /// architecture has no such call.
    pub fn slot(&self, name: u16) -> Option<usize> {
        let slot = match self.changes.binary_search_by_key(&name, |(place, _)| *place) {
            Ok(at) => self.changes[at].1,
            Err(_) => self.numbers[usize::from(name)],
        };
        (slot != ABSENT).then(|| usize::from(slot))
    }

    /// The largest slot of a call, private ones left out.
    pub fn last(&self) -> usize {
        let slots = self.numbers.iter().map(|slot| usize::from(*slot));
        slots.filter(|slot| *slot < PRIVATE).max().unwrap_or(0)
    }

    /// The number of a slot.
    pub fn number(&self, slot: usize) -> u32 {
        match slot.checked_sub(PRIVATE) {
            Some(private) => PRIVATE_BASE + private as u32,
            None => self.base + slot as u32,
        }
    }

    /// The number of a private call of ARM; those are far above the others.
    pub fn private(slot: usize) -> Option<usize> {
        slot.checked_sub(PRIVATE)
    }

    /// s390 makes calls with large numbers through number 0, and leaves it at
    /// that where the kernel does not know the large number.
    pub fn multiplexes_zero(&self) -> bool {
        matches!(self.name, SeccompArch::S390 | SeccompArch::S390x)
    }
}

macro_rules! families {
    ($($(#[$condition:meta])* $family:ident {
        $($arch:ident $table:ident $audit:literal $base:literal
            $($property:ident)* $(=> $changes:ident)?;)*
    })*) => {
        /// The families of this build.
        static FAMILIES: &[&Family] = &[$(
            $(#[$condition])*
            {
                use super::tables::$family::{BEHIND, COUNT, MULTIPLEXERS, NAMES};
                static OFFSETS: [u16; words::steps(COUNT)] = words::offsets(NAMES);
                &Family {
                    names: NAMES,
                    offsets: &OFFSETS,
                    behind: &BEHIND,
                    multiplexers: MULTIPLEXERS,
                    arches: &[$(Arch {
                        name: SeccompArch::$arch,
                        audit: $audit,
                        base: $base,
                        numbers: &super::tables::$family::$table,
                        $($property: true,)*
                        $(changes: &super::tables::$family::$changes,)?
                        ..DEFAULT
                    }),*],
                }
            },
        )*];
    };
}

/// 32 bits, little-endian, every call with a number of its own.
#[cfg_attr(target_arch = "sparc64", allow(dead_code))] // As above.
const DEFAULT: Arch = Arch {
    name: SeccompArch::Arm,
    audit: 0,
    base: 0,
    wide: false,
    big_endian: false,
    multiplexed: false,
    numbers: &[],
    changes: &[],
};

families! {
    #[cfg(any(test, feature = "reference", target_arch = "x86_64", target_arch = "x86"))]
    x86 {
        X86_64 X86_64 0xc000_003e 0 wide;
        X32 X86_64 0xc000_003e 0x4000_0000 => X32;
        X86 X86 0x4000_0003 0 multiplexed;
    }
    #[cfg(any(test, feature = "reference", target_arch = "aarch64", target_arch = "arm"))]
    arm {
        Aarch64 AARCH64 0xc000_00b7 0 wide;
        Arm ARM 0x4000_0028 0;
    }
    #[cfg(any(test, feature = "reference", target_arch = "powerpc64", target_arch = "powerpc"))]
    powerpc {
        Ppc64le PPC64 0xc000_0015 0 wide multiplexed;
        Ppc64 PPC64 0x8000_0015 0 wide big_endian multiplexed;
        Ppc PPC 0x14 0 big_endian multiplexed;
    }
    #[cfg(any(test, feature = "reference", target_arch = "riscv64"))]
    riscv {
        Riscv64 RISCV64 0xc000_00f3 0 wide;
    }
    #[cfg(any(test, feature = "reference", target_arch = "loongarch64"))]
    loongarch {
        Loongarch64 LOONGARCH64 0xc000_0102 0 wide;
    }
    #[cfg(any(test, feature = "reference", target_arch = "s390x"))]
    s390 {
        S390x S390X 0x8000_0016 0 wide big_endian multiplexed;
        S390 S390 0x16 0 big_endian multiplexed;
    }
    #[cfg(any(test, feature = "reference", target_arch = "mips", target_arch = "mips64"))]
    mips {
        Mips O32 0x8 4000 big_endian multiplexed;
        Mips64 N64 0x8000_0008 5000 wide big_endian;
        Mips64n32 N32 0xa000_0008 6000 big_endian;
        Mipsel O32 0x4000_0008 4000 multiplexed;
        Mipsel64 N64 0xc000_0008 5000 wide;
        Mipsel64n32 N32 0xe000_0008 6000;
    }
    #[cfg(any(test, feature = "reference", target_arch = "m68k"))]
    m68k {
        M68k M68K 0x4 0 big_endian multiplexed;
    }
    #[cfg(any(test, feature = "reference"))]
    parisc {
        Parisc64 PARISC64 0x8000_000f 0 wide big_endian;
        Parisc PARISC 0xf 0 big_endian;
    }
    #[cfg(any(test, feature = "reference"))]
    sh {
        Sheb SH 0x2a 0 big_endian multiplexed;
        Sh SH 0x4000_002a 0 multiplexed;
    }
}

/// The architecture that this program is built for; `None` where the kernel
/// has no filters (sparc64: no `HAVE_ARCH_SECCOMP_FILTER` in its Kconfig).
pub const NATIVE: Option<SeccompArch> = {
    let big = cfg!(target_endian = "big");
    if cfg!(target_arch = "x86_64") {
        Some(SeccompArch::X86_64)
    } else if cfg!(target_arch = "x86") {
        Some(SeccompArch::X86)
    } else if cfg!(target_arch = "aarch64") {
        Some(SeccompArch::Aarch64)
    } else if cfg!(target_arch = "arm") {
        Some(SeccompArch::Arm)
    } else if cfg!(target_arch = "powerpc64") {
        Some(if big { SeccompArch::Ppc64 } else { SeccompArch::Ppc64le })
    } else if cfg!(target_arch = "powerpc") {
        Some(SeccompArch::Ppc)
    } else if cfg!(target_arch = "riscv64") {
        Some(SeccompArch::Riscv64)
    } else if cfg!(target_arch = "loongarch64") {
        Some(SeccompArch::Loongarch64)
    } else if cfg!(target_arch = "s390x") {
        Some(SeccompArch::S390x)
    } else if cfg!(target_arch = "mips64") {
        Some(if big { SeccompArch::Mips64 } else { SeccompArch::Mipsel64 })
    } else if cfg!(target_arch = "mips") {
        Some(if big { SeccompArch::Mips } else { SeccompArch::Mipsel })
    } else if cfg!(target_arch = "m68k") {
        Some(SeccompArch::M68k)
    } else {
        None
    }
};
