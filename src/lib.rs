//! The pure parts.
#![no_std]
