//! One launcher for each install: a second one hands what it was started with to the first, and ends.
//!
//! ```text
//! FOLDER/KEY.lock         held by the launcher of that install for as long as it runs
//!        KEY/NAME.call    what a later one was started with; removed by the holder once it has taken it over
//!            NAME.no      the same, refused
//! ```
//!
//! Nobody waits for ever: a holder that does not look in time is given up, and what was written for it is removed.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::install::InstallRoot;
use crate::local::disk::{self, Durability};
use crate::local::lock::Lock;

/// How often to look for the answer.
const TICK: Duration = Duration::from_millis(20);
/// The arguments of a start, in bytes: much longer than any address.
const MAX_BYTES: u64 = 64 << 10;
const CALL: &str = "call";
const REFUSED: &str = "no";

/// What became of a [`call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The running launcher does what was asked for.
    Accepted,
    /// It does not.
    Declined,
    /// No launcher is running for this install.
    Nobody,
    /// One is running, and did not answer in time.
    None,
}

/// The right to be the launcher of an install; dropping it gives that up.
#[derive(Debug)]
pub struct Instance {
    _lock: Lock,
    calls: PathBuf,
    /// The call that waits for an answer.
    open: Option<PathBuf>,
}

impl Instance {
    /// Becomes the launcher of the install in `directory`; `None` if there is one. `folder` belongs to this user, and is
    /// the same for all launchers of the product.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn claim(folder: &Path, directory: &Path) -> Result<Option<Self>> {
        let (lock, calls) = places(folder, directory)?;
        disk::create_control_directory(folder)?;
        let lock = match Lock::exclusive(&lock, "launcher") {
            Err(Error::Busy { .. }) => return Ok(None),
            other => other?,
        };
        // Nobody waits for an answer to what a killed launcher has left.
        disk::remove_all(&calls)?;
        disk::create_control_directory(&calls)?;
        Ok(Some(Self { _lock: lock, calls, open: None }))
    }

    /// What a later launcher was started with, if one waits. An answer is due: see [`Self::answer`].
    pub fn take(&mut self) -> Option<Vec<String>> {
        let entries = disk::list(&self.calls).ok()?;
        let call =
            entries.into_iter().map(|entry| entry.path()).find(|path| path.extension() == Some(OsStr::new(CALL)))?;
        let bytes = disk::read_control(&call, MAX_BYTES).ok().flatten();
        let arguments = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        self.open = Some(call);
        if arguments.is_none() {
            self.answer(false);
        }
        arguments
    }

    /// Says whether what [`Self::take`] returned is done.
    pub fn answer(&mut self, is_taken: bool) {
        let Some(call) = self.open.take() else { return };
        // Who waits may have given up and removed it.
        let _ = if is_taken { disk::remove_file(&call) } else { disk::rename(&call, &call.with_extension(REFUSED)) };
    }
}

/// Hands arguments to the launcher of the install in `directory`, and waits for its answer, for at most `longest`.
///
/// # Errors
/// Those of the disk.
pub fn call(folder: &Path, directory: &Path, arguments: &[String], longest: Duration) -> Result<Answer> {
    let (lock, calls) = places(folder, directory)?;
    if !is_held(&lock)? {
        return Ok(Answer::Nobody);
    }
    let call = calls.join(disk::random_name("")).with_extension(CALL);
    let bytes = serde_json::to_vec(arguments).map_err(|error| Error::invalid("arguments", error.to_string()))?;
    disk::create_control_directory(&calls)?;
    disk::write_control(&call, &bytes, Durability::Kill)?;
    let refused = call.with_extension(REFUSED);
    let end = Instant::now() + longest;
    loop {
        // Asked before the answer is looked for: who has gone since may have answered.
        let is_gone = !is_held(&lock)?;
        if disk::exists(&refused)? {
            disk::remove_file(&refused)?;
            return Ok(Answer::Declined);
        }
        if !disk::exists(&call)? {
            return Ok(Answer::Accepted);
        }
        if is_gone || Instant::now() >= end {
            disk::remove_file(&call)?;
            return Ok(if is_gone { Answer::Nobody } else { Answer::None });
        }
        std::thread::sleep(TICK);
    }
}

/// Shared, so that it never looks like a launcher to another caller.
fn is_held(lock: &Path) -> Result<bool> {
    if !disk::exists(lock)? {
        return Ok(false);
    }
    let file = disk::open_lock(lock)?;
    let is_free = disk::try_lock(&file, lock, false)?;
    if is_free {
        disk::unlock(&file);
    }
    Ok(!is_free)
}

fn places(folder: &Path, directory: &Path) -> Result<(PathBuf, PathBuf)> {
    let root = InstallRoot::at(directory)?;
    let key: String =
        Digest::of(real(root.directory()).to_string_lossy().as_bytes()).to_string().chars().take(32).collect();
    Ok((folder.join(format!("{key}.lock")), folder.join(key)))
}

/// The same path before and after the folder is created.
fn real(directory: &Path) -> PathBuf {
    for above in directory.ancestors() {
        if let (Ok(there), Ok(rest)) = (disk::canonicalize(above), directory.strip_prefix(above)) {
            return there.join(rest).components().collect();
        }
    }
    directory.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_secs(5);

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Claims `game` below a fresh folder, and answers the first call with this.
    fn with_holder(is_taken: bool, start: impl FnOnce(&Path, &Path) -> Answer) -> (Answer, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let (ours, game) = (folder.path().join("instances"), folder.path().join("game"));
        let mut first = Instance::claim(&ours, &game).unwrap().unwrap();
        std::thread::scope(|scope| {
            let holder = scope.spawn(move || {
                let end = Instant::now() + LONGEST;
                loop {
                    if let Some(arguments) = first.take() {
                        first.answer(is_taken);
                        return arguments;
                    }
                    assert!(Instant::now() < end, "nobody has called");
                }
            });
            (start(&ours, &game), holder.join().unwrap())
        })
    }

    #[test]
    fn second_hands_over_what_it_was_started_with() {
        let wanted = words(&["open", "/games/é", "uro://hall?x=1"]);
        for (is_taken, answer) in [(true, Answer::Accepted), (false, Answer::Declined)] {
            let (told, heard) = with_holder(is_taken, |ours, game| {
                assert!(Instance::claim(ours, game).unwrap().is_none(), "there is one");
                call(ours, game, &wanted, LONGEST).unwrap()
            });
            assert_eq!((told, heard), (answer, wanted.clone()));
        }
    }

    #[test]
    fn one_that_hangs_is_given_up_and_nothing_is_left_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let game = folder.path().join("game");
        let mut first = Instance::claim(folder.path(), &game).unwrap().unwrap();
        let started = Instant::now();
        assert_eq!(call(folder.path(), &game, &[], Duration::from_millis(200)).unwrap(), Answer::None);
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        assert_eq!(first.take(), None);
    }

    #[test]
    fn one_that_ends_meanwhile_is_no_reason_to_wait() {
        let folder = tempfile::tempdir().unwrap();
        let game = folder.path().join("game");
        let first = Instance::claim(folder.path(), &game).unwrap().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(100));
                drop(first);
            });
            assert_eq!(call(folder.path(), &game, &[], Duration::from_secs(60)).unwrap(), Answer::Nobody);
        });
        assert!(Instance::claim(folder.path(), &game).unwrap().is_some());
    }

    #[test]
    fn installs_are_told_apart_whether_they_exist_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let _first = Instance::claim(folder.path(), &at("a")).unwrap().unwrap();
        assert_eq!(call(folder.path(), &at("b"), &[], LONGEST).unwrap(), Answer::Nobody);
        assert!(Instance::claim(folder.path(), &at("b")).unwrap().is_some());
        std::fs::create_dir(at("a")).unwrap();
        assert!(Instance::claim(folder.path(), &at("a/")).unwrap().is_none());
    }

    #[test]
    fn what_nobody_can_read_is_refused_and_does_not_come_again() {
        let folder = tempfile::tempdir().unwrap();
        let game = folder.path().join("game");
        let mut first = Instance::claim(folder.path(), &game).unwrap().unwrap();
        std::fs::write(first.calls.join("x.call"), "{").unwrap();
        assert_eq!((first.take(), first.take()), (None, None));
        assert!(first.calls.join("x.no").exists());
    }
}
