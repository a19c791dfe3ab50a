//! Parts of an install that are gone: removed by hand, taken away by a virus scanner, lost by a disk. Every command
//! does what a person wants then, with and without the repository.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::shop::Shop;
use crate::support::run::Run;

/// Removes something from an install of two versions, the second of which is current.
struct Harm {
    what: &'static str,
    /// `None`: the path itself. Else a file or link with this content takes its place.
    put: Option<Put>,
    path: fn(&Shop) -> std::path::PathBuf,
}

#[derive(Clone, Copy)]
enum Put {
    File,
    EmptyFile,
    EmptyFolder,
    DanglingLink,
    Pipe,
}

impl Harm {
    fn new(what: &'static str, put: Option<Put>, path: fn(&Shop) -> std::path::PathBuf) -> Self {
        Self { what, put, path }
    }

    fn apply(&self, shop: &Shop) {
        let path = (self.path)(shop);
        remove(&path);
        match self.put {
            None => {}
            Some(Put::File) => fs::write(&path, b"something else").unwrap(),
            Some(Put::EmptyFile) => fs::write(&path, b"").unwrap(),
            Some(Put::EmptyFolder) => fs::create_dir(&path).unwrap(),
            Some(Put::Pipe) => pipe(&path),
            Some(Put::DanglingLink) => std::os::unix::fs::symlink("nowhere", &path).unwrap(),
        }
    }
}

fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn remove(path: &Path) {
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

fn document(shop: &Shop, ending: &str) -> std::path::PathBuf {
    shop.control("indexes").join(format!("{}{ending}", shop.folder_of("2.0.0")))
}

/// What each of the long tests meets: every harm, or every third with `VSEKAI_FAULTS=some`, beginning with another one in
/// each test so that together they meet all.
fn harms(first: usize) -> Vec<Harm> {
    let step = if std::env::var("VSEKAI_FAULTS").is_ok_and(|text| text == "some") { 3 } else { 1 };
    all_harms().into_iter().skip(first % step).step_by(step).collect()
}

/// Harm to the current version, or to what is known of it.
fn all_harms() -> Vec<Harm> {
    vec![
        Harm::new("versions", None, |shop| shop.game().join("versions")),
        Harm::new("versions is a file", Some(Put::File), |shop| shop.game().join("versions")),
        Harm::new("versions is a link to nowhere", Some(Put::DanglingLink), |shop| shop.game().join("versions")),
        Harm::new("versions is empty", Some(Put::EmptyFolder), |shop| shop.game().join("versions")),
        Harm::new("current folder", None, |shop| shop.tree_of("2.0.0")),
        Harm::new("current folder is empty", Some(Put::EmptyFolder), |shop| shop.tree_of("2.0.0")),
        Harm::new("current folder is a file", Some(Put::File), |shop| shop.tree_of("2.0.0")),
        Harm::new("current folder is a link to nowhere", Some(Put::DanglingLink), |shop| shop.tree_of("2.0.0")),
        Harm::new("program", None, |shop| shop.tree_of("2.0.0").join("game")),
        Harm::new("program is empty", Some(Put::EmptyFile), |shop| shop.tree_of("2.0.0").join("game")),
        Harm::new("program is a pipe", Some(Put::Pipe), |shop| shop.tree_of("2.0.0").join("game")),
        Harm::new("one file", None, |shop| shop.tree_of("2.0.0").join("data/map")),
        Harm::new("one file is a folder", Some(Put::EmptyFolder), |shop| shop.tree_of("2.0.0").join("data/map")),
        Harm::new("one file is empty", Some(Put::EmptyFile), |shop| shop.tree_of("2.0.0").join("data/map")),
        Harm::new("one file is a pipe", Some(Put::Pipe), |shop| shop.tree_of("2.0.0").join("data/map")),
        Harm::new("one folder", None, |shop| shop.tree_of("2.0.0").join("data")),
        Harm::new("one folder is empty", Some(Put::EmptyFolder), |shop| shop.tree_of("2.0.0").join("data")),
        Harm::new("one folder is a file", Some(Put::File), |shop| shop.tree_of("2.0.0").join("data")),
        Harm::new("indexes", None, |shop| shop.control("indexes")),
        Harm::new("indexes is a file", Some(Put::File), |shop| shop.control("indexes")),
        Harm::new("release document", None, |shop| document(shop, ".release.json")),
        Harm::new("release document is a folder", Some(Put::EmptyFolder), |shop| document(shop, ".release.json")),
        Harm::new("index", None, |shop| document(shop, ".caidx")),
        Harm::new("file table is empty", Some(Put::EmptyFile), |shop| document(shop, ".files.json.zst")),
    ]
}

fn updated() -> Shop {
    let shop = Shop::with(&["1.0.0", "2.0.0"]);
    shop.update(&[]).done();
    assert_eq!(shop.launch(&[]).code, Some(0), "no longer on trial");
    shop
}

fn hide_repository(shop: &Shop) {
    fs::rename(shop.publisher.repository(), shop.path("away")).unwrap();
}

#[track_caller]
fn assert_current_works(shop: &Shop, what: &str) {
    assert_eq!(shop.version(), "2.0.0", "{what}");
    let run = shop.vsekai(&["verify"]);
    let last = run.lines.last().unwrap_or_else(|| panic!("{what}: {}", run.stderr));
    assert_eq!(last["damage"], serde_json::json!([]), "{what}");
    let launched = shop.launch(&[]);
    assert_eq!((launched.code, &launched.last["version"]), (Some(0), &"2.0.0".into()), "{what}: {}", launched.said);
    assert_eq!(shop.status()["missing"], Value::Null, "{what}");
}

#[test]
fn update_sees_what_is_gone_and_brings_it_back() {
    let words: [&[&str]; 4] = [&[], &["--discard"], &["--adopt"], &["--version", "2.0.0"]];
    for (at, harm) in harms(0).iter().enumerate() {
        let shop = updated();
        harm.apply(&shop);
        assert_ne!(shop.status()["missing"], Value::Null, "{}", harm.what);
        let check = shop.vsekai(&["check"]);
        assert_eq!(check.done()["available"]["why"], "incomplete", "{}", harm.what);
        let dry = shop.update(&["--dry-run"]);
        assert_eq!(dry.done()["up_to_date"], false, "{}", harm.what);
        let done = shop.update(words[at % words.len()]);
        assert_eq!(done.done()["why"], "incomplete", "{}", harm.what);
        assert_current_works(&shop, harm.what);
        assert_eq!(shop.update(&[]).done()["why"], Value::Null, "{}: it is done now", harm.what);
        assert_eq!(shop.offered(&[]), None, "{}", harm.what);
    }
}

#[test]
fn verify_names_what_is_gone_and_repair_brings_it_back() {
    for harm in harms(1) {
        let shop = updated();
        harm.apply(&shop);
        let run = shop.vsekai(&["verify"]);
        assert_eq!(run.code, Some(3), "{}: {:?} {}", harm.what, run.lines.last(), run.stderr);
        assert_ne!(run.lines.last().unwrap()["damage"], serde_json::json!([]), "{}", harm.what);
        shop.vsekai(&["verify", "--repair"]).done();
        assert_eq!(shop.vsekai(&["verify"]).code, Some(0), "{}", harm.what);
        assert_current_works(&shop, harm.what);
        shop.vsekai(&["rollback"]).done();
        assert_eq!(shop.launch(&[]).last["version"], "1.0.0", "{}", harm.what);
    }
}

#[test]
fn launch_mends_or_starts_a_whole_version_and_says_so_and_never_blames_the_one_that_lacks_a_part() {
    for harm in harms(2) {
        let shop = updated();
        let program = shop.tree_of("1.0.0").join("game");
        harm.apply(&shop);
        hide_repository(&shop);
        let is_previous_there = program.exists();
        for _ in 0..3 {
            let launched = shop.launch(&[]);
            let warned = launched.said.contains(r#""code":"damaged""#);
            match launched.last["event"].as_str() {
                Some("done") => {
                    assert_eq!(launched.code, Some(0), "{}: {}", harm.what, launched.said);
                    let is_other = launched.last["version"] == "1.0.0";
                    assert_eq!(is_other, launched.last["instead_of"] == "2.0.0", "{}: {}", harm.what, launched.last);
                    assert_eq!(launched.last["rolled_back_from"], Value::Null, "{}", harm.what);
                    assert!(warned || !is_other, "{}: {}", harm.what, launched.said);
                }
                _ => {
                    assert!(!is_previous_there, "{}: {}", harm.what, launched.said);
                    let code = launched.last["code"].as_str().unwrap();
                    assert!(matches!(code, "damaged" | "launch_failed"), "{}: {}", harm.what, launched.said);
                    let hint = launched.last["hint"].as_str().unwrap();
                    let command = format!("vsekai verify --repair {}", shop.game().display());
                    assert!(hint.contains(&command), "{hint}");
                }
            }
        }
        assert_eq!(shop.version(), "2.0.0", "{}", harm.what);
        assert_eq!(shop.status()["bad"], serde_json::json!([]), "{}", harm.what);
        fs::rename(shop.path("away"), shop.publisher.repository()).unwrap();
        shop.vsekai(&["verify", "--repair"]).done();
        assert_current_works(&shop, harm.what);
    }
}

#[test]
fn start_of_a_program_that_is_a_pipe_ends() {
    let shop = Shop::with(&["1.0.0"]);
    assert_eq!(shop.launch(&[]).code, Some(0));
    let program = shop.tree_of("1.0.0").join("game");
    remove(&program);
    pipe(&program);
    hide_repository(&shop);
    let launched = shop.launch(&[]);
    assert!(matches!(launched.last["code"].as_str(), Some("damaged" | "launch_failed")), "{}", launched.said);
}

#[test]
fn rollback_leaves_a_version_that_is_gone() {
    for harm in harms(3) {
        let shop = updated();
        harm.apply(&shop);
        shop.vsekai(&["rollback"]).done();
        assert_eq!(shop.version(), "1.0.0", "{}", harm.what);
        assert_eq!(shop.launch(&[]).last["version"], "1.0.0", "{}", harm.what);
        shop.assert_whole();
    }
}

#[test]
fn previous_version_that_is_gone_is_damage_and_is_brought_back() {
    for put in [None, Some(Put::EmptyFolder), Some(Put::File)] {
        let harm = Harm::new("previous folder", put, |shop| shop.tree_of("1.0.0"));
        let shop = updated();
        harm.apply(&shop);
        assert_eq!(shop.vsekai(&["verify"]).code, Some(3));
        assert_eq!(shop.launch(&[]).last["version"], "2.0.0");
        assert_eq!(shop.update(&[]).done()["why"], Value::Null, "what starts is complete");
        hide_repository(&shop);
        shop.vsekai(&["rollback"]).failed("damaged");
        assert_eq!(shop.version(), "2.0.0", "nothing has changed");
        fs::rename(shop.path("away"), shop.publisher.repository()).unwrap();
        shop.vsekai(&["rollback"]).done();
        assert_eq!(shop.launch(&[]).last["version"], "1.0.0");
        shop.assert_whole();
    }
}

#[test]
fn what_the_other_version_has_comes_back_without_a_repository() {
    let commands: [&[&str]; 2] = [&["update"], &["verify", "--repair"]];
    for command in commands {
        let shop = updated();
        hide_repository(&shop);
        for name in ["licence.txt", "data/pack.pck", "game"] {
            fs::remove_file(shop.tree().join(name)).unwrap();
        }
        let run = shop.vsekai(command);
        run.done();
        assert_eq!(shop.vsekai(&["verify"]).code, Some(0), "{command:?}");
        assert_current_works(&shop, "from the other version");
    }
}

#[test]
fn update_without_a_repository_says_why_it_cannot_restore() {
    let shop = updated();
    fs::remove_dir_all(shop.tree()).unwrap();
    hide_repository(&shop);
    let run = shop.vsekai(&["update"]);
    assert_eq!(run.code, Some(1), "{:?}", run.lines.last());
    assert_eq!(run.lines.last().unwrap()["event"], "error");
    assert_eq!(shop.version(), "2.0.0");
}

#[test]
fn version_that_is_gone_here_and_in_the_repository_gives_way_to_one_that_exists() {
    let shop = updated();
    // Not offered to this install, so nothing newer is available.
    shop.publish_in("stable", "3.0.0", &["--keep-versions", "1", "--rollout", "0"], |_| {});
    assert_eq!(shop.offered(&[]), None);
    fs::remove_dir_all(shop.game().join("versions")).unwrap();
    fs::remove_dir_all(shop.control("indexes")).unwrap();
    fs::remove_dir_all(shop.control("trust/cache")).unwrap();
    assert_eq!(shop.offered(&[]).as_deref(), Some("3.0.0"));
    assert_eq!(shop.update(&[]).done()["why"], "incomplete");
    assert_eq!(shop.version(), "3.0.0");
    assert_eq!(shop.launch(&[]).code, Some(0));
    assert_eq!(shop.status()["previous"]["version"], "1.0.0", "as far as is known");
}

#[test]
fn newer_version_takes_the_place_of_one_that_is_gone() {
    for harm in harms(4) {
        let shop = updated();
        harm.apply(&shop);
        shop.publish("3.0.0");
        shop.update(&[]).done();
        assert_eq!(shop.version(), "3.0.0", "{}", harm.what);
        shop.assert_whole();
        assert_eq!(shop.launch(&[]).code, Some(0), "{}", harm.what);
    }
}

#[test]
fn our_folders_and_files_come_back_when_something_has_taken_their_place() {
    for name in ["staging", "trust/cache", "running", "lock", "state.json"] {
        for put in [Put::File, Put::EmptyFolder, Put::DanglingLink] {
            let shop = updated();
            let path = shop.control(name);
            if fs::symlink_metadata(&path).is_ok() {
                remove(&path);
            }
            match put {
                Put::EmptyFolder => fs::create_dir_all(&path).unwrap(),
                Put::DanglingLink => std::os::unix::fs::symlink("nowhere", &path).unwrap(),
                _ => fs::write(&path, b"something else").unwrap(),
            }
            shop.publish("3.0.0");
            let run = shop.update(&[]);
            assert_eq!(run.code, Some(0), "{name}: {:?}", run.lines.last());
            assert_eq!(shop.version(), "3.0.0", "{name}");
            shop.assert_whole();
            assert_eq!(shop.launch(&[]).code, Some(0), "{name}");
        }
    }
}

#[test]
fn link_to_the_current_version_is_a_convenience() {
    let shop = updated();
    let link = shop.game().join("current");
    fs::remove_file(&link).unwrap();
    assert_eq!(shop.launch(&[]).code, Some(0));
    assert_eq!(shop.vsekai(&["verify"]).code, Some(0));
    assert_eq!(shop.update(&[]).done()["why"], Value::Null);
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("versions").join(shop.folder_of("2.0.0")));
    fs::remove_file(&link).unwrap();
    fs::create_dir(&link).unwrap();
    fs::write(link.join("mine"), b"mine").unwrap();
    shop.publish("3.0.0");
    shop.update(&[]).done();
    assert_eq!(fs::read(link.join("mine")).unwrap(), b"mine", "it is somebody's folder now");
}

#[test]
fn install_that_lacks_a_part_is_uninstalled() {
    for harm in harms(5) {
        let shop = updated();
        harm.apply(&shop);
        let run: Run = shop.vsekai(&["uninstall", "--yes"]);
        assert_eq!(run.code, Some(0), "{}: {:?}", harm.what, run.lines.last());
        assert!(!shop.control("").exists(), "{}", harm.what);
    }
}

#[test]
fn lost_state_is_found_again_by_every_command() {
    let commands: [&[&str]; 6] =
        [&["status"], &["verify"], &["verify", "--repair"], &["launch"], &["rollback"], &["check"]];
    for command in commands {
        let shop = updated();
        fs::remove_file(shop.control("state.json")).unwrap();
        let mut run = shop.command(command);
        run.arg(shop.game());
        if command == ["check"] {
            run.arg("--repository").arg(shop.publisher.repository());
        }
        let output = run.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(shop.version(), if command == ["rollback"] { "1.0.0" } else { "2.0.0" }, "{command:?}");
    }
}

#[test]
fn state_that_was_lost_is_rebuilt_and_this_is_said() {
    for harm in [None, Some(Put::EmptyFile), Some(Put::Pipe), Some(Put::EmptyFolder)] {
        let shop = updated();
        Harm::new("state", harm, |shop| shop.control("state.json")).apply(&shop);
        let said = shop.vsekai(&["status"]).warnings("state_malformed").join("\n");
        assert!(said.contains("was lost and was rebuilt from the versions that are installed"), "{said}");
        assert_eq!(shop.vsekai(&["status"]).warnings("state_malformed"), [""; 0]);
    }
}

#[test]
fn versions_on_another_disk_are_uninstalled_and_the_folder_there_stays() {
    let shop = updated();
    let (versions, elsewhere) = (shop.game().join("versions"), shop.path("elsewhere"));
    fs::rename(&versions, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &versions).unwrap();
    assert_current_works(&shop, "a link to another disk");
    shop.vsekai(&["uninstall", "--yes"]).done();
    assert!(!shop.game().exists());
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn version_whose_folders_were_made_unreadable_is_repaired_and_removed() {
    use crate::support::trees::chmod;
    let shop = updated();
    chmod(&shop.tree(), "data", 0o000);
    // The administrator can read it anyway.
    if !rustix::process::geteuid().is_root() {
        assert_eq!(shop.vsekai(&["verify"]).code, Some(3));
    }
    shop.vsekai(&["verify", "--repair"]).done();
    assert_current_works(&shop, "unreadable folder");
    chmod(&shop.tree(), "data", 0o000);
    shop.publish("3.0.0");
    shop.update(&[]).done();
    shop.launch(&[]);
    shop.publish("4.0.0");
    shop.update(&[]).done();
    assert!(!shop.tree_of("2.0.0").exists());
}
