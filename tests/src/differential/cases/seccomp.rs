//! Filters: what the guest's calls return under them.

use super::Case;
use serde_json::{Value, json};

const CALLS: [&str; 6] = [
    "call:getcwd",
    "call:personality,4294967295",
    "call:personality,8",
    "call:getpriority",
    "call:unshare",
    "call:newest",
];

fn rule(names: &[&str], action: &str) -> Value {
    json!({"names": names, "action": action})
}

fn with(mut rule: Value, more: Value) -> Value {
    rule.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
    rule
}

/// All of them.
pub fn all() -> Vec<Case> {
    let case = |name: &str, default: &str, rules: Vec<Value>| {
        let profile = json!({"defaultAction": default, "syscalls": rules});
        Case::new("seccomp", name).linux("seccomp", profile).probes(&CALLS)
    };
    let allow = |name: &str, rules: Vec<Value>| case(name, "SCMP_ACT_ALLOW", rules);
    let argument = |name: &str, op: &str, value: u64, two: u64| {
        let args = json!([{"index": 0, "value": value, "valueTwo": two, "op": op}]);
        let refused = with(rule(&["personality"], "SCMP_ACT_ERRNO"), json!({"args": args}));
        allow(name, vec![refused])
    };
    let profile = |name: &str, more: Value| {
        let rules = vec![rule(&["getcwd"], "SCMP_ACT_ERRNO")];
        allow(name, rules).with(|c| {
            let profile = c["linux"]["seccomp"].as_object_mut().expect("object");
            profile.extend(more.as_object().expect("object").clone());
        })
    };
    // runc itself needs what the others refuse, once it has loaded the filter.
    let late = |name: &str| {
        allow(name, vec![rule(&["getpriority"], "SCMP_ACT_ERRNO")])
            .process("noNewPrivileges", json!(false))
    };
    vec![
        allow("allow-all", vec![]),
        allow("errno", vec![rule(&["getcwd"], "SCMP_ACT_ERRNO")]),
        allow(
            "errno-value",
            vec![with(rule(&["getcwd"], "SCMP_ACT_ERRNO"), json!({"errnoRet": 38}))],
        ),
        allow("errno-0", vec![with(rule(&["getcwd"], "SCMP_ACT_ERRNO"), json!({"errnoRet": 0}))]),
        allow("several-names", vec![rule(&["getcwd", "getpriority", "unshare"], "SCMP_ACT_ERRNO")]),
        allow("log", vec![rule(&["getcwd"], "SCMP_ACT_LOG")]),
        allow("unknown-name", vec![rule(&["nosuchcall", "getcwd"], "SCMP_ACT_ERRNO")]),
        allow("kill-process", vec![rule(&["getcwd"], "SCMP_ACT_KILL_PROCESS")]),
        allow("kill-thread", vec![rule(&["getcwd"], "SCMP_ACT_KILL_THREAD")]),
        allow("kill", vec![rule(&["getcwd"], "SCMP_ACT_KILL")]),
        allow("trap", vec![rule(&["getcwd"], "SCMP_ACT_TRAP")]),
        allow("trace", vec![rule(&["getpriority"], "SCMP_ACT_TRACE")]),
        argument("argument-equal", "SCMP_CMP_EQ", 8, 0),
        argument("argument-not-equal", "SCMP_CMP_NE", 8, 0),
        argument("argument-less", "SCMP_CMP_LT", 8, 0),
        argument("argument-less-equal", "SCMP_CMP_LE", 8, 0),
        argument("argument-greater", "SCMP_CMP_GT", 8, 0),
        argument("argument-greater-equal", "SCMP_CMP_GE", 8, 0),
        argument("argument-masked", "SCMP_CMP_MASKED_EQ", 8, 8),
        allow(
            "two-conditions-on-one-argument",
            vec![with(
                rule(&["personality"], "SCMP_ACT_ERRNO"),
                json!({"args": [{"index": 0, "value": 5, "op": "SCMP_CMP_GT"},
                {"index": 0, "value": 20, "op": "SCMP_CMP_LT"}]}),
            )],
        ),
        allow("same-action-as-default", vec![rule(&["getcwd"], "SCMP_ACT_ALLOW")]),
        allow(
            "rules-contradict",
            vec![
                rule(&["getcwd"], "SCMP_ACT_ERRNO"),
                with(rule(&["getcwd"], "SCMP_ACT_ERRNO"), json!({"errnoRet": 38})),
            ],
        ),
        case("default-errno", "SCMP_ACT_ERRNO", vec![rule(WHAT_THE_GUEST_NEEDS, "SCMP_ACT_ALLOW")]),
        case(
            "default-errno-value",
            "SCMP_ACT_ERRNO",
            vec![rule(WHAT_THE_GUEST_NEEDS, "SCMP_ACT_ALLOW")],
        )
        .with(|c| c["linux"]["seccomp"]["defaultErrnoRet"] = json!(95)),
        case(
            "newer-than-the-profile",
            "SCMP_ACT_ERRNO",
            vec![rule(WHAT_THE_GUEST_NEEDS, "SCMP_ACT_ALLOW")],
        )
        .with(|c| c["linux"]["seccomp"]["architectures"] = json!(["SCMP_ARCH_X86_64"])),
        profile("native-architecture", json!({"architectures": ["SCMP_ARCH_X86_64"]})),
        profile(
            "three-architectures",
            json!({"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"]}),
        ),
        profile("foreign-architecture", json!({"architectures": ["SCMP_ARCH_AARCH64"]})),
        profile("flag-log", json!({"flags": ["SECCOMP_FILTER_FLAG_LOG"]})),
        profile("flag-spec-allow", json!({"flags": ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]})),
        profile("flag-tsync", json!({"flags": ["SECCOMP_FILTER_FLAG_TSYNC"]})),
        late("no-new-privileges-off"),
        late("as-a-user").process("user", json!({"uid": 1000, "gid": 1000})),
        profile("bad-action", json!({"defaultAction": "SCMP_ACT_X"})),
        profile("bad-architecture", json!({"architectures": ["SCMP_ARCH_X"]})),
        profile("bad-flag", json!({"flags": ["SECCOMP_FILTER_FLAG_X"]})),
    ]
}

/// For the report under a filter that refuses everything else; and `execve` and
/// what runtimes do between loading the filter and it.
const WHAT_THE_GUEST_NEEDS: &[&str] = &[
    "access",
    "arch_prctl",
    "brk",
    "capget",
    "capset",
    "chdir",
    "clone",
    "clone3",
    "close",
    "close_range",
    "dup3",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "execve",
    "execveat",
    "exit",
    "exit_group",
    "faccessat2",
    "fchdir",
    "fcntl",
    "fgetxattr",
    "fstat",
    "fstatfs",
    "futex",
    "getdents64",
    "get_mempolicy",
    "getcwd",
    "getegid",
    "geteuid",
    "getgid",
    "getpgid",
    "getpid",
    "getppid",
    "getrandom",
    "getrlimit",
    "getsid",
    "gettid",
    "getuid",
    "ioctl",
    "ioprio_get",
    "keyctl",
    "lseek",
    "lstat",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "open",
    "openat",
    "pipe2",
    "poll",
    "prctl",
    "pread64",
    "prlimit64",
    "read",
    "readlink",
    "readlinkat",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_getattr",
    "sched_yield",
    "seccomp",
    "set_robust_list",
    "set_tid_address",
    "setgid",
    "setgroups",
    "setuid",
    "sigaltstack",
    "socket",
    "stat",
    "statx",
    "tgkill",
    "uname",
    "wait4",
    "write",
    "writev",
];
