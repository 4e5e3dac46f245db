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
        rules.require(
            is_page_size(limit.page_size),
            format_args!("hugepageLimits[{index}].pageSize"),
            "not a page size like 64KB, 2MB or 1GB",
        );
    }
    for (key, _) in &resources.unified {
        let (controller, rest) = key.split_once('.').unwrap_or(("", ""));
        rules.require(
            !controller.is_empty() && !rest.is_empty() && !key.contains('/'),
            format_args!("unified[\"{key}\"]"),
            "must be the name of a file like memory.high, without slashes",
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
        rules.require(
            limit.is_none_or(|limit| limit >= -1),
            format_args!("memory.{name}"),
            "must be a number of bytes, or -1 for no limit",
        );
    }
    let (limit, swap) = (memory.limit.unwrap_or(0), memory.swap.unwrap_or(0));
    rules.require(
        limit <= 0 || swap <= 0 || swap >= limit,
        format_args!("memory.swap"),
        "is memory and swap together, so it must not be less than limit",
    );
    rules.require(
        // Go programs write -1 for unset as an unsigned number.
        memory.swappiness.is_none_or(|value| value <= 100 || value == u64::MAX),
        format_args!("memory.swappiness"),
        "out of range: allowed are 0 to 100",
    );
}

fn cpu(rules: &mut Rules, cpu: &Cpu<'_>) {
    let quota = cpu.quota.unwrap_or(0);
    rules.require(
        quota <= 0 || cpu.burst.is_none_or(|burst| burst <= quota as u64),
        format_args!("cpu.burst"),
        "must not be more than quota",
    );
    rules.require(
        cpu.idle.is_none_or(|idle| matches!(idle, 0 | 1)),
        format_args!("cpu.idle"),
        "allowed are 0 and 1",
    );
}

fn block_io(rules: &mut Rules, io: &BlockIo) {
    let allowed = |weight: Option<u16>| matches!(weight, None | Some(0 | 10..=1000));
    const RANGE: &str = "out of range: allowed are 10 to 1000";
    rules.require(allowed(io.weight), format_args!("blockIO.weight"), RANGE);
    rules.require(allowed(io.leaf_weight), format_args!("blockIO.leafWeight"), RANGE);
    for (index, device) in io.weight_device.iter().enumerate() {
        rules.require(
            allowed(device.weight) && allowed(device.leaf_weight),
            format_args!("blockIO.weightDevice[{index}]"),
            RANGE,
        );
    }
}

/// `64KB`, `2MB`, `1GB`: digits and a unit.
fn is_page_size(text: &str) -> bool {
    let digits = text.strip_suffix('B').and_then(|text| text.strip_suffix(['K', 'M', 'G']));
    digits.is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}
