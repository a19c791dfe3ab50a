//! Tests of what is different on Windows. They run in wine, too.

use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::error::Error;
use crate::local::disk::{self, Shared};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, name).unwrap();
        path
    }
}

/// Opens a file as a scanner does that lets nobody remove it.
fn hold(path: &std::path::Path) -> File {
    const FILE_SHARE_READ: u32 = 1;
    OpenOptions::new().read(true).share_mode(FILE_SHARE_READ).open(path).unwrap()
}

#[test]
fn times_of_folders_and_read_only_files_are_set() {
    let folder = Folder::new();
    let (file, inner) = (folder.file("read-only"), folder.path("inner"));
    fs::create_dir(&inner).unwrap();
    disk::set_mode(&file, 0o444).unwrap();
    for path in [&file, &inner] {
        disk::set_mtime(path, 1_500_000_000_000_000_000).unwrap();
        let found = fs::metadata(path).unwrap().modified().unwrap();
        assert_eq!(found, SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000), "{}", path.display());
    }
    disk::set_mode(&file, 0o644).unwrap();
}

#[test]
fn names_of_a_file_are_counted_and_files_are_told_apart() {
    let folder = Folder::new();
    let (one, other) = (folder.file("one"), folder.file("other"));
    let ask = |path: &PathBuf| {
        let found = fs::symlink_metadata(path).unwrap();
        (disk::link_count(path, &found), disk::identity(path, &found).unwrap())
    };
    assert_eq!(ask(&one).0, 1);
    assert_ne!(ask(&one).1, ask(&other).1);
    let twin = folder.path("twin");
    fs::hard_link(&one, &twin).unwrap();
    assert_eq!((ask(&one).0, ask(&twin).0), (2, 2));
    assert_eq!(ask(&one).1, ask(&twin).1);
    // Not even a handle that shares nothing prevents the question.
    let _held = OpenOptions::new().read(true).share_mode(0).open(&other).unwrap();
    assert_eq!(ask(&other).0, 1);
}

/// Lets a scanner go on for a moment.
fn release(held: File) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        drop(held);
    })
}

#[test]
fn file_that_somebody_has_open_for_a_moment_is_renamed_replaced_and_removed() {
    let folder = Folder::new();
    let (from, to, target) = (folder.file("from"), folder.path("to"), folder.file("target"));
    let scanner = release(hold(&from));
    disk::rename(&from, &to).unwrap();
    scanner.join().unwrap();
    let scanner = release(hold(&target));
    disk::rename_over(&to, &target).unwrap();
    scanner.join().unwrap();
    let scanner = release(hold(&target));
    disk::remove_file(&target).unwrap();
    scanner.join().unwrap();
    assert!(!target.exists());
}

#[test]
fn file_that_somebody_has_open_for_a_moment_is_flushed_and_opened() {
    let folder = Folder::new();
    let (fresh, read_only) = (folder.file("fresh.exe"), folder.file("read-only.exe"));
    disk::set_mode(&read_only, 0o444).unwrap();
    let scanners = [&fresh, &read_only].map(|path| release(hold(path)));
    disk::sync_disk(folder.0.path(), Shared::Skip).unwrap();
    for scanner in scanners {
        scanner.join().unwrap();
    }
    assert!(fs::metadata(&read_only).unwrap().permissions().readonly());
    disk::set_mode(&read_only, 0o644).unwrap();
    let scanner = release(hold(&fresh));
    drop(disk::open_or_create(&fresh).unwrap());
    scanner.join().unwrap();
}

#[test]
fn times_modes_and_names_are_given_to_a_file_that_shares_nothing_for_a_moment() {
    let folder = Folder::new();
    let (from, to) = (folder.file("from"), folder.path("to"));
    let hold_all = || release(OpenOptions::new().read(true).share_mode(0).open(&from).unwrap());
    let scanner = hold_all();
    disk::set_mtime(&from, 1_500_000_000_000_000_000).unwrap();
    disk::set_mode(&from, 0o444).unwrap();
    disk::set_mode(&from, 0o644).unwrap();
    scanner.join().unwrap();
    let scanner = hold_all();
    assert_eq!(disk::clone_or_link(&from, &to, &disk::CloneMemory::default()).unwrap(), 0);
    scanner.join().unwrap();
    assert_eq!(disk::link_count(&to, &fs::symlink_metadata(&to).unwrap()), 2);
}

#[test]
fn files_that_stay_open_are_busy_after_half_a_minute_in_all() {
    let folder = Folder::new();
    let (one, other) = (folder.file("one"), folder.file("other"));
    let held = [hold(&one), hold(&other)];
    let begun = std::time::Instant::now();
    let error = disk::sync_disk(folder.0.path(), Shared::Skip).unwrap_err();
    let Error::Busy { path, holder } = &error else { panic!("{error}") };
    assert!([&one, &other].contains(&path) && !holder.is_empty(), "{error}");
    let seconds = begun.elapsed().as_secs();
    assert!((25..40).contains(&seconds), "{seconds}");
    drop(held);
    disk::sync_disk(folder.0.path(), Shared::Skip).unwrap();
}

#[test]
fn names_that_are_all_new_are_flushed() {
    let folder = Folder::new();
    let one = folder.file("one");
    fs::hard_link(&one, folder.path("other")).unwrap();
    // Whoever flushes a file opens it.
    let (held, begun) = (hold(&one), std::time::Instant::now());
    disk::sync_disk(folder.0.path(), Shared::Skip).unwrap();
    assert!(begun.elapsed() < Duration::from_millis(300), "{:?}", begun.elapsed());
    let scanner = release(held);
    disk::sync_disk(folder.0.path(), Shared::Flush).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    scanner.join().unwrap();
}

#[test]
fn working_folder_of_a_program_is_held() {
    let folder = Folder::new();
    let inner = folder.path("inner");
    fs::create_dir(&inner).unwrap();
    assert_eq!(super::first_held(folder.0.path()), None);
    let mut command = std::process::Command::new("cmd");
    // It waits for a line.
    command.args(["/c", "set /p line="]).current_dir(&inner);
    let mut there = command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    assert_eq!(super::first_held(folder.0.path()), Some(inner.clone()));
    assert_eq!(disk::remove_empty_directory(&inner).unwrap_err().code(), "busy");
    drop(there.stdin.take());
    there.wait().unwrap();
    disk::must_be_free(folder.0.path()).unwrap();
    assert!(disk::remove_empty_directory(&inner).unwrap());
}

#[test]
fn leftover_that_somebody_has_open_is_busy_after_a_second() {
    let folder = Folder::new();
    let path = folder.file("open");
    let held = hold(&path);
    let begun = std::time::Instant::now();
    assert_eq!(disk::remove_file(&path).unwrap_err().code(), "busy");
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let scanner = release(held);
    disk::must_be_free(folder.0.path()).unwrap();
    scanner.join().unwrap();
    disk::remove_file(&path).unwrap();
}

#[test]
fn holder_of_a_lock_writes_and_others_read() {
    let folder = Folder::new();
    let path = folder.path("lock");
    let (one, other) = (disk::open_lock(&path).unwrap(), disk::open_lock(&path).unwrap());
    assert!(disk::try_lock(&one, &path, false).unwrap());
    assert!(disk::try_lock(&other, &path, false).unwrap());
    assert!(!disk::try_lock(&disk::open_lock(&path).unwrap(), &path, true).unwrap());
    disk::unlock(&other);
    disk::write_all_at(&one, &path, 0, b"process 1 (make)").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"process 1 (make)");
    drop(one);
    assert!(disk::try_lock(&disk::open_lock(&path).unwrap(), &path, true).unwrap());
}

#[test]
fn free_space_is_known() {
    let folder = Folder::new();
    let free = disk::free_bytes(folder.0.path()).unwrap();
    assert!(free > 0 && free < u64::MAX, "{free}");
    assert!(disk::total_bytes(folder.0.path()).unwrap() >= free);
}

#[test]
fn whole_tree_is_flushed_with_its_read_only_files() {
    let folder = Folder::new();
    fs::create_dir(folder.path("inner")).unwrap();
    let file = folder.file("inner/read-only");
    folder.file("other");
    disk::set_mode(&file, 0o444).unwrap();
    disk::sync_disk(folder.0.path(), Shared::Skip).unwrap();
    assert!(fs::metadata(&file).unwrap().permissions().readonly());
    disk::set_mode(&file, 0o644).unwrap();
}

#[test]
fn file_shared_with_a_running_version_is_not_opened_for_the_flush() {
    let (running, new) = (Folder::new(), Folder::new());
    let program = running.file("game.exe");
    fs::hard_link(&program, new.path("game.exe")).unwrap();
    new.file("data");
    let held = hold(&program);
    disk::sync_disk(new.0.path(), Shared::Skip).unwrap();
    drop(held);
}

#[test]
fn this_process_runs_and_one_that_has_ended_does_not() {
    assert!(disk::is_process(std::process::id()));
    let mut child = std::process::Command::new("cmd").args(["/c", "exit 0"]).spawn().unwrap();
    let number = child.id();
    child.wait().unwrap();
    drop(child);
    assert!(!disk::is_process(number));
}

#[test]
fn link_to_a_folder_is_made_and_replaced_without_any_privilege() {
    let folder = Folder::new();
    for name in ["one", "two"] {
        fs::create_dir(folder.path(name)).unwrap();
        folder.file(&format!("{name}/{name}.txt"));
    }
    let link = folder.path("current");
    for name in ["one", "two"] {
        match disk::replace_symlink(std::path::Path::new(name), &link) {
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::Unsupported => {
                println!("SKIPPED: this Windows, or wine, makes neither junctions nor links");
                return;
            }
            other => other.unwrap(),
        }
        assert!(link.join(format!("{name}.txt")).exists(), "{name}");
        assert_eq!(fs::read_link(&link).unwrap().file_name().unwrap(), name);
    }
}

#[test]
fn path_is_shown_as_people_write_it() {
    let folder = Folder::new();
    let found = disk::canonicalize(folder.0.path()).unwrap();
    assert!(!found.to_str().unwrap().starts_with(r"\\?\"), "{}", found.display());
}

#[test]
fn private_folder_is_entered_by_its_owner() {
    let folder = Folder::new();
    let keys = folder.path("keys");
    disk::make_private_directory(&keys).unwrap();
    disk::write_private(&keys.join("key"), b"secret", disk::Durability::Kill).unwrap();
    assert_eq!(fs::read(keys.join("key")).unwrap(), b"secret");
    let open = folder.path("open");
    fs::create_dir(&open).unwrap();
    let may_all = |path: &PathBuf| {
        let rules = super::api::rules(path).unwrap();
        assert!(rules.starts_with("D:") && rules.contains("(A;"), "{rules}");
        ["WD)", "BU)", "AU)"].iter().any(|who| rules.contains(who))
    };
    for path in [&keys, &keys.join("key")] {
        assert!(!may_all(path), "{}", super::api::rules(path).unwrap());
    }
    println!("{} {}", super::api::rules(&keys).unwrap(), super::api::rules(&open).unwrap());
}
