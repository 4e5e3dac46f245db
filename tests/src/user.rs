//! The ordinary users that rootless tests run as.

use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A user without any privilege.
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Home directory, which need not be there.
    pub home: PathBuf,
}

impl User {
    /// Gives the user everything from `path` down.
    pub fn take(&self, path: &Path) {
        lchown(path, Some(self.uid), Some(self.gid)).expect("give a file to the user");
        if path.is_dir() && !path.is_symlink() {
            for entry in std::fs::read_dir(path).expect("list a directory").flatten() {
                self.take(&entry.path());
            }
        }
    }

    /// The runtime directory of the user's own systemd, when it runs.
    pub fn session(&self) -> Option<PathBuf> {
        let dir = PathBuf::from(format!("/run/user/{}", self.uid));
        dir.join("bus").exists().then_some(dir)
    }

    /// Makes a directory of the user's own.
    pub fn directory(&self, path: &Path) {
        std::fs::create_dir(path).expect("make a directory for the user");
        self.take(path);
    }
}

/// A user with ranges in /etc/subuid and /etc/subgid, made when missing.
pub fn with_subids() -> User {
    let user = made("ocinit-sub");
    let ranges = std::fs::read_to_string("/etc/subuid").unwrap_or_default();
    if !ranges.lines().any(|l| l.starts_with("ocinit-sub:")) {
        let range =
            ["--add-subuids", "400000-465535", "--add-subgids", "400000-465535", "ocinit-sub"];
        do_run("usermod", &range);
    }
    user
}

/// A user without such ranges, made when missing.
pub fn bare() -> User {
    made("ocinit-bare")
}

fn made(name: &str) -> User {
    crate::images::locked(&crate::images::cache_dir(), ".users", || {
        if nix::unistd::User::from_name(name).expect("look for a user").is_none() {
            // A system user gets no ranges in /etc/subuid by itself.
            do_run("useradd", &["--system", "--user-group", "--no-create-home", name]);
        }
    });
    let user = nix::unistd::User::from_name(name).expect("look for a user").expect("made above");
    User { name: name.into(), uid: user.uid.as_raw(), gid: user.gid.as_raw(), home: user.dir }
}

fn do_run(program: &str, args: &[&str]) {
    let out = Command::new(program).args(args).output().expect("start a program");
    assert!(out.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&out.stderr));
}
