//! Link arguments of the binary. They are given here, not in a cargo
//! configuration file, so that a plain `cargo build` (and `cross build`) is all
//! it takes. What only such a file can say for a foreign target is checked here.
//! targets/README.md has the list of targets.

use std::path::{Path, PathBuf};
use std::process::Command;

/// For every target: nothing is both writable and executable, nothing is
/// relocated late, and the same sources give the same bytes.
const ALL: &[&str] = &["-Wl,-z,relro,-z,now,-z,noexecstack", "-Wl,--build-id=none"];

/// A static PIE with its own entry point and no C library.
const OWN_START: &[&str] =
    &["-nostartfiles", "-nostdlib", "-static-pie", "-Wl,--hash-style=gnu", "-Wl,--no-eh-frame-hdr"];

/// Nothing unwinds: the C library's personality, which libgcc_eh has, is not
/// missed.
const WITH_LIBC: &[&str] = &["-Wl,--defsym=__gcc_personality_v0=0", "-Wl,-z,max-page-size=8192"];

/// A table of relative relocations 60 times smaller. GNU ld has learnt it for
/// one architecture after the other, lld knows it for all.
const PACKED: &str = "-Wl,-z,pack-relative-relocs";

/// What only lld knows: functions of the same code are one, and a text that ends
/// as another does is a part of it. Nothing here compares addresses of functions.
const FOLDED: &str = "-Wl,--icf=all,-O2";

/// Code in pages of its own. Not where pages may have 64 KiB: the file would
/// grow by as much at each end of the code.
const SEPARATE: &str = "-Wl,-z,separate-code";

/// What becomes read-only ends with the largest page that the kernel may have: the
/// linker's own idea of a page is 4 KiB, and of a page of 64 KiB that ends with
/// other data nothing could be protected.
const LARGE_PAGES: &str = "-Wl,-z,common-page-size=65536";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=targets/discard.ld");
    let target = Target::read();
    target.check_flags();
    ALL.iter().for_each(|argument| link(argument));
    if target.has_libc() {
        return WITH_LIBC.iter().for_each(|argument| link(argument));
    }
    OWN_START.iter().for_each(|argument| link(argument));
    let root = variable("CARGO_MANIFEST_DIR");
    link(&format!("-Wl,-T,{root}/targets/discard.ld"));
    let lld = rust_lld();
    if let Some(directory) = &lld {
        link(&format!("-B{}", directory.display()));
        link("-fuse-ld=lld");
        link(FOLDED);
    }
    if target.arch == "x86_64" {
        link(SEPARATE);
    }
    if target.arch == "x86_64" || lld.is_some() {
        link(PACKED);
    }
    if matches!(&*target.arch, "aarch64" | "powerpc64") {
        link(LARGE_PAGES);
    }
}

fn link(argument: &str) {
    println!("cargo::rustc-link-arg-bins={argument}");
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// What is built for.
struct Target {
    name: String,
    arch: String,
    environment: String,
}

impl Target {
    fn read() -> Target {
        Target {
            name: variable("TARGET"),
            arch: variable("CARGO_CFG_TARGET_ARCH"),
            environment: variable("CARGO_CFG_TARGET_ENV"),
        }
    }

    /// Where rustix has no system calls of its own, the C library has them.
    fn has_libc(&self) -> bool {
        self.arch == "sparc64"
    }

    /// Stops with an explanation where flags of the compiler are missing.
    fn check_flags(&self) {
        let flags = variable("CARGO_ENCODED_RUSTFLAGS");
        let needs = |there: bool, flag: &str| {
            if !there {
                println!(
                    "cargo::error={} is built with {flag}: cargo reads it from \
                     .cargo/config.toml of the checkout when it is started there and RUSTFLAGS \
                     is not set",
                    self.name
                );
            }
        };
        if self.environment == "musl" {
            needs(flags.contains("link-self-contained=no"), "-Clink-self-contained=no");
        }
        if self.arch == "powerpc64" && self.environment == "musl" {
            let there = std::env::var_os("CARGO_CFG_RUSTIX_USE_EXPERIMENTAL_ASM").is_some();
            needs(there, "--cfg=rustix_use_experimental_asm");
        }
        if self.has_libc() {
            let features = variable("CARGO_CFG_TARGET_FEATURE");
            let is_static = features.split(',').any(|feature| feature == "crt-static");
            needs(is_static, "-Ctarget-feature=+crt-static");
        }
    }
}

/// Where the toolchain has `ld.lld`: rustup's do, next to its libraries for the
/// host, and so it is the same one for all users of a toolchain. `OCINIT_SYSROOT`
/// names a toolchain for one that has none.
fn rust_lld() -> Option<PathBuf> {
    println!("cargo::rerun-if-env-changed=OCINIT_SYSROOT");
    let sysroot = std::env::var("OCINIT_SYSROOT").ok().or_else(|| {
        let out = Command::new(variable("RUSTC")).args(["--print", "sysroot"]).output().ok()?;
        String::from_utf8(out.stdout).ok()
    })?;
    let host = variable("HOST");
    let directory = Path::new(sysroot.trim()).join(format!("lib/rustlib/{host}/bin/gcc-ld"));
    directory.join("ld.lld").exists().then_some(directory)
}
