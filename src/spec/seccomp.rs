//! `linux.seccomp`: the system call filter.

use alloc::vec::Vec;

use crate::closed_set;
use crate::json::Node;

/// `linux.seccomp`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seccomp<'a> {
    /// For calls that no rule matches.
    pub default_action: SeccompAction,
    /// The errno (or the tracer's message) of the default action; unset is
    /// EPERM.
    pub default_errno: Option<u32>,
    /// Architectures whose calls are filtered besides the native one.
    pub architectures: Vec<SeccompArch>,
    /// SECCOMP_FILTER_FLAG_* bits; unset leaves the choice to the runtime.
    pub flags: Option<u32>,
    /// The socket that gets the notification fd.
    pub listener_path: Option<&'a str>,
    /// What is sent along with it.
    pub listener_metadata: Option<&'a str>,
    /// The rules, in order.
    pub syscalls: Vec<SeccompRule<'a>>,
}

/// One entry of `linux.seccomp.syscalls`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeccompRule<'a> {
    /// The calls, at least one; names unknown here are to be skipped.
    pub names: Vec<&'a str>,
    /// What happens.
    pub action: SeccompAction,
    /// The errno, or the tracer's message; unset is EPERM.
    pub errno: Option<u32>,
    /// Conditions, all of which must hold.
    pub args: Vec<SeccompArgument>,
}

/// One condition on an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeccompArgument {
    /// Which argument, 0 to 5.
    pub index: u32,
    /// The value; the mask where the operator is `MaskedEqual`.
    pub value: u64,
    /// The value behind the mask where the operator is `MaskedEqual`.
    pub value_two: u64,
    /// The comparison.
    pub operator: SeccompOperator,
}

closed_set! {
    /// What happens to a call.
    pub enum SeccompAction {
        /// It is made.
        Allow = "SCMP_ACT_ALLOW",
        /// It fails with the errno.
        Errno = "SCMP_ACT_ERRNO",
        /// The same as `KillThread`.
        Kill = "SCMP_ACT_KILL",
        /// The process dies of SIGSYS.
        KillProcess = "SCMP_ACT_KILL_PROCESS",
        /// The thread dies.
        KillThread = "SCMP_ACT_KILL_THREAD",
        /// It is made, and logged.
        Log = "SCMP_ACT_LOG",
        /// The listener decides.
        Notify = "SCMP_ACT_NOTIFY",
        /// The tracer decides.
        Trace = "SCMP_ACT_TRACE",
        /// SIGSYS.
        Trap = "SCMP_ACT_TRAP",
    }
}

impl SeccompAction {
    /// Whether `errnoRet` means something to it.
    pub fn takes_errno(self) -> bool {
        matches!(self, SeccompAction::Errno | SeccompAction::Trace)
    }
}

closed_set! {
    /// The comparisons.
    pub enum SeccompOperator {
        /// `argument == value`.
        Equal = "SCMP_CMP_EQ",
        /// `argument >= value`.
        GreaterEqual = "SCMP_CMP_GE",
        /// `argument > value`.
        Greater = "SCMP_CMP_GT",
        /// `argument <= value`.
        LessEqual = "SCMP_CMP_LE",
        /// `argument < value`.
        Less = "SCMP_CMP_LT",
        /// `argument & value == value_two`.
        MaskedEqual = "SCMP_CMP_MASKED_EQ",
        /// `argument != value`.
        NotEqual = "SCMP_CMP_NE",
    }
}

closed_set! {
    /// The architectures that the specification names.
    #[allow(missing_docs)]
    pub enum SeccompArch {
        Aarch64 = "SCMP_ARCH_AARCH64",
        Arm = "SCMP_ARCH_ARM",
        Loongarch64 = "SCMP_ARCH_LOONGARCH64",
        M68k = "SCMP_ARCH_M68K",
        Mips = "SCMP_ARCH_MIPS",
        Mips64 = "SCMP_ARCH_MIPS64",
        Mips64n32 = "SCMP_ARCH_MIPS64N32",
        Mipsel = "SCMP_ARCH_MIPSEL",
        Mipsel64 = "SCMP_ARCH_MIPSEL64",
        Mipsel64n32 = "SCMP_ARCH_MIPSEL64N32",
        Parisc = "SCMP_ARCH_PARISC",
        Parisc64 = "SCMP_ARCH_PARISC64",
        Ppc = "SCMP_ARCH_PPC",
        Ppc64 = "SCMP_ARCH_PPC64",
        Ppc64le = "SCMP_ARCH_PPC64LE",
        Riscv64 = "SCMP_ARCH_RISCV64",
        S390 = "SCMP_ARCH_S390",
        S390x = "SCMP_ARCH_S390X",
        Sh = "SCMP_ARCH_SH",
        Sheb = "SCMP_ARCH_SHEB",
        X32 = "SCMP_ARCH_X32",
        X86 = "SCMP_ARCH_X86",
        X86_64 = "SCMP_ARCH_X86_64",
    }
}

impl<'a> Seccomp<'a> {
    /// The names of the flags, each followed by a space.
    pub const FLAGS: &'static str = concat!(
        "SECCOMP_FILTER_FLAG_TSYNC SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW ",
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ",
    );
    /// Reads a filter without the rules of `validate`.
    #[inline(never)]
    pub fn parse(node: &Node<'a, '_>) -> Self {
        let mut filter = Seccomp {
            default_action: SeccompAction::required(node, "defaultAction"),
            default_errno: node.u32("defaultErrnoRet"),
            architectures: Vec::new(),
            flags: None,
            listener_path: node.text("listenerPath"),
            listener_metadata: node.text("listenerMetadata"),
            syscalls: Vec::new(),
        };
        node.each_item("architectures", &mut |node| {
            filter.architectures.extend(node.word(SeccompArch::NAMES).map(SeccompArch::at));
        });
        if node.get("flags").is_some() {
            // The numbers of include/uapi/linux/seccomp.h; 3 and 4 in between
            // are not for users.
            let bits = node.bits("flags", Self::FLAGS);
            filter.flags = Some(bits & 0b111 | (bits & 0b1000) << 2);
        }
        node.list("syscalls", &mut filter.syscalls, SeccompRule::parse);
        filter
    }
}

impl<'a> SeccompRule<'a> {
    fn parse(node: &Node<'a, '_>) -> Self {
        let mut rule = SeccompRule {
            names: Vec::new(),
            action: SeccompAction::required(node, "action"),
            errno: node.u32("errnoRet"),
            args: Vec::new(),
        };
        node.strings("names", &mut rule.names);
        node.list("args", &mut rule.args, SeccompArgument::parse);
        rule
    }
}

impl SeccompArgument {
    fn parse(node: &Node<'_, '_>) -> Self {
        SeccompArgument {
            index: node.required_u32("index"),
            value: node.required_u64("value"),
            value_two: node.u64("valueTwo").unwrap_or(0),
            operator: SeccompOperator::required(node, "op"),
        }
    }
}
