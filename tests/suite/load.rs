//! Load: many containers, runs, processes and states at once leave nothing
//! behind, fail nowhere, and take time in proportion to their number.
//!
//! The figures are printed. The numbers are small by default; `OCINIT_LOAD=full`
//! takes 500 containers, 5,000 runs, 50 programs in one and 2,000 states.

use ocinit_tests::oci::Running;
use ocinit_tests::skip::say;
use ocinit_tests::wait::patiently;
use ocinit_tests::{Container, Lab};
use std::fs;
use std::time::{Duration, Instant};

ocinit_tests::isolate!();

/// The number for this run: the full one, or one in `part`.
fn number(full: usize, part: usize) -> usize {
    if std::env::var("OCINIT_LOAD").is_ok_and(|value| value == "full") { full } else { full / part }
}

fn milliseconds(time: Duration, number: usize) -> f64 {
    time.as_secs_f64() * 1000.0 / number as f64
}

/// The time that each part of `parts` takes, and that the last takes not much
/// longer than the first: what is left behind by each run would slow the next.
fn in_proportion(what: &str, parts: &[Duration], each: usize) {
    let figures: Vec<String> =
        parts.iter().map(|time| format!("{:.2}", milliseconds(*time, each))).collect();
    let all: Duration = parts.iter().sum();
    let (number, seconds) = (each * parts.len(), all.as_secs_f64());
    say(&format!("{what}: {number} in {seconds:.1} s; by part, ms each: {}", figures.join(" ")));
    let (first, last) = (parts[0], parts[parts.len() - 1]);
    // Others work on the machine too.
    assert!(last < first * 4 + patiently(Duration::from_secs(2)), "{what}: {parts:?}");
}

#[test]
fn many_containers_at_once() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.waits();
    let number = number(500, 10);
    let containers: Vec<_> = (0..number).map(|_| lab.container(&bundle)).collect();
    let quarter = number / 5;
    let times = |act: &dyn Fn(&Container)| -> Vec<Duration> {
        containers
            .chunks(quarter)
            .map(|part| {
                let start = Instant::now();
                part.iter().for_each(act);
                start.elapsed()
            })
            .collect()
    };
    let made = times(&|c| drop(c.run_detached()));
    in_proportion("containers made", &made, quarter);
    let listed = lab.oci(["list", "--format", "json"]).ok().json();
    let running = |c: &&ocinit_tests::Value| c["status"] == "running";
    let listed = listed.as_array().expect("a list").iter().filter(running).count();
    assert_eq!(listed, number, "all run at once");
    let deleted = times(&|c| drop(c.delete_force()));
    in_proportion("containers deleted", &deleted, quarter);
    lab.assert_clean();
}

#[test]
fn many_runs_in_a_row() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    let each = number(5000, 10) / 5;
    let c = lab.container(&bundle);
    let parts: Vec<Duration> = (0..5)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..each {
                let out = c.run().quiet();
                // Each call has files of its own.
                let _ = fs::remove_file(&out.stdout_file);
            }
            start.elapsed()
        })
        .collect();
    in_proportion("runs", &parts, each);
    lab.assert_clean();
    assert_eq!(fs::read_dir(lab.state_root()).expect("the state root").count(), 0);
}

#[test]
fn many_programs_in_one_container() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    let open = || fs::read_dir(format!("/proc/{}/fd", c.pid())).expect("init").count();
    let before = open();
    let start = Instant::now();
    for _ in 0..number(3, 3) {
        let calls: Vec<Running> = (0..50)
            .map(|number| {
                let status = (number % 7).to_string();
                let call = c.exec(&[], &["/bin/guest", "exit", &status]);
                call.timeout(patiently(Duration::from_secs(120))).spawn()
            })
            .collect();
        for (number, call) in calls.into_iter().enumerate() {
            call.wait().code_is(number as i32 % 7);
        }
    }
    say(&format!("50 programs at once in one container: {:.1} s", start.elapsed().as_secs_f64()));
    assert_eq!(open(), before, "descriptors of init");
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn a_list_of_many_states() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    let number = number(2000, 1);
    let c = lab.container(&bundle);
    c.run_detached();
    c.wait_for("stopped");
    let state = fs::read_to_string(lab.state_root().join(c.id()).join("state.json")).unwrap();
    let mut parts = Vec::new();
    for part in 0..4 {
        for index in 0..number / 4 {
            let id = format!("{}-{part}-{index}", c.id());
            let dir = lab.state_root().join(&id);
            fs::create_dir(&dir).unwrap();
            fs::write(dir.join("state.json"), state.replace(c.id(), &id)).unwrap();
        }
        let start = Instant::now();
        let list = lab.oci(["list", "--format", "json"]).ok().json();
        parts.push(start.elapsed());
        let states = number / 4 * (part + 1) + 1;
        assert_eq!(list.as_array().expect("a list").len(), states);
        say(&format!("list of {states} states: {:.1} ms", milliseconds(parts[part], 1)));
    }
    let limit = parts[0] * 16 + patiently(Duration::from_secs(1));
    assert!(parts[3] < limit, "four times as many take {:?}", parts);
    c.delete_force();
    for entry in fs::read_dir(lab.state_root()).unwrap().flatten() {
        fs::remove_dir_all(entry.path()).unwrap();
    }
}
