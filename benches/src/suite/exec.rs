//! `exec` of a program that ends at once, in a container that waits.

use crate::bundle;
use crate::measure::{Contender, Pace, interleave, reap, run};
use crate::runtime::enter;
use crate::stage::{Bench, Stage, TIMES, id};
use ocinit_tests::{Value, json};
use std::process::Stdio;
use std::time::Duration;

/// The bench.
pub const BENCH: Bench = Bench { name: "exec", about: "exec of /bin/true", run: all };

fn all(stage: &mut Stage<'_>) -> Result<(), String> {
    let bundle = bundle::make("pause", |config| config["process"]["args"] = json!(["/bin/pause"]))?;
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    let mut ids = Vec::new();
    for runtime in &stage.runtimes {
        let id = id();
        let words =
            ["run", "--detach", "--bundle", &bundle.display().to_string(), &id].map(String::from);
        let started = run(&mut runtime.call(&words.each_ref().map(String::as_str)));
        ids.push((runtime, id.clone()));
        let take = move || {
            started.clone()?;
            run(&mut runtime.call(&["exec", &id, "/bin/true"]))
        };
        contenders.push(Contender { name: runtime.name.clone(), take: Box::new(take) });
    }
    // The floor enters the container of the first.
    let state = stage.runtimes[0].call(&["state", &ids[0].1]).stdout(Stdio::piped()).output();
    let state: Value =
        state.ok().and_then(|out| serde_json::from_slice(&out.stdout).ok()).unwrap_or_default();
    let pid = state["pid"].as_i64().unwrap_or(0) as i32;
    let take = move || run(&mut enter(pid));
    contenders.insert(0, Contender { name: "floor".into(), take: Box::new(take) });
    let pace = Pace { rounds: stage.options.rounds(100, 15), pause: Duration::from_millis(20) };
    let outcome = interleave(contenders, pace);
    for (runtime, id) in ids {
        let _ = run(&mut runtime.call(&["delete", "--force", &id]));
        reap();
    }
    let scene = stage.scene("");
    stage.record(&BENCH, &scene, outcome, TIMES);
    Ok(())
}
