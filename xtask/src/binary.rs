//! What the release binary must be: one file that needs nothing else, and none
//! of whose memory can be both written and executed.

use crate::elf::{self, Elf};
use crate::error::{Context, Result};
use std::path::Path;

/// A property of the binary, and whether it has it.
pub struct Check {
    pub name: &'static str,
    pub holds: bool,
}

/// Checks the file, which is position independent where `is_pie`.
pub fn checks(path: &Path, is_pie: bool) -> Result<Vec<Check>> {
    let data = std::fs::read(path).context(path.display())?;
    let elf = elf::read(&data).context(path.display())?;
    Ok(all(&elf, is_pie))
}

fn all(elf: &Elf, is_pie: bool) -> Vec<Check> {
    let has = |kind| elf.segments.iter().any(|s| s.kind == kind);
    let no_segment =
        |kind, flags| !elf.segments.iter().any(|s| s.kind == kind && s.flags & flags == flags);
    let kind = match is_pie {
        true => ("is position independent (ET_DYN)", elf.kind == elf::ET_DYN),
        false => ("is a program at a fixed address (ET_EXEC)", elf.kind == elf::ET_EXEC),
    };
    [
        kind,
        ("has no interpreter (PT_INTERP)", !has(elf::PT_INTERP)),
        ("needs no shared library (DT_NEEDED)", !elf.dynamic.contains(&elf::DT_NEEDED)),
        ("relocates no text (DT_TEXTREL)", !elf.dynamic.contains(&elf::DT_TEXTREL)),
        ("says what its stack may do (PT_GNU_STACK)", has(elf::PT_GNU_STACK)),
        ("has a stack that cannot be executed", no_segment(elf::PT_GNU_STACK, elf::PF_X)),
        (
            "has no segment both writable and executable",
            no_segment(elf::PT_LOAD, elf::PF_W | elf::PF_X),
        ),
        ("has relocations that become read-only (PT_GNU_RELRO)", has(elf::PT_GNU_RELRO)),
        ("has them on pages of their own, however large pages are", relocated_alone(elf)),
    ]
    .map(|(name, holds)| Check { name, holds })
    .into()
}

/// Whether what becomes read-only ends with the largest page: what is left of a
/// page stays writable.
fn relocated_alone(elf: &Elf) -> bool {
    let segments = |kind| elf.segments.iter().filter(move |s| s.kind == kind);
    let page = segments(elf::PT_LOAD).map(|s| s.align).max().unwrap_or(1).max(1);
    segments(elf::PT_GNU_RELRO).all(|s| s.end.is_multiple_of(page))
}
