//! What players are offered now, for each mode and platform, according to the catalog.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;
use vsekai_updater::formats::release::{Catalog, ModeName, Offer, Platform, resolve_mode};
use vsekai_updater::version::Version;

use super::catalog::catalog_of;
use crate::db::View;
use crate::error::Result;
use crate::model::ModeVersion;

/// What a mode offers for a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered<'a> {
    /// The mode that players follow.
    pub mode: ModeName,
    /// The mode whose versions they get: the same, or the one they are moved to.
    pub resolved: ModeName,
    /// The platform.
    pub platform: Platform,
    /// The highest version on offer.
    pub version: &'a ModeVersion,
    /// The highest version that everybody is offered, if that is another one.
    pub others: Option<Version>,
}

/// A platform, the highest version on offer, and the highest one that is offered to all if that is another.
type Best<'a> = (&'a Platform, &'a Offer, Option<&'a Offer>);

/// What each mode offers for each platform, by mode and platform. A retired mode without a successor offers nothing.
///
/// # Errors
/// As [`catalog_of`].
pub fn offers<'a>(view: &'a View, region: &str) -> Result<Vec<Offered<'a>>> {
    let catalog = catalog_of(view, region)?;
    let signed = catalog.successors();
    let ids: BTreeMap<&ModeName, Uuid> = view.modes.iter().map(|mode| (&mode.name, mode.id)).collect();
    let rows: HashMap<(Uuid, &Version), &ModeVersion> =
        view.versions.iter().map(|version| ((version.mode_id, &version.version), version)).collect();
    // Many modes may lead to one: what that offers is found once.
    let mut found: BTreeMap<&ModeName, Vec<Best<'_>>> = BTreeMap::new();
    let mut all = Vec::new();
    for mode in catalog.modes.keys() {
        let Ok(resolved) = resolve_mode(&catalog, mode, &signed) else { continue };
        let best = found.entry(resolved).or_insert_with(|| best(&catalog, resolved));
        for (platform, offer, others) in best {
            let Some(version) = ids.get(resolved).and_then(|id| rows.get(&(*id, &offer.version))) else { continue };
            all.push(Offered {
                mode: mode.clone(),
                resolved: resolved.clone(),
                platform: (*platform).clone(),
                version,
                others: others.map(|offer| offer.version.clone()),
            });
        }
    }
    Ok(all)
}

/// What a mode offers for each of its platforms.
fn best<'a>(catalog: &'a Catalog, mode: &ModeName) -> Vec<Best<'a>> {
    let versions = catalog.modes.get(mode).map(|mode| mode.versions.as_slice()).unwrap_or_default();
    let mut offered: Vec<&Offer> = versions.iter().filter(|offer| !offer.recalled && !offer.skip_update).collect();
    offered.sort_by(|a, b| b.version.cmp_precedence(&a.version).then(b.sequence.cmp(&a.sequence)));
    let platforms: BTreeSet<&Platform> = offered.iter().flat_map(|offer| &offer.platforms).collect();
    let of = |platform: &'a Platform| {
        let mut fitting = offered.iter().copied().filter(|offer| offer.platforms.contains(platform));
        let first = fitting.next()?;
        let others = (first.rollout < 100).then(|| fitting.find(|offer| offer.rollout == 100)).flatten();
        Some((platform, first, others))
    };
    platforms.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Mode, Time, VersionState};

    fn mode(number: u128, name: &str) -> Mode {
        Mode {
            id: Uuid::from_u128(number),
            name: ModeName::new(name).unwrap(),
            description: String::new(),
            is_active: true,
            update_to: None,
            sequence: 1,
            reports: None,
            updated_at: Time(0),
        }
    }

    fn version(number: u128, mode: u128, version: &str, rollout: u8) -> ModeVersion {
        ModeVersion {
            id: Uuid::from_u128(number),
            mode_id: Uuid::from_u128(mode),
            version: Version::parse(version).unwrap(),
            state: VersionState::Published,
            skip_update: false,
            recalled: false,
            rollout,
            sequence: 1,
            manifest_file_uri: String::new(),
            published_at: Time(0),
            updated_at: Time(0),
        }
    }

    fn shown(view: &View) -> Vec<String> {
        let text = |it: &Offered<'_>| {
            let others = it.others.as_ref().map(|version| format!(" or {version}")).unwrap_or_default();
            let version = it.version;
            format!("{} {} {} {}%{others}", it.mode, it.platform, version.version, version.rollout)
        };
        offers(view, "").unwrap().iter().map(text).collect()
    }

    #[test]
    fn the_highest_version_is_offered_and_what_all_others_get() {
        let [linux, windows] = ["linux-x86_64", "windows-x86_64"].map(|name| Platform::new(name).unwrap());
        let mut view = View { modes: vec![mode(1, "stable"), mode(2, "old")], ..View::default() };
        view.modes[1].is_active = false;
        view.versions = vec![
            version(10, 1, "1.0.0", 100),
            version(11, 1, "1.10.0", 25),
            version(12, 1, "1.9.0", 50),
            version(13, 1, "2.0.0", 100),
            version(20, 2, "9.0.0", 100),
        ];
        view.versions[3].recalled = true;
        let on = |number: u128, platform: &Platform| (Uuid::from_u128(number), platform.clone());
        view.platforms =
            vec![on(10, &linux), on(10, &windows), on(11, &linux), on(12, &linux), on(13, &linux), on(20, &linux)];
        assert_eq!(shown(&view), ["stable linux-x86_64 1.10.0 25% or 1.0.0", "stable windows-x86_64 1.0.0 100%"]);
        view.modes[0].is_active = false;
        assert!(shown(&view).is_empty(), "{:?}", shown(&view));
    }
}
