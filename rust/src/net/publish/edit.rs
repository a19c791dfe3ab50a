//! Changes of the catalog, such as recall, skip, rollout and retire. Most need only the online keys, and no build.

use serde::Serialize;

use super::Destination;
use super::edit::Edit as E;
use super::folder::Folder;
use super::history::catalog_of;
use super::roles::check_is_repository;
use crate::error::{Error, Result};
use crate::formats::release::{CATALOG_TARGET, Catalog, Mode, ModeName, is_web_address, resolve_mode};
use crate::net::trust::{CATALOG_ROLE, Committed, KeyFolder, Keys, Publication, RoleValidity};
use crate::path::RelPath;
use crate::version::Version;

/// One change of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Stop offering a version and move its users to another, or undo this.
    Recall {
        /// The mode of the version.
        mode: ModeName,
        /// The version to recall.
        version: Version,
        /// False undoes the recall.
        recalled: bool,
    },
    /// Stop offering a version automatically, or undo this.
    Skip {
        /// The mode of the version.
        mode: ModeName,
        /// The version to skip.
        version: Version,
        /// False offers it again.
        skip: bool,
    },
    /// Set the rollout percentage of a version.
    Rollout {
        /// The mode of the version.
        mode: ModeName,
        /// The version to roll out.
        version: Version,
        /// Percentage of installs that are offered it, 0 to 100.
        percent: u8,
    },
    /// Discontinue a mode, and move its users to another mode if one is given. Players follow only if the key of the
    /// mode, or that of `targets`, has signed the successor.
    Retire {
        /// The mode to retire.
        mode: ModeName,
        /// The mode that its users are moved to.
        update_to: Option<ModeName>,
    },
    /// Reactivate a retired mode.
    Activate {
        /// The mode to activate.
        mode: ModeName,
    },
    /// Set the description of a mode.
    Describe {
        /// The mode to describe.
        mode: ModeName,
        /// One sentence that says what the mode is for.
        text: String,
    },
    /// Ask players who agree whether new versions start, or stop asking. Only a server can be told.
    Reports {
        /// The mode whose players are asked.
        mode: ModeName,
        /// The limit that stops a rollout: reports from one platform, and the percentage of them that may be of failures.
        /// `None` stops asking.
        limit: Option<(u32, u8)>,
    },
    /// Create a mode. Needs the key of the targets role.
    Add {
        /// The name of the new mode.
        mode: ModeName,
    },
    /// Set the chunk stores: URLs, or paths below the repository.
    Stores(Vec<String>),
    /// Set the mirrors: other URLs of the whole repository.
    Mirrors(Vec<String>),
}

/// The result of changes.
#[derive(Debug, Clone, Serialize)]
pub struct Edited {
    /// What was written.
    #[serde(flatten)]
    pub committed: Committed,
    /// How long the signatures of all roles are valid now.
    pub roles: Vec<RoleValidity>,
    /// Whether everything was so before, and nothing was written.
    pub was_so: bool,
}

impl Edited {
    /// What was written to a folder or a bucket. A commit without changes writes nothing.
    pub(super) fn of(committed: Committed, roles: Vec<RoleValidity>) -> Self {
        Self { committed, roles, was_so: committed.files == 0 }
    }
}

/// Makes the changes and signs the affected metadata. Without changes, renews metadata that is about to expire.
///
/// # Errors
/// `mode_unknown`, `version_unknown`, `mode_cycle`, `key_missing`, `signature_expired`. The repository is then
/// unchanged.
pub fn edit(repository: &Destination, keys: impl Into<KeyFolder>, edits: &[Edit]) -> Result<Edited> {
    let keys = Keys::open(keys)?;
    // A mistyped place must not become a repository.
    let may_create = edits.iter().any(|edit| matches!(edit, E::Add { .. }));
    match repository {
        Destination::Folder(folder) => {
            if !may_create {
                check_is_repository(folder)?;
            }
            let mut publication = Publication::open(folder, &keys)?;
            let catalog = catalog_of(&Folder { publication: &publication, store: None })?;
            change(&mut publication, catalog, edits)?;
            publication.check_not_expired()?;
            Ok(Edited::of(publication.commit()?, publication.validity()?))
        }
        #[cfg(feature = "bucket")]
        Destination::Bucket(bucket) => {
            let change = |publication: &mut Publication<'_>, found: super::bucket::Found| {
                change(publication, found.catalog, edits)
            };
            let (committed, roles) = super::bucket::edit(bucket, &keys, may_create, None, change)?;
            Ok(Edited::of(committed, roles))
        }
        // Needs no keys: see `edit_on_server`.
        Destination::Server(_) => Err(Error::unsupported("changing the catalog of an update server from here")),
    }
}

/// Makes the changes on an update server, which has the keys of the catalog. Only the successor of a retired mode is
/// signed here, with the keys of that mode. Returns whether anything was changed.
///
/// # Errors
/// Those of the server; `version_unknown`, `invalid_argument` if a change needs keys.
pub fn edit_on_server(server: &super::Server, keys: Option<&KeyFolder>, edits: &[Edit]) -> Result<bool> {
    super::server::edit_server(server, keys, edits)
}

fn change(publication: &mut Publication<'_>, mut catalog: Catalog, edits: &[Edit]) -> Result<()> {
    if edits.is_empty() {
        return publication.renew();
    }
    let mut is_new = false;
    for change in edits {
        if let E::Add { mode } = change
            && !catalog.modes.contains_key(mode)
        {
            publication.add_mode(mode.as_str())?;
            catalog.modes.insert(mode.clone(), Mode::begin());
            is_new = true;
        }
        is_new |= apply_if_new(&mut catalog, change)?;
        if let E::Retire { mode, update_to } = change {
            publication.state_successor(mode, update_to.as_ref())?;
        }
        if let E::Activate { mode } = change {
            publication.state_successor(mode, None)?;
        }
    }
    // The same catalog is not signed again.
    if is_new { publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog.to_bytes()?) } else { Ok(()) }
}

/// Makes a change, unless everything is so already. Returns whether it was made.
fn apply_if_new(catalog: &mut Catalog, change: &Edit) -> Result<bool> {
    let mut changed = catalog.clone();
    apply(&mut changed, change)?;
    // Each change has the next sequence number.
    let mut same = changed.clone();
    for (name, mode) in &mut same.modes {
        mode.sequence = catalog.modes.get(name).map_or(mode.sequence, |before| before.sequence);
    }
    let is_new = same != *catalog;
    if is_new {
        *catalog = changed;
    }
    Ok(is_new)
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
                return Err(Error::invalid("rollout", format!("{percent}% is more than 100%")));
            }
            changed(catalog, mode)?.versions[at].rollout = *percent;
        }
        E::Retire { mode, update_to } => {
            let retired = changed(catalog, mode)?;
            retired.is_active = false;
            retired.update_to.clone_from(update_to);
            if let Some(next) = update_to {
                resolve_mode(catalog, next, &catalog.successors())?;
            }
        }
        E::Activate { mode } => {
            let active = changed(catalog, mode)?;
            active.is_active = true;
            active.update_to = None;
        }
        E::Describe { mode, text } => changed(catalog, mode)?.description.clone_from(text),
        E::Reports { .. } => {
            return Err(Error::unsupported(
                "asking for reports in a folder or bucket: only an update server takes them",
            ));
        }
        E::Add { .. } => {}
        E::Stores(stores) => {
            let is_place = |store: &&String| !is_web_address(store) && RelPath::new(store).is_err();
            refuse(stores.iter().find(is_place), "is neither a URL nor a path below the repository")?;
            catalog.stores.clone_from(stores);
        }
        E::Mirrors(mirrors) => {
            refuse(mirrors.iter().find(|mirror| !is_web_address(mirror)), "is not a URL")?;
            catalog.mirrors.clone_from(mirrors);
        }
    }
    Ok(())
}

/// Fails if there is an invalid address. Clients accept no other addresses either, because a publisher must not name
/// places on their machines.
fn refuse(place: Option<&String>, reason: &str) -> Result<()> {
    let error = |place| Error::invalid("address", format!("{place} {reason}"));
    place.map_or(Ok(()), |place| Err(error(place)))
}

fn find(catalog: &Catalog, mode: &ModeName, version: &Version) -> Result<usize> {
    let found = catalog.mode(mode)?;
    let unknown = || {
        let known = found.versions_of(|_| true);
        Error::VersionUnknown { mode: mode.to_string(), version: version.to_string(), known }
    };
    found.versions.iter().position(|offer| offer.version == *version).ok_or_else(unknown)
}

/// The mode, with its sequence number increased because it will change.
fn changed<'a>(catalog: &'a mut Catalog, mode: &ModeName) -> Result<&'a mut Mode> {
    catalog.mode(mode)?;
    let found = catalog.modes.entry(mode.clone()).or_insert_with(Mode::begin);
    found.sequence += 1;
    Ok(found)
}
