//! The results as text: for a terminal, and for docs/performance.md.

use crate::results::{Figure, Results};
use std::fmt::Write;

/// For a terminal: a block for each scene and measure, a line for each contender
/// with its median, the range that holds four fifths of its values, and its
/// ratio to the floor and to ocinit.
pub fn text(results: &Results) -> String {
    let mut text = String::new();
    for group in results.groups() {
        let (floor, ours) = (median(&group, "floor"), median(&group, "ocinit"));
        let _ = writeln!(text, "{}, {}", group[0].scene, group[0].measure);
        for figure in &group {
            let name = &figure.runtime;
            match figure.median() {
                Some(middle) => {
                    let range = match figure.values.len() {
                        0..=2 => String::new(),
                        _ => format!("{}–{}", quantile(figure, 0.1), quantile(figure, 0.9)),
                    };
                    let to = |other: Option<f64>, what| match other {
                        Some(other) if other > 0.0 => format!("{:6.2} × {what}", middle / other),
                        _ => String::new(),
                    };
                    let (floor, ours) = (to(floor, "floor"), to(ours, "ocinit"));
                    let _ = writeln!(
                        text,
                        "  {name:12} {:>9} {range:>16} {floor:>15} {ours:>16}",
                        number(middle)
                    );
                }
                None => {
                    let why = figure.failure.as_deref().unwrap_or("nothing was measured");
                    let _ = writeln!(text, "  {name:12}         - {why}");
                }
            }
        }
    }
    text
}

/// For a document: a table for each bench, a line for each scene and measure.
pub fn markdown(results: &Results, bench: &str) -> String {
    let groups: Vec<_> =
        results.groups().into_iter().filter(|group| group[0].bench == bench).collect();
    let mut names: Vec<&str> = Vec::new();
    for figure in groups.iter().flatten() {
        if !names.contains(&figure.runtime.as_str()) {
            names.push(&figure.runtime);
        }
    }
    let rank = |name: &&str| match *name {
        "floor" | "no filter" => 0,
        "ocinit" => 1,
        "crun" => 2,
        "runc" => 3,
        "youki" => 4,
        _ => 5,
    };
    names.sort_by_key(rank);
    let peers = names.contains(&"ocinit");
    let mut text = String::from("| |");
    for name in &names {
        let _ = write!(text, " {name} |");
    }
    if peers {
        text.push_str(" ocinit : floor | ocinit : crun |");
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(names.len() + if peers { 2 } else { 0 }));
    text.push('\n');
    for group in groups {
        let _ = write!(text, "| {}, {} |", group[0].scene, group[0].measure);
        for name in &names {
            let value = median(&group, name).map_or("–".into(), number);
            let _ = write!(text, " {value} |");
        }
        if peers {
            for other in ["floor", "crun"] {
                let pair = median(&group, "ocinit").zip(median(&group, other));
                let ratio = pair.filter(|(_, other)| *other > 0.0).map(|(a, b)| a / b);
                let ratio = ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
                let _ = write!(text, " {ratio} |");
            }
        }
        text.push('\n');
    }
    text
}

/// The median of a contender in a group.
pub fn median(group: &[&Figure], runtime: &str) -> Option<f64> {
    group.iter().find(|figure| figure.runtime == runtime)?.median()
}

fn quantile(figure: &Figure, share: f64) -> String {
    figure.quantile(share).map_or(String::new(), number)
}

/// A number with three digits that count.
pub fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let mut results = Results::default();
        results.add("run", "v1", "wall ms", "floor", vec![4.0, 4.0, 4.0]);
        results.add("run", "v1", "wall ms", "ocinit", vec![5.0, 6.0, 5.0]);
        results.add("run", "v1", "wall ms", "crun", vec![20.0]);
        results.fail("run", "v1", "wall ms", "youki", "hangs");
        results
    }

    #[test]
    fn a_line_has_the_median_and_both_ratios() {
        let text = text(&results());
        let line = text.lines().find(|line| line.contains("crun")).unwrap();
        assert!(line.contains("5.00 × floor") && line.contains("4.00 × ocinit"), "{line}");
        assert!(text.contains("youki                - hangs"), "{text}");
    }

    #[test]
    fn a_document_has_a_column_for_each_contender() {
        let text = markdown(&results(), "run");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "| | floor | ocinit | crun | youki | ocinit : floor | ocinit : crun |"
        );
        assert_eq!(lines[2], "| v1, wall ms | 4.00 | 5.00 | 20.0 | – | 1.25 | 0.25 |");
    }
}
