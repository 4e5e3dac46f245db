//! `process`.

use alloc::format;
use alloc::string::ToString;

use super::{process, top};
use crate::json::Document;
use crate::spec::Process;

#[test]
fn processes() {
    top(r#""process":null"#, "");
    process(r#""args":[]"#, "process.args: must name a program");
    process(r#""args":null"#, "process.args: must name a program");
    process(r#""args":[""]"#, "process.args: must name a program");
    process(r#""args":["a",2]"#, "2:13: process.args[1]: expected a string, found a number");
    process(r#""commandLine":"sh -c x""#, "process.commandLine: only Windows has it");
    process(r#""commandLine":"""#, "");
    process(r#""commandLine":["sh"]"#, "process.commandLine: expected a string, found an array");
    process(r#""cwd":"tmp""#, "2:1: process.cwd: Cwd must be an absolute path");
    process(r#""env":["A=b","C"]"#, "process.env[1]: must be NAME=value");
    process(r#""env":["=b"]"#, "process.env[0]: must be NAME=value");
    process(r#""user":{"uid":"0"}"#, "process.user.uid: expected an integer, found a string");
    process(r#""user":{"uid":-1}"#, "process.user.uid: out of range");
    process(r#""user":{"umask":63}"#, "");
    process(r#""user":{"umask":512}"#, "process.user.umask: out of range");
    process(r#""consoleSize":{"height":24,"width":80}"#, "");
    process(r#""oomScoreAdj":-1000"#, "");
    process(r#""oomScoreAdj":1001"#, "process.oomScoreAdj: out of range");
    process(r#""capabilities":{"bounding":["CAP_NEW"]}"#, "");
    process(
        r#""capabilities":{"bounding":"CAP_KILL"}"#,
        "process.capabilities.bounding: expected an array, found a string",
    );
}

#[test]
fn rlimits() {
    let limit = r#"{"type":"RLIMIT_NOFILE","soft":1,"hard":2}"#;
    process(&format!("\"rlimits\":[{limit}]"), "");
    process(&format!("\"rlimits\":[{limit},{limit}]"), "process.rlimits[1].type: the same type");
    process(
        r#""rlimits":[{"type":"RLIMIT_X","soft":1,"hard":2}]"#,
        "process.rlimits[0].type: unknown value \"RLIMIT_X\"; known are: RLIMIT_AS RLIMIT_CORE",
    );
    process(
        r#""rlimits":[{"type":"RLIMIT_CPU","soft":3,"hard":2}]"#,
        "process.rlimits[0].soft: must not be more than hard",
    );
    process(
        r#""rlimits":[{"type":"RLIMIT_CPU","soft":3}]"#,
        "process.rlimits[0].hard: required property is missing",
    );
}

#[test]
fn schedulers() {
    let check = |added: &str, expect| process(&format!("\"scheduler\":{{{added}}}"), expect);
    check("", "process.scheduler.policy: required");
    check(r#""policy":"SCHED_X""#, "process.scheduler.policy: unknown value");
    check(r#""policy":"SCHED_OTHER","nice":-20"#, "");
    check(r#""policy":"SCHED_OTHER","nice":100"#, "process.scheduler.nice: out of range");
    check(r#""policy":"SCHED_OTHER","flags":["X"]"#, "process.scheduler.flags[0]: unknown value");
    check(r#""policy":"SCHED_OTHER","flags":["SCHED_FLAG_RESET_ON_FORK"]"#, "");
    check(r#""policy":"SCHED_BATCH","priority":1"#, "process.scheduler.priority: only");
    check(r#""policy":"SCHED_FIFO","priority":100"#, "process.scheduler.priority: out of range");
    check(r#""policy":"SCHED_RR","priority":99"#, "");
    check(r#""policy":"SCHED_RR","priority":1,"runtime":5"#, "process.scheduler.runtime: only");
    check(r#""policy":"SCHED_DEADLINE","runtime":10,"deadline":20,"period":30"#, "");
    check(r#""policy":"SCHED_DEADLINE","runtime":10,"deadline":20"#, "");
    check(
        r#""policy":"SCHED_DEADLINE","runtime":10,"deadline":5"#,
        "process.scheduler: SCHED_DEADLINE needs",
    );
}

#[test]
fn io_priority_and_affinity() {
    process(r#""ioPriority":{"class":"IOPRIO_CLASS_BE","priority":7}"#, "");
    process(
        r#""ioPriority":{"class":"IOPRIO_CLASS_BE","priority":9}"#,
        "process.ioPriority.priority",
    );
    process(r#""ioPriority":{"class":"X","priority":1}"#, "process.ioPriority.class: unknown");
    process(r#""execCPUAffinity":{"initial":"0-3,7","final":""}"#, "");
    process(r#""execCPUAffinity":{"initial":"x"}"#, "process.execCPUAffinity.initial: not a list");
    process(r#""execCPUAffinity":{"final":"3-1"}"#, "process.execCPUAffinity.final: not a list");
}

#[test]
fn exec_documents() {
    let text = "{\n\"cwd\":\"x\",\"args\":[\"a\"]}";
    let document = Document::parse(text.as_bytes(), "p.json").unwrap();
    assert_eq!(
        Process::read(&document).unwrap_err().to_string(),
        "p.json:2:1: cwd: Cwd must be an absolute path"
    );
}
