//! Hooks (runtime-spec, config.md "POSIX-platform Hooks"): programs of the host
//! that run at points of a container's life, with its state on their standard
//! input.
//!
//! Those outside of the container's root start in the bundle's directory, as
//! runc's and crun's do. They are run by the command in its own namespaces, and (createContainer,
//! startContainer) by the container's first process in the container's, where
//! nothing is allocated: everything is made ready here before the clone.

use crate::cut;
use crate::fault::{Act, Detail, Fault, Quoted};
use crate::json::Writer;
use crate::process::spawn::{Program, reap};
use crate::quote::escaped;
use crate::spec;
use crate::sys::clock::monotonic;
use crate::sys::exec::Strings;
use crate::sys::fd::AsFd;
use crate::text;
use crate::text::c_string;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt::Write;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process, pidfd_open, waitpid,
};
use rustix::thread::{ClockId, clock_nanosleep_relative};

/// What a pipe takes at once without being asked (pipe(7)).
const PIPE_SIZE: usize = 65536;

/// How often a hook's end is looked for where there are no pidfds (before
/// Linux 5.3).
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 5_000_000 };

/// A hook, ready to run.
pub struct Hook {
    path: &'static CStr,
    arguments: Strings,
    environment: Strings,
    timeout_seconds: Option<u64>,
}

/// The hooks of one kind.
#[derive(Default)]
pub struct Hooks {
    /// Its name in config.json, for messages.
    pub kind: &'static str,
    hooks: Vec<Hook>,
}

/// The container's state as hooks get it (runtime.md "State"), but for the
/// status and the process id, which are known when a hook runs.
#[derive(Default)]
pub struct StateText {
    before_status: &'static str,
    after_pid: &'static str,
    bundle: &'static CStr,
}

impl StateText {
    /// The state of container `id`.
    pub fn new(id: &str, bundle: &str, annotations: &[(&str, &str)]) -> StateText {
        let mut writer = Writer::new();
        writer.open_object();
        writer.key("bundle");
        writer.string(bundle);
        if !annotations.is_empty() {
            writer.key("annotations");
            writer.open_object();
            for (key, value) in annotations {
                writer.key(key);
                writer.string(value);
            }
            writer.close();
        }
        writer.close();
        // `{"bundle":…}` becomes the end of the object: `,"bundle":…}`.
        let after_pid = text::about(",{}", cut::from(&writer.finish(), 1));
        let mut before = Writer::new();
        before.open_object();
        before.key("ociVersion");
        before.string(spec::VERSION);
        before.key("id");
        before.string(id);
        before.close();
        let mut before_status = before.finish();
        before_status.pop();
        // The document's text cannot have a NUL byte in it; if it had, no hook
        // would lose more than its directory.
        let bundle = c_string(bundle).unwrap_or_default();
        StateText { before_status: before_status.leak(), after_pid, bundle }
    }

    fn write(&self, pipe: &OwnedFd, status: &str, pid: i32) -> Act {
        let mut middle = heapless::String::<64>::new();
        let _ = write!(middle, ",\"status\":\"{status}\",\"pid\":{pid}");
        let total = self.before_status.len() + middle.len() + self.after_pid.len();
        if total > PIPE_SIZE {
            fcntl_setpipe_size(pipe, total).detail("enlarge the pipe for the state")?;
        }
        for part in [self.before_status, middle.as_str(), self.after_pid] {
            let mut rest = part.as_bytes();
            while !rest.is_empty() {
                let written = rustix::io::write(pipe, rest).detail("write the state")?;
                rest = cut::rest(rest, written);
            }
        }
        Ok(())
    }
}

impl Hooks {
    /// Makes the hooks of one kind ready. One without an environment gets
    /// `default` (the runtime's own, or the container process's).
    ///
    /// A text with a null byte in it makes `None`.
    pub fn new(
        kind: &'static str,
        hooks: &[spec::Hook<'_>],
        default: &'static [&'static CStr],
    ) -> Option<Hooks> {
        let own = |texts: &[&str]| -> Option<&'static [&'static CStr]> {
            Some(texts.iter().map(|text| c_string(text)).collect::<Option<Vec<_>>>()?.leak())
        };
        let ready = |hook: &spec::Hook<'_>| {
            let arguments =
                if hook.args.is_empty() { own(&[hook.path])? } else { own(&hook.args)? };
            let environment = if hook.env.is_empty() { default } else { own(&hook.env)? };
            Some(Hook {
                path: c_string(hook.path)?,
                arguments: Strings::new(arguments),
                environment: Strings::new(environment),
                timeout_seconds: hook.timeout.map(|seconds| seconds as u64),
            })
        };
        Some(Hooks { kind, hooks: hooks.iter().map(ready).collect::<Option<_>>()? })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.hooks.is_empty()
    }

    /// Writes them as a property: what is run, how long it may take.
    pub fn describe(&self, writer: &mut Writer) {
        writer.array_field(self.kind);
        for hook in &self.hooks {
            writer.open_object();
            writer.string_field("path", text::lossy(hook.path.to_bytes()));
            for (key, texts) in [("arguments", &hook.arguments), ("environment", &hook.environment)]
            {
                writer.array_field(key);
                for text in texts.as_slice() {
                    writer.string(text::lossy(text.to_bytes()));
                }
                writer.close();
            }
            if let Some(seconds) = hook.timeout_seconds {
                writer.number_field("timeout", seconds as i64);
            }
            writer.close();
        }
        writer.close();
    }

    /// The programs, in order.
    pub fn paths(&self) -> impl Iterator<Item = &CStr> {
        self.hooks.iter().map(|hook| hook.path)
    }

    /// Runs them in order up to the first that fails. `status` is one of the
    /// specification's; `pid` is the container's first process as seen from
    /// where the hooks run.
    pub fn run(&self, state: &StateText, status: &str, pid: i32) -> Act {
        for index in 0..self.hooks.len() {
            self.run_one(index, state, status, pid)?;
        }
        Ok(())
    }

    /// Runs all of them, and calls `warn` for each that fails.
    pub fn run_all(&self, state: &StateText, status: &str, pid: i32, warn: &mut dyn FnMut(Fault)) {
        for index in 0..self.hooks.len() {
            if let Err(fault) = self.run_one(index, state, status, pid) {
                warn(fault);
            }
        }
    }

    fn run_one(&self, index: usize, state: &StateText, status: &str, pid: i32) -> Act {
        let hook = &self.hooks[index];
        let outside = self.kind != "startContainer";
        let directory = outside.then_some(state.bundle);
        hook.run(state, status, pid, directory).map_err(|fault| {
            let said = fault.text();
            let colon = if said.is_empty() { "" } else { ": " };
            let (kind, path) = (self.kind, Quoted(hook.path));
            fault
                .detail(format_args!("error running {kind} hook #{index} {path}{colon}{said}"))
                .whole()
        })
    }
}

impl Hook {
    fn run(&self, state: &StateText, status: &str, pid: i32, directory: Option<&CStr>) -> Act {
        let (state_end, state_write) = pipe_with(PipeFlags::CLOEXEC).detail("pipe")?;
        // Written before the hook runs, so a hook that does not read it is no
        // broken pipe.
        state.write(&state_write, status, pid)?;
        drop(state_write);
        let flags = PipeFlags::CLOEXEC | PipeFlags::NONBLOCK;
        let (said, say) = pipe_with(flags).detail("pipe")?;
        // Only our end must not block.
        rustix::fs::fcntl_setfl(&say, rustix::fs::OFlags::empty()).detail("fcntl")?;
        let program = Program {
            path: self.path,
            arguments: &self.arguments,
            environment: &self.environment,
            directory,
            stdio: [Some(state_end.as_fd()), Some(say.as_fd()), Some(say.as_fd())],
        };
        check_executable(self.path)?;
        let child = program.start().detail("clone")?;
        drop(say);
        let mut said = Said { pipe: said, text: heapless::Vec::new() };
        let ended = self.wait(child, &mut said)?;
        said.read();
        let words = said.text.trim_ascii();
        match (ended.exit_status(), ended.terminating_signal()) {
            (Some(0), _) => Ok(()),
            (Some(code), _) => Err(Fault::new(format_args!(
                "exit status {code}{}{}",
                if words.is_empty() { "" } else { ", it said: " },
                escaped(words)
            ))),
            (None, signal) => {
                Err(Fault::new(format_args!("killed by signal {}", signal.unwrap_or(0))))
            }
        }
    }

    /// Waits for the hook's end, reading what it says so that it never blocks.
    fn wait(&self, child: Pid, said: &mut Said) -> Result<WaitStatus, Fault> {
        let deadline = self
            .timeout_seconds
            .map(|seconds| monotonic().saturating_add(seconds.saturating_mul(1000)));
        let pidfd = pidfd_open(child, PidfdFlags::empty()).ok();
        loop {
            if let Some((_, status)) =
                waitpid(Some(child), WaitOptions::NOHANG).detail("wait for it")?
            {
                return Ok(status);
            }
            let left = deadline.map(|deadline| deadline.saturating_sub(monotonic()));
            if left == Some(0) {
                let _ = kill_process(child, Signal::KILL);
                let _ = reap(child);
                let seconds = self.timeout_seconds.unwrap_or(0);
                return Err(Fault::new(format_args!("timed out after {seconds} s")));
            }
            said.wait(pidfd.as_ref(), left);
            said.read();
        }
    }
}

/// What a hook writes to its standard output and error: kept up to a limit.
struct Said {
    pipe: OwnedFd,
    text: heapless::Vec<u8, 256>,
}

impl Said {
    fn wait(&self, pidfd: Option<&OwnedFd>, milliseconds: Option<u64>) {
        let Some(pidfd) = pidfd else {
            let _ = clock_nanosleep_relative(ClockId::Monotonic, &LOOK);
            return;
        };
        let limit = milliseconds.map(|all| Timespec {
            tv_sec: (all / 1000) as _,
            tv_nsec: (all % 1000 * 1_000_000) as _,
        });
        let mut fds = [PollFd::new(pidfd, PollFlags::IN), PollFd::new(&self.pipe, PollFlags::IN)];
        let _ = poll(&mut fds, limit.as_ref());
        // A closed pipe is always ready: from then on only the end counts.
        if fds[1].revents() == PollFlags::HUP && fds[0].revents().is_empty() {
            let _ = poll(&mut fds[..1], limit.as_ref());
        }
    }

    fn read(&mut self) {
        let mut buffer = [0; 512];
        loop {
            match rustix::io::read(&self.pipe, &mut buffer[..]) {
                Err(Errno::INTR) => {}
                Ok(length) if length > 0 => {
                    let room = (self.text.capacity() - self.text.len()).min(length);
                    let _ = self.text.extend_from_slice(cut::first(&buffer, room));
                }
                _ => return,
            }
        }
    }
}

fn check_executable(path: &CStr) -> Act {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).map_err(Fault::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use alloc::string::ToString;
    use std::path::PathBuf;

    fn temporary(name: &str) -> PathBuf {
        std::env::temp_dir().join(std::format!("ocinit-hook-{}-{name}", std::process::id()))
    }

    fn hooks(script: &str, timeout: Option<i64>) -> Hooks {
        let hook = spec::Hook {
            path: "/bin/sh",
            args: Vec::from(["sh", "-c", script]),
            env: Vec::from(["PATH=/usr/bin:/bin"]),
            timeout,
        };
        Hooks::new("createRuntime", &[hook], &[]).unwrap()
    }

    #[test]
    fn a_hook_gets_the_state_on_its_input() {
        let file = temporary("state");
        let script = std::format!("cat > {}", file.display());
        let state = StateText::new("a", "/b", &[("k", "v\"")]);
        assert!(hooks(&script, None).run(&state, "creating", 7).is_ok());
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            "{\"ociVersion\":\"1.3.0\",\"id\":\"a\",\"status\":\"creating\",\"pid\":7,\
             \"bundle\":\"/b\",\"annotations\":{\"k\":\"v\\\"\"}}"
        );
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn failures_say_what_the_hook_said() {
        let state = StateText::new("a", "/b", &[]);
        let fault =
            hooks("echo no luck >&2; exit 3", None).run(&state, "creating", 7).err().unwrap();
        assert_eq!(
            fault.text().to_string(),
            "error running createRuntime hook #0 \"/bin/sh\": exit status 3, it said: no luck"
        );
    }

    #[test]
    fn a_hook_that_hangs_is_killed() {
        let state = StateText::new("a", "/b", &[]);
        let fault = hooks("exec sleep 60", Some(1)).run(&state, "creating", 7).err().unwrap();
        let text = fault.text().to_string();
        assert!(text.ends_with("timed out after 1 s"), "{text}");
    }
}
