//! Addresses of buses (D-Bus Specification, "Server Addresses").

use alloc::string::String;
use alloc::vec::Vec;
use rustix::net::SocketAddrUnix;

use crate::text;

/// A Unix socket on which a bus listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The name is of the abstract namespace (unix(7)).
    pub is_abstract: bool,
    /// The socket's path, or its abstract name.
    pub name: Vec<u8>,
}

impl Address {
    /// The first address of a list (`TRANSPORT:KEY=VALUE,…;…`) that is a Unix
    /// socket.
    pub fn parse(list: &str) -> Option<Address> {
        list.split(';').find_map(|address| {
            address.strip_prefix("unix:")?.split(',').find_map(|pair| {
                let (key, value) = pair.split_once('=')?;
                let is_abstract = match key {
                    "path" => false,
                    "abstract" => true,
                    _ => return None,
                };
                let name = unescape(value)?;
                (!name.is_empty()).then_some(Address { is_abstract, name })
            })
        })
    }

    /// A socket in the file system.
    pub fn path(path: &str) -> Address {
        Address { is_abstract: false, name: path.as_bytes().to_vec() }
    }

    /// For connect(2).
    ///
    /// # Errors
    /// The name is too long for a socket.
    pub fn socket(&self) -> rustix::io::Result<SocketAddrUnix> {
        if self.is_abstract {
            SocketAddrUnix::new_abstract_name(&self.name)
        } else {
            SocketAddrUnix::new(&*self.name)
        }
    }

    /// The socket as people write it, with an `@` before an abstract name.
    pub fn display(&self) -> &'static str {
        let prefix = if self.is_abstract { "@" } else { "" };
        text::about_both("{}{}", prefix, text::lossy(&self.name))
    }

    /// As [`Address::parse`] reads it.
    pub fn to_text(&self) -> &'static str {
        let mut text = String::from(if self.is_abstract { "unix:abstract=" } else { "unix:path=" });
        for &byte in &self.name {
            match byte {
                b'-' | b'_' | b'/' | b'.' | b'\\' | b'*' => text.push(byte.into()),
                _ if byte.is_ascii_alphanumeric() => text.push(byte.into()),
                _ => text.push_str(text!("%{byte:02x}")),
            }
        }
        text.leak()
    }
}

/// The value with its `%xx` resolved.
fn unescape(value: &str) -> Option<Vec<u8>> {
    let mut parts = value.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u64::from_str_radix(part.get(..2)?, 16).ok()?.try_into().ok()?);
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, expect) in [
            ("unix:path=/run/user/1000/bus", Some("/run/user/1000/bus")),
            ("unix:guid=1,path=/a%20b%2c,x=y", Some("/a b,")),
            ("unix:abstract=/tmp/dbus-x,guid=ab", Some("@/tmp/dbus-x")),
            ("tcp:host=a,port=1;unix:path=/b", Some("/b")),
            ("unix:tmpdir=/tmp", None),
            ("unix:path=", None),
            ("unix:path=/a%2", None),
            ("unix:path=/a%xy", None),
            ("", None),
        ] {
            let address = Address::parse(text);
            let shown = address.as_ref().map(Address::display);
            assert_eq!(shown, expect, "{text}");
            if let Some(address) = address {
                assert_eq!(Address::parse(address.to_text()), Some(address));
            }
        }
    }
}
