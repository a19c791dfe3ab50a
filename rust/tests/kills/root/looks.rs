//! Checks of an install root: it is whole, contains the user's files, and nothing is left over.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vsekai_updater::event::Monitor;
use vsekai_updater::install::{self, InstallRoot, InstallState};

use super::world::{World, names};
use crate::support::trees::{self, Same, Snapshot, What, snapshot};

/// Everything in an install root, except what differs from run to run.
pub(crate) type Portrait = BTreeMap<PathBuf, String>;

/// Files below `.vsekai` that differ from run to run.
const DIFFERS: [&str; 3] = ["lock", "trust/latest_known_time.json", "trust/client.json"];

pub(crate) fn portrait(game: &Path) -> Portrait {
    let mut portrait = Portrait::new();
    // An empty folder counts as a missing one.
    if !game.exists() || names(game).is_empty() {
        return portrait;
    }
    for (path, seen) in snapshot(game) {
        if path.starts_with(".vsekai/running") {
            continue;
        }
        let content = match &seen.what {
            What::Directory => "folder".to_owned(),
            What::Link(target) => target.display().to_string(),
            What::File { .. } if path.ends_with("state.json") => state(&game.join(&path)),
            What::File { .. } if is_different(&path) => "file".to_owned(),
            // Its members are written in any order.
            What::File { .. } if path.parent() == Some(Path::new(".vsekai/trust")) => {
                let text = fs::read(game.join(&path)).unwrap();
                serde_json::from_slice::<serde_json::Value>(&text).unwrap().to_string()
            }
            What::File { size, digest } => format!("{size} {digest}"),
            What::Other => "other".to_owned(),
        };
        let mode = if matches!(seen.what, What::Link(_)) { 0 } else { seen.mode };
        portrait.insert(path, format!("{mode:o} {content}"));
    }
    portrait
}

fn is_different(path: &Path) -> bool {
    DIFFERS.iter().any(|name| path == Path::new(".vsekai").join(name))
        || path.extension().is_some_and(|it| it == "stamps")
}

fn state(path: &Path) -> String {
    let mut state: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    state["install_id"] = "any".into();
    // The order of what happened is compared, not when it did.
    for change in state["history"].as_array_mut().into_iter().flatten() {
        change["time"] = 0.into();
    }
    state.to_string()
}

#[track_caller]
pub(crate) fn assert_same(found: &Portrait, wanted: &Portrait) {
    let paths: std::collections::BTreeSet<_> = found.keys().chain(wanted.keys()).collect();
    let differs = |path: &&&PathBuf| found.get(**path) != wanted.get(**path);
    let told: Vec<_> = paths.iter().filter(differs).map(|path| (path, found.get(*path), wanted.get(*path))).collect();
    assert!(told.is_empty(), "not as after an undisturbed run (found, wanted): {told:#?}");
}

/// The version that `state.json` names.
pub(crate) fn current(game: &Path) -> Option<String> {
    let state = InstallState::load(&InstallRoot::at(game).unwrap()).unwrap();
    Some(state?.current?.version.to_string())
}

/// Checks that the version in `state.json` is as published, and that `verify` agrees. Ignores the user's files.
#[track_caller]
pub(crate) fn assert_current_is_whole(world: &World, game: &Path, version: &str, damaged: Option<&str>) {
    let root = InstallRoot::at(game).unwrap();
    let current = InstallState::load(&root).unwrap().unwrap().current.unwrap();
    assert_eq!(current.version.to_string(), version);
    let verified = install::verify(&root, &current.folder, &Monitor::default()).unwrap();
    let is_allowed = |damage: &install::Damage| damaged == Some(damage.path());
    assert!(verified.damage.iter().all(is_allowed), "{:?}", verified.damage);
    assert_kept_are_whole(game, damaged);
    let mut found = snapshot(&root.versions(&current.folder));
    let wanted = without(world.published(version), damaged);
    found = without(found, damaged);
    found.retain(|path, _| wanted.contains_key(path));
    trees::assert_same(&found, &wanted, Same::Modes);
}

/// Checks that every installed version is whole, except for a file that the test damaged.
#[track_caller]
pub(crate) fn assert_kept_are_whole(game: &Path, damaged: Option<&str>) {
    let root = InstallRoot::at(game).unwrap();
    let state = InstallState::load(&root).unwrap().unwrap();
    for version in install::examine(&root, &state, &install::SignedDigests::default(), &Monitor::default()).unwrap() {
        let mut paths = version.found.damage.iter().map(install::Damage::path);
        assert!(paths.all(|path| damaged == Some(path)), "{:?}", version.found.damage);
    }
}

fn without(mut tree: Snapshot, path: Option<&str>) -> Snapshot {
    path.map(|path| tree.remove(Path::new(path)));
    tree
}

/// Whether a file of the install root has this content, outside our control folder.
pub(crate) fn has_content(folder: &Path, content: &[u8]) -> bool {
    names(folder).iter().filter(|name| *name != ".vsekai").any(|name| {
        let path = folder.join(name);
        let Ok(found) = fs::symlink_metadata(&path) else { return false };
        match (found.is_dir(), found.is_file()) {
            (true, _) => has_content(&path, content),
            (_, true) => fs::read(&path).unwrap() == content,
            _ => false,
        }
    })
}

/// Checks that there is no half-built version, temporary file, or unneeded version or document.
#[track_caller]
pub(crate) fn assert_nothing_is_left_over(game: &Path) {
    if !game.exists() {
        return;
    }
    let all: Vec<PathBuf> = snapshot(game).into_keys().collect();
    let is_temporary = |path: &&PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(".tmp-vsekai-") || name.starts_with("spool-") || name.starts_with("ready-")
    };
    let left: Vec<_> = all.iter().filter(is_temporary).collect();
    assert!(left.is_empty(), "{left:?}");
    if game.join(".vsekai/staging").exists() {
        assert_eq!(names(&game.join(".vsekai/staging")), [""; 0]);
    }
    if !game.join(".vsekai").exists() {
        return;
    }
    let state = InstallState::load(&InstallRoot::at(game).unwrap()).unwrap().unwrap();
    let mut needed: Vec<_> = [state.current, state.previous].into_iter().flatten().map(|it| it.folder).collect();
    needed.sort();
    assert_eq!(names(&game.join("versions")), needed);
    let mut indexes: Vec<_> = names(&game.join(".vsekai/indexes"));
    indexes.retain(|name| name.ends_with(".release.json"));
    assert_eq!(indexes.len(), needed.len(), "{indexes:?}");
}
