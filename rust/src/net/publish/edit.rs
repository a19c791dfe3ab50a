//! Changes of the catalog: recall, skip, roll out, retire. They need the online keys alone, and no build.

use std::path::Path;

use super::edit::Edit as E;
use super::folder::Folder;
use super::history::catalog_of;
use crate::error::{Error, Result};
use crate::formats::release::{CATALOG_TARGET, Catalog, Mode, ModeName, is_web_address, resolve_mode};
use crate::net::trust::{CATALOG_ROLE, Committed, Keys, Publication};
use crate::path::RelPath;
use crate::version::Version;

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Offer a version to nobody, and move those who have it; or take that back.
    Recall {
        /// Where.
        mode: ModeName,
        /// Which.
        version: Version,
        /// False takes it back.
        recalled: bool,
    },
    /// Never offer a version by itself, or do again.
    Skip {
        /// Where.
        mode: ModeName,
        /// Which.
        version: Version,
        /// False takes it back.
        skip: bool,
    },
    /// Offer a version to so many of a hundred.
    Rollout {
        /// Where.
        mode: ModeName,
        /// Which.
        version: Version,
        /// 0 to 100.
        percent: u8,
    },
    /// Publish a mode no more; its users are moved to another, if one is named.
    Retire {
        /// Which.
        mode: ModeName,
        /// Where its users go.
        update_to: Option<ModeName>,
    },
    /// Publish a mode again.
    Activate {
        /// Which.
        mode: ModeName,
    },
    /// Say in one sentence what a mode is for.
    Describe {
        /// Which.
        mode: ModeName,
        /// The sentence.
        text: String,
    },
    /// Begin a mode. Needs the key of the targets role.
    Add {
        /// Which.
        mode: ModeName,
    },
    /// Where chunks are: URLs, or paths below the repository.
    Stores(Vec<String>),
    /// Other addresses of the whole repository.
    Mirrors(Vec<String>),
}

/// Makes the changes and signs what follows from them; with none, signs again what is about to expire.
///
/// # Errors
/// `mode_unknown`, `version_unknown`, `mode_cycle`, `key_missing`. Nothing is changed then.
pub fn edit(repository: &Path, keys: &Path, edits: &[Edit]) -> Result<Committed> {
    let keys = Keys::open(keys)?;
    let mut publication = Publication::open(repository, &keys)?;
    if edits.is_empty() {
        publication.renew()?;
        return publication.commit();
    }
    let mut catalog = catalog_of(&Folder { publication: &publication, store: None })?;
    for change in edits {
        if let E::Add { mode } = change
            && !catalog.modes.contains_key(mode)
        {
            publication.add_mode(mode.as_str())?;
            catalog.modes.insert(mode.clone(), Mode::begin());
        }
        apply(&mut catalog, change)?;
    }
    publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog.to_bytes()?)?;
    publication.commit()
}

fn apply(catalog: &mut Catalog, change: &Edit) -> Result<()> {
    match change {
        E::Recall { mode, version, recalled } => {
            let at = find(catalog, mode, version)?;
            changed(catalog, mode)?.versions[at].recalled = *recalled;
        }
        E::Skip { mode, version, skip } => {
            let at = find(catalog, mode, version)?;
            changed(catalog, mode)?.versions[at].skip_update = *skip;
        }
        E::Rollout { mode, version, percent } => {
            let at = find(catalog, mode, version)?;
            if *percent > 100 {
                return Err(Error::Invalid { what: "rollout", reason: format!("{percent}% is more than all") });
            }
            changed(catalog, mode)?.versions[at].rollout = *percent;
        }
        E::Retire { mode, update_to } => {
            let retired = changed(catalog, mode)?;
            retired.is_active = false;
            retired.update_to.clone_from(update_to);
            if let Some(next) = update_to {
                resolve_mode(catalog, next)?;
            }
        }
        E::Activate { mode } => {
            let active = changed(catalog, mode)?;
            active.is_active = true;
            active.update_to = None;
        }
        E::Describe { mode, text } => changed(catalog, mode)?.description.clone_from(text),
        E::Add { .. } => {}
        E::Stores(stores) => {
            let is_place = |store: &&String| !is_web_address(store) && RelPath::new(store).is_err();
            refuse(stores.iter().find(is_place), "is neither a web address nor a path below the repository")?;
            catalog.stores.clone_from(stores);
        }
        E::Mirrors(mirrors) => {
            refuse(mirrors.iter().find(|mirror| !is_web_address(mirror)), "is no web address")?;
            catalog.mirrors.clone_from(mirrors);
        }
    }
    Ok(())
}

/// Clients take no other: what is on their own machine is none of a publisher's business.
fn refuse(place: Option<&String>, reason: &str) -> Result<()> {
    let error = |place| Error::Invalid { what: "address", reason: format!("{place} {reason}") };
    place.map_or(Ok(()), |place| Err(error(place)))
}

fn find(catalog: &Catalog, mode: &ModeName, version: &Version) -> Result<usize> {
    let at = catalog.mode(mode)?.versions.iter().position(|offer| offer.version == *version);
    at.ok_or_else(|| Error::VersionUnknown { mode: mode.to_string(), version: version.to_string() })
}

/// The mode, counted as changed.
fn changed<'a>(catalog: &'a mut Catalog, mode: &ModeName) -> Result<&'a mut Mode> {
    catalog.mode(mode)?;
    let found = catalog.modes.entry(mode.clone()).or_insert_with(Mode::begin);
    found.sequence += 1;
    Ok(found)
}
