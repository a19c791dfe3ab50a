//! Which folder a game is installed into when a person names one, and whether that is possible.

use std::path::{Path, PathBuf};

use crate::app::host;
use crate::install::{Admission, InstallRoot, InstallState, Session, is_of_another_user};
use crate::local::disk;

/// What a folder is, for somebody who wants to install there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is new or empty.
    Free,
    /// A game is installed there.
    Installed,
    /// An installation was begun there, and has not come to its end.
    Begun,
    /// Somebody's files are there, or it is a folder that must not be used.
    Taken,
    /// This user may not write there, or the install there is of another user.
    Forbidden,
}

/// The folder to install into, for a folder that a person has chosen: never among other files. It is the folder itself
/// if it has the game's name or the game, else a folder of that name in it.
pub fn below(chosen: &Path, name: &str) -> PathBuf {
    let is_named = chosen.file_name().is_some_and(|last| last == name);
    let is_ours = InstallRoot::at(chosen).is_ok_and(|root| root.is_ours());
    if name.is_empty() || is_named || is_ours { chosen.to_owned() } else { chosen.join(name) }
}

/// Looks at a folder, and changes nothing.
pub fn look(folder: &Path) -> Place {
    let Ok(root) = InstallRoot::at(folder) else { return Place::Taken };
    if !folder.is_absolute() {
        return Place::Taken;
    }
    if root.is_ours() {
        // A state that cannot be read is that of an install: the next operation says what is wrong with it.
        let is_begun = InstallState::load(&root).is_ok_and(|state| state.is_some_and(|state| state.current.is_none()));
        return match is_of_another_user(&root, None) {
            true => Place::Forbidden,
            false if is_begun => Place::Begun,
            false => Place::Installed,
        };
    }
    let protected = host::protected();
    let admission = Admission {
        verb: "look",
        protected: &protected,
        adopt: false,
        may_begin: false,
        mode: None,
        trusted_owner: None,
    };
    // What a move has left there, before it was stopped, is used by the next one.
    if !root.is_arriving() && Session::admit(&root, &admission).is_err() {
        return Place::Taken;
    }
    let nearest = root.directory().ancestors().find(|above| above.exists());
    if nearest.is_some_and(|above| above.is_dir() && disk::may_write(above)) { Place::Free } else { Place::Forbidden }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_game_gets_a_folder_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let games = folder.path().join("Games");
        assert_eq!(below(&games, "V-Sekai"), games.join("V-Sekai"));
        assert_eq!(below(&games.join("V-Sekai"), "V-Sekai"), games.join("V-Sekai"));
        let old = games.join("old");
        std::fs::create_dir_all(old.join(".vsekai")).unwrap();
        std::fs::write(old.join(".vsekai/state.json"), "{}").unwrap();
        assert_eq!(below(&old, "V-Sekai"), old, "what is there already is used");
    }

    #[test]
    fn places_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("empty")).unwrap();
        std::fs::create_dir_all(at("full/thing")).unwrap();
        std::fs::create_dir_all(at("game/.vsekai")).unwrap();
        std::fs::write(at("game/.vsekai/state.json"), "{}").unwrap();
        std::fs::write(at("file"), "").unwrap();
        std::fs::create_dir_all(at("begun/.vsekai")).unwrap();
        let mode = crate::formats::release::ModeName::new("stable").unwrap();
        InstallState::begin(mode).save(&InstallRoot::at(&at("begun")).unwrap()).unwrap();
        for (name, wanted) in [
            ("begun", Place::Begun),
            ("new", Place::Free),
            ("new/er", Place::Free),
            ("empty", Place::Free),
            ("full", Place::Taken),
            ("file", Place::Taken),
            ("game", Place::Installed),
        ] {
            assert_eq!(look(&at(name)), wanted, "{name}");
        }
        assert_eq!(look(Path::new("/")), Place::Taken);
        assert_eq!(look(Path::new("games")), Place::Taken, "no absolute path");
    }
}
