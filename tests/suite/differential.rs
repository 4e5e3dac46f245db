//! Bundles under ocinit, Debian's runc and Debian's crun: what the guest sees
//! inside, what the host sees of the control groups, and the exit statuses.
//!
//! Each group of the generator is a test. Most want the v1 view; the limits of v2, where every
//! file of the cgroup is compared, a machine with all of its controllers: `unified` the
//! file-system driver, `scopes` systemd's. A difference that
//! `differential/explained.txt` does not explain fails it, and so does an
//! explanation that explains nothing any more. `OCINIT_CASE=PATTERN` runs some
//! of the bundles only, and does not judge the list.

use ocinit_tests::cgroups;
use ocinit_tests::differential::{self as diff, Bench, Explained, cases, explained, verdict};
use ocinit_tests::isolate::{self, View};
use ocinit_tests::skip;

ocinit_tests::isolate!(ocinit_tests::isolate::enter_v1);

const EXPLAINED: &str = include_str!("differential/explained.txt");

fn compare(group: &str) {
    // crun refuses the hybrid layout, and its limits for devices do not load on the v2 view of
    // a machine that has only parts of it.
    let here = match group {
        "unified" | "scopes" => cases::fit(group) && cgroups::unified_has("memory"),
        _ => isolate::view() == View::V1,
    };
    if !here {
        skip!("these bundles are for other control groups, or another driver");
    }
    if !ocinit_tests::oci::is_ocinit() {
        skip!("the binary under test is not ocinit");
    }
    let runtimes = match diff::runtimes() {
        Ok(all) => all,
        Err(why) => skip!("{why}"),
    };
    let explained = Explained::parse(EXPLAINED);
    let only = std::env::var("OCINIT_CASE").ok();
    let mut used = explained::Used::default();
    let (mut fields, mut differences, mut open) = (0, 0, Vec::new());
    let bench = Bench::new();
    let all = cases::of(group);
    let wanted = |name: &str| only.as_deref().is_none_or(|p| explained::matches(p, name));
    for case in all.iter().filter(|c| wanted(&c.name)) {
        let seen = runtimes.each_ref().map(|r| bench.run(case, r));
        let (compared, found) = verdict::compare(&case.name, &seen);
        fields += compared;
        differences += found.len();
        open.extend(found.into_iter().filter(|d| !explained.explains(d, &mut used)));
    }
    drop(bench);
    println!("{group}: {} bundles, {fields} fields, {differences} differ", all.len());
    let open: Vec<String> = open.iter().map(|d| d.to_string()).collect();
    let unused = if only.is_none() { explained.unused(group, &used) } else { Vec::new() };
    assert!(open.is_empty(), "{} not explained:\n{}", open.len(), open.join("\n"));
    assert!(unused.is_empty(), "explain nothing any more:\n{}", unused.join("\n"));
}

macro_rules! groups {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                compare(stringify!($name));
            }
        )*

        #[test]
        fn every_group_has_a_test_and_names_are_unique() {
            let groups: Vec<&str> = cases::GROUPS.iter().map(|g| g.0).collect();
            assert_eq!(groups, [$(stringify!($name)),*]);
            let all = cases::all();
            let mut names: Vec<&str> = all.iter().map(|c| c.name.as_str()).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "two bundles of one name");
            assert!(count >= 150, "{count} bundles");
        }
    };
}

groups! {
    defaults exit namespaces options mounts propagation devices paths sysctl seccomp ids
    capabilities rlimits process cgroups resources unified scopes hooks
}
