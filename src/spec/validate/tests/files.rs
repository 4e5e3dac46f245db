//! What the container sees of files: mounts, devices, paths.

use alloc::format;

use super::{linux, top};

#[test]
fn mounts() {
    let check = |added: &str, expect| {
        top(&format!("\"mounts\":[{{\"destination\":\"/a\",{added}}}]"), expect);
    };
    let ids = r#"[{"containerID":0,"hostID":1000,"size":10}]"#;
    check(r#""type":"tmpfs","options":["mode=755"]"#, "");
    check(r#""destination":"a/b","type":"tmpfs""#, "");
    check(r#""destination":"","type":"tmpfs""#, "mounts[0].destination: must not be empty");
    check(r#""source":"x""#, "mounts[0].type: required property is missing");
    check(r#""options":["bind"]"#, "mounts[0].source: required property is missing");
    for kind in ["bind", "rbind"] {
        let added = format!("\"type\":\"{kind}\",\"source\":\"x\",\"options\":[\"ro\"]");
        check(&added, "mounts[0].type: this is no file system: what makes a bind mount is bind or");
    }
    check(r#""type":"bind","source":"x","options":["bind"]"#, "");
    check(r#""source":"x","options":["rbind","rro"]"#, "");
    check(r#""source":"x","options":["rbind","mode=1"]"#, "mounts[0].options[1]: unknown option");
    let bind = r#""source":"x","options":["bind"]"#;
    check(&format!("{bind},\"uidMappings\":{ids}"), "2:11: mounts[0]: needs both uidMappings and");
    check(&format!("{bind},\"gidMappings\":{ids}"), "mounts[0]: needs both uidMappings and");
    check(&format!("{bind},\"uidMappings\":{ids},\"gidMappings\":{ids}"), "");
    check(r#""source":"x","options":["bind","idmap"]"#, "mounts[0].options: idmap needs");
    let zero = r#"[{"containerID":0,"hostID":1000}]"#;
    check(
        &format!("{bind},\"uidMappings\":{ids},\"gidMappings\":{zero}"),
        "mounts[0].gidMappings[0].size: must be at least 1",
    );
}

#[test]
fn devices() {
    let check = |added: &str, expect| linux(&format!("\"devices\":[{{{added}}}]"), expect);
    check(r#""path":"/dev/x","type":"c","major":1,"minor":3"#, "");
    check(r#""path":"/dev/x","type":"u","major":1,"minor":3,"fileMode":8630"#, "");
    check(r#""path":"/dev/x","type":"p""#, "");
    check(
        r#""path":"/dev/x","type":"x","major":1,"minor":3"#,
        "linux.devices[0].type: unknown value",
    );
    check(r#""path":"/dev/x","type":"b","major":1"#, "linux.devices[0].minor: required");
    check(r#""path":"dev/x","type":"p""#, "linux.devices[0].path: must be an absolute path");
    check(
        r#""path":"/dev/x","type":"c","major":-1,"minor":3"#,
        "linux.devices[0].major: out of range",
    );
}

#[test]
fn paths_and_propagation() {
    linux(r#""maskedPaths":["/proc/kcore"],"readonlyPaths":["/proc/sys"]"#, "");
    linux(r#""namespaces":[],"maskedPaths":["/a"]"#, "linux.maskedPaths: needs a mount namespace");
    linux(
        r#""namespaces":[],"readonlyPaths":["/a"]"#,
        "linux.readonlyPaths: needs a mount namespace",
    );
    linux(r#""maskedPaths":["/a","b"]"#, "linux.maskedPaths[1]: must be an absolute path");
    linux(r#""rootfsPropagation":"rslave""#, "");
    linux(r#""rootfsPropagation":"""#, "");
    linux(
        r#""rootfsPropagation":"bogus""#,
        "linux.rootfsPropagation: unknown value \"bogus\"; known are: shared",
    );
}
