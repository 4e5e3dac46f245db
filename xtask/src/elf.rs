//! A reader of 64-bit ELF files of either byte order: what the checks of the
//! binary need (System V gABI, chapters 4 and 5), so that they do not depend on
//! the tools of the machine.

use crate::error::Result;

/// Program header types and flags.
pub const PT_LOAD: u32 = 1;
pub const PT_DYNAMIC: u32 = 2;
pub const PT_INTERP: u32 = 3;
pub const PT_GNU_STACK: u32 = 0x6474_e551;
pub const PT_GNU_RELRO: u32 = 0x6474_e552;
pub const PF_X: u32 = 1;
pub const PF_W: u32 = 2;

/// The file type of a program that is loaded at the address it was linked for.
pub const ET_EXEC: u16 = 2;

/// The file type of a shared object or a position independent program.
pub const ET_DYN: u16 = 3;

/// Tags of the dynamic section.
pub const DT_NEEDED: u64 = 1;
pub const DT_TEXTREL: u64 = 22;

const SHF_ALLOC: u64 = 2;
const SHT_NOBITS: u32 = 8;

/// A program header.
#[derive(Clone, Copy)]
pub struct Segment {
    pub kind: u32,
    pub flags: u32,
    offset: u64,
    file_size: u64,
    /// Where it ends in memory.
    pub end: u64,
    /// What it is aligned to: that of what is loaded is the largest page.
    pub align: u64,
}

/// A section that is part of the program in memory.
pub struct Section {
    pub name: String,
    pub size: u64,
    /// Whether it takes room in the file (.bss does not).
    pub in_file: bool,
}

/// A file, read.
pub struct Elf {
    pub kind: u16,
    pub segments: Vec<Segment>,
    pub sections: Vec<Section>,
    /// The tags of the dynamic section.
    pub dynamic: Vec<u64>,
}

/// The bytes, with their order.
struct Bytes<'a> {
    data: &'a [u8],
    big: bool,
}

impl Bytes<'_> {
    fn number(&self, at: u64, size: usize) -> Result<u64> {
        let at = usize::try_from(at).map_err(|e| e.to_string())?;
        let end = at.checked_add(size).ok_or("an offset overflows")?;
        let bytes = self.data.get(at..end).ok_or("the file is cut off")?;
        let shift = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Ok(match self.big {
            true => bytes.iter().fold(0, shift),
            false => bytes.iter().rev().fold(0, shift),
        })
    }

    fn half(&self, at: u64) -> Result<u16> {
        self.number(at, 2).map(|n| n as u16)
    }

    fn word(&self, at: u64) -> Result<u32> {
        self.number(at, 4).map(|n| n as u32)
    }

    fn long(&self, at: u64) -> Result<u64> {
        self.number(at, 8)
    }

    fn name(&self, at: u64) -> String {
        let from = self.data.get(at as usize..).unwrap_or_default();
        let end = from.iter().position(|b| *b == 0).unwrap_or(0);
        String::from_utf8_lossy(&from[..end]).into_owned()
    }
}

/// Reads the headers.
pub fn read(data: &[u8]) -> Result<Elf> {
    if data.get(..5) != Some(b"\x7fELF\x02") {
        return Err("not a 64-bit ELF file".into());
    }
    let bytes = Bytes { data, big: data.get(5) == Some(&2) };
    let segments = table(&bytes, 32, 54, 56)?
        .map(|at| {
            Ok(Segment {
                kind: bytes.word(at)?,
                flags: bytes.word(at + 4)?,
                offset: bytes.long(at + 8)?,
                file_size: bytes.long(at + 32)?,
                end: bytes.long(at + 16)?.saturating_add(bytes.long(at + 40)?),
                align: bytes.long(at + 48)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let sections = sections(&bytes)?;
    let dynamic = match segments.iter().find(|s| s.kind == PT_DYNAMIC) {
        Some(segment) => (0..segment.file_size / 16)
            .map(|i| bytes.long(segment.offset + i * 16))
            .collect::<Result<_>>()?,
        None => Vec::new(),
    };
    Ok(Elf { kind: bytes.half(16)?, segments, sections, dynamic })
}

/// The offsets of a header table's entries: the ELF header has the table's
/// offset at `start`, the size of an entry and their number at `size` and `count`.
fn table(bytes: &Bytes, start: u64, size: u64, count: u64) -> Result<impl Iterator<Item = u64>> {
    let (start, size) = (bytes.long(start)?, u64::from(bytes.half(size)?));
    Ok((0..u64::from(bytes.half(count)?)).map(move |i| start + i * size))
}

fn sections(bytes: &Bytes) -> Result<Vec<Section>> {
    let headers: Vec<u64> = table(bytes, 40, 58, 60)?.collect();
    let Some(names) = headers.get(usize::from(bytes.half(62)?)) else { return Ok(Vec::new()) };
    let names = bytes.long(names + 24)?;
    let mut found = Vec::new();
    for at in headers {
        if bytes.long(at + 8)? & SHF_ALLOC != 0 {
            found.push(Section {
                name: bytes.name(names + u64::from(bytes.word(at)?)),
                size: bytes.long(at + 32)?,
                in_file: bytes.word(at + 4)? != SHT_NOBITS,
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_test_program_itself() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let elf = read(&own).unwrap();
        assert!(elf.segments.iter().any(|s| s.kind == PT_LOAD && s.flags & PF_X != 0));
        assert!(elf.segments.iter().any(|s| s.kind == PT_INTERP));
        assert!(elf.sections.iter().any(|s| s.name == ".text" && s.size > 1000 && s.in_file));
        assert!(elf.sections.iter().any(|s| s.name == ".bss" && !s.in_file));
        assert!(elf.dynamic.contains(&DT_NEEDED));
    }

    #[test]
    fn refuses_what_is_no_elf_file_or_cut_off() {
        assert!(read(b"#!/bin/sh\n").is_err());
        assert!(read(b"").is_err());
        assert!(read(b"\x7fELF\x02\x01").is_err());
    }

    #[test]
    fn knows_both_byte_orders() {
        let data = [1, 2, 3, 4];
        assert_eq!(Bytes { data: &data, big: true }.word(0), Ok(0x0102_0304));
        assert_eq!(Bytes { data: &data, big: false }.word(0), Ok(0x0403_0201));
    }
}
