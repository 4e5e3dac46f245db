//! What the command line asks of CRIU.

use super::protobuf::Message;
use super::rpc::{opts, page_server};
use crate::cut;
use crate::error;
use crate::error::{Error, Result};
use crate::number;
use crate::quote::quoted;
use crate::text;
use alloc::vec::Vec;
use linux_raw_sys::general::CLONE_NEWNET;

/// Flags that are options of CRIU as they are.
const SWITCHES: [(&str, u32); 10] = [
    ("leave-running", opts::LEAVE_RUNNING),
    ("ext-unix-sk", opts::EXT_UNIX_SK),
    ("tcp-established", opts::TCP_ESTABLISHED),
    ("shell-job", opts::SHELL_JOB),
    ("file-locks", opts::FILE_LOCKS),
    ("auto-dedup", opts::AUTO_DEDUP),
    ("link-remap", opts::LINK_REMAP),
    ("tcp-skip-in-flight", opts::TCP_SKIP_IN_FLIGHT),
    ("lazy-pages", opts::LAZY_PAGES),
    ("tcp-close", opts::TCP_CLOSE),
];

/// The same with a value.
const TEXTS: [(&str, u32); 2] =
    [("lsm-profile", opts::LSM_PROFILE), ("lsm-mount-context", opts::LSM_MOUNT_CONTEXT)];

/// `criu_cg_mode`; the first is the default.
const CGROUP_MODES: [(&str, i64); 4] = [("soft", 3), ("full", 4), ("strict", 5), ("ignore", 0)];

/// `criu_network_lock_method`; "skip" is known since CRIU 4.0.
const NETWORK_LOCKS: [(&str, i64); 3] = [("iptables", 1), ("nftables", 2), ("skip", 3)];

/// The command line of `checkpoint` or `restore`, checked.
#[derive(Debug, Default)]
pub struct Options {
    /// The directory of the images.
    pub image_path: &'static str,
    /// The directory of the log and of what criu needs meanwhile; that of the
    /// images where there is none.
    pub work_path: Option<&'static str>,
    /// Earlier images, as a path that counts from those.
    pub parent_path: Option<&'static str>,
    /// Only the memory is saved, and the container goes on.
    pub pre_dump: bool,
    /// The container goes on.
    pub leave_running: bool,
    /// Gets a null byte when pages can be asked for.
    pub status_fd: Option<i32>,
    /// CRIU's options.
    pub opts: Message,
}

/// The values of a command line.
pub trait Flags {
    /// Whether a switch is on.
    fn is_on(&self, long: &str) -> bool;
    /// The value of a flag.
    fn text(&self, long: &str) -> Option<&'static str>;
    /// All its values.
    fn texts(&self, long: &str) -> Vec<&'static str>;
}

impl Options {
    /// Reads them from the flags; those that the command does not have are not
    /// given.
    ///
    /// # Errors
    /// A value is not one of those that its flag takes.
    pub fn read(flags: &dyn Flags) -> Result<Options> {
        let given = |long| flags.text(long).filter(|value| !value.is_empty());
        let mut message = Message::default();
        for (long, field) in SWITCHES {
            if flags.is_on(long) {
                message.set(field);
            }
        }
        for (long, field) in TEXTS {
            if let Some(value) = given(long) {
                message.bytes(field, value.as_bytes());
            }
        }
        let mode = one_of("manage-cgroups-mode", given("manage-cgroups-mode"), &CGROUP_MODES)?;
        message.number(opts::MANAGE_CGROUPS_MODE, mode.unwrap_or(CGROUP_MODES[0].1));
        if let Some(lock) = one_of("network-lock", given("network-lock"), &NETWORK_LOCKS)? {
            message.number(opts::NETWORK_LOCK, lock);
        }
        for namespace in flags.texts("empty-ns") {
            if namespace != "network" {
                return Err(Error::about_quoted(
                    "--empty-ns: namespace {} is not supported",
                    namespace,
                ));
            }
        }
        // Devices of the network are the hooks' to make, as runc has it.
        message.number(opts::EMPTY_NS, CLONE_NEWNET.into());
        if let Some(at) = given("page-server") {
            let (address, port) = address_and_port(at).ok_or_else(|| {
                Error::new("Use --page-server ADDRESS:PORT to specify page server")
            })?;
            message.message(opts::PS, &page_server(address, port));
        }
        let parent_path = given("parent-path");
        if let Some(parent) = parent_path {
            if parent.starts_with('/') {
                return Err(Error::new("--parent-path must be relative")
                    .hint("it counts from the directory of the images"));
            }
            message.bytes(opts::PARENT_IMG, parent.as_bytes());
            message.set(opts::TRACK_MEM);
        }
        let status_fd = match given("status-fd").map(str::parse) {
            // runc's default.
            None | Some(Ok(-1)) => None,
            Some(Ok(number)) if number >= 0 => Some(number),
            Some(_) => return Err(Error::new("--status-fd must be a descriptor's number")),
        };
        Ok(Options {
            image_path: given("image-path").unwrap_or("checkpoint"),
            work_path: given("work-path"),
            parent_path,
            pre_dump: flags.is_on("pre-dump"),
            leave_running: flags.is_on("leave-running"),
            status_fd,
            opts: message,
        })
    }
}

fn one_of(flag: &str, given: Option<&str>, known: &[(&str, i64)]) -> Result<Option<i64>> {
    let Some(given) = given else { return Ok(None) };
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == given) {
        return Ok(Some(*value));
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let names = text::joined(&names, ", ");
    Err(error!("invalid {flag} value {}: it is one of {names}", quoted(given)))
}

/// `ADDRESS:PORT`, an address of IPv6 in brackets.
fn address_and_port(text: &str) -> Option<(&str, u16)> {
    let (address, port) = cut::at_last(text, b':')?;
    let address = match address.strip_prefix('[') {
        Some(inside) => inside.strip_suffix(']')?,
        None if address.as_bytes().contains(&b':') => return None,
        None => address,
    };
    Some((address, number::unsigned(port)?)).filter(|(address, _)| !address.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::protobuf::{Value, read};
    use alloc::string::ToString;

    struct Given(&'static [(&'static str, &'static str)]);

    impl Flags for Given {
        fn is_on(&self, long: &str) -> bool {
            self.text(long) == Some("true")
        }

        fn text(&self, long: &str) -> Option<&'static str> {
            self.0.iter().find(|(name, _)| *name == long).map(|(_, value)| *value)
        }

        fn texts(&self, long: &str) -> Vec<&'static str> {
            let given = self.0.iter().filter(|(name, _)| *name == long);
            given.map(|(_, value)| *value).collect()
        }
    }

    fn fields(options: &Options) -> Vec<(u64, Value<'_>)> {
        let mut fields = Vec::new();
        read(options.opts.as_bytes(), &mut |field, value| fields.push((field, value))).unwrap();
        fields
    }

    #[test]
    fn nothing_given() {
        let options = Options::read(&Given(&[("status-fd", "-1"), ("work-path", "")])).unwrap();
        assert_eq!((options.image_path, options.work_path), ("checkpoint", None));
        assert_eq!((options.status_fd, options.leave_running), (None, false));
        let expect = [(34, Value::Number(3)), (38, Value::Number(0x4000_0000))];
        assert_eq!(fields(&options), expect);
    }

    #[test]
    fn all_given() {
        let options = Options::read(&Given(&[
            ("leave-running", "true"),
            ("tcp-close", "true"),
            ("shell-job", "false"),
            ("lsm-profile", "apparmor:x"),
            ("manage-cgroups-mode", "ignore"),
            ("network-lock", "nftables"),
            ("empty-ns", "network"),
            ("page-server", "[::1]:27"),
            ("parent-path", "../a"),
            ("status-fd", "3"),
        ]))
        .unwrap();
        assert!(options.leave_running && !options.pre_dump);
        assert_eq!((options.parent_path, options.status_fd), (Some("../a"), Some(3)));
        let expect = [
            (3, Value::Number(1)),
            (52, Value::Number(1)),
            (53, Value::Bytes(b"apparmor:x")),
            (34, Value::Number(0)),
            (64, Value::Number(2)),
            (38, Value::Number(0x4000_0000)),
            (11, Value::Bytes(b"\x0a\x03::1\x10\x1b")),
            (14, Value::Bytes(b"../a")),
            (15, Value::Number(1)),
        ];
        assert_eq!(fields(&options), expect);
    }

    #[test]
    fn what_is_refused() {
        for (flag, value, expect) in [
            (
                "manage-cgroups-mode",
                "hard",
                "invalid manage-cgroups-mode value \"hard\": it is one of soft, full, strict, ignore",
            ),
            (
                "network-lock",
                "x",
                "invalid network-lock value \"x\": it is one of iptables, nftables, skip",
            ),
            ("empty-ns", "pid", "--empty-ns: namespace \"pid\" is not supported"),
            ("page-server", "::1:5", "Use --page-server ADDRESS:PORT to specify page server"),
            ("page-server", ":5", "Use --page-server ADDRESS:PORT to specify page server"),
            ("page-server", "a:70000", "Use --page-server ADDRESS:PORT to specify page server"),
            (
                "parent-path",
                "/a",
                "--parent-path must be relative: it counts from the directory of the images",
            ),
            ("status-fd", "-2", "--status-fd must be a descriptor's number"),
            ("status-fd", "x", "--status-fd must be a descriptor's number"),
        ] {
            let given: &'static [_] = alloc::vec![(flag, value)].leak();
            assert_eq!(Options::read(&Given(given)).unwrap_err().to_string(), expect);
        }
    }
}
