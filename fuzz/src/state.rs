//! `state.json` of the state directory, and the limits in it.

use ocinit::container::{State, limits};
use ocinit::json;

/// Reads the bytes as a state; what comes out is written and read again.
pub fn check(data: &[u8]) {
    let Ok(Some(state)) = State::from_json(data.to_vec().leak()) else { return };
    let text = &*state.to_json().leak();
    let again = State::from_json(text.as_bytes());
    let again = again.expect("a state of ours").expect("JSON");
    assert_eq!(again.to_json(), text);
    if let Ok(saved) = json::parse(state.limits.as_bytes()) {
        let merged = limits::merge(&saved, &saved);
        assert!(json::parse(merged.as_bytes()).is_ok(), "the limits are no JSON: {merged}");
    }
}
