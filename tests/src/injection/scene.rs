//! A command in its surroundings, and trying it with a fault at each call.

use super::all;
use super::seen::difference;
use super::tracer::{Called, Fault, Injection, Traced, trace};
use crate::wait::patiently;
use crate::{Bundle, Call, Container, Lab, Outcome, leaks};
use nix::errno::Errno;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;
use syscalls::Sysno;

/// A command in its surroundings.
pub struct Scene {
    /// What it is called in messages.
    pub name: &'static str,
    /// Changes the bundle that all containers of the scene have.
    pub bundle: fn(&mut Bundle),
    /// Makes the container ready for the command.
    pub before: fn(&Container),
    /// The command.
    pub call: fn(&Container) -> Call,
    /// What is to be seen when it has succeeded: the same each time.
    pub seen: fn(&Container, &Outcome) -> String,
    /// Makes the container ready once more, after a success or a failure;
    /// `None` takes a new container each time.
    pub again: Option<fn(&Container)>,
}

/// Calls that cannot fail, and what comes after them in the program relies on
/// it: they end the process, hand out what the kernel always has, or refuse only
/// arguments that are wrong (a signal set of another size, a bad address).
const CANNOT_FAIL: [Sysno; 11] = [
    Sysno::exit,
    Sysno::exit_group,
    Sysno::rt_sigreturn,
    Sysno::getpid,
    Sysno::gettid,
    Sysno::getuid,
    Sysno::geteuid,
    Sysno::getegid,
    Sysno::umask,
    Sysno::rt_sigprocmask,
    Sysno::rt_sigaction,
];

/// With these the container's process and the command talk to each other: who
/// cannot even do that ends, and only that can be said.
const TALK: [Sysno; 5] =
    [Sysno::sendto, Sysno::recvfrom, Sysno::sendmsg, Sysno::recvmsg, Sysno::accept4];

/// With these it waits for others. How often, differs from run to run: most of
/// all where systemd sends signals about all that it does.
const WAITS: [Sysno; 2] = [Sysno::ppoll, Sysno::recvfrom];

/// So many waits of a kind and process are tried, unless every call is.
const WAITS_TRIED: usize = 6;

/// What came of all runs of a scene.
#[derive(Default)]
pub struct Tally {
    /// Calls of the command without a fault.
    pub calls: usize,
    /// Faults that happened.
    pub hit: usize,
    /// Those after which the command failed, and said why.
    pub refused: usize,
    /// Those without consequence, by call.
    pub survived: BTreeMap<String, usize>,
    /// Runs that ended before they came to the call.
    pub missed: usize,
    /// What went wrong.
    pub defects: Vec<String>,
}

impl Tally {
    /// One line for the report of a test.
    pub fn line(&self, scene: &str) -> String {
        let Tally { calls, hit, refused, survived, missed, .. } = self;
        let survived: usize = survived.values().sum();
        format!(
            "{scene}: {calls} calls, {hit} faults, {refused} refused, {survived} without \
             consequence, {missed} not reached"
        )
    }
}

impl Scene {
    /// Runs the command with each fault that `faults` wants at a call: given
    /// are the call, its place among all of the scene, and their number.
    pub fn play(&self, faults: impl Fn(&Called, usize, usize) -> Vec<Fault>) -> Tally {
        let lab = Lab::new();
        let mut bundle = lab.bundle();
        (self.bundle)(&mut bundle);
        let mut stage = Stage { scene: self, lab: &lab, bundle, container: None };
        // The first run makes what later ones find.
        stage.run(None);
        stage.clear().expect("clean after the first run");
        let untouched = stage.run(None);
        assert_eq!(untouched.outcome.code, 0, "{}: {}", self.name, untouched.outcome.stderr);
        let wanted = stage.seen(&untouched.outcome);
        stage.clear().expect("clean after an untouched run");
        let mut tally = Tally { calls: untouched.calls.len(), ..Tally::default() };
        // The first is the one that executed the binary.
        let can_fail = |called: &&Called| !CANNOT_FAIL.contains(&called.call);
        let comes_again = |called: &&Called| {
            all() || !WAITS.contains(&called.call) || called.number <= WAITS_TRIED
        };
        let calls: Vec<_> = untouched.calls.iter().filter(can_fail).filter(comes_again).collect();
        for (place, called) in calls.iter().enumerate().skip(1) {
            for fault in faults(called, place, calls.len()) {
                stage.strike(called, fault, &wanted, &mut tally);
            }
        }
        stage.container = None;
        tally
    }
}

/// A scene being played.
struct Stage<'a> {
    scene: &'a Scene,
    lab: &'a Lab,
    bundle: Bundle,
    container: Option<Container<'a>>,
}

impl Stage<'_> {
    fn run(&mut self, injection: Option<Injection>) -> Traced {
        let container = self.container.get_or_insert_with(|| {
            let container = self.lab.container(&self.bundle);
            (self.scene.before)(&container);
            container
        });
        let call = (self.scene.call)(container);
        trace(call, injection, patiently(Duration::from_secs(10)))
    }

    fn container(&self) -> &Container<'_> {
        self.container.as_ref().expect("it was run")
    }

    fn seen(&self, outcome: &Outcome) -> String {
        // What is asked for may not be there: that is an answer, too.
        let look = std::panic::AssertUnwindSafe(|| (self.scene.seen)(self.container(), outcome));
        std::panic::catch_unwind(look).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            text.unwrap_or_else(|| "nothing could be seen".to_string())
        })
    }

    fn strike(&mut self, called: &Called, fault: Fault, wanted: &str, tally: &mut Tally) {
        let injection = Injection { called: *called, fault };
        let Traced { outcome, hit, hung, .. } = self.run(Some(injection));
        let at = hit.map_or("nothing".to_string(), |hit| hit.to_string());
        let mut defects = Vec::new();
        if hit.is_none() {
            tally.missed += 1;
        } else {
            tally.hit += 1;
        }
        if let Some(standing) = &hung {
            defects.push(format!("it hangs: {standing}"));
        } else if let Fault::Errno(errno) = fault {
            if outcome.code == 0 {
                let seen = self.seen(&outcome);
                match (seen == wanted, hit) {
                    (true, Some(hit)) => {
                        *tally.survived.entry(hit.call.to_string()).or_default() += 1;
                    }
                    (true, None) => {}
                    (false, _) => {
                        let difference = difference(&seen, wanted);
                        let said = outcome.stderr.trim();
                        defects.push(format!("a success that is none: {difference} ({said})"));
                    }
                }
            } else {
                tally.refused += 1;
                let silent = hit.is_some_and(|hit| hit.process > 0 && TALK.contains(&hit.call));
                defects.extend(unclear(&outcome, (!silent).then_some(errno)));
                defects.extend(self.left_by_failure(&outcome));
            }
        }
        if let Err(left) = self.clear() {
            defects.push(left);
        }
        let name = self.scene.name;
        tally.defects.extend(
            defects.into_iter().map(|defect| format!("{name}: {fault:?} of {at}: {defect}")),
        );
    }

    /// A container that could not be made leaves nothing to delete. One whose
    /// program has run may withstand its deletion, which is what failed then.
    fn left_by_failure(&self, outcome: &Outcome) -> Option<String> {
        let state = self.lab.state_root().join(self.container().id());
        let makes = matches!(self.scene.name.split(' ').next(), Some("create" | "run"));
        let left = makes && outcome.stdout.is_empty() && state.exists();
        left.then(|| "its state is left".to_string())
    }

    /// Makes ready for the next run.
    fn clear(&mut self) -> Result<(), String> {
        let container = self.container.take().expect("it was run");
        if let Some(again) = self.scene.again {
            let ready = std::panic::AssertUnwindSafe(|| again(&container));
            if std::panic::catch_unwind(ready).is_ok() && self.is_alone(&container) {
                self.container = Some(container);
                return Ok(());
            }
            let marked = leaks::marked(self.lab.tag(), self.lab.dir());
            self.delete(&container)?;
            return Err(format!("the container is not as before: {marked:?}"));
        }
        self.delete(&container)
    }

    fn delete(&self, container: &Container) -> Result<(), String> {
        let delete = container.call("delete", &["--force"]).run();
        if delete.code != 0 {
            return Err(format!("delete --force: {}", delete.stderr));
        }
        let mut left = self.lab.left();
        left.extend(files_left(container));
        if left.is_empty() { Ok(()) } else { Err(format!("left behind: {}", left.join("; "))) }
    }

    /// Nothing but the container's init is there.
    fn is_alone(&self, _: &Container) -> bool {
        let limit = patiently(Duration::from_secs(2));
        let start = std::time::Instant::now();
        while leaks::marked(self.lab.tag(), self.lab.dir()).len() > 1 {
            if start.elapsed() > limit {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }
}

/// What a message must have: a line, no panic's words, and the error's name, or
/// the words for it that engines know.
fn unclear(outcome: &Outcome, errno: Option<Errno>) -> Option<String> {
    let said = outcome.stderr.trim();
    if said.is_empty() {
        return Some(format!("status {} without a word", outcome.code));
    }
    if outcome.code > 128 && outcome.code != 255 {
        return Some(format!("status {}: {said}", outcome.code));
    }
    let panicked = said.contains("internal error") || said.contains(".rs:");
    let named = errno.is_none_or(|errno| {
        let words = std::io::Error::from(errno).to_string().to_lowercase();
        let words = words.split(" (").next().unwrap_or_default();
        said.contains(&format!("{errno:?}")) || said.contains(words)
    });
    let clear = named && !panicked;
    (!clear).then(|| format!("unclear: {said}"))
}

/// Files that a command has left in the bundle.
fn files_left(container: &Container) -> Vec<String> {
    let entries = fs::read_dir(container.bundle()).expect("the bundle").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let foreign = names.filter(|name| name != "config.json" && name != "rootfs");
    foreign.map(|name| format!("file {name}")).collect()
}
