//! Bundles that publishers send, instead of leaving them to the server: parts first, then a check of the whole.
//!
//! A bundle may come before its version is published. Then everything that the commit would check is checked first, and the
//! bundle waits for the commit, which lists it in the same transaction.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;
use vsekai_updater::digest::Digest;
use vsekai_updater::local::disk;
use vsekai_updater::net::api::{BUNDLE_PART_BYTES, MAX_BUNDLE_BYTES};

use super::{Actor, Service, sign};
use crate::bundles::{Candidate, Documents, Put, check, incomplete, refused};
use crate::error::{Error, Result};
use crate::model::{BundleState, Time, Upload, VersionIndex};
use crate::shares::Turn;

/// A bundle whose parts have been sent.
#[derive(Debug, Clone, Copy)]
pub struct NewBundle {
    /// Its SHA-256.
    pub id: Digest,
    /// Its length in bytes.
    pub length: u64,
    /// SHA-256 of the index of the version that it builds on.
    pub from: Option<Digest>,
}

/// Removes a file when it is no longer needed.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left is removed at the next start.
        let _ = disk::remove_file(&self.0);
    }
}

impl Service {
    /// Stores a part of a bundle until the publication expires.
    ///
    /// # Errors
    /// [`Error::NotFound`], `publication_expired`, `invalid` for a part that no bundle has.
    pub async fn put_bundle_part(&self, upload: Uuid, bundle: &Digest, part: u64, bytes: Bytes) -> Result<()> {
        self.receiving(upload).await?;
        if part >= MAX_BUNDLE_BYTES / BUNDLE_PART_BYTES || bytes.is_empty() {
            let reason = format!("a bundle has at most {MAX_BUNDLE_BYTES} bytes, and no part of it is empty");
            return Err(Error::Invalid { what: "part", reason });
        }
        self.db.put_upload_bundle_part(upload, bundle, part, bytes).await
    }

    /// The parts of a bundle that have been sent.
    ///
    /// # Errors
    /// [`Error::NotFound`], `publication_expired`.
    pub async fn bundle_parts(&self, upload: Uuid, bundle: &Digest) -> Result<Vec<u64>> {
        self.receiving(upload).await?;
        self.db.upload_bundle_parts(upload, bundle).await
    }

    /// Checks a bundle whose parts have been sent, and lists it, or keeps it for the commit. Repeating it returns the
    /// same. What is refused is removed.
    ///
    /// # Errors
    /// `bundle_refused`, `bundle_incomplete`, [`Error::TooLarge`]; before the version is published, those of a commit.
    pub async fn accept_bundle(&self, upload: Uuid, new: NewBundle, turn: Turn, actor: &Actor) -> Result<Put> {
        let upload = self.receiving(upload).await?;
        if new.length == 0 || new.length > MAX_BUNDLE_BYTES {
            return Err(Error::TooLarge { max_bytes: MAX_BUNDLE_BYTES });
        }
        match self.db.bundle_state(&new.id).await? {
            Some(BundleState::Live) => return Ok(Put::Listed),
            Some(BundleState::Waiting) => return Ok(Put::Waiting),
            _ => {}
        }
        let parts = self.db.upload_bundle_parts(upload.id, &new.id).await?;
        let count = new.length.div_ceil(BUNDLE_PART_BYTES);
        if let Some(part) =
            (0..count).find(|part| parts.get(usize::try_from(*part).unwrap_or(usize::MAX)) != Some(part))
        {
            return Err(incomplete(part));
        }
        let outcome = self.check_and_put(&upload, new, Arc::new(turn)).await;
        let is_final = match &outcome {
            Ok(_) | Err(Error::TooLarge { .. }) => true,
            Err(error) => error.code() == "bundle_refused",
        };
        if is_final {
            self.db.remove_upload_bundle_parts(upload.id, &new.id).await?;
        }
        if outcome.is_ok() {
            let from = new.from.map(|from| from.to_string());
            let detail = json!({"id": new.id.to_string(), "length": new.length, "from": from});
            let subject = format!("{} {} {}", upload.mode, upload.version, upload.platform);
            self.db.add_audit(&actor.entry("bundle.accept", subject, &detail)).await?;
        }
        outcome
    }

    async fn check_and_put(&self, upload: &Upload, new: NewBundle, turn: Arc<Turn>) -> Result<Put> {
        let indexes = self.db.indexes().await?;
        let documents = if let Some(published) = self.published(upload, &indexes).await? {
            Documents::read(self.db.as_ref(), &published).await?
        } else {
            let submission = self.checked(upload, Arc::clone(&turn)).await?;
            Documents::of(submission.index, submission.table, &submission.release)
        };
        let to = Digest::of(&documents.index.to_bytes());
        let old = match new.from {
            None => None,
            Some(from) => Some(Documents::read(self.db.as_ref(), base(upload, from, to, &indexes)?).await?),
        };
        let _alone = self.checking.lock().await;
        let folder = self.scratch.clone();
        sign::blocking("making a folder", move || Ok(disk::create_directory(&folder)?)).await?;
        let file = Scratch(self.scratch.join(format!("{}-{:x}", new.id, Uuid::now_v7())));
        let candidate =
            Candidate { upload: upload.id, id: new.id, length: new.length, new: documents, old, file: file.0.clone() };
        let info = check(&self.db, &self.chunks, candidate, turn).await?;
        self.chunks.check_place().await?;
        self.bundles.put_early(to, &info, &file.0).await
    }

    /// The upload, unless it has expired: what it sends would be removed at any moment.
    async fn receiving(&self, id: Uuid) -> Result<Upload> {
        let upload = self.publication(id).await?.upload;
        if upload.expires_at > Time::now() {
            return Ok(upload);
        }
        let reason = "The publication has expired; begin a new one".to_owned();
        Err(Error::Conflict { code: "publication_expired", reason })
    }

    /// The index of the version of a publication, if it is published.
    async fn published(&self, upload: &Upload, indexes: &[VersionIndex]) -> Result<Option<VersionIndex>> {
        let view = self.db.view().await?;
        let Some(mode) = view.mode_named(&upload.mode) else { return Ok(None) };
        let is_it = |id: Uuid| {
            view.versions.iter().any(|it| it.id == id && it.mode_id == mode.id && it.version == upload.version)
        };
        let found = indexes.iter().find(|index| index.platform == upload.platform && is_it(index.version_id));
        Ok(found.cloned())
    }
}

/// The version that a bundle of a publication may build on.
fn base<'a>(upload: &Upload, from: Digest, to: Digest, indexes: &'a [VersionIndex]) -> Result<&'a VersionIndex> {
    let found = indexes.iter().find(|index| index.digest == from && index.platform == upload.platform);
    found
        .filter(|_| from != to)
        .ok_or_else(|| refused(&format!("no other version for {} has the index {from}", upload.platform)))
}
