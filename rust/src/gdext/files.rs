//! Paths that only Godot can read: `res://`, also of an exported pack, and `user://`.

use std::path::PathBuf;

use godot::builtin::{GString, PackedStringArray};
use godot::classes::FileAccess;
use godot::classes::file_access::ModeFlags;
use godot::obj::EngineEnum;

use super::project_settings;
use crate::error::{Error, Result, TrustKind};

/// A root.json has some kilobytes.
const MAX_BYTES: u64 = 1 << 20;

/// The bytes of the trusted root; `None` if no path is set.
pub(super) fn trust_root(path: &GString) -> Option<Result<Vec<u8>>> {
    if path.is_empty() { None } else { Some(read(path)) }
}

fn read(path: &GString) -> Result<Vec<u8>> {
    let failed = |reason: String| Error::trust(TrustKind::Root, reason);
    if !exists(path) {
        return Err(failed(missing(path)));
    }
    let Some(mut file) = FileAccess::open(path, ModeFlags::READ) else {
        let reason = FileAccess::get_open_error();
        return Err(failed(format!("Godot cannot read {path}: {}", reason.as_str())));
    };
    let length = file.get_length();
    if length > MAX_BYTES {
        return Err(failed(format!("{path} has {length} bytes; a root.json has at most {MAX_BYTES}")));
    }
    let bytes = file.get_buffer(i64::try_from(length).unwrap_or(0));
    if bytes.len() as u64 == length { Ok(bytes.to_vec()) } else { Err(failed(format!("{path} is truncated"))) }
}

/// An export leaves out a JSON file unless it is told otherwise, which is what publishers forget.
fn missing(path: &GString) -> String {
    match (is_in_project(path), project_settings::is_exported()) {
        (true, true) => format!(
            "{path} is not in this program. In the export preset, add *.json to the filter of non-resource files."
        ),
        (true, false) => format!("{path} is not in this project"),
        (false, _) => format!("there is no file {path}"),
    }
}

/// The repository and its mirrors, with the folders among them as paths in the file system.
pub(super) fn places(urls: &PackedStringArray) -> Vec<String> {
    let place = |url: &GString| {
        if is_of_godot(url) { system_path(url).to_string_lossy().into_owned() } else { url.to_string() }
    };
    urls.as_slice().iter().map(place).collect()
}

fn is_of_godot(path: &GString) -> bool {
    let path = path.to_string();
    path.starts_with("user://") || path.starts_with("res://")
}

/// Whether this path is in the project, which an export packs into the program.
pub(super) fn is_in_project(path: &GString) -> bool {
    path.to_string().starts_with("res://")
}

/// The path in the file system.
pub(super) fn system_path(path: &GString) -> PathBuf {
    let path = if is_of_godot(path) { project_settings::globalize_path(path) } else { path.clone() };
    PathBuf::from(path.to_string())
}

pub(super) fn exists(path: &GString) -> bool {
    FileAccess::file_exists(path)
}
