//! Tests that a machine cannot run: never silent, always counted.

use std::io::Write;

/// Ends a test that cannot run here, with the reason on stderr and in the
/// file that `OCINIT_SKIPS` names.
#[macro_export]
macro_rules! skip {
    ($($why:tt)*) => {{
        $crate::skip::note(module_path!(), &format!($($why)*));
        return;
    }};
}

/// Says a figure of a test: libtest captures only what the print macros write,
/// so this goes through the handle itself.
pub fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Writes down that the current test did not run.
pub fn note(suite: &str, why: &str) {
    let thread = std::thread::current();
    let line = format!("{suite}::{}: {why}\n", thread.name().unwrap_or("?"));
    say(&format!("SKIPPED {}", line.trim_end()));
    if let Some(path) = std::env::var_os("OCINIT_SKIPS") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut f| f.write_all(line.as_bytes()))
            .unwrap_or_else(|e| panic!("cannot note a skipped test in {path:?}: {e}"));
    }
}
