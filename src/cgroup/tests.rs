//! The acting parts, against this kernel: as root, and skipped elsewhere.
//!
//! Each test works in cgroups named after it and its process, and in a thread
//! with a mount namespace of its own, where the host's hierarchies are arranged
//! as v1, hybrid or v2.

extern crate std;

use super::*;
use crate::error::Result;
use crate::spec::Resources;
use crate::sys::clone::{Side, clone, unshare};
use alloc::format;
use alloc::string::{String, ToString};
use linux_raw_sys::general::CLONE_NEWNS;
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount,
};
use rustix::process::{Pid, Signal, WaitOptions, waitpid};
use std::println;

/// An arrangement of hierarchies.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum View {
    Hybrid,
    V1,
    V2,
}

/// Runs the test in this view of the host, if that can be had.
pub fn in_view(view: View, test: impl FnOnce(&Layout) + Send + 'static) {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: not root");
        return;
    }
    let run = move || {
        if unshare(CLONE_NEWNS).is_err() {
            println!("skipped: no mount namespace");
            return;
        }
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC).unwrap();
        let detach = UnmountFlags::DETACH;
        match view {
            View::Hybrid => {}
            View::V1 => drop(unmount("/sys/fs/cgroup/unified", detach)),
            View::V2 => {
                let _ = unmount("/sys/fs/cgroup", detach);
                let flags = MountFlags::empty();
                if mount("none", "/sys/fs/cgroup", "cgroup2", flags, None).is_err() {
                    println!("skipped: no cgroup2");
                    return;
                }
            }
        }
        let layout = Layout::detect().unwrap();
        let hybrid = layout.hierarchies.len() > 1 && layout.unified().is_some();
        let found = match view {
            View::Hybrid => hybrid,
            View::V1 => !hybrid && !layout.is_unified() && !layout.hierarchies.is_empty(),
            View::V2 => layout.is_unified(),
        };
        if found { test(&layout) } else { println!("skipped: this host is not {view:?}") }
    };
    std::thread::Builder::new().spawn(run).unwrap().join().unwrap();
}

fn path(name: &str) -> String {
    format!("/ocinit-test-{}-{name}/c", std::process::id())
}

pub fn create(layout: &Layout, name: &str, resources: &Resources<'_>) -> Result<Created> {
    made(&plan(layout, Some(&path(name)), "id", Some(resources), false)?)
}

/// All that is planned.
pub fn made(planned: &super::Plan) -> Result<Created> {
    let mut created = planned.begin()?;
    planned.complete(&mut created)?;
    Ok(created)
}

/// A process in the cgroups that does nothing until it is killed.
pub fn inmate(created: &Created) -> Pid {
    match clone(0, created.unified()).unwrap() {
        Side::Parent(pid) => pid,
        Side::Child => {
            if enter(created.entrances()).is_err() {
                crate::sys::exit(1);
            }
            loop {
                freezer::pause(1_000_000);
            }
        }
    }
}

pub fn wait(pid: Pid) -> Option<i32> {
    let (_, status) = waitpid(Some(pid), WaitOptions::empty()).unwrap().unwrap();
    status.terminating_signal()
}

/// Waits until the process is everywhere where it belongs.
pub fn settle(created: &Created, pid: Pid) {
    let inside = |group: &Group| {
        members::pids_below(group.directory).unwrap().contains(&pid.as_raw_nonzero().get())
    };
    for _ in 0..1000 {
        if created.cgroups().groups.iter().all(inside) {
            return;
        }
        freezer::pause(1000);
    }
    panic!("the process did not enter {:?}", created.cgroups());
}

fn gone(cgroups: &Cgroups) {
    for group in &cgroups.groups {
        assert!(!std::path::Path::new(&group.directory).exists(), "{}", group.directory);
    }
}

/// The parents stay, as with every runtime: the test takes its own.
pub fn sweep(cgroups: &Cgroups) {
    for group in &cgroups.groups {
        let (parent, _) = group.directory.rsplit_once('/').unwrap();
        let _ = std::fs::remove_dir(parent);
    }
}

fn life(layout: &Layout, name: &'static str) {
    let created = create(layout, name, &Resources::default()).unwrap();
    let pid = inmate(&created);
    settle(&created, pid);
    let other = create(layout, name, &Resources::default()).err().unwrap().to_string();
    assert_eq!(other, "container's cgroup is not empty: 1 process(es) found");
    let cgroups = created.keep();
    assert_eq!(cgroups.pids().unwrap(), [pid.as_raw_nonzero().get()]);
    assert!(!cgroups.is_frozen().unwrap());
    cgroups.freeze(true).unwrap();
    assert!(cgroups.is_frozen().unwrap());
    cgroups.freeze(false).unwrap();
    assert!(!cgroups.is_frozen().unwrap());
    cgroups.freeze(true).unwrap();
    // Another process enters while the first one is killed in its sleep.
    cgroups.kill_all(Signal::KILL).unwrap();
    assert_eq!(wait(pid), Some(Signal::KILL.as_raw()));
    if cgroups.is_frozen().unwrap() {
        cgroups.freeze(false).unwrap();
    }
    // Cgroups that the container made go too.
    for group in &cgroups.groups {
        std::fs::create_dir_all(format!("{}/a/b", group.directory)).unwrap();
    }
    cgroups.remove().unwrap();
    cgroups.remove().unwrap();
    gone(&cgroups);
    assert_eq!(cgroups.pids().unwrap(), []);
    sweep(&cgroups);
}

#[test]
fn life_hybrid() {
    in_view(View::Hybrid, |layout| life(layout, "life-hybrid"));
}

#[test]
fn life_v1() {
    in_view(View::V1, |layout| life(layout, "life-v1"));
}

#[test]
fn life_v2() {
    in_view(View::V2, |layout| life(layout, "life-v2"));
}

#[test]
fn exec_joins_and_descends() {
    in_view(View::Hybrid, |layout| {
        let cgroups = create(layout, "exec", &Resources::default()).unwrap().keep();
        let below = format!("{}/sub", cgroups.v1("memory").unwrap().directory);
        std::fs::create_dir(&below).unwrap();
        let opened = cgroups.open(&["memory:sub"]).unwrap();
        assert_eq!(opened.cgroups().v1("memory").unwrap().directory, below);
        let pid = inmate(&opened);
        settle(&opened, pid);
        for (value, why) in [
            ("memory:../x", "not a sub cgroup path"),
            ("nonsense:sub", "no cgroup of this controller"),
            ("sub", "ENOENT"),
        ] {
            let error = cgroups.open(&[value]).err().unwrap().to_string();
            assert!(error.contains(why), "{error}");
        }
        // The unified hierarchy, if the kernel could not do it at birth.
        opened.add(pid).unwrap();
        cgroups.kill_all(Signal::KILL).unwrap();
        wait(pid);
        cgroups.remove().unwrap();
        gone(&cgroups);
        sweep(&cgroups);
    });
}

#[test]
fn failures_leave_nothing() {
    in_view(View::Hybrid, |layout| {
        let refused = Resources {
            cpu: Some(crate::spec::Cpu { cpus: Some("4095"), ..Default::default() }),
            ..Resources::default()
        };
        let planned = plan(layout, Some(&path("failure")), "id", Some(&refused), false).unwrap();
        let error = made(&planned).err().unwrap().to_string();
        let directory = &planned.cgroups.v1("cpuset").unwrap().directory;
        assert_eq!(
            error,
            format!(
                "set linux.resources.cpu.cpus: write \"4095\" to \"{directory}/cpuset.cpus\": \
                 ERANGE (numerical result out of range)"
            )
        );
        gone(&planned.cgroups);
        sweep(&planned.cgroups);
    });
}

#[test]
fn frozen_cgroups_are_refused() {
    for view in [View::V1, View::V2] {
        in_view(view, move |layout| {
            let name = format!("frozen-{view:?}");
            let cgroups = create(layout, &name, &Resources::default()).unwrap().keep();
            cgroups.freeze(true).unwrap();
            let error = create(layout, &name, &Resources::default()).err().unwrap().to_string();
            assert!(error.starts_with("container's cgroup unexpectedly frozen"), "{error}");
            cgroups.remove().unwrap();
            gone(&cgroups);
            sweep(&cgroups);
        });
    }
}

/// What a file of a group of this controller says.
fn file_of(cgroups: &Cgroups, file: &str) -> String {
    let controller = file.split_once('.').unwrap().0;
    let directory = &cgroups.v1(controller).unwrap().directory;
    let text = std::fs::read_to_string(format!("{directory}/{file}"));
    text.unwrap_or_else(|error| panic!("{file}: {error}")).trim_end().replace('\n', ";")
}

const LIMITS: &str = r#"{
 "memory": {"limit": 67108864, "swap": 134217728, "reservation": 33554432, "kernelTCP": 8388608,
   "swappiness": 33, "disableOOMKiller": true, "useHierarchy": true},
 "cpu": {"shares": 512, "quota": 20000, "period": 50000, "burst": 10000, "cpus": "0", "mems": "0"},
 "pids": {"limit": 77},
 "devices": [{"allow": false, "access": "rwm"}, {"allow": true, "type": "b", "major": 7, "access": "rw"}]
}"#;

fn with_resources(json: &str, test: impl FnOnce(&Resources<'_>)) {
    let document = crate::json::Document::parse(json.as_bytes(), "resources").unwrap();
    test(&document.read(Resources::parse).unwrap());
}

#[test]
fn limits_are_in_the_files() {
    in_view(View::Hybrid, |layout| {
        with_resources(LIMITS, |resources| {
            let cgroups = create(layout, "limits", resources).unwrap().keep();
            for (file, expect) in [
                ("memory.limit_in_bytes", "67108864"),
                ("memory.memsw.limit_in_bytes", "134217728"),
                ("memory.soft_limit_in_bytes", "33554432"),
                ("memory.kmem.tcp.limit_in_bytes", "8388608"),
                ("memory.swappiness", "33"),
                ("cpu.shares", "512"),
                ("cpu.cfs_quota_us", "20000"),
                ("cpu.cfs_period_us", "50000"),
                ("cpu.cfs_burst_us", "10000"),
                ("cpuset.cpus", "0"),
                ("cpuset.mems", "0"),
                ("pids.max", "77"),
                (
                    "devices.list",
                    "b 7:* rw;c *:* m;b *:* m;c 1:3 rwm;c 1:8 rwm;c 1:7 rwm;c 5:0 rwm;c 1:5 rwm;\
                     c 1:9 rwm;c 136:* rwm;c 5:2 rwm",
                ),
            ] {
                assert_eq!(file_of(&cgroups, file), expect, "{file}");
            }
            // Both limits grow beyond the old ones, then shrink below them.
            for (limit, swap) in [("268435456", "536870912"), ("8388608", "16777216")] {
                let json = format!(
                    "{{\"memory\":{{\"limit\":{limit},\"swap\":{swap}}},\
                     \"cpu\":{{\"period\":20000,\"quota\":5000,\"burst\":1000}}}}"
                );
                with_resources(&json, |resources| {
                    cgroups.update(&mut resources.clone(), &Resources::default()).unwrap()
                });
                assert_eq!(file_of(&cgroups, "memory.limit_in_bytes"), limit);
                assert_eq!(file_of(&cgroups, "memory.memsw.limit_in_bytes"), swap);
                assert_eq!(file_of(&cgroups, "cpu.cfs_quota_us"), "5000");
            }
            assert_eq!(file_of(&cgroups, "cpuset.cpus"), "0");
            cgroups.remove().unwrap();
            gone(&cgroups);
            sweep(&cgroups);
        });
    });
}

#[test]
fn device_program_of_v2() {
    use crate::sys::fd::AsFd;
    in_view(View::V2, |layout| {
        with_resources(r#"{"devices":[{"allow":false}]}"#, |resources| {
            let programs = |created: &Created| {
                let mut ids = [0; crate::sys::bpf::MAX_PROGRAMS];
                let directory = created.unified().unwrap();
                crate::sys::bpf::device_programs(directory.as_fd(), &mut ids).unwrap()
            };
            let created = match create(layout, "devices", resources) {
                Err(error) => {
                    println!("skipped: {error}");
                    return;
                }
                Ok(created) => created,
            };
            assert_eq!(programs(&created), 1);
            let cgroups = created.keep();
            // An empty cgroup that exists is taken, and its program replaced.
            let again = create(layout, "devices", resources).unwrap();
            assert_eq!(programs(&again), 1);
            drop(again);
            cgroups.remove().unwrap();
            gone(&cgroups);
            sweep(&cgroups);
        });
    });
}

#[test]
fn limits_are_in_the_files_of_v2() {
    in_view(View::V2, |layout| {
        let unified = layout.unified().unwrap();
        if !["memory", "cpu", "cpuset", "pids", "io"].iter().all(|name| unified.has(name)) {
            println!("skipped: cgroup v2 has only {}", unified.controllers);
            return;
        }
        let json = r#"{
          "memory": {"limit": 67108864, "swap": 134217728, "reservation": 33554432},
          "cpu": {"shares": 512, "quota": 20000, "period": 50000, "burst": 10000, "cpus": "0", "mems": "0"},
          "pids": {"limit": 77}, "unified": {"memory.high": "50331648", "pids.max": "78"}}"#;
        with_resources(json, |resources| {
            let created = create(layout, "limits2", resources).unwrap();
            let pid = inmate(&created);
            settle(&created, pid);
            let cgroups = created.keep();
            let directory = &cgroups.unified().unwrap().directory;
            let check = |pairs: &[(&str, &str)]| {
                for (file, expect) in pairs {
                    let text = std::fs::read_to_string(format!("{directory}/{file}"));
                    assert_eq!(text.unwrap().trim_end(), *expect, "{file}");
                }
            };
            check(&[
                ("memory.max", "67108864"),
                ("memory.swap.max", "67108864"),
                ("memory.low", "33554432"),
                ("memory.high", "50331648"),
                ("cpu.weight", "59"),
                ("cpu.max", "20000 50000"),
                ("cpuset.cpus", "0"),
                ("cpuset.mems", "0"),
                ("pids.max", "78"),
            ]);
            // A partial update leaves the other half of a file as it was.
            let update = |json: &str| {
                let mut result = Ok(());
                with_resources(json, |resources| {
                    result = cgroups.update(&mut resources.clone(), &Resources::default())
                });
                result
            };
            update(r#"{"cpu":{"period":40000}}"#).unwrap();
            update(r#"{"memory":{"swap":100663296}}"#).unwrap();
            check(&[("cpu.max", "20000 40000"), ("memory.swap.max", "33554432")]);
            let error =
                update(r#"{"memory":{"limit":4096,"checkBeforeUpdate":true}}"#).unwrap_err();
            assert!(
                error.to_string().starts_with("rejecting memory limit 4096 <= usage"),
                "{error}"
            );
            check(&[("memory.max", "67108864")]);
            cgroups.kill_all(Signal::KILL).unwrap();
            wait(pid);
            cgroups.remove().unwrap();
            gone(&cgroups);
            sweep(&cgroups);
        });
    });
}
