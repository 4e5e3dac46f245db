//! A peer in the place of criu (src/bin/fake-criu.rs): calls with it, and what it was asked.

use crate::{Bundle, Call, Container, Lab, images, spec};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// The peer; there is none where only compiled tests are.
pub fn program() -> PathBuf {
    images::target_dir().join("debug/fake-criu")
}

/// Ends a test where there is no peer.
#[macro_export]
macro_rules! needs_peer {
    () => {
        if !$crate::peer::program().exists() {
            $crate::skip!("criu's peer is not on this machine");
        }
    };
}

/// A call of `command` with the peer, which behaves as `how` says.
pub fn call(c: &Container<'_>, lab: &Lab, command: &str, flags: &[&str], how: &str) -> Call {
    let call = lab.oci(["--criu"]).arg(program()).arg(command);
    let call = if command == "restore" { call.arg("--bundle").arg(c.bundle()) } else { call };
    let images = lab.dir().join("images");
    call.arg("--image-path")
        .arg(images)
        .args(flags)
        .arg(c.id())
        .env("FAKE_CRIU", how)
        .env("FAKE_CRIU_SAID", lab.dir().join("said"))
}

/// What the peer was asked: all, and the options.
pub fn said(lab: &Lab) -> (Value, Value) {
    let text = fs::read_to_string(lab.dir().join("said")).expect("the peer has been asked");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let opts = all["request"]["2"][0].clone();
    (all, opts)
}

/// The pairs of a field: mounts, roots of cgroups.
pub fn pairs(opts: &Value, field: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value[0].as_str().expect("a text").to_string();
    let all = opts[field].as_array().cloned().unwrap_or_default();
    all.iter().map(|pair| (text(&pair["1"]), text(&pair["2"]))).collect()
}

/// Images that the peer takes for some.
pub fn saved(lab: &Lab) -> PathBuf {
    let dir = lab.dir().join("images");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("descriptors.json"), r#"["/dev/null","pipe:[11]","file[2a:7]"]"#).unwrap();
    dir
}

/// A bundle whose program waits, with a directory and a file of the host's.
pub fn with_mounts(lab: &Lab) -> Bundle {
    let mut bundle = lab.waiting_bundle();
    let volume = lab.dir().join("volume");
    fs::create_dir_all(&volume).unwrap();
    for (destination, source) in [("/data", volume.to_str().unwrap()), ("/etc/name", "/etc/hosts")]
    {
        let mount = json!({"destination": destination, "type": "bind", "source": source,
            "options": ["rbind", "ro"]});
        spec::add_mount(&mut bundle.config, mount);
    }
    bundle.config["root"]["readonly"] = json!(false);
    bundle
}
