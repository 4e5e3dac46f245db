//! `cargo xtask seccomp-tables`: writes `src/seccomp/tables/`, the names and
//! numbers of system calls.
//!
//! They come from the kernel itself: its exported headers, of which the Python
//! package `ziglang` carries those of every architecture that Linux still
//! exports them for, and, for the architectures missing there, the tables in
//! the kernel's source (Debian's `linux-source-6.12`). To have both:
//!
//! ```text
//! pip download ziglang==0.17.1 --no-deps --only-binary :all:
//! unzip ziglang-0.17.1-*.whl 'ziglang/lib/libc/include/*-linux-any/*'
//! apt-get install linux-source-6.12
//! tar xf /usr/src/linux-source-6.12.tar.xz
//! cargo xtask seccomp-tables --headers ziglang/lib/libc/include --source linux-source-6.12
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Where a table's numbers are.
enum Origin {
    /// An exported header, beneath the headers' directory.
    Header(&'static str),
    /// A table in the kernel's source and the ABIs whose lines count.
    Source(&'static str, &'static [&'static str]),
}
use Origin::{Header, Source};

/// One file: the architectures that one kernel runs, with the names they share.
struct Family {
    file: &'static str,
    tables: &'static [(&'static str, Origin)],
}

const FAMILIES: &[Family] = &[
    Family {
        file: "x86",
        tables: &[
            ("X86_64", Header("x86-linux-any/asm/unistd_64.h")),
            ("X86", Header("x86-linux-any/asm/unistd_32.h")),
            ("X32", Header("x86-linux-any/asm/unistd_x32.h")),
        ],
    },
    Family {
        file: "arm",
        tables: &[
            ("AARCH64", Header("aarch64-linux-any/asm/unistd_64.h")),
            ("ARM", Header("arm-linux-any/asm/unistd-eabi.h")),
        ],
    },
    Family {
        file: "powerpc",
        tables: &[
            ("PPC64", Header("powerpc-linux-any/asm/unistd_64.h")),
            ("PPC", Header("powerpc-linux-any/asm/unistd_32.h")),
        ],
    },
    Family { file: "riscv", tables: &[("RISCV64", Header("riscv-linux-any/asm/unistd_64.h"))] },
    Family {
        file: "loongarch",
        tables: &[("LOONGARCH64", Header("loongarch-linux-any/asm/unistd_64.h"))],
    },
    Family {
        file: "s390",
        tables: &[
            ("S390X", Header("s390x-linux-any/asm/unistd_64.h")),
            ("S390", Source("arch/s390/kernel/syscalls/syscall.tbl", &["common", "32"])),
        ],
    },
    Family {
        file: "mips",
        tables: &[
            ("O32", Header("mips-linux-any/asm/unistd_o32.h")),
            ("N64", Header("mips-linux-any/asm/unistd_n64.h")),
            ("N32", Header("mips-linux-any/asm/unistd_n32.h")),
        ],
    },
    Family { file: "m68k", tables: &[("M68K", Header("m68k-linux-any/asm/unistd_32.h"))] },
    Family {
        file: "parisc",
        tables: &[
            ("PARISC64", Source("arch/parisc/kernel/syscalls/syscall.tbl", &["common", "64"])),
            ("PARISC", Source("arch/parisc/kernel/syscalls/syscall.tbl", &["common", "32"])),
        ],
    },
    Family {
        file: "sh",
        tables: &[("SH", Source("arch/sh/kernel/syscalls/syscall.tbl", &["common"]))],
    },
];

/// The place of ARM's private calls in a table: number 0xf0000 + N is here at
/// PRIVATE + N (`__ARM_NR_BASE` of the kernel's arm/asm/unistd.h).
const PRIVATE: u32 = 1008;
/// What a table holds for a call that the architecture does not have.
const ABSENT: u32 = 0xffff;

/// A file's name and its text.
type File = (String, String);

/// Runs the subcommand with the arguments after its name.
pub fn run(mut arguments: lexopt::Parser) -> Result<(), Box<dyn std::error::Error>> {
    use lexopt::Arg::Long;
    let (mut headers, mut source) = (None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("headers") => headers = Some(PathBuf::from(arguments.value()?)),
            Long("source") => source = Some(PathBuf::from(arguments.value()?)),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let usage = "usage: cargo xtask seccomp-tables --headers DIR --source DIR";
    let (headers, source) = headers.zip(source).ok_or(usage)?;
    for (name, text) in generate(&headers, &source)? {
        fs::write(tables_directory().join(name), text)?;
    }
    Ok(())
}

fn tables_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/seccomp/tables")
}

fn generate(headers: &Path, source: &Path) -> io::Result<Vec<File>> {
    let (exported, sources) = (headers_version(headers)?, source_version(source)?);
    let behind = behind(headers)?;
    FAMILIES
        .iter()
        .map(|family| {
            let mut tables = Vec::new();
            let mut versions = BTreeSet::new();
            for (name, origin) in family.tables {
                let numbers = match origin {
                    Header(path) => {
                        versions.insert(format!("Linux {exported}, {}", file_of(path)));
                        let mut numbers = from_header(&read(&headers.join(path))?);
                        if *name == "ARM" {
                            arm_extras(
                                &read(&headers.join("arm-linux-any/asm/unistd.h"))?,
                                &mut numbers,
                            );
                        }
                        numbers
                    }
                    Source(path, abis) => {
                        versions.insert(format!("Linux {sources}, {path}"));
                        from_source(&read(&source.join(path))?, abis)
                    }
                };
                tables.push((*name, numbers));
            }
            let versions = Vec::from_iter(versions);
            Ok((format!("{}.rs", family.file), render(&versions, &tables, &behind)))
        })
        .collect()
}

fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn file_of(path: &str) -> &str {
    path.split_once("-linux-any/").map_or(path, |(_, file)| file)
}

/// `LINUX_VERSION_MAJOR.LINUX_VERSION_PATCHLEVEL` of linux/version.h.
fn headers_version(headers: &Path) -> io::Result<String> {
    let text = read(&headers.join("any-linux-any/linux/version.h"))?;
    let value = |name: &str| {
        let line = text.lines().find(|line| line.contains(name)).unwrap_or_default();
        line.split_whitespace().last().unwrap_or("?").to_owned()
    };
    Ok(format!("{}.{}", value("LINUX_VERSION_MAJOR"), value("LINUX_VERSION_PATCHLEVEL")))
}

/// `VERSION.PATCHLEVEL` of the kernel's Makefile.
fn source_version(source: &Path) -> io::Result<String> {
    let text = read(&source.join("Makefile"))?;
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.rsplit('=').next().unwrap_or("?").trim().to_owned()
    };
    Ok(format!("{}.{}", value("VERSION"), value("PATCHLEVEL")))
}

/// Numbers by name from lines `#define __NR_name 1` or `… (BASE + 1)`; the
/// base is left out.
fn from_header(text: &str) -> BTreeMap<String, u32> {
    let mut numbers = BTreeMap::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("#define __NR_") else { continue };
        let Some((name, value)) = rest.split_once(char::is_whitespace) else { continue };
        let value = value.trim().trim_matches(['(', ')']);
        let number = value.rsplit('+').next().unwrap_or(value).trim();
        if let Ok(number) = number.parse() {
            numbers.insert(name.to_owned(), number);
        }
    }
    numbers
}

/// The private calls, and the second name of a call, of arm/asm/unistd.h.
fn arm_extras(text: &str, numbers: &mut BTreeMap<String, u32>) {
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("#define __ARM_NR_")
            && let Some((name, value)) = rest.split_once(char::is_whitespace)
            && let Some((_, number)) = value.trim().trim_end_matches(')').split_once("_BASE+")
            && let Ok(number) = number.parse::<u32>()
        {
            numbers.insert(name.to_owned(), PRIVATE + number);
        }
        if let Some(rest) = line.strip_prefix("#define __NR_")
            && let Some((name, other)) = rest.split_once(char::is_whitespace)
            && let Some(other) = other.trim().strip_prefix("__NR_")
            && let Some(&number) = numbers.get(other)
        {
            numbers.insert(name.to_owned(), number);
        }
    }
}

/// Numbers by name from lines `NUMBER ABI NAME ENTRY…` of a syscall.tbl.
fn from_source(text: &str, abis: &[&str]) -> BTreeMap<String, u32> {
    let mut numbers = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(number), Some(abi), Some(name)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if let Ok(number) = number.parse()
            && abis.contains(&abi)
        {
            numbers.insert(name.to_owned(), number);
        }
    }
    numbers
}

fn render(
    versions: &[String],
    tables: &[(&str, BTreeMap<String, u32>)],
    behind: &BTreeMap<String, u32>,
) -> String {
    let all = tables.iter().flat_map(|(_, numbers)| numbers.keys());
    let mut names: BTreeSet<&str> = all.map(String::as_str).collect();
    let multiplexers = ["socketcall", "ipc"].map(|name| names.contains(name));
    let multiplexed = multiplexers == [true; 2];
    if multiplexed {
        names.extend(behind.keys().map(String::as_str));
    }
    let mut out = String::new();
    out.push_str("//! Generated by `cargo xtask seccomp-tables`; do not edit. From:\n//!\n");
    for version in versions {
        let _ = writeln!(out, "//! - {version}");
    }
    out.push_str("\n/// The names, sorted.\n#[rustfmt::skip]\npub const NAMES: &str = \"\\\n");
    wrap(&mut out, names.iter().map(|name| name.to_string()), " \\");
    out.push_str("\";\n\n/// How many names there are.\n");
    let _ = writeln!(out, "pub const COUNT: usize = {};", names.len());
    for (table, numbers) in tables {
        let of = |name: &str| numbers.get(name).copied().unwrap_or(ABSENT);
        if *table == "X32" {
            // Most are those of the first table.
            let first = |name: &str| tables[0].1.get(name).copied().unwrap_or(ABSENT);
            let changes = names.iter().enumerate().filter(|(_, name)| of(name) != first(name));
            let pairs = changes.map(|(at, name)| format!("({at}, {}),", number(of(name))));
            let pairs = Vec::from_iter(pairs);
            let what = format!("Where {table} differs from {}: place and number.", tables[0].0);
            let kind = format!("[(u16, u16); {}]", pairs.len());
            array(&mut out, &what, table, &kind, pairs);
            continue;
        }
        let list = names.iter().map(|name| number(of(name)) + ",").collect();
        let what = "Their numbers; !0 for a call that there is not.";
        array(&mut out, what, table, "[u16; COUNT]", list);
    }
    let place = |wanted: &str| names.iter().position(|name| *name == wanted);
    let mut pairs = Vec::new();
    if multiplexed {
        for (name, number) in behind {
            pairs.push(format!("({}, {number}),", place(name).expect("it was added")));
        }
    }
    let kind = format!("[(u16, u8); {}]", pairs.len());
    let what = format!("{BEHIND_WHAT}\n/// add {IPC}.");
    array(&mut out, &what, "BEHIND", &kind, pairs);
    let place = |name| place(name).filter(|_| multiplexed).unwrap_or(0);
    let _ = writeln!(
        out,
        "\n/// The places of socketcall(2) and ipc(2).\npub const MULTIPLEXERS: [u16; 2] = [{}, {}];",
        place("socketcall"),
        place("ipc"),
    );
    out
}

const BEHIND_WHAT: &str =
    "The places of the calls behind socketcall(2) and ipc(2) and their numbers there; ipc's";
/// What is added to a number of ipc(2) to tell it from one of socketcall(2).
const IPC: u32 = 128;

fn number(number: u32) -> String {
    if number == ABSENT { "!0".to_owned() } else { number.to_string() }
}

fn array(out: &mut String, what: &str, name: &str, kind: &str, items: Vec<String>) {
    let _ = write!(out, "\n/// {what}\n#[rustfmt::skip]\npub static {name}: {kind} = [\n");
    wrap(out, items.into_iter(), "");
    out.push_str("];\n");
}

/// The calls behind socketcall(2) and ipc(2), from linux/net.h and linux/ipc.h.
fn behind(headers: &Path) -> io::Result<BTreeMap<String, u32>> {
    let mut numbers = BTreeMap::new();
    for (header, prefix, add) in [("net.h", "SYS_", 0), ("ipc.h", "", IPC)] {
        let text = read(&headers.join("any-linux-any/linux").join(header))?;
        for line in text.lines() {
            let mut words = line.split_whitespace();
            if words.next() == Some("#define")
                && let (Some(name), Some(number)) = (words.next(), words.next())
                && let Some(name) = name.strip_prefix(prefix)
                && let Ok(number) = number.parse::<u32>()
                && (add == 0 || ["SEM", "MSG", "SHM"].iter().any(|kind| name.starts_with(kind)))
            {
                numbers.insert(name.to_lowercase(), add + number);
            }
        }
    }
    Ok(numbers)
}

/// Words with a blank between them, in lines of up to 96 characters that end in
/// `end` (the last in nothing).
fn wrap(out: &mut String, words: impl Iterator<Item = String>, end: &str) {
    let mut lines = vec![String::new()];
    for word in words {
        let line = lines.last_mut().expect("one line is there from the start");
        if line.is_empty() {
            line.push_str(&word);
        } else if line.len() + 1 + word.len() <= 96 - end.len() {
            line.push(' ');
            line.push_str(&word);
        } else {
            lines.push(word);
        }
    }
    let last = lines.len() - 1;
    for (index, line) in lines.iter().enumerate() {
        let end = match (index == last, end.is_empty()) {
            (true, false) => "",
            (true, true) => "\n",
            (false, false) => " \\\n",
            (false, true) => "\n",
        };
        out.push_str(line);
        out.push_str(end);
    }
}

#[cfg(test)]
mod tests;
