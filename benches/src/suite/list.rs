//! `list` of many containers. They are copies of the state of one.

use crate::bundle;
use crate::measure::{Contender, Pace, interleave, reap, run};
use crate::place::{DIRECTORY, View};
use crate::runtime::Runtime;
use crate::stage::{Bench, Stage, TIMES, id};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The bench.
pub const BENCH: Bench = Bench { name: "list", about: "list", run: all };

fn all(stage: &mut Stage<'_>) -> Result<(), String> {
    // The same files in either view.
    if stage.view != View::V1 {
        return Ok(());
    }
    let bundle = bundle::make("plain", |_| {})?.display().to_string();
    let counts: &[usize] =
        if stage.options.quick { &[10, 100, 1000] } else { &[10, 100, 1000, 10_000] };
    let originals: Vec<(Runtime, String)> =
        stage.runtimes.iter().map(|runtime| (runtime.clone(), id())).collect();
    for (runtime, id) in &originals {
        if let Err(why) = run(&mut runtime.call(&["create", "--bundle", &bundle, id])) {
            println!("({}: {why})", runtime.name);
        }
    }
    for count in counts {
        let mut contenders: Vec<Contender<'_>> = Vec::new();
        for (runtime, id) in &originals {
            let root = copies(runtime, id, *count);
            let take = move || run(&mut runtime.call_in(root.as_ref()?, &["list"]));
            contenders.push(Contender { name: runtime.name.clone(), take: Box::new(take) });
        }
        let pace = Pace {
            rounds: if *count > 1000 { 5 } else { stage.options.rounds(20, 8) },
            pause: Duration::from_millis(5),
        };
        let outcome = interleave(contenders, pace);
        stage.record(&BENCH, &format!("{count} containers"), outcome, TIMES);
    }
    for (runtime, id) in &originals {
        let _ = run(&mut runtime.call(&["delete", "--force", id]));
        reap();
    }
    Ok(())
}

/// A directory of states with so many copies of the container `id`.
fn copies(runtime: &Runtime, id: &str, count: usize) -> Result<PathBuf, String> {
    let root = Path::new(DIRECTORY).join(format!("list-{}", runtime.name));
    let _ = std::fs::remove_dir_all(&root);
    let original = runtime.root().join(id);
    let copy = || -> std::io::Result<()> {
        std::fs::create_dir_all(&root)?;
        for number in 0..count {
            let name = format!("copy-{number:08}");
            let to = root.join(&name);
            std::fs::create_dir(&to)?;
            for entry in std::fs::read_dir(&original)?.flatten() {
                // Sockets and pipes are no part of what is listed.
                if entry.file_type()?.is_file() {
                    let text = std::fs::read_to_string(entry.path())?;
                    std::fs::write(to.join(entry.file_name()), text.replace(id, &name))?;
                }
            }
        }
        Ok(())
    };
    copy().map(|()| root).map_err(|e| format!("copy the state of {}: {e}", runtime.name))
}
