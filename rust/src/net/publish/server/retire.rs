//! Retires a mode on a server: the successor is signed here, the catalog by the server.

use super::client::Server;
use super::remote_publication::fetch;
use crate::error::Result;
use crate::formats::release::ModeName;
use crate::net::trust::{KeyFolder, Keys};

/// Discontinues a mode, and signs the mode that its users move to, if one is given.
///
/// # Errors
/// [`Error::KeyMissing`](crate::Error::KeyMissing) without the key of the mode or of `targets`, if there is a
/// successor; those of the server. Can be repeated.
pub fn retire_on_server(
    server: &Server,
    keys: impl Into<KeyFolder>,
    mode: &ModeName,
    next: Option<&ModeName>,
) -> Result<()> {
    let keys = Keys::open(keys)?;
    let mut publication = fetch(server, &keys)?;
    publication.check_not_expired()?;
    publication.state_successor(mode, next)?;
    if let Some(files) = publication.trust_files()? {
        server.put_trust(&files.to_upload())?;
    }
    server.retire(mode, next)
}
