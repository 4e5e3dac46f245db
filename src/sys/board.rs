//! The devices of a board that its first process looks after: clock, watchdog,
//! loop devices. Numbers of ioctls are composed as the kernel's headers do, with
//! the directions of the architecture.

use core::ffi::{c_int, c_void};
use linux_raw_sys::loop_device::{
    LO_FLAGS_AUTOCLEAR, LO_FLAGS_READ_ONLY, LOOP_CLR_FD, LOOP_CTL_GET_FREE, LOOP_SET_FD,
    LOOP_SET_STATUS64, loop_info64,
};
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::Result;
use rustix::ioctl::{Getter, Ioctl, IoctlOutput, Opcode, Setter, Updater, ioctl, opcode};

/// `struct rtc_time` of include/uapi/linux/rtc.h.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct RtcTime {
    /// 0 to 59.
    pub second: c_int,
    /// 0 to 59.
    pub minute: c_int,
    /// 0 to 23.
    pub hour: c_int,
    /// Of the month, from 1.
    pub day: c_int,
    /// From 0.
    pub month: c_int,
    /// Since 1900.
    pub year: c_int,
    /// Days of week and year, daylight saving: not filled in by every driver.
    pub rest: [c_int; 3],
}

/// What the clock that runs without power says; UTC by convention.
pub fn rtc_time(rtc: BorrowedFd<'_>) -> Result<RtcTime> {
    const RTC_RD_TIME: Opcode = opcode::read::<RtcTime>(b'p', 0x09);
    // SAFETY: RTC_RD_TIME writes one struct rtc_time, which RtcTime is.
    unsafe { ioctl(rtc, Getter::<RTC_RD_TIME, RtcTime>::new()) }
}

/// Asks a watchdog to wait so many seconds; the value is how long it does.
pub fn watchdog_timeout(watchdog: BorrowedFd<'_>, seconds: i32) -> Result<i32> {
    const WDIOC_SETTIMEOUT: Opcode = opcode::read_write::<c_int>(b'W', 6);
    let mut value: c_int = seconds;
    // SAFETY: WDIOC_SETTIMEOUT reads and writes one int.
    unsafe { ioctl(watchdog, Updater::<WDIOC_SETTIMEOUT, c_int>::new(&mut value)) }?;
    Ok(value)
}

/// An ioctl that takes a number and returns one.
struct Number {
    opcode: Opcode,
    value: usize,
}

// SAFETY: used with LOOP_CTL_GET_FREE, LOOP_SET_FD and LOOP_CLR_FD alone: they
// take a number (drivers/block/loop.c), and touch no memory of ours.
unsafe impl Ioctl for Number {
    type Output = u32;
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        self.opcode
    }

    fn as_ptr(&mut self) -> *mut c_void {
        core::ptr::without_provenance_mut(self.value)
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut c_void) -> Result<u32> {
        Ok(out as u32)
    }
}

fn number(fd: BorrowedFd<'_>, opcode: u32, value: usize) -> Result<u32> {
    // SAFETY: as said of `Number`.
    unsafe { ioctl(fd, Number { opcode: opcode as Opcode, value }) }
}

/// The number of a loop device that nobody uses; `control` is /dev/loop-control.
pub fn free_loop(control: BorrowedFd<'_>) -> Result<u32> {
    number(control, LOOP_CTL_GET_FREE, 0)
}

/// Makes the loop device show the file, read-only, until it is unmounted.
pub fn show_file(device: BorrowedFd<'_>, file: BorrowedFd<'_>) -> Result<()> {
    const SET_STATUS: Opcode = LOOP_SET_STATUS64 as Opcode;
    number(device, LOOP_SET_FD, file.as_raw_fd() as usize)?;
    // SAFETY: all-zero is a valid loop_info64: numbers only.
    let mut info: loop_info64 = unsafe { core::mem::zeroed() };
    info.lo_flags = LO_FLAGS_AUTOCLEAR as u32 | LO_FLAGS_READ_ONLY as u32;
    // SAFETY: LOOP_SET_STATUS64 reads one struct loop_info64.
    unsafe { ioctl(device, Setter::<SET_STATUS, loop_info64>::new(info)) }.inspect_err(|_| {
        let _ = number(device, LOOP_CLR_FD, 0);
    })
}
