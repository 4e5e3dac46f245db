//! The benches' bundles: the default document on a root file system of three
//! static programs.

use crate::place::{self, DIRECTORY};
use crate::runtime::program;
use ocinit::json::Document;
use ocinit::spec::Seccomp;
use ocinit_tests::{Value, cgroups, json, spec};
use std::path::{Path, PathBuf};

/// Makes a bundle of that name, its document changed by `change`; `/bin/true` is
/// its program. With v2 it may use all devices where not every contender could
/// keep it from them.
///
/// # Errors
/// A file that cannot be written.
pub fn make(name: &str, change: impl FnOnce(&mut Value)) -> Result<PathBuf, String> {
    let bundle = Path::new(DIRECTORY).join(name);
    let written = || -> std::io::Result<()> {
        for directory in ["bin", "dev", "etc", "proc", "sys"] {
            std::fs::create_dir_all(bundle.join("rootfs").join(directory))?;
        }
        for file in ["true", "pause", "calls"] {
            std::fs::copy(program(file), bundle.join("rootfs/bin").join(file))?;
        }
        let mut config = spec::default();
        // The newest that all peers take.
        config["ociVersion"] = json!("1.0.2");
        config["process"]["args"] = json!(["/bin/true"]);
        spec::drop_namespace(&mut config, "cgroup");
        if cgroups::is_unified() && !place::device_programs() {
            let all = json!([{"allow": true, "access": "rwm"}]);
            config["linux"]["resources"]["devices"] = all;
        }
        change(&mut config);
        std::fs::write(bundle.join("config.json"), serde_json::to_vec_pretty(&config)?)
    };
    written().map(|()| bundle).map_err(|e| format!("make the bundle {name}: {e}"))
}

/// Writes a document again, changed.
///
/// # Errors
/// A file that cannot be read or written.
pub fn change(bundle: &Path, change: impl FnOnce(&mut Value)) -> Result<(), String> {
    let path = bundle.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut config: Value = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    change(&mut config);
    std::fs::write(&path, config.to_string()).map_err(|e| format!("{}: {e}", path.display()))
}

/// Makes it one for an ordinary user: what `spec --rootless` writes.
pub fn rootless(config: &mut Value, uid: u32, gid: u32) {
    spec::drop_namespace(config, "network");
    spec::set_namespace(config, json!({"type": "user"}));
    let linux = &mut config["linux"];
    linux["uidMappings"] = json!([{"containerID": 0, "hostID": uid, "size": 1}]);
    linux["gidMappings"] = json!([{"containerID": 0, "hostID": gid, "size": 1}]);
    if let Some(linux) = linux.as_object_mut() {
        linux.remove("resources");
    }
    for place in ["/sys", "/sys/fs/cgroup", "/dev/pts"] {
        spec::drop_mount(config, place);
    }
    // A sysfs belongs to a network namespace; group 5 is not mapped.
    spec::add_mount(
        config,
        json!({"destination": "/sys", "type": "none", "source": "/sys",
            "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]}),
    );
    spec::add_mount(
        config,
        json!({"destination": "/dev/pts", "type": "devpts", "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]}),
    );
}

/// Docker's default profile, as Docker would write it into a document: without
/// what asks for capabilities that its containers have not.
///
/// # Errors
/// The profile is not there (`cargo xtask bench` fetches it), or has another form.
pub fn docker_profile() -> Result<Value, String> {
    let path = std::env::var("OCINIT_BENCH_PROFILE").map_err(|_| "no profile was fetched")?;
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))?;
    let profile: Value = serde_json::from_str(&text).map_err(|e| format!("{path}: {e}"))?;
    let rules = profile["syscalls"].as_array().ok_or("the profile has no rules")?;
    let here = match std::env::consts::ARCH {
        "x86_64" => "SCMP_ARCH_X86_64",
        "aarch64" => "SCMP_ARCH_AARCH64",
        other => return Err(format!("no profile for {other}")),
    };
    let maps = profile["archMap"].as_array().ok_or("the profile has no architectures")?;
    let map = maps.iter().find(|map| map["architecture"] == here).ok_or("not this one")?;
    let mut architectures = vec![json!(here)];
    architectures.extend(map["subArchitectures"].as_array().cloned().unwrap_or_default());
    let syscalls: Vec<Value> = rules.iter().filter(|rule| applies(rule)).map(bare_rule).collect();
    Ok(json!({
        "defaultAction": profile["defaultAction"],
        "defaultErrnoRet": 1,
        "architectures": architectures,
        "syscalls": syscalls,
    }))
}

/// The instructions that ocinit makes of a profile, in a file for the floor.
///
/// # Errors
/// It makes none of it, or the file cannot be written.
pub fn filter(profile: &Value) -> Result<PathBuf, String> {
    let path = Path::new(DIRECTORY).join("filter");
    let text = profile.to_string();
    let document = Document::parse(text.as_bytes(), "seccomp").map_err(|e| e.to_string())?;
    let profile = document.read(Seccomp::parse).map_err(|e| e.to_string())?;
    let filter = ocinit::seccomp::compile(&profile).map_err(|e| e.to_string())?;
    let mut bytes = Vec::new();
    for instruction in filter.instructions {
        bytes.extend(instruction.code.to_ne_bytes());
        bytes.extend([instruction.jump_true, instruction.jump_false]);
        bytes.extend(instruction.k.to_ne_bytes());
    }
    std::fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(path)
}

/// Whether a rule holds for a container with Docker's default capabilities.
fn applies(rule: &Value) -> bool {
    let names = |place: &str, key: &str| -> Vec<String> {
        let list = rule[place][key].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|v| v.as_str().map(String::from)).collect()
    };
    let arch = |name: &String| matches!(name.as_str(), "amd64" | "x86" | "x32");
    let has = |name: &String| matches!(name.as_str(), "CAP_SYS_CHROOT");
    let (arches, caps) = (names("includes", "arches"), names("includes", "caps"));
    (arches.is_empty() || arches.iter().any(arch))
        && (caps.is_empty() || caps.iter().all(has))
        && !names("excludes", "arches").iter().any(arch)
        && !names("excludes", "caps").iter().any(has)
}

/// The rule without its conditions.
fn bare_rule(rule: &Value) -> Value {
    let mut bare = serde_json::Map::new();
    for key in ["names", "action", "args", "errnoRet"] {
        match &rule[key] {
            Value::Null => {}
            Value::Array(list) if list.is_empty() => {}
            value => drop(bare.insert(key.into(), value.clone())),
        }
    }
    Value::Object(bare)
}
