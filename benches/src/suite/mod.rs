//! The benches, one file a subject.

mod exec;
mod filter;
mod footprint;
mod lifecycle;
mod limit;
mod list;
mod many;
mod pieces;
mod run;

use crate::options::Options;
use crate::place::View;
use crate::results::Results;
use crate::runtime;
use crate::stage::{Bench, Stage};
use crate::table;

/// All, in the order in which they run.
pub const BENCHES: &[Bench] = &[
    run::BENCH,
    lifecycle::BENCH,
    exec::BENCH,
    many::BENCH,
    footprint::BENCH,
    limit::BENCH,
    filter::BENCH,
    list::BENCH,
    pieces::BENCH,
];

/// Runs what is asked for.
///
/// # Errors
/// What keeps a bench from measuring anything at all.
pub fn run(options: &Options, view: View) -> Result<Results, String> {
    let runtimes = runtime::all(options);
    if view == View::ALL[0] {
        for runtime in &runtimes {
            println!("{:8} {}", runtime.name, runtime.version());
        }
    }
    let mut stage = Stage { options, view, runtimes, results: Results::default() };
    for bench in BENCHES.iter().filter(|bench| options.wants(bench.name)) {
        let before = stage.results.figures.len();
        (bench.run)(&mut stage).map_err(|why| format!("{}: {why}", bench.name))?;
        if stage.results.figures.len() > before {
            println!("\n== {} ({})", bench.about, view.name());
            let figures = stage.results.figures[before..].to_vec();
            print!("{}", table::text(&Results { figures, ..Results::default() }));
        }
    }
    Ok(stage.results)
}

/// Checks names of benches.
///
/// # Errors
/// There is no bench of one.
pub fn check(names: &[String]) -> Result<(), String> {
    let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(format!("no bench {name:?}; there are {}", known.join(", "))),
    }
}
