//! Carrying a plan out, in the kernel's order: the command's side (`create`,
//! `exec`, `launch`, `foreground`) and that of the processes it makes (`stage`,
//! `child`), which allocate nothing.

mod alone;
pub mod born;
pub mod bundle;
pub mod channel;
pub mod child;
pub mod create;
pub mod draft;
pub mod exec;
pub mod foreground;
pub mod handover;
mod home;
pub mod host;
pub mod launch;
pub mod listener;
pub mod mounts;
mod network;
pub mod prepare;
pub mod preview;
pub mod protect;
pub mod record;
pub mod report;
pub mod stage;
mod wait;
