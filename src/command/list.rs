//! `list`: all containers below the root.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;

use crate::command::output::print;
use crate::command::state::Entry;
use crate::command::{Command, Flag, Invocation};
use crate::container::Root;
use crate::error::{Error, Result};
use crate::json::Writer;
use crate::text;

/// `table` or `json`.
pub const FORMAT: Flag = Flag("format FORMAT, -f: table or json (default: table)");

/// The declaration.
pub static COMMAND: Command = Command {
    text: "list\n\
        list the containers below --root",
    flags: &[FORMAT, Flag("quiet, -q: show nothing but ids")],
    min: 0,
    max: 0,
    verbatim: false,
    failure: 1,
    run,
};

/// Whether `--format` asks for JSON.
///
/// # Errors
/// It asks for something else than a table or JSON.
pub fn is_json(invocation: &Invocation) -> Result<bool> {
    match invocation.value("format") {
        None | Some("table") => Ok(false),
        Some("json") => Ok(true),
        Some(_) => Err(Error::new("invalid format option")),
    }
}

fn run(invocation: &Invocation) -> Result<u8> {
    let json = is_json(invocation)?;
    let globals = &invocation.globals;
    let root = Root::open(globals.root)?;
    if root.is_none() && globals.root_given {
        return Err(Error::about("state directory \"{}\" does not exist", globals.root));
    }
    let ids = &*root.as_ref().map(Root::ids).transpose()?.unwrap_or_default().leak();
    if invocation.flag("quiet") {
        let lines: String = ids.iter().flat_map(|id| [id.as_str(), "\n"]).collect();
        print(lines.leak())?;
        return Ok(0);
    }
    let mut entries = Vec::with_capacity(ids.len());
    let mut result = Ok(0);
    for id in ids {
        match root.as_ref().map(|root| Entry::glance(root, id)) {
            Some(Ok(entry)) => entries.push(entry),
            // The others are shown all the same.
            Some(Err(error)) if error.errno.is_some() => result = Err(error),
            // Deleted since the directory was read, or somebody else's.
            Some(Err(error)) => invocation.log.debug(format_args!("list {id}: {error}")),
            None => {}
        }
    }
    let users = if entries.is_empty() { Vec::new() } else { read_users() };
    let users = Users::new(core::str::from_utf8(users.leak()).unwrap_or_default());
    let entries = &*entries.leak();
    print((if json { document(entries, &users) } else { table(entries, &users) }).leak())?;
    result
}

/// A line of JSON; `null` when there is no container, as Go writes a nil slice.
fn document(entries: &[Entry], users: &Users<'_>) -> String {
    if entries.is_empty() {
        return String::from("null\n");
    }
    let mut out = Writer::new();
    out.open_array();
    for entry in entries {
        entry.write(&mut out, users.name(entry.owner));
    }
    out.close();
    let mut text = out.finish();
    text.push('\n');
    text
}

/// Columns as Go's text/tabwriter lays them out for runc: three blanks between
/// them, and at least twelve characters each.
fn table(entries: &[Entry], users: &Users<'_>) -> String {
    let details: Vec<[&str; 2]> =
        entries.iter().map(|entry| [text!("{}", entry.pid()), users.name(entry.owner)]).collect();
    let mut rows = Vec::with_capacity(entries.len() + 1);
    rows.push(["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]);
    for (entry, [pid, owner]) in entries.iter().zip(&details) {
        let (id, status) = (entry.id.as_str(), entry.status.name());
        rows.push([id, pid, status, entry.bundle(), entry.created(), owner]);
    }
    let mut widths = [12; 6];
    for row in &rows {
        for (cell, width) in row.iter().zip(&mut widths) {
            *width = usize::max(*width, cell.chars().count() + 3);
        }
    }
    widths[5] = 0;
    let mut text = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(widths) {
            text.push_str(cell);
            for _ in cell.chars().count()..width {
                text.push(' ');
            }
        }
        text.push('\n');
    }
    text
}

/// /etc/passwd; nothing when it cannot be read.
fn read_users() -> Vec<u8> {
    use rustix::fs::{Mode, OFlags};
    let mut text = Vec::with_capacity(4096);
    if let Ok(file) =
        rustix::fs::open(c"/etc/passwd", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    {
        while let Ok(1..) = rustix::io::read(&file, rustix::buffer::spare_capacity(&mut text)) {
            text.reserve(4096);
        }
    }
    text
}

/// The names in the text of /etc/passwd.
struct Users<'t> {
    text: &'t str,
    /// The one that was asked for last: nearly always it is the next one too.
    last: Cell<Option<(u32, &'t str)>>,
}

impl<'t> Users<'t> {
    fn new(text: &'t str) -> Users<'t> {
        Users { text, last: Cell::new(None) }
    }

    /// The name of user `uid`; `#UID` when it has none.
    fn name(&self, uid: u32) -> &'t str {
        if let Some((_, name)) = self.last.get().filter(|(last, _)| *last == uid) {
            return name;
        }
        let number = text!("{uid}");
        let name = self.text.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == number).then_some(name)
        });
        let name = name.unwrap_or_else(|| text!("#{uid}"));
        self.last.set(Some((uid, name)));
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Status, sample_state};

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\nbroken\njo:x:1000:1000::/:\n";

    #[test]
    fn owners() {
        let users = Users::new(USERS);
        for (uid, expect) in [(0, "root"), (1000, "jo"), (1, "#1"), (1, "#1"), (0, "root")] {
            assert_eq!(users.name(uid), expect);
        }
    }

    #[test]
    fn tables() {
        let header = "ID          PID         STATUS      BUNDLE      CREATED     OWNER\n";
        assert_eq!(table(&[], &Users::new(USERS)), header);
        let entries = [
            Entry::sample("web", Some(sample_state()), Status::Running),
            Entry::sample("a-rather-long-id", None, Status::Stopped),
        ];
        let expect = "\
ID                 PID         STATUS      BUNDLE      CREATED                  OWNER
web                4711        running     /b          2024-02-29T12:00:00.5Z   root
a-rather-long-id   0           stopped                 0001-01-01T00:00:00Z     root
";
        assert_eq!(table(&entries, &Users::new(USERS)), expect);
    }

    #[test]
    fn documents() {
        assert_eq!(document(&[], &Users::new(USERS)), "null\n");
        let entries = [Entry::sample("web", None, Status::Stopped)];
        assert_eq!(
            document(&entries, &Users::new(USERS)),
            "[{\"ociVersion\":\"1.3.0\",\"id\":\"web\",\"pid\":0,\"status\":\"stopped\",\
             \"bundle\":\"\",\"rootfs\":\"\",\"created\":\"0001-01-01T00:00:00Z\",\
             \"owner\":\"root\"}]\n"
        );
    }
}
