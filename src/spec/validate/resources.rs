//! Rules about `linux.resources`.

use super::Rules;
use crate::spec::{BlockIo, Cpu, Memory, Resources};

pub(super) fn check(rules: &mut Rules, resources: &Resources<'_>) {
    if let Some(it) = &resources.memory {
        memory(rules, it);
    }
    if let Some(it) = &resources.cpu {
        cpu(rules, it);
    }
    if let Some(it) = &resources.block_io {
        block_io(rules, it);
    }
    for (index, limit) in resources.hugepage_limits.iter().enumerate() {
        rules.require_at(
            is_page_size(limit.page_size),
            index,
            "hugepageLimits[#].pageSize: not a page size like 64KB, 2MB or 1GB",
        );
    }
    for (key, _) in &resources.unified {
        let (controller, rest) = key.split_once('.').unwrap_or(("", ""));
        rules.require_of(
            !controller.is_empty() && !rest.is_empty() && !key.as_bytes().contains(&b'/'),
            key,
            0,
            "unified[\"*\"]: must be the name of a file like memory.high, without slashes",
        );
    }
}

fn memory(rules: &mut Rules, memory: &Memory) {
    for (name, limit) in [
        ("limit", memory.limit),
        ("reservation", memory.reservation),
        ("swap", memory.swap),
        ("kernel", memory.kernel),
        ("kernelTCP", memory.kernel_tcp),
    ] {
        rules.require_of(
            limit.is_none_or(|limit| limit >= -1),
            name,
            0,
            "memory.*: must be a number of bytes, or -1 for no limit",
        );
    }
    let (limit, swap) = (memory.limit.unwrap_or(0), memory.swap.unwrap_or(0));
    rules.require(
        limit <= 0 || swap <= 0 || swap >= limit,
        "memory.swap: is memory and swap together, so it must not be less than limit",
    );
    rules.require(
        // Go programs write -1 for unset as an unsigned number.
        memory.swappiness.is_none_or(|value| value <= 100 || value == u64::MAX),
        "memory.swappiness: out of range: allowed are 0 to 100",
    );
}

fn cpu(rules: &mut Rules, cpu: &Cpu<'_>) {
    let quota = cpu.quota.unwrap_or(0);
    rules.require(
        quota <= 0 || cpu.burst.is_none_or(|burst| burst <= quota as u64),
        "cpu.burst: must not be more than quota",
    );
    rules.require(
        cpu.idle.is_none_or(|idle| matches!(idle, 0 | 1)),
        "cpu.idle: allowed are 0 and 1",
    );
}

fn block_io(rules: &mut Rules, io: &BlockIo) {
    let allowed = |weight: Option<u32>| matches!(weight, None | Some(0 | 10..=1000));
    for (name, weight) in [("weight", io.weight), ("leafWeight", io.leaf_weight)] {
        rules.require_of(
            allowed(weight),
            name,
            0,
            "blockIO.*: out of range: allowed are 10 to 1000",
        );
    }
    for (index, device) in io.weight_device.iter().enumerate() {
        rules.require_at(
            allowed(device.weight) && allowed(device.leaf_weight),
            index,
            "blockIO.weightDevice[#]: weights out of range: allowed are 10 to 1000",
        );
    }
}

/// `64KB`, `2MB`, `1GB`: digits and a unit.
fn is_page_size(text: &str) -> bool {
    let [digits @ .., b'K' | b'M' | b'G', b'B'] = text.as_bytes() else {
        return false;
    };
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}
