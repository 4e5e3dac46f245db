//! `pack`: a bundle as a bootable initramfs.

use crate::command::{Command, Flag, Invocation};
use crate::error::{Error, Result};
use crate::number;
use crate::pack::{Request, pack};

/// The declaration.
pub static COMMAND: Command = Command {
    text: "pack\n\
        make an initramfs of a bundle\n\
        The archive has this program, or another one given with --init, as /init and\n\
        /bin/ocinit, and the bundle in /bundle. It takes neither root nor other\n\
        programs. The same input gives the same bytes; the time of all files is\n\
        $SOURCE_DATE_EPOCH, or 1970.",
    flags: &[
        Flag("bundle DIR, -b: the bundle's directory (default: the current directory)"),
        Flag("output FILE, -o: write it to this file (default: stdout)"),
        Flag("format FORMAT: `cpio.gz` or `cpio` (default: cpio.gz)"),
        Flag("init FILE: the program that the kernel starts, for another machine"),
        Flag("config FILE: settings of the init, as /etc/ocinit.json"),
    ],
    min: 0,
    max: 0,
    verbatim: false,
    failure: 1,
    run,
};

fn run(invocation: &Invocation) -> Result<u8> {
    let gzip = match invocation.value("format") {
        None | Some("cpio.gz") => true,
        Some("cpio") => false,
        Some(other) => {
            return Err(Error::about_quoted("invalid format {}: cpio.gz or cpio", other));
        }
    };
    let time = match invocation.variable("SOURCE_DATE_EPOCH") {
        None | Some("") => 0,
        Some(text) => number::unsigned(text).ok_or_else(|| {
            Error::about_quoted(
                "SOURCE_DATE_EPOCH: {} is no number of seconds that an archive can hold",
                text,
            )
        })?,
    };
    let request = Request {
        bundle: invocation.value("bundle").unwrap_or("."),
        output: invocation.value("output"),
        gzip,
        init: invocation.value("init"),
        config: invocation.value("config"),
        time,
    };
    pack(&request, &invocation.log)?;
    Ok(0)
}
