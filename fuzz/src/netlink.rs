//! What comes over netlink.

use ocinit::network::devices::kept_address;
use ocinit::network::netlink::{attributes, number, read};

/// Reads the bytes as a datagram, and the body of each answer as a link's and
/// as an address's.
pub fn check(data: &[u8]) {
    let mut bytes = 0;
    let _ = read(data, &mut |_, body| {
        bytes += body.len();
        let _ = number(body, 4);
        let _ = kept_address(body);
        let link = body.get(16..).unwrap_or_default();
        attributes(link, &mut |_, value| assert!(value.len() <= link.len()));
    });
    assert!(bytes <= data.len());
}
