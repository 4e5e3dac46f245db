//! Runs one case under one runtime, in a bundle that is made anew each time.

use super::observe::{self, Fields};
use super::{Case, Runtime};
use crate::container::own_namespace;
use crate::{Lab, cgroups, oci, wait};
use nix::mount::{MsFlags, mount};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// After this time a runtime hangs.
const WATCHDOG: Duration = Duration::from_secs(20);

/// A lab with what the bundles refer to: by `@TREE@` a shared tmpfs with
/// another one at `sub`, by `@PEER@` a process with namespaces of its own, by
/// `@BUNDLE@` the bundle's directory, by `@ID@` the container.
pub struct Bench {
    lab: Lab,
    base: PathBuf,
    tree: PathBuf,
    peer: Option<oci::Running>,
}

impl Bench {
    /// Sets it up.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Bench {
        let lab = Lab::new();
        let base = lab.dir().join("base");
        crate::bundle::copy_tree(crate::images::busybox(), &base);
        let tree = lab.dir().join("tree");
        lab.tmpfs(&tree, "size=1m");
        let none = None::<&str>;
        mount(none, &tree, none, MsFlags::MS_SHARED, none).expect("share the tree");
        lab.tmpfs(&tree.join("sub"), "size=1m");
        fs::write(tree.join("file"), "top").expect("write a file");
        fs::write(tree.join("sub/file"), "below").expect("write a file");
        let call = lab.program(Path::new("/usr/bin/unshare")).args([
            "--net",
            "--ipc",
            "--uts",
            "--cgroup",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            "hostname peer; exec sleep 600",
        ]);
        let peer = Some(call.timeout(Duration::from_secs(600)).spawn());
        Bench { lab, base, tree, peer }
    }

    /// The process whose namespaces cases join.
    fn peer(&self) -> i32 {
        let pid = self.peer.as_ref().expect("only taken at the end").pid();
        wait::found("the peer's own process", || {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
            let child = children.split_whitespace().next()?.parse().ok()?;
            let name = fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
            (name.trim() == "sleep").then_some(child)
        })
    }

    /// Runs the case and says what was to be seen.
    pub fn run(&self, case: &Case, runtime: &Runtime) -> Fields {
        let bundle = self.lab.dir().join("bundle");
        let id = format!("t{}", self.lab.tag());
        self.prepare(case, &bundle, &id);
        let state = self.lab.dir().join(format!("state-{}", runtime.name));
        let run = catch_unwind(AssertUnwindSafe(|| self.call(case, runtime, &bundle, &state, &id)));
        let mut fields = run.unwrap_or_else(|_| Fields::from([("exit".into(), "watchdog".into())]));
        let mut left = cgroups::named(self.lab.tag());
        // systemd takes away what is empty at a time of its own.
        let end = Instant::now() + wait::patiently(Duration::from_secs(2));
        while cgroups::by_systemd() && !left.is_empty() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
            left = cgroups::named(self.lab.tag());
        }
        if !left.is_empty() {
            let all: Vec<String> = left.iter().map(|p| p.display().to_string()).collect();
            fields.insert("left.cgroups".into(), all.join(" "));
        }
        if state.join(&id).exists() {
            fields.insert("left.state".into(), "yes".into());
            let delete = ["delete", "--force", &id];
            let call =
                self.lab.program(&runtime.program).arg("--root").arg(&state).args(delete).stdin("");
            let limit = wait::patiently(WATCHDOG);
            let _ = catch_unwind(AssertUnwindSafe(|| call.timeout(limit).run()));
        }
        if let Ok(log) = fs::read_to_string(bundle.join("log")) {
            // Nobody makes the program wait for those of poststart.
            let (after, rest): (Vec<&str>, _) =
                log.lines().partition(|line| line.starts_with("poststart"));
            fields.insert("hooks".into(), rest.join(" / "));
            fields.insert("hooks.poststart".into(), after.join(" / "));
        }
        cgroups::remove_named(self.lab.tag());
        let replace = [
            (bundle.to_str().expect("text"), "@BUNDLE@"),
            (self.tree.to_str().expect("text"), "@TREE@"),
            (&id, "@ID@"),
        ];
        fields
            .into_iter()
            .map(|(k, v)| {
                let all = |text: String| {
                    replace.iter().fold(text, |text, (from, to)| text.replace(from, to))
                };
                (all(k), all(v))
            })
            .collect()
    }

    fn prepare(&self, case: &Case, bundle: &Path, id: &str) {
        let _ = fs::remove_dir_all(bundle);
        fs::create_dir(bundle).expect("make the bundle");
        link_tree(&self.base, &bundle.join("rootfs"));
        let data = bundle.join("data");
        fs::create_dir_all(data.join("dir/below")).expect("make the data directory");
        fs::write(data.join("dir/file"), "in dir").expect("write a file");
        fs::write(data.join("file"), "a file").expect("write a file");
        symlink("dir", data.join("dirlink")).expect("make a link");
        symlink("file", data.join("filelink")).expect("make a link");
        drop(UnixListener::bind(data.join("socket")).expect("make a socket"));
        if let Some(setup) = case.setup {
            setup(&bundle.join("rootfs"));
        }
        let mut text = case.config.to_string();
        if text.contains("@PEER@") {
            text = text.replace("@PEER@", &self.peer().to_string());
        }
        let text = text
            .replace("@BUNDLE@", &bundle.display().to_string())
            .replace("@TREE@", &self.tree.display().to_string())
            .replace("@ID@", id);
        fs::write(bundle.join("config.json"), text).expect("write config.json");
    }

    fn call(
        &self,
        case: &Case,
        runtime: &Runtime,
        bundle: &Path,
        state: &Path,
        id: &str,
    ) -> Fields {
        let pid_file = bundle.join("pid");
        let running = self
            .lab
            .program(&runtime.program)
            .arg("--root")
            .arg(state)
            .args(cgroups::by_systemd().then_some("--systemd-cgroup"))
            .args(["run", "--pid-file"])
            .arg(&pid_file)
            .arg("--bundle")
            .arg(bundle)
            .arg(id)
            // crun chowns what it is given for stdio, be it the host's /dev/null.
            .stdin("")
            .timeout(wait::patiently(WATCHDOG))
            .spawn();
        let mut outside = Fields::new();
        if case.stays() {
            let runtime = format!("/proc/{}/stat", running.pid());
            let ended = || {
                let stat = fs::read_to_string(&runtime).unwrap_or_default();
                stat.is_empty() || stat.contains(") Z ")
            };
            // crun writes the file when the program has begun already.
            let pid = || fs::read_to_string(&pid_file).ok()?.trim().parse::<i32>().ok();
            wait::eventually("the guest's report", || {
                ended() || (running.stdout().ends_with('\n') && pid().is_some())
            });
            let pid = pid().filter(|_| !ended());
            if let Some(pid) = pid {
                outside = observe::outside(pid);
                let _ = nix::sys::signal::kill(
                    nix::unistd::Pid::from_raw(pid),
                    nix::sys::signal::Signal::SIGTERM,
                );
            }
        }
        let out = running.wait();
        let mut fields = outside;
        fields.insert("exit".into(), out.code.to_string());
        if std::env::var_os("OCINIT_SAY").is_some() {
            eprintln!("{} {}: {} {}", case.name, runtime.name, out.code, out.stderr.trim_end());
        }
        match serde_json::from_str::<Value>(out.stdout.trim()) {
            Ok(report) if report.is_object() => {
                observe::inside(&report, &self.spaces(), &mut fields)
            }
            _ if !out.stdout.is_empty() => {
                fields.insert("stdout".into(), out.stdout.trim_end().replace('\n', " / "));
            }
            _ => {}
        }
        fields
    }

    /// What a namespace is called: the test's own or the peer's.
    fn spaces(&self) -> observe::Spaces {
        let peer = self.peer.as_ref().map(|_| self.peer());
        observe::Spaces { own: own_namespace, peer }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(peer) = self.peer.take() {
            peer.kill();
        }
    }
}

/// Copies directories and links, and links files: programs are not written to.
fn link_tree(from: &Path, to: &Path) {
    fs::create_dir(to).expect("make a directory");
    fs::set_permissions(to, fs::metadata(from).expect("stat").permissions()).expect("chmod");
    for entry in fs::read_dir(from).expect("list a directory").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("file type");
        if kind.is_dir() {
            link_tree(&path, &target);
        } else if kind.is_symlink() {
            symlink(fs::read_link(&path).expect("read a link"), &target).expect("make a link");
        } else {
            fs::hard_link(&path, &target).expect("link a file");
        }
    }
}
