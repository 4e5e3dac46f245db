//! `ps`: the processes of a container.

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, waitpid};

use crate::command::flag::MANY;
use crate::command::list::{FORMAT, is_json};
use crate::command::output::print;
use crate::command::{Command, Invocation};
use crate::error;
use crate::error::{Context, Error, Result};
use crate::json::Writer;
use crate::sys::clone::{Side, clone};
use crate::sys::exec::{Strings, execve};

/// The declaration.
pub static COMMAND: Command = Command {
    name: "ps",
    arguments: "<container-id> [ps options]",
    summary: "show the processes of a container",
    description: "The table is that of the host's ps, with these options or -ef, without the\n\
                  processes of others.",
    flags: &[&FORMAT],
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
    let pids = root.container(&id)?.state()?.cgroups.pids()?;
    let text = if json {
        document(&pids)
    } else {
        let given = &invocation.positionals()[1..];
        let options = if given.is_empty() { &[c"-ef"] } else { given };
        let path = invocation.variable("PATH").unwrap_or("/usr/bin:/bin");
        filter(&host_table(path, options, invocation.environment)?, &pids)?
    };
    print(&text)?;
    Ok(0)
}

fn document(pids: &[i32]) -> String {
    let mut out = Writer::compact();
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
    let Some(column) = header.split_whitespace().position(|name| name == "PID") else {
        return Err(Error::new("couldn't find PID field in ps output"));
    };
    let mut text = String::from(header);
    text.push('\n');
    for line in lines {
        let Some(field) = line.split_whitespace().nth(column) else { continue };
        let pid: i32 =
            field.parse().map_err(|_| error!("unexpected pid '{field}' in ps output"))?;
        if pids.contains(&pid) {
            text.push_str(line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// The output of the host's ps.
fn host_table(
    path: &str,
    options: &[&'static CStr],
    environment: &[&'static CStr],
) -> Result<String> {
    let owned = |strings: &[&CStr]| strings.iter().map(|string| CString::from(*string)).collect();
    let mut arguments: Vec<CString> = owned(options);
    arguments.insert(0, c"ps".into());
    let (arguments, environment) = (Strings::new(arguments), Strings::new(owned(environment)));
    let programs: Vec<CString> = path
        .split(':')
        .filter(|directory| directory.starts_with('/'))
        .filter_map(|directory| CString::new(alloc::format!("{directory}/ps")).ok())
        .collect();
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).context(|| "create a pipe for ps")?;
    match clone(0, None).context(|| "create a process for ps")? {
        Side::Child => {
            if crate::sys::descriptor::become_stdio(writer.as_fd(), 1).is_ok() {
                for program in &programs {
                    let _ = execve(program, &arguments, &environment);
                }
            }
            crate::sys::exit(NOT_FOUND)
        }
        Side::Parent(pid) => {
            drop(writer);
            let output = read_all(&reader);
            finish(pid)?;
            let output = output.context(|| "read from ps")?;
            Ok(String::from_utf8_lossy(&output).into_owned())
        }
    }
}

/// The shell's status of a program that does not exist.
const NOT_FOUND: u8 = 127;

fn finish(pid: Pid) -> Result<()> {
    let status = loop {
        match waitpid(Some(pid), WaitOptions::empty()) {
            Ok(Some((_, status))) => break status.exit_status(),
            Ok(None) | Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::os("wait for ps", errno)),
        }
    };
    match status {
        Some(0) => Ok(()),
        Some(status) if status == i32::from(NOT_FOUND) => {
            Err(Error::new("no ps in $PATH").hint("`ps --format json` needs none"))
        }
        _ => Err(Error::new("ps failed")),
    }
}

fn read_all(from: &OwnedFd) -> core::result::Result<Vec<u8>, Errno> {
    let mut bytes = Vec::with_capacity(16 << 10);
    loop {
        match rustix::io::read(from, rustix::buffer::spare_capacity(&mut bytes)) {
            Ok(0) => return Ok(bytes),
            Ok(_) => bytes.reserve(4096),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
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
        assert_eq!(document(&[]), "[]\n");
        assert_eq!(document(&[1, 23]), "[1,23]\n");
    }
}
