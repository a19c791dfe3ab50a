//! The chain of roots: each is signed by the keys of the previous one and by its own.

use std::collections::BTreeMap;

use tough::schema::{Root, Signed};

use super::storage::StorageReader;
use crate::error::{Error, Result, TrustKind};
use crate::net::trust::MAX_ROOT_BYTES;
use crate::net::trust::datastore::parse_root;
use crate::net::trust::error::trust;

/// Roots by version.
type Files = BTreeMap<u64, Vec<u8>>;

/// Follows `roots` from the newest known one, or from the first. Returns the newest root, and all new ones. A known
/// version must be identical.
pub(super) fn follow(
    known: Option<&Signed<Root>>,
    roots: &Files,
    place: &StorageReader,
) -> Result<(Signed<Root>, Files)> {
    let mut newest = known.cloned();
    let mut new = Files::new();
    for (version, bytes) in roots {
        let root = parse(*version, bytes)?;
        let before = newest.as_ref().map_or(0, |root| root.signed.version.get());
        if *version <= before {
            let known = place.require(&format!("tuf/{version}.root.json"), MAX_ROOT_BYTES)?;
            if parse_root(&known)? != root {
                let reason = format!("root {version} differs: the repository was created with other keys");
                return Err(trust(TrustKind::Signature, reason));
            }
            continue;
        }
        if *version != before + 1 {
            return Err(trust(TrustKind::Root, format!("root {} is missing", before + 1)));
        }
        if newest.as_ref().is_some_and(|newest| newest.signed.verify_role(&root).is_err()) {
            let reason = format!("root {version} is not signed by the keys of root {before}");
            return Err(trust(TrustKind::Signature, reason));
        }
        new.insert(*version, bytes.clone());
        newest = Some(root);
    }
    let newest = newest.ok_or_else(|| Error::invalid("root", "no root was given"))?;
    Ok((newest, new))
}

fn parse(version: u64, bytes: &[u8]) -> Result<Signed<Root>> {
    if bytes.len() as u64 > MAX_ROOT_BYTES {
        let reason = format!("root {version} has {} bytes; at most {MAX_ROOT_BYTES} are accepted", bytes.len());
        return Err(trust(TrustKind::Root, reason));
    }
    let root = parse_root(bytes)?;
    if root.signed.version.get() != version {
        let reason = format!("the file given as root {version} states version {}", root.signed.version);
        return Err(trust(TrustKind::Root, reason));
    }
    if !root.signed.consistent_snapshot {
        return Err(trust(TrustKind::Root, format!("root {version} is for a repository without consistent snapshots")));
    }
    Ok(root)
}
