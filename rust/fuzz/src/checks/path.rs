//! Names and link targets: an accepted one stays below its root, by the rules of every system. The first line is a
//! path, the rest a link's target.

use std::path::{Component, Path};

use vsekai_updater::path::{LinkTarget, RelPath};

/// Panics if the promises in the module's documentation do not hold for this input.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (path, target) = text.split_once('\n').unwrap_or((text, ""));
    let Ok(path) = RelPath::new(path) else { return };
    let root = Path::new("/root of the tree");
    let below = path.below(root);
    let inside = below.strip_prefix(root).expect("below its root");
    assert!(inside.components().all(|part| matches!(part, Component::Normal(_))));
    assert_eq!(inside.components().count(), path.names().count());
    check_windows(path.as_str());
    check_parts(&path);
    check_folded(&path);
    if let Ok(target) = LinkTarget::new(&path, target) {
        check_target(&path, target.as_str());
    }
}

// Checks for anything that Windows would treat as a drive, a root, a stream or a wildcard.
fn check_windows(path: &str) {
    assert!(!path.contains(['\\', ':', '\0', '<', '>', '"', '|', '?', '*']) && !path.starts_with('/'));
    for name in path.split('/') {
        assert!(!name.is_empty() && name.trim_end_matches(['.', ' ']) == name && name.len() <= 255);
    }
}

fn check_parts(path: &RelPath) {
    let stored = serde_json::to_string(path).expect("a path can be stored");
    assert_eq!(&serde_json::from_str::<RelPath>(&stored).expect("what was stored can be read"), path);
    if let Some(parent) = path.parent() {
        assert_eq!(&parent.child(path.file_name()).expect("its own name"), path);
        assert_eq!(RelPath::new(parent.as_str()).expect("a parent is a path too"), parent);
    } else {
        assert_eq!(path.file_name(), path.as_str());
    }
}

// Case-insensitive disks compare letter by letter, in upper or in lower case.
fn check_folded(path: &RelPath) {
    let folded = path.folded();
    for other in [path.as_str().to_uppercase(), path.as_str().to_lowercase(), folded.clone()] {
        if let Ok(other) = RelPath::new(&other) {
            assert_eq!(other.folded(), folded, "{other}");
        }
    }
}

fn check_target(link: &RelPath, target: &str) {
    let mut at: Vec<&str> = link.names().collect();
    at.pop();
    assert!(!target.contains(['\\', ':', '\0']));
    for part in Path::new(target).components() {
        match part {
            Component::Normal(name) => at.push(name.to_str().expect("it was text")),
            Component::ParentDir => drop(at.pop().expect("a target inside the tree")),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => panic!("an absolute target"),
        }
    }
}
