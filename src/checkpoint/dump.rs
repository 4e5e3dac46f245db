//! `checkpoint`: a container's processes become files.

use super::criu::{self, Criu, Start};
use super::external::{external, namespace_key, tell_dump};
use super::rpc::{Kind, opts, request};
use super::{Options, log, stdio};
use crate::act::bundle::read_config;
use crate::act::host;
use crate::cgroup::Layout;
use crate::container::{self, ContainerId, Directory, State, Status, hooks, notify};
use crate::error::{Context, Error, Result};
use crate::json::Document;
use crate::named;
use crate::plan::Plan;
use crate::plan::Request;
use crate::plan::container::plan;
use crate::plan::mounts::absolute;
use crate::quote::quoted;
use crate::request::{Caller, CgroupManager};
use crate::spec::Spec;
use crate::sys::descriptor::{borrow, write_all};
use crate::sys::exec::Strings;
use crate::sys::fd::AsFd;
use crate::text;
use alloc::vec::Vec;
use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, openat};

/// criu's log of a dump.
const LOG: &str = "dump.log";

/// The configuration file that runc has criu read.
const CONFIG: &str = "/etc/criu/runc.conf";

/// Saves a container's processes. Unless they are to go on, the container is
/// deleted then.
///
/// # Errors
/// `Container cannot be checkpointed in … state`; what criu refuses, and then
/// the container goes on.
#[inline(never)]
pub fn checkpoint(caller: &Caller, id: &ContainerId, mut options: Options) -> Result<()> {
    criu::needs_root("checkpoint")?;
    let environment = Strings::new(caller.environment);
    let program = criu::program(caller, &environment)?;
    let root = caller.root()?;
    let directory = root.container(id)?;
    let lock = directory.lock()?;
    let state = directory.state()?;
    let status = lock.status(Some(state))?;
    if !matches!(status, Status::Running | Status::Paused) {
        return Err(Error::about("Container cannot be checkpointed in {} state", status.name()));
    }
    let text = read_config(text::about("{}/config.json", state.bundle))?;
    let document = Document::parse(text, "config.json")?;
    let spec = Spec::read(&document)?;
    let plan = planned(caller, spec, &directory, state, &environment)?;
    let images = criu::make_directory(options.image_path)?;
    if let Some(parent) = options.parent_path {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(images.as_fd(), parent, flags, Mode::empty()).context(|| {
            text!("--parent-path: open {} in {}", quoted(parent), quoted(options.image_path))
        })?;
    }
    let work = options.work_path.map(criu::make_directory).transpose()?;
    let log = log_path(&options, LOG);
    common(&mut options, images.as_fd(), work.as_ref(), LOG);
    config_file(&mut options, state.annotations());
    of_container(&mut options, state, plan)?;
    if !options.pre_dump {
        contents(&mut options, state, plan, &images)?;
    }
    let kind = if options.pre_dump { Kind::PreDump } else { Kind::Dump };
    let request = request(kind, &options.opts);
    let start = Start { program, environment: &environment, apart: None };
    let (criu, _) = Criu::start(&start)?;
    criu.ask(&request, &mut |script, _, _| match (script, options.status_fd.and_then(borrow)) {
        ("status-ready", Some(fd)) => {
            write_all(fd, b"\0").context(|| "write to the descriptor of --status-fd")
        }
        _ => Ok(()),
    })
    .map_err(|error| log::explain(error.within("checkpoint"), log))?;
    if options.pre_dump || options.leave_running {
        return Ok(());
    }
    container::destroy(&directory, &lock, Some(state))?;
    hooks::poststop(state, caller.environment, &mut |error| {
        caller.log.warning(format_args!("{error}"));
    });
    Ok(())
}

/// The container as it would be made: what of it is the host's.
fn planned(
    caller: &Caller,
    spec: &Spec<'_>,
    directory: &Directory<'_>,
    state: &State,
    environment: &Strings,
) -> Result<&'static mut Plan> {
    let layout = match caller.globals.cgroup_manager {
        CgroupManager::Disabled => Layout::default(),
        _ => Layout::detect()?,
    };
    let notify =
        directory.has(notify::DIRECTORY).then(|| notify::path(caller.globals.root, &state.id));
    plan(
        spec,
        &Request {
            id: state.id.as_str(),
            bundle: state.bundle,
            rootfs: state.rootfs,
            no_pivot: false,
            no_new_keyring: true,
            preserve_fds: 0,
            extra_env: &[],
            environment: environment.as_slice(),
            host: host::gather(spec.process.as_ref(), spec.linux.mount_label)?,
            layout: &layout,
            cgroups: &state.cgroups,
            notify,
            shared_parent: None,
        },
    )
}

/// Where the log will be.
pub fn log_path(options: &Options, name: &str) -> &'static str {
    absolute(options.work_path.unwrap_or(options.image_path), name)
}

/// Tells criu what every request says: where it works, what it writes down.
pub fn common(options: &mut Options, images: BorrowedFd<'_>, work: Option<&OwnedFd>, log: &str) {
    let message = &mut options.opts;
    // It looks for these numbers among our descriptors.
    message.number(opts::IMAGES_DIR_FD, images.as_raw_fd().into());
    if let Some(work) = work {
        message.number(opts::WORK_DIR_FD, work.as_raw_fd().into());
    }
    message.number(opts::LOG_LEVEL, criu::LOG_LEVEL);
    message.bytes(opts::LOG_FILE, log.as_bytes());
    message.set(opts::NOTIFY_SCRIPTS);
    message.set(opts::ORPHAN_PTS_MASTER);
}

/// Names the file that has the last word on criu's options: the annotation's; an
/// empty one is none.
pub fn config_file<'a>(
    options: &mut Options,
    mut annotations: impl Iterator<Item = (&'a str, &'a str)>,
) {
    let named = annotations.find(|(name, _)| *name == "org.criu.config");
    let file = named.map_or(CONFIG, |(_, value)| value);
    if !file.is_empty() {
        options.opts.bytes(opts::CONFIG_FILE, file.as_bytes());
    }
}

/// The container itself: its init, its root, its freezer, the namespaces that
/// are not its own.
fn of_container(options: &mut Options, state: &State, plan: &Plan) -> Result<()> {
    let message = &mut options.opts;
    message.number(opts::PID, state.pid.into());
    message.bytes(opts::ROOT, state.rootfs.as_bytes());
    if let Some(directory) = state.cgroups.freezer_directory() {
        message.bytes(opts::FREEZE_CGROUP, directory.as_bytes());
    }
    for join in &plan.namespaces.join {
        let Some(key) = namespace_key(join.kind) else { continue };
        let name = crate::namespace::name(join.kind);
        let path = text!("/proc/{}/ns/{name}", state.pid);
        let inode = named::stat(path).context(|| text::about_quoted("look at {}", path))?.st_ino;
        message.bytes(opts::EXTERNAL, text!("{name}[{inode}]:{key}").as_bytes());
    }
    Ok(())
}

/// What is not only memory: mounts and files of the host's. What those were is
/// written beside the images.
fn contents(options: &mut Options, state: &State, plan: &Plan, images: &OwnedFd) -> Result<()> {
    let path = text!("/proc/{}/root", state.pid);
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let root = named::open(path, flags).context(|| text::about_quoted("open {}", path))?;
    tell_dump(&mut options.opts, &external(&plan.ops)?, root.as_fd());
    let descriptors = stdio::of_container(state)?;
    let mut told: Vec<&&str> = Vec::new();
    for name in descriptors.iter().filter(|name| name.starts_with("file[")) {
        if !told.contains(&name) {
            options.opts.bytes(opts::EXTERNAL, name.as_bytes());
            told.push(name);
        }
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    openat(images.as_fd(), stdio::FILE, flags, Mode::RUSR | Mode::WUSR)
        .and_then(|file| write_all(file.as_fd(), stdio::to_json(&descriptors).as_bytes()))
        .map_err(|errno| Error::os(text::about_quoted("write {}", stdio::FILE), errno))
}
