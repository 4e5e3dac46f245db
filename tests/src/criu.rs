//! CRIU itself, where it works: for tests that save and restore processes.

use crate::packages;
use std::process::Command;
use std::sync::OnceLock;

/// Why criu cannot work on this machine.
pub fn impossible() -> Option<&'static str> {
    static WHY: OnceLock<Option<String>> = OnceLock::new();
    let why = WHY.get_or_init(|| {
        packages::install_missing().unwrap();
        let check = Command::new("criu").arg("check").output();
        match check {
            Ok(out) if out.status.success() => None,
            Ok(out) => {
                let said = String::from_utf8_lossy(&out.stderr);
                let line = said.lines().find(|line| line.contains("Error")).unwrap_or("no reason");
                Some(format!("criu check fails: {line}"))
            }
            Err(error) => Some(format!("criu cannot be run: {error}")),
        }
    });
    why.as_deref()
}
