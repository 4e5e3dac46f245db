//! What a container uses, as the object that runc's `events` prints: read from
//! the cgroups' files and written down at once, by a template.
//!
//! The names and the rules of leaving out zeros are those of runc's types. A
//! file that the kernel does not have counts as zero, as does a controller that
//! is not there. Kernel documents: cgroup-v1/*.rst, cgroup-v2.rst,
//! accounting/psi.rst.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use rustix::io::Errno;

use super::file;
use super::group::Cgroups;
use super::text::{column, found, list, parse, shortest, value_of};
use crate::cut;
use crate::error::{Error, Result};
use crate::json::Writer;
use crate::number;

/// The properties, one step a line; the first character says what it does:
///
/// - `{NAME` begins an object, `}` ends it;
/// - `@CONTROLLER` turns to the cgroup of a v1 controller, or to the unified one;
/// - `=NAME SOURCES` is a number, `?NAME SOURCES` one that is left out where it
///   is 0 or without limit: the sum of `FILE` or `FILE:KEY`, each times `*FACTOR`
///   (v1 and v2 have no file in common that has the same key);
/// - `-NAME FILE` is a number that may be negative;
/// - `#NAME FILE` is a number of processes, which can be counted without a file;
/// - `,NAME FILE` is an array from a list such as `0-3,7`, `.NAME FILE` one from
///   words, `0NAME FILE` to `9NAME FILE` from a column below a heading;
/// - `*NAME FILE` is an object of all keys in a file;
/// - `~NAME FILE` is what the file says of pressure;
/// - `!` and a letter: block devices and huge pages.
///
/// A tick of `cpuacct.stat` is 10 ms on all our architectures (`USER_HZ` is 100).
const TEMPLATE: &str = "\
{cpu
{usage
@cpuacct
?total cpuacct.usage cpu.stat:usage_usec*1000
.percpu cpuacct.usage_percpu
2percpu_kernel cpuacct.usage_all
1percpu_user cpuacct.usage_all
=kernel cpuacct.stat:system*10000000 cpu.stat:system_usec*1000
=user cpuacct.stat:user*10000000 cpu.stat:user_usec*1000
}
{throttling
@cpu
?periods cpu.stat:nr_periods
?throttledPeriods cpu.stat:nr_throttled
?throttledTime cpu.stat:throttled_time cpu.stat:throttled_usec*1000
}
~psi cpu.pressure
}
{cpuset
@cpuset
,cpus cpuset.cpus
=cpu_exclusive cpuset.cpu_exclusive
,mems cpuset.mems
=mem_hardwall cpuset.mem_hardwall
=mem_exclusive cpuset.mem_exclusive
=memory_migrate cpuset.memory_migrate
=memory_spread_page cpuset.memory_spread_page
=memory_spread_slab cpuset.memory_spread_slab
=memory_pressure cpuset.memory_pressure
=sched_load_balance cpuset.sched_load_balance
-sched_relax_domain_level cpuset.sched_relax_domain_level
}
{memory
@memory
?cache memory.stat:cache memory.stat:file
{usage
=limit memory.limit_in_bytes memory.max
?usage memory.usage_in_bytes memory.current
?max memory.max_usage_in_bytes memory.peak
=failcnt memory.failcnt
}
{swap
=limit memory.memsw.limit_in_bytes memory.max memory.swap.max
?usage memory.memsw.usage_in_bytes memory.current memory.swap.current
?max memory.memsw.max_usage_in_bytes
=failcnt memory.memsw.failcnt
}
{kernel
=limit memory.kmem.limit_in_bytes
?usage memory.kmem.usage_in_bytes
?max memory.kmem.max_usage_in_bytes
=failcnt memory.kmem.failcnt
}
{kernelTCP
=limit memory.kmem.tcp.limit_in_bytes
?usage memory.kmem.tcp.usage_in_bytes
?max memory.kmem.tcp.max_usage_in_bytes
=failcnt memory.kmem.tcp.failcnt
}
*raw memory.stat
~psi memory.pressure
}
{pids
@pids
#current pids.current
?limit pids.max
}
{blkio
@blkio
!b
~psi io.pressure
}
{hugetlb
@hugetlb
!h
}";

impl Cgroups {
    /// Writes what the container uses, as properties of the open object.
    ///
    /// # Errors
    /// A file is there but cannot be read.
    pub fn write_stats(&self, out: &mut Writer) -> Result<()> {
        let mut stats = Stats {
            cgroups: self,
            out,
            directory: "",
            unified: false,
            file: String::new(),
            text: String::new(),
            failed: None,
        };
        for line in TEMPLATE.lines() {
            stats.step(line);
        }
        stats.failed.map_or(Ok(()), Err)
    }
}

/// The object being written.
pub(super) struct Stats<'a> {
    cgroups: &'a Cgroups,
    pub(super) out: &'a mut Writer,
    /// The cgroup of the controller at hand; empty where there is none.
    pub(super) directory: &'a str,
    /// Whether that is in the unified hierarchy.
    pub(super) unified: bool,
    /// The file that was read last, and its text.
    file: String,
    text: String,
    failed: Option<Error>,
}

impl Stats<'_> {
    /// Carries out a line of the template.
    pub(super) fn step(&mut self, line: &str) {
        let (step, rest) = cut::at(line, 1);
        let (name, from) = rest.split_once(' ').unwrap_or((rest, ""));
        match step.bytes().next().unwrap_or_default() {
            b'{' => self.out.object_field(name),
            b'}' => self.out.close(),
            b'@' => self.enter(name),
            b'=' => {
                let sum = self.sum(from);
                self.out.unsigned_field(name, sum);
            }
            b'?' => {
                let sum = self.sum(from);
                self.some(name, sum);
            }
            b'-' => {
                let text = self.text(from);
                self.out.number_field(name, number::signed(text.trim_ascii()).unwrap_or(0));
            }
            b'#' => {
                let mut count = self.sum(from);
                if count == 0 {
                    count = self.cgroups.pids().map_or(0, |pids| pids.len() as u64);
                }
                self.some(name, count);
            }
            b'*' => self.all(name, from),
            b'~' => self.pressure(name, from),
            b'!' if name == "b" => self.block_io(),
            b'!' => self.hugetlb(),
            kind => {
                let text = self.text(from);
                let numbers = match kind {
                    b',' => list(&text),
                    b'.' => text.split_ascii_whitespace().map(parse).collect(),
                    digit => column(&text, usize::from(digit - b'0')),
                };
                self.numbers(name, &numbers);
            }
        }
    }

    /// Turns to a controller of v1, or to the unified hierarchy.
    fn enter(&mut self, controller: &str) {
        let group = self.cgroups.v1(controller).or_else(|| self.cgroups.unified());
        self.directory = group.map_or("", |group| group.directory);
        self.unified = group.is_some_and(|group| group.unified);
        self.file.clear();
    }

    /// A file's text; empty where the kernel has none.
    #[inline(never)]
    pub(super) fn text(&mut self, file: &str) -> String {
        if self.directory.is_empty() {
            return String::new();
        }
        if self.file != file {
            self.file = file.to_owned();
            self.text = file::read_in(self.directory, file).unwrap_or_else(|errno| {
                if !matches!(errno, Errno::NOENT | Errno::NODEV | Errno::OPNOTSUPP) {
                    self.failed = Some(file::failed("read", self.directory, file, errno));
                }
                String::new()
            });
        }
        self.text.clone()
    }

    /// A sum of numbers in files; see [`TEMPLATE`].
    #[inline(never)]
    fn sum(&mut self, sources: &str) -> u64 {
        let mut sum: u64 = 0;
        for source in sources.split(' ') {
            let (source, factor) = source.split_once('*').unwrap_or((source, "1"));
            let (file, key) = source.split_once(':').unwrap_or((source, ""));
            let text = self.text(file);
            let number =
                if key.is_empty() { parse(text.trim_ascii()) } else { value_of(&text, key) };
            sum = sum.saturating_add(number.saturating_mul(parse(factor)));
        }
        sum
    }

    /// A property that is left out where it is zero, or not limited.
    #[inline(never)]
    pub(super) fn some(&mut self, key: &str, number: u64) {
        if !matches!(number, 0 | u64::MAX) {
            self.out.unsigned_field(key, number);
        }
    }

    /// An array that is left out where it is empty.
    #[inline(never)]
    fn numbers(&mut self, key: &str, numbers: &[u64]) {
        if numbers.is_empty() {
            return;
        }
        self.out.array_field(key);
        for number in numbers {
            self.out.unsigned(*number);
        }
        self.out.close();
    }

    /// All keys of a file, sorted.
    #[inline(never)]
    fn all(&mut self, name: &str, file: &str) {
        let text = self.text(file);
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for pair in text.lines().filter_map(|line| line.split_once(' ')) {
            pairs.insert(pairs.partition_point(|other| other.0 < pair.0), pair);
        }
        if pairs.is_empty() {
            return;
        }
        self.out.object_field(name);
        for (key, value) in pairs {
            self.out.unsigned_field(key, parse(value));
        }
        self.out.close();
    }

    /// How long processes had to wait for a resource; left out where the kernel
    /// does not tell. Only the unified hierarchy has it.
    #[inline(never)]
    fn pressure(&mut self, name: &str, file: &str) {
        let Some(group) = self.cgroups.unified() else { return };
        self.directory = group.directory;
        let text = self.text(file);
        if text.is_empty() {
            return;
        }
        self.out.object_field(name);
        for kind in ["some", "full"] {
            let line = text.lines().find(|line| line.starts_with(kind)).unwrap_or("");
            self.out.object_field(kind);
            for key in ["avg10", "avg60", "avg300", "total"] {
                self.out.key(key);
                self.out.literal(shortest(found(line, ' ', '=', key).unwrap_or("0")));
            }
            self.out.close();
        }
        self.out.close();
    }
}
