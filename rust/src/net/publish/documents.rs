//! The signed parts of a version: its documents, its offer in the catalog, and the removal of old versions.

use jiff::Timestamp;

use super::build::{Built, NewChunks};
use super::check::Job;
use super::{Bundles, Published, RehearsedDocument};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::formats::index::Index;
use crate::formats::release::{Catalog, Chunking, Mode, Offer, Release, Sizes, TargetRef, target_name};
use crate::local::preflight::Finding;
use crate::net::trust::Publication;

/// The three targets of a version for one platform.
pub(super) struct Documents {
    pub(super) release: Release,
    pub(super) index: Vec<u8>,
    pub(super) table: Vec<u8>,
}

impl Documents {
    pub(super) fn of(job: &Job<'_>, built: &Built, sequence: u64) -> Result<Self> {
        let (index, table) = (built.index.to_bytes(), built.table.to_bytes()?);
        let mut targets = (reference(job, "index.caidx", &index), reference(job, "files.json.zst", &table));
        targets.1.document_sha256 = Some(Digest::of(&built.table.to_document()?).to_string());
        let release = describe(job, sequence, targets, built.chunking(), built.sizes);
        Ok(Self { release, index, table })
    }

    /// The names and lengths with which they would be signed.
    pub(super) fn listed(&self) -> Result<Vec<RehearsedDocument>> {
        let of = |name: String, bytes: &[u8]| RehearsedDocument { name, bytes: bytes.len() as u64 };
        Ok(vec![
            of(self.release.target_name(), &self.release.to_bytes()?),
            of(self.release.index.path.clone(), &self.index),
            of(self.release.files.path.clone(), &self.table),
        ])
    }

    /// Adds the documents to the targets that the next commit signs.
    pub(super) fn put(&self, publication: &mut Publication<'_>) -> Result<()> {
        let role = self.release.mode.as_str();
        if let Some(oldest) = &self.release.oldest_allowed {
            publication.state_oldest_allowed(&self.release.mode, oldest)?;
        }
        publication.put(role, &self.release.index.path, self.index.clone())?;
        publication.put(role, &self.release.files.path, self.table.clone())?;
        publication.put(role, &self.release.target_name(), self.release.to_bytes()?)
    }
}

pub(super) fn reference(job: &Job<'_>, file: &str, bytes: &[u8]) -> TargetRef {
    TargetRef {
        path: target_name(&job.mode, &job.version, &job.platform, file),
        length: bytes.len() as u64,
        sha256: Digest::of(bytes).to_string(),
        document_sha256: None,
    }
}

pub(super) fn describe(
    job: &Job<'_>,
    sequence: u64,
    targets: (TargetRef, TargetRef),
    chunking: Chunking,
    sizes: Sizes,
) -> Release {
    let mut release = Release::new(
        job.mode.clone(),
        job.version.clone(),
        job.platform.clone(),
        sequence,
        Timestamp::now(),
        targets,
        job.entry.clone(),
        chunking,
        sizes,
    );
    release.notes.clone_from(&job.notes);
    release.min_launcher.clone_from(&job.min_launcher);
    release.oldest_allowed.clone_from(&job.oldest_allowed);
    release.mutable.clone_from(&job.mutable);
    release
}

/// Checks that a document describes the same content as the published one. Ignores the date, the sequence number and
/// the compressed size.
pub(super) fn check_same(there: &Release, release: &Release) -> Result<()> {
    let mut again = release.clone();
    again.sequence = there.sequence;
    again.published_at = there.published_at;
    again.sizes.stored_bytes = there.sizes.stored_bytes;
    // Older programs did not write this field.
    again.files.document_sha256.clone_from(&there.files.document_sha256);
    if *there == again {
        return Ok(());
    }
    let (mode, version) = (there.mode.to_string(), there.version.to_string());
    Err(Error::VersionExists { mode, version, differs: differences(there, &again).join(", ") })
}

/// What two descriptions of a version disagree about, in words that a publisher knows.
fn differences(one: &Release, other: &Release) -> Vec<&'static str> {
    let parts = [
        ("content", one.index != other.index || one.files != other.files || one.sizes != other.sizes),
        ("chunks", one.chunking != other.chunking),
        ("entry", one.entry != other.entry),
        ("notes", one.notes != other.notes),
        ("files that may change", one.mutable != other.mutable),
        ("minimum version of the program", one.min_launcher != other.min_launcher),
        ("oldest allowed version", one.oldest_allowed != other.oldest_allowed),
    ];
    let different: Vec<&str> = parts.into_iter().filter(|(_, differ)| *differ).map(|(name, _)| name).collect();
    if different.is_empty() { vec!["other fields"] } else { different }
}

/// The result for a version that is about to be published.
pub(super) fn published(job: &Job<'_>, built: &Built, sequence: u64, new: NewChunks) -> Published {
    Published {
        mode: job.mode.clone(),
        version: job.version.clone(),
        platform: job.platform.clone(),
        sequence,
        sizes: built.sizes,
        new_chunks: new.count,
        new_stored_bytes: new.stored_bytes,
        findings: job.findings.clone(),
        was_there: false,
        metadata_bytes: 0,
        bundles: Bundles::default(),
        roles: Vec::new(),
    }
}

/// The result for a version that has been published before.
pub(super) fn was_there(there: &Release, findings: Vec<Finding>) -> Published {
    Published {
        mode: there.mode.clone(),
        version: there.version.clone(),
        platform: there.platform.clone(),
        sequence: there.sequence,
        sizes: there.sizes,
        new_chunks: 0,
        new_stored_bytes: 0,
        findings,
        was_there: true,
        metadata_bytes: 0,
        bundles: Bundles::default(),
        roles: Vec::new(),
    }
}

/// The result for a version that has already been published; an error if its content differs. Comparing the index is
/// enough, because it determines the files.
pub(super) fn as_before(job: &Job<'_>, there: &Release, index: &Index, chunking: Chunking) -> Result<Published> {
    let index = reference(job, "index.caidx", &index.to_bytes());
    let targets = (index, there.files.clone());
    check_same(there, &describe(job, there.sequence, targets, chunking, there.sizes))?;
    Ok(was_there(there, job.findings.clone()))
}

/// Checks that a version that is published already is offered as this publication asks. Publishing again does not change
/// how a version is offered, so anything else must not look like success.
pub(super) fn check_terms(catalog: &Catalog, job: &Job<'_>) -> Result<()> {
    let offers = catalog.modes.get(&job.mode).map_or(&[][..], |mode| &mode.versions);
    let Some(offer) = offers.iter().find(|offer| offer.version == job.version) else { return Ok(()) };
    let (mode, version) = (&job.mode, &job.version);
    if job.rollout != 100 && offer.rollout != job.rollout {
        let reason = format!(
            "{version} is published already, to {}%; use `vsekai repository rollout --mode {mode} --version {version} \
             --percent {}`",
            offer.rollout, job.rollout
        );
        return Err(Error::invalid("--rollout", reason));
    }
    if job.skip_update && !offer.skip_update {
        let reason = format!(
            "{version} is published already, and offered; use `vsekai repository skip --mode {mode} --version {version}`"
        );
        return Err(Error::invalid("--skip-update", reason));
    }
    Ok(())
}

pub(super) fn offer(catalog: &mut Catalog, job: &Job<'_>, sequence: u64) {
    let mode = catalog.modes.entry(job.mode.clone()).or_insert_with(Mode::begin);
    offer_in(
        mode,
        Offer {
            version: job.version.clone(),
            sequence,
            platforms: [job.platform.clone()].into(),
            skip_update: job.skip_update,
            recalled: false,
            rollout: job.rollout,
        },
    );
}

/// Adds a version to those on offer, or a platform to it. How a version is offered stays as it is.
pub(super) fn offer_in(mode: &mut Mode, new: Offer) {
    mode.sequence = new.sequence;
    match mode.versions.iter_mut().find(|offer| offer.version == new.version) {
        Some(offer) => {
            offer.platforms.extend(new.platforms);
            offer.sequence = new.sequence;
        }
        None => mode.versions.push(new),
    }
}

/// Removes the oldest versions from the catalog and the signed metadata. Recalled ones stay in the catalog, so that
/// their users learn of the recall.
pub(super) fn withdraw(catalog: &mut Catalog, publication: &mut Publication<'_>, job: &Job<'_>) -> Result<()> {
    for offer in outdated(catalog, job) {
        for platform in &offer.platforms {
            for file in ["release.json", "index.caidx", "files.json.zst"] {
                let name = target_name(&job.mode, &offer.version, platform, file);
                publication.remove(job.mode.as_str(), &name)?;
            }
        }
    }
    Ok(())
}

/// Removes the oldest versions from the catalog, and returns them.
pub(super) fn outdated(catalog: &mut Catalog, job: &Job<'_>) -> Vec<Offer> {
    let Some(mode) = catalog.modes.get_mut(&job.mode) else { return Vec::new() };
    mode.versions.sort_by(|a, b| b.version.cmp(&a.version));
    let mut left = job.keep_versions.max(1);
    let mut gone = Vec::new();
    mode.versions.retain(|offer| {
        if offer.recalled || offer.version == job.version {
            return true;
        }
        let stays = left > 1;
        left = left.saturating_sub(1);
        if !stays {
            gone.push(offer.clone());
        }
        stays
    });
    gone
}
