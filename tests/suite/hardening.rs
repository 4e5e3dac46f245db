//! The runtime's own memory, as the kernel shows it: what must not be written is read-only, and nothing that can be
//! written can be executed, nor can the file that it runs from be written to. In the process that waits for `start` and
//! in one in the foreground, both of which run from the protected view or copy.

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::statvfs::{FsFlags, fstatvfs};
use ocinit_tests::{Lab, eventually, oci, skip};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

ocinit_tests::isolate!();

/// `PT_GNU_RELRO`.
const RELRO: u32 = 0x6474_e552;

/// A line of /proc/PID/maps (proc_pid_maps(5)).
struct Mapping {
    start: u64,
    end: u64,
    mode: String,
    offset: u64,
    file: String,
}

fn mappings(pid: i32) -> Vec<Mapping> {
    let text = fs::read_to_string(format!("/proc/{pid}/maps")).expect("read the mappings");
    let number = |text: &str| u64::from_str_radix(text, 16).expect("a number");
    text.lines()
        .map(|line| {
            let mut fields = line.splitn(6, ' ');
            let mut next = || fields.next().unwrap_or_default();
            let (start, end) = next().split_once('-').expect("a range");
            let (mode, offset) = (next().to_owned(), number(next()));
            let (_device, _inode) = (next(), next());
            let file = next().trim_start().to_owned();
            Mapping { start: number(start), end: number(end), mode, offset, file }
        })
        .collect()
}

/// Where the program of the process begins and ends what is written by relocation alone.
fn relocated(pid: i32) -> (u64, u64) {
    let image = fs::read(format!("/proc/{pid}/exe")).expect("read the program");
    let long = |at: usize| u64::from_ne_bytes(image[at..at + 8].try_into().unwrap());
    let half = |at: usize| usize::from(u16::from_ne_bytes(image[at..at + 2].try_into().unwrap()));
    // The table of program headers, the size of one and their number (System V gABI, chapter 4).
    let headers = (0..half(56)).map(|i| long(32) as usize + i * half(54));
    let is_relro =
        |at: &usize| u32::from_ne_bytes(image[*at..*at + 4].try_into().unwrap()) == RELRO;
    let at = headers.clone().find(is_relro).expect("a header PT_GNU_RELRO");
    (long(at + 16), long(at + 16) + long(at + 40))
}

/// Whether nobody can write to the file, which is on a mount for reading or is a sealed copy in memory.
fn is_protected(path: &str) -> bool {
    let file = fs::File::open(path).unwrap_or_else(|e| panic!("open {path}: {e}"));
    let mount = fstatvfs(&file).expect("look at the mount").flags();
    let sealed = || {
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).ok().map(SealFlag::from_bits_truncate);
        seals.is_some_and(|seals| seals.contains(SealFlag::F_SEAL_WRITE))
    };
    mount.contains(FsFlags::ST_RDONLY) || sealed()
}

/// The command line and the environment as the kernel shows them, and the name.
fn check_words(pid: i32, words: &[&str]) {
    let read = |file: &str| {
        fs::read(format!("/proc/{pid}/{file}")).unwrap_or_else(|e| panic!("read {file}: {e}"))
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = |file: &str| -> Vec<String> {
        read(file)
            .split_inclusive(|byte| *byte == 0)
            .map(|word| text(word.strip_suffix(b"\0").expect("a null")))
            .collect()
    };
    let line = all("cmdline");
    let words: Vec<String> = words.iter().map(|word| (*word).into()).collect();
    assert!(line.ends_with(&words), "{line:?}");
    let environment = all("environ");
    assert!(environment.contains(&"OCINIT_TEST_LAST=1".into()), "{environment:?}");
    assert_eq!(text(&read("comm")), "ocinit\n");
}

fn check(pid: i32) {
    let mappings = mappings(pid);
    for map in &mappings {
        let both = map.mode.contains('w') && map.mode.contains('x');
        assert!(!both, "{} at {:x} is {}", map.file, map.start, map.mode);
    }
    let program = fs::read_link(format!("/proc/{pid}/exe")).expect("the program");
    let own = |map: &&Mapping| map.file == program.to_str().expect("a name");
    assert!(is_protected(&format!("/proc/{pid}/exe")), "the program can be written to");
    for map in mappings.iter().filter(own) {
        let file = format!("/proc/{pid}/map_files/{:x}-{:x}", map.start, map.end);
        assert!(is_protected(&file), "{file} can be written to");
    }
    let base = mappings.iter().filter(own).find(|map| map.offset == 0).expect("the program");
    // By a descriptor of it the mount could be made writable again.
    let identity = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    let exe = identity(format!("/proc/{pid}/exe").as_ref());
    for fd in fs::read_dir(format!("/proc/{pid}/fd")).expect("read the descriptors").flatten() {
        assert_ne!(identity(&fd.path()), exe, "{} is the program", fd.path().display());
    }
    let (start, end) = relocated(pid);
    let (start, end) = (base.start + start, base.start + end);
    let inside = |map: &&Mapping| map.start < end && map.end > start;
    let found: Vec<&Mapping> = mappings.iter().filter(inside).collect();
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).unwrap().unwrap() as u64;
    assert!(!found.is_empty() && end - start >= page);
    for map in found {
        // A last page that is shared with what stays writable is left so.
        let rest = map.start >= end & !(page - 1);
        assert!(map.mode == "r--p" || rest, "{:x} to {:x} is {}", map.start, map.end, map.mode);
    }
}

#[test]
fn what_only_relocation_writes_is_read_only_afterwards() {
    if !oci::is_ocinit() {
        skip!("another runtime's memory is its own affair");
    }
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.waits();
    let waiting = lab.container(&bundle);
    waiting.create();
    check(waiting.pid());
    let id = lab.id();
    let foreground = lab.oci(["run", "--bundle"]).arg(bundle.dir()).arg(&id);
    let foreground = foreground.env("OCINIT_TEST_LAST", "1").spawn();
    eventually("ready", || foreground.stdout().contains("ready"));
    check(foreground.pid());
    let directory = bundle.dir().to_str().expect("a name");
    check_words(foreground.pid(), &["run", "--bundle", directory, &id]);
    lab.oci(["kill", &id, "TERM"]).ok();
    foreground.wait().code_is(0);
}
