//! The runtime beside its peers, and beside the floor: what the kernel's part of
//! the same container takes without any runtime (`floor/`).
//!
//! `cargo xtask bench` builds and installs what this needs, and calls it. All
//! contenders run interleaved, on the same bundles, in a private mount namespace
//! with one view of the control groups after the other.

mod bundle;
mod docs;
mod measure;
mod options;
mod place;
mod plot;
mod results;
mod runtime;
mod stage;
mod suite;
mod table;
mod trace;

use options::{Options, Task};
use place::View;
use results::Results;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let options = Options::read()?;
    suite::check(&options.names)?;
    match options.task {
        Task::WriteDocs => docs::write(&options),
        Task::Inside(view) => {
            place::enter(view)?;
            suite::run(&options, view)?.save(&options.part(view))
        }
        Task::Measure => measure_all(&options),
    }
}

/// Each view in a process of its own: what it mounts goes with it.
fn measure_all(options: &Options) -> Result<(), String> {
    let mut results = Results::load(&options.results).unwrap_or_default();
    results.machine = results::machine();
    for view in View::ALL {
        let status = options.inside(view).status().map_err(|e| format!("run myself: {e}"))?;
        if !status.success() {
            return Err(format!("the benches in the view {}: {status}", view.name()));
        }
        let part = options.part(view);
        results.take(Results::load(&part)?);
        std::fs::remove_file(&part).map_err(|e| format!("{}: {e}", part.display()))?;
        results.save(&options.results)?;
    }
    plot::write(&results, &options.results.with_extension("svg"))?;
    println!("\nwritten: {}", options.results.display());
    Ok(())
}
