//! `check`: what this machine can do, and what of a bundle would fail here.

use crate::act::preview::{preview, readable};
use crate::check::{Report, bundle, machine};
use crate::command::create::{CONFIG, NO_PIVOT};
use crate::command::output::print;
use crate::command::plan::{JSON, options};
use crate::command::{Command, Flag, Invocation};
use crate::error::Result;
use crate::sys::exec::Strings;
use rustix::process::geteuid;
use rustix::thread::capabilities;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "check [container-id]\n\
        show what this machine can do, and what of a bundle would fail\n\
        Nothing is changed. With --bundle, every operation of its plan that would fail\n\
        for the user who asks is listed, with the reason and what is missing. The exit\n\
        status is 0 when nothing would fail, else 1.",
    flags: &[
        Flag("bundle DIR, -b: look at the bundle in this directory, too"),
        CONFIG,
        JSON,
        NO_PIVOT,
    ],
    min: 0,
    max: 1,
    verbatim: false,
    failure: 1,
    run,
};

fn run(invocation: &Invocation) -> Result<u8> {
    let mut report = Report::default();
    let environment = Strings::new(invocation.environment);
    let permitted = capabilities(None).map_or(0, |sets| sets.permitted.bits());
    machine(&mut report, &environment, geteuid().as_raw(), permitted);
    let asked = invocation.text("bundle").or(invocation.text("config"));
    if asked.is_some() {
        match preview(invocation, &options(invocation)?) {
            Ok(preview) => bundle(&mut report, &preview, &environment),
            Err(error) => report.problem(&"plan the container", &error, ""),
        }
    }
    print(&match invocation.flag("json") {
        true => readable(&report.document(), true),
        false => report.table(asked.unwrap_or("machine")),
    })?;
    Ok(u8::from(!report.problems.is_empty()))
}
