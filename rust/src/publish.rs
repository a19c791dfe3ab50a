//! Publishes a build: chunks into the store, then the documents that describe it, then the catalog that offers it.
//!
//! ```text
//! tree, or an index and a store  --build-->  index + file table  --lint-->  release document
//!                                             |                              |
//!                                          store/                 targets/, catalog, tuf/ (timestamp last)
//! ```
//!
//! Readers see all of a version or nothing of it: the timestamp is written last. What is on offer is never changed: the
//! same version with the same content again is no work, with other content it is an error. The keys that are
//! needed are the mode's, the catalog's, the snapshot's and the timestamp's; those of root and targets stay offline.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::chunker::{Algorithm, Chunker};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::fetch::Sources;
use crate::index::{ChunkSizes, Index};
use crate::limits;
use crate::lint::Finding;
use crate::path::RelPath;
use crate::release::{
    CATALOG_TARGET, Catalog, Chunking, Entry, FileTable, Mode, ModeName, Offer, Platform, Release, TargetRef,
    target_name,
};
use crate::trust::{CATALOG_ROLE, Keys, Publication};
use crate::version::Version;

mod adopt;
mod build;
mod check;
mod edit;

pub use edit::{Edit, edit};

/// Trees from this size on are cut into chunks four times as large: an index of a tenth of a per mille is enough.
const LARGE_TREE_BYTES: u64 = 2 << 30;

/// What is published.
#[derive(Debug)]
pub enum Content {
    /// A folder, to be cut into chunks.
    Tree(PathBuf),
    /// A tree that desync or casync has cut already.
    Cut {
        /// Its index.
        index: Index,
        /// Who has its chunks.
        sources: Sources,
    },
}

/// A version to publish.
#[derive(Debug)]
pub struct Request {
    /// What.
    pub content: Content,
    /// The mode.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// What it runs on.
    pub platform: Platform,
    /// What to start.
    pub entry: Entry,
    /// What is new, in Markdown.
    pub notes: String,
    /// The oldest `vsekai` that can install it.
    pub min_launcher: Option<Version>,
    /// Files that the game changes by itself.
    pub mutable: Vec<RelPath>,
    /// How many of a hundred are offered it.
    pub rollout: u8,
    /// Never offered by itself.
    pub skip_update: bool,
    /// The folder of the repository; made if it is not there.
    pub repository: PathBuf,
    /// The folder of keys.
    pub keys: PathBuf,
    /// Where to cut. Nothing: as the version before was cut, or by the size of the tree.
    pub chunker: Option<Chunker>,
    /// zstd level of chunks.
    pub level: i32,
    /// Findings of the lint are errors.
    pub strict: bool,
    /// Versions of the mode that stay on offer; older ones are withdrawn, so that metadata stays small.
    pub keep_versions: usize,
    /// A folder for working files.
    pub scratch: PathBuf,
}

/// What was published.
#[derive(Debug, Clone, Serialize)]
pub struct Published {
    /// The mode.
    pub mode: ModeName,
    /// The version.
    pub version: Version,
    /// What it runs on.
    pub platform: Platform,
    /// The mode's count.
    pub sequence: u64,
    /// What the tree amounts to.
    pub sizes: crate::release::Sizes,
    /// Chunks that were new in the store.
    pub new_chunks: u64,
    /// Their size as stored, in bytes: what an update from the version before fetches at the most.
    pub new_stored_bytes: u64,
    /// What the checks found.
    pub findings: Vec<Finding>,
    /// Whether all of it was there before.
    pub was_there: bool,
    /// Signed metadata written, in bytes.
    pub metadata_bytes: u64,
}

/// Publishes.
///
/// # Errors
/// `key_missing`, `version_exists`, `lint_failed` with [`Request::strict`]. Nothing is offered then; chunks that
/// were stored stay.
pub fn publish(request: &Request, monitor: &Monitor) -> Result<Published> {
    let keys = Keys::open(&request.keys)?;
    let mut publication = Publication::open(&request.repository, &keys)?;
    let mut catalog = catalog_of(&mut publication)?;
    if !catalog.modes.contains_key(&request.mode) {
        publication.add_mode(request.mode.as_str())?;
        catalog.modes.insert(request.mode.clone(), Mode::begin());
    }
    let before = latest(&mut publication, &catalog, request)?;
    let built = build::build(request, before.as_ref(), monitor)?;
    let findings = check::check(request, &built, before.as_ref(), monitor)?;
    let index_bytes = built.index.to_bytes();
    let table_bytes = built.table.to_bytes()?;
    let sequence = catalog.mode(&request.mode)?.sequence + 1;
    let release = describe(request, &built, sequence, &index_bytes, &table_bytes);
    let mut published = Published {
        mode: request.mode.clone(),
        version: request.version.clone(),
        platform: request.platform.clone(),
        sequence,
        sizes: built.sizes,
        new_chunks: built.new_chunks,
        new_stored_bytes: built.new_stored_bytes,
        findings,
        was_there: false,
        metadata_bytes: 0,
    };
    if let Some(there) = publication.target(&release.target_name())? {
        let there = Release::parse(&there, None)?;
        if !is_same(&there, &release) {
            let (mode, version) = (request.mode.to_string(), request.version.to_string());
            return Err(Error::VersionExists { mode, version });
        }
        return Ok(Published { was_there: true, sequence: there.sequence, ..published });
    }
    let role = request.mode.as_str();
    publication.put(role, &release.index.path, index_bytes)?;
    publication.put(role, &release.files.path, table_bytes)?;
    publication.put(role, &release.target_name(), release.to_bytes()?)?;
    offer(&mut catalog, request, sequence);
    withdraw(&mut catalog, &mut publication, request)?;
    publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog.to_bytes()?)?;
    published.metadata_bytes = publication.commit()?.metadata_bytes;
    Ok(published)
}

fn catalog_of(publication: &mut Publication) -> Result<Catalog> {
    publication.target(CATALOG_TARGET)?.map_or_else(|| Ok(Catalog::empty()), |bytes| Catalog::parse(&bytes))
}

/// The version that most players have: the newest one of the mode for this platform.
struct Before {
    release: Release,
    index: Index,
    table: FileTable,
}

fn latest(publication: &mut Publication, catalog: &Catalog, request: &Request) -> Result<Option<Before>> {
    let fits = |offer: &&Offer| offer.platforms.contains(&request.platform) && offer.version != request.version;
    let mode = catalog.mode(&request.mode)?;
    let Some(offer) = mode.versions.iter().filter(fits).max_by_key(|offer| offer.sequence) else { return Ok(None) };
    let name = target_name(&request.mode, &offer.version, &request.platform, "release.json");
    let Some(bytes) = publication.target(&name)? else { return Ok(None) };
    let release = Release::parse(&bytes, None)?;
    let (Some(index), Some(table)) =
        (publication.target(&release.index.path)?, publication.target(&release.files.path)?)
    else {
        return Ok(None);
    };
    let index = Index::parse(&index)?;
    let table = FileTable::parse(&table, &index)?;
    Ok(Some(Before { release, index, table }))
}

fn chunker_for(request: &Request, before: Option<&Before>, tree_bytes: u64) -> Result<Chunker> {
    if let Some(chunker) = &request.chunker {
        return Ok(chunker.clone());
    }
    if let Some(before) = before {
        let [min, avg, max] = before.release.chunking.sizes_bytes;
        return Chunker::new(before.release.chunking.algorithm, ChunkSizes::new(min, avg, max)?);
    }
    let kib = if tree_bytes < LARGE_TREE_BYTES { 1 << 10 } else { 4 << 10 };
    Chunker::new(Algorithm::Casync, ChunkSizes::new(16 * kib, 64 * kib, 256 * kib)?)
}

fn describe(request: &Request, built: &build::Built, sequence: u64, index: &[u8], table: &[u8]) -> Release {
    let target = |file: &str, bytes: &[u8]| TargetRef {
        path: target_name(&request.mode, &request.version, &request.platform, file),
        length: bytes.len() as u64,
        sha256: hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes)),
    };
    let sizes = built.index.sizes();
    let chunking = Chunking {
        algorithm: built.algorithm,
        sizes_bytes: [sizes.min(), sizes.avg(), sizes.max()],
        forced_cuts: built.forced_cuts,
    };
    let mut release = Release::new(
        request.mode.clone(),
        request.version.clone(),
        request.platform.clone(),
        sequence,
        Timestamp::now(),
        (target("index.caidx", index), target("files.json.zst", table)),
        request.entry.clone(),
        chunking,
        built.sizes,
    );
    release.notes.clone_from(&request.notes);
    release.min_launcher.clone_from(&request.min_launcher);
    release.mutable.clone_from(&request.mutable);
    release
}

/// Whether two documents describe the same thing: when and as what number does not count.
fn is_same(a: &Release, b: &Release) -> bool {
    let mut b = b.clone();
    b.sequence = a.sequence;
    b.published_at = a.published_at;
    b.bundles.clone_from(&a.bundles);
    *a == b
}

fn offer(catalog: &mut Catalog, request: &Request, sequence: u64) {
    let mode = catalog.modes.entry(request.mode.clone()).or_insert_with(Mode::begin);
    mode.sequence = sequence;
    match mode.versions.iter_mut().find(|offer| offer.version == request.version) {
        Some(offer) => {
            offer.platforms.insert(request.platform.clone());
            offer.sequence = sequence;
        }
        None => mode.versions.push(Offer {
            version: request.version.clone(),
            sequence,
            platforms: [request.platform.clone()].into(),
            skip_update: request.skip_update,
            recalled: false,
            rollout: request.rollout,
        }),
    }
}

/// Takes the oldest versions off the catalog and out of the signed metadata. Recalled ones stay in the catalog:
/// who has one must learn of it.
fn withdraw(catalog: &mut Catalog, publication: &mut Publication, request: &Request) -> Result<()> {
    let Some(mode) = catalog.modes.get_mut(&request.mode) else { return Ok(()) };
    mode.versions.sort_by(|a, b| b.version.cmp(&a.version));
    let mut left = request.keep_versions.max(1);
    let mut gone = Vec::new();
    mode.versions.retain(|offer| {
        if offer.recalled || offer.version == request.version {
            return true;
        }
        let stays = left > 1;
        left = left.saturating_sub(1);
        if !stays {
            gone.push(offer.clone());
        }
        stays
    });
    for offer in gone {
        for platform in &offer.platforms {
            for file in ["release.json", "index.caidx", "files.json.zst"] {
                let name = target_name(&request.mode, &offer.version, platform, file);
                publication.remove(request.mode.as_str(), &name)?;
            }
        }
    }
    Ok(())
}

/// Largest notes, in bytes.
pub const MAX_NOTES_BYTES: u64 = limits::MAX_DOCUMENT_BYTES / 4;
