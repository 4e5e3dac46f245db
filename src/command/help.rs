//! The help pages and the version, made from the declarations.

use alloc::format;
use alloc::string::String;

use crate::command::flag::{Command, Flag, Texts};
use crate::command::{COMMANDS, globals};
use crate::spec;
use crate::text;

const HELP: Flag = Flag("help, -h: show help");
const VERSION: Flag = Flag("version, -v: print the version");

/// The flags before the command that end the program.
pub static ENDING: [Flag; 2] = [HELP, VERSION];

/// The release of runc whose command line and messages are followed.
const RUNC: &str = "1.5.1";
/// The same of crun.
const CRUN: &str = "1.29.1";

/// What `--version` prints.
pub fn version(program: &str) -> &'static str {
    let own = env!("CARGO_PKG_VERSION");
    let commit = option_env!("OCINIT_COMMIT").unwrap_or_default();
    let spec = spec::VERSION;
    match program {
        // Engines read the number to know what they can ask for.
        "runc" => {
            text!("runc version {RUNC}+ocinit-{own}\ncommit: {commit}\nspec: {spec}\ngo: none\n")
        }
        "crun" => text!("crun version {CRUN}+ocinit-{own}\ncommit: {commit}\nspec: {spec}\n"),
        _ => text!("{program} version {own}\ncommit: {commit}\nspec: {spec}\n"),
    }
}

/// The page of the program.
pub fn program(program: &str) -> &'static str {
    let mut page = format!(
        "NAME:\n   {program} - OCI container runtime and init\n\n\
         USAGE:\n   {program} [global options] command [command options] [arguments...]\n\n\
         COMMANDS:\n"
    );
    let help = "help, h";
    let names = COMMANDS.iter().map(|command| command.name().len());
    let width = names.fold(help.len(), usize::max);
    for command in COMMANDS {
        let Texts { name, summary, .. } = command.texts();
        row(&mut page, width, name, summary);
    }
    row(&mut page, width, help, "show this page, or the page of one command");
    page.push_str("\nGLOBAL OPTIONS:\n");
    options(&mut page, &[globals::FLAGS, &ENDING]);
    page.leak()
}

/// The page of one command.
pub fn command(program: &str, command: &Command) -> &'static str {
    let Texts { name, arguments, summary, description } = command.texts();
    let mut page = format!(
        "NAME:\n   {program} {name} - {summary}\n\n\
         USAGE:\n   {program} {name} [command options] {arguments}\n"
    );
    if !description.is_empty() {
        page.push_str("\nDESCRIPTION:\n");
        for line in description.lines() {
            page.push_str("   ");
            page.push_str(line);
            page.push('\n');
        }
    }
    page.push_str("\nOPTIONS:\n");
    options(&mut page, &[command.flags, &[HELP]]);
    page.leak()
}

/// The table of flags.
fn options(page: &mut String, lists: &[&[Flag]]) {
    let shown = || lists.iter().copied().flatten().filter(|flag| !flag.hidden());
    let width = shown().map(|flag| label(flag).len()).max().unwrap_or(0);
    for flag in shown() {
        row(page, width, &label(flag), flag.text());
    }
}

/// `--bundle DIR, -b DIR`.
fn label(flag: &Flag) -> String {
    let mut label = format!("--{}", flag.long());
    let value = |label: &mut String| {
        if let Some(value) = flag.value() {
            label.push(' ');
            label.push_str(value);
        }
    };
    value(&mut label);
    if let Some(short) = flag.short() {
        label.push_str(", -");
        label.push(short);
        value(&mut label);
    }
    label
}

fn row(page: &mut String, width: usize, label: &str, text: &str) {
    page.push_str("   ");
    page.push_str(label);
    for _ in label.len()..width + 2 {
        page.push(' ');
    }
    page.push_str(text);
    page.push('\n');
}
