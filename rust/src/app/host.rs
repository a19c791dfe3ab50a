//! What the faces take from the machine that they run on: the user's folders, and what the desktop has.
//!
//! Beside the faces themselves this alone reads the environment. Nothing here changes anything.

use std::path::PathBuf;

use crate::app::updater::Desktop;
use crate::error::{Error, Result};
use crate::install::config::System;
use crate::install::integrate::Folders;

/// The mark of V-Sekai, as the launcher has it.
const ICON: &[u8] = include_bytes!("../../../themes/vsekai/icon.svg");

/// The scheme of the addresses that V-Sekai's users have.
const SCHEME: &str = "uro";

/// What people call the game.
pub const DISPLAY_NAME: &str = "V-Sekai";

/// Folders that are nobody's install root.
pub fn protected() -> Vec<PathBuf> {
    std::env::home_dir().into_iter().collect()
}

/// Where the chunk cache is that V-Sekai's tools and casync share, if anywhere.
pub fn shared_cache_folder() -> Option<PathBuf> {
    let base = match System::current() {
        System::Windows => absolute("LOCALAPPDATA"),
        System::MacOs => std::env::home_dir().map(|home| home.join("Library/Caches")),
        System::Linux => absolute("XDG_CACHE_HOME").or_else(|| Some(std::env::home_dir()?.join(".cache"))),
    };
    Some(base?.join("casync").join("chunks"))
}

/// Where a game is installed if nobody says where; nothing if no home folder is known.
pub fn default_install_folder() -> Option<PathBuf> {
    let base = match System::current() {
        System::Windows => absolute("LOCALAPPDATA"),
        System::MacOs => std::env::home_dir().map(|home| home.join("Library/Application Support")),
        System::Linux => absolute("XDG_DATA_HOME").or_else(|| Some(std::env::home_dir()?.join(".local/share"))),
    };
    Some(base?.join("vsekai").join("game"))
}

/// This desktop, for the program that runs now.
///
/// # Errors
/// `invalid_argument` if no home folder is known.
pub fn desktop(display_name: &str, take_scheme: bool) -> Result<Desktop> {
    let no_home = || Error::Invalid { what: "desktop", reason: "no home folder is known".to_owned() };
    let folders = Folders::find(System::current(), &|name| std::env::var(name).ok()).ok_or_else(no_home)?;
    Ok(Desktop {
        display_name: display_name.to_owned(),
        program: std::env::current_exe().map_err(Error::io("find", "vsekai"))?,
        icon_svg: ICON.to_vec(),
        scheme: SCHEME.to_owned(),
        take_scheme,
        folders,
        refresh: refresh(),
    })
}

/// The program that tells the desktop of new entries, if this system has one.
fn refresh() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("update-desktop-database")).find(|program| program.is_file())
}

fn absolute(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}
