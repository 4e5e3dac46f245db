//! What a rootless runtime may and may not do, as the user nobody.

extern crate std;

use alloc::format;
use alloc::string::ToString;
use rustix::fs::{Gid, Uid};
use rustix::thread::set_thread_res_uid;

use super::tests::{View, create, in_view, sweep};
use super::{Layout, plan};
use crate::error::Result;
use crate::json::Document;
use crate::spec::Resources;

const NOBODY: u32 = 65534;

/// Runs this as nobody, then is root again.
fn as_nobody<T>(test: impl FnOnce() -> T) -> T {
    let nobody = Uid::from_raw(NOBODY);
    set_thread_res_uid(nobody, nobody, Uid::ROOT).unwrap();
    let result = test();
    set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).unwrap();
    result
}

/// Plans and creates `path` with a limit of processes or without; the number of
/// cgroups that there are then.
fn attempt(layout: &Layout, path: &str, limit: bool, rootless: bool) -> Result<usize> {
    let json: &[u8] = if limit { br#"{"pids":{"limit":5}}"# } else { b"{}" };
    let document = Document::parse(json, "resources").unwrap();
    let resources = document.read(Resources::parse).unwrap();
    let planned = plan(layout, Some(path), "id", Some(&resources), rootless)?;
    Ok(as_nobody(|| super::tests::made(&planned))?.cgroups().groups.len())
}

#[test]
fn nothing_is_delegated() {
    for view in [View::Hybrid, View::V1, View::V2] {
        in_view(view, |layout| {
            let path = format!("/ocinit-test-{}-denied", std::process::id());
            assert_eq!(attempt(layout, &path, false, true).unwrap(), 0);
            let error = attempt(layout, &path, false, false).unwrap_err().to_string();
            assert!(error.contains("make cgroup"), "{error}");
            assert!(error.contains("EACCES"), "{error}");
            if layout.hierarchies.iter().any(|hierarchy| hierarchy.has("pids")) {
                let error = attempt(layout, &path, true, true).unwrap_err().to_string();
                assert!(error.ends_with("a limit needs a delegated cgroup"), "{error}");
            }
        });
    }
}

#[test]
fn a_delegated_cgroup_is_used() {
    in_view(View::V2, |layout| {
        let created = create(layout, "delegated", &Resources::default()).unwrap();
        created.delegate(NOBODY, Gid::ROOT.as_raw()).unwrap();
        let directory = &created.cgroups().unified().unwrap().directory;
        let path = directory.strip_prefix("/sys/fs/cgroup").unwrap();
        assert_eq!(attempt(layout, &format!("{path}/a/b"), false, true).unwrap(), 1);
        if layout.unified().unwrap().has("pids") {
            assert_eq!(attempt(layout, &format!("{path}/a/b"), true, true).unwrap(), 1);
        }
        let cgroups = created.keep();
        cgroups.remove().unwrap();
        sweep(&cgroups);
    });
}
