//! The host tool.

mod seccomp_tables;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = lexopt::Parser::from_env();
    match arguments.next()? {
        Some(lexopt::Arg::Value(name)) if name == "seccomp-tables" => {
            seccomp_tables::run(arguments)
        }
        _ => Err("usage: cargo xtask seccomp-tables …".into()),
    }
}
