//! The frame of the document: version, root, names, hooks, and what only warns.

use alloc::format;

use super::{compare, config, top};
use crate::json::Document;
use crate::spec::Spec;
use crate::spec::validate::warnings;

#[test]
fn versions() {
    for good in
        ["1.0.0", "1.0.2-dev", "1.0.0-rc5", "1.1.0+dev", "1.2.1", "1.3.0", "1.3.7", "1.0.0-a.b+c-d"]
    {
        top(&format!("\"ociVersion\":\"{good}\""), "");
    }
    for bad in [
        "abc",
        "1",
        "1.0",
        "2.0.0",
        "1.99.0",
        "1.4.0",
        "0.6.0",
        "01.0.0",
        "1.00.0",
        "v1.0.0",
        "1.0.0.0",
        "1.0.0-",
        "1.0.0+",
        "1.0.0-a..b",
        "1.0.-1",
        " 1.0.0",
    ] {
        top(&format!("\"ociVersion\":\"{bad}\""), "2:1: ociVersion: not a supported version");
    }
    compare(
        "{\"root\":{\"path\":\"r\"}}",
        "config.json:1:1: ociVersion: required property is missing",
    );
    top(r#""ociVersion":"""#, "ociVersion: must not be empty");
    top(r#""ociVersion":1"#, "ociVersion: expected a string, found a number");
}

#[test]
fn root_and_names() {
    top(r#""root":null"#, "root: required property is missing");
    top(r#""root":{}"#, "root.path: required property is missing");
    top(r#""hostname":"h","domainname":"d""#, "");
    let no_uts = r#""namespaces":[{"type":"mount"}]"#;
    compare(&config(r#""hostname":"h""#, "", no_uts), "3:1: hostname: needs a uts namespace");
    compare(&config(r#""domainname":"h""#, "", no_uts), "domainname: needs a uts namespace");
    compare(&config(r#""hostname":"""#, "", no_uts), "");
    top(&format!("\"hostname\":\"{}\"", "x".repeat(65)), "hostname: longer than 64 bytes");
    top(r#""annotations":{"a":1}"#, "annotations.a: expected a string, found a number");
}

#[test]
fn hooks() {
    let check = |added: &str, expect| {
        top(&format!("\"hooks\":{{\"poststop\":[{{\"path\":\"/h\"}},{{{added}}}]}}"), expect);
    };
    check(r#""path":"/x","timeout":1"#, "");
    check(r#""path":"x""#, "hooks.poststop[1].path: must be an absolute path");
    check(r#""args":["x"]"#, "hooks.poststop[1].path: required property is missing");
    check(r#""path":"/x","timeout":0"#, "hooks.poststop[1].timeout: must be more than 0");
    check(r#""path":"/x","timeout":-1"#, "hooks.poststop[1].timeout: must be more than 0");
}

#[test]
fn only_warnings() {
    let text = config(
        r#""mounts":[{"destination":"a","type":"proc"}],"annotations":{"run.oci.handler":"krun",
        "run.oci.systemd.subgroup":"","run.oci.keep_original_groups":"1","x":"y"}"#,
        r#""capabilities":{"bounding":["CAP_X","CAP_KILL"],"ambient":["CAP_X","cap_kill"]}"#,
        "",
    );
    let document = Document::parse(text.as_bytes(), "config.json").unwrap();
    let spec = Spec::read(&document).unwrap();
    assert_eq!(
        warnings(spec),
        [
            "process.capabilities: ignoring unknown capability \"CAP_X\"",
            "process.capabilities: ignoring unknown capability \"cap_kill\"",
            "annotations: ignoring \"run.oci.handler\", which only crun knows",
            "mounts[0].destination: relative paths are deprecated, taken from /",
        ]
    );
}
