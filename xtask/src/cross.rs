//! Building with `cross`, as Cross.toml says: the tool itself from crates.io, and
//! a podman for it to call, whose containers our own release binary runs.
//!
//! No registry of images is asked. What `targets/Dockerfile` begins with is made
//! of the same packages by mmdebstrap, and podman knows it by the name that
//! stands there; all else is done by cross as on anybody's machine.

use crate::debian::install_missing;
use crate::error::{Context, Result};
use crate::process::{output, run, step};
use crate::target::Target;
use crate::toolchain::has_libraries;
use crate::vm::cache;
use crate::workspace::{self, cargo, root, sysroot};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Which cross. It has been the newest one since 2023.
const VERSION: &str = "0.2.5";

/// Where rustup puts the sources of the standard libraries.
const SOURCES: &str = "lib/rustlib/src/rust/library/core/Cargo.toml";

const PACKAGES: [(&str, &str); 2] =
    [("mmdebstrap", "/usr/bin/mmdebstrap"), ("podman", "/usr/bin/podman")];

/// Where `core` and `alloc` for a target come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Libraries {
    /// The toolchain has them: `rustup target add`.
    Made,
    /// They are built along from its sources, where rustup has none.
    Source,
}

impl Libraries {
    /// Those for the target, fetched where that can be done; an error says why
    /// there are none.
    pub fn fetch(target: &Target) -> Result<Libraries> {
        if has_libraries(target) {
            return Ok(Libraries::Made);
        }
        let rustup = |args: &[&str]| {
            let mut command = Command::new("rustup");
            // What it says fills a screen where a server has no such file.
            command.args(args).current_dir(root()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        if rustup(&["target", "add", target.name]) {
            return Ok(Libraries::Made);
        }
        if sysroot()?.join(SOURCES).is_file() || rustup(&["component", "add", "rust-src"]) {
            fetch_dependencies()?;
            return Ok(Libraries::Source);
        }
        Err(format!(
            "`rustup target add {}` and `rustup component add rust-src` do not work",
            target.name
        ))
    }
}

/// Fetches what the standard library depends on: in its container cargo knows no
/// certificates but those of its image, and nothing of a proxy.
fn fetch_dependencies() -> Result {
    let mut command = cargo(&["fetch", "--quiet", "--locked", "--manifest-path"]);
    command.arg(sysroot()?.join("lib/rustlib/src/rust/library/Cargo.toml"));
    // It is made for the compiler that it comes with, and no other.
    run(command.env("RUSTC_BOOTSTRAP", "1"))
}

/// The tool, with an engine of its own for containers. What that makes is gone
/// with it.
pub struct Cross {
    program: PathBuf,
    dir: PathBuf,
}

impl Cross {
    /// Installs the tool and lays out the engine; `runtime` runs its containers.
    pub fn new(runtime: &Path) -> Result<Cross> {
        install_missing(&PACKAGES)?;
        let program = cache::made("cross", &[VERSION], |new| {
            let mut command = cargo(&["install", "--quiet", "--locked", "cross"]);
            command.args(["--version", VERSION, "--root"]).arg(new);
            run(command.arg("--target-dir").arg(workspace::target().join("cross-tool")))
        })?;
        let dir = std::env::temp_dir().join(format!("ocinit-cross-{}", std::process::id()));
        fs::create_dir_all(&dir).context(dir.display())?;
        let cross = Cross { program: program.join("bin/cross"), dir };
        cross.configure(runtime)?;
        let archive = debian()?;
        let mut import = Command::new("podman");
        cross.engine(import.args(["import", "--quiet"])).arg(archive).arg(base()?);
        output(&mut import)?;
        Ok(cross)
    }

    /// podman's configuration. The limits are there since its own take
    /// CAP_SYS_RESOURCE.
    fn configure(&self, runtime: &Path) -> Result {
        let (dir, runtime) = (self.dir.display(), runtime.display());
        let containers = format!(
            "[containers]\n\
             netns = \"host\"\n\
             default_ulimits = [\"nofile=1000:1000\", \"nproc=1000:1000\"]\n\
             pids_limit = 0\n\
             [engine]\n\
             cgroup_manager = \"cgroupfs\"\n\
             events_logger = \"file\"\n\
             runtime = \"ocinit\"\n\
             tmp_dir = \"{dir}/tmp\"\n\
             static_dir = \"{dir}/storage/libpod\"\n\
             volume_path = \"{dir}/storage/volumes\"\n\
             [engine.runtimes]\n\
             ocinit = [\"{runtime}\"]\n"
        );
        fs::write(self.dir.join("containers.conf"), containers).context("containers.conf")?;
        let storage = |driver: &str| {
            let text = format!(
                "[storage]\n\
                 driver = \"{driver}\"\n\
                 graphroot = \"{dir}/storage\"\n\
                 runroot = \"{dir}/run\"\n"
            );
            fs::write(self.dir.join("storage.conf"), text).context("storage.conf")
        };
        storage("overlay")?;
        let mut info = Command::new("podman");
        let info = self.engine(&mut info).arg("info").stdout(Stdio::null()).stderr(Stdio::null());
        if !info.status().context("podman")?.success() {
            // The directory itself may be on an overlay.
            storage("vfs")?;
        }
        Ok(())
    }

    /// The command with the engine that is ours.
    fn engine<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("CONTAINERS_CONF", self.dir.join("containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", self.dir.join("storage.conf"))
    }

    /// `cross build --release -p ocinit --target TARGET`; the binary.
    pub fn build(&self, target: &Target, libraries: Libraries) -> Result<PathBuf> {
        step(format_args!("cross builds for {}", target.name));
        let into = workspace::target().join("cross-built");
        let parent = format!("--cgroup-parent=/{}", self.name());
        let mut options = parent.clone();
        let mut command = Command::new(&self.program);
        if libraries == Libraries::Source {
            // cross would ask rustup for them all the same.
            command.env("CROSS_CUSTOM_TOOLCHAIN", "1");
            options.push_str(" --env=RUSTC_BOOTSTRAP=1 --env=CARGO_UNSTABLE_BUILD_STD=core,alloc");
        }
        self.engine(&mut command)
            .args(["build", "--quiet", "--release", "-p", "ocinit", "--target", target.name])
            .current_dir(root())
            .env_remove("LD_LIBRARY_PATH")
            .env("CARGO_TARGET_DIR", &into)
            .env("CROSS_CONTAINER_ENGINE", "podman")
            .env("CROSS_BUILD_OPTS", format!("--network=host {parent}"))
            .env("CROSS_CONTAINER_OPTS", options);
        run(&mut command)?;
        Ok(into.join(target.name).join("release/ocinit"))
    }

    /// What the engine's directory and its control groups are called.
    fn name(&self) -> String {
        self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Drop for Cross {
    fn drop(&mut self) {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let ours = |line: &&str| line.contains(&format!("/{}/", self.name()));
        for line in mounts.lines().filter(ours) {
            let place = line.split(' ').nth(4).unwrap_or_default();
            let _ = Command::new("umount").args(["--lazy", place]).status();
        }
        cache::remove(&self.dir);
        let mut find = Command::new("find");
        find.args(["/sys/fs/cgroup", "-depth", "-type", "d", "-path"]);
        find.arg(format!("*/{}*", self.name())).args(["-exec", "rmdir", "{}", ";"]);
        let _ = find.stderr(Stdio::null()).status();
    }
}

/// What the Dockerfile begins with.
fn base() -> Result<String> {
    let path = root().join("targets/Dockerfile");
    let text = fs::read_to_string(&path).context(path.display())?;
    let line = text.lines().find_map(|line| line.strip_prefix("FROM "));
    line.map(String::from).ok_or_else(|| "targets/Dockerfile: no line FROM".into())
}

/// The image of that name, as an archive of its files.
fn debian() -> Result<PathBuf> {
    let sources = Path::new("/etc/apt/sources.list.d/debian.sources");
    // The machine's own sources, which may name a mirror that it can reach.
    let sources = fs::read_to_string(sources).unwrap_or_default();
    cache::made("cross-debian", &[&base()?, &sources], |new| {
        let mut command = Command::new("mmdebstrap");
        command.args(["--quiet", "--variant=apt", "--mode=root", "--format=tar"]);
        command.args(["--dpkgopt=force-unsafe-io", "bookworm"]).arg(new);
        if !sources.is_empty() {
            command.arg("/etc/apt/sources.list.d/debian.sources");
        }
        output(&mut command).map(drop)
    })
}
