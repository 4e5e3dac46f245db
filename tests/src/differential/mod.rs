//! The same bundles under ocinit and its peers, compared field by field.
//!
//! [`cases`] generates the bundles as data, [`bench`] runs one under one
//! runtime, [`observe`] makes a flat list of fields of what the guest inside and
//! the test outside saw, and [`explained`] holds the reasons for the
//! differences that are meant to be.

pub mod bench;
pub mod cases;
pub mod explained;
pub mod observe;
pub mod verdict;

pub use bench::Bench;
pub use cases::Case;
pub use explained::Explained;
pub use observe::Fields;
pub use verdict::{Difference, Who};

use std::path::PathBuf;

/// A runtime under comparison.
#[derive(Clone, Debug)]
pub struct Runtime {
    /// Its name in the list of explanations.
    pub name: &'static str,
    /// The binary.
    pub program: PathBuf,
}

/// The binary under test, then Debian's runc and crun; an error names the missing one.
pub fn runtimes() -> Result<[Runtime; 3], String> {
    let peer = |name: &'static str| {
        let path = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
            .iter()
            .map(|dir| PathBuf::from(dir).join(name))
            .find(|p| p.is_file());
        path.map(|program| Runtime { name, program }).ok_or(format!("{name} is not installed"))
    };
    let own = Runtime { name: "ocinit", program: crate::oci::find_binary()? };
    Ok([own, peer("runc")?, peer("crun")?])
}
