//! `list`: the table, JSON, ids, and what does not belong there.

use ocinit_tests::{Lab, Value, json};
use std::fs;

ocinit_tests::isolate!();

#[test]
fn list_has_a_table_json_and_ids() {
    let lab = Lab::new();
    let bundle = lab.waiting_bundle();
    let (a, b) = (lab.container(&bundle), lab.container(&bundle));
    a.create();
    b.run_waiting();

    let table = lab.oci(["list"]).ok().quiet().stdout;
    let rows: Vec<Vec<&str>> = table.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]);
    assert_eq!(rows.len(), 3, "{table}");
    for (c, status) in [(&a, "created"), (&b, "running")] {
        let row = rows.iter().find(|r| r[0] == c.id()).expect("a row for each");
        let pid = c.pid().to_string();
        assert_eq!(row[1..4], [&pid, status, bundle.dir().to_str().unwrap()]);
        assert_eq!(row[5], "root");
    }
    assert_eq!(lab.oci(["list", "--format", "table"]).ok().stdout, table);

    let all = lab.oci(["list", "-f", "json"]).ok().quiet().json();
    let of = |id: &str| all.as_array().unwrap().iter().find(|c| c["id"] == id).unwrap().clone();
    assert_eq!(of(a.id())["status"], "created");
    assert_eq!(of(b.id())["pid"], json!(b.pid()));
    assert_eq!(of(a.id())["owner"], "root");
    assert_eq!(of(a.id())["bundle"], json!(bundle.dir()));

    let ids = lab.oci(["list", "-q"]).ok().quiet().stdout;
    let mut ids: Vec<&str> = ids.lines().collect();
    ids.sort_unstable();
    assert_eq!(ids, [a.id(), b.id()]);
    lab.oci(["list", "--format=xml"]).fails(1).one_line();
}

#[test]
fn list_of_nothing_is_null_or_a_header() {
    let lab = Lab::new();
    fs::create_dir(lab.state_root()).unwrap();
    assert_eq!(lab.oci(["list", "--format=json"]).ok().json(), Value::Null);
    assert_eq!(lab.oci(["list"]).ok().stdout.lines().count(), 1);
    assert_eq!(lab.oci(["list", "--quiet"]).ok().stdout, "");
}

#[test]
fn list_of_a_missing_root_is_an_error() {
    let lab = Lab::new();
    lab.oci(["list"]).fails(1).one_line();
}

#[test]
fn a_broken_neighbour_does_not_hide_the_others() {
    let lab = Lab::new();
    let c = lab.created();
    let broken = lab.id();
    fs::create_dir(lab.state_root().join(&broken)).unwrap();
    fs::write(lab.state_root().join("a-file"), "").unwrap();
    let all = lab.oci(["list", "-f", "json"]).ok().json();
    assert!(all.as_array().unwrap().iter().any(|x| x["id"] == c.id()), "{all}");
    lab.oci(["delete", "--force", &broken]).ok();
    fs::remove_file(lab.state_root().join("a-file")).unwrap();
}
