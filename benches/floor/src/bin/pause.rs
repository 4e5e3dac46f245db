//! Waits until it is killed.
#![no_std]
#![no_main]

#[unsafe(no_mangle)]
extern "C" fn floor_main(_: *const usize) -> ! {
    loop {
        let forever = [i32::MAX as i64, 0];
        floor::call!(__NR_nanosleep, forever.as_ptr(), 0);
    }
}
