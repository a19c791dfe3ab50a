//! A log of what a program did, for a person to read and to send along with a report.
//!
//! It never grows beyond [`MAX_BYTES`], and holds no password, query of an address or name of a home folder.

use std::path::Path;

use crate::error::Result;
use crate::local::disk::{self, Durability};
use crate::text;

/// The size of a log, in bytes. When it is reached, the older half goes.
const MAX_BYTES: usize = 256 << 10;

/// The size of one line, in bytes.
const MAX_LINE_BYTES: usize = 4 << 10;

/// Appends a line, or several if the text has several. `home` is written as `~`. A file that is no log of ours begins
/// anew.
///
/// # Errors
/// Those of the disk.
pub fn append(path: &Path, line: &str, home: Option<&Path>) -> Result<()> {
    let before = disk::read_control(path, (2 * MAX_BYTES) as u64).ok().flatten().unwrap_or_default();
    let mut log = String::from_utf8_lossy(&before).into_owned();
    log.push_str(&redacted(line, home));
    log.push('\n');
    if log.len() > MAX_BYTES {
        let half = log.len() - MAX_BYTES / 2;
        let end_of_line = log.as_bytes().iter().skip(half).position(|byte| *byte == b'\n');
        log.drain(..end_of_line.map_or(log.len(), |at| half + at + 1));
    }
    disk::write_atomic(path, log.as_bytes(), Durability::Kill)
}

fn redacted(line: &str, home: Option<&Path>) -> String {
    let mut end = line.len().min(MAX_LINE_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let text = text::lines(&text::without_secrets(&line[..end]));
    match home.map(Path::to_string_lossy).filter(|home| home.len() > 1) {
        Some(home) => text.replace(home.trim_end_matches(['/', '\\']), "~"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn log_is_bounded_and_keeps_the_newest_lines_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let long = "é".repeat(MAX_LINE_BYTES);
        for number in 0..200 {
            append(&path, &format!("line {number} {long}"), None).unwrap();
            assert!(fs::metadata(&path).unwrap().len() <= MAX_BYTES as u64);
        }
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("line ") && text.lines().count() > 20, "{first}");
        assert!(text.lines().last().unwrap().starts_with("line 199 "));
    }

    #[test]
    fn log_holds_no_secret_no_home_and_nothing_that_moves_a_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let line = "offline: https://kim:hush@host.example/a?token=hush /home/kim/games \u{1b}[31m";
        append(&path, line, Some(Path::new("/home/kim/"))).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("host.example/a") && text.contains(" ~/games"), "{text}");
        assert!(!text.contains("hush") && !text.contains("kim") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn what_is_no_log_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, vec![b'x'; 3 * MAX_BYTES]).unwrap();
        append(&path, "here", None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "here\n");
        fs::write(&path, b"\xff\xfe\n").unwrap();
        append(&path, "here", None).unwrap();
        assert!(fs::read_to_string(&path).unwrap().ends_with("\nhere\n"));
        assert!(append(folder.path(), "here", None).is_err());
    }
}
