//! A panic is a bug of ours: say where, and stop.

use core::fmt::Write;

struct Stderr;

impl Write for Stderr {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let _ = rustix::io::write(ocinit::sys::stderr(), text.as_bytes());
        Ok(())
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo) -> ! {
    match info.location() {
        Some(at) => {
            let _ = writeln!(Stderr, "ocinit: internal error at {}:{}", at.file(), at.line());
        }
        None => {
            let _ = writeln!(Stderr, "ocinit: internal error");
        }
    }
    if ocinit::init::is_first() {
        ocinit::init::give_up();
    }
    ocinit::sys::exit(ocinit::sys::PANIC_STATUS)
}

/// The kernel gives no memory: say so, and stop.
pub fn out_of_memory(errno: rustix::io::Errno) -> ! {
    let _ = writeln!(Stderr, "ocinit: allocate memory: {}", ocinit::errno::Described(errno));
    ocinit::sys::exit(1)
}

/// The prebuilt `core` names it; with `panic = "abort"` nothing ever calls it.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// As above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    ocinit::sys::exit(ocinit::sys::PANIC_STATUS)
}
