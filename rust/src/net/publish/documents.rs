//! The signed parts of a version: its documents, its offer in the catalog, and the removal of old versions.

use jiff::Timestamp;

use super::build::Built;
use super::{Published, Request};
use crate::digest::Digest;
use crate::error::{Error, Result};
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
    pub(super) fn of(request: &Request, built: &Built, sequence: u64) -> Result<Self> {
        let (index, table) = (built.index.to_bytes(), built.table.to_bytes()?);
        let mut targets = (reference(request, "index.caidx", &index), reference(request, "files.json.zst", &table));
        targets.1.document_sha256 = Some(Digest::of(&built.table.to_document()?).to_string());
        let release = describe(request, sequence, targets, built.chunking(), built.sizes);
        Ok(Self { release, index, table })
    }

    /// Adds the documents to the targets that the next commit signs.
    pub(super) fn put(&self, publication: &mut Publication<'_>) -> Result<()> {
        let role = self.release.mode.as_str();
        publication.put(role, &self.release.index.path, self.index.clone())?;
        publication.put(role, &self.release.files.path, self.table.clone())?;
        publication.put(role, &self.release.target_name(), self.release.to_bytes()?)
    }
}

pub(super) fn reference(request: &Request, file: &str, bytes: &[u8]) -> TargetRef {
    TargetRef {
        path: target_name(&request.mode, &request.version, &request.platform, file),
        length: bytes.len() as u64,
        sha256: Digest::of(bytes).to_string(),
        document_sha256: None,
    }
}

pub(super) fn describe(
    request: &Request,
    sequence: u64,
    targets: (TargetRef, TargetRef),
    chunking: Chunking,
    sizes: Sizes,
) -> Release {
    let mut release = Release::new(
        request.mode.clone(),
        request.version.clone(),
        request.platform.clone(),
        sequence,
        Timestamp::now(),
        targets,
        request.entry.clone(),
        chunking,
        sizes,
    );
    release.notes.clone_from(&request.notes);
    release.min_launcher.clone_from(&request.min_launcher);
    release.oldest_allowed.clone_from(&request.oldest_allowed);
    release.mutable.clone_from(&request.mutable);
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
    Err(Error::VersionExists { mode: there.mode.to_string(), version: there.version.to_string() })
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
        bundles: Vec::new(),
    }
}

pub(super) fn offer(catalog: &mut Catalog, request: &Request, sequence: u64) {
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

/// Removes the oldest versions from the catalog and the signed metadata. Recalled ones stay in the catalog, so that
/// their users learn of the recall.
pub(super) fn withdraw(catalog: &mut Catalog, publication: &mut Publication<'_>, request: &Request) -> Result<()> {
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
