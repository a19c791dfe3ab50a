//! Makes an installed game part of the desktop, and takes that back: menu entry, icon, uninstall entry, and
//! the handler of its URL scheme.
//!
//! Everything is the user's own: no root, no other user sees it. [`integrate`] gives a [`Record`] of what it
//! made and of what stood there before; [`unintegrate`] removes exactly that, and leaves what somebody
//! has changed since. Both can be run twice. What each system gets, and what it cannot get from a plain
//! program, is in `docs/integration.md`. This module starts nothing but the program named in
//! [`Request::refresh`], and reads no environment.

mod change;
mod linux;
mod macos;
mod mimeapps;
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

/// The namespace of our names on the desktop.
const APP_ID_PREFIX: &str = "org.v_sekai.vsekai-";

/// Largest icon that is taken, in bytes.
const MAX_ICON_BYTES: usize = 1 << 20;

/// What is to be made part of the desktop.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// What people call it: `V-Sekai`. A file name on every system.
    pub display_name: &'a str,
    /// The install root, absolute. Two of them never get in each other's way.
    pub install_root: &'a Path,
    /// The `vsekai` program, absolute. It will be started with `launch DIR -- ADDRESS`.
    pub program: &'a Path,
    /// The icon as SVG; used where the system takes one.
    pub icon_svg: &'a [u8],
    /// The URL scheme: `uro`.
    pub scheme: &'a str,
    /// Take the scheme even if another program has it.
    pub take_scheme: bool,
    /// Where the user's desktop keeps such things.
    pub folders: &'a Folders,
    /// `update-desktop-database`, if there is one. Run for at most 5 seconds; that it fails is no error.
    pub refresh: Option<&'a Path>,
    /// What the last [`integrate`] of this install root gave. What it made and this one does not is removed.
    pub earlier: Option<&'a Record>,
}

/// The user's folders that are written to. They are made where they are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Linux: `$XDG_DATA_HOME`.
    pub data: PathBuf,
    /// Linux: `$XDG_CONFIG_HOME`.
    pub config: PathBuf,
    /// macOS: `~/Applications`. Windows: `Programs` of the start menu.
    pub programs: PathBuf,
}

impl Folders {
    /// The folders of the user whose environment this is; nothing if it does not say.
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

/// What [`integrate`] did: what to remove, and what to put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The name of this install on the desktop.
    pub app_id: String,
    /// Whether addresses of the scheme go to this install now.
    pub has_scheme: bool,
    refresh: Option<PathBuf>,
    changes: Vec<Change>,
}

impl Record {
    /// The files, folders and registry keys that were made or changed, in order.
    pub fn places(&self) -> Vec<String> {
        self.changes.iter().map(Change::place).collect()
    }
}

/// `org.v_sekai.vsekai-` and 8 hex digits of the install root: the name of an install on the desktop.
pub fn app_id(install_root: &Path) -> String {
    let digest = Sha256::digest(install_root.to_string_lossy().as_bytes());
    format!("{APP_ID_PREFIX}{}", hex::encode(&digest[..4]))
}

/// Makes the install part of this system's desktop.
///
/// # Errors
/// `Invalid` for a value that a desktop could not take; `Io`. What was made until then is removed again.
pub fn integrate(request: &Request<'_>) -> Result<Record> {
    integrate_on(System::current(), request)
}

/// Takes back what [`integrate`] did. What has been changed since, or is gone, is left as it is.
///
/// # Errors
/// `Io`: the first one; the rest is taken back all the same.
pub fn unintegrate(record: &Record) -> Result<()> {
    let undone = change::undo_all(record.changes.iter().rev());
    if let Some(program) = &record.refresh {
        linux::refresh_and_tidy(program, &record.changes);
    }
    undone
}

fn integrate_on(system: System, request: &Request<'_>) -> Result<Record> {
    let names = Names::check(request)?;
    let mut work = Work::new(request.earlier);
    let made = match system {
        System::Linux => linux::make(request, &names, &mut work),
        System::MacOs => macos::make(request, &names, &mut work),
        System::Windows => windows::make(request, &names, &mut work),
    };
    let has_scheme = match made {
        Ok(has_scheme) => has_scheme,
        Err(error) => {
            // The first error is the one to tell; an earlier integration keeps what it had.
            let _ = work.give_up();
            return Err(error);
        }
    };
    let changes = work.finish()?;
    let refresh = request.refresh.filter(|_| system == System::Linux).map(Path::to_path_buf);
    if let Some(program) = &refresh {
        linux::refresh(program, &request.folders.data);
    }
    Ok(Record { app_id: names.app_id, has_scheme, refresh, changes })
}

/// The request's names as text that every desktop's files can hold.
struct Names<'a> {
    app_id: String,
    program: &'a str,
    install_root: &'a str,
}

impl<'a> Names<'a> {
    /// What tells this install from another of the same name.
    fn suffix(&self) -> &str {
        &self.app_id[APP_ID_PREFIX.len()..]
    }

    fn check(request: &Request<'a>) -> Result<Self> {
        let invalid = |what, reason: &str| Error::Invalid { what, reason: reason.to_owned() };
        check_name(request.display_name).map_err(|error| invalid("display name", &error.to_string()))?;
        let scheme = request.scheme.as_bytes();
        let begins_well = scheme.first().is_some_and(u8::is_ascii_lowercase);
        let is_letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+.-".contains(byte);
        if !begins_well || !scheme.iter().all(is_letter) || scheme.len() > 32 {
            return Err(invalid("URL scheme", "a scheme has lower-case letters, digits, +, . and -"));
        }
        if request.icon_svg.len() > MAX_ICON_BYTES {
            return Err(invalid("icon", "larger than 1 MiB"));
        }
        Ok(Self {
            app_id: app_id(request.install_root),
            program: plain(request.program, "program")?,
            install_root: plain(request.install_root, "install root")?,
        })
    }
}

fn plain<'a>(path: &'a Path, what: &'static str) -> Result<&'a str> {
    let invalid = |reason: &str| Error::Invalid { what, reason: format!("{}: {reason}", path.display()) };
    if !path.is_absolute() {
        return Err(invalid("not absolute"));
    }
    let text = path.to_str().ok_or_else(|| invalid("not UTF-8"))?;
    if text.chars().any(char::is_control) {
        return Err(invalid("has a line break or another control character"));
    }
    Ok(text)
}
