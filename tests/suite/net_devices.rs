//! `linux.netDevices`, with veth devices of a network namespace that stands for the host's.

use ocinit_tests::{Lab, Value, json, spec};
use std::path::PathBuf;
use std::process::Command;

ocinit_tests::isolate!();

/// A network namespace in which the runtime is called; it ends with its holder.
struct Host {
    holder: std::process::Child,
}

impl Host {
    fn new() -> Host {
        let mut command = Command::new("unshare");
        let holder = command.args(["--net", "sleep", "1000"]).spawn().expect("unshare");
        let host = Host { holder };
        ocinit_tests::eventually("a network namespace", || {
            ocinit_tests::container::namespace(host.pid(), "net")
                != ocinit_tests::container::own_namespace("net")
        });
        host
    }

    fn pid(&self) -> i32 {
        self.holder.id() as i32
    }

    /// Runs a program in it, which must work; what it says.
    #[track_caller]
    fn run(&self, line: &str) -> String {
        let out = Command::new("nsenter")
            .args(["--target", &self.pid().to_string(), "--net"])
            .args(line.split_whitespace())
            .output()
            .expect("nsenter");
        assert!(out.status.success(), "{line}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    /// The path of the namespace.
    fn path(&self) -> PathBuf {
        format!("/proc/{}/ns/net", self.pid()).into()
    }

    /// `run` of a bundle in it.
    fn oci(&self, lab: &Lab, bundle: &ocinit_tests::Bundle) -> ocinit_tests::Call {
        let c = lab.container(bundle);
        c.run_by("nsenter", &["--target", &self.pid().to_string(), "--net"])
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// What `ip -j addr` says of the devices in the container, by name.
fn devices(text: &str) -> Vec<(String, Value)> {
    let all: Value = text.parse().unwrap_or_else(|e| panic!("{e}: {text}"));
    let all = all.as_array().unwrap().iter().cloned();
    all.map(|d| (d["ifname"].as_str().unwrap().to_string(), d)).collect()
}

#[test]
fn devices_move_with_their_addresses_and_come_up() {
    let lab = Lab::new();
    let host = Host::new();
    host.run("ip link add v0 type veth peer name p0");
    host.run("ip link add v1 type veth peer name p1");
    host.run("ip link set v0 mtu 1400 address 02:00:00:00:00:07");
    host.run("ip addr add 10.9.8.7/24 brd 10.9.8.255 dev v0");
    host.run("ip addr add 169.254.3.3/16 scope link dev v0");
    host.run("ip addr add fd00::7/64 dev v0 nodad");
    host.run("ip link set v0 up");
    let mut bundle = lab.bundle();
    bundle.config["linux"]["netDevices"] = json!({"v0": {"name": "eth0"}, "v1": {}});
    bundle.shell("cat /proc/net/dev /proc/net/if_inet6 /proc/net/fib_trie; guest report");
    let out = host.oci(&lab, &bundle).ok().quiet();
    let report = out.stdout.lines().last().unwrap().parse::<Value>().unwrap();
    assert_eq!(report["interfaces"], json!({"lo": "up", "eth0": "up", "v1": "up"}));
    assert!(out.stdout.contains("10.9.8.7"), "{}", out.stdout);
    assert!(!out.stdout.contains("169.254.3.3"), "only global ones: {}", out.stdout);
    assert!(out.stdout.contains("fd000000000000000000000000000007"), "{}", out.stdout);
    lab.assert_clean();
}

#[test]
fn the_device_is_whole_in_the_container() {
    let lab = Lab::new();
    let host = Host::new();
    host.run("ip link add v0 type veth peer name p0");
    host.run("ip link set v0 mtu 1400 address 02:00:00:00:00:07");
    host.run("ip addr add 10.9.8.7/24 dev v0");
    let mut bundle = lab.waiting_bundle();
    // A namespace that was made before, where eth0 is somebody else's.
    let there = Host::new();
    there.run("ip link add eth0 type veth peer name q0");
    spec::set_namespace(&mut bundle.config, json!({"type": "network", "path": there.path()}));
    bundle.config["linux"]["netDevices"] = json!({"v0": {"name": "eth0"}});
    let out = host.oci(&lab, &bundle).fails(1).one_line();
    out.says("linux.netDevices").says("v0").says("EEXIST");
    host.run("ip link show v0");
    // A pattern takes the next free number.
    bundle.config["linux"]["netDevices"] = json!({"v0": {"name": "eth%d"}});
    bundle.args(&["/bin/guest", "report"]);
    host.oci(&lab, &bundle).ok().quiet();
    let found = devices(&there.run("ip -j addr"));
    let (_, device) = found.iter().find(|d| d.0 == "eth1").expect("eth1");
    assert_eq!((&device["mtu"], &device["address"]), (&json!(1400), &json!("02:00:00:00:00:07")));
    assert_eq!(device["addr_info"][0]["local"], "10.9.8.7");
    assert!(device["flags"].as_array().unwrap().contains(&json!("UP")), "{device}");
    lab.assert_clean();
}

#[test]
fn what_cannot_move_is_named() {
    let lab = Lab::new();
    let host = Host::new();
    host.run("ip link add v0 type veth peer name p0");
    let mut bundle = lab.bundle();
    let check = |bundle: &ocinit_tests::Bundle, why: &[&str]| {
        let out = host.oci(&lab, bundle).fails(1).one_line();
        why.iter().fold(out, |out, word| out.says(word));
        // Nothing has moved.
        host.run("ip link show v0");
        lab.assert_clean();
    };
    bundle.config["linux"]["netDevices"] = json!({"v0": {}, "x9": {}});
    check(&bundle, &["linux.netDevices", "x9", "ENODEV"]);
    bundle.config["linux"]["netDevices"] = json!({"v0": {"name": "lo"}});
    check(&bundle, &["linux.netDevices", "v0", "EEXIST"]);
    bundle.config["linux"]["netDevices"] = json!({"v0": {"name": "a"}, "p0": {"name": "a"}});
    check(&bundle, &["is taken", "EEXIST"]);
    bundle.config["linux"]["netDevices"] = json!({"lo": {"name": "lo2"}});
    check(&bundle, &["linux.netDevices", "cannot leave"]);
    bundle.config["linux"]["netDevices"] = json!({"v0": {}});
    spec::drop_namespace(&mut bundle.config, "network");
    check(&bundle, &["linux.netDevices", "network namespace"]);
}

#[test]
fn devices_move_into_a_user_namespace_too() {
    let lab = Lab::new();
    let host = Host::new();
    host.run("ip link add v0 type veth peer name p0");
    let mut bundle = lab.bundle();
    spec::add_user_namespace(&mut bundle.config);
    bundle.config["linux"]["netDevices"] = json!({"v0": {}});
    let out = host.oci(&lab, &bundle).ok().quiet();
    assert_eq!(out.json()["interfaces"], json!({"lo": "up", "v0": "up"}));
}
