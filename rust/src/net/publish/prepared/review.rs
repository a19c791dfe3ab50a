//! What somebody signs, shown before it is signed. Every word of it comes from what the signature covers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{Prepared, PreparedVersion, document};
use crate::digest::Digest;
use crate::error::{Error, Format, Result};
use crate::formats::release::Release;
use crate::net::trust::{Keys, RoleChange};

/// What was prepared, checked against what the same keys have signed last.
#[derive(Debug, Clone, Serialize)]
pub struct Review {
    /// When it was prepared.
    pub prepared_at: Timestamp,
    /// The version to publish. Without one, lists get new days and nothing else changes.
    pub publish: Option<ReviewedVersion>,
    /// The lists to sign.
    pub lists: Vec<RoleChange>,
}

/// A version to publish.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewedVersion {
    /// Its release document.
    pub release: Release,
    /// The SHA-256 of that document.
    pub release_sha256: String,
    /// The version that players of this platform have now.
    pub previous: Option<Release>,
    /// Versions that the list names no longer: they stay installed, and are not offered.
    pub withdrawn: BTreeSet<String>,
    /// Percentage of installs that are offered it. Not signed by the mode's key.
    pub rollout: u8,
    /// Whether it is offered only by name. Not signed by the mode's key.
    pub skip_update: bool,
}

/// Checks everything that was prepared, and says what it is.
///
/// # Errors
/// `signature_invalid` if what is said to be published is not signed by the keys of the folder, `metadata_malformed`,
/// `preparation_malformed`; `invalid_argument` if signing it would change anything but what is shown.
pub fn review(prepared: &Prepared, keys: &Keys) -> Result<Review> {
    let lists = prepared.sign.iter().map(|list| list.role.review(keys)).collect::<Result<Vec<_>>>()?;
    let mut names = BTreeSet::new();
    if !lists.iter().all(|list| names.insert(list.role.clone())) {
        return Err(Error::malformed(Format::Preparation, 0, "it names a mode twice"));
    }
    let publish = if let (Some(version), [list]) = (&prepared.publish, &*lists) {
        Some(review_version(version, list)?)
    } else {
        lists.iter().try_for_each(check_renewal)?;
        None
    };
    Ok(Review { prepared_at: prepared.at, publish, lists })
}

/// Signs everything with the keys that are in the folder, after a review. Signatures of others are kept.
///
/// # Errors
/// `key_missing`; those of [`review`].
pub fn sign(prepared: &mut Prepared, keys: &Keys) -> Result<Review> {
    review(prepared, keys)?;
    for list in &mut prepared.sign {
        list.role.sign(keys)?;
    }
    review(prepared, keys)
}

fn check_renewal(list: &RoleChange) -> Result<()> {
    if list.added.is_empty() && list.removed.is_empty() && list.oldest_allowed.is_none() {
        return Ok(());
    }
    Err(refuse(&list.role, "it is said to be renewed, and its content changes"))
}

fn review_version(version: &PreparedVersion, list: &RoleChange) -> Result<ReviewedVersion> {
    let (release, bytes) = version.release()?;
    let is_new = |(name, length, sha256): &(String, u64, String)| {
        list.added.get(name).is_some_and(|listed| listed.length == *length && listed.sha256 == *sha256)
    };
    let targets = version.targets()?;
    if !targets.iter().all(is_new) || list.added.len() != targets.len() {
        return Err(refuse(&list.role, "the list adds other files than those of the version that is shown"));
    }
    if list.oldest_allowed.is_some() && list.oldest_allowed != release.oldest_allowed {
        return Err(refuse(
            &list.role,
            "the list states another oldest allowed version than the version that is shown",
        ));
    }
    let previous = version.previous.as_ref().map(document).transpose()?;
    if let Some((previous, bytes)) = &previous {
        let name = previous.target_name();
        let listed = list.kept.get(&name).or_else(|| list.removed.get(&name));
        if listed.is_none_or(|listed| listed.sha256 != Digest::of(bytes).to_string()) {
            return Err(refuse(&list.role, "the version that is said to be there before was never signed"));
        }
    }
    Ok(ReviewedVersion {
        release_sha256: Digest::of(&bytes).to_string(),
        withdrawn: withdrawn(list)?,
        previous: previous.map(|(previous, _)| previous),
        rollout: version.rollout,
        skip_update: version.skip_update,
        release,
    })
}

/// The versions whose files leave the list. Those of a platform leave together.
fn withdrawn(list: &RoleChange) -> Result<BTreeSet<String>> {
    let folder = |name: &str| name.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let kept: BTreeSet<String> = list.kept.keys().chain(list.added.keys()).map(|name| folder(name)).collect();
    let gone: BTreeMap<String, &String> = list.removed.keys().map(|name| (folder(name), name)).collect();
    if let Some((_, name)) = gone.iter().find(|(folder, _)| kept.contains(*folder)) {
        return Err(refuse(&list.role, &format!("the list loses {name}, and keeps other files of that version")));
    }
    Ok(gone.keys().map(|folder| folder.split('/').nth(1).unwrap_or(folder).to_owned()).collect())
}

fn refuse(role: &str, why: &str) -> Error {
    Error::invalid("metadata to sign", format!("{role}: {why}"))
}
