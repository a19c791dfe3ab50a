//! The configuration file.

use std::path::Path;

use toml::Table;
use vsekai_updater::local::disk;

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
        let line = before.matches('\n').count() + 1;
        Error::config(format!("{}, line {line}: {}", path.display(), error.message()), FORM)
    })
}

/// The line on which a setting is given.
pub(super) fn line_of(text: &str, name: &str) -> Option<usize> {
    let is_it = |line: &str| line.split_once('=').is_some_and(|(key, _)| key.trim().trim_matches(['"', '\'']) == name);
    text.lines().position(is_it).map(|at| at + 1)
}
