//! Carrying a plan out, in the kernel's order.

pub mod channel;
pub mod report;
