//! The container's first process: it carries the plan's operations out, waits,
//! and becomes the program. It allocates nothing and returns nowhere.

use super::channel::Channel;
use super::home;
use super::launch::LOWERING;
use super::network::{self, Network};
use super::report::{Kind, Report};
use super::wait;
use crate::fault::{Act, Detail, Fault};
use crate::namespace;
use crate::namespace::join::join_all;
use crate::namespace::refused::refused;
use crate::plan::{Op, Plan};
use crate::process::placement::{set_affinity, set_memory_policy};
use crate::process::program::{change_directory, check_directory, leave};
use crate::process::rlimit;
use crate::process::terminal;
use crate::rootfs::kept::Kept;
use crate::rootfs::{device, mask, path, root};
use crate::sys::fd::AsFd;
use crate::sys::{descriptor, domain, signal};
use core::ffi::CStr;
use core::fmt::{self, Write};
use linux_raw_sys::general::{CLONE_NEWCGROUP, CLONE_NEWPID, PROC_SUPER_MAGIC};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstatfs, openat, openat2};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use rustix::process::{DumpableBehavior, getpid, set_dumpable_behavior};

/// What the process knows beyond its plan.
pub struct Child<'a> {
    /// To the command that made it.
    pub channel: Channel,
    /// The socket on which it waits for `start`; `None` starts at once.
    pub start: Option<&'a OwnedFd>,
    /// v1 `tasks` files of the cgroups that it enters before anything else.
    pub entrances: &'a [OwnedFd],
    /// The command says when its id maps, or its cgroups, are in place.
    pub wait_first: bool,
    /// It was born into a new user namespace and is to be root there.
    pub become_root: bool,
    /// Namespaces (`CLONE_NEW*`) that it makes itself, first of all.
    pub late: u32,
    /// Where its network namespace is from.
    pub network: Network,
    /// It is in its cgroups, and does nothing that their limits have to hold for.
    pub settled: bool,
    /// It joins namespaces itself: no stage has done so. That of pids it was born
    /// into.
    pub joins: bool,
    /// The command stands still until the program runs: it hears of nothing before
    /// and says nothing.
    pub alone: bool,
    /// The signal mask of the program.
    pub mask: signal::Set,
    /// Descriptors 0, 1 and 2 are its own.
    pub detached: bool,
    /// The host's /proc, opened before anything could be mounted over it.
    pub proc: OwnedFd,
}

/// Descriptors that the operations share.
struct Scene {
    root: Option<OwnedFd>,
    /// `/dev` in it, while nothing is mounted.
    dev: Option<OwnedFd>,
    cover: mask::Cover,
    kept: Kept,
    master: Option<OwnedFd>,
    /// The working directory could be entered before the identity was taken on.
    entered: bool,
}

/// The root file system, its `/dev`, the cover and the mounts that are kept.
type Parts<'a> = (BorrowedFd<'a>, &'a mut Option<OwnedFd>, &'a mut mask::Cover, &'a mut Kept);

impl Child<'_> {
    /// Does it all; ends as the program, or with a report of what failed.
    pub fn run(&self, plan: &mut Plan) -> ! {
        let cover = core::mem::take(&mut plan.cover);
        let kept = Kept::default();
        let mut scene = Scene { root: None, dev: None, cover, kept, master: None, entered: false };
        self.begin(plan);
        let mut announced = self.alone;
        for index in 0..plan.ops.len() {
            // From here on only the process itself changes. Who does not hand it
            // over to `start` may hear of it now, and do its part meanwhile.
            if self.start.is_none() && !announced && matches!(plan.ops[index], Op::Identity) {
                self.announce(&mut scene);
                announced = true;
            }
            let result = match &plan.ops[index] {
                Op::FindProgram => plan
                    .program
                    .set_home(plan.identity.uid)
                    .and_then(|()| plan.program.find().map(drop)),
                op => self.act(op, plan, &mut scene),
            };
            if let Err(fault) = result {
                self.fail(&plan.ops[index], &fault);
            }
        }
        if !announced {
            self.announce(&mut scene);
        }
        if !self.alone && self.channel.wait_go().is_err() {
            crate::sys::exit(1);
        }
        let starter = self.start.map(wait::for_start);
        let fault = self.finish(plan, starter.as_ref().unwrap_or(&self.channel));
        self.fail_to(starter.as_ref(), &Quiet, &fault)
    }

    /// Enters what the command prepared.
    fn begin(&self, plan: &Plan) {
        if self.wait_first && self.channel.wait_go().is_err() {
            crate::sys::exit(1);
        }
        let result = || -> Act {
            crate::cgroup::enter(self.entrances)?;
            set_dumpable_behavior(DumpableBehavior::NotDumpable).detail("PR_SET_DUMPABLE")?;
            if self.become_root {
                crate::process::identity::become_root()?;
            }
            if self.late != 0 {
                crate::sys::clone::unshare(self.late).map_err(|errno| refused(self.late, errno))?;
            }
            Ok(())
        };
        if self.alone
            && let Some(score) = plan.oom_score_adj
        {
            self.set_oom_score_adj(score);
        }
        if let Err(fault) = result() {
            self.fail(&"enter the container's cgroup and user namespace", &fault);
        }
        if self.joins {
            let others = plan.namespaces.join.iter().filter(|join| join.kind != CLONE_NEWPID);
            if let Err(fault) = join_all(others) {
                self.fail(&namespace::STEP, &fault);
            }
        }
        // What is made from here on has the modes that the plan says.
        rustix::process::umask(Mode::empty());
    }

    #[inline(never)]
    fn act(&self, op: &Op, plan: &Plan, scene: &mut Scene) -> Act {
        match op {
            Op::NewSession => Ok(rustix::process::setsid().map(drop)?),
            Op::Keyring(name) => match crate::sys::keyring::join_session_keyring(name) {
                // A kernel without keys has none to share.
                Err(Errno::NOSYS) => Ok(()),
                result => Ok(result?),
            },
            Op::Cgroups if self.settled => Ok(()),
            Op::Cgroups => home::receive(&self.channel),
            Op::CgroupNamespace => Ok(crate::sys::clone::unshare(CLONE_NEWCGROUP)?),
            Op::NetworkNamespace => network::enter(self.network, &self.channel),
            Op::Loopback => network::bring_up(self.network),
            Op::NetDevices => self.ask_for(Kind::WantDevices),
            Op::Hostname(name) => Ok(rustix::system::sethostname(name.to_bytes())?),
            Op::Domainname(name) => Ok(rustix::system::setdomainname(name.to_bytes())?),
            Op::Propagation(flags) => root::set_propagation(*flags),
            Op::Root { path, shared_parent } => {
                scene.root = Some(root::bind_root(path, shared_parent.as_deref())?);
                Ok(())
            }
            Op::OpenRoot(path) => {
                scene.root = Some(root::open_directory(path)?);
                Ok(())
            }
            Op::Mount(mount) => {
                scene.dev = None;
                let (root, _, _, kept) = scene.parts()?;
                mount.act(root, kept)
            }
            Op::CgroupMount(mount) => {
                scene.kept.hidden_by(mount.mount.destination);
                mount.act(scene.root()?)
            }
            Op::Device(device) => {
                let (root, dev, ..) = scene.parts()?;
                device.act(root, dev)
            }
            Op::DeviceLinks => device::make_links(scene.root()?),
            Op::WorkingDirectory(path) => make_working_directory(scene.root()?, path),
            Op::Terminal { size, uid, console } => {
                let terminal = terminal::open(scene.root()?, *size, *uid)?;
                if *console {
                    terminal::bind_console(scene.root()?, terminal.slave.as_fd())?;
                }
                terminal::take(terminal.slave.as_fd())?;
                scene.master = Some(terminal.master);
                Ok(())
            }
            Op::GiveStdio(uid) => {
                terminal::give_stdio(*uid, self.detached);
                Ok(())
            }
            Op::Sysctl { file, value, .. } => self.write_proc(file, value.to_bytes()),
            Op::RuntimeHooks => self.ask_for(Kind::WantHooks),
            Op::ContainerHooks => plan.create_container.run(&plan.state, "creating", own_pid()),
            Op::Mask(path) => {
                let (root, _, cover, kept) = scene.parts()?;
                cover.mask(kept, root, path)
            }
            Op::Readonly(path, recursion) => {
                let (root, _, _, kept) = scene.parts()?;
                mask::make_readonly(kept, root, path, *recursion)
            }
            Op::Label { file, text } => self.write_proc(file, text.to_bytes()),
            Op::Pivot => root::pivot(scene.root()?, self.proc.as_fd()),
            Op::MoveRoot(revealing) => root::move_root(scene.root()?, self.proc.as_fd(), revealing),
            Op::ChangeRoot => root::change_root(scene.root()?),
            Op::RootReadonly => root::make_root_readonly(),
            Op::RootPropagation(flags) => root::set_propagation(*flags),
            Op::Personality(domain) => Ok(domain::set_personality(*domain)?),
            Op::MemoryPolicy(mode, nodes) => set_memory_policy(*mode, nodes),
            Op::Affinity(cpus) => set_affinity(cpus),
            Op::Umask(mask) => {
                rustix::process::umask(Mode::from_raw_mode(*mask));
                Ok(())
            }
            Op::NoNewPrivileges => Ok(rustix::thread::set_no_new_privs(true)?),
            Op::Identity => {
                // As runc and crun: images have programs that run as a user in
                // a directory that only root can enter.
                scene.entered = rustix::process::chdir(plan.cwd).is_ok();
                plan.identity.act()
            }
            Op::ChangeDirectory if scene.entered => check_directory(),
            Op::ChangeDirectory => change_directory(plan.cwd),
            Op::FindProgram => Ok(()),
        }
    }

    /// Writes to a file of the host's procfs, after a look that it is on one.
    fn write_proc(&self, file: &CStr, text: &[u8]) -> Act {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        // Never out of procfs, whatever the path says; `self` is a link in it.
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
        let file = match openat2(&self.proc, file, flags, Mode::empty(), resolve) {
            Err(Errno::NOSYS) => openat(self.proc.as_fd(), file, flags, Mode::empty())?,
            result => result?,
        };
        if fstatfs(&file)?.f_type as u64 != u64::from(PROC_SUPER_MAGIC) {
            return Err(Fault::new("it is not on a procfs"));
        }
        rustix::io::write(&file, text)?;
        Ok(())
    }

    /// What the command does for who is not alone.
    fn set_oom_score_adj(&self, score: i32) {
        let mut text = heapless::String::<11>::new();
        let _ = write!(text, "{score}");
        if let Err(fault) = self.write_proc(c"self/oom_score_adj", text.as_bytes()) {
            let fault = match fault.errno {
                Some(Errno::ACCESS | Errno::PERM) => fault.hint(LOWERING),
                _ => fault,
            };
            self.fail(&format_args!("write {score} to \"/proc/self/oom_score_adj\""), &fault);
        }
    }

    fn ask_for(&self, kind: Kind) -> Act {
        self.channel.send(&Report::new(kind, 0)).detail("ask the command")?;
        if self.channel.wait_go().is_err() {
            // The command has ended, or reports the failure itself.
            crate::sys::exit(1);
        }
        Ok(())
    }

    /// Tells the command that the world is ready. It says go on when it has
    /// written the state down.
    fn announce(&self, scene: &mut Scene) {
        let report = Report::new(Kind::Ready, 0);
        let sent = match scene.master.take() {
            Some(master) => self.channel.send_with(report.as_bytes(), &[master.as_fd()]),
            None => self.channel.send(&report),
        };
        if sent.is_err() {
            crate::sys::exit(1);
        }
    }

    /// The last steps; returns only on an error.
    fn finish(&self, plan: &mut Plan, command: &Channel) -> Fault {
        let result = || -> Result<core::convert::Infallible, Fault> {
            plan.start_container.run(&plan.state, "created", own_pid())?;
            // The directory may have been moved while we waited.
            check_directory()?;
            let path = plan.program.find()?;
            descriptor::close_on_exec_from(3 + plan.preserve_fds, Some(self.proc.as_fd()))
                .detail("close the runtime's descriptors")?;
            command.send(&Report::new(Kind::Executing, 0)).detail("report to the command")?;
            // The last thing: they hold for what we do, too.
            rlimit::set_all(&plan.rlimits)?;
            signal::set_default();
            signal::set_mask(self.mask);
            if let Some(filter) = &plan.seccomp {
                if let Some(descriptor) = filter.load()? {
                    let report = Report::new(Kind::Listener, 0);
                    command
                        .send_with(report.as_bytes(), &[descriptor.as_fd()])
                        .detail("hand over the notify descriptor")?;
                }
                plan.identity.give_up_extra()?;
            }
            let fault = plan.program.become_it(path);
            if self.start.is_some() {
                leave(&fault);
            }
            Err(fault)
        };
        match result() {
            Err(fault) => fault,
            Ok(never) => match never {},
        }
    }

    fn fail(&self, operation: &dyn fmt::Display, fault: &Fault) -> ! {
        self.fail_to(None, operation, fault)
    }

    fn fail_to(&self, starter: Option<&Channel>, operation: &dyn fmt::Display, fault: &Fault) -> ! {
        let report = Report::failed(operation, fault);
        let _ =
            send(starter.unwrap_or(&self.channel).as_fd(), report.as_bytes(), SendFlags::NOSIGNAL);
        crate::sys::exit(1)
    }
}

/// An operation whose name adds nothing.
struct Quiet;

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("start the program")
    }
}

impl Scene {
    /// The root file system; `/` for a process in a running container.
    fn root(&mut self) -> Result<BorrowedFd<'_>, Fault> {
        if self.root.is_none() {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            self.root = Some(openat(CWD, c"/", flags, Mode::empty())?);
        }
        Ok(self.root.as_ref().map(AsFd::as_fd).ok_or(Errno::BADF)?)
    }

    /// The same, and beside it what operations use of each other.
    fn parts(&mut self) -> Result<Parts<'_>, Fault> {
        self.root()?;
        let Scene { root, dev, cover, kept, .. } = self;
        let root = root.as_ref().map(AsFd::as_fd).ok_or(Errno::BADF)?;
        Ok((root, dev, cover, kept))
    }
}

fn own_pid() -> i32 {
    getpid().as_raw_nonzero().get()
}

/// Makes the working directory where it is missing; where that cannot be done,
/// entering it will say so.
fn make_working_directory(root: BorrowedFd<'_>, path: &CStr) -> Act {
    let mode = Mode::from_raw_mode(0o755);
    let _ = path::create_in(root, path, path::Create::Directory, mode);
    Ok(())
}
