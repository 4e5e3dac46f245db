//! A small D-Bus client: enough to ask systemd for units.
//!
//! References are to the D-Bus Specification, version 0.43. Only what we send
//! exists as types ([`Value`]); of what we receive only strings and numbers are
//! read, with every length checked against what is there, since a bus carries
//! what others wrote. No file descriptors are passed, nothing is served.

mod address;
mod connection;
mod message;
mod read;
mod value;

pub use address::Address;
pub use connection::{Connection, Reply};
pub use message::{FIXED, Kind, Message, length};
pub use read::Reader;
pub use value::{Value, alignment, marshal};
