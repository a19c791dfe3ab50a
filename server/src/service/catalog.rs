//! From rows to the catalog that clients read, before and after a change of rows. Pure.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;
use vsekai_updater::formats::release::{Catalog, Mode as CatalogMode, ModeName, Offer, Platform, resolve_mode};

use crate::db::{RowChange, View};
use crate::error::{Error, Result};
use crate::model::{Cdn, Mode, ModeVersion, RepositoryFile, VersionState};

/// The catalog made of these rows. CDNs of the server's own region come first.
///
/// # Errors
/// [`Error::Conflict`] (`mode_cycle`) if modes lead to each other in a cycle.
pub fn catalog_of(view: &View, region: &str) -> Result<Catalog> {
    let mut catalog = Catalog::empty();
    let mut platforms: HashMap<Uuid, BTreeSet<Platform>> = HashMap::new();
    for (version, platform) in &view.platforms {
        platforms.entry(*version).or_default().insert(platform.clone());
    }
    for mode in &view.modes {
        let update_to = mode.update_to.and_then(|id| view.mode(id)).map(|next| next.name.clone());
        let versions = view.versions.iter().filter(|version| version.mode_id == mode.id);
        let described = CatalogMode {
            is_active: mode.is_active,
            update_to,
            description: mode.description.clone(),
            sequence: mode.sequence,
            reports: mode.reports.is_some(),
            versions: versions.filter_map(|version| offer(version, platforms.get(&version.id))).collect(),
        };
        catalog.modes.insert(mode.name.clone(), described);
    }
    for mode in view.modes.iter().filter(|mode| mode.update_to.is_some()) {
        resolve_mode(&catalog, &mode.name, &catalog.successors())
            .map_err(|error| Error::Conflict { code: "mode_cycle", reason: error.to_string() })?;
    }
    catalog.mirrors = mirrors(&view.cdns, region).into_iter().map(|cdn| cdn.uri.clone()).collect();
    Ok(catalog)
}

/// The CDNs to list for clients, best first: by region, then by weight. Only healthy ones are listed, unless none is:
/// then the probes themselves may be failing, and all enabled ones are listed.
pub fn mirrors<'a>(cdns: &'a [Cdn], region: &str) -> Vec<&'a Cdn> {
    let any_healthy = cdns.iter().any(|cdn| cdn.is_enabled && cdn.health.is_healthy);
    let mut named: Vec<&Cdn> =
        cdns.iter().filter(|cdn| cdn.is_enabled && (cdn.health.is_healthy || !any_healthy)).collect();
    named.sort_by_key(|cdn| (cdn.region != region, std::cmp::Reverse(cdn.weight), cdn.name.clone()));
    named
}

fn offer(version: &ModeVersion, platforms: Option<&BTreeSet<Platform>>) -> Option<Offer> {
    let on_offer = version.state == VersionState::Published || version.recalled;
    let platforms = platforms.cloned().unwrap_or_default();
    // Clients with a recalled version must learn about the recall, even if its files are gone.
    (on_offer && (version.recalled || !platforms.is_empty())).then(|| Offer {
        version: version.version.clone(),
        sequence: version.sequence,
        platforms,
        skip_update: version.skip_update,
        recalled: version.recalled,
        rollout: version.rollout,
    })
}

impl View {
    /// The mode with this id.
    pub fn mode(&self, id: Uuid) -> Option<&Mode> {
        self.modes.iter().find(|mode| mode.id == id)
    }

    /// The mode with this name.
    pub fn mode_named(&self, name: &ModeName) -> Option<&Mode> {
        self.modes.iter().find(|mode| mode.name == *name)
    }

    /// The metadata of a mode that is in force.
    pub fn role_file(&self, mode: &ModeName) -> Option<&RepositoryFile> {
        let end = format!(".{mode}.json");
        self.metadata.iter().find(|file| {
            let number = file.path.strip_prefix("tuf/").and_then(|name| name.strip_suffix(&end));
            number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        })
    }

    /// The view after these changes.
    #[must_use]
    pub fn after(&self, rows: &[RowChange]) -> Self {
        let mut view = self.clone();
        for row in rows {
            match row {
                RowChange::Mode(mode) => put(&mut view.modes, mode, |a, b| a.id == b.id),
                RowChange::Version(version) => put(&mut view.versions, version, |a, b| a.id == b.id),
                RowChange::File(file) => {
                    put(&mut view.platforms, &(file.version_id, file.platform.clone()), |a, b| a == b);
                }
                RowChange::RemoveFiles(version, platform) => {
                    view.platforms.retain(|(id, of)| id != version || of != platform);
                }
                RowChange::Cdn(cdn) => put(&mut view.cdns, cdn, |a, b| a.uid == b.uid),
                RowChange::RemoveCdn(uid) => view.cdns.retain(|cdn| cdn.uid != *uid),
                RowChange::RemoveTarget(_) | RowChange::Halt(_) | RowChange::ForgetReports(_) => {}
            }
        }
        view
    }
}

fn put<T: Clone>(rows: &mut Vec<T>, row: &T, is_same: fn(&T, &T) -> bool) {
    match rows.iter_mut().find(|there| is_same(there, row)) {
        Some(there) => there.clone_from(row),
        None => rows.push(row.clone()),
    }
}
