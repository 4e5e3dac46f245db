//! Statistics of made-up cgroups: directories with files as the kernel writes
//! them.

extern crate std;

use alloc::format;
use alloc::string::String;
use std::path::PathBuf;

use super::group::{Cgroups, Group};
use crate::json::Writer;

/// The directory goes away with the value.
struct Fake(PathBuf);

impl Fake {
    fn new(name: &str, files: &[(&str, &str)]) -> Fake {
        let name = format!("ocinit-stats-{}-{name}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).unwrap();
        let fake = Fake(directory);
        for (file, text) in files {
            std::fs::write(fake.0.join(file), text).unwrap();
        }
        fake
    }

    fn group(&self, controllers: &'static str) -> Group {
        Group {
            unified: controllers.is_empty(),
            controllers,
            directory: crate::text::keep(self.0.to_str().unwrap()),
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn stats(groups: &[Group]) -> String {
    let mut out = Writer::new();
    out.open_object();
    Cgroups { groups: groups.to_vec() }.write_stats(&mut out).unwrap();
    out.close();
    out.finish()
}

const CPUSET: &str = "\"mem_hardwall\":0,\"mem_exclusive\":0,\"memory_migrate\":0,\
    \"memory_spread_page\":0,\"memory_spread_slab\":0,\"memory_pressure\":0,";

#[test]
fn without_cgroups() {
    assert_eq!(
        stats(&[]),
        format!(
            r#"{{"cpu":{{"usage":{{"kernel":0,"user":0}},"throttling":{{}}}},"cpuset":{{"cpu_exclusive":0,{CPUSET}"sched_load_balance":0,"sched_relax_domain_level":0}},"memory":{{"usage":{{"limit":0,"failcnt":0}},"swap":{{"limit":0,"failcnt":0}},"kernel":{{"limit":0,"failcnt":0}},"kernelTCP":{{"limit":0,"failcnt":0}}}},"pids":{{}},"blkio":{{}},"hugetlb":{{}}}}"#
        )
    );
}

#[test]
fn version_1() {
    let fake = Fake::new(
        "v1",
        &[
            ("cpuacct.usage", "17759421\n"),
            ("cpuacct.usage_percpu", "17759421 0 \n"),
            ("cpuacct.usage_all", "cpu user system\n0 3992799 8000000\n1 0 0\n"),
            ("cpuacct.stat", "user 2\nsystem 1\n"),
            ("cpu.stat", "nr_periods 3\nnr_throttled 0\nthrottled_time 5\nnr_bursts 0\n"),
            ("cpuset.cpus", "0-1\n"),
            ("cpuset.mems", "0\n"),
            ("cpuset.sched_load_balance", "1\n"),
            ("cpuset.sched_relax_domain_level", "-1\n"),
            ("memory.stat", "rss 57344\ncache 4096\nrss_huge 0\n"),
            ("memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory.usage_in_bytes", "557056\n"),
            ("memory.max_usage_in_bytes", "2473984\n"),
            ("memory.failcnt", "2\n"),
            ("memory.memsw.usage_in_bytes", "7\n"),
            ("memory.kmem.tcp.limit_in_bytes", "8\n"),
            ("pids.current", "1\n"),
            ("pids.max", "20\n"),
            ("blkio.bfq.io_serviced_recursive", "Total 0\n"),
            ("blkio.throttle.io_serviced_recursive", "8:0 Read 3\n8:0 Total 3\nTotal 3\n"),
            ("blkio.throttle.io_service_bytes_recursive", "8:0 Read 4096\nTotal 4096\n"),
            ("hugetlb.2MB.limit_in_bytes", "0\n"),
            ("hugetlb.2MB.usage_in_bytes", "1\n"),
            ("hugetlb.2MB.rsvd.limit_in_bytes", "0\n"),
            ("hugetlb.2MB.rsvd.usage_in_bytes", "2097152\n"),
            ("hugetlb.2MB.rsvd.failcnt", "0\n"),
            ("hugetlb.2MB.rsvd.max_usage_in_bytes", "3\n"),
            ("hugetlb.1GB.limit_in_bytes", "0\n"),
        ],
    );
    let all = "cpuacct,cpu,cpuset,memory,pids,blkio,hugetlb";
    assert_eq!(
        stats(&[fake.group(all)]),
        format!(
            r#"{{"cpu":{{"usage":{{"total":17759421,"percpu":[17759421,0],"percpu_kernel":[8000000,0],"percpu_user":[3992799,0],"kernel":10000000,"user":20000000}},"throttling":{{"periods":3,"throttledTime":5}}}},"cpuset":{{"cpus":[0,1],"cpu_exclusive":0,"mems":[0],{CPUSET}"sched_load_balance":1,"sched_relax_domain_level":-1}},"memory":{{"cache":4096,"usage":{{"limit":9223372036854771712,"usage":557056,"max":2473984,"failcnt":2}},"swap":{{"limit":0,"usage":7,"failcnt":0}},"kernel":{{"limit":0,"failcnt":0}},"kernelTCP":{{"limit":8,"failcnt":0}},"raw":{{"cache":4096,"rss":57344,"rss_huge":0}}}},"pids":{{"current":1,"limit":20}},"blkio":{{"ioServiceBytesRecursive":[{{"major":8,"op":"Read","value":4096}}],"ioServicedRecursive":[{{"major":8,"op":"Read","value":3}},{{"major":8,"op":"Total","value":3}}]}},"hugetlb":{{"1GB":{{"failcnt":0}},"2MB":{{"usage":2097152,"max":3,"failcnt":0}}}}}}"#
        )
    );
}

#[test]
fn version_2() {
    let fake = Fake::new(
        "v2",
        &[
            (
                "cpu.stat",
                "usage_usec 40\nuser_usec 30\nsystem_usec 10\nnr_periods 4\nnr_throttled 1\n\
                 throttled_usec 6\n",
            ),
            (
                "cpu.pressure",
                "some avg10=0.00 avg60=12.30 avg300=100.00 total=77\n\
                 full avg10=0.05 avg60=0.00 avg300=0.00 total=3\n",
            ),
            ("io.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"),
            ("memory.stat", "file 8192\nanon 1\n"),
            ("memory.current", "1000\n"),
            ("memory.max", "2000\n"),
            ("memory.peak", "1500\n"),
            ("memory.swap.current", "10\n"),
            ("memory.swap.max", "500\n"),
            ("pids.current", "3\n"),
            ("pids.max", "max\n"),
            ("io.stat", "8:16 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n7:0 \n"),
            ("hugetlb.2MB.max", "max\n"),
            ("hugetlb.2MB.current", "2097152\n"),
            ("hugetlb.2MB.events", "max 6\n"),
        ],
    );
    assert_eq!(
        stats(&[fake.group("")]),
        format!(
            r#"{{"cpu":{{"usage":{{"total":40000,"kernel":10000,"user":30000}},"throttling":{{"periods":4,"throttledPeriods":1,"throttledTime":6000}},"psi":{{"some":{{"avg10":0,"avg60":12.3,"avg300":100,"total":77}},"full":{{"avg10":0.05,"avg60":0,"avg300":0,"total":3}}}}}},"cpuset":{{"cpu_exclusive":0,{CPUSET}"sched_load_balance":0,"sched_relax_domain_level":0}},"memory":{{"cache":8192,"usage":{{"limit":2000,"usage":1000,"max":1500,"failcnt":0}},"swap":{{"limit":2500,"usage":1010,"failcnt":0}},"kernel":{{"limit":0,"failcnt":0}},"kernelTCP":{{"limit":0,"failcnt":0}},"raw":{{"anon":1,"file":8192}}}},"pids":{{"current":3}},"blkio":{{"ioServiceBytesRecursive":[{{"major":8,"minor":16,"op":"Read","value":4096}},{{"major":8,"minor":16,"op":"Write"}}],"ioServicedRecursive":[{{"major":8,"minor":16,"op":"Read","value":1}},{{"major":8,"minor":16,"op":"Write"}}],"psi":{{"some":{{"avg10":0,"avg60":0,"avg300":0,"total":0}},"full":{{"avg10":0,"avg60":0,"avg300":0,"total":0}}}}}},"hugetlb":{{"2MB":{{"usage":2097152,"failcnt":6}}}}}}"#
        )
    );
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let fake = Fake::new("bad", &[]);
    std::fs::create_dir(fake.0.join("pids.max")).unwrap();
    let groups = alloc::vec![fake.group("pids")];
    let error = Cgroups { groups }.write_stats(&mut Writer::new()).unwrap_err();
    assert!(format!("{error}").contains("pids.max\": EISDIR"), "{error}");
}
