//! Bundles: a directory with config.json and a root file system.

use crate::{oci, spec};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// A bundle whose document can be changed until it is saved.
pub struct Bundle {
    dir: PathBuf,
    /// The document; [`crate::Lab::container`] writes it down.
    pub config: Value,
}

impl Bundle {
    /// A bundle at `dir` with a copy of the tree `image` and the default document.
    pub fn new(dir: &Path, image: &Path) -> Bundle {
        fs::create_dir_all(dir).expect("make the bundle's directory");
        copy_tree(image, &dir.join("rootfs"));
        Bundle { dir: dir.to_path_buf(), config: spec::default() }
    }

    /// A bundle at `dir` around a root file system that is elsewhere.
    pub fn around(dir: &Path, rootfs: &Path) -> Bundle {
        fs::create_dir_all(dir).expect("make the bundle's directory");
        let mut config = spec::default();
        config["root"]["path"] = json!(rootfs);
        Bundle { dir: dir.to_path_buf(), config }
    }

    /// The bundle's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A path in the root file system.
    pub fn rootfs(&self, path: &str) -> PathBuf {
        self.dir.join("rootfs").join(path.trim_start_matches('/'))
    }

    /// Makes an executable file in the root file system.
    pub fn program(&self, path: &str, bytes: &[u8]) {
        let file = self.rootfs(path);
        oci::write_program(|| fs::write(&file, bytes)).expect("write a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("chmod");
    }

    /// Sets the program.
    pub fn args(&mut self, args: &[&str]) -> &mut Bundle {
        self.config["process"]["args"] = json!(args);
        self
    }

    /// Sets the program to a shell script.
    pub fn shell(&mut self, script: &str) -> &mut Bundle {
        self.args(&["/bin/sh", "-c", script])
    }

    /// Sets the program to one that waits for signals, tells each on stdout
    /// and ends with 0 on SIGTERM.
    pub fn waits(&mut self) -> &mut Bundle {
        self.args(&["/bin/guest", "wait"])
    }

    /// Writes config.json.
    pub fn save(&self) {
        let text = serde_json::to_string_pretty(&self.config).expect("JSON");
        self.write_config(&text);
    }

    /// Writes this text as config.json.
    pub fn write_config(&self, text: &str) {
        fs::write(self.dir.join("config.json"), text).expect("write config.json");
    }
}

/// Copies directories, files with their modes, and links.
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap_or_else(|e| panic!("make {}: {e}", to.display()));
    fs::set_permissions(to, fs::metadata(from).expect("stat").permissions()).expect("chmod");
    for entry in fs::read_dir(from).expect("list a directory").flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().expect("file type");
        if kind.is_dir() {
            copy_tree(&path, &target);
        } else if kind.is_symlink() {
            symlink(fs::read_link(&path).expect("read a link"), &target).expect("make a link");
        } else {
            oci::write_program(|| fs::copy(&path, &target)).expect("copy a file");
        }
    }
}
