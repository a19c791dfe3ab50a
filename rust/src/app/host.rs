//! Facts about this machine for the faces: the user's folders, and the desktop.
//!
//! Apart from the faces, only this module reads the environment. It changes nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::app::updater::Desktop;
use crate::error::{Error, Result};
use crate::install::config::System;
use crate::install::integrate::{APP_ID_PREFIX, Folders, Links, Opens, Record};
use crate::text;

/// The logo of V-Sekai, the same as in the launcher.
const ICON: &[u8] = include_bytes!("../../../themes/vsekai/icon.svg");

/// The URL scheme of V-Sekai's links.
pub const SCHEME: &str = "uro";

/// The name of the game, as shown to users.
pub const DISPLAY_NAME: &str = "V-Sekai";

/// Longest beginning of a name on the desktop that is made of a game's name, in letters.
const LONGEST_APP_ID: usize = 64;

/// The name of the stub beside the program.
const STUB: &str = "vsekai-stub.exe";

/// What whoever made this program has built in: the addresses of a repository, and its `root.json`. Both are empty if
/// nothing is.
pub fn built_in() -> (Vec<String>, &'static [u8]) {
    let repository = env!("VSEKAI_BUILTIN_REPOSITORY").split_whitespace().map(str::to_owned).collect();
    (repository, include_bytes!(concat!(env!("OUT_DIR"), "/root.json")))
}

/// Folders that must never become an install root: the home folder.
pub fn protected() -> Vec<PathBuf> {
    std::env::home_dir().into_iter().collect()
}

/// The folder of the chunk cache that V-Sekai's tools and casync share; `None` if the user's folders are unknown.
pub fn shared_cache_folder() -> Option<PathBuf> {
    let base = match System::current() {
        System::Windows => absolute("LOCALAPPDATA"),
        System::MacOs => std::env::home_dir().map(|home| home.join("Library/Caches")),
        System::Linux => absolute("XDG_CACHE_HOME").or_else(|| Some(std::env::home_dir()?.join(".cache"))),
    };
    Some(base?.join("casync").join("chunks"))
}

/// The hosts that are reached without a proxy, by the usual variable.
pub fn no_proxy() -> Option<String> {
    std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).ok()
}

/// How a game's environment differs from this program's: it has none of the updater's settings, several of which can
/// hold a secret, and no passwords of proxies. The proxies themselves stay.
pub fn game_environment() -> Vec<(OsString, Option<OsString>)> {
    let change = |(name, value): (OsString, OsString)| {
        let text = name.to_string_lossy().to_ascii_uppercase();
        if text.starts_with("VSEKAI_") {
            return Some((name, None));
        }
        let value = value.to_str().filter(|_| text.ends_with("_PROXY"))?;
        let bare = value.split(',').map(without_user).collect::<Vec<_>>().join(",");
        (bare != value).then(|| (name, Some(bare.into())))
    };
    std::env::vars_os().filter_map(change).collect()
}

/// The address of a proxy without user and password. The scheme may be missing.
fn without_user(proxy: &str) -> String {
    if text::has_scheme(proxy) {
        return text::address(proxy);
    }
    let bare = text::address(&format!("http://{proxy}"));
    bare.strip_prefix("http://").unwrap_or_default().to_owned()
}

/// The default folder of a new install of the game with this name; `None` if the user's folders are unknown.
pub fn default_install_folder(product: &str) -> Option<PathBuf> {
    Some(data_folder()?.join(product_folder(product)).join("game"))
}

/// A product's name as the name of a folder: its letters and digits, in any script.
fn product_folder(product: &str) -> String {
    let words = product.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let name: String = words.collect::<Vec<_>>().join("-").to_lowercase().chars().take(LONGEST_APP_ID).collect();
    if name.is_empty() { "game".to_owned() } else { name }
}

/// This user's folder of this name for something that is installed: `game`, `launcher` or `command`; `None` if the
/// user's folders are unknown.
pub fn own_folder(name: &str) -> Option<PathBuf> {
    Some(data_folder()?.join("vsekai").join(name))
}

/// Where this user's programs keep their data.
fn data_folder() -> Option<PathBuf> {
    match System::current() {
        System::Windows => absolute("LOCALAPPDATA"),
        System::MacOs => std::env::home_dir().map(|home| home.join("Library/Application Support")),
        System::Linux => absolute("XDG_DATA_HOME").or_else(|| Some(std::env::home_dir()?.join(".local/share"))),
    }
}

/// The install root that this program was started from by [`launch`](crate::install::launch), and the file that ends
/// its trial; `None` if it was started otherwise.
pub fn own_install() -> Option<(PathBuf, PathBuf)> {
    absolute("VSEKAI_INSTALL_DIR").zip(absolute("VSEKAI_READY_FILE"))
}

/// What a menu entry opens if this program is a launcher: itself, so that a person learns of updates.
pub fn this_launcher() -> Opens {
    let program = std::env::current_exe().ok();
    match (own_install(), program) {
        (Some((root, _)), _) => Opens::Install(root),
        // One that is a part of a version will go with it.
        (None, Some(program)) if !is_vsekai(&program) && !is_in_version(&program) => Opens::Program(program),
        _ => Opens::Game,
    }
}

/// What a game is called on the desktop, and how it looks there.
#[derive(Debug, Clone)]
pub struct Brand {
    /// The name shown to users.
    pub display_name: String,
    /// The URL scheme of its links.
    pub scheme: String,
    /// See [`crate::install::integrate::Request::app_id_prefix`].
    pub app_id_prefix: String,
    /// The icon, as SVG.
    pub icon_svg: Option<&'static [u8]>,
    /// The icon instead, as PNG of 256 by 256 pixels.
    pub icon_png256: Option<Vec<u8>>,
}

impl Brand {
    /// The brand that an install was registered with, as far as that was recorded. No other game gets V-Sekai's icon.
    #[must_use]
    pub fn of(record: &Record, otherwise: Self) -> Self {
        let prefix = record.app_id.rsplit_once('-').map(|(prefix, _)| prefix.to_owned());
        let is_vsekai = prefix.as_ref().is_none_or(|prefix| prefix == APP_ID_PREFIX);
        Self {
            display_name: record.display_name.clone().unwrap_or(otherwise.display_name),
            scheme: record.scheme.clone().unwrap_or(otherwise.scheme),
            app_id_prefix: prefix.unwrap_or(otherwise.app_id_prefix),
            icon_svg: otherwise.icon_svg.filter(|_| is_vsekai),
            icon_png256: otherwise.icon_png256,
        }
    }

    /// V-Sekai, or another name.
    pub fn named(display_name: &str) -> Self {
        Self {
            display_name: display_name.to_owned(),
            scheme: SCHEME.to_owned(),
            app_id_prefix: APP_ID_PREFIX.to_owned(),
            icon_svg: Some(ICON),
            icon_png256: None,
        }
    }

    /// The `app_id_prefix` of a game that has chosen none: its name, in the letters that are allowed there.
    #[must_use]
    pub fn app_id_prefix_of(display_name: &str) -> String {
        let words = display_name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let mut name = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
        name.truncate(LONGEST_APP_ID);
        match name.as_bytes().first() {
            Some(first) if first.is_ascii_alphabetic() => name,
            Some(_) => format!("game-{name}"),
            None => "game".to_owned(),
        }
    }
}

/// This user's desktop, with the running program as the one to register.
///
/// # Errors
/// `invalid_argument` if the home folder is unknown.
pub fn desktop(brand: &Brand, links: Links) -> Result<Desktop> {
    let no_home = || Error::invalid("desktop", "this user's home folder is unknown");
    let folders = Folders::find(System::current(), &|name| std::env::var(name).ok()).ok_or_else(no_home)?;
    let program = program()?;
    Ok(Desktop {
        display_name: brand.display_name.clone(),
        copies_program: is_vsekai(&program) && is_in_version(&program),
        stub: Some(program.with_file_name(STUB)).filter(|stub| stub.is_file()),
        program,
        icon_svg: brand.icon_svg.map(<[u8]>::to_vec),
        icon_png256: brand.icon_png256.clone(),
        app_id_prefix: brand.app_id_prefix.clone(),
        scheme: brand.scheme.clone(),
        links,
        opens: Opens::Game,
        folders,
        refresh: refresh(),
    })
}

/// The program to register: this one. A launcher that will go with its version, or that is on Windows, where the stub
/// starts everything, registers the `vsekai` beside it instead.
fn program() -> Result<PathBuf> {
    let this = std::env::current_exe().map_err(Error::io("find", "vsekai"))?;
    let beside = this.with_file_name(format!("vsekai{}", std::env::consts::EXE_SUFFIX));
    let must_stay = cfg!(windows) || is_in_version(&this);
    Ok(if must_stay && !is_vsekai(&this) && beside.is_file() { beside } else { this })
}

/// Whether a program is the command and not a launcher, which works with its other files only.
fn is_vsekai(program: &Path) -> bool {
    program.file_stem().is_some_and(|name| name == "vsekai" || name.to_string_lossy().starts_with("headless-vsekai"))
}

/// Whether a program is a part of a version in an install root, with which it will go.
fn is_in_version(program: &Path) -> bool {
    let versions = program.ancestors().filter(|above| above.file_name().is_some_and(|name| name == "versions"));
    versions.filter_map(Path::parent).any(|root| root.join(".vsekai").is_dir())
}

/// `update-desktop-database`, which notifies the desktop of new entries, if it is on `PATH`.
fn refresh() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("update-desktop-database")).find(|program| program.is_file())
}

fn absolute(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_game_that_is_registered_again_stays_itself() {
        let registered = |app_id: &str, scheme: &str| {
            let record = serde_json::json!({"app_id": app_id, "has_scheme": false, "scheme": scheme,
                "display_name": "My Game", "refresh": null, "changes": []});
            Brand::of(&serde_json::from_value(record).unwrap(), Brand::named("V-Sekai"))
        };
        let game = registered("my-game-0123abcd", "");
        assert_eq!((game.display_name.as_str(), game.scheme.as_str()), ("My Game", ""));
        assert_eq!((game.app_id_prefix.as_str(), game.icon_svg), ("my-game", None));
        assert_eq!(registered("org.v_sekai.vsekai-0123abcd", "uro").icon_svg, Some(ICON));
    }

    #[test]
    fn a_name_makes_an_app_id() {
        for (name, id) in [
            ("My Game", "my-game"),
            ("Ümlaut & Co.", "mlaut-co"),
            ("2048", "game-2048"),
            ("日本", "game"),
            ("", "game"),
            ("a".repeat(200).as_str(), "a".repeat(LONGEST_APP_ID).as_str()),
        ] {
            assert_eq!(Brand::app_id_prefix_of(name), id);
        }
    }

    #[test]
    fn a_product_has_a_folder_that_can_be_made() {
        for (name, folder) in [
            ("vsekai", "vsekai"),
            ("My Game: II", "my-game-ii"),
            ("../../etc", "etc"),
            ("ゲーム", "ゲーム"),
            ("...", "game"),
            ("", "game"),
            ("a".repeat(200).as_str(), "a".repeat(LONGEST_APP_ID).as_str()),
        ] {
            assert_eq!(product_folder(name), folder);
        }
    }

    #[test]
    fn proxies_are_passed_on_without_their_passwords() {
        for (given, bare) in [
            ("http://user:hush@proxy:3128/", "http://proxy:3128/"),
            ("user:hush@proxy:3128", "proxy:3128"),
            ("socks5h://user:hush@proxy", "socks5h://proxy"),
            ("http://proxy:3128", "http://proxy:3128"),
            ("proxy", "proxy"),
            ("", ""),
            (" .example.org", " .example.org"),
        ] {
            assert_eq!(without_user(given), bare);
        }
    }
}
