//! Lines of /proc/PID/mountinfo, taken apart.

use serde_json::Value;

/// One mount.
#[derive(Clone, Debug)]
pub struct Mount {
    /// The directory of the file system that is mounted.
    pub root: String,
    /// Where it is mounted.
    pub at: String,
    /// The mount's own options.
    pub options: Vec<String>,
    /// `shared:N`, `master:N`, `unbindable`.
    pub propagation: Vec<String>,
    /// The file system's type.
    pub kind: String,
    /// The file system's options.
    pub super_options: Vec<String>,
}

impl Mount {
    /// Whether an option of the mount or of its file system is set.
    pub fn has(&self, option: &str) -> bool {
        self.options.iter().chain(&self.super_options).any(|o| o == option)
    }
}

/// Takes the text of a mountinfo file apart.
pub fn parse(text: &str) -> Vec<Mount> {
    text.lines().filter_map(line).collect()
}

/// The mounts in a guest's report.
pub fn of(report: &Value) -> Vec<Mount> {
    let lines = report["mountinfo"].as_array().expect("mountinfo in the report");
    lines.iter().filter_map(|l| line(l.as_str()?)).collect()
}

/// The topmost mount of a report at a path.
#[track_caller]
pub fn at(report: &Value, path: &str) -> Mount {
    let all = of(report);
    let found = all.iter().rfind(|m| m.at == path);
    found.unwrap_or_else(|| panic!("no mount at {path}: {all:#?}")).clone()
}

fn line(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let before: Vec<&str> = before.split(' ').collect();
    let after: Vec<&str> = after.split(' ').collect();
    let list = |text: &str| text.split(',').map(String::from).collect();
    Some(Mount {
        root: before.get(3)?.to_string(),
        at: before.get(4)?.to_string(),
        options: list(before.get(5)?),
        propagation: before[6..].iter().map(|s| s.to_string()).collect(),
        kind: after.first()?.to_string(),
        super_options: list(after.get(2)?),
    })
}
