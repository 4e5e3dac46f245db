//! The door: everything before `ocinit::main` is in `sys/start`.
#![no_std]
#![no_main]
#![allow(unsafe_code)]

#[path = "sys/start/mod.rs"]
mod start;
