//! The process as config.json describes it: environment, ids, capabilities, limits.

use ocinit_tests::{Lab, Value, eventually, json};

ocinit_tests::isolate!();

fn env(report: &Value) -> Vec<&str> {
    report["env"].as_array().unwrap().iter().map(|e| e.as_str().unwrap()).collect()
}

#[test]
fn arguments_arrive_as_they_are() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let args = ["/bin/guest", "report", "", "a b", "-x", "äöü", "\"quoted\"\\", "new\nline"];
    bundle.args(&args);
    assert_eq!(lab.report(&bundle)["args"], json!(args));
}

#[test]
fn the_program_is_init_of_its_session() {
    let lab = Lab::new();
    let report = lab.report(&lab.bundle());
    assert_eq!(report["pid"], 1);
    assert_eq!(report["ppid"], 0);
    assert_eq!(report["sid"], 1);
    assert_eq!(report["pgid"], 1);
}

#[test]
fn the_runtime_blocks_and_ignores_no_signal_of_the_program() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"]);
    for flags in [&[][..], &["--detach"]] {
        let c = lab.container(&bundle);
        let out = c.on_bundle("run", flags).ok();
        ocinit_tests::eventually("both lines", || out.stdout_now().lines().count() == 2);
        for line in out.stdout_now().lines() {
            let (name, mask) = line.split_once(":\t").unwrap();
            // 32 and 33 are the C library's own, and ignored by some parents.
            let mask = u64::from_str_radix(mask, 16).unwrap() & !(3 << 31);
            assert_eq!(mask, 0, "{name} {flags:?}");
        }
    }
}

#[test]
fn of_equal_variables_the_last_wins() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["env"] = json!(["A=1", "PATH=/bin", "A=2", "B=", "A=3=4"]);
    let report = lab.report(&bundle);
    let mut seen = env(&report);
    seen.sort_unstable();
    assert_eq!(seen, ["A=3=4", "B=", "HOME=/root", "PATH=/bin"]);
}

#[test]
fn home_comes_from_the_containers_passwd() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for (uid, home) in [(0, "HOME=/root"), (1000, "HOME=/home/mary"), (4711, "HOME=/")] {
        bundle.config["process"]["user"]["uid"] = json!(uid);
        let report = lab.report(&bundle);
        assert!(env(&report).contains(&home), "{uid}: {:?}", env(&report));
    }
    bundle.config["process"]["env"] = json!(["PATH=/bin", "HOME=/mine"]);
    assert!(env(&lab.report(&bundle)).contains(&"HOME=/mine"));
}

#[test]
fn a_passwd_file_that_is_none_is_no_obstacle() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let passwd = bundle.rootfs("/etc/passwd");
    let junk: &[&[u8]] = &[b"", b"\xff\xfe\n:::\nroot:x:0\n", b"root:x:zero:0::/bad:\n\n\n"];
    for text in junk {
        std::fs::write(&passwd, text).unwrap();
        assert!(env(&lab.report(&bundle)).contains(&"HOME=/"), "{text:?}");
    }
    std::fs::remove_file(&passwd).unwrap();
    assert!(env(&lab.report(&bundle)).contains(&"HOME=/"));
    bundle.config["process"]["user"]["uid"] = json!(5);
    assert!(env(&lab.report(&bundle)).contains(&"HOME=/"));
}

#[test]
fn the_program_is_searched_in_the_containers_path() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["guest", "report"]);
    lab.report(&bundle);
    std::fs::rename(bundle.rootfs("/bin/guest"), bundle.rootfs("/usr/bin/guest")).unwrap();
    bundle.config["process"]["env"] = json!(["PATH=/nowhere:/usr/bin"]);
    lab.report(&bundle);
    bundle.config["process"]["env"] = json!(["PATH=/bin"]);
    lab.container(&bundle)
        .on_bundle("run", &[])
        .fails(1)
        .says("executable file not found in $PATH");
}

#[test]
fn a_relative_program_starts_at_the_cwd() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["./guest", "report"]).config["process"]["cwd"] = json!("/bin");
    assert_eq!(lab.report(&bundle)["cwd"], "/bin");
}

#[test]
fn a_missing_cwd_is_made() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["root"]["readonly"] = json!(false);
    bundle.config["process"]["cwd"] = json!("/new/deep/place");
    assert_eq!(lab.report(&bundle)["cwd"], "/new/deep/place");
    assert!(bundle.rootfs("/new/deep/place").is_dir());
}

#[test]
fn ids_and_groups_are_set() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["user"] = json!({"uid": 12, "gid": 34, "additionalGids": [56, 78, 5]});
    let report = lab.report(&bundle);
    assert_eq!(report["uid"], json!([12, 12, 12, 12]));
    assert_eq!(report["gid"], json!([34, 34, 34, 34]));
    let mut groups: Vec<u64> =
        report["groups"].as_array().unwrap().iter().map(|g| g.as_u64().unwrap()).collect();
    groups.retain(|g| *g != 34);
    groups.sort_unstable();
    assert_eq!(groups, [5, 56, 78]);
}

#[test]
fn the_runtimes_groups_do_not_go_in() {
    const SETPRIV: &str = "/usr/bin/setpriv";
    if !std::path::Path::new(SETPRIV).exists() {
        ocinit_tests::skip!("there is no {SETPRIV}, which changes the caller's groups");
    }
    let lab = Lab::new();
    let c = lab.container(&lab.bundle());
    let report = c.run_by(SETPRIV, &["--groups", "4,24,27"]).ok().json();
    assert_eq!(report["groups"], json!([]));
}

#[test]
fn the_umask_is_0022_unless_told() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    assert_eq!(lab.report(&bundle)["umask"], "0022");
    bundle.config["process"]["user"]["umask"] = json!(0o077);
    assert_eq!(lab.report(&bundle)["umask"], "0077");
    bundle.config["process"]["user"]["umask"] = json!(0);
    assert_eq!(lab.report(&bundle)["umask"], "0000");
}

const CHOWN: u64 = 1 << 0;
const KILL: u64 = 1 << 5;
const NET_BIND: u64 = 1 << 10;
const SYS_RESOURCE: u64 = 1 << 24;

fn set(report: &Value, name: &str) -> u64 {
    u64::from_str_radix(report["capabilities"][name].as_str().unwrap(), 16).unwrap()
}

#[test]
fn capabilities_of_root_are_those_listed() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["capabilities"] = json!({
        "bounding": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
        "permitted": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
        "effective": ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
    });
    let report = lab.report(&bundle);
    for name in ["bounding", "permitted", "effective"] {
        assert_eq!(set(&report, name), CHOWN | KILL | NET_BIND, "{name}");
    }
    assert_eq!(set(&report, "inheritable"), 0);
    assert_eq!(set(&report, "ambient"), 0);
}

#[test]
fn without_capabilities_there_are_none() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["capabilities"] = json!({});
    let report = lab.report(&bundle);
    for name in ["bounding", "permitted", "effective", "inheritable", "ambient"] {
        assert_eq!(set(&report, name), 0, "{name}");
    }
}

#[test]
fn ambient_capabilities_stay_with_an_ordinary_user() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    let three = json!(["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"]);
    bundle.config["process"]["capabilities"] = json!({
        "bounding": three, "permitted": three, "effective": three,
        "inheritable": ["CAP_KILL", "CAP_NET_BIND_SERVICE"],
        "ambient": ["CAP_NET_BIND_SERVICE"],
    });
    let report = lab.report(&bundle);
    assert_eq!(set(&report, "bounding"), CHOWN | KILL | NET_BIND);
    assert_eq!(set(&report, "inheritable"), KILL | NET_BIND);
    for name in ["ambient", "permitted", "effective"] {
        assert_eq!(set(&report, name), NET_BIND, "{name}");
    }
}

#[test]
fn an_ordinary_user_has_no_effective_capabilities() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    let report = lab.report(&bundle);
    assert_ne!(set(&report, "bounding"), 0);
    for name in ["permitted", "effective", "inheritable", "ambient"] {
        assert_eq!(set(&report, name), 0, "{name}");
    }
}

#[test]
fn unknown_capabilities_only_warn() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for name in ["bounding", "permitted", "effective"] {
        bundle.config["process"]["capabilities"][name] = json!(["CAP_KILL", "CAP_NOSUCH"]);
    }
    let out = lab.container(&bundle).run().says("CAP_NOSUCH");
    assert_eq!(set(&out.json(), "effective"), KILL);
}

#[test]
fn capabilities_that_the_runtime_lacks_only_warn() {
    let lab = Lab::new();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let own = status.lines().find_map(|l| l.strip_prefix("CapBnd:\t")).unwrap();
    if u64::from_str_radix(own, 16).unwrap() & SYS_RESOURCE != 0 {
        ocinit_tests::skip!("this machine has CAP_SYS_RESOURCE");
    }
    let mut bundle = lab.bundle();
    for name in ["bounding", "permitted", "effective"] {
        bundle.config["process"]["capabilities"][name] = json!(["CAP_KILL", "CAP_SYS_RESOURCE"]);
    }
    let out = lab.container(&bundle).run().says("CAP_SYS_RESOURCE");
    for name in ["bounding", "permitted", "effective"] {
        assert_eq!(set(&out.json(), name), KILL, "{name}");
    }
}

#[test]
fn no_new_privs_is_as_told() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    assert_eq!(lab.report(&bundle)["no_new_privs"], "1");
    bundle.config["process"]["noNewPrivileges"] = json!(false);
    assert_eq!(lab.report(&bundle)["no_new_privs"], "0");
    bundle.config["process"].as_object_mut().unwrap().remove("noNewPrivileges");
    assert_eq!(lab.report(&bundle)["no_new_privs"], "0");
}

#[test]
fn rlimits_are_exact() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let limits = [
        ("RLIMIT_NOFILE", 123, 456),
        ("RLIMIT_CORE", 0, 0),
        ("RLIMIT_NPROC", 1000, 2000),
        ("RLIMIT_CPU", 600, 700),
        ("RLIMIT_STACK", 1 << 20, 1 << 23),
        ("RLIMIT_FSIZE", 1 << 30, 1 << 31),
        ("RLIMIT_MEMLOCK", 4096, 8192),
    ];
    let one =
        |(kind, soft, hard): &(&str, u64, u64)| json!({"type": kind, "soft": soft, "hard": hard});
    bundle.config["process"]["rlimits"] = limits.iter().map(one).collect();
    let report = lab.report(&bundle);
    for (kind, soft, hard) in limits {
        assert_eq!(report["rlimits"][kind], json!([soft, hard]), "{kind}");
    }
}

#[test]
fn rlimits_that_are_not_listed_stay() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["rlimits"] = json!([]);
    let (soft, hard) =
        nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).unwrap();
    assert_eq!(lab.report(&bundle)["rlimits"]["RLIMIT_NOFILE"], json!([soft, hard]));
}

#[test]
fn oom_score_adj_is_written_or_untouched() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    let own = std::fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    assert_eq!(lab.report(&bundle)["oom_score_adj"], own.trim());
    bundle.config["process"]["oomScoreAdj"] = json!(777);
    assert_eq!(lab.report(&bundle)["oom_score_adj"], "777");
}

#[test]
fn an_ordinary_user_can_reopen_its_stdio() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    bundle.shell("echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin");
    // Through pipes, as everybody's; or through what is its own.
    let c = lab.container(&bundle);
    let script = "printf 'in\\n' | { \"$@\" 2>&3 | cat; } 3>&1 | cat";
    let out = c.run_by("/bin/sh", &["-c", script, "sh"]).ok();
    let mut lines: Vec<_> = out.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["err", "in", "out"]);
    let out = lab.container(&bundle).on_bundle("run", &["--detach"]).stdin("in\n").ok();
    eventually("it has said all", || out.stdout_now() == "out\nin\n");
    assert_eq!(out.stderr_now(), "err\n");
}

#[test]
fn nothing_of_the_runtime_shows_in_the_environment() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["env"] = json!(["PATH=/bin"]);
    let c = lab.container(&bundle);
    let report = c.on_bundle("run", &[]).env("SECRET", "1").ok().json();
    let mut seen = env(&report);
    seen.sort_unstable();
    assert_eq!(seen, ["HOME=/root", "PATH=/bin"]);
}

#[test]
fn a_cwd_through_a_descriptor_does_not_lead_out() {
    // CVE-2024-21626: a directory of the host that was still open at chdir.
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    for number in 3..12 {
        bundle.config["process"]["cwd"] = json!(format!("/proc/self/fd/{number}"));
        bundle.args(&["ls", "../../../../../../../../var/lib/dpkg"]);
        let out = lab.container(&bundle).on_bundle("run", &[]).run();
        assert_ne!(out.code, 0, "{number}: {}", out.stdout);
        lab.assert_clean();
    }
}

/// It would be root: setresuid(2) leaves what -1 is given for.
#[test]
fn the_id_that_is_none_is_no_user() {
    let lab = Lab::new();
    for (property, value) in [
        ("uid", json!(4_294_967_295_u32)),
        ("gid", json!(4_294_967_295_u32)),
        ("additionalGids", json!([5, 4_294_967_295_u32])),
    ] {
        let mut bundle = lab.bundle();
        bundle.config["process"]["user"][property] = value;
        let out = lab.container(&bundle).on_bundle("run", &[]).fails(1).one_line();
        out.says(&format!("process.user.{property}")).says("no id");
    }
    let mut bundle = lab.bundle();
    bundle.waits();
    let c = lab.container(&bundle);
    c.run_waiting();
    for user in ["4294967295", "5:4294967295"] {
        c.exec(&["--user", user], &["/bin/true"]).fails(255).one_line().says(user);
    }
    let flags = ["--additional-gids", "4294967295"];
    c.exec(&flags, &["/bin/true"]).fails(255).one_line().says("4294967295");
}

/// They are somebody's: only pipes are given to the user, who may reopen them.
#[test]
fn the_callers_files_keep_their_owner() {
    use std::os::unix::fs::MetadataExt;
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    bundle.shell("cat; echo done");
    let (input, output) = (lab.dir().join("input"), lab.dir().join("output"));
    std::fs::write(&input, "in\n").unwrap();
    let c = lab.container(&bundle);
    let script = format!("exec \"$@\" < {} > {}", input.display(), output.display());
    c.run_by("/bin/sh", &["-c", &script, "sh"]).ok();
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "in\ndone\n");
    for file in [input, output] {
        assert_eq!(std::fs::metadata(&file).unwrap().uid(), 0, "{}", file.display());
    }
    lab.assert_clean();
}
