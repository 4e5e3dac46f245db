//! `update`: other limits for a container that runs.

use alloc::string::String;
use rustix::io::Errno;
use rustix::process::Pid;

use crate::act::bundle::{read_config, read_document};
use crate::command::quantity::bytes;
use crate::command::{Command, Flag, Invocation};
use crate::container::{State, Status, limits};
use crate::cut;
use crate::error::{Error, Result};
use crate::json::{Document, Writer};
use crate::number;
use crate::rdt;
use crate::spec::{IntelRdt, Resources};
use crate::sys::descriptor::standard;
use crate::sys::signal;
use crate::text;

/// The declaration.
pub static COMMAND: Command = Command {
    text: "update <container-id>\n\
        change the limits of a container\n\
        What is not given stays as it is. BYTES may end with K, M, G, T or P; -1 is no limit.\n\
        FILE has an object as linux.resources of config.json, of which devices is left out\n\
        unless --devices is given.",
    flags: &[
        Flag("resources FILE, -r: read them from FILE, or stdin for -; no other flag counts"),
        Flag("devices: the rules for devices of FILE take the place of the container's"),
        Flag("blkio-weight N: weight of block I/O, 10 to 1000"),
        Flag("cpu-period N: CFS period in microseconds"),
        Flag("cpu-quota N: CFS quota in microseconds; -1 is none"),
        Flag("cpu-burst N: CFS burst in microseconds"),
        Flag("cpu-share N: CPU shares, 2 to 262144"),
        Flag("cpu-rt-period N: real-time period in microseconds"),
        Flag("cpu-rt-runtime N: real-time runtime in microseconds"),
        Flag("cpu-idle N: 1 for SCHED_IDLE, 0 for not"),
        Flag("cpuset-cpus LIST: CPUs to use, as 0-3,7"),
        Flag("cpuset-mems LIST: memory nodes to use, as 0-3,7"),
        Flag("memory BYTES: memory"),
        Flag("memory-reservation BYTES: memory, as a soft limit"),
        Flag("memory-swap BYTES: memory and swap together"),
        Flag("pids-limit N: processes; -1 is no limit"),
        Flag("l3-cache-schema SCHEMA: Intel RDT/CAT schema of the L3 cache"),
        Flag("mem-bw-schema SCHEMA: Intel RDT/MBA schema of memory bandwidth"),
        Flag("kernel-memory BYTES, hidden: ignored"),
        Flag("kernel-memory-tcp BYTES, hidden: ignored"),
    ],
    min: 1,
    max: 1,
    verbatim: false,
    failure: 1,
    run,
};

/// Flags with their places in the object: by section, the kind of the value in
/// front (`n`umber, `b`ytes, `t`ext).
const PLACES: &str = "\
blockIO nweight:blkio-weight
cpu nperiod:cpu-period nquota:cpu-quota nburst:cpu-burst nshares:cpu-share \
nrealtimePeriod:cpu-rt-period nrealtimeRuntime:cpu-rt-runtime nidle:cpu-idle \
tcpus:cpuset-cpus tmems:cpuset-mems
memory blimit:memory breservation:memory-reservation bswap:memory-swap
pids nlimit:pids-limit";

fn run(invocation: &Invocation) -> Result<u8> {
    let id = invocation.id()?;
    let root = invocation.root()?;
    let directory = root.container(&id)?;
    let (text, name) = match invocation.text("resources") {
        Some("-") => (read_document(standard(0), "-", 4096)?, "stdin"),
        Some(file) => (read_config(file)?, file),
        None => {
            for flag in ["kernel-memory", "kernel-memory-tcp"] {
                if invocation.text(flag).is_some() {
                    invocation.log.warning(format_args!("--{flag} is ignored"));
                }
            }
            (from_flags(&|flag| invocation.value(flag))?.leak().as_bytes(), "flags")
        }
    };
    let document = Document::parse(text, name)?;
    let mut asked = Resources::read(&document)?;
    match (invocation.flag("devices"), asked.devices.is_empty()) {
        (true, true) => return Err(Error::about("--devices: {} has no devices", name)),
        (true, false) => {}
        // An engine sends those that it knows of; others may have been allowed since.
        (false, _) => asked.devices.clear(),
    }
    let schema = |flag| invocation.text(flag);
    let shares = IntelRdt {
        l3_cache_schema: schema("l3-cache-schema"),
        mem_bw_schema: schema("mem-bw-schema"),
        ..IntelRdt::default()
    };
    let what = match (shares.l3_cache_schema, shares.mem_bw_schema) {
        (None, None) => "",
        (Some(_), _) => "Intel RDT/CAT: l3 cache schema is not enabled",
        (None, Some(_)) => "Intel RDT/MBA: memory bandwidth schema is not enabled",
    };
    if !what.is_empty() && !rdt::is_there() {
        return Err(Error::new(what));
    }

    let lock = directory.lock()?;
    let state = directory.state()?;
    if lock.status(Some(state))? == Status::Stopped {
        return Err(Error::new("container not running"));
    }
    let saved = if state.limits.is_empty() { "{}" } else { state.limits };
    let saved = Document::parse(saved.as_bytes(), "state.json")?;
    let before = saved.read(Resources::parse)?;
    let mut undo = Resources {
        memory: asked.memory.and(before.memory),
        cpu: asked.cpu.and(before.cpu),
        pids: asked.pids.and(before.pids),
        ..Resources::default()
    };
    let set = |resources: &mut Resources<'_>| match &state.systemd {
        Some(unit) => unit.update(&state.cgroups, resources, &before),
        None => state.cgroups.update(resources, &before),
    };
    if let Err(error) = set(&mut asked) {
        // As far as it goes: what was written before the failure.
        let _ = set(&mut undo);
        return Err(error);
    }
    state.limits = limits::merge(saved.value(), document.value());
    if !what.is_empty() {
        share(state, &shares)?;
    }
    // A limit of the caller's for files is an error, and not our end (SIGXFSZ).
    signal::block(signal::Set::ALL);
    directory.save(&lock, state)?;
    Ok(0)
}

/// Other shares of caches and memory bandwidth; a container that has had none
/// gets a class of its own.
fn share(state: &mut State, shares: &IntelRdt<'_>) -> Result<()> {
    if !state.rdt.class.is_empty() {
        return state.rdt.share(shares);
    }
    let mut group = rdt::Group::plan(rdt::ROOT, shares, state.id.as_str())?;
    let made = group.create(shares).and_then(|()| {
        let pids = state.cgroups.pids()?;
        pids.into_iter().filter_map(Pid::from_raw).try_for_each(|pid| match group.enter(pid) {
            // It has ended meanwhile.
            Err(error) if error.errno == Some(Errno::SRCH) => Ok(()),
            result => result,
        })
    });
    match &made {
        Ok(()) => state.rdt = group,
        Err(_) => drop(group.remove()),
    }
    made
}

/// The flags as the document that `--resources` reads.
fn from_flags(value: &dyn Fn(&str) -> Option<&'static str>) -> Result<String> {
    let mut out = Writer::new();
    out.open_object();
    for line in PLACES.lines() {
        let mut words = line.split(' ');
        out.object_field(words.next().unwrap_or_default());
        for word in words {
            let (property, flag) = word.split_once(':').unwrap_or_default();
            let (kind, property) = cut::at(property, 1);
            let Some(value) = value(flag).filter(|value| !value.is_empty()) else { continue };
            let invalid = |what: &str| Error::about_both("invalid value for {}: {}", flag, what);
            if kind == "t" {
                out.string_field(property, value);
                continue;
            }
            let number = if kind == "n" || value == "-1" {
                number::signed(value)
                    .ok_or_else(|| invalid(text::about("\"{}\" is not a number", value)))
            } else {
                bytes(value).map_err(|error| invalid(error.what))
            };
            out.number_field(property, number?);
        }
        out.close();
    }
    out.close();
    Ok(out.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn check(flags: &[(&str, &'static str)], expect: &str) {
        let find = |flag: &str| flags.iter().find(|(name, _)| *name == flag).map(|(_, v)| *v);
        let got = from_flags(&find).unwrap_or_else(|error| error.to_string());
        assert_eq!(got, expect);
    }

    #[test]
    fn documents() {
        check(&[], r#"{"blockIO":{},"cpu":{},"memory":{},"pids":{}}"#);
        check(
            &[
                ("blkio-weight", "500"),
                ("cpu-period", "10000"),
                ("cpu-quota", "-1"),
                ("cpu-burst", "0"),
                ("cpu-share", "1024"),
                ("cpu-rt-period", "1"),
                ("cpu-rt-runtime", "2"),
                ("cpu-idle", "1"),
                ("cpuset-cpus", "0-1"),
                ("cpuset-mems", "0"),
                ("memory", "32M"),
                ("memory-reservation", "1.5k"),
                ("memory-swap", "-1"),
                ("pids-limit", "20"),
                ("kernel-memory", "1"),
            ],
            r#"{"blockIO":{"weight":500},"cpu":{"period":10000,"quota":-1,"burst":0,"shares":1024,"realtimePeriod":1,"realtimeRuntime":2,"idle":1,"cpus":"0-1","mems":"0"},"memory":{"limit":33554432,"reservation":1536,"swap":-1},"pids":{"limit":20}}"#,
        );
    }

    #[test]
    fn every_place_is_a_flag() {
        let places = PLACES.split_whitespace().filter_map(|word| word.split_once(':'));
        for (_, flag) in places {
            assert!(COMMAND.flags.iter().any(|declared| declared.long() == flag), "{flag}");
        }
    }

    #[test]
    fn invalid_values() {
        check(&[("cpu-quota", "x")], "invalid value for cpu-quota: \"x\" is not a number");
        check(&[("memory", "12q")], "invalid value for memory: invalid suffix: 'q'");
        check(&[("memory-swap", "-5")], "invalid value for memory-swap: invalid size: '-5'");
    }
}
