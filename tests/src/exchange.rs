//! Two names that change places all the time, under the hands of the runtime.

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Runs `attack` while a thread exchanges two names without pause, as another
/// container that shares the volume does. How often it could.
pub fn while_exchanged(one: &Path, other: &Path, attack: impl FnOnce()) -> usize {
    let (done, exchanged) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let flags = RenameFlags::RENAME_EXCHANGE;
                if renameat2(AT_FDCWD, one, AT_FDCWD, other, flags).is_ok() {
                    exchanged.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        // The thread must end, whatever comes of it.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(attack));
        done.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    exchanged.into_inner()
}
