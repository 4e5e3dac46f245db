//! The size of the program, and what `run` takes apart from time: memory, system
//! calls, processes.

use crate::runtime::floor;
use crate::stage::{Bench, Stage, id};
use crate::{bundle, trace};
use std::process::Command;

/// The bench.
pub const BENCH: Bench =
    Bench { name: "footprint", about: "size, memory and system calls of a run", run: all };

fn all(stage: &mut Stage<'_>) -> Result<(), String> {
    let bundle = bundle::make("plain", |_| {})?;
    let scene = stage.scene("");
    let one =
        |stage: &mut Stage<'_>, name: &str, program: &std::path::Path, command: &mut Command| {
            match trace::run(command.stderr(std::process::Stdio::null())) {
                Ok(counts) => {
                    let size = std::fs::metadata(program).map_or(0, |m| m.len());
                    for (measure, value) in [
                        ("binary KiB", size.div_ceil(1024)),
                        ("peak KiB", counts.peak),
                        ("system calls", counts.calls),
                        ("processes", counts.processes),
                        ("threads", counts.threads),
                    ] {
                        stage.results.add(BENCH.name, &scene, measure, name, vec![value as f64]);
                    }
                }
                Err(why) => stage.results.fail(BENCH.name, &scene, "peak KiB", name, &why),
            }
        };
    one(stage, "floor", &crate::runtime::program("floor"), &mut floor(&bundle, "", ""));
    for runtime in stage.runtimes.clone() {
        one(stage, &runtime.name, &runtime.program, &mut runtime.run(&bundle, &id()));
    }
    Ok(())
}
