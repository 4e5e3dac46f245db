//! Single accesses, each tried and told: `read:PATH`, `write:PATH`, `create:PATH`, …

use serde_json::{Map, Value, json};
use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::{Error, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;

/// Tries each word and gives the results by word: true, a text, or `{"error": …}`.
pub fn all(words: &[&str]) -> Value {
    Value::Object(words.iter().map(|w| (w.to_string(), one(w))).collect::<Map<_, _>>())
}

fn one(word: &str) -> Value {
    let (verb, object) = word.split_once(':').unwrap_or((word, ""));
    let result = match verb {
        "read" => read(object),
        "list" => list(object),
        "fd" => read(&format!("/proc/self/fd/{object}")),
        "notify" => notify(object),
        // Opens for writing without changing anything.
        "write" => OpenOptions::new().write(true).open(object).map(|_| json!(true)),
        "set" => set(object),
        "create" => fs::File::create(object).map(|_| json!(true)),
        "mkdir" => fs::create_dir(object).map(|()| json!(true)),
        "stat" => stat(object),
        "listen" => TcpListener::bind(object).map(|_| json!(true)),
        "sethostname" => call(set_name(object)),
        "kill" => kill(object),
        "setuid" => setuid(object),
        "link" => fs::read_link(object).map(|l| json!(l.display().to_string())),
        "devices" => Ok(crate::report::devices(object)),
        "run" => run(object),
        "call" => system_call(object),
        other => panic!("guest: unknown probe {other:?}"),
    };
    result.unwrap_or_else(|e| json!({"error": e.raw_os_error().map(name)}))
}

/// The names of the errors that the tests ask about; the number otherwise.
fn name(errno: i32) -> String {
    let known = [
        (libc::EPERM, "EPERM"),
        (libc::ENOENT, "ENOENT"),
        (libc::EACCES, "EACCES"),
        (libc::EROFS, "EROFS"),
        (libc::ENXIO, "ENXIO"),
        (libc::EINVAL, "EINVAL"),
        (libc::ENODEV, "ENODEV"),
        (libc::EIO, "EIO"),
        (libc::ENOSYS, "ENOSYS"),
        (libc::ENOTDIR, "ENOTDIR"),
        (libc::EEXIST, "EEXIST"),
        (libc::ELOOP, "ELOOP"),
    ];
    known.iter().find(|k| k.0 == errno).map_or(errno.to_string(), |k| k.1.to_string())
}

fn read(path: &str) -> Result<Value, Error> {
    let mut bytes = vec![0; 4096];
    let got = fs::File::open(path)?.read(&mut bytes)?;
    Ok(json!(String::from_utf8_lossy(&bytes[..got]).trim_end()))
}

/// Sends a datagram to $NOTIFY_SOCKET, as a service does.
fn notify(text: &str) -> Result<Value, Error> {
    let path =
        std::env::var("NOTIFY_SOCKET").map_err(|_| Error::from_raw_os_error(libc::ENOENT))?;
    UnixDatagram::unbound()?.send_to(text.as_bytes(), path)?;
    Ok(json!(true))
}

fn list(path: &str) -> Result<Value, Error> {
    let mut names: Vec<String> = fs::read_dir(path)?
        .map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_, _>>()?;
    names.sort();
    Ok(json!(names))
}

fn set(object: &str) -> Result<Value, Error> {
    let (path, text) = object.split_once('=').expect("set:PATH=TEXT");
    OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes())?;
    Ok(json!(true))
}

fn stat(path: &str) -> Result<Value, Error> {
    use std::os::unix::fs::MetadataExt;
    let meta = fs::symlink_metadata(path)?;
    Ok(json!({"uid": meta.uid(), "gid": meta.gid(), "mode": format!("{:o}", meta.mode())}))
}

fn set_name(name: &str) -> i32 {
    let text = CString::new(name).expect("no NUL");
    // SAFETY: the pointer and the length are those of a live string.
    unsafe { libc::sethostname(text.as_ptr(), name.len()) }
}

fn kill(object: &str) -> Result<Value, Error> {
    // SAFETY: signal 0 only asks whether the process is there.
    call(unsafe { libc::kill(object.parse().expect("a pid"), 0) })
}

fn setuid(object: &str) -> Result<Value, Error> {
    // SAFETY: setuid takes any number.
    call(unsafe { libc::setuid(object.parse().expect("an id")) })
}

/// Runs a program and tells its status.
fn run(object: &str) -> Result<Value, Error> {
    let mut words = object.split(' ');
    let program = words.next().unwrap_or_default();
    let status = std::process::Command::new(program)
        .args(words)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()?;
    Ok(json!(status.to_string()))
}

/// `NAME,ARGUMENT,...`: a system call with numbers, as filters see it.
fn system_call(object: &str) -> Result<Value, Error> {
    let mut words = object.split(',');
    let number = match words.next().unwrap_or_default() {
        "getcwd" => libc::SYS_getcwd,
        "personality" => libc::SYS_personality,
        "getpriority" => libc::SYS_getpriority,
        "sethostname" => libc::SYS_sethostname,
        "unshare" => libc::SYS_unshare,
        "clone3" => libc::SYS_clone3,
        "socket" => libc::SYS_socket,
        "newest" => 1000,
        other => panic!("guest: unknown system call {other:?}"),
    };
    let mut arguments = [0i64; 3];
    for (to, from) in arguments.iter_mut().zip(words) {
        *to = from.parse().expect("a number");
    }
    let [a, b, c] = arguments;
    // SAFETY: the tests pass numbers and null pointers only.
    let rc = unsafe { libc::syscall(number, a, b, c) };
    if rc < 0 { Err(Error::last_os_error()) } else { Ok(json!(true)) }
}

fn call(rc: i32) -> Result<Value, Error> {
    if rc < 0 { Err(Error::last_os_error()) } else { Ok(json!(true)) }
}
