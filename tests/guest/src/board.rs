//! Checks from inside the container of a board: a line each, `BOARD ok NAME` or
//! `BOARD FAIL NAME: WHY`, and figures as `BOARD NAME = VALUE`.
//!
//! `contained` is for a container with namespaces and limits, `little` for the
//! same where the kernel has next to nothing, `shared` for one
//! that sees process 1 of the machine, `runtime` for one that runs the runtime,
//! `image` for one whose root is on a disk or in a file. `hungry` checks nothing
//! and wants more memory than there is.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::{Duration, Instant};

/// The limits that the bundle sets.
const MEMORY: usize = 64 << 20;
const PROCESSES: usize = 32;

/// Orphans of the storm.
const ORPHANS: usize = 1000;

/// Runs the checks of the kind; the exit status is 42 when all hold.
pub fn run(kind: &str) -> ! {
    let good = match kind {
        "contained" => contained(),
        "little" => apart(),
        "shared" => shared(),
        "runtime" => crate::runtime::core(),
        "image" => image(),
        "hungry" => hungry(),
        _ => check("the kind of checks is known", false, || kind.into()),
    };
    std::process::exit(if good { 42 } else { 1 })
}

/// Says whether it holds.
pub fn check(name: &str, good: bool, why: impl FnOnce() -> String) -> bool {
    match good {
        true => println!("BOARD ok {name}"),
        false => println!("BOARD FAIL {name}: {}", why()),
    }
    good
}

/// That two texts are the same.
fn same(name: &str, found: &str, expected: &str) -> bool {
    check(name, found == expected, || format!("{found:?}, and not {expected:?}"))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|e| format!("{path}: {e}"), |t| t.trim().to_string())
}

/// A field of /proc/PID/status.
fn status(pid: &str, field: &str) -> String {
    let text = read(&format!("/proc/{pid}/status"));
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_string()
}

fn contained() -> bool {
    let filters = read("/proc/sys/kernel/seccomp/actions_avail").contains("errno")
        && !cfg!(target_arch = "sparc64");
    let mut good = apart();
    good &= same("the host name is its own", &read("/proc/sys/kernel/hostname"), "board");
    let mode = status("self", "Seccomp");
    let expected = if filters { &["2"][..] } else { &["", "0"] };
    let right = expected.contains(&mode.as_str());
    good &= check("system calls are filtered where they can be", right, || mode.clone());
    let masked = fs::read("/proc/kcore").map(|bytes| bytes.len());
    let hidden = !matches!(masked, Ok(1..));
    good &= check("/proc/kcore is masked", hidden, || format!("{masked:?}"));
    let (memory, processes) = limit_files();
    good &= same("the memory limit is set", &read(memory), &MEMORY.to_string());
    good &= same("the limit of processes is set", &read(processes), &PROCESSES.to_string());
    let died = eats(2 * MEMORY);
    good &= check("the memory limit holds", died == libc::SIGKILL, || format!("signal {died}"));
    let made = crowd();
    let enough = made == Err((PROCESSES - 1, libc::EAGAIN));
    good & check("the limit of processes holds", enough, || format!("{made:?}"))
}

/// What every kernel can do that runs a container.
fn apart() -> bool {
    let mut good = same("it is process 1 of its namespace", &std::process::id().to_string(), "1");
    good &= same("nobody else is there", &processes().len().to_string(), "1");
    good &= same("the limit of files is set", &files_limit(), "100");
    good &= same("capabilities are those asked for", &status("self", "CapEff"), "0000000000000020");
    good &= same("no new privileges", &status("self", "NoNewPrivs"), "1");
    let written = fs::write("/written", "").err().and_then(|e| e.raw_os_error());
    good &= check("the root is read-only", written == Some(libc::EROFS), || format!("{written:?}"));
    let init = fs::metadata("/init").is_ok() || fs::metadata("/bundle").is_ok();
    good &= check("the init's files are out of reach", !init, String::new);
    let open = open_files();
    good &= check("no descriptor is left open", open == ["0", "1", "2"], || format!("{open:?}"));
    let shm = fs::metadata("/dev/shm").map(|found| found.mode() & 0o7777).unwrap_or_default();
    good & check("/dev/shm is there", shm == 0o1777, || format!("{shm:o}"))
}

fn processes() -> Vec<String> {
    numbers("/proc")
}

fn numbers(dir: &str) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.parse::<u32>().is_ok()).collect();
    names.sort();
    names
}

/// Descriptors, but for the one of the list itself.
fn open_files() -> Vec<String> {
    let list = numbers("/proc/self/fd");
    list.into_iter().filter(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).is_ok()).collect()
}

fn files_limit() -> String {
    // SAFETY: the structure is plain data that the call fills.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        limit.rlim_max.to_string()
    }
}

/// The files with the limits of memory and of processes: which version of control
/// groups it is, who has booted the board knows.
fn limit_files() -> (&'static str, &'static str) {
    if fs::metadata("/sys/fs/cgroup/memory").is_ok() {
        println!("BOARD cgroup = v1");
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/pids/pids.max")
    } else {
        println!("BOARD cgroup = v2");
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/pids.max")
    }
}

/// The signal that ends a child that uses so much memory.
fn eats(bytes: usize) -> i32 {
    // SAFETY: one thread; the child only touches memory and ends.
    unsafe {
        let child = libc::fork();
        if child == 0 {
            let mut memory = vec![0u8; bytes];
            for page in memory.chunks_mut(4096) {
                std::ptr::write_volatile(&mut page[0], 1);
            }
            libc::_exit(0);
        }
        let mut status = 0;
        libc::waitpid(child, &mut status, 0);
        if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 }
    }
}

/// Uses more and more memory, until somebody ends us or there is no more to have.
fn hungry() -> bool {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut more = Vec::new();
        if let Err(why) = more.try_reserve_exact(1 << 20) {
            return check("there is no end of memory", false, || why.to_string());
        }
        more.resize(1 << 20, 1);
        all.push(more);
    }
}

/// Makes children until it fails; how many there were, and the error.
fn crowd() -> Result<usize, (usize, i32)> {
    let mut children = Vec::new();
    let mut result = Ok(2 * PROCESSES);
    for made in 0..2 * PROCESSES {
        // SAFETY: one thread; the child only waits to be killed.
        match unsafe { libc::fork() } {
            0 => loop {
                // SAFETY: pause touches no memory.
                unsafe { libc::pause() };
            },
            -1 => {
                let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
                result = Err((made, errno));
                break;
            }
            child => children.push(child),
        }
    }
    for child in children {
        // SAFETY: our own children, which nobody has reaped.
        unsafe {
            libc::kill(child, libc::SIGKILL);
            libc::waitpid(child, std::ptr::null_mut(), 0);
        }
    }
    result
}

fn shared() -> bool {
    let mut good = same("process 1 is the init", &read("/proc/1/comm"), "init");
    rest();
    println!("BOARD rss = {}", resident());
    mappings().iter().for_each(|mapping| println!("BOARD mapping = {mapping}"));
    let begun = Instant::now();
    let made = storm();
    good &= check("a thousand orphans are made", made == ORPHANS, || made.to_string());
    let mut left = zombies();
    while left > 0 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
        left = zombies();
    }
    good &= check("the init reaps them", left == 0, || format!("{left} zombies"));
    println!("BOARD storm = {} ms", begun.elapsed().as_millis());
    println!("BOARD rss after the storm = {}", resident());
    rest();
    let before = status("1", "voluntary_ctxt_switches");
    std::thread::sleep(Duration::from_secs(2));
    let after = status("1", "voluntary_ctxt_switches");
    if option("watchdog") {
        let watched = watchdog();
        good &= check("the init holds the watchdog", watched, || format!("{:?}", fds("1")));
    } else {
        good &= same("the init sleeps while nothing happens", &after, &before);
    }
    let state =
        Command::new("/bin/ocinit").args(["--root", "/run/ocinit", "state", "main"]).output();
    let state = state.map_or_else(
        |e| e.to_string(),
        |out| String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned(),
    );
    let running = state.contains("\"status\": \"running\"");
    good & check("its state can be asked for", running, || state.replace('\n', " "))
}

/// The root: what it is, whether what was packed is there, and whether it can be
/// written to. What is right, who has booted the board knows.
fn image() -> bool {
    let good = same("what was packed is there", &read("/etc/kept"), "as packed");
    let mounts = read("/proc/self/mountinfo");
    let root = mounts.lines().find(|line| line.split(' ').nth(4) == Some("/"));
    let kind = root.and_then(|line| line.split_once(" - ")?.1.split(' ').next());
    println!("BOARD root = {}", kind.unwrap_or(&mounts));
    println!("BOARD writing = {}", written());
    good
}

/// Changes a file, makes one and removes it.
fn written() -> String {
    let write = || {
        fs::write("/etc/kept", "changed")?;
        fs::write("/etc/new", "new")?;
        let both = [fs::read_to_string("/etc/kept")?, fs::read_to_string("/etc/new")?];
        fs::remove_file("/etc/new")?;
        Ok::<_, std::io::Error>(both == ["changed", "new"] && fs::metadata("/etc/new").is_err())
    };
    match write() {
        Ok(true) => "works".into(),
        Ok(false) => "is lost".into(),
        Err(why) if why.raw_os_error() == Some(libc::EROFS) => "EROFS".into(),
        Err(why) => why.to_string(),
    }
}

/// Waits until the init has done what it was woken for, and has given back the
/// memory that it does not need while nothing happens.
fn rest() {
    std::thread::sleep(Duration::from_secs(3));
}

/// The memory of process 1 by its page tables: VmRSS of /proc/PID/status is
/// counted for the processor's convenience, and late.
fn resident() -> String {
    let text = read("/proc/1/smaps_rollup");
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
    line.unwrap_or(&text).trim().to_string()
}

/// The mappings of process 1 that have memory, and how much: where it goes.
fn mappings() -> Vec<String> {
    let text = read("/proc/1/smaps");
    let (mut mapping, mut all) = ("", Vec::new());
    for line in text.lines() {
        match line.strip_prefix("Rss:").map(str::trim) {
            Some("0 kB") => {}
            Some(memory) => all.push(format!("{memory} {mapping}")),
            // The others begin with the name of a property.
            None if !line.split(' ').next().unwrap_or_default().ends_with(':') => mapping = line,
            None => {}
        }
    }
    all
}

/// Whether the word is among our arguments.
fn option(word: &str) -> bool {
    std::env::args().any(|argument| argument == word)
}

/// Makes children whose parents end before them.
fn storm() -> usize {
    let mut made = 0;
    for _ in 0..ORPHANS {
        // SAFETY: one thread; the children only wait a moment and end.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                if libc::fork() == 0 {
                    libc::usleep(1000);
                }
                libc::_exit(0);
            }
            made +=
                usize::from(child > 0 && libc::waitpid(child, std::ptr::null_mut(), 0) == child);
        }
    }
    made
}

/// Processes that have ended and that nobody has reaped.
fn zombies() -> usize {
    let zombie = |pid: &String| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        text.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'))
    };
    processes().iter().filter(|pid| zombie(pid)).count()
}

fn fds(pid: &str) -> Vec<String> {
    let link = |fd: &String| fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok();
    let links = numbers(&format!("/proc/{pid}/fd"));
    links.iter().filter_map(link).map(|path| path.to_string_lossy().into_owned()).collect()
}

fn watchdog() -> bool {
    fds("1").iter().any(|path| path.starts_with("/dev/watchdog"))
}
