//! What the benches have in common: what they work with, and what they are.

use crate::measure::{Outcome, Sample};
use crate::options::Options;
use crate::place::View;
use crate::results::Results;
use crate::runtime::Runtime;
use std::sync::atomic::{AtomicU32, Ordering};

/// One bench.
pub struct Bench {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it measures.
    pub about: &'static str,
    /// Does it.
    pub run: fn(&mut Stage<'_>) -> Result<(), String>,
}

/// What a bench works with.
pub struct Stage<'a> {
    /// The command line.
    pub options: &'a Options,
    /// The control groups that are to be seen.
    pub view: View,
    /// The contenders.
    pub runtimes: Vec<Runtime>,
    /// What was measured.
    pub results: Results,
}

impl Stage<'_> {
    /// A scene in this view.
    pub fn scene(&self, what: &str) -> String {
        format!("{} {what}", self.view.name()).trim_end().to_string()
    }

    /// Writes the samples of all contenders down, by these measures.
    pub fn record(&mut self, bench: &Bench, scene: &str, outcome: Outcome, measures: &[Measure]) {
        for (runtime, samples) in outcome {
            for (name, of) in measures {
                match &samples {
                    Ok(samples) => {
                        let values = samples.iter().map(of).collect();
                        self.results.add(bench.name, scene, name, &runtime, values);
                    }
                    Err(why) => self.results.fail(bench.name, scene, name, &runtime, why),
                }
            }
        }
    }
}

/// A measure: its name with its unit, and where it is in a sample.
pub type Measure = (&'static str, fn(&Sample) -> f64);

/// The two that count most.
pub const TIMES: &[Measure] = &[("wall ms", |s| s.wall), ("cpu ms", |s| s.cpu)];

/// An id that no other container of this run has.
pub fn id() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("bench{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
