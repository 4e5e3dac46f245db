//! Programs with tests, as cargo builds them without running them.

use crate::error::{Context, Result};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A program with tests: its name, and where it is.
pub type Program = (String, PathBuf);

/// Runs cargo, which has been told to answer in JSON, and reads what it has
/// built.
pub fn built(cargo: &mut Command) -> Result<Vec<Program>> {
    let out = cargo.stderr(Stdio::inherit()).output().context("cargo test")?;
    if !out.status.success() {
        return Err("cargo test --no-run failed".into());
    }
    Ok(String::from_utf8_lossy(&out.stdout).lines().filter_map(program).collect())
}

/// The program of a line of JSON. Its file has the name of the test or of the
/// library, a minus and a hash.
fn program(line: &str) -> Option<Program> {
    let message: Value = serde_json::from_str(line).ok()?;
    if message["profile"]["test"] != true {
        return None;
    }
    let path = PathBuf::from(message["executable"].as_str()?);
    let (name, _) = path.file_name()?.to_str()?.rsplit_once('-')?;
    Some((name.to_string(), path))
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn reads_cargos_lines() {
        let line = r#"{"reason":"compiler-artifact","target":{"kind":["test"],"test":true},"profile":{"test":true},"executable":"/t/deps/exec_refused-0a1","fresh":true}"#;
        let (name, path) = program(line).unwrap();
        assert_eq!(
            (name.as_str(), path.to_str()),
            ("exec_refused", Some("/t/deps/exec_refused-0a1"))
        );
        // A program that the tests use, and a library.
        assert!(program(&line.replace(r#""profile":{"test":true}"#, r#""profile":{}"#)).is_none());
        assert!(program(&line.replace(r#""/t/deps/exec_refused-0a1""#, "null")).is_none());
        assert!(program(r#"{"reason":"build-finished","success":true}"#).is_none());
    }
}
