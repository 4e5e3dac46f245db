//! Create, start, state, list, delete.

use ocinit_tests::{Lab, json};

ocinit_tests::isolate!();

#[test]
fn a_container_goes_through_its_states() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.waits();
    let c = lab.container(&bundle);
    let out = c.create();
    assert_eq!(c.status(), "created");
    assert_eq!(out.stdout_now(), "", "the program does not run before start");
    c.start();
    assert_eq!(c.status(), "running");
    ocinit_tests::eventually("ready", || out.stdout_now().contains("ready"));
    c.kill("TERM");
    c.wait_for("stopped");
    assert_eq!(c.state()["pid"], json!(0));
    c.delete();
    c.call("state", &[]).fails(1).says("does not exist").one_line();
    lab.assert_clean();
}
