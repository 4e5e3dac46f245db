//! The lowest memory limit with which a container still runs: what the runtime's
//! process in the container needs, with the kernel's memory for it.

use crate::bundle;
use crate::measure::{reap, run};
use crate::runtime::Runtime;
use crate::stage::{Bench, Stage, id};
use ocinit_tests::json;
use std::path::Path;

/// The bench.
pub const BENCH: Bench = Bench { name: "limit", about: "lowest memory limit of a run", run: all };

/// Runs that must all succeed.
const RUNS: usize = 5;

fn all(stage: &mut Stage<'_>) -> Result<(), String> {
    let scene = stage.scene("");
    if ocinit_tests::cgroups::v1("memory").is_none()
        && !ocinit_tests::cgroups::unified_has("memory")
    {
        println!("(no limits of memory in the view {})", stage.view.name());
        return Ok(());
    }
    let bundle = bundle::make("limit", |_| {})?;
    for runtime in stage.runtimes.clone() {
        match lowest(&runtime, &bundle) {
            Ok(pages) => {
                let values = vec![(pages * 4) as f64];
                stage.results.add(BENCH.name, &scene, "limit KiB", &runtime.name, values);
            }
            Err(why) => stage.results.fail(BENCH.name, &scene, "limit KiB", &runtime.name, &why),
        }
    }
    Ok(())
}

/// The limit, in pages.
fn lowest(runtime: &Runtime, bundle: &Path) -> Result<u64, String> {
    let (mut fails, mut works) = (0, 16384);
    runs(runtime, bundle, works)?;
    while works - fails > 1 {
        let middle = (works + fails) / 2;
        match runs(runtime, bundle, middle) {
            Ok(()) => works = middle,
            Err(_) => fails = middle,
        }
    }
    Ok(works)
}

fn runs(runtime: &Runtime, bundle: &Path, pages: u64) -> Result<(), String> {
    bundle::change(bundle, |config| {
        config["linux"]["resources"]["memory"] = json!({"limit": pages * 4096});
    })?;
    for _ in 0..RUNS {
        let id = id();
        let ended = run(&mut runtime.run(bundle, &id));
        if ended.is_err() {
            let _ = run(&mut runtime.call(&["delete", "--force", &id]));
        }
        reap();
        ended?;
    }
    Ok(())
}
