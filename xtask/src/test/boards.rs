//! Boards: what the init does on each of them, seen from the console.
//!
//! A board is booted once for each situation, and two boards at a time. A board
//! that cannot be booted has failed, with the reason: only what its kernel has
//! not got is skipped.

use super::situations::{self, FILE, NEGLECTED, Situation, Variant};
use super::tally::{Suite, Tally};
use crate::boards::{Board, Boot, Disk, FileSystem, Image, Said, Trials, bundle, suite};
use crate::build;
use crate::error::Result;
use crate::process::step;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// A boot takes 3 s, or many times that where others compute too.
const LIMIT: Duration = Duration::from_secs(240);

/// The tests take a minute, or many times that.
const SUITE_LIMIT: Duration = Duration::from_secs(20 * 60);

/// What the board says before a line about a test that was skipped.
const SKIP: &str = "BOARD SKIP ";

/// What a program says of which a test failed.
const FAILED: &str = "test result: FAILED";

/// How many boards are tried at a time.
const AT_ONCE: usize = 2;

/// What one board has come to.
struct Outcome {
    name: String,
    checks: Vec<(String, Result)>,
    skips: Vec<String>,
    figures: Vec<String>,
    suite: Option<Tests>,
}

/// The integration tests there, those skipped, and how the boot with them ended.
type Tests = (Suite, String, Result<bool>);

/// Tries all boards, or the one called `name`, or else those whose name contains
/// it.
pub fn run(name: &Option<String>, tally: &mut Tally) {
    let boards = match Board::all() {
        Ok(boards) => boards,
        Err(why) => return tally.check("the boards can be read", false, &why),
    };
    let exact = boards.iter().any(|board| Some(&board.name) == name.as_ref());
    let asked = |board: &Board| match name {
        Some(name) if exact => board.name == *name,
        Some(name) => board.name.contains(name),
        None => true,
    };
    let boards: Vec<Board> = boards.into_iter().filter(asked).collect();
    for board in &boards {
        step(format_args!("the kernel's configuration of {}", board.name));
        let name = format!("{}: the kernel takes every line of its configuration", board.name);
        let result = board.check_config();
        tally.check(&name, result.is_ok(), result.err().as_deref().unwrap_or_default());
    }
    let packer = match build::release() {
        Ok(built) => built.path,
        Err(why) => return tally.check("the release binary builds", false, &why),
    };
    // Everything that cargo and apt make, one after the other: they lock.
    let mut ready = Vec::new();
    for board in boards.iter().filter(|board| board.is_emulated()) {
        match Bench::new(board, &packer) {
            Ok(bench) => ready.push(bench),
            Err(why) => tally.check(&format!("{} can be booted", board.name), false, &why),
        }
    }
    let (queue, outcomes) = (Mutex::new(ready.iter()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no panic").next();
                    let Some(bench) = next else { break };
                    let outcome = bench.run();
                    outcomes.lock().expect("no panic").push(outcome);
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().expect("no panic");
    outcomes.sort_by(|a: &Outcome, b| a.name.cmp(&b.name));
    for outcome in &outcomes {
        for (check, result) in &outcome.checks {
            let name = format!("{}: {check}", outcome.name);
            tally.check(&name, result.is_ok(), result.as_ref().err().map_or("", |why| why));
        }
        for skip in &outcome.skips {
            tally.left_out(&outcome.name, skip);
        }
    }
    for outcome in outcomes {
        println!("{:24} {}", outcome.name, outcome.figures.join(", "));
        if let Some((suite, skips, good)) = outcome.suite {
            tally.suite(&outcome.name, suite, good);
            tally.skipped(&skips);
        }
    }
}

/// A board with all that its boots take.
struct Bench<'a> {
    board: &'a Board,
    kernel: PathBuf,
    whole: Image,
    bare: Image,
    /// With the modules of the kernel, where it has what it needs in modules.
    loaded: Image,
    /// The same with the settings of a board that nobody looks after.
    neglected: Image,
    /// With the integration tests, where the board is tried with everything.
    suite: Option<Image>,
    disks: Vec<Disk>,
}

impl<'a> Bench<'a> {
    fn new(board: &'a Board, packer: &Path) -> Result<Bench<'a>> {
        board.install()?;
        let kernel = board.kernel()?;
        let binary = board.binary()?;
        let bundle = bundle::made(board, &binary)?;
        let whole = Image::pack(&board.name, packer, &binary, &bundle)?;
        let bare = Image::without_dev(&board.name, packer, &binary, &bundle)?;
        let modules = kernel.join("modules");
        let settings = [("etc/ocinit.json", NEGLECTED.as_bytes())];
        let neglected = whole.with("neglected", &modules, &settings)?;
        let (disks, suite) = match board.trials() {
            Trials::All => {
                let bundle = suite::made(board, &binary)?;
                let name = format!("{}-suite", board.name);
                (Disk::all(board)?, Some(Image::pack(&name, packer, &binary, &bundle)?))
            }
            Trials::Little | Trials::Start => (Vec::new(), None),
        };
        let file = |kind| disks.iter().find(|disk: &&Disk| disk.kind == kind).map(Disk::bytes);
        let files: Vec<_> =
            file(FileSystem::Erofs).into_iter().map(|bytes| (FILE, bytes)).collect();
        let loaded = whole.with("loaded", &modules, &files)?;
        let kernel = kernel.join("image");
        Ok(Bench { board, kernel, whole, bare, loaded, neglected, suite, disks })
    }

    fn run(&self) -> Outcome {
        let name = self.board.name.clone();
        let mut outcome = Outcome {
            name,
            checks: Vec::new(),
            skips: Vec::new(),
            figures: Vec::new(),
            suite: None,
        };
        outcome.figures.push(format!("initramfs {} KiB", self.whole.size / 1024));
        for situation in situations::of(self.board) {
            if let Some(why) = self.lacks(situation.variant) {
                outcome.skips.push(format!("{}: {why}", situation.name));
                continue;
            }
            let said = self.boot(situation);
            let result = match &said {
                Ok(said) => self.judge(situation, said, outcome.checks.is_empty()),
                Err(why) => Err(why.clone()),
            };
            if let Ok(said) = &said {
                outcome.figures.extend(situation.figures(said));
            }
            match (situation.variant, &said) {
                (Variant::Suite, Ok(said)) => outcome.suite = Some(counted(&said.lines, result)),
                _ => outcome.checks.push((situation.name.into(), result)),
            }
        }
        outcome
    }

    /// Whether the boot went as it has to, with the console where it did not, and
    /// where it is to be `shown` anyway.
    fn judge(&self, situation: &Situation, said: &Said, shown: bool) -> Result {
        let verdict = situation.verdict(said, self.board.watchdog());
        let verdict = verdict.and_then(|()| self.disks.iter().try_for_each(Disk::check));
        let good = verdict.is_ok() && !said.lines.iter().any(|line| line.starts_with(FAILED));
        let (name, what, time) = (&self.board.name, situation.name, said.time.as_secs_f64());
        println!("    {name}: {what}: {}, {time:.1} s", if good { "ok" } else { "FAILED" });
        if !good || shown {
            let failed = verdict.as_ref().err().map_or("a test failed", |why| why);
            let why = if good { what } else { failed };
            println!("{name}: {why}; the console:\n{}", said.lines.join("\n"));
        }
        verdict
    }

    /// Why the board cannot be booted with that.
    fn lacks(&self, variant: Variant) -> Option<String> {
        match variant {
            Variant::Small if self.board.least_memory().is_none() => {
                Some("the kernel itself needs far more memory".into())
            }
            Variant::Neglected if !self.board.has("reset") => {
                Some("the firmware does not reset the machine".into())
            }
            Variant::Disk(kind) | Variant::File(kind) if !self.board.has(kind.name()) => {
                Some(format!("the kernel reads no {} that is made here", kind.name()))
            }
            _ => None,
        }
    }

    fn boot(&self, situation: &Situation) -> Result<Said> {
        let disk = |kind| self.disks.iter().find(|disk| disk.kind == kind);
        let watchdog = || self.board.watchdog().into_iter();
        let watchdog = || watchdog().flat_map(|device| ["-device".into(), device.into()]).collect();
        let mut arguments = Vec::new();
        let image = match situation.variant {
            Variant::Whole | Variant::Small => &self.whole,
            Variant::WithoutDev => &self.bare,
            Variant::Modules => {
                arguments = watchdog();
                &self.loaded
            }
            Variant::Neglected => {
                arguments = watchdog();
                &self.neglected
            }
            Variant::Disk(kind) => {
                arguments.extend(disk(kind).into_iter().flat_map(Disk::arguments));
                &self.loaded
            }
            Variant::File(_) => &self.loaded,
            Variant::Suite => self.suite.as_ref().ok_or("there is no image with the tests")?,
        };
        let memory = match situation.variant {
            Variant::Small => self.board.least_memory(),
            _ => None,
        };
        let parameters = format!("quiet {}", situation.parameters);
        let boot = Boot {
            board: self.board,
            kernel: &self.kernel,
            initramfs: &image.path,
            parameters: &parameters,
            memory,
            arguments: &arguments,
            limit: if situation.variant == Variant::Suite { SUITE_LIMIT } else { LIMIT },
        };
        boot.run(|_| ())
    }
}

/// The integration tests in what the console said.
fn counted(lines: &[String], result: Result) -> Tests {
    let (mut suite, mut skips) = (Suite::default(), String::new());
    for line in lines {
        match line.strip_prefix(SKIP) {
            Some(skip) => skips.extend([skip, "\n"]),
            None => suite.line(line),
        }
    }
    (suite, skips, result.map(|()| true))
}
