//! What was measured, as it is kept in a file.

use serde::{Deserialize, Serialize};
use std::path::Path;

/// All figures of a machine.
#[derive(Default, Serialize, Deserialize)]
pub struct Results {
    /// What was measured on.
    pub machine: Machine,
    /// The figures, in the order of measuring.
    pub figures: Vec<Figure>,
}

/// A machine and what ran on it.
#[derive(Default, Serialize, Deserialize)]
pub struct Machine {
    /// The kernel's release.
    pub kernel: String,
    /// The processor's name and how many there are.
    pub processor: String,
    /// The load averages at the start.
    pub load: String,
}

/// One measure of one contender in one scene.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Figure {
    /// The bench.
    pub bench: String,
    /// What of it: the view and the bundle.
    pub scene: String,
    /// What was measured, with its unit: `wall ms`.
    pub measure: String,
    /// The contender.
    pub runtime: String,
    /// Every value, in the order of measuring.
    pub values: Vec<f64>,
    /// Why there are none.
    pub failure: Option<String>,
}

impl Figure {
    /// The value in the middle.
    pub fn median(&self) -> Option<f64> {
        self.quantile(0.5)
    }

    /// The value below which that share of the values is.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)? as f64;
        let (below, above) = ((share * last).floor() as usize, (share * last).ceil() as usize);
        Some((sorted[below] + sorted[above]) / 2.0)
    }
}

impl Results {
    /// Reads a file.
    ///
    /// # Errors
    /// It is not there, or not ours.
    pub fn load(path: &Path) -> Result<Results, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Writes a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|e| e.to_string())?;
        std::fs::write(path, text + "\n").map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Takes newer figures in, instead of those of the same bench and scene.
    pub fn take(&mut self, newer: Results) {
        let same = |a: &Figure, b: &Figure| (&a.bench, &a.scene) == (&b.bench, &b.scene);
        self.figures.retain(|old| !newer.figures.iter().any(|new| same(old, new)));
        self.figures.extend(newer.figures);
    }

    /// Adds a figure.
    pub fn add(
        &mut self,
        bench: &str,
        scene: &str,
        measure: &str,
        runtime: &str,
        values: Vec<f64>,
    ) {
        self.figures.push(Figure {
            bench: bench.into(),
            scene: scene.into(),
            measure: measure.into(),
            runtime: runtime.into(),
            values,
            failure: None,
        });
    }

    /// Adds that there is none, and why.
    pub fn fail(&mut self, bench: &str, scene: &str, measure: &str, runtime: &str, why: &str) {
        self.add(bench, scene, measure, runtime, Vec::new());
        if let Some(figure) = self.figures.last_mut() {
            figure.failure = Some(why.into());
        }
    }

    /// The figures by bench, scene and measure, in the order of measuring.
    pub fn groups(&self) -> Vec<Vec<&Figure>> {
        let mut groups: Vec<Vec<&Figure>> = Vec::new();
        let key = |f: &Figure| (f.bench.clone(), f.scene.clone(), f.measure.clone());
        for figure in &self.figures {
            match groups.iter_mut().find(|group| key(group[0]) == key(figure)) {
                Some(group) => group.push(figure),
                None => groups.push(vec![figure]),
            }
        }
        groups
    }
}

/// This machine.
pub fn machine() -> Machine {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let count = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let load = read("/proc/loadavg");
    Machine {
        kernel: read("/proc/sys/kernel/osrelease").trim().into(),
        processor: format!("{count} × {}", name.unwrap_or("unknown")),
        load: load.split(' ').take(3).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(runtime: &str, values: &[f64]) -> Figure {
        let mut results = Results::default();
        results.add("run", "v1", "wall ms", runtime, values.to_vec());
        results.figures.remove(0)
    }

    #[test]
    fn quantiles_of_few_and_of_none() {
        let three = figure("a", &[3.0, 1.0, 2.0]);
        assert_eq!(three.median(), Some(2.0));
        assert_eq!(three.quantile(0.0), Some(1.0));
        assert_eq!(three.quantile(1.0), Some(3.0));
        assert_eq!(figure("a", &[1.0, 2.0]).median(), Some(1.5));
        assert_eq!(figure("a", &[]).median(), None);
    }

    #[test]
    fn newer_figures_replace_those_of_their_scene_only() {
        let mut all = Results::default();
        all.add("run", "v1", "wall ms", "a", vec![1.0]);
        all.add("run", "v2", "wall ms", "a", vec![2.0]);
        let mut newer = Results::default();
        newer.add("run", "v1", "wall ms", "a", vec![3.0]);
        all.take(newer);
        let values: Vec<f64> = all.figures.iter().flat_map(|f| f.values.clone()).collect();
        assert_eq!(values, [2.0, 3.0]);
    }
}
