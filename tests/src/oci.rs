//! Calling the binary under test, with a watchdog.
//!
//! Output goes to files and not to pipes: a detached container inherits the
//! runtime's stdio, and a pipe would then stay open after the runtime ends.

use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Held for reading while a process is started, and for writing while a program
/// is written: a child has every descriptor until it executes, and a program
/// that is open for writing anywhere cannot be executed ("text file busy").
static STARTING: RwLock<()> = RwLock::new(());

/// Starts a process while no program is being written.
pub fn start(command: &mut Command) -> std::io::Result<Child> {
    let _no_writer = STARTING.read().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// Writes a program while no process is being started.
pub fn write_program<T>(write: impl FnOnce() -> T) -> T {
    let _no_start = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    write()
}

/// The binary under test: `OCINIT`, or the workspace's release build.
pub fn find_binary() -> Result<PathBuf, String> {
    match std::env::var_os("OCINIT") {
        Some(path) => {
            let path = PathBuf::from(path);
            if !path.is_absolute() {
                return Err(format!("OCINIT is {path:?}: it must be an absolute path"));
            }
            if !path.is_file() {
                return Err(format!("OCINIT is {path:?}: no such file"));
            }
            Ok(path)
        }
        None => {
            let path = crate::images::target_dir().join("release/ocinit");
            if path.is_file() {
                return Ok(path);
            }
            Err(format!(
                "{} is not there: run `cargo build --release` or set OCINIT",
                path.display()
            ))
        }
    }
}

/// Whether the binary under test is ocinit, and not a peer under comparison.
pub fn is_ocinit() -> bool {
    let binary = find_binary().expect("checked when the tests began");
    let mut command = Command::new(binary);
    let child = start(command.arg("--version").stdout(Stdio::piped()));
    let out = child.and_then(Child::wait_with_output).expect("run --version");
    String::from_utf8_lossy(&out.stdout).contains("ocinit")
}

/// One call of the binary, being put together.
pub struct Call {
    command: Command,
    dir: PathBuf,
    shown: Vec<String>,
    stdin: Option<Vec<u8>>,
    fds: Vec<(OwnedFd, i32)>,
    tty: Option<OwnedFd>,
    timeout: Duration,
}

impl Call {
    /// A call of `program` whose output files go to `dir`.
    pub fn new(program: &Path, dir: &Path) -> Call {
        let mut command = Command::new(program);
        command.env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", "/root");
        Call {
            command,
            dir: dir.to_path_buf(),
            shown: Vec::new(),
            stdin: None,
            fds: Vec::new(),
            tty: None,
            timeout: crate::wait::patiently(Duration::from_secs(30)),
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Call {
        self.shown.push(arg.as_ref().to_string_lossy().into_owned());
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Call {
        for arg in args {
            self = self.arg(arg);
        }
        self
    }

    /// Sets a variable of the environment, which is otherwise PATH and HOME.
    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Call {
        self.command.env(key, value);
        self
    }

    /// Sets the working directory.
    pub fn cwd(mut self, dir: &Path) -> Call {
        self.command.current_dir(dir);
        self
    }

    /// What the binary reads on its standard input, which is otherwise empty.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Call {
        self.stdin = Some(text.into());
        self
    }

    /// Gives the file to the binary as descriptor `number`.
    pub fn fd(mut self, file: impl Into<OwnedFd>, number: i32) -> Call {
        // Out of the way of every number that a test asks for.
        let high = nix::fcntl::fcntl(file.into(), nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(200));
        // SAFETY: the kernel has just made this descriptor for us alone.
        #[allow(unsafe_code)]
        let high = unsafe { OwnedFd::from_raw_fd(high.expect("duplicate a descriptor")) };
        self.fds.push((high, number));
        self
    }

    /// Makes the terminal the binary's stdio and its controlling terminal.
    pub fn tty(mut self, slave: OwnedFd) -> Call {
        self.tty = Some(slave);
        self
    }

    /// Runs it as an ordinary user, without supplementary groups, with the
    /// runtime directory of the user's systemd where there is one.
    pub fn user(mut self, user: &crate::user::User) -> Call {
        if let Some(dir) = user.session() {
            self.command.env("XDG_RUNTIME_DIR", dir);
        }
        self.command.uid(user.uid).gid(user.gid).env("HOME", &user.home).env("USER", &user.name);
        self
    }

    /// Makes it the parent of its orphaned descendants.
    pub fn subreaper(mut self) -> Call {
        // SAFETY: prctl is a plain system call, fit for the time between fork and exec.
        #[allow(unsafe_code)]
        unsafe {
            self.command.pre_exec(|| Ok(nix::sys::prctl::set_child_subreaper(true)?));
        }
        self
    }

    /// Makes the starting thread its tracer: it stops before its first instruction.
    pub fn traced(mut self) -> Call {
        // SAFETY: PTRACE_TRACEME is a plain system call, fit for the time between fork and exec.
        #[allow(unsafe_code)]
        unsafe {
            self.command.pre_exec(|| Ok(nix::sys::ptrace::traceme()?));
        }
        self
    }

    /// How long it may take; 30 s otherwise.
    pub fn timeout(mut self, limit: Duration) -> Call {
        self.timeout = limit;
        self
    }

    /// Starts it and leaves it running.
    #[track_caller]
    pub fn spawn(mut self) -> Running {
        let unique = crate::lab::unique();
        let stdout = self.dir.join(format!(".stdout-{unique}"));
        let stderr = self.dir.join(format!(".stderr-{unique}"));
        match &self.tty {
            Some(slave) => {
                let copy = || Stdio::from(slave.try_clone().expect("copy the terminal"));
                self.command.stdin(copy()).stdout(copy()).stderr(copy());
            }
            None => {
                self.command.stdin(match &self.stdin {
                    Some(bytes) => {
                        let path = self.dir.join(format!(".stdin-{unique}"));
                        std::fs::write(&path, bytes).expect("write the input file");
                        Stdio::from(File::open(path).expect("open the input file"))
                    }
                    None => Stdio::null(),
                });
                // Appending, as several processes may write to one file.
                let open = |p: &Path| {
                    File::options().create(true).append(true).open(p).expect("make an output file")
                };
                self.command.stdout(open(&stdout)).stderr(open(&stderr));
            }
        }
        let moves: Vec<(i32, i32)> = self.fds.iter().map(|(f, n)| (f.as_raw_fd(), *n)).collect();
        let controlling = self.tty.is_some();
        if controlling || !moves.is_empty() {
            // SAFETY: between fork and exec only async-signal-safe calls are made: dup2, setsid, ioctl.
            #[allow(unsafe_code)]
            unsafe {
                self.command.pre_exec(move || {
                    for (from, to) in &moves {
                        if libc::dup2(*from, *to) < 0 {
                            return Err(std::io::Error::last_os_error());
                        }
                    }
                    if controlling && (libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY, 0) < 0)
                    {
                        return Err(std::io::Error::last_os_error());
                    }
                    Ok(())
                });
            }
        }
        let child = start(&mut self.command).unwrap_or_else(|e| panic!("{:?}: {e}", self.command));
        Running {
            child,
            stdout,
            stderr,
            shown: self.shown.join(" "),
            deadline: Instant::now() + self.timeout,
        }
    }

    /// Runs it to its end.
    #[track_caller]
    pub fn run(self) -> Outcome {
        self.spawn().wait()
    }

    /// Runs it to its end and wants status 0.
    #[track_caller]
    pub fn ok(self) -> Outcome {
        self.run().code_is(0)
    }

    /// Runs it to its end and wants this status.
    #[track_caller]
    pub fn fails(self, code: i32) -> Outcome {
        self.run().code_is(code)
    }
}

/// A call that has been started.
pub struct Running {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    shown: String,
    deadline: Instant,
}

impl Running {
    /// The process id of the binary.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// What has been written to the standard output so far.
    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    /// What has been written to the standard error so far.
    pub fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// Ends it with SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("kill the binary");
        self.child.wait().expect("reap the binary");
    }

    /// Waits for its end; kills it and panics when that takes too long.
    #[track_caller]
    pub fn wait(mut self) -> Outcome {
        let mut pause = Duration::from_micros(500);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait for the binary") {
                break status;
            }
            if Instant::now() > self.deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                panic!(
                    "watchdog: `{}` did not end\nstdout: {}\nstderr: {}",
                    self.shown,
                    read(&self.stdout),
                    read(&self.stderr)
                );
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        self.ended(status.code().unwrap_or_else(|| 128 + status.signal().expect("code or signal")))
    }

    /// What it said, now that somebody has reaped it with this status.
    pub fn ended(self, code: i32) -> Outcome {
        Outcome {
            code,
            stdout: read(&self.stdout),
            stderr: read(&self.stderr),
            stdout_file: self.stdout,
            stderr_file: self.stderr,
            shown: self.shown,
        }
    }
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

/// How a call ended.
#[derive(Debug)]
pub struct Outcome {
    /// The exit status, or 128 plus the signal.
    pub code: i32,
    /// All of the standard output.
    pub stdout: String,
    /// All of the standard error.
    pub stderr: String,
    /// The file behind `stdout`: a detached container goes on writing to it.
    pub stdout_file: PathBuf,
    /// The file that the standard error went to.
    pub stderr_file: PathBuf,
    shown: String,
}

impl Outcome {
    /// Wants this exit status.
    #[track_caller]
    pub fn code_is(self, code: i32) -> Outcome {
        assert_eq!(
            self.code, code,
            "exit status of `{}`\nstdout: {}\nstderr: {}",
            self.shown, self.stdout, self.stderr
        );
        self
    }

    /// Wants this text on stderr.
    #[track_caller]
    pub fn says(self, text: &str) -> Outcome {
        assert!(
            self.stderr.contains(text),
            "`{}` should say {text:?} on stderr, which has: {}",
            self.shown,
            self.stderr
        );
        self
    }

    /// Wants exactly one line on stderr.
    #[track_caller]
    pub fn one_line(self) -> Outcome {
        let lines = self.stderr.lines().filter(|l| !l.trim().is_empty()).count();
        assert_eq!(lines, 1, "lines on stderr of `{}`: {}", self.shown, self.stderr);
        self
    }

    /// Wants nothing on stderr.
    #[track_caller]
    pub fn quiet(self) -> Outcome {
        assert_eq!(self.stderr, "", "stderr of `{}`", self.shown);
        self
    }

    /// The standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| {
            panic!("`{}`: {e} in stdout: {}\nstderr: {}", self.shown, self.stdout, self.stderr)
        })
    }

    /// What the standard output file has now.
    pub fn stdout_now(&self) -> String {
        read(&self.stdout_file)
    }

    /// What the standard error file has now.
    pub fn stderr_now(&self) -> String {
        read(&self.stderr_file)
    }
}

/// Makes argument lists of mixed string kinds.
pub fn words(line: &str) -> Vec<OsString> {
    line.split_whitespace().map(OsString::from).collect()
}
