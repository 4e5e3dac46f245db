//! The life of a container's directory, on a real file system.

use alloc::format;
use alloc::string::{String, ToString};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, unlinkat};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
};

use super::*;
use crate::container::process::Stat;
use crate::error::Result;

/// A root of its own for a test, removed at the end when the test left it
/// empty.
struct Scratch(String);

impl Scratch {
    fn new(name: &str) -> Scratch {
        Scratch(format!("/tmp/ocinit-{}-{name}/a/b", rustix::process::getpid()))
    }

    fn root(&self) -> Root {
        Root::create(&self.0, true).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut path = self.0.as_str();
        for _ in 0..3 {
            let _ = unlinkat(CWD, path, AtFlags::REMOVEDIR);
            path = path.rsplit_once('/').unwrap().0;
        }
    }
}

fn id(text: &str) -> ContainerId {
    ContainerId::new(text).unwrap()
}

/// A state whose process is this test.
fn state_of_ourselves() -> State {
    let pid = rustix::process::getpid().as_raw_pid();
    State { pid, start_time: Stat::of(pid).unwrap().unwrap().start_time, ..sample_state() }
}

fn message<T>(result: Result<T>) -> String {
    result.err().unwrap().to_string()
}

#[test]
fn roots() {
    let scratch = Scratch::new("roots");
    assert!(Root::open(&scratch.0).unwrap().is_none());
    let root = scratch.root();
    assert!(root.ids().unwrap().is_empty());
    let mode = rustix::fs::fstat(&root.fd).unwrap().st_mode;
    assert_eq!(mode & 0o7777, 0o1700);
    for name in ["b", "a", "c"] {
        root.claim(&id(name)).unwrap();
    }
    assert_eq!(root.ids().unwrap(), [id("a"), id("b"), id("c")]);
    for name in ["b", "a", "c"] {
        assert!(delete(&root, &id(name), false).unwrap().is_none());
    }
    assert!(root.ids().unwrap().is_empty());
}

#[test]
fn claims_are_exclusive() {
    let scratch = Scratch::new("claims");
    let root = scratch.root();
    let a = id("a");
    let first = root.claim(&a).unwrap();
    let taken = message(root.claim(&a));
    assert!(taken.starts_with("container with given ID already exists"), "{taken}");
    assert_eq!(first.status(None).unwrap(), Status::Stopped);
    let lock = first.lock().unwrap();
    assert_eq!(root.container(&a).unwrap().status(None).unwrap(), Status::Creating);
    assert_eq!(lock.status(None).unwrap(), Status::Stopped);
    drop(lock);
    delete(&root, &a, true).unwrap();
    let gone = message(first.lock());
    assert!(gone.starts_with("container does not exist"), "{gone}");
    let missing = message(delete(&root, &a, false));
    assert!(missing.starts_with("container does not exist"), "{missing}");
    delete(&root, &a, true).unwrap();
}

#[test]
fn a_name_taken_again_is_another_container() {
    let scratch = Scratch::new("again");
    let root = scratch.root();
    let first = root.claim(&id("a")).unwrap();
    delete(&root, &id("a"), false).unwrap();
    root.claim(&id("a")).unwrap();
    assert!(first.lock().is_err());
    delete(&root, &id("a"), false).unwrap();
}

#[test]
fn states_are_replaced() {
    let scratch = Scratch::new("states");
    let root = scratch.root();
    let directory = root.claim(&id("web")).unwrap();
    assert!(directory.load().unwrap().is_none());
    assert!(message(directory.state()).starts_with("container \"web\" has no state"));
    let lock = directory.lock().unwrap();
    let mut state = sample_state();
    for pid in [0, 4711] {
        state.pid = pid;
        directory.save(&lock, &state).unwrap();
        assert_eq!(directory.state().unwrap().to_json(), state.to_json());
    }
    // A process with this number, if there is one, started at another time.
    assert_eq!(lock.status(Some(&state)).unwrap(), Status::Stopped);
    drop(lock);
    delete(&root, &id("web"), false).unwrap();
}

#[test]
fn the_socket_tells_created_from_running() {
    let scratch = Scratch::new("socket");
    let root = scratch.root();
    let directory = root.claim(&id("web")).unwrap();
    let lock = directory.lock().unwrap();
    let state = state_of_ourselves();
    directory.save(&lock, &state).unwrap();
    assert_eq!(lock.status(Some(&state)).unwrap(), Status::Running);
    let listener =
        socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
            .unwrap();
    let path = format!("{}/web/{START_SOCKET}", scratch.0);
    bind(&listener, &SocketAddrUnix::new(path).unwrap()).unwrap();
    assert_eq!(lock.status(Some(&state)).unwrap(), Status::Running);
    listen(&listener, 1).unwrap();
    for _ in 0..5 {
        // More than the backlog, and nobody accepts.
        assert_eq!(lock.status(Some(&state)).unwrap(), Status::Created);
    }
    drop(listener);
    // Children that other tests start have it open until they exec.
    while lock.status(Some(&state)).unwrap() == Status::Created {
        crate::sys::clock::sleep(1);
    }
    assert_eq!(lock.status(Some(&state)).unwrap(), Status::Running);
    assert_eq!(message(start(&lock, &state)), "cannot start an already running container");
    let stopped = State { start_time: 0, ..state };
    assert_eq!(message(start(&lock, &stopped)), "cannot start a container that has stopped");
    drop(lock);
    let refused = message(delete(&root, &id("web"), false));
    assert_eq!(refused, "cannot delete container web that is not stopped: running");
    let lock = directory.lock().unwrap();
    directory.save(&lock, &stopped).unwrap();
    drop(lock);
    assert_eq!(message(kill(&directory, None, false)), "container not running");
    assert!(kill(&directory, None, true).is_ok());
    assert!(delete(&root, &id("web"), false).unwrap().is_some());
}

#[test]
fn leftovers_are_deleted() {
    let scratch = Scratch::new("leftovers");
    let root = scratch.root();
    let directory = root.claim(&id("a")).unwrap();
    for name in ["state.json", "state.json.new", "other"] {
        let flags = OFlags::CREATE | OFlags::WRONLY;
        openat(directory.as_fd(), name, flags, Mode::RUSR).unwrap();
    }
    rustix::fs::mkdirat(directory.as_fd(), "mountpoint", Mode::RWXU).unwrap();
    assert!(directory.load().unwrap().is_none());
    assert!(delete(&root, &id("a"), false).unwrap().is_none());
    assert!(root.find(&id("a")).unwrap().is_none());
}

#[test]
fn no_link_is_followed() {
    let scratch = Scratch::new("links");
    let root = scratch.root();
    rustix::fs::symlinkat("/", &root.fd, "a").unwrap();
    assert!(root.find(&id("a")).unwrap().is_none());
    assert!(message(root.claim(&id("a"))).starts_with("container with given ID already exists"));
    unlinkat(&root.fd, "a", AtFlags::empty()).unwrap();
}

#[test]
fn containers_of_others_are_left_alone() {
    let scratch = Scratch::new("others");
    let root = scratch.root();
    let directory = root.claim(&id("a")).unwrap();
    for name in ["status", "state.json"] {
        let file =
            openat(directory.as_fd(), name, OFlags::CREATE | OFlags::WRONLY, Mode::RUSR).unwrap();
        rustix::io::write(&file, b"{}").unwrap();
        for force in [false, true] {
            let refused = message(delete(&root, &id("a"), force));
            assert!(refused.starts_with("container \"a\" was made by another"), "{refused}");
        }
        directory.remove_file(name).unwrap();
    }
    delete(&root, &id("a"), false).unwrap();
}

#[test]
fn a_glance_sees_what_the_directory_tells() {
    let scratch = Scratch::new("glance");
    let root = scratch.root();
    let web = id("web");
    assert!(glance(&root, &web).is_none());
    let directory = root.claim(&web).unwrap();
    let lock = directory.lock().unwrap();
    let save = |state: &State| directory.save(&lock, state).unwrap();
    // Nothing is saved, or nothing but that it is being made.
    assert!(glance(&root, &web).is_none());
    save(&State { pid: 0, ..sample_state() });
    assert!(glance(&root, &web).is_none());
    for (state, status) in [
        (state_of_ourselves(), Status::Running),
        (State { start_time: 0, ..state_of_ourselves() }, Status::Stopped),
    ] {
        save(&state);
        let seen = glance(&root, &web).unwrap();
        assert_eq!(seen.state.to_json(), state.to_json());
        assert_eq!(seen.status, status);
        assert_eq!(seen.owner, directory.owner().unwrap());
    }
    // One that is running and has a start socket may wait.
    save(&state_of_ourselves());
    let create = |name, text: &[u8]| {
        let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::TRUNC;
        let file = openat(directory.as_fd(), name, flags, Mode::RUSR).unwrap();
        rustix::io::write(&file, text).unwrap();
    };
    create(START_SOCKET, b"");
    assert!(glance(&root, &web).is_none());
    directory.remove_file(START_SOCKET).unwrap();
    assert!(glance(&root, &web).is_some());
    // Links lead nowhere.
    rustix::fs::symlinkat("web", &root.fd, "link").unwrap();
    assert!(glance(&root, &id("link")).is_none());
    unlinkat(&root.fd, "link", AtFlags::empty()).unwrap();
    rustix::fs::renameat(directory.as_fd(), "state.json", directory.as_fd(), "other").unwrap();
    rustix::fs::symlinkat("other", directory.as_fd(), "state.json").unwrap();
    assert!(glance(&root, &web).is_none());
    directory.remove_file("state.json").unwrap();
    for text in ["{}", "{\"id\":"] {
        create("state.json", text.as_bytes());
        assert!(glance(&root, &web).is_none(), "{text}");
    }
    directory.remove_file("state.json").unwrap();
    drop(lock);
    delete(&root, &web, false).unwrap();
}
