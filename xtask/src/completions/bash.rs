//! The script for bash (Programmable Completion of its manual).

use super::{Value, command_names, flags, global_flags, names, takes_id, value};
use ocinit::command::{COMMANDS, Flag};
use std::fmt::Write;

const BODY: &str = r#"
_ocinit() {
    local cur=${COMP_WORDS[COMP_CWORD]} command= flag= word i arguments=0
    COMPREPLY=()
    # bash splits --flag=value into three words.
    [[ $cur == = ]] && cur=
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            continue
        elif [[ -n $flag ]]; then
            flag=
        elif [[ $word == -* ]]; then
            [[ -n $(_ocinit_value "$command" "$word") ]] && flag=$word
        elif [[ -z $command ]]; then
            command=$word
        else
            ((arguments++))
        fi
    done
    if [[ -n $flag ]]; then
        set -- $(_ocinit_value "$command" "$flag")
        case $1 in
            directory) compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")) ;;
            file) compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")) ;;
            words) shift; COMPREPLY=($(compgen -W "$*" -- "$cur")) ;;
        esac
    elif [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(_ocinit_flags "$command")" -- "$cur"))
    elif [[ -z $command ]]; then
        COMPREPLY=($(compgen -W "$_ocinit_commands help" -- "$cur"))
    elif [[ $command == help ]]; then
        COMPREPLY=($(compgen -W "$_ocinit_commands" -- "$cur"))
    elif [[ $command == kill && $arguments == 1 ]]; then
        COMPREPLY=($(compgen -A signal -- "$cur"))
    elif [[ " $_ocinit_with_id " == *" $command "* && $arguments == 0 ]]; then
        COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" list --quiet 2>/dev/null)" -- "$cur"))
    else
        compopt -o default 2>/dev/null
    fi
}

complete -F _ocinit ocinit
"#;

/// The script.
pub fn script() -> String {
    let mut out =
        String::from("# bash completion for ocinit, made by `cargo xtask completions`.\n");
    let with_id: Vec<&str> =
        COMMANDS.iter().filter(|one| takes_id(one)).map(|one| one.name()).collect();
    let _ = writeln!(out, "_ocinit_commands='{}'", command_names().join(" "));
    let _ = writeln!(out, "_ocinit_with_id='{}'", with_id.join(" "));
    out.push_str("\n# The flags of a command; of none: those before it.\n_ocinit_flags() {\n");
    out.push_str("    case $1 in\n");
    let mut values = String::new();
    all(&mut out, &mut values, "", &mut global_flags());
    for command in COMMANDS {
        all(&mut out, &mut values, command.name(), &mut flags(command));
    }
    out.push_str("    esac\n}\n\n# The value that a flag takes; nothing for a switch.\n");
    out.push_str("_ocinit_value() {\n    case \"$1 $2\" in\n");
    out.push_str(&values);
    out.push_str("    esac\n}\n");
    out + BODY
}

fn all(
    out: &mut String,
    values: &mut String,
    command: &str,
    flags: &mut dyn Iterator<Item = Flag>,
) {
    let mut list = Vec::new();
    for flag in flags {
        if let Some(value) = value(flag) {
            let patterns: Vec<String> =
                names(flag).iter().map(|name| format!("'{command} {name}'")).collect();
            let value = match value {
                Value::Any => "any".to_owned(),
                Value::Directory => "directory".to_owned(),
                Value::File => "file".to_owned(),
                Value::Words(words) => format!("words {}", words.join(" ")),
            };
            let _ = writeln!(values, "        {}) echo {value} ;;", patterns.join(" | "));
        }
        list.extend(names(flag));
    }
    let _ = writeln!(out, "        '{command}') echo '{}' ;;", list.join(" "));
}
