//! Registers an installed game with the desktop, and undoes that: menu entry, icon, uninstall entry, and the handler of
//! its URL scheme.
//!
//! Everything is for this user only and needs no administrator rights. [`integrate`] returns a [`Record`] of what it
//! created and replaced; [`unintegrate`] undoes exactly that, but leaves anything that others have changed since. Both
//! can be repeated. `docs/integration.md` lists what is registered on each system, and the limits. This module starts
//! no program except [`Request::refresh`], and does not read the environment.

mod change;
mod linux;
mod login;
mod macos;
mod mimeapps;
mod placed;
mod windows;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::install::config::System;
use crate::path::check_name;
use change::{Change, Work};
pub use login::{LOGIN, start_at_login};
use placed::Placed;

/// The usual beginning of the names of all installs on the desktop.
pub const APP_ID_PREFIX: &str = "org.v_sekai.vsekai";

/// Largest icon that is accepted, in bytes.
const MAX_ICON_BYTES: usize = 1 << 20;

/// The install to register, and how.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The name shown to users, such as `V-Sekai`. Must be a valid file name on every system.
    pub display_name: &'a str,
    /// The absolute path of the install root. Several install roots do not conflict.
    pub install_root: &'a Path,
    /// The absolute path of the `vsekai` program, which will be started with `open DIR -- ADDRESS`.
    pub program: &'a Path,
    /// Start a copy of the program in the install root instead, because the program itself may go: it is a part of a
    /// version.
    pub copies_program: bool,
    /// The stub, if there is one: on Windows, a copy of it in the install root is what everything starts, and a copy of
    /// the program is what it finds first.
    pub stub: Option<&'a Path>,
    /// The icon, if there is one; used on systems that support it.
    pub icon: Option<Icon<'a>>,
    /// The beginning of the name of this install on the desktop, such as [`APP_ID_PREFIX`].
    pub app_id_prefix: &'a str,
    /// The URL scheme, such as `uro`; may be empty if no links are handled.
    pub scheme: &'a str,
    /// The installed version, as text, and its size in bytes.
    pub installed: (&'a str, u64),
    /// Whether to handle the scheme.
    pub links: Links,
    /// The user's folders for menu entries and settings.
    pub folders: &'a Folders,
    /// `update-desktop-database`, if it exists. It may run for at most 5 seconds; its failure is not an error.
    pub refresh: Option<&'a Path>,
    /// The record of the last [`integrate`] of this install root. Entries that it created and this call does not are
    /// removed.
    pub earlier: Option<&'a Record>,
}

/// A picture for the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Icon<'a> {
    /// As SVG.
    Svg(&'a [u8]),
    /// As PNG of 256 by 256 pixels.
    Png256(&'a [u8]),
}

impl<'a> Icon<'a> {
    /// Its file.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Svg(bytes) | Self::Png256(bytes) => bytes,
        }
    }

    /// The folder of its size in an icon theme, and the ending of its name.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Svg(_) => ("scalable", "svg"),
            Self::Png256(_) => ("256x256", "png"),
        }
    }
}

/// Whether an install handles the links of a scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// It does not: what it starts could not open them.
    Never,
    /// If no other program does.
    IfFree,
    /// Even if another program does.
    TakeOver,
}

/// What the menu entry opens for a person. A link always goes to the game.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opens {
    /// The game, after a short look for a newer version.
    #[default]
    Game,
    /// A launcher: this program.
    Program(PathBuf),
    /// The launcher that is installed in this install root, like a game. It may be the install itself, which then
    /// starts at once.
    Install(PathBuf),
}

impl Opens {
    fn is_game(&self) -> bool {
        *self == Self::Game
    }

    /// The same if it can be recorded, else the game.
    #[must_use]
    fn checked(&self) -> Self {
        match self {
            Self::Program(path) | Self::Install(path) if plain(path, "launcher").is_err() => Self::Game,
            other => other.clone(),
        }
    }
}

/// Whether links can have this scheme.
pub fn is_scheme(scheme: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+.-".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_lowercase()) && scheme.bytes().all(is_letter) && scheme.len() <= 32
}

/// Whether the names of files, folders and registry keys can be made of this.
pub fn is_app_id(app_id: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    app_id.starts_with(|first: char| first.is_ascii_alphabetic())
        && app_id.bytes().all(is_letter)
        && app_id.len() <= 128
}

/// The user's folders that are written to. They are created if missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// On Linux: `$XDG_DATA_HOME`.
    pub data: PathBuf,
    /// On Linux: `$XDG_CONFIG_HOME`.
    pub config: PathBuf,
    /// On macOS: `~/Applications`. On Windows: `Programs` in the start menu.
    pub programs: PathBuf,
}

impl Folders {
    /// The folders of this user, according to the environment; `None` if it does not name them.
    pub fn find(system: System, environment: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let absolute = |name: &str| environment(name).map(PathBuf::from).filter(|path| path.has_root());
        if system == System::Windows {
            let data = absolute("APPDATA")?;
            let programs = data.join("Microsoft").join("Windows").join("Start Menu").join("Programs");
            return Some(Self { config: data.clone(), data, programs });
        }
        let home = absolute("HOME")?;
        Some(Self {
            data: absolute("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local").join("share")),
            config: absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
            programs: home.join("Applications"),
        })
    }
}

/// The changes of [`integrate`]: what to remove, and what to restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The name of this install on the desktop.
    pub app_id: String,
    /// Whether this install now handles the URL scheme.
    pub has_scheme: bool,
    /// The URL scheme; `None` in records of earlier programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// The name shown to users; `None` in records of earlier programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What the menu entry opens; the game in records of earlier programs.
    #[serde(default, skip_serializing_if = "Opens::is_game")]
    pub opens: Opens,
    refresh: Option<PathBuf>,
    changes: Vec<Change>,
}

impl Record {
    /// The same record, of a menu entry that opens this. A path that no record can hold leaves it at the game.
    #[must_use]
    pub fn opening(self, opens: &Opens) -> Self {
        Self { opens: opens.checked(), ..self }
    }

    /// Shows another version and its size in bytes where the system lists installed programs. Only Windows shows them.
    ///
    /// # Errors
    /// [`Error::Io`]; what could be written is recorded all the same.
    pub fn show_version(&mut self, version: &str, bytes: u64) -> Result<()> {
        windows::show_version(&mut self.changes, version, bytes)
    }

    /// The files, folders and registry keys that were created or changed, in order. A key with several values counts once.
    pub fn places(&self) -> Vec<String> {
        let mut places: Vec<String> = self.changes.iter().map(Change::place).collect();
        places.dedup();
        places
    }
}

/// The name of an install on the desktop: the prefix, such as `org.v_sekai.vsekai`, and 8 hex digits that depend on the
/// install root.
pub fn app_id(prefix: &str, install_root: &Path) -> String {
    format!("{prefix}-{}", digits(install_root))
}

/// What distinguishes an install root on the desktop from others.
pub fn digits(install_root: &Path) -> String {
    let digest = Sha256::digest(install_root.to_string_lossy().as_bytes());
    hex::encode(&digest[..4])
}

/// Registers the install with this system's desktop.
///
/// # Errors
/// `Invalid` for a value that a desktop cannot store; `Io`. All changes made so far are undone.
pub fn integrate(request: &Request<'_>) -> Result<Record> {
    integrate_on(System::current(), request)
}

/// Undoes [`integrate`], except for entries that have been changed or removed since.
///
/// # Errors
/// `Io`, for the first change that could not be undone; the others are undone nevertheless.
pub fn unintegrate(record: &Record) -> Result<()> {
    let undone = change::undo_all(record.changes.iter().rev());
    if let Some(program) = &record.refresh {
        linux::refresh_and_tidy(program, &record.changes);
    }
    undone
}

fn integrate_on(system: System, request: &Request<'_>) -> Result<Record> {
    let mut work = Work::new(request.earlier);
    let placed = Placed::find(system, request, &work)?;
    let names = Names::check(request, &placed)?;
    let made = placed.place(request, &mut work).and_then(|()| match system {
        System::Linux => linux::make(request, &names, &mut work),
        System::MacOs => macos::make(request, &names, &mut work),
        System::Windows => windows::make(request, &names, &mut work),
    });
    let has_scheme = match made {
        Ok(has_scheme) => has_scheme,
        Err(error) => {
            // The first error is reported. The entries of an earlier integration are kept.
            let _ = work.give_up();
            return Err(error);
        }
    };
    let changes = work.finish()?;
    let refresh = request.refresh.filter(|_| system == System::Linux).map(Path::to_path_buf);
    if let Some(program) = &refresh {
        linux::refresh(program, &request.folders.data);
    }
    Ok(Record {
        app_id: names.app_id,
        has_scheme,
        scheme: Some(request.scheme.to_owned()),
        display_name: Some(request.display_name.to_owned()),
        opens: Opens::Game,
        refresh,
        changes,
    })
}

/// The names of a request, checked to be valid text in the files of every desktop.
struct Names<'a> {
    app_id: String,
    program: &'a str,
    /// The copy of the stub.
    stub: Option<&'a str>,
    install_root: &'a str,
}

impl<'a> Names<'a> {
    /// The digits that distinguish this install from others with the same name.
    fn suffix(&self) -> &str {
        self.app_id.rsplit('-').next().unwrap_or_default()
    }

    fn check(request: &Request<'a>, placed: &'a Placed) -> Result<Self> {
        let invalid = |what, reason: &str| Error::invalid(what, reason.to_owned());
        check_name(request.display_name).map_err(|error| invalid("display name", &error.to_string()))?;
        let is_needed = request.links != Links::Never || !request.scheme.is_empty();
        if is_needed && !is_scheme(request.scheme) {
            return Err(invalid("URL scheme", "use lower-case letters, digits, +, . and -"));
        }
        if request.icon.is_some_and(|icon| icon.bytes().len() > MAX_ICON_BYTES) {
            return Err(invalid("icon", "larger than 1 MiB"));
        }
        let prefix = request.app_id_prefix;
        if !is_app_id(prefix) {
            return Err(invalid("app id", "use letters, digits, . _ and -, such as org.example.game"));
        }
        Ok(Self {
            app_id: app_id(prefix, request.install_root),
            program: plain(&placed.program, "program")?,
            stub: placed.stub.as_deref().map(|stub| plain(stub, "program")).transpose()?,
            install_root: plain(request.install_root, "install root")?,
        })
    }
}

fn plain<'a>(path: &'a Path, what: &'static str) -> Result<&'a str> {
    let invalid = |reason: &str| Error::invalid(what, format!("{}: {reason}", path.display()));
    if !path.is_absolute() {
        return Err(invalid("not absolute"));
    }
    let text = path.to_str().ok_or_else(|| invalid("not UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(invalid("has a line break or another control character"));
    }
    Ok(text)
}
