//! What a set-up process says to the command that waits for it.

use ocinit::act::report::{decode, kind};

/// Reads the bytes as a packet.
pub fn check(data: &[u8]) {
    let _ = kind(data);
    let _ = decode(data).to_string();
}
