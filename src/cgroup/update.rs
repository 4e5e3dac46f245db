//! New limits for existing cgroups (`update`).

use alloc::vec::Vec;

use super::file;
use super::group::{Cgroups, Group};
use super::limits::{apply, limits};
use super::write::Write;
use crate::error;
use crate::error::Result;
use crate::number;
use crate::spec::{Memory, Resources};

impl Cgroups {
    /// Writes the limits that are set; the others stay as they are, and so do
    /// the rules for devices where there are none. `before` are the limits that
    /// were asked for until now.
    ///
    /// # Errors
    /// As [`super::plan()`] and [`super::Plan::create`], and a limit of memory is
    /// less than what is used where that must not be; values written before the
    /// one that failed stay.
    pub fn update(&self, resources: &mut Resources<'_>, before: &Resources<'_>) -> Result<()> {
        let (groups, writes) = self.writes(resources, before)?;
        write(&groups, &writes)?;
        match &resources.devices[..] {
            [] => Ok(()),
            rules => self.update_devices(rules),
        }
    }

    /// What is written for these limits, which are completed, and the groups
    /// with their controllers.
    pub(super) fn writes(
        &self,
        resources: &mut Resources<'_>,
        before: &Resources<'_>,
    ) -> Result<(Vec<Group>, Vec<Write>)> {
        let mut groups = self.groups.clone();
        for group in groups.iter_mut().filter(|group| group.unified) {
            let text = file::must_read(group.directory, "cgroup.controllers")?;
            group.controllers = super::layout::listed(&text);
        }
        let known = before.memory.unwrap_or_default();
        if let Some(memory) = &mut resources.memory {
            complete_memory(memory, &known);
        }
        if let Some(group) = groups.iter().find(|group| group.unified) {
            complete(resources, before, group.directory);
            if let Some(memory) = &resources.memory
                && memory.check_before_update.or(known.check_before_update) == Some(true)
            {
                check_use(memory, group.directory)?;
            }
        }
        let writes = limits(resources, &groups)?;
        Ok((groups, writes))
    }
}

/// What was asked for until now, as it came into force: no limit of memory was
/// none of swap either. What is used is no reason against it any more.
pub(super) fn in_force<'a>(before: &Resources<'a>) -> Resources<'a> {
    let mut before = before.clone();
    if let Some(memory) = &mut before.memory {
        memory.check_before_update = None;
        if memory.limit == Some(-1) {
            memory.swap = Some(-1);
        }
    }
    before
}

/// Carries the writes out, group by group.
///
/// # Errors
/// As [`apply`].
pub(super) fn write(groups: &[Group], writes: &[Write]) -> Result<()> {
    for (index, group) in groups.iter().enumerate() {
        let own: Vec<&Write> = writes.iter().filter(|write| write.group == index).collect();
        apply(&own, group.directory)?;
    }
    Ok(())
}

/// Memory, and memory and swap together, belong together: what is not given is
/// as it was asked before.
fn complete_memory(memory: &mut Memory, before: &Memory) {
    match (memory.limit.unwrap_or(0), memory.swap.unwrap_or(0)) {
        (0, 0) | (-1, 0) => {}
        // No limit of memory was none of swap either.
        (_, 0) if before.limit == Some(-1) => memory.swap = Some(-1),
        (_, 0) => memory.swap = before.swap,
        (0, _) => memory.limit = before.limit,
        _ => {}
    }
}

/// The number in a file of v2; -1 is no limit.
fn current(directory: &str, file: &str) -> Option<i64> {
    let text = file::read_in(directory, file).ok()?;
    match text.split_ascii_whitespace().next()? {
        "max" => Some(-1),
        number => number::signed(number),
    }
}

/// Some files of v2 hold two values, and swap is told as memory and swap
/// together: what was never asked for is as it is. A period is told again with
/// the quota, since systemd knows none without a quota and forgets it.
fn complete(resources: &mut Resources<'_>, before: &Resources<'_>, directory: &str) {
    if let Some(cpu) = &mut resources.cpu {
        let known = before.cpu.unwrap_or_default();
        match (cpu.quota.unwrap_or(0), cpu.period.unwrap_or(0)) {
            (0, 0) => {}
            (0, _) => {
                cpu.quota = known.quota.filter(|quota| *quota != 0);
                cpu.quota = cpu.quota.or_else(|| current(directory, "cpu.max"));
            }
            (_, 0) => cpu.period = known.period,
            _ => {}
        }
    }
    if let Some(memory) = &mut resources.memory
        && memory.swap.unwrap_or(0) != 0
        && memory.limit.unwrap_or(0) == 0
    {
        memory.limit = current(directory, "memory.max");
    }
}

/// `checkBeforeUpdate`: v1 refuses what is in use, v2 would kill for it.
fn check_use(memory: &Memory, directory: &str) -> Result<()> {
    let used = current(directory, "memory.current").unwrap_or(0);
    for (what, limit) in [("memory+swap", memory.swap), ("memory", memory.limit)] {
        if let Some(limit) = limit.filter(|limit| *limit > 0 && *limit <= used) {
            return Err(error!("rejecting {what} limit {limit} <= usage {used}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_memory_limit_was_none_of_swap() {
        for (limit, swap, expect) in
            [(Some(-1), Some(7), Some(-1)), (Some(3), Some(7), Some(7)), (None, None, None)]
        {
            let memory = Some(Memory { limit, swap, ..Memory::default() });
            let before = Resources { memory, ..Resources::default() };
            assert_eq!(in_force(&before).memory.unwrap().swap, expect, "{limit:?} {swap:?}");
        }
    }

    #[test]
    fn halves_of_memory() {
        let memory = |limit, swap| Memory { limit, swap, ..Memory::default() };
        for (asked, before, limit, swap) in [
            ((Some(5), None), (Some(3), Some(7)), Some(5), Some(7)),
            ((Some(5), Some(0)), (None, Some(-1)), Some(5), Some(-1)),
            ((Some(5), Some(9)), (Some(3), Some(7)), Some(5), Some(9)),
            ((Some(5), None), (None, None), Some(5), None),
            ((Some(5), None), (Some(-1), Some(7)), Some(5), Some(-1)),
            ((Some(-1), None), (Some(3), Some(7)), Some(-1), None),
            ((None, Some(9)), (Some(3), None), Some(3), Some(9)),
            ((None, None), (Some(3), Some(7)), None, None),
        ] {
            let mut memory_asked = memory(asked.0, asked.1);
            complete_memory(&mut memory_asked, &memory(before.0, before.1));
            assert_eq!(memory_asked, memory(limit, swap), "{asked:?} {before:?}");
        }
    }
}
