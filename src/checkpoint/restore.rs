//! `restore`: a container comes back from its images.
//!
//! criu runs in the container's cgroups and in a mount namespace of its own, so
//! that nothing of what it mounts meanwhile is left on the host, whatever
//! happens. What it makes is our child (`rst_sibling`), as after `run`.

use super::criu::{self, Apart, Criu, Start};
use super::dump::{common, config_file, log_path};
use super::external::{External, external, mount_points, namespace_key, tell_restore};
use super::rpc::{Kind, inherit, opts, pair, request};
use super::{Options, log, stdio};
use crate::act::born::{end, from_fault};
use crate::act::bundle::{bundle_directory, check_rootfs, read_config};
use crate::act::create::{finish, undo};
use crate::act::draft::{Draft, Placement, draft, placement};
use crate::act::foreground::{Foreground, check_terminal};
use crate::act::handover::{connect_to, send_pidfd, write_pid_file};
use crate::act::host;
use crate::act::record::first_state;
use crate::cgroup;
use crate::cgroup::systemd::Driver;
use crate::container::process::Stat;
use crate::container::{Cgroups, Directory, Lock, Root, State, notify};
use crate::error;
use crate::error::{Context, Error, Result};
use crate::fault::{Act, Detail};
use crate::json::Document;
use crate::named;
use crate::plan::{Op, Plan};
use crate::quote::quoted;
use crate::request::{Caller, CreateOptions};
use crate::rootfs::kept::Kept;
use crate::rootfs::path::FdPath;
use crate::rootfs::root::set_propagation;
use crate::spec::Spec;
use crate::sys::clone::setns;
use crate::sys::exec::Strings;
use crate::sys::fd::AsFd;
use crate::sys::mount::mount;
use crate::sys::{network, signal};
use crate::text;
use crate::text::c_string;
use alloc::vec::Vec;
use core::ffi::CStr;
use linux_raw_sys::general::{CLONE_NEWCGROUP, CLONE_NEWNET, MS_BIND, MS_REC, MS_SLAVE};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;
use rustix::process::Pid;

/// criu's log of a restore.
const LOG: &str = "restore.log";

/// The mount point of the root file system for criu, in the container's
/// directory: it must not be one that something else is mounted on.
const MOUNT_POINT: &str = "criu-root";

/// Restores a container, and unless detached waits for its end and deletes it.
/// The value is the exit status.
///
/// # Errors
/// Anything that does not work; nothing is left behind then but criu's log.
pub fn restore(caller: &Caller, options: &CreateOptions, asked: Options) -> Result<u8> {
    criu::needs_root("restore")?;
    let bundle = bundle_directory(options.bundle)?;
    let text = read_config(text::about("{}/config.json", bundle))?;
    let document = Document::parse(text, "config.json")?;
    let spec = Spec::read(&document)?;
    let terminal = spec.process.as_ref().is_some_and(|process| process.terminal);
    let socket = options.console_socket.is_some();
    check_terminal(terminal, options.detach, socket, "process.terminal")?;
    let rootfs = check_rootfs(spec, bundle)?;
    let host = host::gather(spec.process.as_ref(), spec.linux.mount_label)?;
    let Placement { layout, driver, rootless, cgroups } =
        placement(caller, spec, options.id.as_str())?;
    let directories = [bundle, rootfs];
    let Draft { plan, environment, .. } =
        draft(caller, options, spec, directories, &layout, &cgroups.cgroups, host)?;
    let program = criu::program(caller, &environment)?;
    criu::open_directory(asked.image_path)?;
    let console = options.console_socket.map(connect_to).transpose()?;
    let state = first_state(options, &document, spec, plan, directories, rootless)?;
    let log = log_path(&asked, LOG);
    let root = Root::create(caller.globals.root, caller.globals.root_sticky)?;
    let directory = root.claim(&options.id)?;
    let lock = directory.lock().inspect_err(|_| root.give_back(&options.id))?;
    let mut restoring = Restoring {
        options,
        directory: &directory,
        lock: &lock,
        state,
        plan,
        spec,
        program,
        environment: &environment,
        born: None,
        master: None,
    };
    let made = cgroups
        .check_unused()
        .and_then(|()| restoring.restore(asked, &cgroups, driver))
        .and_then(|pid| {
            let foreground = Foreground::serve(console.as_ref(), restoring.master.take())?;
            restoring.hand_over(pid).map(|()| (pid, foreground))
        });
    let (pid, mut foreground) = match made {
        Ok(made) => made,
        Err(error) => {
            if let Some(born) = restoring.born {
                end(born);
            }
            undo(caller, options, &directory, &lock, restoring.state);
            return Err(log::explain(error.within("restore"), log));
        }
    };
    let state = restoring.state;
    drop(lock);
    drop(directory);
    if options.detach {
        return Ok(0);
    }
    let status = foreground.wait(pid);
    // The caller's terminal is as it was before anything else is said.
    drop(foreground);
    let finished = finish(caller, &root, state);
    status.and_then(|status| finished.map(|()| status))
}

/// A container being restored: what is needed to go on, and to go back.
struct Restoring<'a> {
    options: &'a CreateOptions,
    directory: &'a Directory<'a>,
    lock: &'a Lock<'a>,
    state: &'static mut State,
    plan: &'a Plan,
    spec: &'a Spec<'a>,
    program: &'static CStr,
    environment: &'a Strings,
    /// The first process, which is our child.
    born: Option<Pid>,
    /// The container's terminal.
    master: Option<OwnedFd>,
}

impl Restoring<'_> {
    /// Has criu do it.
    fn restore(
        &mut self,
        mut asked: Options,
        cgroups: &cgroup::Plan,
        mut driver: Option<Driver>,
    ) -> Result<Pid> {
        // First, since a limit of the caller's for files would kill us (SIGXFSZ).
        signal::block(signal::Set::ALL);
        // What must be cleaned is written down before it is made.
        self.state.cgroups = cgroups.cgroups.clone();
        self.state.systemd = driver.as_ref().map(|driver| driver.unit.clone());
        self.directory.save(self.lock, self.state)?;
        if let Some(rdt) = &self.spec.linux.intel_rdt {
            self.state.rdt.create(rdt)?;
        }
        let mut directories = Vec::from([asked.image_path]);
        if let Some(work) = asked.work_path {
            criu::make_directory(work)?;
            directories.push(work);
        }
        let directories = directories.into_iter().filter_map(c_string).collect::<Vec<_>>();
        let namespaces = self.contents(&mut asked)?;
        if !self.options.detach && !self.options.no_subreaper {
            // Orphans of a container without its own pid namespace come to us.
            let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        }
        mkdirat(self.directory.as_fd(), MOUNT_POINT, Mode::RWXU)
            .context(|| text!("make {} of \"{}\"", quoted(MOUNT_POINT), self.state.id))?;
        let root = self.path_of(MOUNT_POINT)?;
        asked.opts.bytes(opts::ROOT, root.to_bytes());
        let points = mount_points(&self.plan.ops);
        let rootfs = c_string(self.state.rootfs).unwrap_or_default();
        let ops = &self.plan.ops;
        let prepare = || prepare(rootfs, root, ops, &points);
        let start = Start {
            program: self.program,
            environment: self.environment,
            apart: Some(Apart {
                inherited: &namespaces,
                prepare: &prepare,
                directories: &directories,
            }),
        };
        let (criu, opened) = Criu::start(&start)?;
        let Some(images) = opened.first() else { return Err(Error::new("criu has no images")) };
        common(&mut asked, images.as_fd(), opened.get(1), LOG);
        let owner = self.plan.cgroup_owner;
        let created = self.place(criu.pid, cgroups, driver.as_mut(), owner)?;
        cgroup_roots(&mut asked, criu.pid)?;
        let request = request(Kind::Restore, &asked.opts);
        criu.ask(&request, &mut |script, pid, fd| self.notified(script, pid, fd))?;
        let born = self.born.ok_or_else(|| Error::new("criu tells of no process"))?;
        created.keep();
        Ok(born)
    }

    /// Tells criu what is to be restored; the descriptors are for it to inherit.
    fn contents(&self, asked: &mut Options) -> Result<Vec<OwnedFd>> {
        config_file(asked, self.spec.annotations.iter().copied());
        asked.opts.set(opts::EVASIVE_DEVICES);
        asked.opts.set(opts::RST_SIBLING);
        let text = read_config(text::about_both("{}/{}", asked.image_path, stdio::FILE))?;
        for (number, name) in (0..).zip(&stdio::from_json(text)?) {
            if name.starts_with("pipe:[") || name.starts_with("file[") {
                asked.opts.message(opts::INHERIT_FD, &inherit(name.as_bytes(), number));
            }
        }
        self.mounts(asked)?;
        self.namespaces(asked)
    }

    /// Puts criu, and so what it restores, into the container's cgroups.
    fn place(
        &mut self,
        criu: Pid,
        cgroups: &cgroup::Plan,
        driver: Option<&mut Driver>,
        owner: Option<(u32, u32)>,
    ) -> Result<cgroup::Created> {
        let state = &mut self.state;
        if let Some(driver) = driver {
            driver.start(cgroups, criu).inspect_err(|_| {
                // There is no unit, or it is somebody else's.
                (state.cgroups, state.systemd) = (Cgroups::default(), None);
            })?;
        }
        // Where that fails criu may be in some of them, and has to end first.
        let created = cgroups.adopt(criu)?;
        state.cgroups = created.cgroups().clone();
        if let Some((uid, gid)) = owner {
            created.delegate(uid, gid)?;
        }
        self.directory.save(self.lock, self.state)?;
        Ok(created)
    }

    /// Namespaces of others: descriptors that criu inherits, or paths.
    fn namespaces(&self, asked: &mut Options) -> Result<Vec<OwnedFd>> {
        let mut opened = Vec::new();
        for join in &self.plan.namespaces.join {
            let path = join.path;
            match namespace_key(join.kind) {
                Some(key) => {
                    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
                    let fd = openat(CWD, path, flags, Mode::empty()).context(|| text!("{join}"))?;
                    let message = inherit(key.as_bytes(), fd.as_raw_fd());
                    asked.opts.message(opts::INHERIT_FD, &message);
                    opened.push(fd);
                }
                None if join.kind == CLONE_NEWCGROUP => {
                    return Err(error!("{join}: CRIU cannot join a cgroup namespace"));
                }
                None => {
                    let name = crate::namespace::name(join.kind);
                    let message = pair(name.as_bytes(), path.to_bytes());
                    asked.opts.message(opts::JOIN_NS, &message);
                }
            }
        }
        Ok(opened)
    }

    /// What stands for the mounts of the host's files.
    fn mounts(&self, asked: &mut Options) -> Result<()> {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        let root = named::open(self.state.rootfs, flags)
            .context(|| text::about_quoted("open {}", self.state.rootfs))?;
        let mut list = external(&self.plan.ops)?;
        // It was there if the container had been made for a service manager. criu
        // must be told the whole path: it works elsewhere.
        let place = c_string(notify::INSIDE).unwrap_or_default();
        list.retain(|external| external.place != place);
        notify::make_directory(self.directory)?;
        let source = self.path_of(notify::DIRECTORY)?;
        list.push(External { place, source, mask: false });
        tell_restore(&mut asked.opts, &list, root.as_fd());
        Ok(())
    }

    /// The whole path of a directory in the container's.
    fn path_of(&self, name: &str) -> Result<&'static CStr> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(self.directory.as_fd(), name, flags, Mode::empty())
            .and_then(|made| FdPath::new(made.as_fd()).read())
            .map(|path| c_string(path).unwrap_or_default())
            .context(|| text!("open {} of \"{}\"", quoted(name), self.state.id))
    }

    /// What we do when criu has come to a step.
    fn notified(&mut self, script: &str, pid: i32, fd: Option<OwnedFd>) -> Result<()> {
        match script {
            "setup-namespaces" => {
                if self.plan.namespaces.is_new(CLONE_NEWNET) {
                    loopback_up(pid).context(|| "bring up the loopback interface")?;
                }
                for hooks in &self.plan.runtime_hooks {
                    hooks.run(&self.plan.state, "creating", pid).map_err(from_fault)?;
                }
            }
            "orphan-pts-master" => self.master = fd,
            "post-restore" => {
                let born =
                    Pid::from_raw(pid).ok_or_else(|| Error::new("criu tells of no process"))?;
                self.born = Some(born);
                self.state.rdt.enter(born)?;
                self.state.pid = pid;
                self.state.start_time = Stat::of(pid)?.map_or(0, |stat| stat.start_time);
                self.directory.save(self.lock, self.state)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Tells the caller of the process.
    fn hand_over(&self, pid: Pid) -> Result<()> {
        // Only criu had use for it.
        let _ = unlinkat(self.directory.as_fd(), MOUNT_POINT, AtFlags::REMOVEDIR);
        if let Some(path) = self.options.pidfd_socket {
            send_pidfd(path, pid)?;
        }
        match self.options.pid_file {
            Some(path) => write_pid_file(path, pid),
            None => Ok(()),
        }
    }
}

/// In criu's own mount namespace: the root file system on its mount point, and
/// mount points where they are missing. Bind mounts are made meanwhile, since
/// mount points may be in them; criu does not see them.
fn prepare(rootfs: &CStr, at: &CStr, ops: &[Op], points: &[usize]) -> Act {
    set_propagation(u64::from(MS_SLAVE | MS_REC))?;
    mount(rootfs, at, c"", u64::from(MS_BIND | MS_REC), None)
        .detail("bind the root file system")?;
    let mask = rustix::process::umask(Mode::empty());
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(CWD, rootfs, flags, Mode::empty())?;
    for index in points {
        let Some(Op::Mount(mount)) = ops.get(*index) else { continue };
        let made = match mount.bind {
            Some(_) => mount.act(root.as_fd(), &mut Kept::default()),
            None => mount.target(root.as_fd(), true).map(drop),
        };
        made.map_err(|fault| fault.detail(mount))?;
    }
    rustix::process::umask(mask);
    Ok(())
}

/// Brings up `lo` in the network namespace of a process: criu leaves what is in
/// it to us, as the hooks expect.
fn loopback_up(pid: i32) -> rustix::io::Result<()> {
    let open = |path: &str| named::open(path, OFlags::RDONLY);
    let (ours, theirs) = (open("/proc/self/ns/net")?, open(text!("/proc/{pid}/ns/net"))?);
    setns(theirs.as_fd(), CLONE_NEWNET)?;
    let result = network::loopback_up();
    setns(ours.as_fd(), CLONE_NEWNET)?;
    match result {
        // A kernel without a network has no such interface.
        Err(Errno::NODEV) => Ok(()),
        result => result,
    }
}

/// Where the cgroups of the images are now: those that criu is in.
fn cgroup_roots(asked: &mut Options, criu: Pid) -> Result<()> {
    let file = text!("/proc/{}/cgroup", criu.as_raw_nonzero());
    let text = match read_config(file) {
        // A kernel without cgroups.
        Err(error) if error.errno == Some(Errno::NOENT) => return Ok(()),
        text => text?,
    };
    for line in text::lossy(text).lines() {
        // `ID:CONTROLLERS:PATH`
        let Some((controllers, path)) =
            line.split_once(':').and_then(|(_, rest)| rest.split_once(':'))
        else {
            continue;
        };
        for controller in controllers.split(',') {
            asked.opts.message(opts::CG_ROOT, &pair(controller.as_bytes(), path.as_bytes()));
        }
    }
    Ok(())
}
