//! Publications: begun, filled with documents, checked, and then published by one transaction.
//!
//! ```text
//! begin -> missing, put_document (any number of times) -> commit
//! commit: read and compare the documents -> rebuild the tree from its chunks -> Commit::decide -> Service::change
//! ```

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use uuid::Uuid;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::index::Index;
use vsekai_updater::formats::release::{FileTable, ModeName, Platform, Release, TargetRef};
use vsekai_updater::net::api::MAX_MISSING_IDS;
use vsekai_updater::net::trust::target_path;
use vsekai_updater::version::Version;

use super::rebuild::{self, mismatch};
use super::sign::{Accept, SignedRole};
use super::{Actor, Decision, Service, modes};
use crate::db::{FileFilter, Page, Publish, RowChange, View};
use crate::error::{Error, Result};
use crate::model::{DocumentKind, Mode, ModeVersion, RepositoryFile, Time, Upload, VersionFile, VersionState};

/// Most files of one version that are read: far more than metadata of 4 MiB can list.
const MAX_FILES: u32 = 100_000;

/// How a version is offered.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Percentage of installs that are offered it.
    pub rollout: u8,
    /// Whether it is offered only by name.
    pub skip_update: bool,
}

/// A publication and its state.
#[derive(Debug, Clone)]
pub struct Publication {
    /// Its row.
    pub upload: Upload,
    /// The documents that have arrived.
    pub received: Vec<DocumentKind>,
}

/// The documents of a publication, parsed and found to agree with each other.
struct Submission {
    index: Arc<Index>,
    table: Arc<FileTable>,
    release: Release,
    role: SignedRole,
    role_bytes: Bytes,
    targets: BTreeMap<&'static str, Bytes>,
}

impl Service {
    /// Begins a publication, or returns the existing one with this id. Also returns whether it is new.
    ///
    /// # Errors
    /// [`Error::Conflict`] (`publication_differs`) if the id belongs to a publication of another version.
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
            // Does not say which: this token may not be allowed to see its mode.
            let reason = format!("{id} is a publication of another version");
            return Err(Error::Conflict { code: "publication_differs", reason });
        }
        let is_new = there.created_at == now;
        Ok((Publication { received: self.db.documents(id).await?, upload: there }, is_new))
    }

    /// The publication with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn publication(&self, id: Uuid) -> Result<Publication> {
        let upload = self.db.upload(id).await?.ok_or(Error::NotFound { what: "publication" })?;
        Ok(Publication { received: self.db.documents(id).await?, upload })
    }

    /// The upload, unless it has expired.
    async fn open(&self, id: Uuid) -> Result<Upload> {
        let upload = self.publication(id).await?.upload;
        if upload.sequence.is_none() && upload.expires_at <= Time::now() {
            let reason = "The publication has expired; begin a new one".to_owned();
            return Err(Error::Conflict { code: "publication_expired", reason });
        }
        Ok(upload)
    }

    /// Returns which of these chunks are missing. The others are kept until the publication expires.
    ///
    /// # Errors
    /// [`Error::NotFound`], `publication_expired`.
    pub async fn missing(&self, id: Uuid, ids: &[ChunkId]) -> Result<Vec<ChunkId>> {
        let upload = self.open(id).await?;
        self.chunks.missing(ids, upload.expires_at).await
    }

    /// Stores a document of a publication. Documents are checked at the commit, except for an index, which must be
    /// valid now.
    ///
    /// # Errors
    /// [`Error::NotFound`], `publication_expired`, `publication_ended`, [`Error::Updater`] for a malformed index.
    pub async fn put_document(&self, id: Uuid, kind: DocumentKind, bytes: Bytes) -> Result<()> {
        let upload = self.open(id).await?;
        if upload.sequence.is_some() {
            let reason = "This publication is complete; begin another for a new version".to_owned();
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
                "it has chunks of up to {} bytes, but this store accepts {max}; configure a file:// or s3:// store",
                index.sizes().max()
            );
            return Err(Error::Invalid { what: "index", reason });
        }
        Ok(index)
    }

    /// Publishes the version. Repeating it returns the same result.
    ///
    /// # Errors
    /// [`Error::ChunksMissing`], `publication_stale`, `version_exists`, `document_mismatch`, `signature_invalid`,
    /// `repository_not_begun`, `document_missing`.
    pub async fn commit(&self, id: Uuid, terms: Terms, actor: &Actor) -> Result<Publication> {
        let upload = self.open(id).await?;
        if upload.sequence.is_some() {
            return self.publication(id).await;
        }
        let submission = self.read(&upload).await?;
        let mut seen = HashSet::new();
        let chunks: Vec<ChunkId> =
            submission.index.iter().map(|chunk| chunk.id).filter(|id| seen.insert(*id)).collect();
        let mut missing = Vec::new();
        for some in chunks.chunks(MAX_MISSING_IDS) {
            missing.extend(self.chunks.missing(some, upload.expires_at).await?);
        }
        if !missing.is_empty() {
            return Err(Error::ChunksMissing(missing));
        }
        rebuild::check(&self.chunks, Arc::clone(&submission.index), Arc::clone(&submission.table)).await?;
        let commit = Commit {
            upload: &upload,
            submission: &submission,
            chunks,
            existing: self.files_of_mode(&upload.mode).await?,
            terms,
            new_id: Uuid::now_v7(),
        };
        self.change(actor, |view| commit.decide(view)).await?;
        self.publication(id).await
    }

    /// Reads all documents, and checks that they agree with each other.
    async fn read(&self, upload: &Upload) -> Result<Submission> {
        let mut documents = Vec::new();
        for kind in DocumentKind::ALL {
            let missing = || Error::Conflict {
                code: "document_missing",
                reason: format!("The document {:?} has not been sent", kind.as_str()),
            };
            documents.push(self.db.document(upload.id, kind).await?.ok_or_else(missing)?);
        }
        let [index_bytes, table_bytes, release_bytes, role_bytes]: [Bytes; 4] =
            documents.try_into().map_err(|_| Error::Internal { context: "reading documents".to_owned() })?;
        let index = self.read_index(&index_bytes)?;
        let release = Release::parse(&release_bytes, None)?;
        if (&release.mode, &release.version, &release.platform) != (&upload.mode, &upload.version, &upload.platform) {
            return Err(mismatch("The release document describes another version".to_owned()));
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
        Ok(Submission { index: Arc::new(index), table: Arc::new(table), release, role, role_bytes, targets })
    }

    /// The signed files of every version of a mode. A publication that changes them raises the sequence number of the
    /// mode, which [`Commit::decide`] checks.
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

/// Checks that a document is the one that the release document names.
fn agree(what: &str, target: &TargetRef, bytes: &[u8]) -> Result<()> {
    if target.length == bytes.len() as u64 && target.sha256 == Digest::of(bytes).to_string() {
        return Ok(());
    }
    Err(mismatch(format!("The {what} is not the one named by the release document")))
}

/// Checks what the release document says about the index and the file table.
fn check_release(release: &Release, index: &Index, table: &FileTable) -> Result<()> {
    let sizes = [index.sizes().min(), index.sizes().avg(), index.sizes().max()];
    if release.chunking.sizes_bytes != sizes {
        return Err(mismatch("The release document and the index disagree about chunk sizes".to_owned()));
    }
    let files = table.files().count() as u64;
    let bytes: u64 = table.files().map(|(_, _, size, _)| size).sum();
    let chunks = index.iter().map(|chunk| chunk.id).collect::<HashSet<_>>().len() as u64;
    if (release.sizes.files, release.sizes.tree_bytes, release.sizes.chunks) != (files, bytes, chunks) {
        let reason = format!(
            "The tree has {files} files, {bytes} bytes and {chunks} chunks; the release document says otherwise"
        );
        return Err(mismatch(reason));
    }
    for path in release.mutable.iter().chain([&release.entry.path]) {
        if table.find(path).is_none() {
            return Err(mismatch(format!("{path} is not a file of the tree")));
        }
    }
    Ok(())
}

/// A checked publication, ready to be decided on.
struct Commit<'a> {
    upload: &'a Upload,
    submission: &'a Submission,
    /// The chunks of the version, each once.
    chunks: Vec<ChunkId>,
    /// The files that the mode has before this publication.
    existing: Vec<VersionFile>,
    terms: Terms,
    /// The id of the version, if it is new.
    new_id: Uuid,
}

impl Commit<'_> {
    fn decide(&self, view: &View) -> Result<Decision> {
        let Self { upload, submission, .. } = self;
        let now = Time::now();
        let mode = self.next_mode(view, now)?;
        let version = self.next_version(view, &mode, now);
        let (files, new_files) = files_of(upload, &version, submission);
        let mut rows = vec![RowChange::Mode(mode.clone()), RowChange::Version(version.clone())];
        rows.extend(files.iter().cloned().map(RowChange::File));
        rows.extend(withdrawn(view, &self.existing, &submission.role, &mode.id, now));
        check_listed(&submission.role, &self.existing, &files, &rows)?;
        let roles = [(upload.mode.to_string(), submission.role_bytes.to_vec())].into();
        Ok(Decision {
            rows,
            publish: Some(Publish {
                upload_id: upload.id,
                sequence: mode.sequence,
                version_id: version.id,
                platform: upload.platform.clone(),
                chunks: self.chunks.clone(),
            }),
            files: new_files,
            accept: Accept { roles, ..Accept::default() },
            audit: ("version.publish", format!("{} {} {}", upload.mode, upload.version, upload.platform)),
            detail: json!({"sequence": mode.sequence, "rollout": version.rollout, "skip_update": version.skip_update}),
            ..Decision::default()
        })
    }

    /// The mode after this publication. Its metadata must have been signed with the next sequence number.
    fn next_mode(&self, view: &View, now: Time) -> Result<Mode> {
        let Self { upload, submission, .. } = self;
        let existing = view.mode_named(&upload.mode).cloned();
        let mode = existing.unwrap_or_else(|| modes::begin(Uuid::now_v7(), &upload.mode));
        if let Some(version) = find_version(view, &mode, &upload.version)
            && view.platforms.contains(&(version.id, upload.platform.clone()))
        {
            let reason = format!("{} {} is already published for {}", upload.mode, upload.version, upload.platform);
            return Err(Error::Conflict { code: "version_exists", reason });
        }
        let next = mode.sequence + 1;
        if submission.release.sequence != next {
            let reason = format!("The mode is at sequence {}; sign the publication as {next}", mode.sequence);
            return Err(Error::Conflict { code: "publication_stale", reason });
        }
        Ok(Mode { sequence: next, updated_at: now, ..mode })
    }

    /// The version after this publication: a new one, or one that gets a further platform.
    fn next_version(&self, view: &View, mode: &Mode, now: Time) -> ModeVersion {
        let new = || ModeVersion {
            id: self.new_id,
            mode_id: mode.id,
            version: self.upload.version.clone(),
            state: VersionState::Published,
            skip_update: self.terms.skip_update,
            recalled: false,
            rollout: self.terms.rollout,
            sequence: mode.sequence,
            manifest_file_uri: format!("api/v1/versions/{}/manifest", self.new_id),
            published_at: now,
            updated_at: now,
        };
        let version = find_version(view, mode, &self.upload.version).cloned().unwrap_or_else(new);
        ModeVersion { state: VersionState::Published, sequence: mode.sequence, updated_at: now, ..version }
    }
}

/// The version of this number that the mode has already, on offer or withdrawn.
fn find_version<'a>(view: &'a View, mode: &Mode, version: &Version) -> Option<&'a ModeVersion> {
    view.versions.iter().find(|it| it.mode_id == mode.id && it.version == *version)
}

/// The rows and the content of the three targets.
fn files_of(
    upload: &Upload,
    version: &ModeVersion,
    submission: &Submission,
) -> (Vec<VersionFile>, Vec<RepositoryFile>) {
    let release_name = submission.release.target_name();
    let folder = release_name.strip_suffix("release.json").unwrap_or_default();
    let mut rows = Vec::new();
    let mut files = Vec::new();
    for (file_name, bytes) in &submission.targets {
        let sha256 = Digest::of(bytes).to_string();
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

/// Withdraws the versions that the publisher has left out of the signed list of the mode.
fn withdrawn(view: &View, existing: &[VersionFile], role: &SignedRole, mode: &Uuid, now: Time) -> Vec<RowChange> {
    let mut rows = Vec::new();
    for version in view.versions.iter().filter(|version| version.mode_id == *mode) {
        let mut left = 0;
        let platforms = view.platforms.iter().filter(|(id, _)| *id == version.id).map(|(_, platform)| platform);
        for platform in platforms {
            let mut files = existing.iter().filter(|file| file.version_id == version.id && file.platform == *platform);
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

/// Checks that the signed list names exactly the files of the mode. Clients would fail to find a file that does not
/// exist, and refuse a file that is not listed.
fn check_listed(role: &SignedRole, existing: &[VersionFile], new: &[VersionFile], rows: &[RowChange]) -> Result<()> {
    if let Some(file) = new.iter().find(|file| !role.lists(file)) {
        return Err(mismatch(format!("The signed metadata does not list {}", file.file_uri)));
    }
    let is_removed = |file: &&VersionFile| {
        rows.iter()
            .any(|row| matches!(row, RowChange::RemoveFiles(id, of) if *id == file.version_id && *of == file.platform))
    };
    let kept = existing.iter().filter(|file| !is_removed(file)).count();
    if role.len() != kept + new.len() {
        // The list was made from another state of the mode, or names files that were never sent.
        let reason =
            format!("The signed metadata lists {} files, but the mode would have {}", role.len(), kept + new.len());
        return Err(Error::Conflict { code: "publication_stale", reason });
    }
    Ok(())
}
