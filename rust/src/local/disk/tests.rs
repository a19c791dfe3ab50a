use std::os::unix::fs::PermissionsExt;
use std::sync::{Mutex, MutexGuard};

use super::probe::{Operation, Verdict};
use super::*;

const NO_SPACE: i32 = 28;
const NO_ACCESS: i32 = 13;

/// The process has one probe, so tests that set it take turns, and each considers only its own folder.
struct Probed(#[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Probed {
    fn new(folder: &Path, judge: impl Fn(&Operation) -> Verdict + Send + Sync + 'static) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let folder = folder.to_owned();
        let last = std::sync::atomic::AtomicU64::new(0);
        probe::set(Box::new(move |operation| {
            if !operation.path.starts_with(&folder) {
                return Verdict::Go;
            }
            // Other tests run at the same time, and are counted too.
            let number = last.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            judge(&Operation { number, ..operation.clone() })
        }));
        Self(turn)
    }
}

impl Drop for Probed {
    fn drop(&mut self) {
        probe::unset();
    }
}

fn names(folder: &Path) -> Vec<String> {
    list(folder).unwrap().iter().map(|entry| entry.file_name().into_string().unwrap()).collect()
}

fn mode_of(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn removal_takes_read_only_folders_and_follows_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let (tree, outside) = (folder.path().join("tree"), folder.path().join("outside"));
    write(&tree.join("a/b/file"), b"x");
    write(&outside.join("mine"), b"mine");
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o500)).unwrap();
    symlink(&outside, &tree.join("a/link")).unwrap();
    for locked in ["a/b", "a", ""] {
        fs::set_permissions(tree.join(locked), fs::Permissions::from_mode(0o500)).unwrap();
    }
    remove_all(&tree).unwrap();
    assert_eq!(names(folder.path()), ["outside"]);
    assert_eq!((names(&outside), mode_of(&outside)), (vec!["mine".to_owned()], 0o500));
    remove_all(&tree).unwrap();
}

#[test]
fn removal_of_a_link_to_a_folder_takes_the_link() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("outside/mine"), b"mine");
    symlink(Path::new("outside"), &folder.path().join("link")).unwrap();
    remove_all(&folder.path().join("link")).unwrap();
    assert_eq!(names(folder.path()), ["outside"]);
    assert_eq!(names(&folder.path().join("outside")), ["mine"]);
}

#[test]
fn removal_is_one_step_for_each_name() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    for name in ["a/1", "a/2", "b/3", "c"] {
        write(&tree.join(name), b"x");
    }
    let stop = tree.join("b/3");
    let probed =
        Probed::new(&tree, move |operation| if operation.path == stop { Verdict::Fail(NO_SPACE) } else { Verdict::Go });
    let error = remove_all(&tree).unwrap_err();
    drop(probed);
    assert_eq!(error.code(), "disk_full");
    assert_eq!(names(&tree), ["b", "c"]);
}

#[test]
fn only_an_empty_folder_is_removed_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    write(&inner.join("file"), b"x");
    assert!(!remove_empty_directory(&inner).unwrap());
    remove_file(&inner.join("file")).unwrap();
    assert!(remove_empty_directory(&inner).unwrap());
    assert!(!remove_empty_directory(&inner).unwrap());
}

#[test]
fn only_unfinished_files_are_removed_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    write(&kept, b"x");
    create(&temporary_beside(&kept)).unwrap();
    remove_temporaries(folder.path()).unwrap();
    assert_eq!(names(folder.path()), ["kept"]);
}

#[test]
fn link_takes_the_place_of_a_link_or_file_and_never_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let current = folder.path().join("current");
    replace_symlink(Path::new("versions/1"), &current).unwrap();
    replace_symlink(Path::new("versions/2"), &current).unwrap();
    assert_eq!(fs::read_link(&current).unwrap(), Path::new("versions/2"));
    fs::remove_file(&current).unwrap();
    fs::write(&current, b"a file").unwrap();
    replace_symlink(Path::new("versions/3"), &current).unwrap();
    assert_eq!(fs::read_link(&current).unwrap(), Path::new("versions/3"));
    fs::remove_file(&current).unwrap();
    fs::create_dir(&current).unwrap();
    replace_symlink(Path::new("versions/4"), &current).unwrap_err();
    assert!(current.is_dir());
    assert_eq!(names(folder.path()), ["current"]);
}

#[test]
fn link_that_leads_nowhere_exists() {
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    assert!(!exists(&link).unwrap());
    symlink(Path::new("nowhere"), &link).unwrap();
    assert!(exists(&link).unwrap());
    write(&folder.path().join("file"), b"x");
    assert!(!exists(&folder.path().join("file/below")).unwrap());
}

#[test]
fn private_folder_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let private = folder.path().join("a/private");
    make_private_directory(&private).unwrap();
    assert_eq!(mode_of(&private), 0o700);
    fs::set_permissions(&private, fs::Permissions::from_mode(0o755)).unwrap();
    make_private_directory(&private).unwrap();
    assert_eq!(mode_of(&private), 0o700);
    write(&folder.path().join("file"), b"x");
    make_private_directory(&folder.path().join("file")).unwrap_err();
}

#[test]
fn folders_above_are_created_and_those_there_are_no_step() {
    let folder = tempfile::tempdir().unwrap();
    create_directory(&folder.path().join("a/b/c")).unwrap();
    let probed = Probed::new(folder.path(), |_| Verdict::Fail(NO_SPACE));
    create_directory(&folder.path().join("a/b")).unwrap();
    create_directory(&folder.path().join("a/d")).unwrap_err();
    drop(probed);
    assert_eq!(names(&folder.path().join("a")), ["b"]);
    write(&folder.path().join("file"), b"x");
    create_directory(&folder.path().join("file")).unwrap_err();
}

#[test]
fn file_that_is_there_is_replaced_and_not_written_into() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(&path("new"), b"new");
    write(&path("other tree"), b"other");
    type Take = fn(&Path, &Path) -> Result<u64>;
    let link: Take = |from, to| {
        let memory = CloneMemory::default();
        clone_or_link(from, &to.with_extension("first"), &memory)?;
        clone_or_link(from, to, &memory)
    };
    for take in [copy as Take, |from, to| clone_or_link(from, to, &CloneMemory::default()), link] {
        fs::hard_link(path("other tree"), path("here")).unwrap();
        take(&path("new"), &path("here")).unwrap();
        assert_eq!(fs::read(path("here")).unwrap(), b"new");
        assert_eq!(fs::read(path("other tree")).unwrap(), b"other");
        fs::remove_file(path("here")).unwrap();
    }
}

#[test]
fn disk_that_can_neither_clone_nor_link_gets_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(&path("from"), b"bytes");
    set_mtime(&path("from"), 1_500_000_000_000_000_001).unwrap();
    set_mode(&path("from"), 0o451).unwrap();
    let probed = Probed::new(folder.path(), |operation| match operation.name {
        "clone" | "link" => Verdict::Fail(NO_SPACE),
        _ => Verdict::Go,
    });
    assert_eq!(clone_or_link(&path("from"), &path("to"), &CloneMemory::default()).unwrap(), 5);
    drop(probed);
    let found = fs::metadata(path("to")).unwrap();
    assert_eq!((fs::read(path("to")).unwrap(), mode(&found)), (b"bytes".to_vec(), 0o451));
    assert_eq!((link_count(&path("to"), &found), mtime_ns(&found)), (1, 1_500_000_000_000_000_001));
}

#[test]
fn atomic_write_that_fails_anywhere_leaves_the_old_file_or_the_new_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let mut failed = 0;
    for number in 1.. {
        fs::write(&path, b"old").unwrap();
        let probed =
            Probed::new(
                folder.path(),
                move |operation| {
                    if operation.number == number { Verdict::Fail(NO_SPACE) } else { Verdict::Go }
                },
            );
        let outcome = write_atomic(&path, b"new", Durability::PowerCut);
        drop(probed);
        let found = fs::read(&path).unwrap();
        assert!(found == b"old" || found == b"new");
        assert_eq!(names(folder.path()), ["state"]);
        if outcome.is_ok() {
            assert_eq!(found, b"new");
            break;
        }
        failed += 1;
    }
    assert!(failed >= 5, "{failed} steps: create, write, sync, rename, sync");
}

#[test]
fn probe_hears_of_each_change_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
    let heard = std::sync::Arc::clone(&seen);
    let probed = Probed::new(folder.path(), move |operation| {
        heard.lock().unwrap().push(operation.name);
        Verdict::Go
    });
    let path = folder.path().join("inner/file");
    create_directory(path.parent().unwrap()).unwrap();
    write_all_at(&open_sized(&path, 9).unwrap(), &path, 3, b"xyz").unwrap();
    set_mode(&path, 0o600).unwrap();
    set_mtime(&path, 1).unwrap();
    rename(&path, &folder.path().join("moved")).unwrap();
    drop(probed);
    write_atomic(&path, b"", Durability::Kill).unwrap();
    let expected = ["create-folder", "create", "set-length", "write", "set-mode", "set-time", "rename"];
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn partly_written_file_that_became_read_only_keeps_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, b"half").unwrap();
    set_mode(&path, 0o444).unwrap();
    // The error that an unprivileged user gets from the system.
    let probed = Probed::new(
        folder.path(),
        |operation| {
            if operation.number == 1 { Verdict::Fail(NO_ACCESS) } else { Verdict::Go }
        },
    );
    let file = open_sized(&path, 8).unwrap();
    drop(probed);
    write_all_at(&file, &path, 4, b"half").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"halfhalf");
}

#[test]
fn new_files_follow_no_link_and_have_names_that_nobody_guesses() {
    let folder = tempfile::tempdir().unwrap();
    let (victim, link) = (folder.path().join("victim"), folder.path().join("link"));
    fs::write(&victim, b"precious").unwrap();
    std::os::unix::fs::symlink(&victim, &link).unwrap();
    assert!(create(&link).is_err() && create(&victim).is_err());
    assert_eq!(open_or_create(&link).unwrap_err().code(), "invalid_argument");
    assert_eq!(open_lock(&link).unwrap_err().code(), "invalid_argument");
    assert!(open_sized(&link, 3).is_err());
    assert_eq!(read_control(&link, 99).unwrap_err().code(), "invalid_argument");
    assert_eq!(read_control(folder.path(), 99).unwrap_err().code(), "invalid_argument");
    write_atomic(&link, b"new", Durability::Kill).unwrap();
    assert_eq!((fs::read(&victim).unwrap(), fs::read(&link).unwrap()), (b"precious".to_vec(), b"new".to_vec()));
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&victim, &link).unwrap();
    fs::write(folder.path().join("other"), b"other").unwrap();
    let _ = copy(&folder.path().join("other"), &link);
    fs::remove_file(folder.path().join("other")).unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    let name = |_| temporary_beside(&victim).file_name().unwrap().to_str().unwrap().to_owned();
    let names: std::collections::HashSet<String> = (0..1000).map(name).collect();
    assert_eq!(names.len(), 1000);
    let pid = std::process::id().to_string();
    assert!(names.iter().any(|name| !name.contains(&pid)), "{names:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left over");
}

#[test]
fn disk_says_what_it_can_hold() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        [0o644, 0o755, 0o400].map(|mode| held_mode(folder.path(), mode).unwrap() & 0o777),
        [0o644, 0o755, 0o400]
    );
    assert!(holds_links(folder.path()).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left over");
    let refused = |code| is_beyond_the_disk(&io::Error::from_raw_os_error(code));
    // EPERM, ENOSYS, EOPNOTSUPP; and EACCES, EROFS, ENOSPC, EIO.
    assert!([1, 38, 95].into_iter().all(refused) && ![13, 30, 28, 5].into_iter().any(refused));
}

#[test]
fn private_folder_of_somebody_else_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("private");
    make_private_directory(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    make_private_directory(&path).unwrap();
    assert_eq!(mode(&fs::metadata(&path).unwrap()) & 0o777, 0o700);
    if this_user() != Some(0) {
        return;
    }
    std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
    assert!(make_private_directory(&path).is_err());
    prefer_private_directory(&path).unwrap();
}

#[test]
fn a_file_that_a_person_names_is_written_where_its_link_leads() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::write(&real, b"before").unwrap();
    std::os::unix::fs::symlink("real", &link).unwrap();
    write_named(&link, b"after").unwrap();
    assert_eq!(fs::read(&real).unwrap(), b"after");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    write_named(&folder.path().join("new"), b"new").unwrap();
    assert_eq!(names(folder.path()), ["link", "new", "real"]);
}

#[test]
fn a_device_or_pipe_that_a_person_names_is_no_file_to_replace() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert_eq!(write_named(&pipe, b"after").unwrap_err().code(), "invalid_argument");
    assert!(!fs::symlink_metadata(&pipe).unwrap().is_file());
    assert_eq!(names(folder.path()), ["pipe"]);
}
