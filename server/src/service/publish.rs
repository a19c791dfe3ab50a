//! Publications: begun, filled, checked, and then on offer by one transaction.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::index::Index;
use vsekai_updater::formats::release::{FileTable, ModeName, Platform, Release, TargetRef};
use vsekai_updater::net::trust::target_path;
use vsekai_updater::version::Version;

use super::rebuild::{self, mismatch};
use super::sign::{Accept, SignedRole};
use super::{Actor, Decision, Service, modes};
use crate::db::{FileFilter, Page, Publish, RowChange, View};
use crate::error::{Error, Result};
use crate::model::{DocumentKind, ModeVersion, RepositoryFile, Time, Upload, VersionFile, VersionState};

/// Most files of one mode that are looked at; far beyond what metadata of 4 MiB can list.
const MAX_FILES: u32 = 100_000;

/// How a version is offered.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// To how many of a hundred.
    pub rollout: u8,
    /// Never by itself.
    pub skip_update: bool,
}

/// A publication, as it is now.
#[derive(Debug, Clone)]
pub struct Publication {
    /// Its row.
    pub upload: Upload,
    /// What has come of it.
    pub received: Vec<DocumentKind>,
}

/// What a publication has brought, read and found to agree with itself.
struct Brought {
    index: Arc<Index>,
    table: Arc<FileTable>,
    release: Release,
    role: SignedRole,
    role_bytes: Bytes,
    targets: BTreeMap<&'static str, Bytes>,
}

impl Service {
    /// Begins a publication, or gives the one of this identifier.
    ///
    /// # Errors
    /// [`Error::Conflict`] (`publication_differs`) if the identifier stands for another version.
    pub async fn begin(
        &self,
        id: Uuid,
        mode: &ModeName,
        version: &Version,
        platform: &Platform,
    ) -> Result<(Publication, bool)> {
        let now = Time::now();
        let upload = Upload {
            id,
            mode: mode.clone(),
            version: version.clone(),
            platform: platform.clone(),
            sequence: None,
            created_at: now,
            expires_at: now.plus_seconds(self.upload_ttl_s),
        };
        let there = self.db.begin_upload(&upload).await?;
        if (&there.mode, &there.version, &there.platform) != (mode, version, platform) {
            // Not which: it may be of a mode that this token may not see.
            let reason = format!("{id} is the publication of another version");
            return Err(Error::Conflict { code: "publication_differs", reason });
        }
        let is_new = there.created_at == now;
        Ok((Publication { received: self.db.documents(id).await?, upload: there }, is_new))
    }

    /// A publication.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn publication(&self, id: Uuid) -> Result<Publication> {
        let upload = self.db.upload(id).await?.ok_or(Error::NotFound { what: "publication" })?;
        Ok(Publication { received: self.db.documents(id).await?, upload })
    }

    /// One that still takes something.
    async fn open(&self, id: Uuid) -> Result<Upload> {
        let upload = self.publication(id).await?.upload;
        if upload.sequence.is_none() && upload.expires_at <= Time::now() {
            let reason = "The publication has expired; begin it again".to_owned();
            return Err(Error::Conflict { code: "publication_expired", reason });
        }
        Ok(upload)
    }

    /// Which of these chunks are not here. The others are kept until the publication expires.
    ///
    /// # Errors
    /// [`Error::NotFound`], `publication_expired`.
    pub async fn missing(&self, id: Uuid, ids: &[ChunkId]) -> Result<Vec<ChunkId>> {
        let upload = self.open(id).await?;
        self.chunks.missing(ids, upload.expires_at).await
    }

    /// Keeps a part of a publication. It is read when it is committed; what can be seen to be wrong is refused now.
    ///
    /// # Errors
    /// [`Error::NotFound`], `publication_expired`, `publication_ended`, [`Error::Updater`] for an index that is none.
    pub async fn put_document(&self, id: Uuid, kind: DocumentKind, bytes: Bytes) -> Result<()> {
        let upload = self.open(id).await?;
        if upload.sequence.is_some() {
            let reason = "It is published; publish another version".to_owned();
            return Err(Error::Conflict { code: "publication_ended", reason });
        }
        if kind == DocumentKind::Index {
            self.read_index(&bytes)?;
        }
        self.db.put_document(id, kind, bytes).await
    }

    fn read_index(&self, bytes: &[u8]) -> Result<Index> {
        let index = Index::parse(bytes)?;
        let max = self.chunks.max_chunk_bytes();
        if index.sizes().max() > max {
            let reason = format!(
                "it has chunks of up to {} bytes, this store takes {max}; use a file:// or s3:// store",
                index.sizes().max()
            );
            return Err(Error::Invalid { what: "index", reason });
        }
        Ok(index)
    }

    /// Puts a version on offer. Repeated, it gives what the first time gave.
    ///
    /// # Errors
    /// [`Error::ChunksMissing`], `publication_stale`, `version_exists`, `document_mismatch`, `signature_invalid`,
    /// `repository_not_begun`, `document_missing`.
    pub async fn commit(&self, id: Uuid, terms: Terms, actor: &Actor) -> Result<Publication> {
        let upload = self.open(id).await?;
        if upload.sequence.is_some() {
            return self.publication(id).await;
        }
        let brought = self.read(&upload).await?;
        let mut seen = HashSet::new();
        let ids: Vec<ChunkId> = brought.index.iter().map(|chunk| chunk.id).filter(|id| seen.insert(*id)).collect();
        let mut missing = Vec::new();
        for some in ids.chunks(5000) {
            missing.extend(self.chunks.missing(some, upload.expires_at).await?);
        }
        if !missing.is_empty() {
            return Err(Error::ChunksMissing(missing));
        }
        rebuild::check(&self.chunks, Arc::clone(&brought.index), Arc::clone(&brought.table)).await?;
        let there = self.files_of_mode(&upload.mode).await?;
        let new_id = Uuid::now_v7();
        self.change(actor, |view| decide(view, &there, &upload, &brought, &ids, terms, new_id)).await?;
        self.publication(id).await
    }

    /// Reads all documents, and holds each against the others.
    async fn read(&self, upload: &Upload) -> Result<Brought> {
        let mut documents = Vec::new();
        for kind in DocumentKind::ALL {
            let missing = || Error::Conflict {
                code: "document_missing",
                reason: format!("The {} has not been sent", kind.as_str()),
            };
            documents.push(self.db.document(upload.id, kind).await?.ok_or_else(missing)?);
        }
        let [index_bytes, table_bytes, release_bytes, role_bytes]: [Bytes; 4] =
            documents.try_into().map_err(|_| Error::Internal { context: "reading documents".to_owned() })?;
        let index = self.read_index(&index_bytes)?;
        let release = Release::parse(&release_bytes, None)?;
        if (&release.mode, &release.version, &release.platform) != (&upload.mode, &upload.version, &upload.platform) {
            return Err(mismatch("The release document is of another version".to_owned()));
        }
        agree("index", &release.index, &index_bytes)?;
        agree("file table", &release.files, &table_bytes)?;
        let (index, table) = {
            let packed = table_bytes.clone();
            let parse = move || FileTable::parse(&packed, &index).map(|table| (index, table));
            let parsed = tokio::task::spawn_blocking(parse).await;
            parsed.map_err(|error| Error::Internal { context: format!("reading a table: {error}") })??
        };
        check_release(&release, &index, &table)?;
        let role = SignedRole::read(&role_bytes)?;
        let targets = BTreeMap::from([
            ("index.caidx", index_bytes),
            ("files.json.zst", table_bytes),
            ("release.json", release_bytes),
        ]);
        Ok(Brought { index: Arc::new(index), table: Arc::new(table), release, role, role_bytes, targets })
    }

    /// The signed files of every version of a mode. They change with the revision only, which [`decide`] checks by
    /// the signature's version.
    async fn files_of_mode(&self, mode: &ModeName) -> Result<Vec<VersionFile>> {
        let Ok(mode) = self.mode_named(mode).await else { return Ok(Vec::new()) };
        let view = self.db.view().await?;
        let mut files = Vec::new();
        for version in view.versions.iter().filter(|version| version.mode_id == mode.id) {
            let filter = FileFilter { version_id: Some(version.id), ..FileFilter::default() };
            files.extend(self.db.files(&filter, &Page { after: None, limit: MAX_FILES }).await?);
        }
        Ok(files)
    }
}

fn agree(what: &str, target: &TargetRef, bytes: &[u8]) -> Result<()> {
    if target.length == bytes.len() as u64 && target.sha256 == super::sign::sha256_hex(bytes) {
        return Ok(());
    }
    Err(mismatch(format!("The {what} is not the one that the release document names")))
}

fn check_release(release: &Release, index: &Index, table: &FileTable) -> Result<()> {
    let sizes = [index.sizes().min(), index.sizes().avg(), index.sizes().max()];
    if release.chunking.sizes_bytes != sizes {
        return Err(mismatch("The release document says other chunk sizes than the index".to_owned()));
    }
    let files = table.files().count() as u64;
    let bytes: u64 = table.files().map(|(_, _, size, _)| size).sum();
    let chunks = index.iter().map(|chunk| chunk.id).collect::<HashSet<_>>().len() as u64;
    if (release.sizes.files, release.sizes.tree_bytes, release.sizes.chunks) != (files, bytes, chunks) {
        let reason =
            format!("The tree has {files} files of {bytes} bytes in {chunks} chunks; the document says otherwise");
        return Err(mismatch(reason));
    }
    for path in release.mutable.iter().chain([&release.entry.path]) {
        if table.find(path).is_none() {
            return Err(mismatch(format!("{path} is not a file of the tree")));
        }
    }
    Ok(())
}

fn decide(
    view: &View,
    there: &[VersionFile],
    upload: &Upload,
    brought: &Brought,
    chunks: &[ChunkId],
    terms: Terms,
    new_id: Uuid,
) -> Result<Decision> {
    let now = Time::now();
    let begun = view.mode_named(&upload.mode).cloned();
    let mut mode = begun.unwrap_or_else(|| modes::begin(Uuid::now_v7(), &upload.mode));
    let known = view.versions.iter().find(|version| version.mode_id == mode.id && version.version == upload.version);
    if let Some(known) = known
        && view.platforms.contains(&(known.id, upload.platform.clone()))
    {
        let reason = format!("{} {} is published for {}", upload.mode, upload.version, upload.platform);
        return Err(Error::Conflict { code: "version_exists", reason });
    }
    if brought.release.sequence != mode.sequence + 1 {
        let reason = format!("The mode counts to {}; sign it as number {}", mode.sequence, mode.sequence + 1);
        return Err(Error::Conflict { code: "publication_stale", reason });
    }
    mode.sequence += 1;
    mode.updated_at = now;
    let mut version = known.cloned().unwrap_or_else(|| ModeVersion {
        id: new_id,
        mode_id: mode.id,
        version: upload.version.clone(),
        state: VersionState::Published,
        skip_update: terms.skip_update,
        recalled: false,
        rollout: terms.rollout,
        sequence: mode.sequence,
        manifest_file_uri: format!("api/v1/versions/{new_id}/manifest"),
        published_at: now,
        updated_at: now,
    });
    version.state = VersionState::Published;
    version.sequence = mode.sequence;
    version.updated_at = now;
    let (files, new_files) = files_of(upload, &version, brought);
    let mut rows = vec![RowChange::Mode(mode.clone()), RowChange::Version(version.clone())];
    rows.extend(files.iter().cloned().map(RowChange::File));
    rows.extend(withdrawn(view, there, &brought.role, &mode.id, now));
    check_listed(&brought.role, there, &files, &rows)?;
    let accept = Accept { roles: [(upload.mode.to_string(), brought.role_bytes.to_vec())].into(), ..Accept::default() };
    let publish = Publish {
        upload_id: upload.id,
        sequence: mode.sequence,
        version_id: version.id,
        platform: upload.platform.clone(),
        chunks: chunks.to_vec(),
    };
    Ok(Decision {
        rows,
        publish: Some(publish),
        files: new_files,
        accept,
        audit: ("version.publish", format!("{} {} {}", upload.mode, upload.version, upload.platform)),
        detail: json!({"sequence": mode.sequence, "rollout": version.rollout, "skip_update": version.skip_update}),
        ..Decision::default()
    })
}

/// The rows and the bytes of the three targets.
fn files_of(upload: &Upload, version: &ModeVersion, brought: &Brought) -> (Vec<VersionFile>, Vec<RepositoryFile>) {
    let release_name = brought.release.target_name();
    let folder = release_name.strip_suffix("release.json").unwrap_or_default();
    let mut rows = Vec::new();
    let mut files = Vec::new();
    for (file_name, bytes) in &brought.targets {
        let sha256 = super::sign::sha256_hex(bytes);
        let path = target_path(&format!("{folder}{file_name}"), &sha256);
        rows.push(VersionFile {
            id: Uuid::now_v7(),
            version_id: version.id,
            platform: upload.platform.clone(),
            file_name: (*file_name).to_owned(),
            file_uri: path.clone(),
            file_checksum_hash: sha256,
            size: bytes.len() as u64,
        });
        files.push(RepositoryFile { path, bytes: bytes.to_vec() });
    }
    (rows, files)
}

/// What the publisher has taken off the list of the mode's targets: these versions are no more on offer.
fn withdrawn(view: &View, there: &[VersionFile], role: &SignedRole, mode: &Uuid, now: Time) -> Vec<RowChange> {
    let mut rows = Vec::new();
    for version in view.versions.iter().filter(|version| version.mode_id == *mode) {
        let mut left = 0;
        let platforms = view.platforms.iter().filter(|(id, _)| *id == version.id).map(|(_, platform)| platform);
        for platform in platforms {
            let mut files = there.iter().filter(|file| file.version_id == version.id && file.platform == *platform);
            if files.all(|file| role.lists(file)) {
                left += 1;
            } else {
                rows.push(RowChange::RemoveFiles(version.id, platform.clone()));
            }
        }
        if left == 0 && version.state == VersionState::Published {
            rows.push(RowChange::Version(ModeVersion {
                state: VersionState::Withdrawn,
                updated_at: now,
                ..version.clone()
            }));
        }
    }
    rows
}

/// The signed list must name the files that are here, and no others: what it names and nobody has would make clients
/// fail, and what it leaves out they would refuse.
fn check_listed(role: &SignedRole, there: &[VersionFile], new: &[VersionFile], rows: &[RowChange]) -> Result<()> {
    if let Some(file) = new.iter().find(|file| !role.lists(file)) {
        return Err(mismatch(format!("The signed metadata does not list {}", file.file_uri)));
    }
    let is_removed = |file: &&VersionFile| {
        rows.iter()
            .any(|row| matches!(row, RowChange::RemoveFiles(id, of) if *id == file.version_id && *of == file.platform))
    };
    let kept = there.iter().filter(|file| !is_removed(file)).count();
    if role.len() != kept + new.len() {
        // The list was made of another state of the mode, or names files that were never sent.
        let reason = format!("The signed metadata lists {} files, there would be {}", role.len(), kept + new.len());
        return Err(Error::Conflict { code: "publication_stale", reason });
    }
    Ok(())
}
