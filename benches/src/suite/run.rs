//! `run` of a program that ends at once.

use crate::bundle;
use crate::measure::{Contender, Pace, interleave, run};
use crate::place::{DIRECTORY, View};
use crate::runtime::{Runtime, floor};
use crate::stage::{Bench, Measure, Stage, TIMES, id};
use nix::sched::{CloneFlags, unshare};
use ocinit_tests::spec;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// The bench.
pub const BENCH: Bench = Bench { name: "run", about: "run of /bin/true", run: all };

const ALL: &[Measure] =
    &[TIMES[0], TIMES[1], ("page faults", |s| s.faults), ("context switches", |s| s.switches)];

fn all(stage: &mut Stage<'_>) -> Result<(), String> {
    let plain = bundle::make("plain", |_| {})?;
    scene(stage, "", &plain, floor(&plain, "", ""), true)?;
    scene(stage, "hot", &plain, floor(&plain, "", ""), false)?;
    if stage.view == View::V2 {
        let own = bundle::make("cgroupns", |config| {
            spec::set_namespace(config, ocinit_tests::json!({"type": "cgroup"}));
        })?;
        scene(stage, "cgroup namespace", &own, floor(&own, "", "c"), true)?;
    }
    // As engines have it, which set the network up before.
    let network = network().map_err(|e| format!("make a network namespace: {e}"))?;
    let path = format!("/proc/{}/fd/{}", std::process::id(), network.as_raw_fd());
    let joined = bundle::make("network", |config| {
        let entry = ocinit_tests::json!({"type": "network", "path": path});
        spec::set_namespace(config, entry);
    })?;
    let mut joining = floor(&joined, "n", "");
    joining.arg(format!("net={path}"));
    scene(stage, "joined network", &joined, joining, true)?;
    match bundle::docker_profile() {
        Ok(profile) => {
            let filter = bundle::filter(&profile)?;
            let filtered = bundle::make("seccomp", |config| config["linux"]["seccomp"] = profile)?;
            let mut floor = floor(&filtered, "", "");
            floor.arg(format!("filter={}", filter.display()));
            scene(stage, "Docker's seccomp profile", &filtered, floor, true)?;
        }
        Err(why) => println!("(no run with Docker's profile: {why})"),
    }
    let mapped = bundle::make("userns", spec::add_user_namespace)?;
    scene(stage, "user namespace", &mapped, floor(&mapped, "", "u"), true)?;
    rootless(stage)
}

/// A network namespace, made by a thread that ends.
fn network() -> std::io::Result<File> {
    let thread = std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET)?;
        File::open("/proc/thread-self/ns/net")
    });
    thread.join().unwrap_or_else(|_| Err(std::io::Error::other("the thread panicked")))
}

/// All contenders on one bundle, with that floor.
fn scene(
    stage: &mut Stage<'_>,
    what: &str,
    bundle: &Path,
    mut floor: Command,
    apart: bool,
) -> Result<(), String> {
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    contenders.push(Contender { name: "floor".into(), take: Box::new(|| run(&mut floor)) });
    for runtime in &stage.runtimes {
        let take = move || run(&mut runtime.run(bundle, &id()));
        contenders.push(Contender { name: runtime.name.clone(), take: Box::new(take) });
    }
    let pace = Pace {
        rounds: stage.options.rounds(100, 15),
        pause: Duration::from_millis(if apart { 30 } else { 0 }),
    };
    let outcome = interleave(contenders, pace);
    let scene = stage.scene(what);
    stage.record(&BENCH, &scene, outcome, ALL);
    Ok(())
}

/// As a user without any privilege.
fn rootless(stage: &mut Stage<'_>) -> Result<(), String> {
    let user = ocinit_tests::user::bare();
    let made = bundle::make("rootless", |config| bundle::rootless(config, user.uid, user.gid))?;
    let home = Path::new(DIRECTORY).join("user");
    std::fs::create_dir_all(&home).map_err(|e| format!("{}: {e}", home.display()))?;
    user.take(&home);
    user.take(&made);
    let call = |runtime: &Runtime| -> Command {
        let root = home.join(&runtime.name);
        let words = ["run", "--bundle", &made.display().to_string(), &id()].map(String::from);
        let mut command = runtime.call_in(&root, &words.each_ref().map(String::as_str));
        command.uid(user.uid).gid(user.gid).env("XDG_RUNTIME_DIR", &home).env("HOME", &home);
        command
    };
    // No network namespace and no control groups.
    let mut floor = floor(&made, "ng", "r");
    floor.uid(user.uid).gid(user.gid);
    let mut contenders: Vec<Contender<'_>> = Vec::new();
    contenders.push(Contender { name: "floor".into(), take: Box::new(|| run(&mut floor)) });
    for runtime in &stage.runtimes {
        let take = || run(&mut call(runtime));
        contenders.push(Contender { name: runtime.name.clone(), take: Box::new(take) });
    }
    let pace = Pace { rounds: stage.options.rounds(100, 15), pause: Duration::from_millis(30) };
    let outcome = interleave(contenders, pace);
    let scene = stage.scene("rootless");
    stage.record(&BENCH, &scene, outcome, ALL);
    Ok(())
}
