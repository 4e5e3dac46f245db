//! `cargo xtask man OUTDIR`: the manual pages, made from the declarations of
//! commands and flags: `ocinit.8`, and `ocinit-COMMAND.8` for each command.

use crate::error::{Context, Result};
use ocinit::command::{COMMANDS, Command, ENDING, Flag, globals};
use std::fmt::Write;
use std::path::PathBuf;

/// The command.
pub fn command(mut parser: lexopt::Parser) -> Result<bool> {
    let directory = PathBuf::from(parser.value().map_err(|e| e.to_string())?);
    crate::no_more(parser)?;
    std::fs::create_dir_all(&directory).context(directory.display())?;
    for (name, text) in pages() {
        let file = directory.join(name);
        std::fs::write(&file, text).context(file.display())?;
    }
    Ok(true)
}

/// All pages: file name, text.
pub fn pages() -> Vec<(String, String)> {
    let mut pages = vec![("ocinit.8".to_owned(), program())];
    pages.extend(COMMANDS.iter().map(|one| (format!("ocinit-{}.8", one.name()), page(one))));
    pages
}

fn program() -> String {
    let mut out = head("ocinit", "OCI container runtime and init");
    out.push_str(".SH SYNOPSIS\n.B ocinit\n[global options] command [command options] ");
    out.push_str("[arguments...]\n.SH DESCRIPTION\n");
    paragraph(
        &mut out,
        "Runs containers as the runtime specification of the Open Container Initiative describes \
         them. The command line is that of runc. Flags take one dash or two, and may follow the \
         arguments.",
    );
    out.push_str(".SH COMMANDS\n");
    for one in COMMANDS {
        let _ = writeln!(out, ".TP\n.BR ocinit\\-{} (8)", escape(one.name()));
        paragraph(&mut out, one.texts().summary);
    }
    options(&mut out, "GLOBAL OPTIONS", &[globals::FLAGS, &ENDING]);
    out.push_str(".SH EXIT STATUS\n");
    paragraph(
        &mut out,
        "0 on success, 1 on a failure, 3 for an unknown command. `run` and `exec` exit with the \
         program's status, or 128+N when signal N ended it; `exec` with 255 when the program \
         could not be run.",
    );
    out.push_str(".SH FILES\n.TP\n.I /run/ocinit\n");
    paragraph(
        &mut out,
        "The state of containers; below $XDG_RUNTIME_DIR for an ordinary user. See `--root`.",
    );
    see_also(&mut out, COMMANDS.iter().map(|one| format!("ocinit-{}", one.name())));
    out
}

fn page(command: &Command) -> String {
    let name = format!("ocinit-{}", command.name());
    let mut out = head(&name, command.texts().summary);
    let _ = writeln!(
        out,
        ".SH SYNOPSIS\n.B ocinit\n[global options]\n.B {}\n[options] {}",
        escape(command.name()),
        escape(command.texts().arguments)
    );
    if !command.texts().description.is_empty() {
        out.push_str(".SH DESCRIPTION\n");
        paragraph(&mut out, command.texts().description);
    }
    options(&mut out, "OPTIONS", &[command.flags, &ENDING[..1]]);
    see_also(&mut out, std::iter::once("ocinit".to_owned()));
    out
}

fn head(name: &str, summary: &str) -> String {
    let title = name.to_uppercase();
    format!(
        ".\\\" Made by `cargo xtask man`.\n.TH {} 8 \"\" \"ocinit {}\" \"ocinit\"\n\
         .SH NAME\n{} \\- {}\n",
        escape(&title),
        env!("CARGO_PKG_VERSION"),
        escape(name),
        inline(summary)
    )
}

fn options(out: &mut String, title: &str, lists: &[&[Flag]]) {
    let _ = writeln!(out, ".SH {title}");
    for flag in lists.iter().copied().flatten().filter(|flag| !flag.hidden()) {
        out.push_str(".TP\n");
        let value =
            flag.value().map_or(String::new(), |value| format!(" \\fI{}\\fR", escape(value)));
        let _ = write!(out, "\\fB\\-\\-{}\\fR{value}", escape(flag.long()));
        if let Some(short) = flag.short() {
            let _ = write!(out, ", \\fB\\-{short}\\fR{value}");
        }
        out.push('\n');
        let mut text = flag.help().to_owned();
        if flag.repeat() {
            text.push_str("; may be given many times");
        }
        if let Some(default) = flag.default() {
            let _ = write!(text, " (default: {default})");
        }
        paragraph(out, &text);
    }
}

fn see_also(out: &mut String, names: impl Iterator<Item = String>) {
    out.push_str(".SH SEE ALSO\n");
    let pages: Vec<String> = names.map(|name| format!(".BR {} (8)", escape(&name))).collect();
    out.push_str(&pages.join(" ,\n"));
    out.push('\n');
}

/// Running text, a line of input for each line.
fn paragraph(out: &mut String, text: &str) {
    for line in text.lines() {
        let line = inline(line.trim());
        if line.starts_with(['.', '\'']) {
            out.push_str("\\&");
        }
        out.push_str(&line);
        out.push('\n');
    }
}

/// Text with code in bold.
fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let bold = |(index, part): (usize, &str)| match index % 2 {
        0 => escape(part),
        _ => format!("\\fB{}\\fR", escape(part)),
    };
    parts.map(bold).collect()
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command as Program, Stdio};

    #[test]
    fn every_command_and_every_flag_has_its_place() {
        let pages = pages();
        assert_eq!(pages.len(), COMMANDS.len() + 1);
        for command in COMMANDS {
            let name = format!("ocinit-{}.8", command.name());
            let text = &pages.iter().find(|page| page.0 == name).unwrap().1;
            for flag in command.flags {
                let shown = text.contains(&format!("\\fB\\-\\-{}\\fR", escape(flag.long())));
                assert!(shown != flag.hidden(), "{name}: {}", flag.long());
            }
        }
    }

    #[test]
    fn text_cannot_be_taken_for_a_request() {
        let mut out = String::new();
        paragraph(&mut out, ".x a-b `c\\d`\n'y");
        assert_eq!(out, "\\&.x a\\-b \\fBc\\ed\\fR\n\\&'y\n");
    }

    /// groff says nothing when all is well.
    #[test]
    fn groff_has_no_warnings() {
        for (name, text) in pages() {
            let groff = Program::new("groff")
                .args(["-man", "-ww", "-z", "-Tutf8"])
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn();
            let Ok(mut groff) = groff else {
                eprintln!("skip: there is no groff");
                return;
            };
            std::io::Write::write_all(&mut groff.stdin.take().unwrap(), text.as_bytes()).unwrap();
            let said =
                String::from_utf8_lossy(&groff.wait_with_output().unwrap().stderr).into_owned();
            // A groff without its macros (Debian's groff-base has them).
            if said.contains("an.tmac") && said.contains("can't") {
                eprintln!("skip: groff has no man macros: {said}");
                return;
            }
            assert!(said.is_empty(), "{name}: {said}");
        }
    }
}
