//! The operations of the container's first process.

use crate::cgroup::CgroupMount;
use crate::fault::Quoted;
use crate::network::LOOPBACK;
use crate::process::terminal::Size;
use crate::quote::escaped;
use crate::rootfs::device::Device;
use crate::rootfs::mount::Mount;
use crate::rootfs::tree::Recursion;
use crate::sys::schedule::Mask;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt;

/// One operation. Its text is the first half of the message when it fails.
pub enum Op {
    /// setsid(2).
    NewSession,
    /// A session keyring of this name.
    Keyring(&'static CStr),
    /// Waits for the cgroups that the parent makes meanwhile, and enters those that
    /// the process was not born in.
    Cgroups,
    /// A new cgroup namespace, rooted at the container's cgroup.
    CgroupNamespace,
    /// From here on the process is in its new network namespace: it makes it, or has
    /// it from the parent.
    NetworkNamespace,
    /// The loopback interface of the new network namespace goes up.
    Loopback,
    /// The parent moves network devices into the network namespace.
    NetDevices,
    /// sethostname(2).
    Hostname(&'static CStr),
    /// setdomainname(2).
    Domainname(&'static CStr),
    /// Propagation of all mounts of the new mount namespace (`MS_*`).
    Propagation(u64),
    /// The root file system becomes a mount of its own.
    Root {
        /// Where it is on the host.
        path: &'static CStr,
        /// See [`crate::rootfs::root::bind_root`].
        shared_parent: Option<&'static CStr>,
    },
    /// The root file system as it is, without a mount namespace.
    OpenRoot(&'static CStr),
    /// An entry of `mounts`.
    Mount(Box<Mount>),
    /// An entry of `mounts` of type cgroup.
    CgroupMount(Box<CgroupMount>),
    /// A device node.
    Device(Device),
    /// The links of /dev.
    DeviceLinks,
    /// The working directory is made where it is missing.
    WorkingDirectory(&'static CStr),
    /// A pseudo terminal for descriptors 0, 1 and 2, and /dev/console.
    Terminal {
        /// Its first size.
        size: Size,
        /// Its owner.
        uid: u32,
        /// It is shown as /dev/console.
        console: bool,
    },
    /// Descriptors 0, 1 and 2 are given to this user, where they are pipes.
    GiveStdio(u32),
    /// A kernel parameter.
    Sysctl {
        /// The kind of namespace that it belongs to (`CLONE_NEW*`).
        kind: u32,
        /// Below /proc.
        file: &'static CStr,
        /// What to write.
        value: &'static CStr,
    },
    /// The parent runs the hooks of the runtime's namespaces.
    RuntimeHooks,
    /// The createContainer hooks.
    ContainerHooks,
    /// A path is hidden.
    Mask(&'static CStr),
    /// A path is made read-only.
    Readonly(&'static CStr, Recursion),
    /// A label for the program or for new keyrings: written to a file of
    /// `/proc/self/attr`.
    Label {
        /// The file, below /proc.
        file: &'static CStr,
        /// What to write.
        text: &'static CStr,
    },
    /// pivot_root(2).
    Pivot,
    /// MS_MOVE and chroot(2).
    MoveRoot(Vec<&'static CStr>),
    /// chroot(2): there is no mount namespace.
    ChangeRoot,
    /// The root becomes read-only.
    RootReadonly,
    /// The propagation of the new root (`MS_*`).
    RootPropagation(u64),
    /// personality(2): `PER_*`.
    Personality(u32),
    /// set_mempolicy(2): mode and flags, nodes.
    MemoryPolicy(u32, Box<Mask>),
    /// sched_setaffinity(2).
    Affinity(Box<Mask>),
    /// umask(2).
    Umask(u32),
    /// PR_SET_NO_NEW_PRIVS.
    NoNewPrivileges,
    /// User, groups, capabilities.
    Identity,
    /// chdir(2) into the working directory.
    ChangeDirectory,
    /// The program is looked up.
    FindProgram,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::NewSession => f.write_str("start a new session"),
            Op::Keyring(name) => write!(f, "join new session keyring {}", Quoted(name)),
            Op::Cgroups => f.write_str("enter the cgroups"),
            Op::CgroupNamespace => f.write_str("create a new cgroup namespace"),
            Op::NetworkNamespace => f.write_str("enter the new network namespace"),
            Op::Loopback => f.write_str(LOOPBACK),
            Op::NetDevices => f.write_str("linux.netDevices: ask for the devices"),
            Op::Hostname(name) => write!(f, "set the host name {}", Quoted(name)),
            Op::Domainname(name) => write!(f, "set the domain name {}", Quoted(name)),
            Op::Propagation(flags) => {
                write!(f, "set the propagation of all mounts to {}", propagation(*flags))
            }
            Op::Root { path, .. } => write!(f, "bind root file system {}", Quoted(path)),
            Op::OpenRoot(path) => write!(f, "open root file system {}", Quoted(path)),
            Op::Mount(mount) => mount.fmt(f),
            Op::CgroupMount(mount) => mount.fmt(f),
            Op::Device(device) => device.fmt(f),
            Op::DeviceLinks => f.write_str("make the links in \"/dev\""),
            Op::WorkingDirectory(path) => {
                write!(f, "make the working directory {}", Quoted(path))
            }
            Op::Terminal { size, .. } => {
                write!(f, "open a terminal of {}x{}", u32::from(size.columns), u32::from(size.rows))
            }
            Op::GiveStdio(uid) => write!(f, "give standard input and output to user {uid}"),
            Op::Sysctl { file, value, .. } => {
                write!(f, "write {} to \"/proc/{}\"", Quoted(value), escaped(file.to_bytes()))
            }
            Op::RuntimeHooks => f.write_str("run the createRuntime hooks"),
            Op::ContainerHooks => f.write_str("run the createContainer hooks"),
            Op::Mask(path) => write!(f, "mask {}", Quoted(path)),
            Op::Readonly(path, _) => write!(f, "make {} read-only", Quoted(path)),
            Op::Label { file, text } => {
                write!(f, "write {} to `/proc/{}`", Quoted(text), escaped(file.to_bytes()))
            }
            Op::Pivot => f.write_str("pivot_root"),
            Op::MoveRoot(_) => f.write_str("move the root file system to \"/\""),
            Op::ChangeRoot => f.write_str("chroot"),
            Op::RootReadonly => f.write_str("make \"/\" read-only"),
            Op::RootPropagation(flags) => {
                write!(f, "set the propagation of \"/\" to {}", propagation(*flags))
            }
            Op::Personality(domain) => {
                write!(f, "linux.personality: set the execution domain {domain:#x}")
            }
            Op::MemoryPolicy(mode, _) => {
                write!(f, "linux.memoryPolicy: set the policy {mode:#x}")
            }
            Op::Affinity(_) => f.write_str("process.execCPUAffinity.final: sched_setaffinity"),
            Op::Umask(mask) => write!(f, "set the umask {mask:04o}"),
            Op::NoNewPrivileges => f.write_str("set no_new_privs"),
            Op::Identity => f.write_str("set user, groups and capabilities"),
            Op::ChangeDirectory => f.write_str("change to the working directory"),
            Op::FindProgram => f.write_str("find the program"),
        }
    }
}

/// The option's name for a propagation (`MS_*`).
pub fn propagation(flags: u64) -> &'static str {
    use linux_raw_sys::general::{MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE};
    let recursive = flags & u64::from(MS_REC) != 0;
    let plain = flags as u32 & !MS_REC;
    match (plain, recursive) {
        (MS_SHARED, false) => "shared",
        (MS_SHARED, true) => "rshared",
        (MS_SLAVE, false) => "slave",
        (MS_SLAVE, true) => "rslave",
        (MS_PRIVATE, false) => "private",
        (MS_PRIVATE, true) => "rprivate",
        (_, false) => "unbindable",
        (_, true) => "runbindable",
    }
}
