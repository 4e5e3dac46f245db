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
            Ok((format!("{}.rs", family.file), render(&versions, &tables)))
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

fn render(versions: &[String], tables: &[(&str, BTreeMap<String, u32>)]) -> String {
    // The base of MIPS's numbers is in its headers; what is left is below 600.
    let names: BTreeSet<&str> =
        tables.iter().flat_map(|(_, numbers)| numbers.keys().map(String::as_str)).collect();
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
        let of = |name: &&&str| numbers.get(**name).copied().unwrap_or(ABSENT);
        let list = names.iter().map(|name| match of(&name) {
            ABSENT => "!0".to_owned(),
            number => number.to_string(),
        });
        let _ = write!(
            out,
            "\n/// Their numbers; !0 for a call that there is not.\n#[rustfmt::skip]\n\
             pub static {table}: [u16; COUNT] = [\n"
        );
        wrap(&mut out, list.map(|number| number + ","), "");
        out.push_str("];\n");
    }
    out
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
mod tests {
    use super::*;

    /// Where the sources are, from the environment.
    fn given(variable: &str) -> Option<PathBuf> {
        std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_dir())
    }

    #[test]
    fn committed_tables_are_the_generated_ones() {
        let given = given("SECCOMP_HEADERS").zip(given("SECCOMP_SOURCE"));
        let Some((headers, source)) = given else {
            println!("skipped: SECCOMP_HEADERS and SECCOMP_SOURCE name no directories");
            return;
        };
        for (name, text) in generate(&headers, &source).unwrap() {
            let committed = fs::read_to_string(tables_directory().join(&name)).unwrap();
            assert!(committed == text, "{name} is not what the generator writes");
        }
    }

    #[test]
    fn an_older_kernels_headers_agree() {
        let mut compared = 0;
        for (table, path) in [
            ("x86/X86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
            ("x86/X86", "/usr/include/x86_64-linux-gnu/asm/unistd_32.h"),
            ("x86/X32", "/usr/include/x86_64-linux-gnu/asm/unistd_x32.h"),
            ("arm/ARM", "/usr/arm-linux-gnueabihf/include/asm/unistd-eabi.h"),
            ("powerpc/PPC64", "/usr/powerpc64le-linux-gnu/include/asm/unistd_64.h"),
            ("powerpc/PPC", "/usr/powerpc64le-linux-gnu/include/asm/unistd_32.h"),
            ("s390/S390X", "/usr/s390x-linux-gnu/include/asm/unistd_64.h"),
            ("s390/S390", "/usr/s390x-linux-gnu/include/asm/unistd_32.h"),
        ] {
            let Ok(text) = fs::read_to_string(path) else {
                println!("skipped: no {path} (Debian's linux-libc-dev, also its -cross packages)");
                continue;
            };
            let (file, table) = table.split_once('/').unwrap();
            let ours = committed(file, table);
            for (name, number) in from_header(&text) {
                assert_eq!(ours.get(&name), Some(&number), "{path}: {name}");
                compared += 1;
            }
        }
        println!("{compared} numbers compared");
    }

    /// Reads a table back from its file.
    fn committed(file: &str, table: &str) -> BTreeMap<String, u32> {
        let text = fs::read_to_string(tables_directory().join(format!("{file}.rs"))).unwrap();
        let between = |start: &str, end: &str| {
            let at = text.find(start).unwrap() + start.len();
            text[at..at + text[at..].find(end).unwrap()].to_owned()
        };
        let names = between("NAMES: &str = \"\\\n", "\"").replace('\\', " ");
        let numbers = between(&format!("static {table}: [u16; COUNT] = ["), "]");
        let numbers = numbers.split(',').map(|number| number.trim().parse().unwrap_or(ABSENT));
        let all = names.split_whitespace().map(str::to_owned).zip(numbers);
        all.filter(|(_, number)| *number != ABSENT).collect()
    }
}
