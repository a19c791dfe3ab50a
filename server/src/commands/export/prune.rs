//! `export --prune`: removes from an exported folder what the repository no longer has.
//!
//! Promises: nothing that the exported metadata leads to is removed, and nothing that has not been out of use for the
//! grace time, which `.vsekai-export.json` in the folder notes from the first export on that did not need it. Only files
//! with names that an export gives are removed. A kill at any moment leaves a whole repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use vsekai_server::error::{Error, Result};
use vsekai_server::model::{RepositoryFile, Time};
use vsekai_updater::formats::index::Index;
use vsekai_updater::local::disk::{self, Durability};

/// Since when files of the folder are out of use.
const RECORD: &str = ".vsekai-export.json";

/// Largest record, in bytes.
const MAX_RECORD_BYTES: u64 = 256 << 20;

/// The folders of a repository, in the order in which files are removed: what names others goes before these.
const FOLDERS: [&str; 4] = ["tuf", "targets", "bundles", "store"];

/// The first root: what tells one repository from another.
const FIRST_ROOT: &str = "tuf/1.root.json";

/// What is in the folder and not in the repository.
#[derive(Debug, Default)]
pub(super) struct Unneeded {
    /// Paths that can go now, and their bytes, in the order of removal.
    pub(super) due: Vec<(String, u64)>,
    /// Paths that wait until the grace time is over, and when they were first found.
    waiting: BTreeMap<String, i64>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    /// Seconds since 1970, by path.
    unneeded_since: BTreeMap<String, i64>,
}

/// Fails if another repository is in the folder: all of it would be out of use.
pub(super) fn check_is_same(dir: &Path, files: &[RepositoryFile]) -> Result<()> {
    let ours = files.iter().find(|file| file.path == FIRST_ROOT).map(|file| &file.bytes[..]);
    let there = disk::read_if_exists(&dir.join(FIRST_ROOT), 1 << 20)?;
    if there.is_none() || there.as_deref() == ours {
        return Ok(());
    }
    let reason = format!("another repository is in {}: its first root is not that of this server", dir.display());
    Err(Error::command(
        "repository_differs",
        reason,
        "Name the folder that this server was exported to, or an empty one",
    ))
}

/// The chunks that the versions of these files need, as paths of an export.
pub(super) fn chunks_of(files: &[RepositoryFile]) -> Result<BTreeSet<String>> {
    let mut needed = BTreeSet::new();
    for file in files.iter().filter(|file| file.path.ends_with(".index.caidx")) {
        needed.extend(Index::parse(&file.bytes)?.iter().map(|chunk| format!("store/{}", chunk.id.store_path())));
    }
    Ok(needed)
}

/// Finds what is in the folder and not among the needed paths.
pub(super) fn find(dir: &Path, needed: &BTreeSet<String>, grace_s: i64) -> Result<Unneeded> {
    let known: Record = match disk::read_if_exists(&dir.join(RECORD), MAX_RECORD_BYTES)? {
        // A damaged one only makes files wait once more.
        Some(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        None => Record::default(),
    };
    let now = Time::now().0 / 1_000_000;
    let mut found = Unneeded::default();
    for folder in FOLDERS {
        let mut all = Vec::new();
        list(dir, folder, &mut all)?;
        // Lists of bundles go before the bundles.
        all.sort_by_key(|(path, _)| path.strip_suffix(".json").is_none());
        for (path, bytes) in all.into_iter().filter(|(path, _)| is_exported(path) && !needed.contains(path)) {
            // A clock that has been ahead must not make a file wait for ever.
            let since = known.unneeded_since.get(&path).copied().unwrap_or(now).min(now);
            if now - since >= grace_s {
                found.due.push((path, bytes));
            } else {
                found.waiting.insert(path, since);
            }
        }
    }
    Ok(found)
}

impl Unneeded {
    pub(super) fn bytes(&self) -> u64 {
        self.due.iter().map(|(_, bytes)| bytes).sum()
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.len() as u64
    }

    /// Removes what is due, and notes the rest.
    pub(super) fn remove(self, dir: &Path) -> Result<()> {
        for (path, _) in &self.due {
            disk::remove_file(&dir.join(path))?;
        }
        let record = Record { unneeded_since: self.waiting };
        let bytes = serde_json::to_vec(&record).map_err(Error::internal_by("writing the record"))?;
        Ok(disk::write_atomic(&dir.join(RECORD), &bytes, Durability::Kill)?)
    }
}

/// The regular files below a folder of the export, by path. Links are not followed.
fn list(dir: &Path, folder: &str, found: &mut Vec<(String, u64)>) -> Result<()> {
    let place = dir.join(folder);
    if !disk::exists(&place)? {
        return Ok(());
    }
    for entry in disk::list(&place)? {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{folder}/{name}");
        let Ok(about) = entry.metadata() else { continue };
        if about.is_dir() {
            list(dir, &path, found)?;
        } else if about.is_file() {
            found.push((path, about.len()));
        }
    }
    Ok(())
}

/// Whether an export gives files such names. Roots are never removed: they lead from the first one to that in force.
fn is_exported(path: &str) -> bool {
    let is_hex = |text: &str, length| text.len() == length && text.bytes().all(|it| it.is_ascii_hexdigit());
    let Some((folder, rest)) = path.split_once('/') else { return false };
    let name = rest.rsplit('/').next().unwrap_or(rest);
    let (first, last) = name.split_once('.').unwrap_or((name, ""));
    match folder {
        "store" => is_hex(first, 64) && last == "cacnk" && rest.split('/').next().is_some_and(|it| is_hex(it, 4)),
        "bundles" => rest == name && is_hex(first, 64) && matches!(last, "" | "json"),
        "targets" => is_hex(first, 64) && !last.is_empty(),
        "tuf" => first.parse::<u64>().is_ok() && last.strip_suffix(".json").is_some_and(|role| role != "root"),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_export_writes_is_removed() {
        let hex = "0a".repeat(32);
        let chunk = format!("store/0a0a/{hex}.cacnk");
        for path in [
            &chunk,
            &format!("bundles/{hex}"),
            &format!("bundles/{hex}.json"),
            &format!("targets/stable/1.0.0/linux-x86_64/{hex}.release.json"),
            "tuf/3.stable.json",
        ] {
            assert!(is_exported(path), "{path}");
        }
        for path in [
            "tuf/2.root.json",
            "tuf/timestamp.json",
            "tuf/current.pack",
            "store/.vsekai-lock",
            "store/README",
            "bundles/x/0a",
            "targets/index.html",
            "index.html",
        ] {
            assert!(!is_exported(path), "{path}");
        }
    }

    #[test]
    fn a_file_goes_once_it_was_out_of_use_for_the_grace_time() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        let at = |path: &str| dir.join(path);
        std::fs::create_dir_all(at("tuf")).unwrap();
        for name in ["tuf/1.snapshot.json", "tuf/2.snapshot.json"] {
            std::fs::write(at(name), b"{}").unwrap();
        }
        let needed = BTreeSet::from(["tuf/2.snapshot.json".to_owned()]);
        let round = |grace_s| {
            let found = find(dir, &needed, grace_s).unwrap();
            let counts = (found.due.len(), found.waiting());
            found.remove(dir).unwrap();
            counts
        };
        assert_eq!(round(100), (0, 1));
        let noted = |away: i64| {
            let since = Time::now().0 / 1_000_000 + away;
            let text = format!("{{\"unneeded_since\": {{\"tuf/1.snapshot.json\": {since}}}}}");
            std::fs::write(at(RECORD), text).unwrap();
        };
        // Of a clock that was ahead.
        noted(1000);
        assert_eq!(round(100), (0, 1));
        assert!(at("tuf/1.snapshot.json").exists());
        std::fs::write(at(RECORD), b"damaged").unwrap();
        assert_eq!(round(100), (0, 1));
        noted(-101);
        assert_eq!(round(100), (1, 0));
        assert!(!at("tuf/1.snapshot.json").exists() && at("tuf/2.snapshot.json").exists());
        assert_eq!(round(0), (0, 0));
    }
}
