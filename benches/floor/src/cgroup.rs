//! The container's control groups: made, entered and removed with the calls
//! that do not wait for the kernel's grace periods.

use crate::Wish;
use core::ffi::CStr;
use floor::text::Text;
use floor::{call, must};
use linux_raw_sys::general::*;

/// The most hierarchies that a machine has.
const MAX: usize = 16;

/// The groups, in the order of the command line.
pub struct Groups {
    list: [Option<Group>; MAX],
    length: usize,
    only_unified: bool,
}

struct Group {
    /// The directory.
    path: Text<160>,
    /// How long the name of the hierarchy in the kind is, and the kind.
    kind: &'static [u8],
    /// `tasks` for writing (v1), or the directory (v2).
    fd: isize,
}

impl Groups {
    /// None.
    pub fn new() -> Groups {
        Groups { list: [const { None }; MAX], length: 0, only_unified: false }
    }

    /// Makes the wish's group at `place`, which is `KIND=DIRECTORY`.
    pub fn make(&mut self, place: &'static CStr, wish: &Wish) {
        let place = place.to_bytes();
        let Some(end) = place.iter().position(|b| *b == b'=') else { return };
        let (kind, parent) = (&place[..end], &place[end + 1..]);
        let mut path = Text::new();
        path.push(parent).push(b"/").push(wish.name.to_bytes());
        self.only_unified |= kind == b"v2only";
        if !wish.option(b'd') {
            must!(__NR_mkdirat, AT_FDCWD, path.address(), 0o755);
        }
        let fd = match kind {
            // It is only to be removed.
            _ if wish.option(b'd') => -1,
            b"v2" | b"v2only" => {
                must!(__NR_openat, AT_FDCWD, path.address(), O_DIRECTORY | O_CLOEXEC)
            }
            _ => {
                prepare(kind, parent, &path);
                open(&path, b"/tasks", O_WRONLY)
            }
        };
        if kind == b"v2only" && wish.option(b'b') {
            device_program(fd);
        }
        if self.length < MAX {
            self.list[self.length] = Some(Group { path, kind, fd });
            self.length += 1;
        }
    }

    fn all(&self) -> impl Iterator<Item = &Group> {
        self.list.iter().flatten()
    }

    /// The directory of cgroup v2.
    pub fn unified(&self) -> Option<isize> {
        self.all().find(|group| group.kind.starts_with(b"v2")).map(|group| group.fd)
    }

    /// Whether there is cgroup v2 and nothing else.
    pub fn only_unified(&self) -> bool {
        self.only_unified
    }

    /// Moves this process into those of v1; it was born into that of v2. A
    /// process of one thread that moves itself waits for nobody.
    pub fn enter(&self) {
        for group in self.all().filter(|group| !group.kind.starts_with(b"v2")) {
            must!(__NR_write, group.fd, b"0".as_ptr(), 1);
        }
    }

    /// Binds each group read-only beneath the working directory's `sys/fs/cgroup`.
    pub fn show(&self) {
        let bind = MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC;
        let to = c"sys/fs/cgroup";
        if self.only_unified {
            if let Some(group) = self.all().next() {
                bind_read_only(&group.path, to.as_ptr() as usize, bind);
            }
            return;
        }
        let flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
        let data = c"mode=755";
        must!(__NR_mount, c"tmpfs".as_ptr(), to.as_ptr(), c"tmpfs".as_ptr(), flags, data.as_ptr());
        for group in self.all() {
            let mut inside = Text::<64>::new();
            let name = if group.kind == b"v2" { &b"unified"[..] } else { group.kind };
            inside.push(to.to_bytes()).push(b"/").push(name);
            must!(__NR_mkdirat, AT_FDCWD, inside.address(), 0o755);
            bind_read_only(&group.path, inside.address(), bind);
        }
        must!(__NR_mount, 0, to.as_ptr(), 0, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, 0);
    }

    /// Removes them; they are empty.
    pub fn remove(&self) {
        for group in self.all() {
            must!(__NR_unlinkat, AT_FDCWD, group.path.address(), AT_REMOVEDIR);
        }
    }
}

fn bind_read_only(from: &Text<160>, to: usize, flags: u32) {
    must!(__NR_mount, from.address(), to, 0, MS_BIND, 0);
    must!(__NR_mount, 0, to, 0, MS_REMOUNT | MS_RDONLY | flags, 0);
}

fn open(path: &Text<160>, file: &[u8], flags: u32) -> isize {
    let mut name = Text::<200>::new();
    name.push(path.bytes()).push(file);
    must!(__NR_openat, AT_FDCWD, name.address(), flags | O_CLOEXEC)
}

fn prepare(kind: &[u8], parent: &[u8], path: &Text<160>) {
    match kind {
        b"cpuset" => {
            copy(parent, path, b"/cpuset.cpus");
            copy(parent, path, b"/cpuset.mems");
        }
        b"devices" => {
            let (deny, allow) =
                (open(path, b"/devices.deny", O_WRONLY), open(path, b"/devices.allow", O_WRONLY));
            must!(__NR_write, deny, b"a".as_ptr(), 1);
            for rule in DEVICES {
                must!(__NR_write, allow, rule.as_ptr(), rule.len());
            }
            must!(__NR_close, deny);
            must!(__NR_close, allow);
        }
        _ => {}
    }
}

/// What containers may always do with devices.
const DEVICES: &[&[u8]] = &[
    b"c *:* m",
    b"b *:* m",
    b"c 1:3 rwm",
    b"c 1:8 rwm",
    b"c 1:7 rwm",
    b"c 5:0 rwm",
    b"c 1:5 rwm",
    b"c 1:9 rwm",
    b"c 136:* rwm",
    b"c 5:2 rwm",
];

fn copy(parent: &[u8], path: &Text<160>, file: &[u8]) {
    let mut from = Text::<160>::new();
    from.push(parent);
    let mut buffer = [0_u8; 256];
    let source = open(&from, file, O_RDONLY);
    let length = must!(__NR_read, source, buffer.as_mut_ptr(), buffer.len());
    let target = open(path, file, O_WRONLY);
    must!(__NR_write, target, buffer.as_ptr(), length);
    must!(__NR_close, source);
    must!(__NR_close, target);
}

/// Loads and attaches the smallest program that decides about devices: what the
/// kernel takes for a filter of v2 without the runtime's own rules.
fn device_program(directory: isize) {
    // r0 = 1; exit (linux/bpf.h).
    let program: [u64; 2] = [0x0000_0001_0000_00b7, 0x95];
    // prog_type BPF_PROG_TYPE_CGROUP_DEVICE, insn_cnt, insns, license.
    let load =
        [15 | (2_u64 << 32), program.as_ptr() as u64, c"GPL".as_ptr() as u64, 0, 0, 0, 0, 0, 0];
    // BPF_PROG_LOAD.
    let fd = must!(__NR_bpf, 5, load.as_ptr(), size_of_val(&load));
    // target_fd, attach_bpf_fd, attach_type BPF_CGROUP_DEVICE, attach_flags.
    let attach = [directory as u32, fd as u32, 6, 0];
    // BPF_PROG_ATTACH.
    must!(__NR_bpf, 8, attach.as_ptr(), size_of_val(&attach));
    call!(__NR_close, fd);
}
