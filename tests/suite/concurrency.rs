//! Calls at the same time: on one container, and on many.

use ocinit_tests::{Lab, Outcome, oci::Running};

ocinit_tests::isolate!();

fn finish(calls: Vec<Running>) -> Vec<Outcome> {
    calls.into_iter().map(Running::wait).collect()
}

fn successes(outs: &[Outcome]) -> usize {
    outs.iter().filter(|o| o.code == 0).count()
}

#[test]
fn of_many_creates_of_one_id_exactly_one_wins() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    for _ in 0..3 {
        let c = lab.container(&bundle);
        let outs = finish((0..6).map(|_| c.on_bundle("create", &[]).spawn()).collect());
        assert_eq!(successes(&outs), 1, "{outs:#?}");
        for out in outs.into_iter().filter(|o| o.code != 0) {
            out.code_is(1).one_line().says("container with given ID already exists");
        }
        assert_eq!(c.status(), "created");
        c.start();
        c.delete_force();
        lab.assert_clean();
    }
}

#[test]
fn of_many_runs_of_one_id_exactly_one_wins() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let c = lab.container(&bundle);
    let outs = finish((0..6).map(|_| c.on_bundle("run", &["--detach"]).spawn()).collect());
    assert_eq!(successes(&outs), 1, "{outs:#?}");
    assert_eq!(c.status(), "running");
    c.delete_force();
    lab.assert_clean();
}

#[test]
fn of_many_starts_exactly_one_wins() {
    let lab = Lab::new();
    let c = lab.created();
    let outs = finish((0..6).map(|_| c.call("start", &[]).spawn()).collect());
    assert_eq!(successes(&outs), 1, "{outs:#?}");
    for out in outs.into_iter().filter(|o| o.code != 0) {
        out.code_is(1).one_line();
    }
    c.wait_for("running");
}

#[test]
fn many_deletes_agree() {
    let lab = Lab::new();
    let c = lab.created();
    c.kill("KILL");
    c.wait_for("stopped");
    let outs = finish((0..6).map(|_| c.call("delete", &[]).spawn()).collect());
    assert!(successes(&outs) >= 1, "{outs:#?}");
    for out in outs.into_iter().filter(|o| o.code != 0) {
        out.code_is(1).one_line().says("does not exist");
    }
    lab.assert_clean();
}

#[test]
fn many_forced_deletes_of_a_running_container_all_succeed() {
    let lab = Lab::new();
    let c = lab.waiting();
    let outs = finish((0..6).map(|_| c.call("delete", &["--force"]).spawn()).collect());
    assert_eq!(successes(&outs), outs.len(), "{outs:#?}");
    lab.assert_clean();
}

#[test]
fn kills_and_states_at_once_do_not_fail() {
    let lab = Lab::new();
    let c = lab.waiting();
    let calls = (0..10).map(|n| match n % 2 {
        0 => c.call("kill", &[]).arg("USR1").spawn(),
        _ => c.call("state", &[]).spawn(),
    });
    let outs = finish(calls.collect());
    assert_eq!(successes(&outs), 10, "{outs:#?}");
}

#[test]
fn a_forced_delete_during_create_leaves_nothing_in_the_end() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    for delay in 0..8 {
        let c = lab.container(&bundle);
        let create = c.on_bundle("create", &[]).spawn();
        std::thread::sleep(std::time::Duration::from_millis(delay));
        let delete = c.call("delete", &["--force"]).run();
        assert_eq!(delete.code, 0, "{}", delete.stderr);
        create.wait();
        c.delete_force();
        lab.assert_clean();
    }
}

#[test]
fn twenty_runs_at_once_are_apart() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.shell("read line; echo $line $$ $(hostname)");
    let containers: Vec<_> = (0..20).map(|_| lab.container(&bundle)).collect();
    let calls =
        containers.iter().map(|c| c.on_bundle("run", &[]).stdin(format!("{}\n", c.id())).spawn());
    let outs = finish(calls.collect());
    for (c, out) in containers.iter().zip(outs) {
        assert_eq!(out.code_is(0).quiet().stdout, format!("{} 1 guest\n", c.id()));
    }
    lab.assert_clean();
}

#[test]
fn list_works_while_containers_come_and_go() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    std::fs::create_dir(lab.state_root()).unwrap();
    let containers: Vec<_> = (0..10).map(|_| lab.container(&bundle)).collect();
    let runs: Vec<_> = containers.iter().map(|c| c.on_bundle("run", &[]).spawn()).collect();
    for _ in 0..20 {
        lab.oci(["list", "--format", "json"]).ok().json();
    }
    for out in finish(runs) {
        out.code_is(0);
    }
    lab.assert_clean();
}
