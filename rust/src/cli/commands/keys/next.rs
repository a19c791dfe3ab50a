//! What is left to do after a change of a key folder.

use std::path::Path;

use crate::cli::words::shell_word;
use crate::net::publish::Destination;
use crate::net::trust::{KeyInfo, KeyKind};

/// The file of a key.
pub(super) fn file_of(key: &KeyInfo) -> String {
    let (role, id) = (&key.role, key.key_id.get(..8).unwrap_or(&key.key_id));
    match key.kind {
        Some(KeyKind::Command) => format!("{role}.{id}.signer.json"),
        _ => format!("{role}.{id}.pk8"),
    }
}

/// Where the replaced key is, if it was here.
pub(super) fn retired(before: &[KeyInfo], after: &[KeyInfo], dir: &Path) -> String {
    let is_gone = |key: &&KeyInfo| !after.iter().any(|other| other.role == key.role && other.key_id == key.key_id);
    let mut files = before.iter().filter(is_gone).map(|key| dir.join(format!("{}.retired", file_of(key))));
    let file = files.find(|file| file.exists());
    file.map(|file| format!("\nThe old key is now {}: delete it once the repository has the new one.", file.display()))
        .unwrap_or_default()
}

/// The commands that bring the change to players.
pub(super) fn bring(dir: &Path) -> String {
    let dir = shell_word(dir.as_os_str());
    format!(
        "\nNothing changes for players until the repository has it: publish, or run `vsekai repository renew \
         --repository REPO --keys {dir}`; for a server, `vsekai keys push {dir} --server URL`."
    )
}

/// Says that the repository lacks something of the key folder, and what brings it. `named` is what the user calls the
/// repository.
pub(super) fn not_there(dir: &Path, named: Option<&Path>, place: &Destination) -> String {
    let dir = shell_word(dir.as_os_str());
    let command = if matches!(place, Destination::Server(_)) {
        format!("vsekai keys push {dir} --server URL")
    } else {
        let place = named.map_or_else(|| "REPO".to_owned(), |place| shell_word(place.as_os_str()));
        format!("vsekai repository renew --repository {place} --keys {dir}")
    };
    format!(
        "\nThe new root or keys of this folder are not yet in the repository: `vsekai publish` or `{command}` brings them."
    )
}
