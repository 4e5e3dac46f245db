//! `--systemd-cgroup`: the container is a scope of systemd.

use ocinit_tests::machine::Machine;
use ocinit_tests::{Lab, Outcome, Value, eventually, json};
use std::cell::RefCell;
use std::fs;
use std::path::Path;

ocinit_tests::isolate!();

/// Lines typed in a machine, to be shown when one of them disappoints.
struct Story<'a> {
    machine: Machine<'a>,
    said: RefCell<String>,
}

impl<'a> Story<'a> {
    fn new(machine: Machine<'a>) -> Story<'a> {
        Story { machine, said: RefCell::default() }
    }

    fn step(&self, line: &str) -> Outcome {
        let out = self.machine.sh(line);
        let said = format!("{line}: {}\n{}{}\n", out.code, out.stdout, out.stderr);
        self.said.borrow_mut().push_str(&said);
        out
    }

    #[track_caller]
    fn ok(&self, line: &str) -> String {
        let out = self.step(line);
        assert_eq!(out.code, 0, "{}", self.said.borrow());
        out.stdout
    }

    /// A line whose container keeps what it inherits, which must not be this
    /// call's stdout.
    fn detached(&self, line: &str) -> Outcome {
        self.step(&format!("{line} > /tmp/out 2>&1; s=$?; cat /tmp/out; exit $s"))
    }

    #[track_caller]
    fn run(&self, id: &str) {
        let line = format!("ocinit --systemd-cgroup run --detach --bundle /mycontainer {id}");
        let out = self.detached(&line);
        assert_eq!(out.code, 0, "{}", self.said.borrow());
    }

    /// The container cannot be made, for this reason, and nothing is left.
    #[track_caller]
    fn refused(&self, id: &str, why: &str) {
        let line = format!("ocinit --systemd-cgroup run --detach --bundle /mycontainer {id}");
        let out = self.detached(&line);
        let said = self.said.borrow();
        assert_eq!((out.code, out.stdout.lines().count()), (1, 1), "{said}");
        assert!(out.stdout.contains(why), "{why}: {said}");
        drop(said);
        assert_eq!(self.step(&format!("ls /run/ocinit | grep -x {id}")).stdout, "");
    }

    /// Properties of a unit, as `NAME=VALUE` lines in the order of their names.
    fn show(&self, unit: &str, names: &str) -> String {
        self.ok(&format!("systemctl show --property={names} {unit} | sort"))
    }

    #[track_caller]
    fn has(&self, text: &str, part: &str) {
        assert!(text.contains(part), "{part}: {text}\n{}", self.said.borrow());
    }

    /// Everything of the container is gone.
    #[track_caller]
    fn delete(&self, id: &str, unit: &str) {
        self.ok(&format!("ocinit delete --force {id}"));
        assert_eq!(self.step(&format!("systemctl list-units --all | grep -F {unit}")).stdout, "");
        // systemd may be about to make a cgroup of the unit in a hierarchy that it
        // does not manage, and then takes it away again.
        eventually("the unit's cgroups are gone", || {
            self.step(&format!("find /sys/fs/cgroup -name '{unit}'")).stdout.is_empty()
        });
    }
}

#[test]
fn a_container_is_a_scope_in_its_slice() {
    let lab = Lab::new();
    let machine = Machine::boot(&lab, |_| ());
    machine.edit(|c| c["linux"]["cgroupsPath"] = json!("system.slice:oci:one"));
    let mut story = Vec::new();
    let mut step = |line: &str| {
        let out = machine.sh(line);
        story.push(format!("{line}: {}\n{}{}", out.code, out.stdout, out.stderr));
        out
    };
    // The container keeps what it inherits: it must not be this call's stdout.
    let flags = "--detach --bundle /mycontainer --pid-file /run/one.pid";
    let run = step(&format!(
        "ocinit --systemd-cgroup run {flags} one > /tmp/out 2>&1; s=$?; cat /tmp/out; exit $s"
    ));
    let cgroup = step("cat /proc/$(cat /run/one.pid)/cgroup");
    let active = step("systemctl is-active oci-one.scope");
    let description = step("systemctl show --property=Description oci-one.scope");
    let exec = step("ocinit --systemd-cgroup exec one /bin/guest report");
    let kill = step(
        "ocinit --systemd-cgroup kill one KILL; sleep 0.5; ocinit --systemd-cgroup delete one",
    );
    let after = step("systemctl is-active oci-one.scope");
    let left = step("find /sys/fs/cgroup -name '*oci-one*'");
    let story = story.join("\n");
    machine.power_off();
    assert_eq!(run.code, 0, "{story}");
    assert!(cgroup.stdout.contains("/system.slice/oci-one.scope"), "{story}");
    assert_eq!(active.stdout, "active\n", "{story}");
    assert!(!description.stdout.is_empty(), "{story}");
    assert_eq!(exec.code, 0, "{story}");
    assert_eq!(kill.code, 0, "{story}");
    assert_ne!(after.stdout, "active\n", "{story}");
    assert_eq!(left.stdout, "", "{story}");
}

#[test]
fn a_path_that_is_no_slice_is_refused() {
    let lab = Lab::new();
    let machine = Machine::boot(&lab, |_| ());
    machine.edit(|c| c["linux"]["cgroupsPath"] = json!("/some/path"));
    let create = "ocinit --systemd-cgroup create --bundle /mycontainer two";
    let out = machine.sh(&format!("{create} > /tmp/out 2>&1; s=$?; cat /tmp/out >&2; exit $s"));
    let left = machine.sh("ocinit list -q");
    machine.power_off();
    out.code_is(1).one_line();
    assert_eq!(left.stdout, "");
}

#[test]
fn names_are_those_of_runc() {
    let lab = Lab::new();
    let s = Story::new(Machine::boot(&lab, |_| ()));
    let path = |path: &str| s.machine.edit(|c| c["linux"]["cgroupsPath"] = json!(path));
    for (cgroups_path, unit, cgroup) in [
        ("", "runc-one.scope", "/system.slice/runc-one.scope"),
        ("a-b.slice:pre:x", "pre-x.scope", "/a.slice/a-b.slice/pre-x.scope"),
        (":pre:x", "pre-x.scope", "/system.slice/pre-x.scope"),
        ("-.slice:pre:x", "pre-x.scope", "/pre-x.scope"),
        ("a-b.slice:pre:a-b-c.slice", "a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice"),
    ] {
        path(cgroups_path);
        s.run("one");
        s.has(&s.show(unit, "ControlGroup"), &format!("ControlGroup={cgroup}\n"));
        let pid = s.ok("ocinit ps --format json one");
        let pid = pid.trim_matches(['[', ']', '\n']);
        s.has(&s.ok(&format!("cat /proc/{pid}/cgroup")), &format!("0::{cgroup}\n"));
        s.has(&s.ok("ocinit exec one /bin/guest report"), &format!("0::{cgroup}\""));
        s.delete("one", unit);
    }
    path("a--b.slice:pre:x");
    s.refused("one", "invalid slice name: a--b.slice");
    path("a.slice:pre");
    s.refused("one", "format \\\"slice:prefix:name\\\" for systemd cgroups");
    path("a.slice:pre:x@+");
    s.refused("one", "unable to start unit \\\"pre-x@+.scope\\\": org.freedesktop.DBus.Error");
}

#[test]
fn properties_come_from_annotations() {
    let lab = Lab::new();
    let s = Story::new(Machine::boot(&lab, |_| ()));
    let annotate = |name: &str, value: &str| {
        s.machine.edit(|c| {
            c["annotations"] = json!({format!("org.systemd.property.{name}"): value, "a.b": "c"})
        })
    };
    for (name, value, shown) in [
        ("TimeoutStopSec", "uint64 123", "TimeoutStopUSec=2min 3s\n"),
        ("TimeoutStopSec", "2.5", "TimeoutStopUSec=2.5"),
        ("TimeoutStopUSec", "uint64 7000000", "TimeoutStopUSec=7s\n"),
        ("CollectMode", "'inactive-or-failed'", "CollectMode=inactive-or-failed\n"),
        ("Delegate", "false", "Delegate=no\n"),
        ("After", "['basic.target', 'sockets.target']", "basic.target"),
        ("TasksMax", "uint64 99", "TasksMax=99\n"),
        ("Description", "\"it's mine\"", "Description=it's mine\n"),
    ] {
        annotate(name, value);
        s.run("one");
        let property = shown.split_once('=').map_or("After", |(property, _)| property);
        s.has(&s.show("runc-one.scope", property), shown);
        s.delete("one", "runc-one.scope");
    }
    annotate("Delegate", "maybe");
    s.refused("one", "annotation org.systemd.property.Delegate=maybe: value parse error");
    annotate("De-legate", "true");
    s.refused("one", "annotation org.systemd.property.De-legate: name incorrect");
    annotate("NoSuchThing", "true");
    s.refused(
        "one",
        "unable to start unit \\\"runc-one.scope\\\": org.freedesktop.DBus.Error.PropertyReadOnly",
    );
    assert_eq!(s.step("find /sys/fs/cgroup -name runc-one.scope").stdout, "");
}

#[test]
fn a_unit_that_is_in_the_way() {
    let lab = Lab::new();
    let s = Story::new(Machine::boot(&lab, |_| ()));
    // One that failed is forgotten.
    s.step("systemd-run --scope --unit=runc-one -p RuntimeMaxSec=1 sleep 5");
    s.has(&s.show("runc-one.scope", "ActiveState"), "ActiveState=failed");
    s.run("one");
    s.machine.edit(|c| c["linux"]["cgroupsPath"] = json!("system.slice:runc:one"));
    s.refused("two", "container's cgroup is not empty: 1 process(es) found");
    // What is somebody else's stays.
    s.has(&s.show("runc-one.scope", "ActiveState"), "ActiveState=active");
    s.has(&s.ok("ocinit state one"), "\"status\": \"running\"");
    // Ended by systemd, deleted without force.
    s.ok("systemctl stop runc-one.scope");
    s.ok("ocinit delete one");
    // A slice with this cgroup, but without processes.
    s.machine.edit(|c| c["linux"]["cgroupsPath"] = json!(":x:x.slice"));
    s.ok("printf '[Slice]\\n' > /run/systemd/system/x.slice; systemctl start x.slice");
    s.refused("two", "unable to start unit \\\"x.slice\\\": org.freedesktop.systemd1.UnitExists");
    s.has(&s.show("x.slice", "ActiveState"), "ActiveState=active");
}

#[test]
fn without_a_bus_systemd_itself_is_asked() {
    let lab = Lab::new();
    let s = Story::new(Machine::boot(&lab, |_| ()));
    s.ok("systemctl mask --now --runtime dbus.socket dbus.service");
    s.step("kill -9 $(grep -lx dbus-daemon /proc/[0-9]*/comm | cut -d/ -f3)");
    for _ in 0..5 {
        s.run("one");
        s.has(&s.show("runc-one.scope", "ActiveState"), "ActiveState=active");
        s.delete("one", "runc-one.scope");
    }
    let socket = "DBUS_SYSTEM_BUS_ADDRESS=unix:abstract=nobody";
    let line = format!("{socket} ocinit --systemd-cgroup run -d --bundle /mycontainer one");
    assert_eq!(s.detached(&line).code, 0, "{}", s.said.borrow());
    s.delete("one", "runc-one.scope");
}

#[test]
fn without_systemd_the_socket_is_named() {
    if Path::new("/run/systemd/private").exists() {
        ocinit_tests::skip!("there is a systemd here");
    }
    let lab = Lab::new();
    let bundle = lab.bundle();
    bundle.save();
    let run = |rootless: &str| {
        lab.bare()
            .args(["--systemd-cgroup", "--rootless", rootless, "--root"])
            .arg(lab.state_root())
            .args(["run", "--bundle"])
            .arg(bundle.dir())
            .arg(lab.id())
            .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus")
            .run()
    };
    let out = run("false").code_is(1).one_line();
    let hint = "ENOENT (no such file or directory): \
        where systemd does not run use --cgroup-manager cgroupfs";
    let socket = "systemd: connect to D-Bus socket \\\"/nowhere/bus\\\"";
    assert!(out.stderr.contains(socket) && out.stderr.contains(hint), "{}", out.stderr);
    lab.assert_clean();
}

/// With cgroup v1, which has all its controllers also in a container.
#[test]
fn limits_are_properties_and_files() {
    if !Path::new("/sys/fs/cgroup/memory").exists() {
        ocinit_tests::skip!("no controllers of cgroup v1 here");
    }
    let lab = Lab::new();
    let s = Story::new(Machine::boot_on_host_view(&lab, |_| ()));
    s.machine.edit(|c| {
        c["linux"]["resources"]["memory"] = json!({"limit": 67108864, "reservation": 33554432});
        c["linux"]["resources"]["cpu"] =
            json!({"shares": 512, "quota": 20000, "period": 50000, "cpus": "0", "mems": "0"});
        c["linux"]["resources"]["pids"] = json!({"limit": 77});
        let tun = json!({"allow": true, "type": "c", "major": 10, "minor": 200, "access": "rw"});
        c["linux"]["resources"]["devices"] = json!([{"allow": false, "access": "rwm"}, tun]);
    });
    s.run("one");
    let unit = "runc-one.scope";
    let properties = "AllowedCPUs,AllowedMemoryNodes,CPUQuotaPerSecUSec,CPUQuotaPeriodUSec,\
        CPUShares,Delegate,DevicePolicy,MemoryLimit,TasksMax";
    let shown = "AllowedCPUs=0\nAllowedMemoryNodes=0\nCPUQuotaPerSecUSec=400ms\n\
        CPUQuotaPeriodUSec=50ms\nCPUShares=512\nDelegate=yes\nDevicePolicy=strict\n\
        MemoryLimit=67108864\nTasksMax=77\n";
    assert_eq!(s.show(unit, properties), shown, "{}", s.said.borrow());
    s.has(&s.show(unit, "DeviceAllow"), "DeviceAllow=/dev/char/10:200 rw\n");
    let files = [
        ("memory", "memory.limit_in_bytes", "67108864"),
        ("memory", "memory.soft_limit_in_bytes", "33554432"),
        ("cpu", "cpu.shares", "512"),
        ("cpu", "cpu.cfs_quota_us", "20000"),
        ("cpuset", "cpuset.cpus", "0"),
        ("pids", "pids.max", "77"),
        ("devices", "devices.list", "c 10:200 rw"),
        ("devices", "devices.list", "c 1:3 rwm"),
    ];
    let check = || {
        for (controller, file, line) in files {
            let text = s.ok(&format!("cat /sys/fs/cgroup/{controller}/system.slice/{unit}/{file}"));
            assert!(text.lines().any(|l| l == line), "{line}: {}", s.said.borrow());
            assert!(!text.lines().any(|l| l.starts_with("a ")), "{}", s.said.borrow());
        }
    };
    check();
    // systemd writes everything anew now and then.
    s.ok("systemctl daemon-reload");
    check();
    let cgroups = s.ok("cat /proc/$(ocinit ps --format json one | tr -d '[]')/cgroup");
    assert!(cgroups.lines().all(|l| l.ends_with("/system.slice/runc-one.scope")), "{cgroups}");
    assert_eq!(s.ok("ocinit exec one /bin/cat /proc/self/cgroup"), cgroups);
    // The quota stays, in the new period.
    s.ok("ocinit update --cpu-period 40000 --memory 134217728 one");
    let shown = "CPUQuotaPerSecUSec=500ms\nCPUQuotaPeriodUSec=40ms\nMemoryLimit=134217728\n";
    assert_eq!(s.show(unit, "CPUQuotaPerSecUSec,CPUQuotaPeriodUSec,MemoryLimit"), shown);
    for (controller, file, value) in [
        ("memory", "memory.limit_in_bytes", "134217728\n"),
        ("cpu", "cpu.cfs_quota_us", "20000\n"),
        ("cpu", "cpu.cfs_period_us", "40000\n"),
    ] {
        let file = format!("/sys/fs/cgroup/{controller}/system.slice/{unit}/{file}");
        assert_eq!(s.ok(&format!("cat {file}")), value, "{}", s.said.borrow());
    }
    s.delete("one", unit);
    // What cannot run leaves no unit either.
    s.machine.edit(|c| c["process"]["args"] = json!(["/no/such/program"]));
    s.refused("one", "no such file or directory");
    s.delete("one", unit);
}

/// A user, and that user's systemd, which needs a bus where it has one.
fn with_user(root: &Path) {
    let add = |file: &str, line: &str| {
        let path = root.join("etc").join(file);
        fs::write(&path, fs::read_to_string(&path).unwrap() + line).unwrap();
    };
    add("passwd", "mary:x:1000:1000:Mary:/home/mary:/bin/sh\n");
    add("group", "mary:x:1000:\n");
    add("shadow", "mary:*:19000:0:99999:7:::\n");
    let write = |file: &str, text: &str| {
        let path = root.join("etc/systemd").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    // What pam_systemd and dbus-user-session would bring.
    let runtime = "[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n";
    write("system/user@.service.d/runtime.conf", runtime);
    write("user/dbus.socket", "[Socket]\nListenStream=%t/bus\n");
    write(
        "user/dbus.service",
        "[Unit]\nRequires=dbus.socket\n[Service]\nType=notify\nExecStart=/usr/bin/dbus-daemon \
         --session --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only\n",
    );
    fs::create_dir_all(root.join("home")).unwrap();
}

#[test]
fn a_user_asks_the_own_systemd() {
    let lab = Lab::new();
    let s = Story::new(Machine::boot(&lab, with_user));
    s.ok("systemctl start user@1000.service");
    s.ok("cp -r /mycontainer /home/mary; rm /home/mary/config.json; chown -R 1000:1000 /home/mary");
    let mary = |line: &str| {
        let become_mary = "cd /home/mary && exec setpriv --reuid 1000 --regid 1000 --clear-groups \
            env HOME=/home/mary XDG_RUNTIME_DIR=/run/user/1000";
        format!("({become_mary} {line})")
    };
    s.ok(&mary("ocinit spec --rootless"));
    let config = s.ok("cat /home/mary/config.json");
    let mut config: Value = serde_json::from_str(&config).unwrap();
    config["process"]["terminal"] = json!(false);
    config["process"]["args"] = json!(["/bin/guest", "wait"]);
    s.ok(&format!("cat > /home/mary/config.json <<'END'\n{config}\nEND"));
    let below = "user.slice/user-1000.slice/user@1000.service/user.slice/runc-one.scope";
    let run = |bus: &str| {
        let out = s.detached(&mary("ocinit --systemd-cgroup run -d one"));
        assert_eq!(out.code, 0, "{}", s.said.borrow());
        s.has(&s.ok("cat /run/user/1000/ocinit/one/state.json"), bus);
        s.ok(&mary("ocinit exec --detach one /bin/guest wait"));
        let pids = s.ok(&format!("cat /sys/fs/cgroup/{below}/cgroup.procs"));
        assert_eq!(pids.lines().count(), 2, "{}", s.said.borrow());
        s.ok(&mary("ocinit delete --force one"));
        assert_eq!(s.step("find /sys/fs/cgroup -name runc-one.scope").stdout, "");
    };
    run("unix:path=/run/user/1000/systemd/private");
    s.ok(&mary("systemctl --user start dbus.socket"));
    run("unix:path=/run/user/1000/bus");
    // Root of a user namespace is still that user outside.
    config["linux"]["uidMappings"][0]["hostID"] = json!(0);
    config["linux"]["gidMappings"][0]["hostID"] = json!(0);
    s.ok(&format!("cat > /home/mary/config.json <<'END'\n{config}\nEND"));
    let out = s.detached(&mary("unshare --map-root-user ocinit --systemd-cgroup run -d one"));
    assert_eq!(out.code, 0, "{}", s.said.borrow());
    s.ok(&format!("grep . /sys/fs/cgroup/{below}/cgroup.procs"));
    s.ok(&mary("unshare --map-root-user ocinit delete --force one"));
    assert_eq!(s.step("find /sys/fs/cgroup -name runc-one.scope").stdout, "");
}
