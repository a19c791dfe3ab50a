//! `docs/cli.md` is what the command says of itself. `VSEKAI_WRITE_DOCS=1 cargo test --test it reference::` writes it.
//! `docs/settings.md` and the table of `docs/keys.md` are written by hand, and have what the command has.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command};
use vsekai_updater::install::config;

const HEAD: &str = "\
# The command `vsekai`

Every command and option, as `vsekai COMMAND --help` shows them. A test compares this page with the command.

- In the folder of an install, or below it, `DIR` can be left out, except for `install`, `move`, `open` and `uninstall`.
- Data goes to stdout, everything else to stderr; exit codes and `--json`: [scripting.md](scripting.md).
- [Settings](settings.md): `vsekai config show`. The packages of a release bring man pages and completions;
  `vsekai completions SHELL` prints the latter.
- Many commands have [network options](#network) and [those for output and threads](#output-and-threads).
";

#[path = "../../examples/manual.rs"]
#[expect(dead_code, reason = "the test calls what makes one page")]
mod manual;

/// Options that many commands have are explained once.
const SHARED: [&str; 2] = ["Network", "Output and threads"];

fn page() -> String {
    let mut command = vsekai_updater::cli::command();
    command.build();
    let mut out = HEAD.to_owned();
    contents(&command, &mut out);
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        describe(sub, "vsekai", 2, &mut out);
    }
    let update = command.find_subcommand("update").unwrap();
    for heading in SHARED {
        let _ = write!(out, "\n## {heading}\n\n");
        update
            .get_arguments()
            .filter(|arg| arg.get_help_heading() == Some(heading))
            .for_each(|arg| option(arg, &mut out));
    }
    out
}

/// What each command is for, and where it is described.
fn contents(command: &Command, out: &mut String) {
    out.push_str("\n## Contents\n\n");
    let shown = |sub: &&Command| sub.get_name() != "help";
    for sub in command.get_subcommands().filter(shown) {
        let (name, about) = (sub.get_name(), sub.get_about().map(ToString::to_string).unwrap_or_default());
        let link = |below: &Command| format!("[{0}](#vsekai-{name}-{0})", below.get_name());
        let below: Vec<String> = sub.get_subcommands().filter(shown).map(link).collect();
        let below = if below.is_empty() { String::new() } else { format!(": {}", below.join(", ")) };
        let _ = writeln!(out, "- [`vsekai {name}`](#vsekai-{name}): {about}{below}");
    }
    out.push_str("- Options of many commands: [network](#network), [output and threads](#output-and-threads)\n");
}

fn describe(command: &Command, parent: &str, level: usize, out: &mut String) {
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let _ = write!(out, "\n{} `{name}`\n\n{}\n\n```text\n{usage}\n```\n", "#".repeat(level), about.trim());
    let is_own = |arg: &&Arg| {
        let is_shared = SHARED.iter().any(|heading| arg.get_help_heading() == Some(heading));
        !is_shared && !arg.is_hide_set() && !arg.is_global_set() && !matches!(arg.get_id().as_str(), "help" | "version")
            || arg.get_id() == "version" && arg.get_action().takes_values()
    };
    let own: Vec<&Arg> = command.get_arguments().filter(is_own).collect();
    let has_network = command.get_arguments().any(|arg| arg.get_help_heading() == Some("Network"));
    if !own.is_empty() || has_network {
        out.push('\n');
    }
    own.into_iter().for_each(|arg| option(arg, out));
    if has_network {
        out.push_str("- [network options](#network)\n");
    }
    if let Some(after) = command.get_after_help() {
        after.to_string().split("\n\n").for_each(|paragraph| closing(paragraph, out));
    }
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        describe(sub, &name, level + 1, out);
    }
}

/// A paragraph of the text at the end of a help: examples to paste, or prose.
fn closing(paragraph: &str, out: &mut String) {
    let examples: Vec<&str> = paragraph.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let prose: Vec<&str> = paragraph.lines().filter(|line| !line.starts_with("  ")).collect();
    if !prose.is_empty() {
        let _ = write!(out, "\n{}\n", prose.join("\n"));
    }
    if !examples.is_empty() {
        let _ = write!(out, "\n```sh\n{}\n```\n", examples.join("\n"));
    }
}

fn option(arg: &Arg, out: &mut String) {
    let value = arg.get_value_names().map(|names| names.join(" ")).unwrap_or_default();
    let takes_value = arg.get_action().takes_values();
    let name = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        _ => String::new(),
    };
    let shown = if takes_value { format!("{name} {value}") } else { name };
    let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if takes_value && !default.is_empty() {
        let _ = write!(help, " [default: {}]", default.join(" "));
    }
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if takes_value && !values.is_empty() {
        let _ = write!(help, " [{}]", values.join(", "));
    }
    let _ = writeln!(out, "- `{}`: {help}", shown.trim());
}

#[test]
fn page_of_the_command_is_what_it_says_of_itself() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let made = page();
    if std::env::var_os("VSEKAI_WRITE_DOCS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let line = made.lines().zip(written.lines()).find(|(made, written)| made != written);
    assert!(made == written, "old: VSEKAI_WRITE_DOCS=1 cargo test --test it reference:: writes it ({line:?})");
}

#[test]
fn manual_page_keeps_the_lines_of_examples() {
    let mut command = vsekai_updater::cli::command();
    command.build();
    let page = manual::page(command.find_subcommand("publish").unwrap().clone()).unwrap();
    let page = String::from_utf8(page).unwrap();
    let examples = page.split_once(".nf\n").unwrap().1.split_once(".fi\n").unwrap().0;
    let lines: Vec<&str> = examples.lines().collect();
    assert_eq!(lines[0], "  vsekai publish BUILD \\-\\-mode stable \\-\\-version 1.0.0 \\-\\-entry game \\e");
    assert_eq!(lines[1], "    \\-\\-repository REPO \\-\\-keys KEYS \\-\\-remember");
}

#[test]
fn page_of_settings_has_every_key_and_variable() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md")).unwrap();
    let cell = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let cells = |line: &str| line.split('|').skip(1).map(cell).collect::<Vec<_>>();
    let table = page.split_once("| key |").unwrap().1.split("\n\n").next().unwrap();
    let rows: Vec<Vec<String>> = table.lines().skip(2).map(cells).collect();
    let keys: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(keys, config::KEYS);
    let variables: Vec<&str> = rows.iter().map(|row| row[1].as_str()).filter(|name| !name.is_empty()).collect();
    assert_eq!(variables, config::VARIABLES);
    let merged = config::Settings::merge(config::Config::default(), &|_| None, config::Config::default()).unwrap();
    for (row, setting) in rows.iter().zip(merged.rows()).filter(|(_, setting)| !setting.text.is_empty()) {
        assert_eq!(row[2], setting.text, "the default of {}", setting.key);
    }
}

#[test]
fn page_of_keys_has_every_command_and_every_file() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/keys.md")).unwrap();
    let mut command = vsekai_updater::cli::command();
    command.build();
    for sub in command.find_subcommand("keys").unwrap().get_subcommands().filter(|sub| sub.get_name() != "help") {
        assert!(page.contains(&format!("`vsekai keys {} ", sub.get_name())), "{}", sub.get_name());
    }
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_vsekai")).args(["keys", "init"]).arg(&keys).output();
    assert!(made.unwrap().status.success());
    let files: Vec<_> = std::fs::read_dir(&keys).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(files.len() > 6, "{files:?}");
    for name in files.iter().map(|name| name.to_str().unwrap()) {
        let shown = if name.ends_with(".pk8") { "<role>.<8 hex>.pk8" } else { name };
        let is_listed = page.lines().any(|line| line.starts_with("| `") && line.contains(&format!("`{shown}`")));
        assert!(is_listed, "{name}");
    }
}
