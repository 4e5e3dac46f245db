//! The hooks that run after the container's creation: those of `start` and of
//! `delete`. They come from the saved state, so that a later change of
//! config.json has no effect on them.

use alloc::vec::Vec;
use core::ffi::CStr;

use crate::act::report::{self, Report};
use crate::container::{State, Status};
use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::hook::{Hooks, StateText};
use crate::json::Document;
use crate::spec;

/// Runs the poststart hooks of a running container, up to the first that fails.
/// One without an environment of its own gets `environment`.
///
/// # Errors
/// What went wrong with that hook: the container is to be stopped then
/// (runtime-spec 1.3, runtime.md "Lifecycle").
pub fn poststart(state: &State, environment: &'static [&'static CStr]) -> Result<()> {
    let hooks = ready(state, environment, "poststart", |hooks| &hooks.poststart)?;
    let status = Status::Running.name();
    hooks.run(&text(state), status, state.pid).map_err(|fault| explain(&fault))
}

/// Runs the poststop hooks of a deleted container, all of them: `warn` gets
/// what goes wrong.
pub fn poststop(state: &State, environment: &'static [&'static CStr], warn: &mut dyn FnMut(Error)) {
    match ready(state, environment, "poststop", |hooks| &hooks.poststop) {
        Ok(hooks) => {
            let status = Status::Stopped.name();
            hooks.run_all(&text(state), status, 0, &mut |fault| warn(explain(&fault)));
        }
        Err(error) => warn(error),
    }
}

/// The hooks of one kind, ready to run.
fn ready(
    state: &State,
    environment: &'static [&'static CStr],
    kind: &'static str,
    pick: for<'h, 'a> fn(&'h spec::Hooks<'a>) -> &'h [spec::Hook<'a>],
) -> Result<Hooks> {
    if state.hooks.is_empty() {
        return Ok(Hooks::default());
    }
    let document = Document::parse(state.hooks.as_bytes(), "hooks")?;
    let hooks = document.read(spec::Hooks::parse)?;
    Hooks::new(kind, pick(&hooks), environment)
        .ok_or_else(|| Error::about("a {} hook has a NUL byte in it", kind))
}

fn text(state: &State) -> StateText {
    let annotations: Vec<(&str, &str)> = state.annotations().collect();
    StateText::new(state.id.as_str(), state.bundle, &annotations)
}

/// A hook's failure as our own: by way of the report that it would be sent in.
fn explain(fault: &Fault) -> Error {
    report::decode(Report::failed(&"hook", fault).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::sample_state;
    use alloc::string::ToString;

    fn state(kind: &str, script: &str) -> State {
        let hook = |script| {
            let path = "{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",";
            alloc::format!("{path}\"{script}\"]}}")
        };
        let hooks = alloc::format!("{{\"{kind}\":[{},{}]}}", hook(script), hook("exit 7"));
        State { hooks: hooks.leak(), ..sample_state() }
    }

    #[test]
    fn poststart_stops_at_a_failure() {
        let none = State { hooks: "{}", ..sample_state() };
        assert!(poststart(&none, &[]).is_ok());
        let error = poststart(&state("poststart", "grep -q running || exit 3"), &[c"PATH=/bin"]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("poststart hook #1") && error.contains("status 7"), "{error}");
        let error = poststart(&state("poststart", "exit $N"), &[c"N=4"]).unwrap_err().to_string();
        assert!(error.contains("poststart hook #0") && error.contains("status 4"), "{error}");
    }

    #[test]
    fn poststop_goes_on() {
        let mut errors = Vec::new();
        poststop(&state("poststop", "exit 1"), &[], &mut |error| errors.push(error.to_string()));
        assert_eq!(errors.len(), 2, "{errors:?}");
    }
}
