//! Carrying a plan out, in the kernel's order.

pub mod channel;
pub mod child;
pub mod launch;
pub mod report;
pub mod stage;
