//! What the binary costs: measured, recorded in a file of the repository, and
//! compared with it.

use crate::elf;
use crate::error::{Context, Result};
use crate::process::output;
use crate::workspace::{cargo, root};
use std::path::{Path, PathBuf};

/// One figure: a name without spaces, a number, a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub name: String,
    pub value: u64,
    pub unit: String,
}

/// A file of figures in the repository.
pub struct Record {
    name: &'static str,
    /// What it says of itself, as comments.
    about: &'static str,
}

/// What the host's binary costs.
pub const HOST: Record = Record {
    name: "xtask/footprint.txt",
    about: "# What the release binary for x86_64 costs, written by `cargo xtask size --record`.\n\
            # Memory depends a little on the kernel.\n",
};

/// How large the binaries of all targets are.
pub const TARGETS: Record = Record {
    name: "xtask/targets.txt",
    about: "# The binaries of all targets, written by `cargo xtask size --targets --record`.\n\
            # Another compiler or linker gives other sizes.\n",
};

/// The bytes of each section that is part of the program in memory.
pub fn sections(binary: &Path) -> Result<Vec<Figure>> {
    let data = std::fs::read(binary).context(binary.display())?;
    let elf = elf::read(&data).context(binary.display())?;
    let figure = |s: elf::Section| {
        let unit = if s.in_file { "bytes" } else { "bytes of memory only" };
        Figure { name: s.name, value: s.size, unit: unit.into() }
    };
    Ok(elf.sections.into_iter().filter(|s| s.size > 0).map(figure).collect())
}

/// The size of the file, under the name of a target.
pub fn file_size(target: &str, binary: &Path) -> Result<Figure> {
    let value = std::fs::metadata(binary).context(binary.display())?.len();
    Ok(Figure { name: target.into(), value, unit: "bytes".into() })
}

/// The size of the file, and what a run of a container costs: the figures that
/// the tests' program `footprint` measures. It needs root.
pub fn of_run(binary: &Path) -> Result<Vec<Figure>> {
    let mut command = cargo(&["run", "-q", "-p", "ocinit-tests", "--bin", "footprint", "--"]);
    let text = output(command.arg(binary))?;
    parse(&text)
}

/// Measures everything and prints it beside what was recorded.
///
/// # Errors
/// It cannot be measured; or more instructions than recorded are executed, by
/// more than [`TOLERANCE`] per cent.
pub fn show(binary: &Path) -> Result {
    let mut figures = sections(binary)?;
    figures.extend(of_run(binary)?);
    let recorded = HOST.read()?;
    print(&figures, &recorded);
    let grown: Vec<&str> =
        figures.iter().filter(|f| has_grown(f, &recorded)).map(|f| f.name.as_str()).collect();
    match grown.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{} grew by more than {TOLERANCE} %: `cargo xtask size --record` if that is meant",
            grown.join(", ")
        )),
    }
}

/// How much instruction counts may grow before it must be recorded, in per cent.
const TOLERANCE: u64 = 3;

/// Whether it is a count of instructions that is more than a little above the
/// recorded one. The other figures depend on the kernel, or are only shown.
fn has_grown(now: &Figure, recorded: &[Figure]) -> bool {
    let before = recorded.iter().find(|f| f.name == now.name);
    now.unit == "instructions"
        && before.is_some_and(|b| now.value * 100 > b.value * (100 + TOLERANCE))
}

impl Record {
    fn file(&self) -> PathBuf {
        root().join(self.name)
    }

    /// The recorded figures; none when there is no file yet.
    pub fn read(&self) -> Result<Vec<Figure>> {
        match std::fs::read_to_string(self.file()) {
            Ok(text) => parse(&text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(e).context(self.name),
        }
    }

    /// Writes the figures down.
    pub fn write(&self, figures: &[Figure]) -> Result {
        let mut text = String::from(self.about);
        for Figure { name, value, unit } in figures {
            text.push_str(&format!("{name} {value} {unit}\n"));
        }
        std::fs::write(self.file(), text).context(self.name)
    }
}

/// Prints the figures, each beside the recorded one of its name.
pub fn print(figures: &[Figure], recorded: &[Figure]) {
    for now in figures {
        let before = recorded.iter().find(|f| f.name == now.name);
        println!("{}", line(now, before));
    }
    for gone in recorded.iter().filter(|f| !figures.iter().any(|n| n.name == f.name)) {
        println!("{:32} {:>8} {}", gone.name, "-", gone.unit);
    }
}

fn line(now: &Figure, before: Option<&Figure>) -> String {
    let Figure { name, value, unit } = now;
    let line = format!("{name:32} {value:>8} {unit}");
    match before.map(|b| b.value) {
        None => format!("{line} (not recorded)"),
        Some(before) if before < *value => {
            format!("{line} (recorded {before}: GREW by {})", value - before)
        }
        Some(before) if before > *value => {
            format!("{line} (recorded {before}: smaller by {})", before - value)
        }
        Some(_) => line,
    }
}

fn parse(text: &str) -> Result<Vec<Figure>> {
    let lines = text.lines().filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let (name, value, unit) = (words.next(), words.next(), words.next());
            let value = value.and_then(|v| v.parse().ok());
            let figure = name.zip(value).zip(unit);
            let ((name, value), unit) = figure.ok_or(format!("not a figure: {line:?}"))?;
            Ok(Figure { name: name.into(), value, unit: unit.into() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(name: &str, value: u64) -> Figure {
        Figure { name: name.into(), value, unit: "KiB".into() }
    }

    #[test]
    fn reads_what_it_writes() {
        let text = "# a comment\n\nrun_peak_rss 300 KiB\n.bss 8 bytes of memory only\n";
        let figures = parse(text).unwrap();
        assert_eq!(figures[0], figure("run_peak_rss", 300));
        assert_eq!(figures[1].unit, "bytes of memory only");
        assert!(parse("run_peak_rss KiB\n").is_err());
        assert!(parse("run_peak_rss 300\n").is_err());
    }

    #[test]
    fn only_instructions_must_not_grow() {
        let of = |value, unit: &str| Figure { unit: unit.into(), ..figure("plan", value) };
        let recorded = [of(1000, "instructions")];
        assert!(has_grown(&of(1031, "instructions"), &recorded));
        assert!(!has_grown(&of(1030, "instructions"), &recorded));
        assert!(!has_grown(&of(2000, "KiB"), &recorded));
        assert!(!has_grown(&of(2000, "instructions"), &[]));
    }

    #[test]
    fn a_growth_is_called_one() {
        assert!(line(&figure("rss", 12), Some(&figure("rss", 10))).contains("GREW by 2"));
        assert!(line(&figure("rss", 8), Some(&figure("rss", 10))).contains("smaller by 2"));
        assert!(!line(&figure("rss", 10), Some(&figure("rss", 10))).contains("recorded"));
        assert!(line(&figure("rss", 8), None).contains("not recorded"));
    }
}
