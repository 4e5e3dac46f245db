//! The Debian packages that the tests use, and their installation.

use std::path::Path;
use std::process::Command;

/// Each package with the file that shows it is there.
const NEEDED: &[(&str, &str)] = &[
    ("busybox-static", "/bin/busybox"),
    ("conmon", "/usr/bin/conmon"),
    ("cpio", "/usr/bin/cpio"),
    ("criu", "/usr/sbin/criu"),
    ("iptables", "/usr/sbin/iptables"),
    ("mmdebstrap", "/usr/bin/mmdebstrap"),
    ("podman", "/usr/bin/podman"),
    ("strace", "/usr/bin/strace"),
    ("uidmap", "/usr/bin/newuidmap"),
    ("util-linux", "/usr/bin/setpriv"),
    ("valgrind", "/usr/bin/valgrind"),
];

/// Installs what is missing with apt-get; does nothing on a machine that has
/// everything, or that was made for the tests with their images.
pub fn install_missing() -> Result<(), String> {
    if std::env::var_os("OCINIT_IMAGES").is_some() {
        return Ok(());
    }
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(_, file)| !std::path::Path::new(file).exists())
        .map(|(package, _)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    eprintln!("installing {}", missing.join(" "));
    apt(&["update", "-q"])?;
    let mut args = vec!["install", "-q", "-y", "--no-install-recommends"];
    args.extend(&missing);
    apt(&args)
}

/// Unpacks packages into a directory, without installing anything.
///
/// # Errors
/// They cannot be fetched.
pub fn unpack(names: &[&str], into: &Path) -> Result<(), String> {
    std::fs::create_dir_all(into).map_err(|e| format!("{}: {e}", into.display()))?;
    eprintln!("fetching {}", names.join(" "));
    apt(&["update", "-q"])?;
    for name in names {
        let mut dpkg = Command::new("sh");
        dpkg.args([
            "-c",
            "apt-get download -q \"$1\" && dpkg-deb -x \"$1\"_*.deb . && rm \"$1\"_*.deb",
        ]);
        let status = dpkg.args(["sh", name]).current_dir(into).status();
        if !status.map_err(|e| format!("sh: {e}"))?.success() {
            return Err(format!("the package {name} cannot be unpacked"));
        }
    }
    Ok(())
}

fn apt(args: &[&str]) -> Result<(), String> {
    let status = Command::new("apt-get")
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .status()
        .map_err(|e| format!("apt-get: {e} (the tests need Debian's packages)"))?;
    if status.success() { Ok(()) } else { Err(format!("apt-get {}: {status}", args.join(" "))) }
}
