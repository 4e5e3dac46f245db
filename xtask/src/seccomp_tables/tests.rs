//! The committed tables against the headers, where those are.

use super::*;

/// Where the sources are, from the environment.
fn given(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_dir())
}

#[test]
fn committed_tables_are_the_generated_ones() {
    let given = given("SECCOMP_HEADERS").zip(given("SECCOMP_SOURCE"));
    let Some((headers, source)) = given else {
        println!("skipped: SECCOMP_HEADERS and SECCOMP_SOURCE name no directories");
        return;
    };
    for (name, text) in generate(&headers, &source).unwrap() {
        let committed = fs::read_to_string(tables_directory().join(&name)).unwrap();
        assert!(committed == text, "{name} is not what the generator writes");
    }
}

#[test]
fn an_older_kernels_headers_agree() {
    let mut compared = 0;
    for (table, path) in [
        ("x86/X86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("x86/X86", "/usr/include/x86_64-linux-gnu/asm/unistd_32.h"),
        ("arm/ARM", "/usr/arm-linux-gnueabihf/include/asm/unistd-eabi.h"),
        ("powerpc/PPC64", "/usr/powerpc64le-linux-gnu/include/asm/unistd_64.h"),
        ("powerpc/PPC", "/usr/powerpc64le-linux-gnu/include/asm/unistd_32.h"),
        ("s390/S390X", "/usr/s390x-linux-gnu/include/asm/unistd_64.h"),
        ("s390/S390", "/usr/s390x-linux-gnu/include/asm/unistd_32.h"),
    ] {
        let Ok(text) = fs::read_to_string(path) else {
            println!("skipped: no {path} (Debian's linux-libc-dev, also its -cross packages)");
            continue;
        };
        let (file, table) = table.split_once('/').unwrap();
        let ours = committed(file, table);
        for (name, number) in from_header(&text) {
            assert_eq!(ours.get(&name), Some(&number), "{path}: {name}");
            compared += 1;
        }
    }
    println!("{compared} numbers compared");
}

/// Reads a table back from its file.
fn committed(file: &str, table: &str) -> BTreeMap<String, u32> {
    let text = fs::read_to_string(tables_directory().join(format!("{file}.rs"))).unwrap();
    let between = |start: &str, end: &str| {
        let at = text.find(start).unwrap() + start.len();
        text[at..at + text[at..].find(end).unwrap()].to_owned()
    };
    let names = between("NAMES: &str = \"\\\n", "\"").replace('\\', " ");
    let numbers = between(&format!("static {table}: [u16; COUNT] = ["), "]");
    let numbers = numbers.split(',').map(|number| number.trim().parse().unwrap_or(ABSENT));
    let all = names.split_whitespace().map(str::to_owned).zip(numbers);
    all.filter(|(_, number)| *number != ABSENT).collect()
}
