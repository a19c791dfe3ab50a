//! Linux and other freedesktop.org desktops: a menu entry, an icon and the handler of the URL scheme.
//!
//! Sources: Desktop Entry Specification, Icon Theme Specification 0.13.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::change::{Change, Work};
use super::mimeapps::{self, Outcome};
use super::{Links, Names, Request};
use crate::error::{Error, Result};
use crate::local::disk;

const REFRESH_LIMIT: Duration = Duration::from_secs(5);
const EMPTY_CACHE: &[u8] = b"[MIME Cache]\n";

pub(super) fn make(request: &Request<'_>, names: &Names<'_>, work: &mut Work<'_>) -> Result<bool> {
    let applications = request.folders.data.join("applications");
    let entry = entry(request, names)?;
    if let Some(icon) = request.icon {
        let (size, ending) = icon.place();
        let icons = request.folders.data.join("icons").join("hicolor").join(size).join("apps");
        work.folder(&icons)?;
        work.file(&icons.join(format!("{}.{ending}", names.app_id)), icon.bytes())?;
    }
    work.folder(&applications)?;
    let name = format!("{}.desktop", names.app_id);
    work.file(&applications.join(&name), entry.as_bytes())?;
    if request.links == Links::Never {
        return Ok(false);
    }
    work.folder(&request.folders.config)?;
    take_scheme(request, &applications, &name, work)
}

fn take_scheme(request: &Request<'_>, applications: &Path, name: &str, work: &mut Work<'_>) -> Result<bool> {
    let list = request.folders.config.join("mimeapps.list");
    let key = format!("x-scheme-handler/{}", request.scheme);
    let is_this =
        |change: &Change| matches!(change, Change::Handler { path, taken, .. } if *path == list && taken.key == key);
    match mimeapps::take(&list, &key, name, request.links == Links::TakeOver)? {
        Outcome::IsOthers => Ok(false),
        Outcome::IsOurs => {
            if let Some(earlier) = work.earlier(is_this) {
                work.note(earlier.clone());
            }
            Ok(true)
        }
        Outcome::Changed { created, taken } => {
            work.note(Change::Handler { path: list, created, applications: applications.to_owned(), taken });
            Ok(true)
        }
    }
}

/// The content of the `.desktop` file.
fn entry(request: &Request<'_>, names: &Names<'_>) -> Result<String> {
    if names.program.contains('=') {
        let reason = format!("{}: a menu entry cannot start a program with = in its path", names.program);
        return Err(Error::invalid("program", reason));
    }
    let words = [names.program, "open", names.install_root, "--"].map(quoted).join(" ");
    let links = match request.links {
        Links::Never => String::new(),
        _ => format!("MimeType=x-scheme-handler/{};\n", request.scheme),
    };
    Ok(format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Version=1.1\n\
         Name={}\n\
         TryExec={}\n\
         Exec={} %u\n\
         {}Terminal=false\n\
         Categories=Game;\n{}",
        escaped(request.display_name),
        escaped(names.program),
        escaped(&words),
        icon_line(request, names),
        links,
    ))
}

/// An entry in the folder of programs that a session starts.
///
/// Source: Desktop Application Autostart Specification.
pub(super) fn start_at_login(
    request: &Request<'_>,
    names: &Names<'_>,
    words: &[&str],
    work: &mut Work<'_>,
) -> Result<()> {
    let folder = request.folders.config.join("autostart");
    let line = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let entry = format!(
        "[Desktop Entry]\nType=Application\nVersion=1.1\nName={}\nTryExec={}\nExec={}\n{}Terminal=false\n",
        escaped(request.display_name),
        escaped(words.first().copied().unwrap_or_default()),
        escaped(&line),
        icon_line(request, names),
    );
    work.folder(&folder)?;
    work.file(&folder.join(format!("{}.desktop", names.app_id)), entry.as_bytes())
}

fn icon_line(request: &Request<'_>, names: &Names<'_>) -> String {
    request.icon.map_or_else(String::new, |_| format!("Icon={}\n", names.app_id))
}

/// One argument of `Exec`, quoted if it contains a reserved character. Field codes are escaped.
fn quoted(argument: &str) -> String {
    const RESERVED: [char; 19] =
        [' ', '\t', '\n', '"', '\'', '\\', '>', '<', '~', '|', '&', ';', '$', '*', '?', '#', '(', ')', '`'];
    let argument = argument.replace('%', "%%");
    if !argument.is_empty() && !argument.contains(RESERVED) {
        return argument;
    }
    let mut out = String::from('"');
    for letter in argument.chars() {
        if matches!(letter, '"' | '`' | '$' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out.push('"');
    out
}

/// A value of type string, with the escapes of the file format, which are decoded before those of `Exec`.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\");
    match value.strip_prefix(' ') {
        Some(rest) => format!("\\s{rest}"),
        None => value,
    }
}

/// Notifies the desktop. Without this, it notices the change later.
pub(super) fn refresh(program: &Path, data: &Path) {
    let applications = data.join("applications");
    let mut command = Command::new(program);
    command.arg(&applications).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return };
    let started = Instant::now();
    while let Ok(None) = child.try_wait() {
        if started.elapsed() > REFRESH_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Notifies the desktop after everything is undone, and removes the empty cache that this leaves in a folder that we
/// created.
pub(super) fn refresh_and_tidy(program: &Path, changes: &[Change]) {
    let of_entry = |change: &Change| match change {
        Change::File { path, .. } if path.extension().is_some_and(|suffix| suffix == "desktop") => {
            path.parent().map(Path::to_path_buf)
        }
        _ => None,
    };
    let Some(applications) = changes.iter().find_map(of_entry) else { return };
    if let Some(data) = applications.parent().filter(|_| applications.is_dir()) {
        refresh(program, data);
    }
    let cache = applications.join("mimeinfo.cache");
    let made_folder = changes.contains(&Change::Folder { path: applications.clone() });
    let is_empty =
        disk::read_if_exists(&cache, EMPTY_CACHE.len() as u64).is_ok_and(|it| it.as_deref() == Some(EMPTY_CACHE));
    if made_folder && is_empty {
        let _ = disk::remove_file(&cache);
        let folders = changes.iter().rev().filter(|change| matches!(change, Change::Folder { .. }));
        let _ = super::change::undo_all(folders);
    }
}
