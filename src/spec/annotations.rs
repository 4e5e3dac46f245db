//! Annotations that change what the runtime does; docs/annotations.md tells of
//! each why, and of crun's others why not.

use super::Spec;

/// Their names, each followed by a space; one that ends with a dot stands for
/// all that begin with it (runtime-spec, features.md).
pub const NAMES: &str = "org.criu.config org.systemd.property. run.oci.keep_original_groups run.oci.mount_context_type ";

/// What crun's begin with.
pub const CRUN: &str = "run.oci.";

impl<'a> Spec<'a> {
    /// The value of an annotation; none where it is empty.
    pub fn annotation(&self, name: &str) -> Option<&'a str> {
        let found = self.annotations.iter().find(|annotation| annotation.0 == name);
        found.map(|annotation| annotation.1).filter(|value| !value.is_empty())
    }
}
