//! `ps`: the processes of a container.

use alloc::string::String;
use core::ffi::CStr;

use crate::command::flag::MANY;
use crate::command::list::{FORMAT, is_json};
use crate::command::output::print;
use crate::command::{Command, Invocation};
use crate::container::process::Process;
use crate::error;
use crate::error::{Error, Result};
use crate::json::Writer;
use crate::number;
use crate::process::spawn::run_and_read;
use crate::sys::exec::Strings;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "ps <container-id> [ps options]\n\
        show the processes of a container\n\
        The table is that of the host's ps, with these options or -ef, without the\n\
        processes of others.",
    flags: &[FORMAT],
    min: 1,
    max: MANY,
    verbatim: true,
    failure: 1,
    run,
};

fn run(invocation: &Invocation) -> Result<u8> {
    let json = is_json(invocation)?;
    let id = invocation.id()?;
    let root = invocation.root()?;
    let directory = root.container(&id)?;
    let state = directory.state()?;
    if state.cgroups.groups.is_empty() && Process::is_alive(state.pid, state.start_time)? {
        return Err(Error::new("the container has no cgroup that knows its processes"));
    }
    let pids = state.cgroups.pids()?;
    let text = if json {
        document(&pids)
    } else {
        let given = invocation.positionals().get(1..).unwrap_or_default();
        let options = if given.is_empty() { &[c"-ef"] } else { given };
        filter(host_table(options, invocation.environment)?, &pids)?
    };
    print(&text)?;
    Ok(0)
}

/// A line of JSON; `null` when there is no process, as Go writes a nil slice.
fn document(pids: &[i32]) -> String {
    if pids.is_empty() {
        return String::from("null\n");
    }
    let mut out = Writer::new();
    out.open_array();
    for pid in pids {
        out.number((*pid).into());
    }
    out.close();
    let mut text = out.finish();
    text.push('\n');
    text
}

/// The header and the lines whose column `PID` is one of `pids`.
///
/// # Errors
/// There is no such column, or no number in it.
fn filter(table: &str, pids: &[i32]) -> Result<String> {
    let mut lines = table.lines();
    let header = lines.next().unwrap_or_default();
    let Some(column) = header.split_ascii_whitespace().position(|name| name == "PID") else {
        return Err(Error::new("couldn't find PID field in ps output"));
    };
    let mut text = String::from(header);
    text.push('\n');
    for line in lines {
        let Some(field) = line.split_ascii_whitespace().nth(column) else { continue };
        let pid: i32 = number::signed(field)
            .ok_or_else(|| Error::about("unexpected pid '{}' in ps output", field))?;
        if pids.contains(&pid) {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// The output of the host's ps.
fn host_table(
    options: &[&'static CStr],
    environment: &'static [&'static CStr],
) -> Result<&'static str> {
    let arguments = Strings::new([&[c"ps"], options].concat().leak());
    let environment = Strings::new(environment);
    let (status, output) = run_and_read("ps", &arguments, &environment)
        .map_err(|error| error.hint("`ps --format json` needs no ps"))?;
    match status {
        0 => Ok(output),
        _ => Err(error!("ps: exit status {status}: {}", output.trim_ascii_end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn filtering() {
        let table = "UID  PID PPID CMD\nroot 1 0 init 7\nroot   7 1 sh\nroot 17 1 sh\n\n";
        assert_eq!(filter(table, &[7]).unwrap(), "UID  PID PPID CMD\nroot   7 1 sh\n");
        assert_eq!(filter("PID\n", &[]).unwrap(), "PID\n");
        for (table, expect) in [
            ("UID CMD\n", "couldn't find PID field in ps output"),
            ("", "couldn't find PID field in ps output"),
            ("PID\nx\n", "unexpected pid 'x' in ps output"),
        ] {
            assert_eq!(filter(table, &[1]).unwrap_err().to_string(), expect);
        }
    }

    #[test]
    fn documents() {
        assert_eq!(document(&[]), "null\n");
        assert_eq!(document(&[1, 23]), "[1,23]\n");
    }
}
