//! SELinux in the test machine: a policy of our own, compiled here and loaded
//! there before the command. Debian's policy would label a whole root file
//! system; the tests want a few labels and their meaning.

use super::Payload;
use crate::debian;
use crate::error::Result;
use crate::process::run;
use std::process::Command;

/// What the kernel is told, to have SELinux on: until there is a policy it
/// refuses nothing.
pub const KERNEL: &str = " security=selinux enforcing=0";

const PACKAGES: [(&str, &str); 1] = [("checkpolicy", "/usr/bin/checkpolicy")];

const POLICY: &str = include_str!("guest/selinux.conf");

/// Loads the policy, in one write as the kernel wants it, and enforces it.
const LOAD: &str = "mountpoint -q /sys/fs/selinux || mount -t selinuxfs none /sys/fs/selinux
dd if=/payload/policy of=/sys/fs/selinux/load bs=1M status=none || exit
echo 1 >/sys/fs/selinux/enforce || exit
";

/// Puts the policy into the payload; the command with loading it in front.
pub fn with_policy(payload: &Payload, command: &str) -> Result<String> {
    debian::install_missing(&PACKAGES)?;
    payload.text("policy.conf", POLICY)?;
    let mut compiler = Command::new("/usr/bin/checkpolicy");
    // With levels and categories; what the policy does not name is allowed.
    compiler.args(["-M", "-U", "allow", "-o"]).arg(payload.place("policy"));
    run(compiler.arg(payload.place("policy.conf")))?;
    Ok(format!("{LOAD}{command}"))
}
