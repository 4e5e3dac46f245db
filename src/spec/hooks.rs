//! `hooks`: programs to run around the container's life.

use alloc::vec::Vec;

use crate::json::Node;

/// The hooks, each list in the order to run them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hooks<'a> {
    /// In the runtime's namespaces, before `create_runtime` (deprecated).
    pub prestart: Vec<Hook<'a>>,
    /// In the runtime's namespaces, after the container's are made and before
    /// pivot_root.
    pub create_runtime: Vec<Hook<'a>>,
    /// In the container's namespaces, the path from the runtime's, before
    /// pivot_root.
    pub create_container: Vec<Hook<'a>>,
    /// In the container, at `start`, just before the program.
    pub start_container: Vec<Hook<'a>>,
    /// In the runtime's namespaces, after the program has started.
    pub poststart: Vec<Hook<'a>>,
    /// In the runtime's namespaces, after the container is deleted; a failure
    /// is only a warning.
    pub poststop: Vec<Hook<'a>>,
}

/// One program to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hook<'a> {
    /// The program, absolute.
    pub path: &'a str,
    /// Its arguments with argv\[0\]; empty means the path alone.
    pub args: Vec<&'a str>,
    /// Its environment, `NAME=value` each.
    pub env: Vec<&'a str>,
    /// Seconds until it is killed, more than 0; none means for ever.
    pub timeout: Option<i64>,
}

impl<'a> Hooks<'a> {
    /// The names of the hooks in the specification's order, each followed by a
    /// space.
    pub const NAMES: &'static str =
        "prestart createRuntime createContainer startContainer poststart poststop ";

    /// Reads a `hooks` object, of a configuration or of a stored document.
    pub fn parse(node: &Node<'a, '_>) -> Self {
        let mut hooks = Hooks::default();
        hooks.fill(node);
        hooks
    }

    #[inline(never)]
    pub(super) fn fill(&mut self, node: &Node<'a, '_>) {
        for (name, list) in [
            ("prestart", &mut self.prestart),
            ("createRuntime", &mut self.create_runtime),
            ("createContainer", &mut self.create_container),
            ("startContainer", &mut self.start_container),
            ("poststart", &mut self.poststart),
            ("poststop", &mut self.poststop),
        ] {
            node.list(name, list, Hook::parse);
        }
    }

    /// Every list with its name, in the specification's order.
    pub fn lists(&self) -> [(&'static str, &[Hook<'a>]); 6] {
        [
            ("prestart", &self.prestart),
            ("createRuntime", &self.create_runtime),
            ("createContainer", &self.create_container),
            ("startContainer", &self.start_container),
            ("poststart", &self.poststart),
            ("poststop", &self.poststop),
        ]
    }
}

impl<'a> Hook<'a> {
    fn parse(node: &Node<'a, '_>) -> Self {
        let mut hook = Hook::default();
        hook.path = node.required_text("path");
        node.strings("args", &mut hook.args);
        node.strings("env", &mut hook.env);
        hook.timeout = node.i64("timeout");
        hook
    }
}
