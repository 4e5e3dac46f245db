//! `create`, `start` and `delete` of a program that ends at once: the time of the
//! three commands, without that between them.

use crate::bundle;
use crate::measure::{Contender, Pace, Sample, interleave, orphan, run};
use crate::place::DIRECTORY;
use crate::runtime::{Runtime, floor};
use crate::stage::{Bench, Stage, TIMES, id};
use std::path::Path;
use std::time::Duration;

/// The bench.
pub const BENCH: Bench =
    Bench { name: "lifecycle", about: "create, start and delete of /bin/true", run: all };

fn all(stage: &mut Stage<'_>) -> Result<(), String> {
    let bundle = bundle::make("plain", |_| {})?;
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    contenders.push(Contender { name: "floor".into(), take: Box::new(|| floor_life(&bundle)) });
    for runtime in &stage.runtimes {
        let bundle = &bundle;
        let take = move || life(runtime, bundle);
        contenders.push(Contender { name: runtime.name.clone(), take: Box::new(take) });
    }
    let pace = Pace { rounds: stage.options.rounds(60, 10), pause: Duration::from_millis(30) };
    let outcome = interleave(contenders, pace);
    let scene = stage.scene("");
    stage.record(&BENCH, &scene, outcome, TIMES);
    Ok(())
}

fn life(runtime: &Runtime, bundle: &Path) -> Result<Sample, String> {
    let id = id();
    let result = || -> Result<Sample, String> {
        let words = ["create", "--bundle", &bundle.display().to_string(), &id].map(String::from);
        let made = run(&mut runtime.call(&words.each_ref().map(String::as_str)))?;
        let started = run(&mut runtime.call(&["start", &id]))?;
        // The container's first process: it is ours now.
        let program = orphan();
        let deleted = run(&mut runtime.call(&["delete", &id]))?;
        Ok(made.and(started).and(program).and(deleted))
    };
    result().inspect_err(|_| {
        let _ = run(&mut runtime.call(&["delete", "--force", &id]));
    })
}

/// The same of the floor; its process waits at a named pipe.
fn floor_life(bundle: &Path) -> Result<Sample, String> {
    let fifo = format!("fifo={}", Path::new(DIRECTORY).join("fifo").display());
    let step = |option| run(floor(bundle, "", option).arg(&fifo));
    let (made, started) = (step("w")?, step("s")?);
    let program = orphan();
    Ok(made.and(started).and(program).and(step("d")?))
}
