//! What a container's descriptors 0, 1 and 2 are connected to outside of it.
//!
//! CRIU saves the container's end of such a pipe or file, and is told at restore
//! which descriptor of the caller takes the place of the other. What it was is
//! in `descriptors.json` of the images, a list of three texts; runc writes the
//! same, and uses of it what begins with `pipe:`.

use crate::act::bundle::read_config;
use crate::container::{State, three};
use crate::error::{Context, Result};
use crate::json::{Document, Writer};
use crate::named;
use crate::number;
use crate::rootfs::path::FdPath;
use crate::sys::descriptor::borrow;
use crate::text;
use alloc::string::String;
use rustix::fs::{FileType, Stat, fstat};

/// The file's name in the directory of the images.
pub const FILE: &str = "descriptors.json";

/// Which of our own descriptors 0, 1 and 2 are pipes: those of a program that
/// gets them. The others are empty.
pub fn pipes() -> [&'static str; 3] {
    [0, 1, 2].map(|number| {
        let is_fifo = |stat: Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo;
        let pipe = borrow(number).filter(|fd| fstat(fd).is_ok_and(is_fifo));
        let name = pipe.and_then(|fd| FdPath::new(fd).read().ok());
        let text = name.and_then(|name| String::from_utf8(name).ok()).unwrap_or_default();
        if text.starts_with("pipe:[") { &*text.leak() } else { "" }
    })
}

/// What comes from outside: the pipes that the container was given, and files
/// that are on none of its mounts, by CRIU's name for them.
///
/// # Errors
/// procfs cannot be read.
pub fn of_container(state: &State) -> Result<[&'static str; 3]> {
    let proc = text!("/proc/{}", state.pid);
    let mounts = read_config(text::about("{}/mountinfo", proc))?;
    let mounts = text::lossy(mounts);
    let mut result = state.descriptors;
    for (number, text) in result.iter_mut().enumerate().filter(|(_, text)| text.is_empty()) {
        // One that the program has closed has no file.
        let Ok(info) = read_config(text!("{proc}/fdinfo/{number}")) else { continue };
        let mount = mount_id(text::lossy(info));
        let outside = |id: &u32| !mounts.lines().any(|line| first(line) == Some(*id));
        let Some(mount) = mount.filter(outside) else { continue };
        let path = text!("{proc}/fd/{number}");
        let found = named::stat(path).context(|| text::about_quoted("look at {}", path))?;
        let kind = FileType::from_raw_mode(found.st_mode);
        if matches!(kind, FileType::RegularFile | FileType::CharacterDevice) {
            *text = text!("file[{mount:x}:{:x}]", found.st_ino);
        }
    }
    Ok(result)
}

/// The number that a line of mountinfo begins with: the mount's.
fn first(line: &str) -> Option<u32> {
    number::unsigned(line.split(' ').next()?)
}

/// `mnt_id` of a file in /proc/PID/fdinfo (proc_pid_fdinfo(5)).
fn mount_id(info: &str) -> Option<u32> {
    let value = info.lines().find_map(|line| line.strip_prefix("mnt_id:"))?;
    number::unsigned(value.trim_ascii())
}

/// The list as a document.
pub fn to_json(descriptors: &[&str; 3]) -> String {
    let mut writer = Writer::new();
    writer.open_array();
    for name in descriptors {
        writer.string(name);
    }
    writer.close();
    writer.finish()
}

/// Reads such a list, of which only the first three count.
///
/// # Errors
/// It is none.
pub fn from_json(text: &[u8]) -> Result<[&str; 3]> {
    let document = Document::parse(text, FILE)?;
    document.read(three)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let list = ["pipe:[1]", "", "file[2a:ff]"];
        let text = to_json(&list);
        assert_eq!(text, r#"["pipe:[1]","","file[2a:ff]"]"#);
        assert_eq!(from_json(text.as_bytes()).unwrap(), list);
        let short = from_json(br#"["/dev/null"]"#).unwrap();
        assert_eq!(short, ["/dev/null", "", ""]);
        assert_eq!(from_json(br#"["","","","more"]"#).unwrap(), [""; 3]);
        for bad in [&b"{}"[..], b"[1]", b"["] {
            assert!(from_json(bad).is_err());
        }
    }

    #[test]
    fn numbers_of_mounts() {
        assert_eq!(mount_id("pos:\t0\nflags:\t0100002\nmnt_id:\t26\nino:\t4\n"), Some(26));
        assert_eq!(mount_id("pos:\t0\n"), None);
        assert_eq!(first("31 23 0:28 / /sys rw - tmpfs tmpfs rw"), Some(31));
        assert_eq!(first(""), None);
    }
}
