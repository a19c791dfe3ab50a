//! The documents of a publication, parsed and found to agree with each other.
//!
//! Nothing is parsed that takes long unless the signed list of the mode names it. Every loop here is linear in what the
//! publisher has sent.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::index::Index;
use vsekai_updater::formats::release::{FileTable, Release, TargetRef};
use vsekai_updater::net::trust::target_path;

use super::Service;
use super::rebuild::mismatch;
use super::rebuilt::TreeKey;
use super::sign::SignedRole;
use crate::error::{Error, Result};
use crate::model::{DocumentKind, Upload};

/// Most files that a game may change when it runs. The release document names each.
const MAX_MUTABLE: usize = 10_000;

/// The documents of a publication as they were sent.
pub(super) struct Documents {
    index: Bytes,
    table: Bytes,
    release: Bytes,
    role: Bytes,
}

/// Documents that agree with each other, and are signed.
pub(super) struct Submission {
    pub(super) index: Arc<Index>,
    /// The chunks of the version, each once.
    pub(super) chunks: Vec<ChunkId>,
    pub(super) table: Arc<FileTable>,
    pub(super) release: Release,
    pub(super) role: SignedRole,
    pub(super) role_bytes: Bytes,
    pub(super) targets: Vec<SignedTarget>,
    /// Bytes of the documents and, before compression, of the chunks.
    pub(super) bytes: u64,
}

/// A document that becomes a file of the repository.
pub(super) struct SignedTarget {
    pub(super) file_name: &'static str,
    /// The path within the repository.
    pub(super) path: String,
    pub(super) sha256: String,
    pub(super) bytes: Bytes,
}

impl Service {
    /// The documents that a publication has sent.
    ///
    /// # Errors
    /// `document_missing`.
    pub(super) async fn documents_of(&self, upload: &Upload) -> Result<Documents> {
        let mut documents = Vec::new();
        for kind in DocumentKind::ALL {
            let missing = || Error::Conflict {
                code: "document_missing",
                reason: format!("The document {:?} has not been sent", kind.as_str()),
            };
            documents.push(self.db.document(upload.id, kind).await?.ok_or_else(missing)?);
        }
        let [index, table, release, role]: [Bytes; 4] =
            documents.try_into().map_err(|_| Error::internal("reading documents"))?;
        Ok(Documents { index, table, release, role })
    }
}

impl Submission {
    /// What the tree depends on: index and file table.
    pub(super) fn tree(&self) -> TreeKey {
        let sha256 = |name| self.targets.iter().find(|target| target.file_name == name);
        ["index.caidx", "files.json.zst"].map(|name| sha256(name).map_or_else(String::new, |it| it.sha256.clone()))
    }
}

impl Documents {
    /// The signed metadata of the mode.
    pub(super) fn role(&self) -> Bytes {
        self.role.clone()
    }

    /// The release document, which must be of this publication.
    pub(super) fn release(&self, upload: &Upload) -> Result<Release> {
        let release = Release::parse(&self.release, None)?;
        if (&release.mode, &release.version, &release.platform) != (&upload.mode, &upload.version, &upload.platform) {
            return Err(mismatch("The release document describes another version".to_owned()));
        }
        Ok(release)
    }

    /// Reads everything else, and checks that it agrees. Takes long: not for the threads that answer requests.
    pub(super) fn read(self, release: Release, max_chunk_bytes: u64) -> Result<Submission> {
        let role = SignedRole::read(&self.role)?;
        let folder = release.target_name();
        let folder = folder.strip_suffix("release.json").unwrap_or_default();
        let target = |file_name: &'static str, bytes: &Bytes| {
            let sha256 = Digest::of(bytes).to_string();
            let path = target_path(&format!("{folder}{file_name}"), &sha256);
            SignedTarget { file_name, path, sha256, bytes: bytes.clone() }
        };
        let targets = vec![
            target("files.json.zst", &self.table),
            target("index.caidx", &self.index),
            target("release.json", &self.release),
        ];
        if let Some(target) =
            targets.iter().find(|target| !role.names(&target.path, &target.sha256, target.bytes.len()))
        {
            return Err(mismatch(format!("The signed metadata does not list {}", target.path)));
        }
        agree("file table", &release.files, &targets[0])?;
        agree("index", &release.index, &targets[1])?;
        let index = read_index(&self.index, max_chunk_bytes)?;
        let table = FileTable::parse(&self.table, &index)?;
        let mut seen = HashSet::new();
        let chunks: Vec<ChunkId> = index.iter().map(|chunk| chunk.id).filter(|id| seen.insert(*id)).collect();
        check_release(&release, &index, chunks.len() as u64, &table)?;
        let documents: u64 = targets.iter().map(|target| target.bytes.len() as u64).sum();
        let bytes = documents.saturating_add(index.stream_bytes());
        let (index, table) = (Arc::new(index), Arc::new(table));
        Ok(Submission { index, chunks, table, release, role, role_bytes: self.role, targets, bytes })
    }
}

/// Reads an index whose chunks this store accepts.
pub(super) fn read_index(bytes: &[u8], max_chunk_bytes: u64) -> Result<Index> {
    let index = Index::parse(bytes)?;
    if index.sizes().max() > max_chunk_bytes {
        let reason = format!(
            "it has chunks of up to {} bytes, but this store accepts {max_chunk_bytes}; configure a file:// or s3:// store",
            index.sizes().max()
        );
        return Err(Error::Invalid { what: "index", reason });
    }
    Ok(index)
}

/// Checks that a document is the one that the release document names.
fn agree(what: &str, named: &TargetRef, sent: &SignedTarget) -> Result<()> {
    if named.length == sent.bytes.len() as u64 && named.sha256 == sent.sha256 {
        return Ok(());
    }
    Err(mismatch(format!("The {what} is not the one named by the release document")))
}

/// Checks what the release document says about the index and the file table.
fn check_release(release: &Release, index: &Index, chunks: u64, table: &FileTable) -> Result<()> {
    let sizes = [index.sizes().min(), index.sizes().avg(), index.sizes().max()];
    if release.chunking.sizes_bytes != sizes {
        return Err(mismatch("The release document and the index disagree about chunk sizes".to_owned()));
    }
    let files = table.files().count() as u64;
    let bytes: u64 = table.files().map(|(_, _, size, _)| size).sum();
    if (release.sizes.files, release.sizes.tree_bytes, release.sizes.chunks) != (files, bytes, chunks) {
        let reason = format!(
            "The tree has {files} files, {bytes} bytes and {chunks} chunks; the release document says otherwise"
        );
        return Err(mismatch(reason));
    }
    if release.mutable.len() > MAX_MUTABLE {
        return Err(mismatch(format!("The release document names more than {MAX_MUTABLE} files that change")));
    }
    let mut named: HashSet<_> = release.mutable.iter().collect();
    if named.len() != release.mutable.len() {
        return Err(mismatch("The release document names a file that changes twice".to_owned()));
    }
    named.insert(&release.entry.path);
    for (_, path, ..) in table.files() {
        named.remove(path);
    }
    match named.into_iter().next() {
        Some(path) => Err(mismatch(format!("{path} is not a file of the tree"))),
        None => Ok(()),
    }
}
