//! Builds `tuf/current.pack`: the current metadata, and the files that clients request next.
//!
//! Nothing is verified here; readers do that. Files that do not fit are omitted, the least needed first. Each omitted
//! file costs a reader one request.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use tough::TargetName;
use tough::schema::{Signed, Snapshot, Targets, Timestamp};

use super::Publication;
use super::storage::StorageReader;
use crate::error::{Error, Result, TrustKind};
use crate::formats::metadata_pack::{self, MetadataPack, target_path};
use crate::formats::news::News;
use crate::formats::release::{Catalog, Mode, Offer, Platform};
use crate::limits::{MAX_DOCUMENT_BYTES, MAX_NEWS_BYTES};
use crate::net::trust::error::trust;
use crate::net::trust::{CATALOG_ROLE, CATALOG_TARGET};
use crate::net::trust::{MAX_ROOT_BYTES, MAX_SNAPSHOT_BYTES, MAX_TARGETS_BYTES, MAX_TIMESTAMP_BYTES};

/// Reads a file by its path below the root of the repository; `None` if it does not exist or has more than this many
/// bytes.
pub type Read<'a> = &'a dyn Fn(&str, u64) -> Result<Option<Vec<u8>>>;

/// Largest pack that is written, in bytes. Every client downloads it after every publication.
const MAX_BYTES: u64 = 512 << 10;

/// Number of roots that are included. A client that is further behind requests the others one by one.
const MAX_ROOTS: u64 = 16;

/// Largest `bundles/<sha256>.json` that is included, in bytes.
const MAX_LIST_BYTES: u64 = 64 << 10;

/// Most versions of one mode and platform. During a rollout of the newest, other clients get the previous one.
const MAX_VERSIONS: usize = 2;

/// Packs the current metadata of a repository. `newest_root` is the version of its newest root.
///
/// # Errors
/// [`Error::Trust`] of kind `Malformed` if the repository has no timestamp, or one that cannot be read; those of
/// `read`.
pub fn make_pack(newest_root: u64, read: Read<'_>) -> Result<Vec<u8>> {
    let mut bag = Bag { read, files: BTreeMap::new(), packed_bytes: 0, plain_bytes: 0 };
    bag.metadata(newest_root)?;
    MetadataPack::write(&bag.files)
}

impl Publication<'_> {
    /// Rewrites `tuf/current.pack` if its content would change. Commits do this automatically; call it after adding
    /// unsigned files that belong in the pack. Does nothing in memory, where there is no pack.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn refresh_pack(&mut self) -> Result<()> {
        let place = self.shelf.place();
        let StorageReader::Folder(_) = place else { return Ok(()) };
        let read = |path: &str, max_bytes| match place.read(path, max_bytes) {
            Err(Error::Invalid { .. }) => Ok(None),
            found => found,
        };
        let packed = make_pack(self.root_version(), &read)?;
        if read(metadata_pack::PATH, packed.len() as u64)?.as_ref() == Some(&packed) {
            return Ok(());
        }
        self.shelf.write_metadata(&[(FILE.to_owned(), packed)])
    }

    /// Rewrites an existing pack if it has a different timestamp, because a commit was killed before its last file.
    pub(super) fn mend_pack(&mut self) -> Result<()> {
        let place = self.shelf.place();
        if !place.has(metadata_pack::PATH) {
            return Ok(());
        }
        let found = place.read(metadata_pack::PATH, metadata_pack::MAX_PACKED_BYTES).ok().flatten();
        let found = found.and_then(|packed| MetadataPack::parse(&packed).ok());
        let timestamp = place.read(TIMESTAMP, MAX_TIMESTAMP_BYTES)?;
        let is_current = found.is_some_and(|pack| pack.get(TIMESTAMP) == timestamp.as_deref());
        if is_current { Ok(()) } else { self.refresh_pack() }
    }
}

const FILE: &str = "current.pack";
const TIMESTAMP: &str = "tuf/timestamp.json";

struct Bag<'a> {
    read: Read<'a>,
    files: BTreeMap<String, Vec<u8>>,
    packed_bytes: u64,
    plain_bytes: u64,
}

impl Bag<'_> {
    fn metadata(&mut self, newest_root: u64) -> Result<()> {
        let none = || trust(TrustKind::Malformed, "the repository has no timestamp.json");
        let timestamp = self.take(TIMESTAMP, MAX_TIMESTAMP_BYTES)?.ok_or_else(none)?;
        self.root(newest_root)?;
        let timestamp: Timestamp = parse(&timestamp).ok_or_else(none)?;
        let Some(meta) = timestamp.meta.get("snapshot.json") else { return Err(none()) };
        let snapshot = self.take(&format!("tuf/{}.snapshot.json", meta.version), MAX_SNAPSHOT_BYTES)?;
        let snapshot: Option<Snapshot> = snapshot.as_deref().and_then(parse);
        let mut roles = BTreeMap::new();
        let mut names: Vec<_> = snapshot.iter().flat_map(|snapshot| &snapshot.meta).collect();
        names.sort_by_key(|(file, _)| (**file != "targets.json", **file != "catalog.json", *file));
        for (file, meta) in names {
            let role: Option<Targets> =
                self.take(&format!("tuf/{}.{file}", meta.version), MAX_TARGETS_BYTES)?.as_deref().and_then(parse);
            roles.extend(role.map(|role| (file.trim_end_matches(".json").to_owned(), role)));
        }
        let catalog = match listed(&roles, CATALOG_ROLE, CATALOG_TARGET) {
            Some((path, _)) => self.take(&path, MAX_DOCUMENT_BYTES)?,
            None => None,
        };
        for version in (newest_root.saturating_sub(MAX_ROOTS - 1).max(1)..newest_root).rev() {
            self.root(version)?;
        }
        match catalog.and_then(|bytes| Catalog::parse(&bytes).ok()) {
            Some(catalog) => self.documents(&catalog, &roles),
            None => Ok(()),
        }
    }

    fn root(&mut self, version: u64) -> Result<()> {
        self.take(&format!("tuf/{version}.root.json"), MAX_ROOT_BYTES).map(drop)
    }

    /// Adds release documents and lists of bundles, those of the most widely offered versions first, then news.
    fn documents(&mut self, catalog: &Catalog, roles: &BTreeMap<String, Targets>) -> Result<()> {
        let mut offers: Vec<(usize, String, String)> = Vec::new();
        for (name, mode) in catalog.modes.iter().filter(|(_, mode)| is_followed(mode)) {
            let platforms: BTreeSet<&Platform> = mode.versions.iter().flat_map(|offer| &offer.platforms).collect();
            for platform in platforms {
                let best = best(mode, platform).into_iter().enumerate();
                offers.extend(
                    best.map(|(rank, offer)| (rank, name.to_string(), format!("{name}/{}/{platform}", offer.version))),
                );
            }
        }
        offers.sort();
        for (_, mode, folder) in &offers {
            if let Some((path, _)) = listed(roles, mode, &format!("{folder}/release.json")) {
                self.take(&path, MAX_DOCUMENT_BYTES)?;
            }
        }
        for (_, mode, folder) in &offers {
            if let Some((_, sha256)) = listed(roles, mode, &format!("{folder}/index.caidx")) {
                self.take(&format!("bundles/{sha256}.json"), MAX_LIST_BYTES)?;
            }
        }
        for mode in catalog.modes.iter().filter(|(_, mode)| is_followed(mode)).map(|(name, _)| name) {
            if let Some((path, _)) = listed(roles, mode.as_str(), &News::target_name(mode)) {
                self.take(&path, MAX_NEWS_BYTES)?;
            }
        }
        Ok(())
    }

    /// Reads a file, and adds it if it fits. Ignores names in metadata that a pack may not contain.
    fn take(&mut self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>> {
        if !metadata_pack::may_have(path) {
            return Ok(None);
        }
        let Some(bytes) = (self.read)(path, max_bytes)? else { return Ok(None) };
        let plain_bytes = self.plain_bytes + (path.len() + bytes.len() + 64) as u64;
        // Compressed together, files are no larger than compressed one by one.
        let alone =
            zstd::bulk::compress(&bytes, 1).map_err(|e| Error::unsupported("compressing with zstd").caused_by(e))?;
        let packed_bytes = self.packed_bytes + (path.len() + alone.len()) as u64;
        if packed_bytes <= MAX_BYTES
            && plain_bytes <= metadata_pack::MAX_PLAIN_BYTES
            && self.files.len() < metadata_pack::MAX_ENTRIES
        {
            (self.packed_bytes, self.plain_bytes) = (packed_bytes, plain_bytes);
            self.files.insert(path.to_owned(), bytes.clone());
        }
        Ok(Some(bytes))
    }
}

/// Whether clients follow the mode itself, and not a successor.
fn is_followed(mode: &Mode) -> bool {
    mode.is_active && mode.update_to.is_none()
}

/// The versions that clients of a platform may be offered, newest first, down to one with full rollout.
fn best<'a>(mode: &'a Mode, platform: &Platform) -> Vec<&'a Offer> {
    let fits = |offer: &&Offer| offer.platforms.contains(platform) && !offer.recalled && !offer.skip_update;
    let mut offers: Vec<&Offer> = mode.versions.iter().filter(fits).collect();
    offers.sort_by(|a, b| b.version.cmp_precedence(&a.version).then(b.sequence.cmp(&a.sequence)));
    let count = offers.iter().position(|offer| offer.rollout == 100).map_or(offers.len(), |at| at + 1);
    offers.truncate(count.min(MAX_VERSIONS));
    offers
}

/// The path of a role's target, and its SHA-256 in hex.
fn listed(roles: &BTreeMap<String, Targets>, role: &str, name: &str) -> Option<(String, String)> {
    let target = roles.get(role)?.targets.get(&TargetName::new(name).ok()?)?;
    let sha256 = hex::encode(&target.hashes.sha256);
    Some((target_path(name, &sha256), sha256))
}

fn parse<T: tough::schema::Role + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice::<Signed<T>>(bytes).ok().map(|signed| signed.signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Version;

    fn offer(version: &str, rollout: u8) -> Offer {
        Offer {
            version: Version::parse(version).unwrap(),
            sequence: 1,
            platforms: [Platform::current()].into(),
            skip_update: false,
            recalled: false,
            rollout,
        }
    }

    fn chosen(offers: Vec<Offer>) -> Vec<String> {
        let mode = Mode { versions: offers, ..Mode::begin() };
        best(&mode, &Platform::current()).into_iter().map(|offer| offer.version.to_string()).collect()
    }

    #[test]
    fn newest_version_is_enough_if_everybody_gets_it() {
        assert_eq!(chosen(vec![offer("1.0.0", 100), offer("1.10.0", 100), offer("1.9.0", 100)]), ["1.10.0"]);
        assert_eq!(chosen(Vec::new()), [""; 0]);
    }

    #[test]
    fn version_before_one_that_is_rolled_out_goes_along() {
        let offers = vec![offer("1.0.0", 100), offer("1.2.0", 5), offer("1.1.0", 100)];
        assert_eq!(chosen(offers), ["1.2.0", "1.1.0"]);
        assert_eq!(chosen(vec![offer("1.0.0", 5), offer("1.2.0", 5), offer("1.1.0", 5)]), ["1.2.0", "1.1.0"]);
    }

    #[test]
    fn versions_that_nobody_is_offered_by_themselves_stay_out() {
        let recalled = Offer { recalled: true, ..offer("3.0.0", 100) };
        let skipped = Offer { skip_update: true, ..offer("2.0.0", 100) };
        let elsewhere = Offer { platforms: BTreeSet::new(), ..offer("4.0.0", 100) };
        assert_eq!(chosen(vec![recalled, skipped, elsewhere, offer("1.0.0", 100)]), ["1.0.0"]);
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_what_fits_after_it_is_not() {
        let noise = |length| std::iter::repeat_with(|| fastrand::u8(..)).take(length).collect::<Vec<u8>>();
        let (large, small) = (noise(600 << 10), noise(1000));
        let read = |path: &str, _: u64| Ok(Some(if path.contains("large") { large.clone() } else { small.clone() }));
        let mut bag = Bag { read: &read, files: BTreeMap::new(), packed_bytes: 0, plain_bytes: 0 };
        for path in ["tuf/1.large.json", "tuf/1.small.json"] {
            assert!(bag.take(path, 1 << 20).unwrap().is_some());
        }
        assert!(bag.files.keys().eq(["tuf/1.small.json"]));
    }
}
