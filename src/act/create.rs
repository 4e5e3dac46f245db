//! `create` and `run`: from the bundle to a container.

use super::foreground::Foreground;
use super::handover::{self, kept_descriptors, send_pidfd, send_terminal, write_pid_file};
use super::launch::{Born, Launch, end, launch};
use super::{host, protect};
use crate::cgroup::systemd::{self, Driver};
use crate::cgroup::{self, Cgroups, Created, Layout};
use crate::command::{CgroupManager, CreateOptions, Invocation};
use crate::container::notify::{self, Notify};
use crate::container::process::Stat;
use crate::container::{Directory, Lock, Root, START_SOCKET, State, destroy, hooks, limits};
use crate::error;
use crate::error::{Context, Error, Result};
use crate::json::{Document, Writer};
use crate::log::time::Timestamp;
use crate::plan::container::{self as planner, Request};
use crate::plan::mounts::absolute;
use crate::plan::{Host, Plan};
use crate::rdt;
use crate::spec::{self, NamespaceKind, Spec};
use crate::sys::exec::Strings;
use crate::sys::{descriptor, signal};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
};
use rustix::process::Pid;

/// The largest config.json that is read, in bytes.
const CONFIG_LIMIT: usize = 64 << 20;

/// What happens after the container is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// It waits for `start`.
    Created,
    /// Its program runs at once.
    Running,
}

/// Makes a container; with [`Until::Running`] also starts it and, unless detached,
/// waits for its end and deletes it. The value is the exit status.
///
/// # Errors
/// Anything that does not work; nothing is left behind then.
pub fn create(invocation: &Invocation, options: &CreateOptions, mode: Until) -> Result<u8> {
    protect::run_protected(invocation.arguments, invocation.environment)?;
    let bundle = bundle_directory(options.bundle)?;
    let file = match &options.config {
        Some(config) => String::from(*config),
        None => format!("{bundle}/config.json"),
    };
    let text = read_config(&file)?;
    let document =
        Document::parse(&text, if options.config.is_some() { &file } else { "config.json" })?;
    let spec = Spec::read(&document)?;
    let detached = mode == Until::Created || options.detach;
    check_terminal(&spec, options, detached)?;
    let rootfs = check_rootfs(&spec, &bundle)?;
    let host = host::gather(spec.process.as_ref(), spec.linux.mount_label);
    let Placement { layout, mut driver, rootless, cgroups } =
        placement(invocation, &spec, options.id.as_str())?;
    let unit = driver.as_ref().map(|driver| driver.unit.clone());
    let Draft { mut plan, environment, notify_host } =
        draft(invocation, options, &spec, [&bundle, &rootfs], &layout, &cgroups.cgroups, host)?;
    let console = match &options.console_socket {
        Some(path) => Some(handover::connect_to(path)?),
        None => None,
    };
    let rdt = spec.linux.intel_rdt.as_ref();
    let state = State {
        oci_version: spec.oci_version.to_string(),
        id: options.id.clone(),
        pid: 0,
        start_time: 0,
        bundle: bundle.clone(),
        rootfs: rootfs.clone(),
        created: format!("{}", Timestamp::now().with_fraction()),
        annotations: spec
            .annotations
            .iter()
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .collect(),
        cgroups: Cgroups::default(),
        rdt: match rdt {
            Some(rdt) => rdt::Group::plan(rdt::ROOT, rdt, options.id.as_str())?,
            None => rdt::Group::default(),
        },
        rootless,
        systemd: None,
        listener_path: of_filter(&spec, |filter| filter.listener_path),
        listener_metadata: of_filter(&spec, |filter| filter.listener_metadata),
        own_pids: plan.namespaces.is_new(linux_raw_sys::general::CLONE_NEWPID),
        hooks: hooks_text(&document, &spec),
        limits: limits::of_config(&document),
    };
    let root = Root::create(&invocation.globals.root, invocation.globals.root_sticky)?;
    let directory = root.claim(&options.id)?;
    let lock = directory.lock()?;
    let mut making = Making {
        invocation,
        options,
        mode,
        detached,
        directory: &directory,
        lock: &lock,
        state,
        environment: &environment,
        console,
        notify_host,
        notify: None,
        rdt,
    };
    let made = cgroups.check_unused().and_then(|()| {
        making.state.cgroups = cgroups.cgroups.clone();
        making.state.systemd = unit;
        making.make(&mut plan, &cgroups, driver.as_mut())
    });
    let born = match made {
        Ok(born) => born,
        Err(error) => {
            making.undo();
            return Err(error);
        }
    };
    for warning in &plan.warnings {
        invocation.log.warning(format_args!("{warning}"));
    }
    let Making { state, notify, .. } = making;
    drop(lock);
    if detached {
        if let Some(notify) = notify {
            // It may take its time: who wants us to end may have it.
            signal::set_mask(signal::Set::NONE);
            notify.wait(state.pid, state.start_time);
        }
        return Ok(0);
    }
    let (born, mut foreground) = born;
    foreground.notify = notify;
    let status = foreground.wait(&born)?;
    // The caller's terminal is as it was before anything else is said.
    drop(foreground);
    if !options.keep {
        finish(invocation, &root, &state)?;
    }
    Ok(status)
}

/// Where a container's cgroups are to be.
pub struct Placement {
    /// The host's cgroups.
    pub layout: Layout,
    driver: Option<Driver>,
    /// Cgroups that may not be made are done without.
    pub rootless: bool,
    /// The container's.
    pub cgroups: cgroup::Plan,
}

/// Plans the cgroups of a container.
///
/// # Errors
/// Those of planning; systemd, where it is to make them, cannot be reached.
pub fn placement(invocation: &Invocation, spec: &Spec<'_>, id: &str) -> Result<Placement> {
    let layout = match invocation.globals.cgroup_manager {
        CgroupManager::Disabled => Layout::default(),
        CgroupManager::Cgroupfs | CgroupManager::Systemd => Layout::detect()?,
    };
    let resources = spec.linux.resources.as_ref();
    let driver = match invocation.globals.cgroup_manager {
        CgroupManager::Systemd => Some(Driver::connect(&systemd::Request {
            cgroups_path: spec.linux.cgroups_path,
            id,
            annotations: &spec.annotations,
            devices: resources.map_or(&[], |resources| &resources.devices),
            unified: layout.is_unified(),
            rootless: invocation.globals.rootless,
            environment: invocation.environment,
        })?),
        _ => None,
    };
    let rootless =
        invocation.globals.is_rootless() || driver.as_ref().is_some_and(|driver| driver.unit.user);
    let cgroups = cgroup::plan(
        &layout,
        driver.as_ref().map_or(spec.linux.cgroups_path, |driver| Some(&driver.path)),
        id,
        resources,
        rootless,
    )?;
    Ok(Placement { layout, driver, rootless, cgroups })
}

/// The plan of a container, and what carrying it out needs beside it.
pub struct Draft {
    /// The plan.
    pub plan: Plan,
    /// The runtime's own environment.
    pub environment: Strings,
    notify_host: Option<&'static str>,
}

/// Plans a container, whether it is to be made or shown. `directories` are those
/// of the bundle and of its root file system.
///
/// # Errors
/// Those of planning, and descriptors to hand on that are not open.
pub fn draft(
    invocation: &Invocation,
    options: &CreateOptions,
    spec: &Spec<'_>,
    directories: [&str; 2],
    layout: &Layout,
    cgroups: &Cgroups,
    host: Host,
) -> Result<Draft> {
    let [bundle, rootfs] = directories;
    let (preserve_fds, mut extra_env) =
        kept_descriptors(options.preserve_fds, invocation.variable("LISTEN_FDS"))?;
    let environment =
        Strings::new(invocation.environment.iter().map(|entry| CString::from(*entry)).collect());
    let notify_host = notify_host(invocation, spec);
    let notify = notify_host.map(|_| {
        extra_env.push(String::from(notify::VARIABLE));
        let root = absolute("/proc/self/cwd", &invocation.globals.root);
        format!("{root}/{}/{}", options.id, notify::DIRECTORY)
    });
    let shared_parent = shared_parent(spec, rootfs);
    let request = Request {
        id: options.id.as_str(),
        bundle,
        rootfs,
        no_pivot: options.no_pivot,
        no_new_keyring: options.no_new_keyring,
        preserve_fds,
        extra_env: &extra_env,
        environment: environment.as_slice(),
        host,
        layout,
        cgroups,
        notify: notify.as_deref(),
        shared_parent: shared_parent.as_deref(),
    };
    let plan = planner::plan(spec, &request)?;
    Ok(Draft { plan, environment, notify_host })
}

/// A container being made: what is needed to go on, and to go back.
struct Making<'a> {
    invocation: &'a Invocation,
    options: &'a CreateOptions,
    mode: Until,
    detached: bool,
    directory: &'a Directory<'a>,
    lock: &'a Lock<'a>,
    state: State,
    environment: &'a Strings,
    console: Option<OwnedFd>,
    /// `$NOTIFY_SOCKET`.
    notify_host: Option<&'a str>,
    notify: Option<Notify>,
    rdt: Option<&'a spec::IntelRdt<'a>>,
}

impl Making<'_> {
    fn make(
        &mut self,
        plan: &mut Plan,
        cgroups: &cgroup::Plan,
        mut driver: Option<&mut Driver>,
    ) -> Result<(Born, Foreground)> {
        // What must be cleaned is written down before it is made.
        self.directory.save(self.lock, &self.state)?;
        let owner = plan.cgroup_owner;
        let mut created = match driver {
            // It needs the first process.
            Some(_) => Created::default(),
            None => {
                let created = cgroups.create().inspect_err(|_| {
                    // It has removed what it made; the rest was never ours.
                    self.state.cgroups = Cgroups::default();
                })?;
                own(&mut self.state, &created, owner)?;
                created
            }
        };
        if let Some(rdt) = self.rdt {
            self.state.rdt.create(rdt)?;
        }
        if let Some(host) = self.notify_host {
            notify::make_directory(self.directory)?;
            if self.mode == Until::Running {
                let log = &self.invocation.log;
                self.notify = Notify::bind(self.directory, host).unwrap_or_else(|error| {
                    log.warning(format_args!("{error}"));
                    None
                });
            }
        }
        let start = match self.mode {
            Until::Created => Some(self.start_socket()?),
            Until::Running => None,
        };
        let mask = signal::block(signal::Set::ALL);
        if !self.detached && !self.options.no_subreaper {
            // Orphans of a container without its own pid namespace come to us.
            let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        }
        let mut private = Vec::from([self.directory.as_fd()]);
        if let Some(driver) = &driver {
            private.extend(descriptor::borrow(driver.as_fd().as_raw_fd()));
        }
        let state = &mut self.state;
        let by_systemd = driver.is_some();
        let mut placed = None;
        let mut place = |pid| -> Result<()> {
            let Some(driver) = &mut driver else { return Ok(()) };
            driver.start(cgroups, pid).inspect_err(|_| {
                // There is no unit, or it is somebody else's.
                (state.cgroups, state.systemd) = (Cgroups::default(), None);
            })?;
            let created = placed.insert(cgroups.adopt(pid)?);
            own(state, created, owner)
        };
        let place: Option<&mut dyn FnMut(Pid) -> Result<()>> =
            if by_systemd { Some(&mut place) } else { None };
        let born = launch(
            plan,
            Launch {
                cgroups: Some(&created),
                place,
                start,
                private,
                environment: self.environment,
                failure_status: 0,
                mask,
            },
        )
        .map_err(not_started)?;
        created = placed.unwrap_or(created);
        match self.bring_up(plan, &born) {
            Ok(foreground) => {
                created.keep();
                Ok((born, foreground))
            }
            Err(error) => {
                end(born.pid);
                Err(error)
            }
        }
    }

    /// From the birth to the program (or to its waiting for `start`).
    fn bring_up(&mut self, plan: &Plan, born: &Born) -> Result<Foreground> {
        self.state.rdt.enter(born.pid)?;
        let master = born.until_ready(plan).map_err(not_started)?;
        let pid = born.pid.as_raw_nonzero().get();
        self.state.pid = pid;
        self.state.start_time = Stat::of(pid).map_or(0, |stat| stat.start_time);
        self.directory.save(self.lock, &self.state)?;
        let foreground = match (&self.console, master) {
            (Some(socket), Some(master)) => {
                send_terminal(socket, master.as_fd())?;
                Foreground::new(None)
            }
            (_, master) => Foreground::new(master),
        };
        if let Some(path) = &self.options.pidfd_socket {
            send_pidfd(path, born.pid)?;
        }
        if let Some(path) = &self.options.pid_file {
            write_pid_file(path, born.pid)?;
        }
        born.go()?;
        if self.mode == Until::Running {
            born.until_program(&self.state.listener("creating")).map_err(not_started)?;
            hooks::poststart(&self.state, self.invocation.environment)?;
        }
        Ok(foreground)
    }

    /// The socket on which the first process waits for `start`.
    fn start_socket(&self) -> Result<OwnedFd> {
        let what = || format!("make the start socket of \"{}\"", self.state.id);
        let path = format!("/proc/self/fd/{}/{START_SOCKET}", self.directory.as_fd().as_raw_fd());
        let address = SocketAddrUnix::new(path).context(what)?;
        let flags = SocketFlags::CLOEXEC;
        let socket =
            socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).context(what)?;
        bind(&socket, &address).context(what)?;
        listen(&socket, 8).context(what)?;
        Ok(socket)
    }

    /// Takes back what was made; what cannot be taken back is logged, since the
    /// first error is the one to report.
    fn undo(&self) {
        if let Err(error) = destroy(self.directory, self.lock, Some(&self.state)) {
            self.invocation.log.warning(format_args!("clean up after a failure: {error}"));
        }
        if let Some(path) = &self.options.pid_file {
            let _ = rustix::fs::unlinkat(CWD, &**path, rustix::fs::AtFlags::empty());
        }
        poststop(&self.state, self.invocation);
    }
}

/// These cgroups are the container's, and where it may have them its owner's.
fn own(state: &mut State, created: &Created, owner: Option<(u32, u32)>) -> Result<()> {
    state.cgroups = created.cgroups().clone();
    owner.map_or(Ok(()), |(uid, gid)| created.delegate(uid, gid))
}

/// Deletes the container that has just ended.
fn finish(invocation: &Invocation, root: &Root, state: &State) -> Result<()> {
    // Somebody else may have deleted it already.
    let Some(directory) = root.find(&state.id)? else { return Ok(()) };
    let Ok(lock) = directory.lock() else { return Ok(()) };
    destroy(&directory, &lock, Some(state))?;
    poststop(state, invocation);
    Ok(())
}

/// The service manager's socket, where the container can be given one.
fn notify_host(invocation: &Invocation, spec: &Spec<'_>) -> Option<&'static str> {
    spec.linux.namespace(NamespaceKind::Mount)?;
    invocation.variable("NOTIFY_SOCKET").filter(|path| !path.is_empty())
}

fn poststop(state: &State, invocation: &Invocation) {
    hooks::poststop(state, invocation.environment, &mut |error| {
        invocation.log.warning(format_args!("{error}"));
    });
}

fn not_started(error: Error) -> Error {
    error.within("unable to start container process")
}

/// A text of `linux.seccomp`, empty where there is none.
fn of_filter<'a>(spec: &Spec<'a>, pick: impl Fn(&spec::Seccomp<'a>) -> Option<&'a str>) -> String {
    spec.linux.seccomp.as_ref().and_then(pick).unwrap_or_default().to_string()
}

/// The bundle's directory, absolute, without links.
///
/// # Errors
/// There is none.
pub fn bundle_directory(path: &str) -> Result<String> {
    let what = || format!("open bundle {path:?}");
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = openat(CWD, path, flags, Mode::empty()).context(what)?;
    real_path(&directory).context(what)
}

/// The path of an open file as the kernel knows it.
fn real_path(file: &OwnedFd) -> rustix::io::Result<String> {
    let name = format!("/proc/self/fd/{}", file.as_raw_fd());
    let path = rustix::fs::readlink(name, Vec::new())?;
    path.into_string().map_err(|_| Errno::ILSEQ)
}

/// Reads a whole configuration file.
///
/// # Errors
/// It cannot be read, is no file, or is larger than any configuration.
pub fn read_config(path: &str) -> Result<Vec<u8>> {
    let what = || format!("open {path:?}");
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = openat(CWD, path, flags, Mode::empty()).map_err(|errno| {
        let error = Error::os(what(), errno);
        match errno {
            Errno::NOENT => error.hint("a bundle is a directory with a config.json: see `spec`"),
            _ => error,
        }
    })?;
    let stat = rustix::fs::fstat(&file).context(what)?;
    let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
    if kind == rustix::fs::FileType::Directory {
        return Err(Error::os(format!("read {path:?}"), Errno::ISDIR));
    }
    read_document(file.as_fd(), path, stat.st_size as usize)
}

/// Reads a document, of which `size` bytes are expected, from an open file.
///
/// # Errors
/// It cannot be read, or is larger than any configuration.
pub fn read_document(file: BorrowedFd<'_>, path: &str, size: usize) -> Result<Vec<u8>> {
    let mut text = Vec::with_capacity(size + 1);
    loop {
        match rustix::io::read(file, rustix::buffer::spare_capacity(&mut text)) {
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::os(format!("read {path:?}"), errno)),
            Ok(0) => return Ok(text),
            Ok(_) if text.len() > CONFIG_LIMIT => {
                return Err(error!("read {path:?}: more than {CONFIG_LIMIT} bytes"));
            }
            Ok(_) => text.reserve(4096),
        }
    }
}

fn check_terminal(spec: &Spec<'_>, options: &CreateOptions, detached: bool) -> Result<()> {
    let terminal = spec.process.as_ref().is_some_and(|process| process.terminal);
    if detached && terminal && options.console_socket.is_none() {
        return Err(Error::new(
            "cannot allocate tty if runc will detach without setting console socket",
        ));
    }
    if (!detached || !terminal) && options.console_socket.is_some() {
        return Err(Error::new(
            "cannot use console socket if runc will not detach or allocate tty",
        ));
    }
    if terminal && !detached {
        Foreground::check_terminal("process.terminal")?;
    }
    Ok(())
}

/// The directory of the root file system, absolute, without links.
///
/// # Errors
/// There is none, or what is there is something else.
pub fn check_rootfs(spec: &Spec<'_>, bundle: &str) -> Result<String> {
    let root = spec.root.as_ref().ok_or_else(|| error!("config.json: root: it is missing"))?;
    let path = absolute(bundle, root.path);
    let what = || format!("root.path: open root file system {path:?}");
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let directory = openat(CWD, &*path, flags, Mode::empty()).map_err(|errno| {
        let error = Error::os(what(), errno);
        match errno {
            Errno::NOENT => error.hint("make the directory, and unpack an image into it"),
            Errno::NOTDIR | Errno::LOOP => error.hint("it must be a directory, and no link to one"),
            _ => error,
        }
    })?;
    real_path(&directory).context(what)
}

/// The mount point that the root file system is on, where its mounts stay
/// shared with the host.
fn shared_parent(spec: &Spec<'_>, rootfs: &str) -> Option<String> {
    use linux_raw_sys::general::MS_SHARED;
    let flags = spec.linux.rootfs_propagation?.flags();
    if flags & MS_SHARED == 0 {
        return None;
    }
    let mountinfo = read_config("/proc/self/mountinfo").ok()?;
    let mountinfo = String::from_utf8_lossy(&mountinfo);
    let holds = |point: &&str| {
        *point == "/"
            || rootfs
                .strip_prefix(*point)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    mountinfo
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .filter(holds)
        .max_by_key(|point| point.len())
        .map(String::from)
}

/// The hooks that later commands run, as they are in the configuration now.
fn hooks_text(document: &Document<'_>, spec: &Spec<'_>) -> String {
    if spec.hooks.poststart.is_empty() && spec.hooks.poststop.is_empty() {
        return String::new();
    }
    let crate::json::Value::Object(top) = document.value() else { return String::new() };
    let Some(hooks) = top.get("hooks") else { return String::new() };
    let mut writer = Writer::new();
    writer.value(hooks);
    writer.finish()
}
