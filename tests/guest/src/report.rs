//! Everything the process can see about itself.

use serde_json::{Map, Value, json};
use std::ffi::CStr;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

/// The whole report, and what comes of the probes.
pub fn with(probes: &[&str]) -> Value {
    let mut report = all();
    // Other words are just arguments, which the report shows.
    let probes: Vec<&str> = probes.iter().copied().filter(|word| word.contains(':')).collect();
    if !probes.is_empty() {
        report["probes"] = crate::probe::all(&probes);
    }
    report
}

/// The whole report.
fn all() -> Value {
    // Before anything here opens a descriptor of its own.
    let fds = descriptors();
    let status = status();
    let (uts_name, domain) = uts();
    json!({
        "args": std::env::args().collect::<Vec<_>>(),
        "pid": std::process::id(),
        // SAFETY: these calls only return numbers of the calling process.
        "ppid": unsafe { libc::getppid() },
        "sid": unsafe { libc::getsid(0) },
        "pgid": unsafe { libc::getpgid(0) },
        "uid": numbers(&status, "Uid"),
        "gid": numbers(&status, "Gid"),
        "groups": numbers(&status, "Groups"),
        "umask": status.get("Umask"),
        "no_new_privs": status.get("NoNewPrivs"),
        "seccomp": status.get("Seccomp"),
        "blocked_signals": status.get("SigBlk"),
        "ignored_signals": status.get("SigIgn"),
        "capabilities": {
            "inheritable": status.get("CapInh"),
            "permitted": status.get("CapPrm"),
            "effective": status.get("CapEff"),
            "bounding": status.get("CapBnd"),
            "ambient": status.get("CapAmb"),
        },
        "rlimits": rlimits(),
        "cwd": std::env::current_dir().map(|d| d.display().to_string()).unwrap_or_default(),
        "env": env(),
        "hostname": uts_name,
        "domainname": domain,
        "namespaces": namespaces(),
        "mountinfo": lines("/proc/self/mountinfo"),
        "fds": fds,
        "cgroup": lines("/proc/self/cgroup"),
        "oom_score_adj": text("/proc/self/oom_score_adj"),
        "timens_offsets": lines("/proc/self/timens_offsets"),
        "uid_map": lines("/proc/self/uid_map"),
        "gid_map": lines("/proc/self/gid_map"),
        "setgroups": text("/proc/self/setgroups"),
        "interfaces": interfaces(),
        "dev": devices("/dev"),
        "terminal": terminal(),
        "session_keyring": session_keyring(),
        "keyring": describe_keyring(),
        "personality": text("/proc/self/personality"),
        "scheduling": scheduling(),
        "memory_policy": memory_policy(),
        "cpus": status.get("Cpus_allowed_list"),
        "root": listing("/"),
    })
}

/// The id of the session keyring, or null.
fn session_keyring() -> Option<i64> {
    const GET_KEYRING_ID: i64 = 0;
    const SESSION: i64 = -3;
    // SAFETY: this operation takes numbers only.
    let id = unsafe { libc::syscall(libc::SYS_keyctl, GET_KEYRING_ID, SESSION, 0) };
    (id >= 0).then_some(id)
}

/// Type, owner, permissions and name of the session keyring, or null.
fn describe_keyring() -> Option<String> {
    const DESCRIBE: i64 = 6;
    const SESSION: i64 = -3;
    let mut buffer = [0u8; 256];
    // SAFETY: the kernel writes at most as many bytes as it is told.
    let len = unsafe {
        libc::syscall(libc::SYS_keyctl, DESCRIBE, SESSION, buffer.as_mut_ptr(), buffer.len())
    };
    let len = usize::try_from(len).ok()?.checked_sub(1)?;
    Some(String::from_utf8_lossy(buffer.get(..len)?).into_owned())
}

/// The policy, its numbers, and the I/O priority.
fn scheduling() -> Value {
    const PROCESS: i64 = 1;
    // The kernel's struct sched_attr: size, policy, flags, nice, priority, runtime, deadline, period.
    let mut attributes = [0u32; 14];
    // SAFETY: the kernel fills as many bytes as it is told; the other call takes numbers.
    let (rc, io) = unsafe {
        let rc = libc::syscall(libc::SYS_sched_getattr, 0, attributes.as_mut_ptr(), 56, 0);
        (rc, libc::syscall(libc::SYS_ioprio_get, PROCESS, 0))
    };
    let [_, policy, flags, _, nice, priority, ..] = attributes;
    json!({
        "ok": rc == 0,
        "policy": policy,
        "flags": flags,
        "nice": nice as i32,
        "priority": priority,
        "io": io,
    })
}

/// The mode with its flags, and the first 64 nodes; or null.
fn memory_policy() -> Option<(i32, u64)> {
    let (mut mode, mut nodes) = (0i32, [0u64; 16]);
    let nothing = std::ptr::null::<u8>();
    // SAFETY: the kernel fills one number and a mask of as many bits as it is told.
    let rc = unsafe {
        libc::syscall(libc::SYS_get_mempolicy, &mut mode, nodes.as_mut_ptr(), 1024, nothing, 0)
    };
    (rc == 0).then_some((mode, nodes[0]))
}

fn text(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|t| t.trim_end().to_string())
}

fn lines(path: &str) -> Option<Vec<String>> {
    text(path).map(|t| t.lines().map(String::from).collect())
}

fn status() -> Map<String, Value> {
    let text = text("/proc/self/status").unwrap_or_default();
    text.lines()
        .filter_map(|l| l.split_once(':'))
        .map(|(k, v)| (k.to_string(), json!(v.trim())))
        .collect()
}

fn numbers(status: &Map<String, Value>, key: &str) -> Vec<u64> {
    let text = status.get(key).and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().filter_map(|n| n.parse().ok()).collect()
}

fn descriptors() -> Value {
    // By numbers, as listing /proc/self/fd would open one.
    let one = |n: i32| {
        let link = fs::read_link(format!("/proc/self/fd/{n}")).ok()?;
        Some((n.to_string(), json!(link.display().to_string())))
    };
    // Without /proc, fcntl still tells which are open.
    let open = |n: &i32| {
        // SAFETY: F_GETFD changes nothing and takes any number.
        unsafe { libc::fcntl(*n, libc::F_GETFD) >= 0 }
    };
    let found = (0..1024).filter(open);
    Value::Object(found.map(|n| one(n).unwrap_or((n.to_string(), Value::Null))).collect())
}

fn env() -> Vec<String> {
    std::env::vars_os()
        .map(|(k, v)| format!("{}={}", k.to_string_lossy(), v.to_string_lossy()))
        .collect()
}

fn uts() -> (String, String) {
    // SAFETY: utsname is plain bytes, filled by uname with NUL-terminated strings.
    unsafe {
        let mut u: libc::utsname = std::mem::zeroed();
        libc::uname(&mut u);
        let text = |p: *const libc::c_char| CStr::from_ptr(p).to_string_lossy().into_owned();
        (text(u.nodename.as_ptr()), text(u.domainname.as_ptr()))
    }
}

fn namespaces() -> Value {
    let kinds = ["cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"];
    let link = |k: &str| fs::read_link(format!("/proc/self/ns/{k}")).ok();
    Value::Object(
        kinds
            .iter()
            .filter_map(|k| Some((k.to_string(), json!(link(k)?.display().to_string()))))
            .collect(),
    )
}

fn rlimits() -> Value {
    let known = [
        ("RLIMIT_CPU", libc::RLIMIT_CPU),
        ("RLIMIT_FSIZE", libc::RLIMIT_FSIZE),
        ("RLIMIT_DATA", libc::RLIMIT_DATA),
        ("RLIMIT_STACK", libc::RLIMIT_STACK),
        ("RLIMIT_CORE", libc::RLIMIT_CORE),
        ("RLIMIT_NPROC", libc::RLIMIT_NPROC),
        ("RLIMIT_NOFILE", libc::RLIMIT_NOFILE),
        ("RLIMIT_MEMLOCK", libc::RLIMIT_MEMLOCK),
        ("RLIMIT_AS", libc::RLIMIT_AS),
        ("RLIMIT_SIGPENDING", libc::RLIMIT_SIGPENDING),
        ("RLIMIT_MSGQUEUE", libc::RLIMIT_MSGQUEUE),
        ("RLIMIT_NICE", libc::RLIMIT_NICE),
        ("RLIMIT_RTPRIO", libc::RLIMIT_RTPRIO),
    ];
    let read = |which| {
        // SAFETY: getrlimit fills the structure it is given.
        let limit = unsafe {
            let mut l: libc::rlimit = std::mem::zeroed();
            libc::getrlimit(which, &mut l);
            l
        };
        json!([limit.rlim_cur, limit.rlim_max])
    };
    Value::Object(known.into_iter().map(|(name, which)| (name.to_string(), read(which))).collect())
}

fn listing(path: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn interfaces() -> Value {
    let lines = lines("/proc/net/dev").unwrap_or_default();
    let names = lines.iter().skip(2).filter_map(|l| l.split_once(':')).map(|(n, _)| n.trim());
    Value::Object(names.map(|n| (n.to_string(), json!(flags(n)))).collect())
}

/// "up" or "down", or the error.
fn flags(name: &str) -> String {
    // SAFETY: ifreq is plain data; the name is shorter than its array (IFNAMSIZ).
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0);
        let mut request: libc::ifreq = std::mem::zeroed();
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes().take(15)) {
            *to = from as libc::c_char;
        }
        let rc = libc::ioctl(fd, libc::SIOCGIFFLAGS, &mut request);
        let error = std::io::Error::last_os_error();
        libc::close(fd);
        if rc < 0 {
            return error.to_string();
        }
        let up = request.ifr_ifru.ifru_flags as i32 & libc::IFF_UP != 0;
        (if up { "up" } else { "down" }).to_string()
    }
}

/// What is in a directory: types, numbers, modes, owners.
pub fn devices(dir: &str) -> Value {
    let mut all = Map::new();
    for name in listing(dir) {
        let path = format!("{dir}/{name}");
        let Ok(meta) = fs::symlink_metadata(&path) else { continue };
        let kind = meta.file_type();
        let (major, minor) = (libc::major(meta.rdev()), libc::minor(meta.rdev()));
        let type_of = [
            (kind.is_char_device(), "c"),
            (kind.is_block_device(), "b"),
            (kind.is_fifo(), "p"),
            (kind.is_dir(), "d"),
            (kind.is_symlink(), "l"),
            (kind.is_socket(), "s"),
        ];
        all.insert(
            name,
            json!({
                "type": type_of.iter().find(|t| t.0).map_or("f", |t| t.1),
                "major": major,
                "minor": minor,
                "mode": format!("{:o}", meta.mode() & 0o7777),
                "uid": meta.uid(),
                "gid": meta.gid(),
                "link": fs::read_link(&path).ok().map(|l| l.display().to_string()),
            }),
        );
    }
    Value::Object(all)
}

fn terminal() -> Value {
    // SAFETY: isatty and TIOCGWINSZ take any descriptor; winsize is plain data.
    let (ttys, size) = unsafe {
        let mut size: libc::winsize = std::mem::zeroed();
        let rc = libc::ioctl(0, libc::TIOCGWINSZ, &mut size);
        let ttys: Vec<bool> = (0..3).map(|fd| libc::isatty(fd) == 1).collect();
        (ttys, (rc == 0).then_some((size.ws_row, size.ws_col)))
    };
    json!({
        "isatty": ttys,
        "winsize": size,
        "controlling": fs::File::open("/dev/tty").is_ok(),
    })
}
