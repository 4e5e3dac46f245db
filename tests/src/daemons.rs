//! containerd and Docker themselves: their daemons, each a test's own, in its
//! directory.

use crate::cgroups;
use crate::images::{cache_dir, locked};
use crate::oci::{self, Call, Running};
use crate::wait::eventually;
use crate::{Lab, packages};
use nix::mount::{MsFlags, mount};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// A daemon that ends with the value.
struct Daemon(Option<Running>);

impl Daemon {
    fn start(call: Call, socket: &Path) -> Daemon {
        // Longer than any test.
        let daemon = Daemon(Some(call.timeout(std::time::Duration::from_secs(600)).spawn()));
        eventually(&format!("{} is there", socket.display()), || {
            std::os::unix::net::UnixStream::connect(socket).is_ok()
        });
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(running) = self.0.take() {
            let _ = kill(Pid::from_raw(running.pid()), Signal::SIGTERM);
            if std::thread::panicking() {
                eprintln!("the daemon said:\n{}", running.stderr());
            }
            running.wait();
        }
    }
}

/// Where the programs are: of this machine, or unpacked for the tests, since a
/// package that is installed starts its daemon, which changes the machine's network.
struct Programs(PathBuf);

impl Programs {
    fn find() -> Result<Programs, String> {
        if Path::new("/usr/sbin/dockerd").exists() && Path::new("/usr/bin/ctr").exists() {
            return Ok(Programs("/".into()));
        }
        if std::env::var_os("OCINIT_IMAGES").is_some() {
            return Err("this machine was made without containerd and Docker".into());
        }
        let cache = cache_dir();
        let tree = cache.join("daemons-1");
        locked(&cache, ".daemons", || {
            if tree.exists() {
                return Ok(());
            }
            let new = cache.join(".daemons-new");
            let _ = fs::remove_dir_all(&new);
            packages::unpack(&["containerd", "docker.io", "libdevmapper1.02.1"], &new)?;
            fs::rename(&new, &tree).map_err(|e| format!("{}: {e}", tree.display()))
        })?;
        Ok(Programs(tree))
    }

    /// A call of the program; what it calls itself it finds beside it.
    fn call(&self, lab: &Lab, program: &str) -> Call {
        let of = |directory: &str| self.0.join(directory).display().to_string();
        let path = [of("usr/sbin"), of("usr/bin"), "/usr/sbin:/usr/bin:/sbin:/bin".into()];
        let libraries = format!("{}-linux-gnu", std::env::consts::ARCH);
        let libraries = ["lib", "usr/lib"].map(|lib| of(&format!("{lib}/{libraries}")));
        let call = lab.program(&self.0.join(program)).env("PATH", path.join(":"));
        call.env("LD_LIBRARY_PATH", libraries.join(":")).env("HOME", lab.dir())
    }
}

/// A lab for a daemon. Both write to directories of the machine, whatever they are
/// told: here these are the test program's own.
pub fn lab() -> Lab {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for directory in ["/run/containerd", "/run/docker"] {
            fs::create_dir_all(directory).expect("make a directory in /run");
            let (none, tmpfs) = (None::<&str>, Some("tmpfs"));
            mount(tmpfs, directory, tmpfs, MsFlags::empty(), none).expect("mount over it");
        }
    });
    Lab::new()
}

/// A containerd.
pub struct Containerd<'a> {
    lab: &'a Lab,
    programs: Programs,
    socket: PathBuf,
    _daemon: Daemon,
}

impl Containerd<'_> {
    /// Starts it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn start(lab: &Lab) -> Result<Containerd<'_>, String> {
        let programs = Programs::find()?;
        let dir = |name: &str| lab.dir().join(name);
        let socket = dir("containerd.sock");
        let config = format!(
            "version = 2\nroot = {:?}\nstate = {:?}\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\naddress = {socket:?}\n\
             [plugins.\"io.containerd.internal.v1.opt\"]\npath = {:?}\n",
            dir("containerd"),
            dir("containerd-state"),
            dir("opt")
        );
        fs::write(dir("containerd.toml"), config).map_err(|e| e.to_string())?;
        let call = programs.call(lab, "usr/bin/containerd");
        let daemon = Daemon::start(call.arg("--config").arg(dir("containerd.toml")), &socket);
        Ok(Containerd { lab, programs, socket, _daemon: daemon })
    }

    /// `ctr`.
    pub fn ctr(&self, args: &[&str]) -> Call {
        let call = self.programs.call(self.lab, "usr/bin/ctr");
        call.arg("--address").arg(&self.socket).args(args)
    }

    /// `ctr run` of a program on a root file system, by the binary under test.
    pub fn run(&self, flags: &[&str], rootfs: &Path, id: &str, program: &[&str]) -> Call {
        let binary = oci::find_binary().expect("checked when the tests began");
        let call = self.ctr(&["run", "--rootfs", "--runc-binary"]).arg(binary);
        let call = call.arg("--runc-root").arg(self.lab.state_root());
        let tag = self.lab.tag();
        let call = match cgroups::by_systemd() {
            true => {
                let unit = format!("containerd{tag}.slice:containerd:{id}");
                call.args(["--runc-systemd-cgroup", "--cgroup", &unit])
            }
            false => call.args(["--cgroup", &format!("/containerd-{tag}/{id}")]),
        };
        call.args(flags).arg(rootfs).arg(id).args(program)
    }
}

/// A Docker, with a containerd of its own.
pub struct Docker<'a> {
    // It ends before its containerd: in the order of these fields.
    _daemon: Daemon,
    containerd: Containerd<'a>,
    socket: PathBuf,
}

impl Docker<'_> {
    /// Starts it with the binary under test as its only runtime, and an image
    /// `guest:1` made of a root file system.
    ///
    /// # Errors
    /// Why there is none.
    pub fn start<'a>(lab: &'a Lab, rootfs: &Path) -> Result<Docker<'a>, String> {
        let containerd = Containerd::start(lab)?;
        let dir = |name: &str| lab.dir().join(name);
        let binary = oci::find_binary().expect("checked when the tests began");
        fs::write(dir("docker.json"), "{}").map_err(|e| e.to_string())?;
        let socket = dir("docker.sock");
        let manager = if cgroups::by_systemd() { "systemd" } else { "cgroupfs" };
        // Nothing of the machine's network is touched.
        let call = containerd.programs.call(lab, "usr/sbin/dockerd").args([
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
            "--ip-forward=false",
            "--storage-driver=vfs",
            "--default-runtime=ocinit",
        ]);
        let call = call.arg(format!("--exec-opt=native.cgroupdriver={manager}"));
        let call = call.arg(format!("--add-runtime=ocinit={}", binary.display()));
        let call = [
            ("data-root", dir("docker")),
            ("exec-root", dir("docker-exec")),
            ("pidfile", dir("docker.pid")),
            ("config-file", dir("docker.json")),
            ("containerd", containerd.socket.clone()),
            ("host", format!("unix://{}", socket.display()).into()),
        ]
        .into_iter()
        .fold(call, |call, (flag, path)| call.arg(format!("--{flag}={}", path.display())));
        let daemon = Daemon::start(call, &socket);
        let docker = Docker { _daemon: daemon, containerd, socket };
        docker.call(&["import"]).arg(lab.archive(rootfs)).arg("guest:1").ok();
        Ok(docker)
    }

    /// `docker`.
    pub fn call(&self, args: &[&str]) -> Call {
        let Containerd { lab, programs, .. } = &self.containerd;
        let call = programs.call(lab, "usr/bin/docker");
        call.arg("--host").arg(format!("unix://{}", self.socket.display())).args(args)
    }

    /// `docker run` of `guest:1`, without a network, in a cgroup that carries the
    /// test's name.
    pub fn run(&self, flags: &[&str], program: &[&str]) -> Call {
        let tag = self.containerd.lab.tag();
        let parent = match cgroups::by_systemd() {
            true => format!("docker{tag}.slice"),
            false => format!("/docker-{tag}"),
        };
        let call = self.call(&["run", "--network=none", "--cgroup-parent", &parent]);
        call.args(flags).arg("guest:1").args(program)
    }
}
