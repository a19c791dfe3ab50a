//! Signatures of modes that must not expire, and keys that a server does not know yet. The keys stay here.

use super::client::Server;
use super::remote_publication::{bring_trust, fetch};
use crate::error::Result;
use crate::formats::release::ModeName;
use crate::net::trust::{KeyFolder, Keys, RoleValidity};

/// Signs the lists of these modes again, with as many days as they had at first, and sends them. Without a mode, signs
/// those whose keys are here and whose days are half over. Returns how long all signatures are valid.
///
/// # Errors
/// [`Error::KeyMissing`] with a mode that is named and whose key is not here; those of the server.
pub fn renew_on_server(server: &Server, keys: impl Into<KeyFolder>, modes: &[ModeName]) -> Result<Vec<RoleValidity>> {
    let keys = Keys::open(keys)?;
    let mut publication = fetch(server, &keys)?;
    publication.renew_targets();
    publication.check_not_expired()?;
    if modes.is_empty() {
        for mode in publication.modes() {
            if publication.check_role_keys(&mode).is_ok() {
                publication.renew_mode(&mode, false)?;
            }
        }
    }
    for mode in modes {
        publication.renew_mode(mode.as_str(), true)?;
    }
    if bring_trust(server, &publication)? {
        return fetch(server, &keys)?.validity();
    }
    publication.validity()
}

/// Sends what the key folder has and the server lacks: roots, delegations, new modes, and lists signed by new keys.
/// Returns whether there was anything.
///
/// # Errors
/// [`Error::KeyMissing`], those of the server.
pub fn push_keys(server: &Server, keys: impl Into<KeyFolder>) -> Result<bool> {
    let keys = Keys::open(keys)?;
    let mut publication = fetch(server, &keys)?;
    publication.renew_targets();
    for mode in keys.modes() {
        publication.add_mode(&mode)?;
    }
    bring_trust(server, &publication)
}
