//! On a false resctrl: a directory with the files that matter.

extern crate std;
use super::*;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::fs;
use std::path::PathBuf;

struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Tree {
        let root = std::env::temp_dir().join(format!("resctrl.{name}.{}", std::process::id()));
        fs::create_dir_all(root.join("mon_groups")).unwrap();
        fs::write(root.join("schemata"), "    MB:0=100;1=100\n    L3:0=7ff;1=7ff\n").unwrap();
        Tree(root)
    }

    fn root(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap_or_default()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn pid() -> Pid {
    Pid::from_raw(42).unwrap()
}

#[test]
fn without_resctrl_it_is_an_error() {
    let error = Group::plan("/nonexistent", &IntelRdt::default(), "c").unwrap_err().to_string();
    assert!(error.contains("linux.intelRdt: there is no resctrl"), "{error}");
}

#[test]
fn other_shares_for_a_class_that_is_there() {
    let tree = Tree::new("share");
    let group = Group { class: text!("{}", tree.root()), ..Group::default() };
    group.share(&IntelRdt { mem_bw_schema: Some("MB:0=20"), ..IntelRdt::default() }).unwrap();
    assert!(tree.text("schemata").starts_with("MB:0=20\n"), "{}", tree.text("schemata"));
    let missing = Group { class: text!("{}/nosuch", tree.root()), ..Group::default() };
    let shares = IntelRdt { l3_cache_schema: Some("L3:0=f"), ..IntelRdt::default() };
    assert!(missing.share(&shares).unwrap_err().to_string().contains("nosuch/schemata"));
}

#[test]
fn a_class_of_its_own() {
    let tree = Tree::new("own");
    let rdt = IntelRdt {
        l3_cache_schema: Some("L3:0=f\nMB:0=1"),
        mem_bw_schema: Some("MB:0=20"),
        ..IntelRdt::default()
    };
    let mut group = Group::plan(tree.root(), &rdt, "c").unwrap();
    assert!(group.own && group.monitor.is_empty());
    group.create(&rdt).unwrap();
    group.enter(pid()).unwrap();
    assert_eq!(
        (tree.text("c/schemata"), tree.text("c/tasks")),
        ("L3:0=f\nMB:0=20\n".to_string(), "42".to_string())
    );
    for file in ["schemata", "tasks"] {
        fs::remove_file(tree.0.join("c").join(file)).unwrap();
    }
    group.remove().unwrap();
    group.remove().unwrap();
    assert!(!tree.0.join("c").exists());
}

#[test]
fn a_class_that_exists_must_have_the_same_shares() {
    let tree = Tree::new("same");
    let check = |clos_id, l3_cache_schema, says: Option<&str>| {
        let rdt = IntelRdt { clos_id: Some(clos_id), l3_cache_schema, ..IntelRdt::default() };
        let planned = Group::plan(tree.root(), &rdt, "c");
        match says {
            None => assert!(!planned.unwrap().own),
            Some(says) => {
                let error = planned.unwrap_err().to_string();
                assert!(error.contains(says), "{error}");
            }
        }
    };
    check("/", None, None);
    check("/", Some("L3:0=07ff;1=7ff"), None);
    check("/", Some("L3:1=7ff"), None);
    check("/", Some("L3:0=7fe"), Some("other shares"));
    check("/", Some("L2:0=7ff"), Some("other shares"));
    check("missing", None, Some("must exist"));
}

#[test]
fn monitoring_has_a_group_that_ends_with_the_container() {
    let tree = Tree::new("monitor");
    let rdt = IntelRdt {
        clos_id: Some("/"),
        schemata: Vec::from(["L3:0=3", "MB:0=10"]),
        enable_monitoring: true,
        ..IntelRdt::default()
    };
    let mut group = Group::plan(tree.root(), &rdt, "c").unwrap();
    group.create(&rdt).unwrap();
    group.enter(pid()).unwrap();
    assert_eq!(tree.text("tasks"), "42");
    assert_eq!(tree.text("mon_groups/c/tasks"), "42");
    assert!(tree.text("schemata").starts_with("L3:0=3\nMB:0=10\n"));
    fs::remove_file(tree.0.join("mon_groups/c/tasks")).unwrap();
    group.remove().unwrap();
    assert!(!tree.0.join("mon_groups/c").exists() && tree.0.join("schemata").exists());
}

#[test]
fn what_is_used_is_told_as_runc_does() {
    let tree = Tree::new("stats");
    let stats = |group: &Group| {
        let mut out = Writer::new();
        out.open_object();
        group.write_stats(tree.root(), &mut out);
        out.close();
        out.finish()
    };
    assert_eq!(stats(&Group::default()), "{}");
    let file = |path: &str, text: &str| {
        let path = tree.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    file("info/L3/cbm_mask", "7ff\n");
    file("info/L3/min_cbm_bits", "1\n");
    file("info/L3/num_closids", "16\n");
    file("info/MB/bandwidth_gran", "10\n");
    file("info/MB/delay_linear", "1\n");
    file("info/MB/min_bandwidth", "10\n");
    file("info/MB/num_closids", "8\n");
    file("c/schemata", "    MB:0=20;1=100\nL3:0=f;1=7ff\n");
    file("c/mon_data/mon_L3_01/llc_occupancy", "4096\n");
    file("c/mon_data/mon_L3_00/llc_occupancy", "0\n");
    file("c/mon_data/mon_L3_00/mbm_total_bytes", "7\n");
    file("c/mon_data/mon_L3_00/mbm_local_bytes", "Unavailable\n");
    let mut group = Group { class: text!("{}/c", tree.root()), ..Group::default() };
    let shares = r#""l3_cache_info":{"cbm_mask":"7ff","min_cbm_bits":1,"num_closids":16},"l3_cache_schema_root":"L3:0=7ff;1=7ff","l3_cache_schema":"L3:0=f;1=7ff","mem_bw_info":{"bandwidth_gran":10,"delay_linear":1,"min_bandwidth":10,"num_closids":8},"mem_bw_schema_root":"MB:0=100;1=100","mem_bw_schema":"MB:0=20;1=100""#;
    let used = r#""mbm_stats":[{"mbm_total_bytes":7,"mbm_local_bytes":0}],"cmt_stats":[{"llc_occupancy":0},{"llc_occupancy":4096}]"#;
    assert_eq!(stats(&group), format!("{{{shares},{used}}}"));
    // A monitoring group is the container's own.
    file("c/mon_groups/x/mon_data/mon_L3_00/llc_occupancy", "12\n");
    group.monitor = text!("{}/c/mon_groups/x", tree.root());
    assert_eq!(stats(&group), format!("{{{shares},\"cmt_stats\":[{{\"llc_occupancy\":12}}]}}"));
}
