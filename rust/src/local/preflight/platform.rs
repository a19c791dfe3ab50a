//! Tells the platform of a tree from the program that starts it.

use std::path::Path;

use super::Entry;
use super::binary::{Binary, System, Target, is_managed_program};
use crate::error::{Error, Result};
use crate::formats::archive::Layout;
use crate::formats::release::Platform;
use crate::path::RelPath;

/// The platform that the entry is a program of. A script is one for `this` machine, if the programs beside it are.
///
/// # Errors
/// [`Error::Invalid`] if the entry does not tell, [`Error::NotThere`] if the build lacks it; [`Error::Io`].
pub fn platform_of(root: &Path, layout: &Layout, entry: &RelPath, this: &Platform) -> Result<Platform> {
    let files = || layout.nodes().iter().filter_map(|node| Entry::of(node, root));
    let none = || Error::not_there(format!("The entry {entry} is not a file of the build"));
    let file = files().find(|file| file.path == entry).ok_or_else(none)?;
    let head = file.beginning()?;
    let name = entry.file_name().to_ascii_lowercase();
    if let Some(binary) = Binary::of(&head, entry.file_name()) {
        let known = binary.platform().map(Platform::new).transpose()?;
        return known.ok_or_else(|| ask(entry, &format!("is {binary}")));
    }
    if is_managed_program(&head) || [".bat", ".cmd"].iter().any(|suffix| name.ends_with(suffix)) {
        return Platform::new("windows-x86_64");
    }
    if !head.starts_with(b"#!") {
        return Err(ask(entry, "is neither a program nor a script"));
    }
    let Ok(target) = Target::parse(this.as_str()) else { return Err(ask(entry, "is a script")) };
    if target.system == System::Windows {
        return Err(ask(entry, "is a script that Windows does not start"));
    }
    if target.system != System::MacOs && format!("/{entry}").contains(".app/Contents/MacOS/") {
        return Err(ask(entry, "is a script of an app for macOS"));
    }
    let mut other = None;
    for file in files().filter(|file| file.size > 0) {
        if let Some(binary) = Binary::of(&file.beginning()?, file.path.file_name()) {
            if target.runs(&binary) {
                return Ok(this.clone());
            }
            other = other.or_else(|| Some(format!("is a script, and {} is {binary}", file.path)));
        }
    }
    other.map_or_else(|| Ok(this.clone()), |why| Err(ask(entry, &why)))
}

fn ask(entry: &RelPath, why: &str) -> Error {
    let reason = format!("the entry {entry} {why}; give --platform with one of {}", Platform::KNOWN.join(", "));
    Error::invalid("platform", reason)
}
