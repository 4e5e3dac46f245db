//! The command line.

use crate::place::View;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Measure, in all views.
    Measure,
    /// Write docs/performance.md from what was measured last.
    WriteDocs,
    /// Measure in this view, as a process made for it.
    Inside(View),
}

/// What the command line asks for.
pub struct Options {
    /// The task.
    pub task: Task,
    /// The benches that are asked for; all when empty.
    pub names: Vec<String>,
    /// Fewer rounds, smaller numbers.
    pub quick: bool,
    /// More runtimes: a name and a program.
    pub with: Vec<(String, PathBuf)>,
    /// The file of the results.
    pub results: PathBuf,
}

impl Options {
    /// Reads it.
    ///
    /// # Errors
    /// What it does not know.
    pub fn read() -> Result<Options, String> {
        use lexopt::prelude::*;
        let mut options = Options {
            task: Task::Measure,
            names: Vec::new(),
            quick: false,
            with: Vec::new(),
            results: workspace().join("target/bench/results.json"),
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next().map_err(|e| e.to_string())? {
            match argument {
                Long("quick") => options.quick = true,
                Long("write-docs") => options.task = Task::WriteDocs,
                Long("inside") => options.task = Task::Inside(View::named(&text(&mut parser)?)?),
                Long("results") => options.results = PathBuf::from(text(&mut parser)?),
                Long("with") => {
                    let text = text(&mut parser)?;
                    let pair = text.split_once('=').ok_or("--with takes NAME=PATH")?;
                    options.with.push((pair.0.into(), absolute(pair.1)?));
                }
                Value(name) => options.names.push(name.to_string_lossy().into_owned()),
                other => return Err(other.unexpected().to_string()),
            }
        }
        let directory = options.results.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory).map_err(|e| format!("{}: {e}", directory.display()))?;
        Ok(options)
    }

    /// Whether a bench is asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|n| n == name)
    }

    /// Where the results of one view go on their way.
    pub fn part(&self, view: View) -> PathBuf {
        self.results.with_extension(format!("{}.json", view.name()))
    }

    /// This program for one view.
    pub fn inside(&self, view: View) -> Command {
        let mut command = Command::new("/proc/self/exe");
        command.args(["--inside", view.name(), "--results"]).arg(&self.results).args(&self.names);
        if self.quick {
            command.arg("--quick");
        }
        for (name, path) in &self.with {
            command.arg("--with").arg(format!("{name}={}", path.display()));
        }
        command
    }

    /// `long` rounds, or `short` when it is to be quick.
    pub fn rounds(&self, long: usize, short: usize) -> usize {
        if self.quick { short } else { long }
    }
}

/// The top of the checkout.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("benches is a folder of the workspace")
}

/// The value of a flag.
fn text(parser: &mut lexopt::Parser) -> Result<String, String> {
    let value = parser.value().map_err(|e| e.to_string())?;
    value.into_string().map_err(|value| format!("not text: {value:?}"))
}

fn absolute(path: &str) -> Result<PathBuf, String> {
    std::fs::canonicalize(path).map_err(|e| format!("{path}: {e}"))
}
