//! What this machine can do for containers: `ocinit check`.
//!
//! Rules: nothing is changed, so what can be asked without being done is asked,
//! and the rest is `unknown`, never guessed. A problem is what would make the
//! container fail; what the runtime does in another way where a call is missing
//! is none.

mod bundle;
mod cgroups;
mod ids;
mod machine;

use crate::json::Writer;
use crate::named;
use crate::text;
use crate::text::keep;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

pub use bundle::bundle;
pub use machine::{NAMESPACE_OPTIONS, device_program as device_programs, file_system, machine};

/// What was found.
#[derive(Default)]
pub struct Report {
    /// Of the machine.
    pub rows: Vec<Row>,
    /// What would fail.
    pub problems: Vec<Problem>,
}

/// One fact of the machine.
pub struct Row {
    /// What it is about.
    pub section: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// `yes`, `no`, `unknown`, or a value.
    pub answer: &'static str,
    /// What a `no` needs, or more about the value.
    pub note: &'static str,
}

/// One operation that would fail.
pub struct Problem {
    /// The operation.
    pub operation: &'static str,
    /// Why.
    pub reason: &'static str,
    /// The kernel option, the setting or the package that is missing.
    pub hint: &'static str,
}

impl Problem {
    fn is_alike(&self, other: &Problem) -> bool {
        self.reason == other.reason && self.hint == other.hint
    }
}

impl Report {
    /// One more fact.
    #[inline(never)]
    pub fn row(
        &mut self,
        section: &'static str,
        name: &str,
        answer: &dyn fmt::Display,
        note: &dyn fmt::Display,
    ) {
        let (name, answer, note) = (keep(name), text!("{answer}"), text!("{note}"));
        self.rows.push(Row { section, name, answer, note });
    }

    /// A fact that is there or not; only what is not there needs something.
    pub fn fact(&mut self, section: &'static str, name: &str, there: Option<bool>, needs: &str) {
        let (answer, note) = match there {
            Some(true) => ("yes", ""),
            Some(false) => ("no", needs),
            None => ("unknown", needs),
        };
        self.row(section, name, &answer, &note);
    }

    /// One more problem.
    #[inline(never)]
    pub fn problem(&mut self, operation: &dyn fmt::Display, reason: &dyn fmt::Display, hint: &str) {
        self.problems.push(Problem {
            operation: text!("{operation}"),
            reason: text!("{reason}"),
            hint: keep(hint),
        });
    }

    /// The document, in one line.
    pub fn document(&self) -> String {
        let mut out = Writer::new();
        out.open_object();
        out.array_field("machine");
        for row in &self.rows {
            out.open_object();
            out.string_field("section", row.section);
            out.string_field("name", row.name);
            out.string_field("answer", row.answer);
            out.string_field("note", row.note);
            out.close();
        }
        out.close();
        out.array_field("problems");
        for problem in &self.problems {
            out.open_object();
            out.string_field("operation", problem.operation);
            out.string_field("reason", problem.reason);
            out.string_field("hint", problem.hint);
            out.close();
        }
        out.close();
        out.bool_field("runs", self.problems.is_empty());
        out.close();
        out.finish()
    }

    /// The table, and the problems below it.
    pub fn table(&self, what: &str) -> String {
        let width = |of: fn(&Row) -> &'static str| {
            self.rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0)
        };
        let widths = [width(|row| row.name), width(|row| row.answer).min(24)];
        let mut out = String::new();
        let mut section = "";
        for row in &self.rows {
            if section != row.section {
                section = row.section;
                line(&mut out, &[section]);
            }
            out.push_str("  ");
            cell(&mut out, row.name, widths[0]);
            cell(&mut out, row.answer, widths[1]);
            line(&mut out, &[row.note]);
        }
        line(&mut out, &[what]);
        let mut rest = self.problems.iter().peekable();
        while let Some(problem) = rest.next() {
            line(&mut out, &["  ", problem.operation]);
            // One reason for many is said once.
            if rest.peek().is_some_and(|next| problem.is_alike(next)) {
                continue;
            }
            line(&mut out, &["    ", problem.reason]);
            if !problem.hint.is_empty() {
                line(&mut out, &["    ", problem.hint]);
            }
        }
        if self.problems.is_empty() {
            out.push_str("  nothing would fail\n");
        }
        out
    }
}

fn cell(out: &mut String, text: &str, width: usize) {
    out.push_str(text);
    for _ in text.chars().count()..width + 2 {
        out.push(' ');
    }
}

/// Ends the line, without blanks at its end.
fn line(out: &mut String, parts: &[&str]) {
    out.extend(parts.iter().copied());
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

/// A file as text; `None` where it cannot be read.
fn read(path: &str) -> Option<&'static str> {
    use rustix::fs::OFlags;
    let file = named::open(path, OFlags::RDONLY | OFlags::NONBLOCK);
    Some(text::lossy(crate::process::spawn::read_all(&file.ok()?).leak()))
}

/// Whether there is a file; its path is in parts.
#[inline(never)]
fn exists(path: &[&str]) -> bool {
    rustix::fs::access(&*text::joined(path, ""), rustix::fs::Access::EXISTS).is_ok()
}

/// The text of a file with one value, without the line's end; its path is in
/// parts.
#[inline(never)]
fn value(path: &[&str]) -> Option<&'static str> {
    Some(read(&text::joined(path, ""))?.trim_ascii_end())
}

/// The field of a line with this number, or nothing.
#[inline(never)]
fn field(line: &str, separator: char, index: usize) -> &str {
    line.split(separator).nth(index).unwrap_or_default()
}

/// Whether any line of a text is so.
#[inline(never)]
fn any_line(text: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
    text.lines().any(test)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report::default();
        report.fact("kernel", "clone3", Some(true), "Linux 5.3");
        report.fact("kernel", "openat2", Some(false), "Linux 5.6");
        report.row("ids", "user", &1000, &"");
        report
    }

    #[test]
    fn tables() {
        let mut report = report();
        let machine = "\
kernel
  clone3   yes
  openat2  no    Linux 5.6
ids
  user     1000
bundle
";
        assert_eq!(report.table("bundle"), [machine, "  nothing would fail\n"].concat());
        report.problem(&"pivot_root", &"on a ramfs", "--no-pivot");
        report.problem(&"mount a", &"no such type", "");
        report.problem(&"mount b", &"no such type", "");
        let problems = [
            "  pivot_root\n    on a ramfs\n    --no-pivot\n",
            "  mount a\n  mount b\n    no such type\n",
        ]
        .concat();
        assert_eq!(report.table("bundle"), [machine, &problems].concat());
    }

    #[test]
    fn documents() {
        let mut report = report();
        assert!(report.document().ends_with("\"problems\":[],\"runs\":true}"));
        report.problem(&"a", &"b", "c");
        let end = r#""problems":[{"operation":"a","reason":"b","hint":"c"}],"runs":false}"#;
        assert!(report.document().ends_with(end));
        assert!(report.document().starts_with(
            r#"{"machine":[{"section":"kernel","name":"clone3","answer":"yes","note":""},"#
        ));
    }
}
