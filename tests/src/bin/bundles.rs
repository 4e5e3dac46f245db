//! `bundles DIRECTORY`: writes what the generated bundles are made of as files, to begin fuzzing with: `config/` has the
//! documents, `process/` and `seccomp/` those parts of them.

use ocinit_tests::differential::cases;
use std::path::Path;

fn main() {
    let directory = std::env::args_os().nth(1).expect("a directory");
    let directory = Path::new(&directory);
    for case in cases::all() {
        let (process, seccomp) = (&case.config["process"], &case.config["linux"]["seccomp"]);
        for (part, value) in [("config", &case.config), ("process", process), ("seccomp", seccomp)]
        {
            if !value.is_null() {
                let folder = directory.join(part);
                std::fs::create_dir_all(&folder).expect("make a directory");
                let file = folder.join(case.name.replace('/', "-"));
                std::fs::write(file, value.to_string()).expect("write a document");
            }
        }
    }
}
