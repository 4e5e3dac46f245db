//! `ocinit`: an OCI container runtime and an init.
//!
//! Parse, plan, act: ARCHITECTURE.md has the map.
#![no_std]
extern crate alloc;
use core::ffi::CStr;

pub mod errno;
pub mod error;
pub mod json;
pub mod spec;
pub mod sys;

/// The program: what `_start` calls.
pub fn main(
    arguments: impl Iterator<Item = &'static CStr>,
    _environment: impl Iterator<Item = &'static CStr>,
) -> u8 {
    arguments.count() as u8
}
