//! `plan` and `check`: what would be done, and what of it would fail.

use ocinit_tests::{Bundle, Call, Lab, Value, cgroups, json, spec, user};
use std::fs;

ocinit_tests::isolate!();

/// A call of `plan` or `check` on the bundle, which is written first.
fn look(lab: &Lab, command: &str, bundle: &Bundle) -> Call {
    bundle.save();
    lab.oci([command, "--json", "--bundle"]).arg(bundle.dir())
}

fn texts(plan: &Value) -> Vec<&str> {
    let operations = plan["operations"].as_array().unwrap();
    operations.iter().map(|one| one["text"].as_str().unwrap()).collect()
}

#[test]
fn a_plan_is_shown_and_nothing_is_made() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/guest", "report"]);
    let id = lab.id();
    let plan = look(&lab, "plan", &bundle).arg(&id).ok().quiet().json();
    assert_eq!(plan["id"], id);
    assert_eq!(plan["process"]["arguments"], json!(["/bin/guest", "report"]));
    let shown = texts(&plan);
    let place = |text: &str| shown.iter().position(|one| *one == text).expect(text);
    assert!(place("mount \"proc\" on \"/proc\"") < place("pivot_root"));
    assert!(place("pivot_root") < place("set user, groups and capabilities"));
    for line in plan["cgroups"].as_array().unwrap() {
        let line = line.as_str().unwrap();
        let made = line.strip_prefix("make cgroup \"").map(|rest| rest.trim_end_matches('"'));
        assert!(!made.is_some_and(|made| fs::exists(made).unwrap()), "{line}");
    }
    assert!(!lab.state_root().join(&id).exists());
    let text = lab.oci(["plan", "-b"]).arg(bundle.dir()).arg("--no-pivot").ok().quiet().stdout;
    assert!(text.starts_with("id: ID\nbundle: "), "{text}");
    assert!(text.contains("\n  - mount \"proc\" on \"/proc\"\n    type: proc\n"), "{text}");
    assert!(text.contains("\n  - move the root file system to \"/\"\n"), "{text}");
}

#[test]
fn anybody_may_ask_for_a_plan() {
    let lab = Lab::new();
    let bundle = lab.bundle();
    let user = user::bare();
    bundle.save();
    user.take(bundle.dir());
    let call = lab.oci(["plan", "--json", "--bundle"]).arg(bundle.dir()).user(&user);
    let plan = call.ok().quiet().json();
    let warned = plan["warnings"].to_string();
    assert!(warned.contains("capabilities that the runtime itself does not have"), "{warned}");
}

#[test]
fn a_plan_needs_no_root_file_system_but_a_valid_configuration() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["root"]["path"] = json!("nowhere");
    let plan = look(&lab, "plan", &bundle).ok().quiet().json();
    assert!(plan["warnings"].to_string().contains("nowhere"), "{plan}");
    bundle.config["process"]["cwd"] = json!("relative");
    look(&lab, "plan", &bundle).fails(1).one_line().says("process.cwd");
    look(&lab, "plan", &bundle).arg("a/b").fails(1).one_line();
}

#[test]
fn the_machine_is_looked_at() {
    let lab = Lab::new();
    let found = lab.oci(["check", "--json"]).ok().quiet().json();
    assert_eq!((&found["runs"], &found["problems"]), (&json!(true), &json!([])));
    let row = |section: &str, name: &str| -> String {
        let rows = found["machine"].as_array().unwrap();
        let here = |row: &&Value| row["section"] == section && row["name"] == name;
        rows.iter().find(here).unwrap_or_else(|| panic!("{name}"))["answer"]
            .as_str()
            .unwrap()
            .into()
    };
    // The tests would not be here otherwise.
    assert_eq!(
        (row("namespaces", "mnt"), row("file systems", "proc")),
        ("yes".into(), "yes".into())
    );
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    assert_eq!(row("kernel", "release"), release.trim());
    let actions = fs::read_to_string("/proc/sys/kernel/seccomp/actions_avail").unwrap_or_default();
    for action in actions.split_whitespace() {
        assert_eq!(row("seccomp", action), "yes", "{action}");
    }
    let table = lab.oci(["check"]).ok().quiet().stdout;
    assert!(table.starts_with("kernel\n  release "), "{table}");
    assert!(table.ends_with("machine\n  nothing would fail\n"), "{table}");
}

/// What `check` calls a problem is one, and what it passes runs.
#[test]
fn a_bundle_is_looked_at() {
    let lab = Lab::new();
    let fresh = || {
        let mut bundle = lab.bundle();
        bundle.args(&["/bin/true"]);
        bundle
    };
    let good = fresh();
    assert_eq!(look(&lab, "check", &good).ok().quiet().json()["runs"], true);
    lab.container(&good).on_bundle("run", &[]).ok();

    type Change = fn(&mut Value);
    let bad: [(&str, &str, Change); 9] = [
        ("open the root file system", "ENOENT", |config| config["root"]["path"] = json!("nowhere")),
        ("find the program", "not found", |config| config["process"]["args"] = json!(["nope"])),
        ("run hook", "ENOENT", |config| {
            config["hooks"] = json!({"createRuntime": [{"path": "/nope"}]});
        }),
        ("mount \"/nope\" on \"/m\"", "ENOENT", |config| {
            let mount = json!({"destination": "/m", "source": "/nope", "options": ["bind"]});
            spec::add_mount(config, mount);
        }),
        ("mount \"none\" on \"/m\"", "ENODEV", |config| {
            let mount = json!({"destination": "/m", "type": "nosuchfs", "source": "none"});
            spec::add_mount(config, mount);
        }),
        ("nope\"", "no such parameter", |config| {
            config["linux"]["sysctl"] = json!({"net.ipv4.nope": "1"});
        }),
        ("join namespace", "of kind uts", |config| {
            spec::set_namespace(config, json!({"type": "ipc", "path": "/proc/self/ns/uts"}));
        }),
        ("process.rlimits: set RLIMIT_NOFILE", "fs.nr_open", |config| {
            let limit = json!({"type": "RLIMIT_NOFILE", "soft": 1024, "hard": 1u64 << 40});
            config["process"]["rlimits"] = json!([limit]);
        }),
        ("plan the container", "process.cwd", |config| config["process"]["cwd"] = json!("x")),
    ];
    for (operation, why, change) in bad {
        let mut bundle = fresh();
        change(&mut bundle.config);
        let found = look(&lab, "check", &bundle).fails(1).quiet().json();
        assert_eq!(found["runs"], false);
        let problems = found["problems"].as_array().unwrap();
        let named = |one: &&Value| one["operation"].as_str().unwrap().contains(operation);
        let problem = problems.iter().find(named).unwrap_or_else(|| panic!("{operation}: {found}"));
        assert!(problem.to_string().contains(why), "{operation}: {problem}");
        let run = lab.container(&bundle).on_bundle("run", &[]).run();
        assert!(run.code != 0, "{operation}: it runs all the same");
        let table = lab.oci(["check", "-b"]).arg(bundle.dir()).fails(1).quiet().stdout;
        assert!(table.contains(&format!("\n  {}\n", problem["operation"].as_str().unwrap())));
    }
}

#[test]
fn a_missing_rdma_device_is_seen() {
    if !fs::read_to_string("/proc/cgroups").unwrap().contains("rdma\t") {
        ocinit_tests::skip!("this kernel has no rdma controller");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["linux"]["resources"]["rdma"] = json!({"no_such_0": {"hcaHandles": 3}});
    let found = look(&lab, "check", &bundle).fails(1).quiet().json();
    assert!(found["problems"].to_string().contains("no_such_0"), "{found}");
    lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line().says("rdma");
}

/// What a machine can do differs; what `check` says of it must not.
#[test]
fn check_and_run_agree() {
    let lab = Lab::new();
    let range = json!([{"containerID": 0, "hostID": 100_000, "size": 65536}]);
    let userns = |config: &mut Value| {
        spec::set_namespace(config, json!({"type": "user"}));
        config["linux"]["uidMappings"] = range.clone();
        config["linux"]["gidMappings"] = range.clone();
    };
    let resources: &[(&str, Value)] = &[
        ("memory", json!({"memory": {"limit": 100_000_000, "swap": 200_000_000}})),
        ("pids", json!({"pids": {"limit": 100}})),
        ("cpu", json!({"cpu": {"quota": 50_000, "period": 100_000, "shares": 100}})),
        ("cpuset", json!({"cpu": {"cpus": "0", "mems": "0"}})),
        ("weight", json!({"blockIO": {"weight": 100}})),
        ("huge pages", json!({"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]})),
        ("class", json!({"network": {"classID": 1}})),
        ("rdma", json!({"rdma": {"nope0": {"hcaHandles": 1}}})),
        ("devices", json!({"devices": [{"allow": false, "access": "rwm"}]})),
    ];
    type Change<'a> = Box<dyn Fn(&mut Value) + 'a>;
    let mut cases: Vec<(&str, Change<'_>)> = Vec::new();
    for (name, value) in resources {
        // Where there is the controller, `check` does not look for the device.
        if *name == "rdma" && cgroups::unified_has(name) {
            continue;
        }
        cases.push((name, Box::new(|config| config["linux"]["resources"] = value.clone())));
    }
    cases.push(("user namespace", Box::new(userns)));
    cases.push((
        "time namespace",
        Box::new(|config| {
            spec::set_namespace(config, json!({"type": "time"}));
            config["linux"]["timeOffsets"] = json!({"boottime": {"secs": 5}});
        }),
    ));
    let limit = |config: &mut Value| {
        // No more than the usual fs.nr_open, for root with every capability.
        let huge = 1 << 20;
        config["process"]["rlimits"] = json!([{"type": "RLIMIT_NOFILE", "soft": 10, "hard": huge}]);
    };
    cases.push(("limit", Box::new(limit)));
    cases.push(("score", Box::new(|config| config["process"]["oomScoreAdj"] = json!(-900))));
    cases.push((
        "real time",
        Box::new(|config| {
            config["process"]["ioPriority"] = json!({"class": "IOPRIO_CLASS_RT", "priority": 1});
        }),
    ));
    cases.push((
        "filter",
        Box::new(|config| {
            config["linux"]["seccomp"] = json!({"defaultAction": "SCMP_ACT_LOG"});
        }),
    ));
    cases.push((
        "recursive",
        Box::new(|config| {
            let options = json!(["rbind", "rro", "rnosuid"]);
            let mount =
                json!({"destination": "/m", "type": "none", "source": "/etc", "options": options});
            spec::add_mount(config, mount);
        }),
    ));
    for (name, change) in &cases {
        let mut bundle = lab.bundle();
        bundle.args(&["/bin/true"]);
        change(&mut bundle.config);
        let found = look(&lab, "check", &bundle).run().json();
        let run = lab.container(&bundle).on_bundle("run", &[]).run();
        assert_eq!(
            found["runs"] == true,
            run.code == 0,
            "{name}: check says {}, run {} {}",
            found["problems"],
            run.code,
            run.stderr
        );
    }
}

#[test]
fn ids_that_are_not_the_users_are_a_problem() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let user = user::with_subids();
    spec::set_namespace(&mut bundle.config, json!({"type": "user"}));
    let maps = |first: u32| json!([{"containerID": 0, "hostID": first, "size": 1000}]);
    for (first, fits) in [(400_000, true), (4_000_000, false)] {
        bundle.config["linux"]["uidMappings"] = maps(first);
        bundle.config["linux"]["gidMappings"] = maps(first);
        bundle.save();
        user.take(bundle.dir());
        let call = lab.oci(["check", "--json", "--bundle"]).arg(bundle.dir()).user(&user);
        let problems = call.run().json()["problems"].to_string();
        assert_eq!(!problems.contains("is not the user's in"), fits, "{problems}");
    }
}
