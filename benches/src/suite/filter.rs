//! What a system call costs under the filter that a runtime makes of Docker's
//! default profile.

use crate::bundle;
use crate::runtime::Runtime;
use crate::stage::{Bench, Stage, id};
use ocinit_tests::{Value, json};
use std::path::Path;
use std::process::Stdio;

/// The bench.
pub const BENCH: Bench =
    Bench { name: "filter", about: "a system call under Docker's profile", run: all };

/// What `calls` prints, in this order.
const MEASURES: [&str; 2] = ["getppid ns", "faccessat2 ns"];

fn all(stage: &mut Stage<'_>) -> Result<(), String> {
    let profile = match bundle::docker_profile() {
        Ok(profile) => profile,
        Err(why) => {
            println!("(no cost of a filter: {why})");
            return Ok(());
        }
    };
    let calls = |config: &mut Value| config["process"]["args"] = json!(["/bin/calls"]);
    let without = bundle::make("calls", calls)?;
    let with = bundle::make("calls-filtered", |config| {
        calls(config);
        config["linux"]["seccomp"] = profile;
    })?;
    let scene = stage.scene("");
    let mut contenders = vec![("no filter".to_string(), &stage.runtimes[0], &without)];
    contenders.extend(stage.runtimes.iter().map(|r| (r.name.clone(), r, &with)));
    let rounds = stage.options.rounds(10, 3);
    let mut values = vec![[const { Vec::new() }; 2]; contenders.len()];
    let mut failures = vec![None; contenders.len()];
    for _ in 0..rounds {
        for (index, (_, runtime, bundle)) in contenders.iter().enumerate() {
            match costs(runtime, bundle) {
                Ok(costs) => (0..2).for_each(|i| values[index][i].push(costs[i])),
                Err(why) => failures[index] = Some(why),
            }
        }
    }
    let names: Vec<String> = contenders.into_iter().map(|(name, ..)| name).collect();
    for ((name, values), failure) in names.iter().zip(values).zip(failures) {
        for (measure, values) in MEASURES.iter().zip(values) {
            match &failure {
                Some(why) => stage.results.fail(BENCH.name, &scene, measure, name, why),
                None => stage.results.add(BENCH.name, &scene, measure, name, values),
            }
        }
    }
    Ok(())
}

fn costs(runtime: &Runtime, bundle: &Path) -> Result<[f64; 2], String> {
    let mut command = runtime.run(bundle, &id());
    let out = command.stdout(Stdio::piped()).output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stdout);
    let mut numbers = text.split_whitespace().filter_map(|n| n.parse::<f64>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(a), Some(b)) if out.status.success() => Ok([a / 1e3, b / 1e3]),
        _ => Err(format!("{}: {}", out.status, String::from_utf8_lossy(&out.stderr).trim_end())),
    }
}
