//! The configuration file.

use std::path::Path;

use toml::Table;
use vsekai_updater::local::disk;
use vsekai_updater::text;

use crate::error::{Error, Result};

/// Largest file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// How a file is written, for hints.
const FORM: &str = "Each line is `name = value`, with text in quotes, as in `region = \"eu\"`. `vsekai-server \
                    example-config` prints a whole file";

pub(super) fn read(path: &Path) -> Result<String> {
    let shown = path.display();
    let bytes = disk::read(path, MAX_BYTES).map_err(|error| {
        let hint = match error.code() {
            "not_found" => format!(
                "Check the path in `--config` or VSEKAI_SERVER_CONFIG, or write a file there: `vsekai-server \
                 example-config > {shown}`"
            ),
            _ => format!("Name a file that this user can read, or start without {shown}"),
        };
        Error::config(error.message_with_causes(), hint)
    })?;
    String::from_utf8(bytes).map_err(|_| Error::config(format!("{shown} is not UTF-8"), FORM))
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Table> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or(text);
        let number = before.matches('\n').count();
        let line = text.lines().nth(number).unwrap_or_default().trim();
        let (fault, hint) = fault_of(line, &error);
        Error::config(format!("{}, line {}: {fault}", path.display(), number + 1), hint)
    })
}

/// What is wrong with a line, and what to write. The parser speaks of its grammar.
fn fault_of(line: &str, error: &toml::de::Error) -> (String, String) {
    let form = || FORM.to_owned();
    let Some((name, value)) = line.split_once('=').map(|(name, value)| (name.trim(), value.trim())) else {
        return ("there is no `=`".to_owned(), form());
    };
    if error.message().contains("duplicate key") {
        return (format!("{name} is set twice"), "Remove one of the two lines".to_owned());
    }
    if value.is_empty() || value.starts_with('#') {
        return (format!("{name} has no value"), format!("Write a value after `=`, or remove the line. {FORM}"));
    }
    let is_word = !value.contains(['"', '\'', '[', ']', '{', '}', '#']) && !text::has_secret(value);
    if is_word && toml::from_str::<Table>(&format!("x = {value}")).is_err() {
        let hint = format!("Write `{name} = \"{value}\"`");
        return (format!("the text after `{name} =` needs quotes"), hint);
    }
    (format!("it cannot be read: {}", error.message()), form())
}

/// The line on which a setting is given.
pub(super) fn line_of(text: &str, name: &str) -> Option<usize> {
    let is_it = |line: &str| line.split_once('=').is_some_and(|(key, _)| key.trim().trim_matches(['"', '\'']) == name);
    text.lines().position(is_it).map(|at| at + 1)
}
