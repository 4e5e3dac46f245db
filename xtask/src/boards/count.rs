//! `cargo xtask bench boot`: from the kernel's last step to the container's
//! program, on each board, in instructions.
//!
//! QEMU lets the machine's clock go on by a nanosecond with each instruction, and
//! where the machine waits for a timer, at once to that. So the clock of the
//! kernel's log counts instructions, of the kernel and of the init, and the
//! waits; how fast the emulator is does not matter, nor what else its host does.

use super::bundle;
use super::console::{Boot, Ending, Said};
use super::image::Image;
use super::{Board, Trials};
use crate::build;
use crate::error::Result;
use crate::process::step;
use std::path::Path;
use std::time::Duration;

/// A boot that is counted takes 20 s, or many times that where others compute.
const LIMIT: Duration = Duration::from_secs(600);

/// How often each is booted: the first figure is the one, the others say how far
/// it can be trusted.
const BOOTS: usize = 3;

/// Everything is said, with its time, and nothing is in another place each time.
const PARAMETERS: &str = "loglevel=8 printk.time=1 nokaslr norandmaps";

const ARGUMENTS: [&str; 4] =
    ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01T00:00:00,clock=vm"];

/// The kernel's last words before it executes the init.
const HANDED_OVER: &str = "Run /init as init process";
/// The init's when it has brought the machine up.
const UP: &str = " is process 1";
/// The init's when the program runs.
const STARTED: &str = "ocinit: container \"main\" started";

/// One boot, in instructions from when the init is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Count {
    up: u64,
    started: u64,
}

/// Counts on the boards whose names are given, or else on all that are emulated
/// and have a container of their own.
pub fn bench(names: &[String]) -> Result<bool> {
    let boards = match names {
        [] => Board::all()?
            .into_iter()
            .filter(|board| board.is_emulated() && board.trials() != Trials::Start)
            .collect(),
        names => names.iter().map(|name| Board::find(name)).collect::<Result<Vec<_>>>()?,
    };
    let packer = build::release()?.path;
    let mut lines = Vec::new();
    for board in &boards {
        board.install()?;
        let counts = counts(board, &packer)?;
        let spread = spread(&counts);
        let Count { up, started } = counts[0];
        lines.push(format!(
            "| {} | {:.2} | {:.2} | {spread:.1} % |",
            board.name,
            millions(up),
            millions(started)
        ));
    }
    println!("\nMillions of instructions from the kernel's last step before /init\n");
    println!("| board | to the init's first line | to the program | of {BOOTS} boots apart by |");
    println!("|---|---:|---:|---:|");
    lines.iter().for_each(|line| println!("{line}"));
    Ok(true)
}

fn counts(board: &Board, packer: &Path) -> Result<Vec<Count>> {
    let kernel = board.kernel()?.join("image");
    let binary = board.binary()?;
    let image = Image::pack(&board.name, packer, &binary, &bundle::made(board, &binary)?)?;
    let arguments = ARGUMENTS.map(String::from);
    let boot = Boot {
        board,
        kernel: &kernel,
        initramfs: &image.path,
        parameters: PARAMETERS,
        memory: None,
        arguments: &arguments,
        limit: LIMIT,
    };
    step(format_args!("booting {} {BOOTS} times, counting instructions", board.name));
    (0..BOOTS).map(|_| boot.run(|_| ()).and_then(|said| count(&board.name, &said))).collect()
}

/// What the console said, as figures.
fn count(board: &str, said: &Said) -> Result<Count> {
    let failed =
        |why: &str| Err(format!("{board}: {why}; the console:\n{}", said.lines.join("\n")));
    if said.ending != Ending::Off {
        return failed(&format!("the machine's end: {:?}", said.ending));
    }
    let at = |text| said.lines.iter().find_map(|line| stamp(line, text));
    match (at(HANDED_OVER), at(UP), at(STARTED)) {
        (Some(begin), Some(up), Some(started)) if begin < up && up < started => {
            Ok(Count { up: up - begin, started: started - begin })
        }
        times => failed(&format!("times {times:?}")),
    }
}

/// The time in front of a line of the kernel's log that contains the text, in
/// nanoseconds: `[    1.663331] TEXT`.
fn stamp(line: &str, text: &str) -> Option<u64> {
    let (time, said) = line.strip_prefix('[')?.split_once("] ")?;
    let (seconds, fraction) = time.trim().split_once('.')?;
    let (seconds, micros): (u64, u64) = (seconds.parse().ok()?, fraction.parse().ok()?);
    (fraction.len() == 6 && said.contains(text)).then_some((seconds * 1_000_000 + micros) * 1_000)
}

/// How far apart they are, in hundredths of the least.
fn spread(counts: &[Count]) -> f64 {
    let all = || counts.iter().map(|count| count.started);
    let (least, most) = (all().min().unwrap_or(1), all().max().unwrap_or(1));
    (most - least) as f64 * 100.0 / least as f64
}

fn millions(instructions: u64) -> f64 {
    instructions as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_log() {
        for (line, expect) in [
            ("[    1.663331] Run /init as init process", Some(1_663_331_000)),
            ("[   12.000001] Run /init as init process", Some(12_000_001_000)),
            ("[    1.663331] Run /sbin/init as init process", None),
            ("Run /init as init process", None),
            ("[    1.66] Run /init as init process", None),
            ("[x] Run /init as init process", None),
        ] {
            assert_eq!(stamp(line, HANDED_OVER), expect, "{line}");
        }
    }

    #[test]
    fn boots_are_counted_to_both_lines() {
        let console = |ending, text: &str| Said {
            lines: text.lines().map(String::from).collect(),
            ending,
            time: Duration::ZERO,
        };
        let whole = "ocinit: 0.1.0 is process 1\n\
            [    1.000000] Run /init as init process\n\
            [    1.001500] ocinit: 0.1.0 is process 1\n\
            ocinit: container \"main\" started (pid 80) after 10 ms\n\
            [    1.010000] ocinit: container \"main\" started (pid 80) after 10 ms\n";
        let expect = Count { up: 1_500_000, started: 10_000_000 };
        assert_eq!(count("b", &console(Ending::Off, whole)), Ok(expect));
        assert!(count("b", &console(Ending::Late, whole)).is_err());
        assert!(count("b", &console(Ending::Off, &whole.replace("Run", "run"))).is_err());
        assert!(count("b", &console(Ending::Off, &whole.replace("1.01", "1.00"))).is_err());
    }

    #[test]
    fn boots_differ_by() {
        let started = |started| Count { up: 1, started };
        assert_eq!(spread(&[started(100), started(103), started(101)]), 3.0);
        assert_eq!(spread(&[started(100)]), 0.0);
    }
}
