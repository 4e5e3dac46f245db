//! Where the kernel's time goes: the floor without each of its pieces.

use crate::bundle;
use crate::measure::{Contender, Pace, interleave, run};
use crate::runtime::floor;
use crate::stage::{Bench, Stage, TIMES};
use std::time::Duration;

/// The bench.
pub const BENCH: Bench =
    Bench { name: "pieces", about: "the floor without one of its pieces", run: all };

/// The floor's letters (`floor/src/bin/floor.rs`), and what they leave out.
const PIECES: &[(&str, &str)] = &[
    ("", "floor"),
    ("n", "no netns"),
    ("s", "no ipc, uts"),
    ("p", "no pidns"),
    ("g", "no cgroups"),
    ("mdk", "no mounts"),
    ("d", "no devices"),
    ("k", "no masks"),
    ("v", "no pivot"),
    ("c", "no caps"),
    ("nspgmdkvc", "mountns only"),
];

fn all(stage: &mut Stage<'_>) -> Result<(), String> {
    let bundle = bundle::make("plain", |_| {})?;
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    for (letters, name) in PIECES {
        let bundle = &bundle;
        let take = move || run(&mut floor(bundle, letters, ""));
        contenders.push(Contender { name: (*name).into(), take: Box::new(take) });
    }
    let pace = Pace { rounds: stage.options.rounds(100, 20), pause: Duration::from_millis(10) };
    let outcome = interleave(contenders, pace);
    let scene = stage.scene("");
    stage.record(&BENCH, &scene, outcome, TIMES);
    Ok(())
}
