//! Publications that are not finished yet, and the documents sent for them.

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::release::ModeName;

use super::Page;
use crate::error::Result;
use crate::model::{DocumentKind, Time, Upload};

/// Keeps uploads until they are published or expire.
#[async_trait]
pub trait UploadDb {
    /// Begins an upload. If one with this id exists, returns that one unchanged.
    async fn begin_upload(&self, upload: &Upload) -> Result<Upload>;
    /// The upload with this id.
    async fn upload(&self, id: Uuid) -> Result<Option<Upload>>;
    /// Uploads that are neither published nor expired at `now`, by id: of a mode, or all.
    async fn open_uploads(&self, now: Time, mode: Option<&ModeName>, page: &Page<Uuid>) -> Result<Vec<Upload>>;
    /// Stores a document of an upload, replacing an earlier one.
    async fn put_document(&self, upload: Uuid, kind: DocumentKind, bytes: Bytes) -> Result<()>;
    /// A document of an upload.
    async fn document(&self, upload: Uuid, kind: DocumentKind) -> Result<Option<Bytes>>;
    /// Which documents of an upload have arrived.
    async fn documents(&self, upload: Uuid) -> Result<Vec<DocumentKind>>;
    /// Stores a part of a bundle that was sent for an upload, replacing an earlier one.
    async fn put_upload_bundle_part(&self, upload: Uuid, bundle: &Digest, part: u64, bytes: Bytes) -> Result<()>;
    /// A part of a bundle that was sent for an upload.
    async fn upload_bundle_part(&self, upload: Uuid, bundle: &Digest, part: u64) -> Result<Option<Bytes>>;
    /// The numbers of the parts of a bundle that have been sent for an upload, in order.
    async fn upload_bundle_parts(&self, upload: Uuid, bundle: &Digest) -> Result<Vec<u64>>;
    /// Removes all parts of a bundle that was sent for an upload.
    async fn remove_upload_bundle_parts(&self, upload: Uuid, bundle: &Digest) -> Result<()>;
    /// Removes uploads that expired before this without being published, with their documents, and the bundles of
    /// all that have expired. Returns how many uploads.
    async fn reap_uploads(&self, before: Time) -> Result<u64>;
}
