//! Many containers that stay: started one after another, and 8 at a time.

use crate::bundle;
use crate::measure::{pool, reap};
use crate::runtime::Runtime;
use crate::stage::{Bench, Stage, id};
use ocinit_tests::json;
use std::path::Path;

/// The bench.
pub const BENCH: Bench =
    Bench { name: "many", about: "100 and 1,000 containers that stay, each", run: all };

fn all(stage: &mut Stage<'_>) -> Result<(), String> {
    let bundle = bundle::make("pause", |config| config["process"]["args"] = json!(["/bin/pause"]))?;
    let counts: &[usize] = if stage.options.quick { &[20] } else { &[100, 1000] };
    for count in counts {
        for width in [1, 8] {
            let scene = stage.scene(&format!("{count}, {width} at a time"));
            for runtime in stage.runtimes.clone() {
                // youki's `run` hangs now and then; a thousand of them do surely.
                // runc's `delete` waits for more than 100 ms, each time alike.
                let too_slow = match &*runtime.name {
                    "youki" => true,
                    "runc" => width == 1,
                    _ => false,
                };
                if *count > 100 && too_slow {
                    continue;
                }
                let name = &runtime.name;
                match life(&runtime, &bundle, *count, width) {
                    Ok(figures) => {
                        for (measure, value) in figures {
                            let each = value / *count as f64;
                            stage.results.add(BENCH.name, &scene, measure, name, vec![each]);
                        }
                    }
                    Err(why) => stage.results.fail(BENCH.name, &scene, "start ms", name, &why),
                }
            }
        }
    }
    Ok(())
}

/// Starts them, and deletes them; what that took.
fn life(
    runtime: &Runtime,
    bundle: &Path,
    count: usize,
    width: usize,
) -> Result<[(&'static str, f64); 4], String> {
    let ids: Vec<String> = (0..count).map(|_| id()).collect();
    let bundle = bundle.display().to_string();
    let start = |id: &String| runtime.call(&["run", "--detach", "--bundle", &bundle, id]);
    let started = pool(ids.iter().map(start), width);
    let delete = |id: &String| runtime.call(&["delete", "--force", id]);
    let deleted = pool(ids.iter().map(delete), width);
    reap();
    let (started, deleted) = (started?, deleted?);
    Ok([
        ("start ms", started.wall),
        ("start cpu ms", started.cpu),
        ("delete ms", deleted.wall),
        ("delete cpu ms", deleted.cpu),
    ])
}
