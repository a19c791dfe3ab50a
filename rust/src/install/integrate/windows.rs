//! Windows: a shortcut in the start menu, an entry under Apps, and the handler of the URL scheme, all for this user
//! only.
//!
//! Sources: Microsoft, Registering an Application to a URI Scheme; Uninstall Registry Key.

mod link;
mod registry;

use std::path::{Path, PathBuf};

pub(super) use registry::{Data, remove_empty_key, restore_value};

use super::change::{Change, Work};
use super::{Links, Names, Request};
use crate::error::Result;
use link::Link;

const UNINSTALL: &str = "Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall";
const RUN: &str = "Software\\Microsoft\\Windows\\CurrentVersion\\Run";
const CLASSES: &str = "Software\\Classes";

/// The values that change with each update.
const VERSION: &str = "DisplayVersion";
const SIZE: &str = "EstimatedSize";

pub(super) fn make(request: &Request<'_>, names: &Names<'_>, work: &mut Work<'_>) -> Result<bool> {
    let target = names.stub.unwrap_or(names.program);
    let link = Link {
        target,
        arguments: &if names.stub.is_some() { String::new() } else { command(&["open", names.install_root]) },
        folder: Path::new(target).parent().and_then(Path::to_str).unwrap_or_default(),
        description: request.display_name,
    };
    let bytes = link.to_bytes();
    work.folder(&request.folders.programs)?;
    work.file(&place(request, names, &bytes, work), &bytes)?;
    uninstall_entry(request, names, work)?;
    take_scheme(request, names, work)
}

/// `V-Sekai.lnk`, or `V-Sekai (1a2b3c4d).lnk` next to one that is not ours.
fn place(request: &Request<'_>, names: &Names<'_>, bytes: &[u8], work: &Work<'_>) -> PathBuf {
    let link = request.folders.programs.join(format!("{}.lnk", request.display_name));
    if work.may_write(&link, bytes) {
        return link;
    }
    request.folders.programs.join(format!("{} ({}).lnk", request.display_name, names.suffix()))
}

fn uninstall_entry(request: &Request<'_>, names: &Names<'_>, work: &mut Work<'_>) -> Result<()> {
    let key = format!("{UNINSTALL}\\{}", names.app_id);
    let (uninstall, quietly) = match names.stub {
        Some(stub) => (command(&[stub, "uninstall"]), command(&[stub, "uninstall", "--quiet"])),
        None => (
            command(&[names.program, "uninstall", names.install_root]),
            command(&[names.program, "--quiet", "uninstall", names.install_root, "--yes"]),
        ),
    };
    registry::create_key(&key, work)?;
    for (name, data) in [
        ("DisplayName", Data::text(request.display_name)),
        ("DisplayIcon", Data::text(names.stub.unwrap_or(names.program))),
        ("Publisher", Data::text("V-Sekai")),
        ("InstallLocation", Data::text(names.install_root)),
        ("UninstallString", Data::text(&uninstall)),
        ("QuietUninstallString", Data::text(&quietly)),
        (VERSION, Data::text(request.installed.0)),
        (SIZE, Data::number(kib(request.installed.1))),
        ("NoModify", Data::number(1)),
        ("NoRepair", Data::number(1)),
    ] {
        registry::set_value(&key, name, &data, work)?;
    }
    Ok(())
}

/// A value of the key whose programs Windows starts at login.
///
/// Source: Microsoft, "Run and `RunOnce` Registry Keys".
pub(super) fn start_at_login(names: &Names<'_>, words: &[&str], work: &mut Work<'_>) -> Result<()> {
    registry::create_key(RUN, work)?;
    registry::set_value(RUN, &names.app_id, &Data::text(&command(words)), work)
}

/// `EstimatedSize` is in units of 1024 bytes.
fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX)
}

pub(super) fn show_version(changes: &mut [Change], version: &str, bytes: u64) -> Result<()> {
    for change in changes {
        let Change::RegistryValue { key, name, ours, .. } = change else { continue };
        let new = match name.as_str() {
            VERSION => Data::text(version),
            SIZE => Data::number(kib(bytes)),
            _ => continue,
        };
        if registry::replace(key, name, ours, &new)? {
            *ours = new;
        }
    }
    Ok(())
}

fn take_scheme(request: &Request<'_>, names: &Names<'_>, work: &mut Work<'_>) -> Result<bool> {
    if request.links == Links::Never {
        return Ok(false);
    }
    let class = format!("{CLASSES}\\{}", request.scheme);
    let open = format!("{class}\\shell\\open\\command");
    let ours = Data::text(&open_command(names));
    if request.links != Links::TakeOver && registry::is_others(&open, &ours, work)? {
        return Ok(false);
    }
    registry::create_key(&open, work)?;
    registry::set_value(&class, "", &Data::text(&format!("URL:{}", request.display_name)), work)?;
    registry::set_value(&class, "URL Protocol", &Data::text(""), work)?;
    registry::set_value(&open, "", &ours, work)?;
    Ok(true)
}

/// The command of a link. Windows puts the address in place of `%1` as it is, so a quote in it makes several arguments.
/// Behind `--` none of them is an option, and `open` takes a single one.
fn open_command(names: &Names<'_>) -> String {
    let before = match names.stub {
        Some(stub) => command(&[stub, "open", "--"]),
        None => command(&[names.program, "open", names.install_root, "--"]),
    };
    format!("{before} \"%1\"")
}

/// Joins words into a command line that `CommandLineToArgvW` splits into the same words.
fn command(words: &[&str]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '\t', '"']) {
        return word.to_owned();
    }
    let mut out = String::from('"');
    let mut backslashes = 0;
    for letter in word.chars() {
        match letter {
            '\\' => backslashes += 1,
            // Before a quote, backslashes must be doubled.
            '"' => {
                out.push_str(&"\\".repeat(backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        out.push(letter);
    }
    out.push_str(&"\\".repeat(backslashes));
    out.push('"');
    out
}

#[cfg(test)]
mod tests;
