//! A picture of the medians of `run`: bars in SVG.

use crate::results::{Figure, Results};
use crate::table::number;
use std::fmt::Write;
use std::path::Path;

const BAR: usize = 14;
const LEFT: usize = 80;
const WIDTH: usize = 560;
/// One colour a contender, by its place.
const COLOURS: &[(&str, &str)] = &[
    ("floor", "#9aa0a6"),
    ("ocinit", "#1a73e8"),
    ("crun", "#f29900"),
    ("runc", "#d93025"),
    ("youki", "#188038"),
];

/// Writes the picture.
///
/// # Errors
/// The file cannot be written.
pub fn write(results: &Results, path: &Path) -> Result<(), String> {
    std::fs::write(path, svg(results)).map_err(|e| format!("{}: {e}", path.display()))
}

fn svg(results: &Results) -> String {
    let groups = results.groups();
    let shown = groups.iter().filter(|group| {
        group[0].bench == "run" && matches!(group[0].measure.as_str(), "wall ms" | "cpu ms")
    });
    let (mut body, mut y) = (String::new(), 0);
    for group in shown {
        y += BAR + 12;
        let title = format!("run, {}: {}", group[0].scene, group[0].measure);
        let _ = writeln!(body, "<text x='0' y='{y}' font-weight='bold'>{}</text>", escape(&title));
        let bars: Vec<(&Figure, f64)> =
            group.iter().filter_map(|figure| Some((*figure, figure.median()?))).collect();
        let most = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
        for (figure, value) in bars {
            y += BAR + 4;
            let length = value / most * (WIDTH - LEFT - 60) as f64;
            let colour = COLOURS.iter().find(|(name, _)| *name == figure.runtime);
            let colour = colour.map_or("#7627bb", |(_, colour)| colour);
            let _ = writeln!(
                body,
                "<text x='0' y='{y}'>{}</text>\
                 <rect x='{LEFT}' y='{}' width='{length:.1}' height='{BAR}' fill='{colour}'/>\
                 <text x='{:.1}' y='{y}'>{}</text>",
                escape(&figure.runtime),
                y - BAR + 2,
                LEFT as f64 + length + 4.0,
                number(value),
            );
        }
    }
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{}' \
         font-family='sans-serif' font-size='12'>\n\
         <rect width='100%' height='100%' fill='white'/>\n{body}</svg>\n",
        y + 10
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&apos;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_the_width_and_names_are_escaped() {
        let mut results = Results::default();
        results.add("run", "v1 <hot>", "wall ms", "crun", vec![20.0]);
        results.add("run", "v1 <hot>", "wall ms", "ocinit", vec![5.0]);
        let text = svg(&results);
        assert!(text.contains("width='420.0'") && text.contains("width='105.0'"), "{text}");
        assert!(text.contains("v1 &lt;hot>"), "{text}");
    }
}
