//! What files of the kernel say: mounts, cgroups, counters, processes.

use ocinit::cgroup::{Layout, text};
use ocinit::container::process::Stat;

/// Reads the bytes as each of those files. A null byte ends the list of mounts,
/// behind which the process's cgroups stand.
pub fn check(data: &[u8]) {
    let _ = Stat::parse(data);
    let Ok(whole) = core::str::from_utf8(data) else { return };
    let (mountinfo, own) = whole.split_once('\0').unwrap_or((whole, "0::/a\n1:memory:/\n"));
    let layout = Layout::parse(mountinfo, own).with_unified_controllers(own);
    assert!(layout.hierarchies.iter().filter(|hierarchy| hierarchy.unified).count() <= 1);
    let _ = (layout.is_unified(), layout.unified());
    let _ = (text::list(whole), text::devices(whole), text::column(whole, 2));
    let _ = (text::value_of(whole, "max"), text::shortest(whole), text::parse(whole));
}
