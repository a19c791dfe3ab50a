//! Publications that are not finished yet, and the documents sent for them.

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;
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
    /// Removes uploads that expired before this without being published, with their documents. Returns how many.
    async fn reap_uploads(&self, before: Time) -> Result<u64>;
}
