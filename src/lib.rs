//! `ocinit`: an OCI container runtime and an init.
//!
//! Parse, plan, act: ARCHITECTURE.md has the map.
#![no_std]
extern crate alloc;
use core::ffi::CStr;

pub mod act;
pub mod cgroup;
pub mod check;
pub mod checkpoint;
pub mod command;
pub mod container;
pub mod cut;
pub mod dbus;
pub mod errno;
pub mod error;
pub mod fault;
pub mod hook;
pub mod init;
pub mod json;
pub mod log;
pub mod mountinfo;
mod named;
pub mod namespace;
pub mod network;
pub mod number;
pub mod pack;
pub mod plan;
pub mod process;
pub mod quote;
pub mod rdt;
pub mod request;
pub mod rootfs;
pub mod seccomp;
pub mod spec;
pub mod sys;
pub mod text;

use alloc::vec::Vec;
use rustix::fd::{AsRawFd, IntoRawFd};
use rustix::fs::{Mode, OFlags};
use rustix::io::fcntl_getfd;

/// The program: what `_start` calls. The value is the exit status.
pub fn main(
    arguments: impl Iterator<Item = &'static CStr>,
    environment: impl Iterator<Item = &'static CStr>,
) -> u8 {
    open_standard_descriptors();
    let arguments: Vec<&'static CStr> = arguments.collect();
    if init::is_meant(rustix::process::getpid().as_raw_pid(), &arguments) {
        init::main();
    }
    let environment: Vec<&'static CStr> = environment.collect();
    command::main(arguments.leak(), environment.leak())
}

/// Makes sure that 0, 1 and 2 are open, so that no file of ours takes their
/// place and gets what is meant for a terminal. Where there is no /dev/null
/// they become a descriptor of / that can be neither read nor written.
fn open_standard_descriptors() {
    let open = |number| sys::descriptor::borrow(number).is_some_and(|fd| fcntl_getfd(fd).is_ok());
    if [0, 1, 2].into_iter().all(open) {
        return;
    }
    loop {
        let file = rustix::fs::open(c"/dev/null", OFlags::RDWR, Mode::empty())
            .or_else(|_| rustix::fs::open(c"/", OFlags::PATH, Mode::empty()));
        match file {
            Ok(file) if file.as_raw_fd() <= 2 => {
                let _ = file.into_raw_fd();
            }
            _ => return,
        }
    }
}
