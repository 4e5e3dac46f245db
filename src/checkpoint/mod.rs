//! `checkpoint` and `restore`: a running container's processes as files, and
//! back, by CRIU (criu(8)), which is a program of the host.
//!
//! The pure part says what is asked of it: [`options`] are the command line's,
//! [`external`] is what of the container comes from outside, [`rpc`] and
//! [`protobuf`] are the words for it. The acting part starts `criu swrk` and
//! serves what it asks meanwhile ([`criu`]): [`dump`] for `checkpoint`,
//! [`restore`] for `restore`. [`stdio`] is what a container's descriptors 0, 1
//! and 2 were connected to, [`log`] what criu wrote about a failure.

pub mod criu;
pub mod dump;
pub mod external;
pub mod log;
pub mod options;
pub mod protobuf;
pub mod restore;
pub mod rpc;
pub mod stdio;

pub use options::Options;
