//! Names and numbers of system calls, generated from the kernel's headers (see
//! `xtask/src/seccomp_tables.rs`). A build has the family of its own machine;
//! tests and the fuzzer have all.

macro_rules! families {
    ($($family:ident $condition:meta;)*) => {$(
        #[cfg(any(test, feature = "reference", $condition))]
        #[allow(missing_docs)]
        pub mod $family;
    )*};
}
families! {
    x86 any(target_arch = "x86_64", target_arch = "x86");
    arm any(target_arch = "aarch64", target_arch = "arm");
    powerpc any(target_arch = "powerpc64", target_arch = "powerpc");
    riscv target_arch = "riscv64";
    loongarch target_arch = "loongarch64";
    s390 target_arch = "s390x";
    mips any(target_arch = "mips", target_arch = "mips64");
    m68k target_arch = "m68k";
}
// No target of Rust, hence only for the tests.
#[cfg(any(test, feature = "reference"))]
#[allow(missing_docs)]
pub mod parisc;
#[cfg(any(test, feature = "reference"))]
#[allow(missing_docs)]
pub mod sh;
