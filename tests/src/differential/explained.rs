//! The list of differences that are meant to be, with their reasons.
//!
//! A line is `BUNDLES | FIELDS | WHO | REASON`. BUNDLES and FIELDS are lists of
//! patterns, separated by commas, in which `*` stands for any text; WHO is who
//! stands alone: ocinit, runc, crun, or each (three values). A line is about the
//! bundles of one group, or of all (`*`, judged with the group `defaults`). In a
//! full run every pattern has to match something, unless a `?` after WHO says
//! that the machine decides.

use super::verdict::{Difference, Who};
use std::collections::BTreeSet;

/// One line.
#[derive(Debug)]
pub struct Entry {
    line: usize,
    cases: Vec<String>,
    fields: Vec<String>,
    who: Who,
    optional: bool,
    reason: String,
}

/// The whole list.
#[derive(Debug)]
pub struct Explained {
    entries: Vec<Entry>,
}

impl Explained {
    /// Reads the list; panics with the line's number when one is not of the form.
    pub fn parse(text: &str) -> Explained {
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, l)| !l.trim().is_empty() && !l.starts_with('#'));
        let entry = |(number, line): (usize, &str)| {
            let line_number = number + 1;
            let parts: Vec<&str> = line.splitn(4, '|').map(str::trim).collect();
            let [cases, fields, who, reason] = parts[..] else {
                panic!("line {line_number}: not of the form BUNDLES | FIELDS | WHO | REASON")
            };
            let list = |text: &str| text.split(',').map(|p| p.trim().to_string()).collect();
            let optional = who.ends_with('?');
            let who = who.trim_end_matches('?');
            let who = Who::parse(who).unwrap_or_else(|| panic!("line {line_number}: who: {who}"));
            assert!(!reason.is_empty(), "line {line_number}: no reason");
            let (cases, fields, reason) = (list(cases), list(fields), reason.to_string());
            Entry { line: line_number, cases, fields, who, optional, reason }
        };
        Explained { entries: lines.map(entry).collect() }
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Notes in `used` what explains the difference; whether anything does.
    pub fn explains(&self, difference: &Difference, used: &mut Used) -> bool {
        let mut any = false;
        for entry in self.entries.iter().filter(|e| e.who.covers(difference.who)) {
            let hits = |patterns: &[String], text: &str| -> Vec<String> {
                patterns.iter().filter(|p| matches(p, text)).cloned().collect()
            };
            let cases = hits(&entry.cases, &difference.case);
            let fields = hits(&entry.fields, &difference.field);
            if cases.is_empty() || fields.is_empty() {
                continue;
            }
            any = true;
            used.0.extend(cases.into_iter().chain(fields).map(|p| (entry.line, p)));
        }
        any
    }

    /// The patterns about `group` that explained nothing. A bundle's pattern
    /// that begins with `*` is about the group `defaults`.
    pub fn unused(&self, group: &str, used: &Used) -> Vec<String> {
        let mut found = Vec::new();
        for entry in self.entries.iter().filter(|e| !e.optional) {
            let about = |p: &String| match p.split_once('/') {
                Some((of, _)) if of != "*" => of == group,
                _ => group == "defaults",
            };
            let mine: Vec<&String> = entry.cases.iter().filter(|p| about(p)).collect();
            // The fields of a line for several groups are judged by the first one's.
            let first = entry.cases.first().is_some_and(about);
            let fields = entry.fields.iter().filter(|_| first);
            for pattern in mine.into_iter().chain(fields) {
                if !used.0.contains(&(entry.line, pattern.clone())) {
                    found.push(format!("line {}: {pattern} ({})", entry.line, entry.reason));
                }
            }
        }
        found
    }
}

/// Which patterns of which lines have explained something.
#[derive(Debug, Default)]
pub struct Used(BTreeSet<(usize, String)>);

/// Whether the text is of the pattern, in which `*` stands for any text.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
