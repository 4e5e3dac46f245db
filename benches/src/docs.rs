//! The tables of docs/performance.md, between their marks, from the results.

use crate::options::{Options, workspace};
use crate::results::Results;
use crate::suite::BENCHES;
use crate::{plot, table};
use std::fmt::Write;

const BEGIN: &str = "<!-- Written by `cargo xtask bench --write-docs`: -->\n";
const END: &str = "<!-- End of what is written. -->\n";

/// Writes them.
///
/// # Errors
/// There are no results, or no marks.
pub fn write(options: &Options) -> Result<(), String> {
    let results = Results::load(&options.results)?;
    let path = workspace().join("docs/performance.md");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let new = replaced(&text, &tables(&results)).ok_or("docs/performance.md lacks its marks")?;
    std::fs::write(&path, new).map_err(|e| format!("{}: {e}", path.display()))?;
    plot::write(&results, &workspace().join("docs/performance.svg"))?;
    println!("written: {} and performance.svg", path.display());
    Ok(())
}

fn replaced(text: &str, tables: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{tables}{END}{after}"))
}

fn tables(results: &Results) -> String {
    let machine = &results.machine;
    let mut text = format!(
        "\nLinux {}, {}; load averages at the start: {}. Medians.\n",
        machine.kernel, machine.processor, machine.load
    );
    for bench in BENCHES {
        if results.figures.iter().any(|figure| figure.bench == bench.name) {
            let table = table::markdown(results, bench.name);
            let _ = write!(text, "\n### {}: {}\n\n{table}", bench.name, bench.about);
        }
    }
    let failures = results.figures.iter().filter_map(|f| Some((f, f.failure.as_ref()?)));
    let mut lines: Vec<String> = failures
        .map(|(f, why)| format!("- {} in `{}`, {}: {why}\n", f.runtime, f.bench, f.scene))
        .collect();
    lines.dedup();
    if !lines.is_empty() {
        let _ = write!(text, "\nWhat did not run:\n\n{}", lines.concat());
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_changes() {
        let text = format!("before\n{BEGIN}old\n{END}after\n");
        let new = replaced(&text, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}new\n{END}after\n"));
        assert!(replaced("no marks", "").is_none());
    }
}
