//! The script for zsh (`_arguments` of zshcompsys(1)).

use super::{Value, flags, global_flags, names, takes_id, value};
use ocinit::command::{COMMANDS, Flag};
use std::fmt::Write;

/// The script.
pub fn script() -> String {
    let mut out = String::from(
        "#compdef ocinit\n# zsh completion for ocinit, made by `cargo xtask completions`.\n\n\
         _ocinit_ids() {\n    local -a ids\n    ids=(${(f)\"$(_call_program ids $service list \
         --quiet 2>/dev/null)\"})\n    compadd -a ids\n}\n\n_ocinit() {\n    local line state\n    \
         local -a commands\n    commands=(\n",
    );
    for command in COMMANDS {
        let _ = writeln!(out, "        '{}:{}'", command.name(), quoted(command.texts().summary));
    }
    out.push_str("        'help:show the page of one command'\n    )\n    _arguments -C \\\n");
    specifications(&mut out, &mut global_flags());
    out.push_str(
        "        '1:command:->command' \\\n        '*::argument:->arguments'\n    case $state in\n        \
         command) _describe command commands ;;\n        arguments)\n            case $line[1] in\n",
    );
    for command in COMMANDS {
        let _ = writeln!(out, "        {}) _arguments \\", command.name());
        specifications(&mut out, &mut flags(command));
        let first = if takes_id(command) { "'1:container:_ocinit_ids'" } else { "'1: :'" };
        let _ = writeln!(out, "        {first} '*: :{}' ;;", rest(command.name()));
    }
    out.push_str(
        "        help) _describe command commands ;;\n            esac ;;\n    esac\n}\n\n",
    );
    out + "_ocinit \"$@\"\n"
}

fn rest(command: &str) -> &'static str {
    if command == "kill" { "_signals" } else { "_default" }
}

fn specifications(out: &mut String, flags: &mut dyn Iterator<Item = Flag>) {
    for flag in flags {
        let names = names(flag);
        let action = value(flag).map_or(String::new(), |value| {
            let action = match value {
                Value::Any => " ".to_owned(),
                Value::Directory => "_directories".to_owned(),
                Value::File => "_files".to_owned(),
                Value::Words(words) => format!("({})", words.join(" ")),
            };
            format!(":value:{action}")
        });
        let exclusive = match flag.repeat() {
            true => "*".to_owned(),
            false => format!("({})", names.join(" ")),
        };
        for name in names {
            // A long name may be followed by `=`.
            let equals = if action.is_empty() || !name.starts_with("--") { "" } else { "=" };
            let help = quoted(flag.help());
            let _ = writeln!(out, "        '{exclusive}{name}{equals}[{help}]{action}' \\");
        }
    }
}

/// Text within single quotes and brackets.
fn quoted(text: &str) -> String {
    text.replace('\'', "'\\''").replace(['[', ']'], "").replace(':', "\\:")
}
