//! Counting: what passed, what failed, what was skipped and why.

use crate::error::Result;

/// The output of one `cargo test`, read line by line.
#[derive(Default)]
pub struct Suite {
    passed: usize,
    failed: usize,
    /// Binaries that have begun, and those that have told their result.
    begun: usize,
    ended: usize,
    failures: Vec<String>,
    ignored: Vec<String>,
    /// What stands before the names of tests: the file they are in.
    file: String,
}

impl Suite {
    /// Reads a line of cargo or of libtest.
    pub fn line(&mut self, line: &str) {
        if let Some(rest) = line.trim_start().strip_prefix("Running ") {
            let file = rest.split(".rs ").next().and_then(|path| path.strip_prefix("suite/"));
            self.file = file.map(|name| format!("{name}::")).unwrap_or_default();
        } else if let Some(rest) = line.strip_prefix("running ") {
            self.begun += usize::from(rest.ends_with(" tests") || rest == "1 test");
        } else if let Some(rest) = line.strip_prefix("test result: ") {
            self.ended += 1;
            let (_, counts) = rest.split_once(". ").unwrap_or_default();
            for count in counts.split("; ") {
                match count.split_once(' ') {
                    Some((n, "passed")) => self.passed += n.parse().unwrap_or(0),
                    Some((n, "failed")) => self.failed += n.parse().unwrap_or(0),
                    _ => {}
                }
            }
        } else if let Some((name, outcome)) =
            line.strip_prefix("test ").and_then(|l| l.split_once(" ... "))
        {
            let name = format!("{}{name}", self.file);
            if outcome == "FAILED" {
                self.failures.push(name);
            } else if let Some(why) = outcome.strip_prefix("ignored") {
                let why = why.strip_prefix(", ").unwrap_or("ignored, without a reason");
                self.ignored.push(format!("{name}: {why}"));
            }
        } else if let Some(name) =
            line.strip_prefix("---- ").and_then(|l| l.strip_suffix(" stdout ----"))
        {
            // Its line may have been torn by what it wrote itself.
            let name = format!("{}{name}", self.file);
            if !self.failures.contains(&name) {
                self.failures.push(name);
            }
        }
    }
}

/// The sums of a whole run.
#[derive(Default)]
pub struct Tally {
    passed: usize,
    failures: Vec<String>,
    skips: Vec<String>,
    rows: Vec<String>,
    /// The place of the last suite, which `skipped` takes its tests from.
    place: String,
}

impl Tally {
    /// Counts a check that is not a test of a suite.
    pub fn check(&mut self, name: &str, good: bool, why: &str) {
        println!("{} {name}", if good { "ok  " } else { "FAIL" });
        if good {
            self.passed += 1;
        } else {
            self.failures.push(format!("{name}: {why}"));
        }
    }

    /// Counts the tests of a suite. `good` is how the command ended.
    pub fn suite(&mut self, place: &str, suite: Suite, good: Result<bool>) {
        let Suite { passed, failed, begun, ended, failures, ignored, .. } = suite;
        self.passed += passed;
        self.place = place.into();
        let named = failures.len();
        let before = self.failures.len();
        self.failures.extend(failures.into_iter().map(|name| format!("{place}: {name}")));
        for _ in named..failed {
            self.failures.push(format!("{place}: a test"));
        }
        for _ in ended..begun {
            self.failures.push(format!("{place}: a test program died"));
        }
        match good {
            // It says no more than the failures do.
            Ok(false) if self.failures.len() > before => {}
            Ok(false) => self.failures.push(format!("{place}: cargo test failed")),
            Err(why) => self.failures.push(format!("{place}: {why}")),
            Ok(true) => {}
        }
        let failed = self.failures.len() - before;
        self.rows.push(format!("{place:22} {passed:5} passed {failed:5} failed"));
        self.skips.extend(ignored.into_iter().map(|line| format!("{place}: {line}")));
    }

    /// Counts tests of the last suite that returned without testing: libtest
    /// has called them passed. A line for each, with its reason.
    pub fn skipped(&mut self, lines: &str) {
        for line in lines.lines() {
            self.passed = self.passed.saturating_sub(1);
            self.skips.push(format!("{}: {line}", self.place));
        }
    }

    /// Counts a part that this machine cannot run as one skipped test.
    pub fn left_out(&mut self, place: &str, why: &str) {
        println!("SKIPPED {place}: {why}");
        self.skips.push(format!("{place}: {why}"));
    }

    /// Whether something ran, and nothing failed.
    pub fn good(&self) -> bool {
        self.failures.is_empty() && self.passed + self.skips.len() > 0
    }

    /// Prints everything, the line with the sums last.
    pub fn print(&self) {
        println!();
        for row in &self.rows {
            println!("{row}");
        }
        for skip in &self.skips {
            println!("skipped: {skip}");
        }
        for failure in &self.failures {
            println!("FAILED: {failure}");
        }
        if self.failures.is_empty() && !self.good() {
            println!("FAILED: no test has this name");
        }
        println!("{}", self.totals());
    }

    fn totals(&self) -> String {
        let (failed, skipped) = (self.failures.len(), self.skips.len());
        format!("{} passed, {failed} failed, {skipped} skipped", self.passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(output: &str, good: Result<bool>) -> Tally {
        let mut suite = Suite::default();
        output.lines().for_each(|l| suite.line(l));
        let mut tally = Tally::default();
        tally.suite("unit", suite, good);
        tally
    }

    #[test]
    fn adds_up_the_results_of_several_binaries() {
        let text = "\
running 2 tests
test a::one ... ok
test a::two ... ignored, needs a board

test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

running 1 test
test b ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let tally = tally(text, Ok(true));
        assert_eq!(tally.totals(), "2 passed, 0 failed, 1 skipped");
        assert_eq!(tally.skips, ["unit: a::two: needs a board"]);
        assert!(tally.good());
    }

    #[test]
    fn names_a_failure_once() {
        let text = "\
     Running suite/exec.rs (target/debug/deps/exec-1234)
running 2 tests
test a::one ... FAILED
test a::two ... ok

---- a::one stdout ----
thread panicked

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s
";
        let tally = tally(text, Ok(false));
        assert_eq!(tally.totals(), "1 passed, 1 failed, 0 skipped");
        assert_eq!(tally.failures, ["unit: exec::a::one"]);
    }

    #[test]
    fn a_program_that_dies_has_failed() {
        let died = tally("running 3 tests\ntest a ... ok\n", Ok(false));
        assert_eq!(died.totals(), "0 passed, 1 failed, 0 skipped");
        let ended = tally("running 1 test\ntest a ... FAILED\n", Err("ended".into()));
        assert_eq!(ended.failures.last().unwrap(), "unit: ended");
        let unbuilt = tally("", Ok(false));
        assert_eq!(unbuilt.failures, ["unit: cargo test failed"]);
    }

    #[test]
    fn a_skipped_test_has_not_passed() {
        let text = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 0 ignored; x";
        let mut tally = tally(text, Ok(true));
        tally.skipped("exec::tty: no /dev/tty\n");
        assert_eq!(tally.totals(), "1 passed, 0 failed, 1 skipped");
        assert_eq!(tally.skips, ["unit: exec::tty: no /dev/tty"]);
    }
}
