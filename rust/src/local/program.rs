//! Replaces a program, also one that runs.
//!
//! Where the system lets a new file take the name of a running program, that is one step. Windows does not: there the
//! running one first becomes `NAME.old`, and the new one waits as `NAME.new`. A kill between these two steps leaves no
//! program under the name; [`restore`] completes it. Does not look into the files.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::local::disk;

/// Permissions of a program.
const MODE: u32 = 0o755;

/// What is being copied, and may be a part only.
const PART: &str = "part";
/// The whole new program.
const NEW: &str = "new";
/// The program that was replaced.
const OLD: &str = "old";

/// Gives `program` the content of the file `with`, in one step for everybody who starts it. The caller sees to it that
/// nobody else does the same.
///
/// # Errors
/// The program is as it was.
pub fn replace(program: &Path, with: &Path) -> Result<()> {
    replace_as(program, with, is_executed(program))
}

fn replace_as(program: &Path, with: &Path, is_running: bool) -> Result<()> {
    let [part, new, old] = [PART, NEW, OLD].map(|ending| beside(program, ending));
    restore(program)?;
    disk::remove_file(&part)?;
    disk::remove_file(&new)?;
    let copied = copy(with, &part);
    if copied.is_err() {
        let _ = disk::remove_file(&part);
        return copied;
    }
    if is_running {
        disk::rename_over(&part, &new)?;
        // One that still runs stays in the way; it is of an earlier replacement, and the rename fails.
        disk::rename_over(program, &old)?;
        if let Err(error) = disk::rename(&new, program) {
            disk::rename(&old, program)?;
            return Err(error);
        }
    } else {
        disk::rename_over(&part, program)?;
    }
    program.parent().map_or(Ok(()), disk::sync_directory)
}

fn copy(with: &Path, part: &Path) -> Result<()> {
    disk::copy(with, part)?;
    disk::offer_mode(part, MODE)?;
    let file = disk::open_or_create(part)?;
    disk::sync_file(&file, part)
}

/// Completes a replacement that was interrupted between its two steps, and removes what was replaced, unless it runs.
pub fn restore(program: &Path) -> Result<()> {
    let [new, old] = [NEW, OLD].map(|ending| beside(program, ending));
    let is_there = |path: &Path| std::fs::symlink_metadata(path).is_ok();
    if !is_there(program) && is_there(&old) {
        // The new one was whole before the old one lost its name.
        return disk::rename(if is_there(&new) { &new } else { &old }, program);
    }
    // One that runs is removed later.
    if is_there(program) && !is_executed(&old) {
        let _ = disk::remove_file(&old);
    }
    Ok(())
}

/// The program whose replacement this one belongs to, if this is `NAME.old`.
pub fn original(program: &Path) -> Option<PathBuf> {
    (program.extension()? == OLD).then(|| program.with_extension(""))
}

/// The path of a file beside a program.
fn beside(program: &Path, ending: &str) -> PathBuf {
    let mut name = program.file_name().map(OsString::from).unwrap_or_default();
    name.push(".");
    name.push(ending);
    program.with_file_name(name)
}

#[cfg(windows)]
fn is_executed(program: &Path) -> bool {
    disk::is_executed(program)
}

/// Others let a running program be replaced.
#[cfg(not(windows))]
fn is_executed(_program: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(files: &[&str]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            files.iter().for_each(|name| fs::write(folder.at(name), name).unwrap());
            folder
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// The names here, each with the name that it was created under.
        fn all(&self) -> Vec<(String, String)> {
            let entries = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path());
            let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut all: Vec<_> = entries.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect();
            all.sort();
            all
        }
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())).collect()
    }

    #[test]
    fn program_is_replaced_and_the_new_one_can_be_started() {
        for is_running in [false, true] {
            let folder = Folder::new(&["p", "source", "p.part", "p.new"]);
            replace_as(&folder.at("p"), &folder.at("source"), is_running).unwrap();
            let mut wanted = vec![("p", "source"), ("source", "source")];
            if is_running {
                wanted.insert(1, ("p.old", "p"));
            }
            assert_eq!(folder.all(), pairs(&wanted));
            #[cfg(unix)]
            assert_eq!(disk::mode(&fs::metadata(folder.at("p")).unwrap()) & 0o777, 0o755);
            restore(&folder.at("p")).unwrap();
            assert_eq!(folder.all(), pairs(&[("p", "source"), ("source", "source")]));
        }
    }

    #[test]
    fn new_program_is_placed_where_none_was() {
        let folder = Folder::new(&["source"]);
        replace(&folder.at("p"), &folder.at("source")).unwrap();
        assert_eq!(folder.all(), pairs(&[("p", "source"), ("source", "source")]));
    }

    #[test]
    fn interrupted_replacement_is_completed() {
        for (files, wanted) in [
            (&["p.old", "p.new"][..], &[("p", "p.new"), ("p.old", "p.old")][..]),
            (&["p.old"], &[("p", "p.old")]),
            (&["p", "p.new"], &[("p", "p"), ("p.new", "p.new")]),
            (&["p", "p.old"], &[("p", "p")]),
            (&["p.part"], &[("p.part", "p.part")]),
        ] {
            let folder = Folder::new(files);
            restore(&folder.at("p")).unwrap();
            assert_eq!(folder.all(), pairs(wanted), "{files:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_changes_nothing() {
        let folder = Folder::new(&["p"]);
        replace(&folder.at("p"), &folder.at("nothing")).unwrap_err();
        assert_eq!(folder.all(), pairs(&[("p", "p")]));
    }

    #[test]
    fn program_knows_what_it_was() {
        assert_eq!(original(Path::new("a/vsekai.exe.old")), Some(PathBuf::from("a/vsekai.exe")));
        assert_eq!(original(Path::new("a/vsekai.exe")), None);
        assert_eq!(original(Path::new("vsekai")), None);
    }
}
