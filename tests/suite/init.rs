//! The first process of a board, in namespaces: the loop, signals, restarts, the
//! end. What takes a machine (devices, the kernel's command line, the ramfs) is
//! tried on the boards of `cargo xtask test --boards`.

use libc::{SIGHUP as HUP, SIGINT as INT, SIGKILL as KILL, SIGPWR as PWR, SIGTERM as TERM};
use libc::{SIGUSR1 as USR1, SIGUSR2 as USR2};
use ocinit_tests::board::{Board, POWERED_OFF, REBOOTED};
use ocinit_tests::terminal::Master;
use ocinit_tests::{Lab, eventually, json, skip};
use std::fs;
use std::time::{Duration, Instant};

ocinit_tests::isolate!();

/// The first real-time signal, as users count.
const RTMIN: i32 = 34;

#[test]
fn the_container_runs_and_the_board_powers_off() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.bundle.shell("echo hello from $$; exit 7");
    let console = board.boot(POWERED_OFF);
    assert_eq!(console.0.stdout, "hello from 1\n");
    let id = board.id();
    let version = lab.bare().arg("--version").ok().stdout;
    let version = version.lines().next().and_then(|line| line.split(' ').nth(2)).unwrap_or("?");
    assert_eq!(
        console.lines(),
        [
            format!("{version} is process N"),
            format!("container \"{id}\" started (pid N) after N ms"),
            format!("container \"{id}\" exited with status 7"),
            "powering off".into(),
        ]
    );
}

#[test]
fn on_exit_says_how_the_board_ends() {
    for (how, line, status) in [
        ("poweroff", "powering off", POWERED_OFF),
        ("reboot", "rebooting", REBOOTED),
        ("halt", "halting", POWERED_OFF),
    ] {
        let lab = Lab::new();
        let mut board = Board::new(&lab);
        board.set("on-exit", how).bundle.args(&["/bin/true"]);
        board.boot(status).says(&format!("ocinit: {line}\n"));
    }
}

#[test]
fn restarts_are_limited() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.set("restart", "on-failure:2").bundle.shell("exit 4");
    let console = board.boot(POWERED_OFF);
    assert_eq!(console.count("exited with status 4"), 3);
    assert_eq!(console.count(" starts again in 100 ms"), 1);
    assert_eq!(console.count(" starts again in 200 ms"), 1);
    // Success is none of its failures.
    let mut board = Board::new(&lab);
    board.set("restart", "on-failure:2").bundle.args(&["/bin/true"]);
    assert_eq!(board.boot(POWERED_OFF).count("started"), 1);
    let mut board = Board::new(&lab);
    board.set("restart", "always:1").bundle.args(&["/bin/true"]);
    assert_eq!(board.boot(POWERED_OFF).count("exited with status 0"), 2);
}

#[test]
fn on_exit_restart_goes_on() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.set("on-exit", "restart").bundle.args(&["/bin/false"]);
    let on = board.on();
    on.wait_for("starts again in 200 ms");
    on.signal(TERM);
    assert!(on.ends(REBOOTED).count("exited with status 1") >= 2);
}

#[test]
fn signals_end_the_board() {
    for (signal, status) in [
        (INT, REBOOTED),
        (TERM, REBOOTED),
        (RTMIN + 5, REBOOTED),
        (USR2, POWERED_OFF),
        (PWR, POWERED_OFF),
        (RTMIN + 4, POWERED_OFF),
        (USR1, POWERED_OFF),
        (RTMIN + 3, POWERED_OFF),
    ] {
        let lab = Lab::new();
        let mut board = Board::new(&lab);
        board.set("restart", "always").bundle.waits();
        let on = board.on();
        on.wait_for("ready");
        on.signal(signal);
        let console = on.ends(status);
        assert_eq!(console.0.stdout, "ready\nsignal 15\n");
        let id = board.id();
        let expect = [
            format!("container \"{id}\" started (pid N) after N ms"),
            format!("stopping container \"{id}\""),
            format!("container \"{id}\" exited with status 0"),
        ];
        assert_eq!(console.lines()[1..4], expect, "{}", console.0.stderr);
    }
}

#[test]
fn who_does_not_hear_is_killed() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.set("stop-timeout", 1).set("stop-signal", "HUP");
    board.bundle.shell("trap 'echo heard' HUP; echo ready; while :; do sleep 0.05; done");
    let on = board.on();
    on.wait_for("ready");
    let start = Instant::now();
    on.signal(TERM);
    let console = on.ends(REBOOTED).says("exited with status 137");
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(console.0.stdout, "ready\nheard\n");
    // Who asks twice does not wait.
    let mut board = Board::new(&lab);
    board.set("stop-timeout", 3600);
    board.bundle.shell("trap 'echo heard' TERM; echo ready; while :; do sleep 0.05; done");
    let on = board.on();
    on.wait_for("ready");
    on.signal(TERM);
    on.wait_for("heard");
    on.signal(USR1);
    on.ends(POWERED_OFF).says("exited with status 137").says("halting");
}

#[test]
fn other_signals_go_to_the_container() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.bundle.waits();
    let on = board.on();
    on.wait_for("ready");
    for signal in [HUP, RTMIN + 7] {
        on.signal(signal);
        on.wait_for(&format!("signal {signal}\n"));
    }
    on.signal(PWR);
    on.ends(POWERED_OFF);
}

/// While a hook keeps the container from starting.
#[test]
fn signals_wait_for_the_container() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.bundle.config["hooks"] =
        json!({"createRuntime": [{"path": "/shell/sleep", "args": ["sleep", "1"]}]});
    board.bundle.waits();
    let on = board.on();
    on.wait_for("is process 1");
    on.signal(HUP);
    on.signal(PWR);
    assert!(!on.console().contains("started"), "{}", on.console());
    // The kernel drops what comes before the program has its handlers: such a
    // program is killed after the grace time.
    let console = on.ends(POWERED_OFF).says("stopping container");
    let heard = console.0.stdout.as_str();
    match console.0.stderr.contains("exited with status 0") {
        true => assert!(heard.ends_with("signal 15\n"), "{heard}"),
        false => drop(console.says("exited with status 137")),
    }
}

/// A container without a pid namespace leaves its orphans to the first process.
#[test]
fn every_zombie_is_reaped() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    ocinit_tests::spec::drop_namespace(&mut board.bundle.config, "pid");
    board.bundle.shell(
        "for n in 1 2 3 4 5; do sh -c 'sleep 0.05 & sleep 0.06 & exit 0'; done; echo ready; \
         trap 'exit 0' TERM; while :; do sleep 0.1; done",
    );
    let on = board.on();
    on.wait_for("ready");
    let pid = on.pid();
    let children = || fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    eventually("only the container is left", || children().split_whitespace().count() == 1);
    on.signal(TERM);
    on.ends(REBOOTED).says("exited with status 0");
}

#[test]
fn what_is_left_is_killed_at_the_end() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.bundle.waits();
    let on = board.on();
    on.wait_for("ready");
    let deaf = "trap '' TERM; echo deaf; while :; do sleep 1; done";
    let stubborn = on.shell(&["/shell/sh", "-c", deaf]).spawn();
    eventually("it does not listen", || stubborn.stdout() == "deaf\n");
    on.signal(TERM);
    on.ends(REBOOTED);
    assert_eq!(stubborn.wait().code, 128 + KILL);
}

#[test]
fn commands_work_on_the_board() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.bundle.waits();
    let id = board.id().to_owned();
    let on = board.on();
    on.wait_for("ready");
    let command = |words: &[&str]| on.shell(&[&["/bin/ocinit"], words].concat()).ok();
    let state = command(&["state", &id]).json();
    assert_eq!(state["status"], "running");
    assert_eq!(state["bundle"], "/bundle");
    assert_eq!(command(&["exec", &id, "echo", "inside"]).stdout, "inside\n");
    assert_eq!(command(&["ps", "--format", "json", &id]).json().as_array().unwrap().len(), 1);
    assert!(command(&["list", "-q"]).stdout.contains(&id));
    assert_eq!(command(&["events", "--stats", &id]).json()["id"], id);
    // The board may end, and the shell with it, before the command has.
    on.shell(&["/bin/ocinit", "kill", &id, "TERM"]).run();
    on.ends(POWERED_OFF).says("exited with status 0");
}

#[test]
fn as_the_first_process_of_a_container_it_is_a_command() {
    let lab = Lab::new();
    let board = Board::new(&lab);
    let out = board.call(&["/bin/ocinit", "--version"]).ok();
    assert!(out.stdout.starts_with("ocinit version"), "{}", out.stdout);
    board.call(&["/bin/ocinit", "state", "nobody"]).fails(1).says("container does not exist");
}

#[test]
fn without_an_argument_it_is_the_first_process_by_any_name() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.bundle.args(&["/bin/true"]);
    board.call(&["/bin/ocinit"]).fails(POWERED_OFF).says("powering off");
}

#[test]
fn what_is_wrong_is_said() {
    type Change = fn(&mut Board);
    let cases: [(Change, &str); 8] = [
        (
            |board| fs::remove_dir_all(board.path("bundle")).unwrap(),
            "open bundle \"/bundle\": ENOENT",
        ),
        (
            |board| fs::remove_dir_all(board.path("bundle/rootfs")).unwrap(),
            "root.path: open root file",
        ),
        (|board| board.bundle.write_config("{\n \"ociVersion\": 7 }"), "config.json:2:"),
        (
            |board| {
                board.bundle.args(&["/bin/none"]);
            },
            "\"/bin/none\"",
        ),
        (
            |board| {
                board.set("bundle", "/else");
            },
            "open bundle \"/else\"",
        ),
        (
            |board| {
                board.set("root", "/dev/null");
            },
            "root: mount \"/dev/null\": it has no",
        ),
        (|board| board.bundle.write_config(""), "config.json:1:1"),
        (|board| drop(board.bundle.config.as_object_mut().unwrap().remove("process")), "process"),
    ];
    for (change, text) in cases {
        let lab = Lab::new();
        let mut board = Board::new(&lab);
        change(&mut board);
        let console = board.boot(POWERED_OFF);
        assert!(console.0.stderr.contains("could not be started"), "{}", console.0.stderr);
        let errors = console.0.stderr.lines().filter(|line| line.starts_with("ocinit: error: "));
        assert!(errors.clone().any(|line| line.contains(text)), "{text}: {}", console.0.stderr);
    }
}

#[test]
fn wrong_settings_are_said_and_not_used() {
    for (text, said) in [
        (
            "{\"on-exit\":\"reboot\",\n \"restart\": 5}",
            "/etc/ocinit.json:2:2: restart: expected no,",
        ),
        ("{\"on-exit\":\"reboot\"", "/etc/ocinit.json:1:20: "),
    ] {
        let lab = Lab::new();
        let mut board = Board::new(&lab);
        board.bundle.args(&["/bin/true"]);
        fs::write(board.path("etc/ocinit.json"), text).unwrap();
        board.boot(POWERED_OFF).says(said).says("container \"main\" exited with status 0");
    }
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.set("colour", "red").bundle.args(&["/bin/true"]);
    let text = "warning: /etc/ocinit.json: colour: unknown setting, ignored";
    board.boot(POWERED_OFF).says(text).says("exited with status 0");
}

#[test]
fn an_unhealthy_container_is_started_again() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    let health =
        json!({"command": ["/bin/test", "!", "-e", "/tmp/ill"], "interval": 1, "retries": 1});
    board.set("health", health).set("restart", "on-failure:1").bundle.config["root"]["readonly"] =
        json!(false);
    board.bundle.shell(
        "trap 'exit 0' TERM; echo begun; test -e /tmp/ill || { sleep 2; touch /tmp/ill; }; \
         while :; do sleep 0.05; done",
    );
    let console = board.boot(POWERED_OFF);
    assert_eq!(console.count("is unhealthy"), 2);
    assert_eq!(console.count("stopping container"), 2);
    assert_eq!(console.count("started"), 2);
}

#[test]
fn a_health_command_that_hangs_is_a_failure() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    let health =
        json!({"command": ["/bin/sleep", "1000"], "interval": 1, "timeout": 1, "retries": 2});
    board.set("health", health).bundle.waits();
    let start = Instant::now();
    let on = board.on();
    on.wait_for("ready");
    let console = on.ends(POWERED_OFF);
    assert_eq!(console.count("is unhealthy"), 1);
    assert_eq!(console.count("stopping container"), 1);
    assert!(start.elapsed() >= Duration::from_secs(4));
}

#[test]
fn the_container_has_a_terminal_of_its_own() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.bundle.config["process"]["terminal"] = json!(true);
    board.bundle.shell("stty -echo; tty; read line; echo got $line; read line; exit 9");
    let pty = nix::pty::openpty(None, None).expect("a terminal");
    let on = board.on_terminal(pty.slave);
    let mut master = Master::new(pty.master);
    master.expect("/dev/pts/0");
    master.type_in("a word\n");
    master.expect("got a word");
    // Ctrl-C is the container's, and not Ctrl-Alt-Del.
    master.type_in("\x03");
    master.expect("exited with status 130");
    master.expect("powering off");
    on.ends(POWERED_OFF);
}

#[test]
fn output_goes_nowhere_when_asked() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.set("output", "null").bundle.shell("echo hello; echo hello >&2; exit 3");
    let console = board.boot(POWERED_OFF).says("exited with status 3");
    assert_eq!((console.0.stdout.as_str(), console.count("hello")), ("", 0));
}

#[test]
fn output_and_log_go_to_the_kernel_when_asked() {
    let Ok(mut kernel) = kernel_log() else { skip!("/dev/kmsg cannot be read") };
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.set("output", "kmsg").set("log", "kmsg").bundle.shell("echo hello; printf end; exit 3");
    let console = board.boot(POWERED_OFF);
    assert_eq!((console.0.stdout.as_str(), console.0.stderr.as_str()), ("", ""));
    let id = board.id();
    let found = kernel();
    for line in [
        format!("{id}: hello"),
        format!("{id}: end"),
        format!("ocinit: container \"{id}\" exited with status 3"),
    ] {
        assert!(
            found.iter().any(|record| record.ends_with(&format!(";{line}"))),
            "{line}: {found:?}"
        );
    }
}

/// What comes into the kernel's log from now on.
fn kernel_log() -> std::io::Result<impl FnMut() -> Vec<String>> {
    use std::io::{Read, Seek, SeekFrom};
    use std::os::unix::fs::OpenOptionsExt;
    let mut file =
        fs::File::options().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/kmsg")?;
    file.seek(SeekFrom::End(0))?;
    Ok(move || {
        let mut records = Vec::new();
        let mut buffer = [0; 8192];
        while let Ok(length) = file.read(&mut buffer) {
            let record = String::from_utf8_lossy(&buffer[..length]);
            records.extend(record.lines().next().map(String::from));
        }
        records
    })
}

#[test]
fn an_overlay_can_be_written_to_and_forgets() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.set("overlay", true).bundle.config["root"]["readonly"] = json!(false);
    board.bundle.shell("test -e /new && exit 5; touch /new");
    board.boot(POWERED_OFF).says("exited with status 0");
    assert!(!board.bundle.rootfs("/new").exists());
    board.boot(POWERED_OFF).says("exited with status 0");
    // Without it the initramfs remembers, as long as it lives.
    fs::remove_file(board.path("etc/ocinit.json")).unwrap();
    board.set("overlay", false);
    board.boot(POWERED_OFF).says("exited with status 0");
    assert!(board.bundle.rootfs("/new").exists());
}

#[test]
fn an_idle_board_sleeps_and_is_small() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.bundle.waits();
    let on = board.on();
    on.wait_for("ready");
    let pid = on.pid();
    let status = |field: &str| -> u64 {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = text.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(":")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    std::thread::sleep(Duration::from_millis(1500));
    let before = status("voluntary_ctxt_switches");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(status("voluntary_ctxt_switches"), before, "something wakes it");
    let size = status("VmRSS");
    assert!(size < 400, "VmRSS is {size} kB");
    on.signal(TERM);
    on.ends(REBOOTED);
}

#[test]
fn a_container_that_was_killed_with_its_board_leaves_nothing_there() {
    let lab = Lab::new();
    let mut board = Board::new(&lab);
    board.set("restart", "always").bundle.waits();
    let id = board.id().to_owned();
    let on = board.on();
    on.wait_for("ready");
    on.shell(&["/bin/ocinit", "kill", &id, "KILL"]).ok();
    on.wait_for("exited with status 137");
    eventually("it is started again", || on.console().matches(" started (").count() == 2);
    on.signal(PWR);
    on.ends(POWERED_OFF);
}
