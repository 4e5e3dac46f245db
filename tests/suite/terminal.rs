//! Terminals: `run` at one, console sockets, sizes, keys.

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ocinit_tests::terminal::{Master, Session, Socket};
use ocinit_tests::{Bundle, Lab, eventually, json};
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, pipe};
use std::os::fd::AsFd;

ocinit_tests::isolate!();

fn with_terminal(lab: &Lab) -> Bundle {
    let mut bundle = lab.bundle();
    bundle.config["process"]["terminal"] = json!(true);
    bundle.config["process"]["env"] = json!(["PATH=/bin", "PS1=prompt> ", "TERM=dumb"]);
    bundle.args(&["sh"]);
    bundle
}

#[test]
fn a_shell_works_at_the_terminal() {
    let lab = Lab::new();
    let c = lab.container(&with_terminal(&lab));
    let mut s = Session::start(c.on_bundle("run", &[]), 24, 80);
    s.terminal.expect("prompt> ");
    s.terminal.type_in("echo $((6 * 7)); tty\n");
    s.terminal.expect("42\r\n/dev/");
    s.terminal.type_in("exit 5\n");
    let (out, _) = s.wait();
    out.code_is(5);
    lab.assert_clean();
}

#[test]
fn what_is_typed_shows_once() {
    let lab = Lab::new();
    let mut bundle = with_terminal(&lab);
    bundle.shell("echo ready; cat");
    let c = lab.container(&bundle);
    let mut s = Session::start(c.on_bundle("run", &[]), 24, 80);
    s.terminal.expect("ready\r\n");
    s.terminal.forget();
    s.terminal.type_in("abc\n");
    s.terminal.expect("abc\r\nabc\r\n");
    s.terminal.type_in("\x04");
    let (out, seen) = s.wait();
    out.code_is(0);
    assert_eq!(seen, "abc\r\nabc\r\n");
}

#[test]
fn everything_is_a_terminal_and_a_console_is_there() {
    let lab = Lab::new();
    let mut bundle = with_terminal(&lab);
    bundle.args(&["/bin/guest", "report"]);
    let c = lab.container(&bundle);
    let (out, seen) = Session::start(c.on_bundle("run", &[]), 24, 80).wait();
    out.code_is(0);
    let report: ocinit_tests::Value = serde_json::from_str(&seen).expect(&seen);
    assert_eq!(report["terminal"]["isatty"], json!([true, true, true]));
    assert_eq!(report["terminal"]["controlling"], true);
    assert_eq!(report["terminal"]["winsize"], json!([24, 80]));
    assert_eq!(report["dev"]["console"]["type"], "c");
    assert_eq!(report["dev"]["console"]["major"], 136);
    let open: Vec<&String> = report["fds"].as_object().unwrap().keys().collect();
    assert_eq!(open, ["0", "1", "2"], "{}", report["fds"]);
    assert!(report["fds"]["0"].as_str().unwrap().starts_with("/dev/"), "{}", report["fds"]);
}

#[test]
fn the_window_size_follows() {
    let lab = Lab::new();
    let c = lab.container(&with_terminal(&lab));
    let mut s = Session::start(c.on_bundle("run", &[]), 33, 99);
    s.terminal.expect("prompt> ");
    s.terminal.type_in("stty size\n");
    s.terminal.expect("33 99\r\n");
    s.terminal.resize(50, 120);
    eventually("the new size", || {
        s.terminal.forget();
        s.terminal.type_in("echo $(stty size) end\n");
        s.terminal.expect(" end\r\n");
        s.terminal.seen().contains("50 120 end")
    });
    s.terminal.type_in("exit\n");
    s.wait().0.code_is(0);
}

#[test]
fn control_c_is_for_the_program() {
    let lab = Lab::new();
    let c = lab.container(&with_terminal(&lab));
    let mut s = Session::start(c.on_bundle("run", &[]), 24, 80);
    s.terminal.expect("prompt> ");
    // Once the child speaks, it is the one in the foreground.
    s.terminal.type_in("sh -c 'echo g''o; exec sleep 100'\n");
    s.terminal.expect("go\r\n");
    s.terminal.forget();
    s.terminal.type_in("\x03");
    s.terminal.expect("prompt> ");
    s.terminal.type_in("echo status $?\n");
    s.terminal.expect("status 130\r\n");
    s.terminal.type_in("exit 9\n");
    s.wait().0.code_is(9);
    lab.assert_clean();
}

#[test]
fn the_users_terminal_is_raw_meanwhile_and_restored_after() {
    let lab = Lab::new();
    let c = lab.container(&with_terminal(&lab));
    // A shell around it keeps the terminal open for a look afterwards.
    let script = r#"stty -g; "$@"; stty -g; exit $?"#;
    let call = c.run_by("/bin/sh", &["-c", script, "sh"]);
    let mut s = Session::start(call, 24, 80);
    s.terminal.expect("prompt> ");
    let before = s.terminal.seen().lines().next().unwrap().to_string();
    assert!(before.contains(':'), "{before}");
    assert_ne!(s.settings().trim(), before, "raw while the container runs");
    s.terminal.type_in("exit\n");
    let (_, seen) = s.wait();
    assert_eq!(seen.lines().last().unwrap().trim(), before, "as before when it has ended");
}

#[test]
fn a_lost_terminal_is_told_to_the_program() {
    let lab = Lab::new();
    let mut bundle = with_terminal(&lab);
    // As init it would ignore a signal that it does not ask for.
    bundle.shell("trap 'exit 3' HUP; echo ready; while :; do sleep 0.05; done");
    let c = lab.container(&bundle);
    let mut s = Session::start(c.on_bundle("run", &[]), 24, 80);
    s.terminal.expect("ready");
    s.hang_up().code_is(3);
    lab.assert_clean();
}

#[test]
fn much_output_arrives_whole() {
    let lab = Lab::new();
    let mut bundle = with_terminal(&lab);
    bundle.shell("yes 0123456789 | head -n 20000; echo end");
    let c = lab.container(&bundle);
    let (out, seen) = Session::start(c.on_bundle("run", &[]), 24, 80).wait();
    out.code_is(0);
    assert_eq!(seen.matches("0123456789\r\n").count(), 20_000);
    assert!(seen.ends_with("end\r\n"));
}

/// A pipe for one page, whose writer never sleeps.
fn small_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    fcntl(&writer, FcntlArg::F_SETPIPE_SZ(4096)).unwrap();
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    (reader, writer)
}

fn wait_until_full(writer: &PipeWriter) {
    eventually("the pipe is full", || {
        let mut fds = [PollFd::new(writer.as_fd(), PollFlags::POLLOUT)];
        poll(&mut fds, PollTimeout::ZERO).unwrap() == 0
    });
}

/// What comes until the end, or until nothing has come for long.
fn read_all(mut reader: PipeReader) -> String {
    let mut text = Vec::new();
    let mut bytes = [0; 65_536];
    loop {
        let mut fds = [PollFd::new(reader.as_fd(), PollFlags::POLLIN)];
        if poll(&mut fds, PollTimeout::from(10_000_u16)).unwrap() == 0 {
            break;
        }
        match reader.read(&mut bytes).unwrap() {
            0 => break,
            length => text.extend_from_slice(&bytes[..length]),
        }
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn output_that_has_to_wait_arrives_whole() {
    let lab = Lab::new();
    for (bytes, ends_first) in [(400_000, false), (9_000, true)] {
        let (reader, writer) = small_pipe();
        let mut bundle = with_terminal(&lab);
        bundle.shell(&format!("head -c {bytes} /dev/zero | tr '\\0' x; exit 3"));
        let c = lab.container(&bundle);
        let call = c.on_bundle("run", &[]).fd(writer.try_clone().unwrap(), 1);
        let s = Session::start(call, 24, 80);
        wait_until_full(&writer);
        drop(writer);
        if ends_first {
            c.wait_for("stopped");
        }
        let text = read_all(reader);
        assert_eq!(text.len(), bytes);
        s.wait().0.code_is(3);
        assert_eq!(text.replace('x', ""), "");
    }
    lab.assert_clean();
}

#[test]
fn keys_arrive_while_output_has_to_wait() {
    let lab = Lab::new();
    let (reader, writer) = pipe().unwrap();
    let mut bundle = with_terminal(&lab);
    bundle.shell("trap 'exit 5' INT; while :; do echo 0123456789; done");
    let c = lab.container(&bundle);
    let call = c.on_bundle("run", &[]).fd(writer.try_clone().unwrap(), 1);
    let mut s = Session::start(call, 24, 80);
    wait_until_full(&writer);
    drop(writer);
    s.terminal.type_in("\x03");
    c.wait_for("stopped");
    read_all(reader);
    s.wait().0.code_is(5);
    lab.assert_clean();
}

#[test]
fn when_nobody_reads_any_more_the_terminal_goes_away() {
    let lab = Lab::new();
    let line = "while :; do echo y; sleep 0.01; done";
    for (trap, code) in [("trap 'exit 3' HUP", 3), ("trap '' HUP; trap 'exit 4' PIPE", 4)] {
        let (mut reader, writer) = pipe().unwrap();
        let mut bundle = with_terminal(&lab);
        bundle.shell(&format!("{trap}; {line}"));
        let c = lab.container(&bundle);
        let s = Session::start(c.on_bundle("run", &[]).fd(writer, 1), 24, 80);
        reader.read_exact(&mut [0]).unwrap();
        drop(reader);
        s.wait().0.code_is(code);
    }
    // SIGHUP is the first of the two.
    let c = lab.waiting();
    let (mut reader, writer) = pipe().unwrap();
    let s = Session::start(c.exec(&["--tty"], &["yes"]).fd(writer, 1), 24, 80);
    reader.read_exact(&mut [0]).unwrap();
    drop(reader);
    s.wait().0.code_is(128 + 1);
}

#[test]
fn lines_that_go_elsewhere_end_as_they_were_written() {
    let lab = Lab::new();
    let path = lab.dir().join("lines");
    let script = ["sh", "-c", "echo one; echo two"];
    let mut bundle = with_terminal(&lab);
    bundle.args(&script);
    let run = lab.container(&bundle);
    let other = lab.waiting();
    for call in [run.on_bundle("run", &[]), other.exec(&["--tty"], &script)] {
        let s = Session::start(call.fd(File::create(&path).unwrap(), 1), 24, 80);
        s.wait().0.code_is(0);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
    let (out, seen) = Session::start(other.exec(&["--tty"], &script), 24, 80).wait();
    out.code_is(0);
    assert_eq!(seen, "one\r\ntwo\r\n");
}

#[test]
fn an_ordinary_user_owns_its_terminal() {
    let lab = Lab::new();
    let mut bundle = with_terminal(&lab);
    bundle.config["process"]["user"] = json!({"uid": 1000, "gid": 1000});
    bundle.shell("stat -c %u $(tty); echo again > /dev/tty; echo in > /dev/stderr");
    let c = lab.container(&bundle);
    let (out, seen) = Session::start(c.on_bundle("run", &[]), 24, 80).wait();
    out.code_is(0);
    assert_eq!(seen, "1000\r\nagain\r\nin\r\n");
}

#[test]
fn a_console_socket_gets_the_master_at_create() {
    let lab = Lab::new();
    let mut bundle = with_terminal(&lab);
    bundle.config["process"]["consoleSize"] = json!({"height": 31, "width": 131});
    let c = lab.container(&bundle);
    let socket = Socket::listen(&lab.dir().join("c.sock"));
    c.on_bundle("create", &["--console-socket", socket.path()]).ok().quiet();
    let (name, fd) = socket.receive();
    assert!(name.starts_with("/dev/") && name.len() < 4096, "{name}");
    let mut terminal = Master::new(fd);
    assert_eq!(terminal.size(), (31, 131));
    c.start();
    terminal.expect("prompt> ");
    terminal.type_in("stty size; tty; exit\n");
    terminal.expect("31 131\r\n/dev/");
    c.wait_for("stopped");
    c.delete();
    lab.assert_clean();
}

#[test]
fn run_detached_uses_the_console_socket() {
    let lab = Lab::new();
    let c = lab.container(&with_terminal(&lab));
    let socket = Socket::listen(&lab.dir().join("c.sock"));
    c.on_bundle("run", &["-d", &format!("--console-socket={}", socket.path())]).ok().quiet();
    let mut terminal = Master::new(socket.receive().1);
    terminal.expect("prompt> ");
    terminal.type_in("exit\n");
    c.wait_for("stopped");
}

#[test]
fn a_detached_terminal_needs_a_socket() {
    let lab = Lab::new();
    let c = lab.container(&with_terminal(&lab));
    let text = "cannot allocate tty if runc will detach without setting console socket";
    c.on_bundle("create", &[]).fails(1).one_line().says(text);
    c.on_bundle("run", &["--detach"]).fails(1).one_line().says(text);
    lab.assert_clean();
}

#[test]
fn a_socket_without_a_detached_terminal_is_refused() {
    let lab = Lab::new();
    let mut bundle = lab.bundle();
    bundle.args(&["/bin/true"]);
    let c = lab.container(&bundle);
    let socket = Socket::listen(&lab.dir().join("c.sock"));
    let text = "cannot use console socket if runc will not detach or allocate tty";
    c.on_bundle("create", &["--console-socket", socket.path()]).fails(1).one_line().says(text);
    let c = lab.container(&with_terminal(&lab));
    c.on_bundle("run", &["--console-socket", socket.path()]).fails(1).one_line().says(text);
    lab.assert_clean();
}

#[test]
fn a_console_socket_that_is_not_there_is_named() {
    let lab = Lab::new();
    let c = lab.container(&with_terminal(&lab));
    let path = lab.dir().join("nobody.sock");
    let flags = ["--console-socket", path.to_str().unwrap()];
    c.on_bundle("create", &flags).fails(1).one_line().says("nobody.sock");
    lab.assert_clean();
}

#[test]
fn a_terminal_is_wanted_but_there_is_none() {
    let lab = Lab::new();
    let c = lab.container(&with_terminal(&lab));
    c.on_bundle("run", &[]).fails(1).one_line();
    lab.assert_clean();
}
