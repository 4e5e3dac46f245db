//! `linux.seccomp`.

use alloc::format;

use super::linux;

#[test]
fn seccomp() {
    let check = |added: &str, expect| {
        linux(&format!("\"seccomp\":{{\"defaultAction\":\"SCMP_ACT_ALLOW\",{added}}}"), expect);
    };
    let rule = |added: &str, expect| {
        let rule = format!("\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",{added}");
        check(&format!("\"syscalls\":[{{{rule}}}]"), expect);
    };
    check(r#""architectures":["SCMP_ARCH_X86_64"],"flags":[]"#, "");
    check(r#""defaultAction":"X""#, "linux.seccomp.defaultAction: unknown value");
    check(r#""architectures":["X"]"#, "linux.seccomp.architectures[0]: unknown value");
    check(r#""flags":["X"]"#, "linux.seccomp.flags[0]: unknown value");
    check(r#""defaultErrnoRet":1"#, "linux.seccomp.defaultErrnoRet: only SCMP_ACT_ERRNO");
    check(r#""defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1"#, "");
    check(
        r#""defaultAction":"SCMP_ACT_NOTIFY","listenerPath":"/x""#,
        "linux.seccomp.defaultAction: SCMP_ACT_NOTIFY would make",
    );
    check(r#""listenerMetadata":"x""#, "linux.seccomp.listenerMetadata: needs listenerPath");
    check(r#""listenerPath":"/x","listenerMetadata":"x""#, "");
    rule(r#""errnoRet":38"#, "");
    rule(r#""errnoRet":4096"#, "linux.seccomp.syscalls[0].errnoRet: out of range");
    rule(r#""action":"SCMP_ACT_TRACE","errnoRet":4096"#, "");
    rule(r#""action":"SCMP_ACT_ALLOW","errnoRet":1"#, "linux.seccomp.syscalls[0].errnoRet: only");
    rule(r#""names":[]"#, "linux.seccomp.syscalls[0].names: needs at least one entry");
    rule(r#""names":["no_such_call"]"#, "");
    rule(
        r#""action":"SCMP_ACT_NOTIFY""#,
        "linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY needs",
    );
    rule(
        r#""args":[{"index":6,"value":1,"op":"SCMP_CMP_EQ"}]"#,
        "linux.seccomp.syscalls[0].args[0].index",
    );
    rule(
        r#""args":[{"index":0,"value":1,"op":"X"}]"#,
        "linux.seccomp.syscalls[0].args[0].op: unknown",
    );
    let notify =
        r#""listenerPath":"/x","syscalls":[{"names":["write"],"action":"SCMP_ACT_NOTIFY"}]"#;
    check(notify, "linux.seccomp.syscalls[0].names: SCMP_ACT_NOTIFY cannot be used for write");
}
