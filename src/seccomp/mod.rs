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

use crate::error::Result;
use crate::spec::{Seccomp, SeccompArch};
use crate::sys::seccomp::Instruction;

pub mod action;
mod load;
pub mod notify;

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
    pub warnings: Vec<String>,
}

/// Compiles a profile for the machine that this program is built for.
///
/// # Errors
/// What the profile asks for and cannot get.
pub fn compile(profile: &Seccomp<'_>) -> Result<Filter> {
    compile_for(profile, SeccompArch::X86_64)
}

/// Compiles a profile for a machine whose own architecture is `native`.
///
/// # Errors
/// As [`compile`]; also an architecture that this build has no table for.
pub fn compile_for(_profile: &Seccomp<'_>, _native: SeccompArch) -> Result<Filter> {
    Err(crate::error!("seccomp: not compiled yet"))
}
