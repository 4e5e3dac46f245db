//! The program inside the container under test: says what it sees, as JSON on stdout.
//!
//! `report` tells everything about the process and its surroundings, with
//! single accesses tried on the way (`report PROBE...`), `observe` does the same
//! and stays until SIGTERM, `probe` only tries accesses, `wait` tells the signals
//! that come in, `overwrite` attacks the program of whoever comes in, `mount-afresh` mounts what masks hide, `leave-user` goes into a user namespace, `exit N` and `die SIGNAL` end in a known way;
//! `eat MIB` uses memory, `board KIND` checks the container of a board, `converse` talks to itself over TCP.

mod attack;
mod board;
mod converse;
mod probe;
mod report;
mod runtime;
mod signals;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    match args.first().map(String::as_str) {
        Some("report") => println!("{}", report::with(&rest)),
        Some("observe") => signals::hold(&report::with(&rest).to_string()),
        Some("probe") => println!("{}", probe::all(&rest)),
        Some("board") => board::run(rest.first().copied().unwrap_or_default()),
        Some("overwrite") => attack::overwrite(),
        Some("mount-afresh") => attack::mount_afresh(),
        Some("leave-user") => attack::leave_user(),
        Some("eat") => eat(number(rest.first())),
        Some("wait") => signals::wait(),
        Some("converse") => converse::converse(),
        Some("exit") => std::process::exit(number(rest.first())),
        Some("die") => signals::die(number(rest.first())),
        other => {
            eprintln!("guest: unknown command {other:?}");
            std::process::exit(99);
        }
    }
}

/// Uses so many MiB of memory, a page after the other.
fn eat(mebibytes: i32) {
    let mut memory = vec![0u8; (mebibytes as usize) << 20];
    for page in memory.chunks_mut(4096) {
        // SAFETY: the address of a live byte.
        unsafe { std::ptr::write_volatile(&mut page[0], 1) };
    }
}

fn number(text: Option<&&str>) -> i32 {
    text.and_then(|t| t.parse().ok()).expect("a number")
}
