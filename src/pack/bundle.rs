//! What is known of a bundle before it is packed: whether its container could
//! be made at all, and what would surprise on the board.

use crate::act::bundle::{bundle_directory, check_rootfs, read_config};
use crate::error::{Error, Result};
use crate::json::Document;
use crate::log::Log;
use crate::named;
use crate::plan::mounts::absolute;
use crate::process::program::Program;
use crate::quote::quoted;
use crate::rootfs::path::{FdPath, open_in};
use crate::spec::Spec;
use crate::sys::fd::AsFd;
use crate::text;
use core::ffi::CStr;
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};

/// Reads the configuration and looks for the root file system and the program;
/// the bundle's directory. `init` is the program that starts the board.
///
/// # Errors
/// Those that `run` gives for it; and a root file system outside of the bundle.
pub fn check(path: &str, init: BorrowedFd<'_>, log: &Log) -> Result<&'static str> {
    let bundle = bundle_directory(path)?;
    let text = read_config(text::about("{}/config.json", bundle))?;
    let document = Document::parse(text, "config.json")?;
    let spec = Spec::read(&document)?;
    let rootfs = check_rootfs(spec, bundle)?;
    let inside = rootfs.strip_prefix(bundle).is_some_and(|rest| rest.starts_with('/'));
    let relative = spec.root.as_ref().is_some_and(|root| !root.path.starts_with('/'));
    if !inside || !relative {
        let error = Error::about_quoted("root.path: {} is not packed with the bundle", rootfs);
        return Err(error.hint("make it a directory in the bundle, and a relative path to it"));
    }
    match program(spec, rootfs) {
        Found::Here(file) => {
            if let (Some(init), Some(program)) = (machine(init), machine(file.as_fd()))
                && init != program
            {
                log.warning(format_args!(
                    "process.args: the program is for another machine ({program}) than the init \
                     ({init}): numbers of elf.h"
                ));
            }
        }
        Found::Nowhere(name) => log.warning(format_args!(
            "process.args: exec: {}: executable file not found in the root file system",
            quoted(name)
        )),
        Found::Elsewhere => {}
    }
    Ok(bundle)
}

/// Where the program is.
enum Found<'a> {
    Here(OwnedFd),
    /// It has this name.
    Nowhere(&'a str),
    /// A mount or the working directory may bring it.
    Elsewhere,
}

fn program<'a>(spec: &Spec<'a>, rootfs: &str) -> Found<'a> {
    let Some(process) = &spec.process else { return Found::Elsewhere };
    let Some(program) = Program::new(&process.args, &process.env) else { return Found::Elsewhere };
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let Ok(root) = named::open(rootfs, flags) else { return Found::Elsewhere };
    let here = |path: &&CStr| open_in(root.as_fd(), path).ok();
    if let Some(file) = program.candidates.iter().find_map(here) {
        return Found::Here(file);
    }
    let below = |point: &str, path: &str| {
        let point = absolute("/", point);
        path.strip_prefix(point).is_some_and(|rest| rest.starts_with('/'))
    };
    let elsewhere = |path: &str| {
        !path.starts_with('/') || spec.mounts.iter().any(|mount| below(mount.destination, path))
    };
    let mut paths = program.candidates.iter().filter_map(|path| path.to_str().ok());
    match process.args.first() {
        Some(name) if !paths.any(elsewhere) => Found::Nowhere(name),
        _ => Found::Elsewhere,
    }
}

/// The number of the machine that an ELF file is for, read where the file says
/// in which order its bytes are (elf(5)).
fn machine(file: BorrowedFd<'_>) -> Option<u32> {
    let file = openat(CWD, FdPath::new(file).as_c_str(), READ, Mode::empty()).ok()?;
    let mut head = [0; 20];
    let read = rustix::io::read(&file, &mut head).ok()?;
    let big = head[5] == 2;
    let number = [head[18], head[19]];
    let number = if big { u16::from_be_bytes(number) } else { u16::from_le_bytes(number) };
    (read == head.len() && head.starts_with(b"\x7fELF")).then_some(number.into())
}

const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
