//! Where things are.

use crate::error::Result;
use crate::process::output;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The top of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// The target directory.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Whether a file of integration tests has this name.
pub fn is_suite(name: &str) -> bool {
    root().join(format!("tests/suite/{name}.rs")).is_file()
}

/// The release binary.
pub fn binary() -> PathBuf {
    target().join("release/ocinit")
}

/// The target triple of the compiler itself.
pub fn host() -> Result<String> {
    let said = output(Command::new("rustc").current_dir(root()).arg("-vV"))?;
    let line = said.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "rustc -vV: no line \"host\"".into())
}

/// Where the toolchain is.
pub fn sysroot() -> Result<PathBuf> {
    let mut rustc = Command::new("rustc");
    output(rustc.current_dir(root()).args(["--print", "sysroot"])).map(PathBuf::from)
}

/// A call of the cargo that called us, in the checkout.
pub fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    // What cargo set for us must not leak into what we call.
    command.env_remove("CARGO_MANIFEST_DIR").env_remove("CARGO_PKG_NAME");
    command
}
