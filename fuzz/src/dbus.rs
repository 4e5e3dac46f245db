//! What comes over D-Bus, and the addresses of buses.

use ocinit::dbus::{Address, FIXED, Message, length};

/// Reads the bytes as a message, with every reader on its body, and as the
/// address of a bus.
pub fn check(data: &[u8]) {
    if let Some(message) = Message::parse(data) {
        assert!(message.body.at() == 0);
        let _ = message.body.clone().text();
        let _ = message.body.clone().variant_text();
        let mut body = message.body;
        while body.signature().is_some() && body.u32().is_some() && body.align(8).is_some() {}
    }
    if let Some(fixed) = data.get(..FIXED)
        && let Some(length) = length(fixed)
    {
        // What `length` says is what `parse` needs: more would never come.
        assert!(length >= FIXED);
        assert!(length <= data.len() || Message::parse(data).is_none());
    }
    let Ok(text) = core::str::from_utf8(data) else { return };
    if let Some(address) = Address::parse(text) {
        assert_eq!(Address::parse(address.to_text()), Some(address.clone()));
        let _ = address.socket();
        let _ = address.display();
    }
}
