//! Writes into files of cgroups, and how the translation of limits collects them.

use alloc::vec::Vec;
use core::fmt;

use super::group::Group;
use crate::quote::escaped;
use crate::text;

/// One value for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The cgroup, as an index into [`super::Cgroups::groups`] of the plan.
    pub group: usize,
    /// The file's name.
    pub file: &'static str,
    /// What is written.
    pub value: &'static str,
    /// The file and the value where the first file does not exist.
    pub alternative: Option<(&'static str, &'static str)>,
    /// Where it comes from, below `linux.resources`: `memory.limit`.
    pub property: &'static str,
    /// A kernel without the file does what is asked anyway.
    pub optional: bool,
}

impl Write {
    /// The controller to which the file belongs.
    pub fn controller(&self) -> &str {
        self.file.split_once('.').map_or(self.file, |(controller, _)| controller)
    }

    /// Whether it is about swap: `memory.memsw.*`, `memory.swap*`.
    pub fn is_swap(&self) -> bool {
        self.file.starts_with("memory.memsw") || self.file.starts_with("memory.swap")
    }

    /// Whether both are for the same value: of files that hold one for each
    /// device, of the same device.
    pub(super) fn is_for_the_file_of(&self, other: &Write) -> bool {
        let device = |write: &Write| {
            let (device, _) = write.value.split_once(' ')?;
            device.as_bytes().contains(&b':').then_some(device)
        };
        (self.group, self.file) == (other.group, other.file) && device(self) == device(other)
    }

    /// `write "VALUE" to "DIRECTORY/FILE"`.
    pub(super) fn at(&self, groups: &[Group]) -> impl fmt::Display {
        let directory = groups.get(self.group).map_or("", |group| group.directory);
        fmt::from_fn(move |f| {
            let value = escaped(self.value.as_bytes());
            write!(f, "write \"{value}\" to \"{directory}/{}\"", self.file)
        })
    }
}

/// The writes of one controller, being collected.
pub struct Sink<'a> {
    pub(super) group: usize,
    pub(super) writes: &'a mut Vec<Write>,
}

impl Sink<'_> {
    /// One more.
    #[inline(never)]
    pub fn put(&mut self, property: &'static str, file: &'static str, value: fmt::Arguments<'_>) {
        self.writes.push(Write {
            group: self.group,
            file,
            value: text::stays(value),
            alternative: None,
            property,
            optional: false,
        });
    }

    /// One more, which needs no file where it only asks for what is so anyway.
    pub fn put_optional(
        &mut self,
        property: &'static str,
        file: &'static str,
        value: fmt::Arguments<'_>,
    ) {
        self.put(property, file, value);
        if let Some(write) = self.writes.last_mut() {
            write.optional = true;
        }
    }

    /// What to write where the file of the last one does not exist.
    pub fn or(&mut self, file: &'static str, value: fmt::Arguments<'_>) {
        if let Some(write) = self.writes.last_mut() {
            write.alternative = Some((file, text::stays(value)));
        }
    }

    /// Many that are a number each.
    pub fn numbers(&mut self, numbers: &[Number]) {
        for &(property, file, zero, number) in numbers {
            match (number, zero) {
                (None, _) | (Some(0), Zero::Unset) => {}
                (Some(0), Zero::Default) => self.put_optional(property, file, format_args!("0")),
                (Some(number), _) => self.put(property, file, format_args!("{number}")),
            }
        }
    }
}

/// A property, a file, what 0 means, and the number.
pub type Number = (&'static str, &'static str, Zero, Option<i64>);

/// What the number 0 asks for.
#[derive(Clone, Copy)]
pub enum Zero {
    /// Nothing.
    Unset,
    /// What a kernel without the file does anyway.
    Default,
}

/// A number as large as our kernels take any, at most.
pub fn signed(number: Option<u64>) -> Option<i64> {
    number.map(|number| i64::try_from(number).unwrap_or(i64::MAX))
}
