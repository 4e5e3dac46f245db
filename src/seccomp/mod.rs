//! The system call filter: from `linux.seccomp` of the configuration to a
//! program of classic BPF, and into the kernel.
//!
//! The meaning of a profile is that of runc with libseccomp, since that is what
//! profiles are tested with; `rules` says it in detail. The code is our own:
//! runs of numbers with one answer become ranges, the ranges leaves of a search
//! tree in which wide ranges are near the root, and calls that are allowed
//! whatever their arguments never look at an argument, so that the kernel's
//! cache of such calls (Linux 5.11) holds them all.
//!
//! Compiling is pure and happens before the clone. [`Filter::load`] runs in the
//! child and allocates nothing.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Error, Result};
use crate::spec::{Seccomp, SeccompAction, SeccompArch, SeccompRule};
use crate::sys::seccomp::{Instruction, NEW_LISTENER};

pub mod action;
mod arch;
mod condition;
mod generate;
mod load;
pub mod notify;
mod program;
#[cfg(any(test, feature = "reference"))]
pub mod reference;
mod rules;
mod tables;

use arch::{Arch, Family, NATIVE};
use program::{Label, Program};
use rules::{Answer, Meaning};

/// `BPF_MAXINSNS` of include/uapi/linux/bpf_common.h.
const MAX_INSTRUCTIONS: usize = 4096;
/// `SECCOMP_FILTER_FLAG_*` of include/uapi/linux/seccomp.h.
const TSYNC: u32 = 1;
const SPEC_ALLOW: u32 = 1 << 2;
const WAIT_KILLABLE_RECV: u32 = 1 << 5;
/// What begins the warning about names.
const UNKNOWN: &str = "seccomp: unknown system calls are ignored: ";

/// A compiled profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The program.
    pub instructions: Vec<Instruction>,
    /// `SECCOMP_FILTER_FLAG_*` for seccomp(2).
    pub flags: u32,
    /// Some rule asks a listener: [`Filter::load`] gives its descriptor.
    pub listener: bool,
    /// What the profile says and this machine does not know; for the log.
    pub warnings: Vec<&'static str>,
}

/// Compiles a profile for the machine that this program is built for.
///
/// # Errors
/// What the profile asks for and cannot get; a machine whose kernel has no
/// filters.
pub fn compile(profile: &Seccomp<'_>) -> Result<Filter> {
    match NATIVE {
        Some(native) => compile_for(profile, native),
        None => {
            Err(Error::new("seccomp: the kernel has no system call filters on this architecture")
                .hint("remove linux.seccomp from the configuration"))
        }
    }
}

/// Compiles a profile for a machine whose own architecture is `native`.
///
/// # Errors
/// As [`compile`]; also an architecture that this build has no table for.
pub fn compile_for(profile: &Seccomp<'_>, native: SeccompArch) -> Result<Filter> {
    let family = Family::of(native)
        .ok_or_else(|| refusal("seccomp: no system call table for this architecture"))?;
    let listener = uses_listener(profile)?;
    if profile.syscalls.iter().flat_map(|rule| &rule.args).any(|arg| arg.index > 5) {
        return Err(refusal("seccomp: a system call has arguments 0 to 5"));
    }
    let mut unknown = String::new();
    let names = rules::resolve(profile, family, &mut |name| {
        unknown.push_str(if unknown.is_empty() { UNKNOWN } else { " " });
        unknown.push_str(name);
    });

    let default = action::value(profile.default_action, profile.default_errno);
    let wanted = |arch: &Arch| arch.name == native || profile.architectures.contains(&arch.name);
    let mut program = Program::with_capacity(512);
    let mut parts: Vec<(u32, Label)> = Vec::with_capacity(family.arches.len());
    // The part written last is the nearest: that of the first architecture.
    for group in family.arches.chunk_by(|a, b| a.audit == b.audit).rev() {
        let mut meaning = Meaning::default();
        let mut some = false;
        for arch in group {
            if wanted(arch) {
                some = true;
                meaning.add(profile, &names, family, arch)?;
            } else {
                meaning.push(arch.base, 0, Answer::Return(action::KILL_THREAD));
            }
        }
        if some {
            let arch = &group[0];
            parts.push((arch.audit, generate::calls(&mut program, &meaning, arch, default)));
        }
    }
    generate::dispatch(&mut program, &parts);
    let instructions = program.finish();
    if instructions.len() > MAX_INSTRUCTIONS {
        return Err(crate::error!(
            "seccomp: the filter has {} instructions, of which the kernel takes {MAX_INSTRUCTIONS}",
            instructions.len()
        )
        .hint("fewer rules with args make it shorter"));
    }
    let mut warnings = Vec::new();
    if !unknown.is_empty() {
        warnings.push(&*unknown.leak());
    }
    Ok(Filter { instructions, flags: flags(profile, listener), listener, warnings })
}

/// An error of the profile's.
#[cold]
#[inline(never)]
fn refusal(what: &'static str) -> Error {
    Error::new(what)
}

/// Whether a rule asks a listener. As in runc neither write(2) nor all else may
/// do so, since the descriptor could not be handed over then.
fn uses_listener(profile: &Seccomp<'_>) -> Result<bool> {
    if profile.default_action == SeccompAction::Notify {
        return Err(refusal("SCMP_ACT_NOTIFY cannot be used as default action"));
    }
    let notify = |rule: &&SeccompRule<'_>| rule.action == SeccompAction::Notify;
    let mut rules = profile.syscalls.iter().filter(notify).peekable();
    let listener = rules.peek().is_some();
    // The descriptor is handed over by sendmsg(2), and runc's profiles know that
    // write(2) is impossible.
    for rule in rules {
        if rule.names.contains(&"write") {
            return Err(refusal("SCMP_ACT_NOTIFY cannot be used for the write syscall"));
        }
        if rule.names.contains(&"sendmsg") {
            return Err(refusal("SCMP_ACT_NOTIFY cannot be used for the sendmsg syscall"));
        }
    }
    Ok(listener)
}

/// The flags for seccomp(2). Unset ones are SPEC_ALLOW, as in runc; TSYNC says
/// nothing where there is one thread; WAIT_KILLABLE_RECV needs a listener.
fn flags(profile: &Seccomp<'_>, listener: bool) -> u32 {
    let asked = profile.flags.unwrap_or(SPEC_ALLOW) & !TSYNC;
    if listener { asked | NEW_LISTENER } else { asked & !WAIT_KILLABLE_RECV }
}

#[cfg(test)]
mod tests;
