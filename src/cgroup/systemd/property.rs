//! Limits as properties of a unit (systemd.resource-control(5)).
//!
//! They are derived from the writes of the plan, so the typed limits and those
//! of `linux.resources.unified` go the same way. What has no property, and what
//! no property can express, is left to the file.

use alloc::vec::Vec;

use super::super::write::Write;
use crate::dbus::Value;
use crate::number;
use crate::spec::Cpu;
use crate::text;

/// The file, the property, and the first systemd that has it.
const PROPERTIES: &[(&str, &str, u32)] = &[
    ("blkio.bfq.weight", "BlockIOWeight", 0),
    ("blkio.weight", "BlockIOWeight", 0),
    ("cpu.shares", "CPUShares", 0),
    ("cpu.weight", "CPUWeight", 0),
    ("cpuset.cpus", "AllowedCPUs", 244),
    ("cpuset.mems", "AllowedMemoryNodes", 244),
    ("io.weight", "IOWeight", 0),
    ("memory.high", "MemoryHigh", 0),
    ("memory.limit_in_bytes", "MemoryLimit", 0),
    ("memory.low", "MemoryLow", 0),
    ("memory.max", "MemoryMax", 0),
    ("memory.min", "MemoryMin", 240),
    ("memory.swap.max", "MemorySwapMax", 0),
    ("pids.max", "TasksMax", 0),
];

/// The first systemd with `CPUQuotaPeriodUSec`.
const QUOTA_PERIOD: u32 = 242;

/// The first systemd that takes a `CPUWeight` of 0 as `cpu.idle`.
const IDLE: u32 = 252;

/// The first systemd with `OOMPolicy` for scopes.
const OOM_POLICY: u32 = 253;

/// A period of the CPU quota where none is given, in microseconds (the kernel's
/// default).
const PERIOD: u64 = 100_000;

/// CPUs and memory nodes beyond this number are none (the kernel's largest
/// `NR_CPUS`).
const LAST_BIT: usize = 8191;

/// One property, as `(sv)`.
pub fn property(name: &str, value: Value) -> Value {
    Value::pair(Value::text(name), Value::variant(value))
}

/// A property as `NAME=VALUE`.
pub fn line(property: &Value) -> &'static str {
    match property {
        Value::Struct(fields) if let [name, value] = &fields[..] => {
            text!("{name}={value}")
        }
        _ => text!("{property}"),
    }
}

/// The properties of these writes, for a systemd of this version. Quota and
/// period are one property: what is not written is as it was asked `before`.
pub fn properties(writes: &[Write], version: u32, before: &Cpu<'_>) -> Vec<Value> {
    let mut properties = Vec::new();
    let mut quota = None;
    let mut period = None;
    for write in writes {
        // Of a file that has another name in another kernel the one that counts
        // as systemd does.
        let (file, value) = match &write.alternative {
            Some((file, value)) if write.file == "io.bfq.weight" => (*file, value),
            _ => (write.file, &write.value),
        };
        let value = value.trim_ascii();
        match file {
            "cpu.max" => {
                let mut words = value.split_ascii_whitespace();
                quota = words.next().and_then(number).or(quota);
                period = words.next().and_then(number).or(period);
            }
            "cpu.cfs_quota_us" => quota = number(value),
            "cpu.cfs_period_us" => period = number(value),
            "cpu.idle" if value == "1" && version >= IDLE => {
                properties.push(property("CPUWeight", Value::u64(0)));
            }
            "memory.oom.group" if version >= OOM_POLICY => {
                let policy = if value == "0" { "continue" } else { "kill" };
                properties.push(property("OOMPolicy", Value::text(policy)));
            }
            _ => {
                let known = PROPERTIES.iter().find(|known| known.0 == file);
                let Some((_, name, _)) = known.filter(|known| known.2 <= version) else { continue };
                let value = match file.starts_with("cpuset.") {
                    true => bits(value).map(|bits| Value::bytes(&bits)),
                    false => number(value).map(Value::u64),
                };
                properties.extend(value.map(|value| property(name, value)));
            }
        }
    }
    if let Some(period) = period
        && version >= QUOTA_PERIOD
    {
        properties.push(property("CPUQuotaPeriodUSec", Value::u64(period)));
    }
    if quota.or(period).is_some() {
        let old = |number: Option<u64>, default| number.filter(|old| *old != 0).unwrap_or(default);
        let old_quota = old(before.quota.and_then(|quota| quota.try_into().ok()), u64::MAX);
        let period = period.unwrap_or(old(before.period, PERIOD));
        let per_second = per_second(quota.unwrap_or(old_quota), period);
        properties.push(property("CPUQuotaPerSecUSec", Value::u64(per_second)));
    }
    properties
}

/// Microseconds a second, in whole percents as systemd counts, rounded up so
/// that cgroups below can have all of the quota.
fn per_second(quota: u64, period: u64) -> u64 {
    const PERCENT: u64 = 10_000;
    // What is beyond all numbers, as no quota is, is no limit.
    let exact = quota.checked_mul(1_000_000).and_then(|time| time.checked_div(period));
    exact.and_then(|exact| exact.checked_next_multiple_of(PERCENT)).unwrap_or(u64::MAX)
}

/// A limit; no limit is systemd's infinity.
fn number(text: &str) -> Option<u64> {
    match text {
        "max" | "-1" => Some(u64::MAX),
        _ => number::unsigned(text),
    }
}

/// `0-3,7` as a bit mask, lowest byte first.
fn bits(list: &str) -> Option<Vec<u8>> {
    let mut mask = Vec::new();
    for range in list.split(',') {
        let (first, last) = range.trim_ascii().split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) =
            (number::unsigned(first.trim_ascii())?, number::unsigned(last.trim_ascii())?);
        if first > last || last > LAST_BIT {
            return None;
        }
        mask.resize(mask.len().max(last / 8 + 1), 0);
        (first..=last).for_each(|bit| mask[bit / 8] |= 1 << (bit % 8));
    }
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::group::Group;
    use crate::cgroup::limits::limits;
    use crate::json::Document;
    use crate::spec::Resources;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec;

    /// Resources as JSON, on v1 or v2, as `NAME=VALUE` lines.
    fn check(unified: bool, version: u32, json: &str, expect: &[&str]) {
        let document = Document::parse(json.as_bytes(), "resources").unwrap();
        let resources = document.read(Resources::parse).unwrap();
        let controllers = match unified {
            true => "cpu,cpuset,io,memory,pids",
            false => "cpu,cpuset,blkio,memory,pids",
        };
        let groups = [Group { unified, controllers, directory: "/d" }];
        let writes = limits(&resources, &groups).unwrap();
        let shown: Vec<String> =
            properties(&writes, version, &Cpu::default()).iter().map(show).collect();
        assert_eq!(shown, expect, "{json}");
    }

    fn show(property: &Value) -> String {
        let Value::Struct(fields) = property else { panic!("{property:?}") };
        let [Value::Text(b's', name), Value::Variant(value)] = &fields[..] else {
            panic!("{property:?}")
        };
        match value {
            Value::Number(b't', u64::MAX) => format!("{name}=infinity"),
            Value::Number(b't', number) => format!("{name}={number}"),
            Value::Text(b's', text) => format!("{name}={text}"),
            Value::Array("y", bytes) => {
                let bytes: Vec<String> = bytes
                    .iter()
                    .map(|byte| match byte {
                        Value::Number(b'y', byte) => format!("{byte:02x}"),
                        _ => panic!("{property:?}"),
                    })
                    .collect();
                format!("{name}=[{}]", bytes.join(" "))
            }
            _ => panic!("{property:?}"),
        }
    }

    const ALL: &str = r#"{
      "memory": {"limit": 1000, "reservation": 500, "swap": 3000},
      "cpu": {"shares": 1024, "quota": 20000, "period": 50000, "cpus": "0-1,9", "mems": "0"},
      "pids": {"limit": 77}, "blockIO": {"weight": 500}
    }"#;

    #[test]
    fn on_v2() {
        check(
            true,
            252,
            ALL,
            &[
                "MemorySwapMax=2000",
                "MemoryMax=1000",
                "MemoryLow=500",
                "CPUWeight=100",
                "AllowedCPUs=[03 02]",
                "AllowedMemoryNodes=[01]",
                "TasksMax=77",
                "IOWeight=4950",
                "CPUQuotaPeriodUSec=50000",
                "CPUQuotaPerSecUSec=400000",
            ],
        );
    }

    #[test]
    fn on_v1_of_an_old_systemd() {
        check(
            false,
            241,
            ALL,
            &[
                "MemoryLimit=1000",
                "CPUShares=1024",
                "TasksMax=77",
                "BlockIOWeight=500",
                "CPUQuotaPerSecUSec=400000",
            ],
        );
    }

    #[test]
    fn no_limits_and_none() {
        check(true, 252, "{}", &[]);
        let none = r#"{"memory":{"limit":-1,"swap":-1},"cpu":{"quota":-1},"pids":{"limit":-1}}"#;
        check(
            true,
            252,
            none,
            &[
                "MemorySwapMax=infinity",
                "MemoryMax=infinity",
                "TasksMax=infinity",
                "CPUQuotaPerSecUSec=infinity",
            ],
        );
        check(true, 252, r#"{"cpu":{"shares":2,"idle":1}}"#, &["CPUWeight=0"]);
        check(true, 251, r#"{"cpu":{"idle":1}}"#, &[]);
        // Rounded up to whole percents, of the default period.
        check(false, 252, r#"{"cpu":{"quota":33333}}"#, &["CPUQuotaPerSecUSec=340000"]);
    }

    #[test]
    fn unified_files() {
        let json = r#"{"unified":{"memory.high":"5000","memory.min":"max","cpu.max":"max 20000",
            "io.weight":"default 50","cpuset.cpus":"x","pids.max":"7\n","memory.oom.group":"1"}}"#;
        check(
            true,
            253,
            json,
            &[
                "MemoryHigh=5000",
                "MemoryMin=infinity",
                "OOMPolicy=kill",
                "TasksMax=7",
                "CPUQuotaPeriodUSec=20000",
                "CPUQuotaPerSecUSec=infinity",
            ],
        );
    }

    #[test]
    fn what_was_asked_before() {
        let write = |file, value| Write {
            group: 0,
            file,
            value,
            alternative: None,
            property: "",
            optional: false,
        };
        let before = Cpu { quota: Some(20_000), period: Some(50_000), ..Cpu::default() };
        for (file, value, expect) in [
            ("cpu.cfs_quota_us", "30000", &["CPUQuotaPerSecUSec=600000"][..]),
            (
                "cpu.cfs_period_us",
                "40000",
                &["CPUQuotaPeriodUSec=40000", "CPUQuotaPerSecUSec=500000"],
            ),
            ("cpu.max", "max", &["CPUQuotaPerSecUSec=infinity"]),
            ("pids.max", "5", &["TasksMax=5"]),
        ] {
            let found = properties(&[write(file, value)], 252, &before);
            assert_eq!(found.iter().map(show).collect::<Vec<String>>(), expect, "{file}");
        }
    }

    #[test]
    fn masks() {
        for (list, mask) in [
            ("0", Some(vec![1])),
            ("0-3, 8", Some(vec![15, 1])),
            ("15", Some(vec![0, 128])),
            ("3-1", None),
            ("8192", None),
            ("99999999999999999999", None),
            ("", None),
            ("-1", None),
            ("1,", None),
        ] {
            assert_eq!(bits(list), mask, "{list}");
        }
    }
}
