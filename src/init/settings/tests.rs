//! Files and command lines, and what they make of the settings.

use super::*;
use alloc::string::ToString;

/// The settings after both, and what was said.
fn check(file: &str, line: &str, expect: Settings, said: &[&str]) {
    let (mut settings, mut complaints) = (Settings::default(), Vec::new());
    let mut complain = |error: Error| complaints.push(error.to_string());
    if let Err(error) = settings.read_file(file.as_bytes(), &mut complain) {
        complain(error);
    }
    settings.read_command_line(line, &mut complain);
    assert_eq!(complaints, said, "{file} {line}");
    assert_eq!(settings, expect, "{file} {line}");
}

#[test]
fn the_command_line_wins() {
    let file = r#"{"bundle":"/a","restart":"always","on-exit":"restart","watchdog":30,
        "debug":true,"console":"/dev/ttyS1","cgroup":"v2","id":null}"#;
    let expect = Settings {
        bundle: Some("/b"),
        restart: Restart::Always,
        on_exit: None,
        watchdog: Some(30),
        console: Some("ttyS1"),
        cgroup: Some(Version::First),
        ..Settings::default()
    };
    check(file, "ocinit.bundle=/b ocinit.debug=0 ocinit.cgroup=v1", expect, &[]);
    check("{}", "quiet splash", Settings::default(), &[]);
}

#[test]
fn what_is_unknown_is_said_and_ignored() {
    let expect = Settings { debug: true, ..Settings::default() };
    check(
        r#"{"bundel":"/a","debug":true}"#,
        "ocinit.x ocinit.restart=maybe ocinit.id=a/b ocinit.watchdog=-1",
        expect,
        &[
            "/etc/ocinit.json: bundel: unknown setting, ignored",
            "ocinit.x: unknown parameter, ignored",
            "ocinit.restart=maybe: expected no, on-failure[:MAX] or always[:MAX]; ignored",
            "ocinit.id=a/b: expected letters, digits and _+-.; ignored",
            "ocinit.watchdog=-1: expected seconds, 0 to 86400; ignored",
        ],
    );
}

#[test]
fn a_mistake_in_the_file_has_a_position() {
    let none = Settings::default();
    for (file, said) in [
        (
            "{\"debug\":true,\n \"restart\":\"x\"}",
            "/etc/ocinit.json:2:2: restart: expected no, on-failure[:MAX] or always[:MAX]",
        ),
        (
            "{\"debug\":true,\n \"bundle\":[]}",
            "/etc/ocinit.json:2:2: bundle: expected a string, found an array",
        ),
        (
            "{\"health\":{\"command\":[\"a\"],\"retries\":0}}",
            "/etc/ocinit.json:1:28: health.retries: out of range: allowed are 1 to 86400",
        ),
        ("{\"health\":{}}", "/etc/ocinit.json:1:2: health.command: required property is missing"),
        ("[]", "/etc/ocinit.json:1:1: expected an object"),
    ] {
        check(file, "", none.clone(), &[said]);
    }
}

#[test]
fn every_value() {
    let set = |name, value| Settings::default().set(name, value);
    for (name, value) in [
        ("restart", "no"),
        ("restart", "on-failure:3"),
        ("restart", "always:0"),
        ("on-exit", "poweroff"),
        ("on-exit", "reboot"),
        ("on-exit", "halt"),
        ("cgroup", "auto"),
        ("cgroup", "v2"),
        ("log", "kmsg"),
        ("output", "null"),
        ("watchdog", "0"),
        ("root", "/dev/vda"),
        ("overlay", "yes"),
        ("strict", "on"),
        ("hostname", "board"),
        ("stop-timeout", "0"),
        ("stop-signal", "SIGRTMIN+3"),
    ] {
        assert_eq!(set(name, value), Ok(()), "{name}={value}");
    }
    for (name, value) in [
        ("bundle", "a"),
        ("restart", "no:1"),
        ("restart", "always:"),
        ("restart", "always:-1"),
        ("console", "/dev/"),
        ("cgroup", "hybrid"),
        ("log", "null"),
        ("overlay", ""),
        ("hostname", ""),
        ("stop-signal", "0"),
        ("stop-timeout", "1s"),
    ] {
        assert!(matches!(set(name, value), Err(Expected(_))), "{name}={value}");
    }
    assert_eq!(set("", ""), Err(Unknown));
}

#[test]
fn health_checks() {
    let mut settings = Settings::default();
    let text = br#"{"health":{"command":["/bin/true","-x"],"timeout":7}}"#;
    settings.read_file(text, &mut |_| {}).unwrap();
    let command = Vec::from([c"/bin/true", c"-x"]);
    let expect = HealthCheck { command, interval: 30, timeout: 7, retries: 3 };
    assert_eq!(settings.health, Some(expect));
}
