//! The default handler of a URL scheme in `mimeapps.list`, a file that the user shares with many programs.
//!
//! Source: the freedesktop.org Association between MIME types and applications, version 1.0. Only one
//! line is added or changed. The file's permissions are kept, and so is a link if the file is one.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::APP_ID_PREFIX;
use crate::error::{Error, Result};
use crate::local::disk::{self, Durability};

const SECTION: &str = "[Default Applications]";
const MAX_BYTES: u64 = 1 << 20;

/// The change that was made to the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) key: String,
    ours: String,
    /// The exact former value.
    former: Option<String>,
    /// The text that was inserted, if the key did not exist.
    inserted: Option<String>,
}

/// The outcome of [`take`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// We are already the default.
    IsOurs,
    /// Another program is the default and may not be replaced, or the file is not UTF-8.
    IsOthers,
    /// The file was changed.
    Changed { created: bool, taken: Taken },
}

/// Makes `ours` (a `.desktop` name) the default for `key`, if there is no default or `force` is set.
pub(super) fn take(path: &Path, key: &str, ours: &str, force: bool) -> Result<Outcome> {
    let (path, found) = read(path)?;
    let created = found.is_none();
    let Ok(text) = String::from_utf8(found.unwrap_or_default()) else { return Ok(Outcome::IsOthers) };
    let (changed, taken) = match find(&text, key) {
        Some(value) if first(&text[value.clone()]) == ours => return Ok(Outcome::IsOurs),
        Some(value) if !first(&text[value.clone()]).is_empty() && !force => return Ok(Outcome::IsOthers),
        Some(value) => {
            let changed = [&text[..value.start], ours, &text[value.end..]].concat();
            (changed, taken(key, ours, Some(&text[value]), None))
        }
        None => {
            let (at, inserted) = insertion(&text, key, ours);
            let changed = [&text[..at], &inserted, &text[at..]].concat();
            (changed, taken(key, ours, None, Some(inserted)))
        }
    };
    write(&path, &changed)?;
    Ok(Outcome::Changed { created, taken })
}

fn taken(key: &str, ours: &str, former: Option<&str>, inserted: Option<String>) -> Taken {
    Taken { key: key.to_owned(), ours: ours.to_owned(), former: former.map(str::to_owned), inserted }
}

/// Undoes [`take`], if we are still the default. `applications` is the folder of our `.desktop` files.
pub(super) fn restore(path: &Path, created: bool, applications: &Path, taken: &Taken) -> Result<()> {
    let (path, found) = read(path)?;
    let Some(Ok(text)) = found.map(String::from_utf8) else { return Ok(()) };
    let Some(value) = find(&text, &taken.key).filter(|value| first(&text[value.clone()]) == taken.ours) else {
        return Ok(());
    };
    let restored = if let Some(former) = taken.former.as_deref().filter(|it| !is_gone(first(it), applications)) {
        [&text[..value.start], former, &text[value.end..]].concat()
    } else {
        let range = inserted(&text, value.start, taken).unwrap_or_else(|| line(&text, value.start));
        [&text[..range.start], &text[range.end..]].concat()
    };
    if restored.is_empty() && created {
        return disk::remove_file(&path);
    }
    write(&path, &restored)
}

/// Whether `name` is another install that has been removed since.
fn is_gone(name: &str, applications: &Path) -> bool {
    name.starts_with(APP_ID_PREFIX) && !applications.join(name).exists()
}

/// The range of the text that we inserted, if it is unchanged and nothing was added below our heading.
fn inserted(text: &str, value: usize, taken: &Taken) -> Option<Range<usize>> {
    let inserted = taken.inserted.as_deref()?;
    let ranges = text.match_indices(inserted).map(|(at, _)| at..at + inserted.len());
    let range = ranges.into_iter().find(|range| range.contains(&value))?;
    let below = text[range.end..].trim_start();
    (!inserted.contains(SECTION) || below.is_empty() || below.starts_with('[')).then_some(range)
}

/// The range of the line at this byte.
fn line(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    start..text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// The range of a key's value, from after `=` to the end of the line.
fn find(text: &str, key: &str) -> Option<Range<usize>> {
    let mut at = 0;
    let mut is_inside = false;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        if content.trim_start().starts_with('[') {
            is_inside = content.trim() == SECTION;
        } else if let Some((name, _)) = content.split_once('=').filter(|(name, _)| is_inside && name.trim() == key) {
            return Some(at + name.len() + 1..at + content.len());
        }
        at += line.len();
    }
    None
}

/// The first name in a list of `.desktop` names.
fn first(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

/// The position at which to insert the key, and the text to insert.
fn insertion(text: &str, key: &str, ours: &str) -> (usize, String) {
    let line = format!("{key}={ours}\n");
    let mut at = 0;
    for found in text.split_inclusive('\n') {
        at += found.len();
        if found.trim() == SECTION {
            return (at, if found.ends_with('\n') { line } else { format!("\n{line}") });
        }
    }
    let gap = match text {
        "" => "",
        _ if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    (text.len(), format!("{gap}{SECTION}\n{line}"))
}

/// The path of the file after following a link, and its content.
fn read(path: &Path) -> Result<(PathBuf, Option<Vec<u8>>)> {
    let own = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let found = match disk::read_if_exists(&own, MAX_BYTES) {
        // Too large to be read: treat it like a file that is not UTF-8.
        Err(Error::Invalid { .. }) => Some(vec![0xff]),
        other => other?,
    };
    Ok((own, found))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let before = fs::metadata(path).ok();
    disk::write_atomic(path, text.as_bytes(), Durability::PowerCut)?;
    match before {
        Some(before) if disk::mode(&before) != 0 => disk::set_mode(path, disk::mode(&before)),
        _ => Ok(()),
    }
}
