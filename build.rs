//! Link arguments of the binary: a static PIE with its own entry point and no
//! C library. They are given here, not in a cargo configuration file, so that a
//! plain `cargo build` (and `cross build`) is all it takes.

fn main() {
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static-pie",
        "-Wl,-z,relro,-z,now,-z,noexecstack",
        "-Wl,-z,separate-code",
        "-Wl,--build-id=none",
        "-Wl,--hash-style=gnu",
        "-Wl,-z,pack-relative-relocs",
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo::rustc-link-arg-bins=-Wl,-T,{root}/targets/discard.ld");
    println!("cargo::rustc-link-arg-bins=-Wl,--no-eh-frame-hdr");
    println!("cargo::rerun-if-changed=targets/discard.ld");
    println!("cargo::rerun-if-changed=build.rs");
}
