//! Publications: begun, filled with documents, checked, and then published by one transaction.
//!
//! ```text
//! begin -> missing, put_chunks, put_document (any number of times) -> commit
//! commit: is it the next one, and signed? -> read and compare the documents (submission) -> rebuild the tree from its
//!         chunks, unless that was done while they arrived (incoming) -> Commit::decide -> Service::change
//! ```

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::Semaphore;
use uuid::Uuid;
use vsekai_updater::formats::chunk::ChunkId;
use vsekai_updater::formats::release::{ModeName, Platform, Release};
use vsekai_updater::net::api::MAX_MISSING_IDS;
use vsekai_updater::version::Version;

use super::news::role_in_force;
use super::rebuild::{self, mismatch};
use super::sign::{self, Accept, SignedRole};
use super::submission::{Submission, read_index};
use super::{Actor, Decision, Service, modes};
use crate::chunks::{PutOutcome, Watch};
use crate::db::{FileFilter, Page, Publish, RowChange, View};
use crate::error::{Error, Result};
use crate::model::{DocumentKind, Mode, ModeVersion, RepositoryFile, Time, Upload, VersionFile, VersionState};
use crate::shares::Turn;

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

    /// The publications under way, by id: of a mode, or all.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn publications(&self, mode: Option<&ModeName>, page: &Page<Uuid>) -> Result<Vec<Publication>> {
        let mut publications = Vec::new();
        for upload in self.db.open_uploads(Time::now(), mode, page).await? {
            publications.push(Publication { received: self.db.documents(upload.id).await?, upload });
        }
        Ok(publications)
    }

    /// The upload, if it still takes chunks and documents.
    async fn unfinished(&self, id: Uuid) -> Result<Upload> {
        let upload = self.open(id).await?;
        if upload.sequence.is_some() {
            let reason = "This publication is complete; begin another for a new version".to_owned();
            return Err(Error::Conflict { code: "publication_ended", reason });
        }
        Ok(upload)
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

    /// Returns which of these chunks are missing. The others are kept until the publication expires. `positions`: where in
    /// the archive of the tree chunks belong, if the publisher says so; the tree counts for `token`.
    ///
    /// # Errors
    /// [`Error::NotFound`], `publication_expired`.
    pub async fn missing(
        &self,
        id: Uuid,
        token: Uuid,
        ids: &[ChunkId],
        positions: Vec<(u64, ChunkId)>,
    ) -> Result<Vec<ChunkId>> {
        let upload = self.open(id).await?;
        if !positions.is_empty()
            && upload.sequence.is_none()
            && let Some(tree) = self.incoming.begin(id, token)
        {
            let expecting = Arc::clone(&tree);
            sign::blocking("passing chunks that came early", move || {
                expecting.expect(positions);
                Ok(())
            })
            .await?;
            self.read_back(&tree).await?;
        }
        self.chunks.missing(ids, upload.expires_at).await
    }

    /// Stores chunks for a publication, and keeps them until it expires. Returns what each did, in their order. `own`: the
    /// turns of the sender at having chunks checked.
    ///
    /// # Errors
    /// [`Error::NotFound`], `publication_expired`, `publication_ended`; those of [`Chunks::put_many`].
    ///
    /// [`Chunks::put_many`]: crate::chunks::Chunks::put_many
    pub async fn put_chunks(
        &self,
        id: Uuid,
        chunks: Vec<(ChunkId, Bytes)>,
        own: &Semaphore,
    ) -> Result<Vec<PutOutcome>> {
        let upload = self.unfinished(id).await?;
        let Some(tree) = self.incoming.get(id) else {
            return self.chunks.put_many(chunks, upload.expires_at, None, own).await;
        };
        let watched = Arc::clone(&tree);
        let watch: Watch = Arc::new(move |id, digest, plain| watched.arrived(id, digest, plain));
        let outcomes = self.chunks.put_many(chunks, upload.expires_at, Some(&watch), own).await?;
        self.read_back(&tree).await?;
        Ok(outcomes)
    }

    /// Stores a document of a publication. Documents are checked at the commit, except for an index, which must be
    /// valid now.
    ///
    /// # Errors
    /// [`Error::NotFound`], `publication_expired`, `publication_ended`, [`Error::Updater`] for a malformed index.
    pub async fn put_document(&self, id: Uuid, kind: DocumentKind, bytes: Bytes) -> Result<()> {
        self.unfinished(id).await?;
        if kind == DocumentKind::Index {
            let _alone = self.reading.lock().await;
            let (index, max_chunk_bytes) = (bytes.clone(), self.chunks.max_chunk_bytes());
            sign::blocking("reading an index", move || read_index(&index, max_chunk_bytes).map(drop)).await?;
        }
        self.db.put_document(id, kind, bytes).await
    }

    /// Publishes the version. Repeating it returns the same result. Also returns how many bytes of chunks and documents
    /// it needs. What is cheap and refuses most comes first: is the number still free, and has the mode's key signed this?
    ///
    /// # Errors
    /// [`Error::ChunksMissing`], `publication_stale`, `version_exists`, `document_mismatch`, `signature_invalid`,
    /// `repository_not_begun`, `document_missing`.
    pub async fn commit(&self, id: Uuid, terms: Terms, turn: Turn, actor: &Actor) -> Result<(Publication, u64)> {
        let upload = self.open(id).await?;
        if upload.sequence.is_some() {
            return Ok((self.publication(id).await?, 0));
        }
        let submission = self.checked(&upload, Arc::new(turn)).await?;
        let commit = Commit {
            upload: &upload,
            submission: &submission,
            existing: self.files_of_mode(&upload.mode).await?,
            terms,
            new_id: Uuid::now_v7(),
        };
        self.change(actor, |view| commit.decide(view)).await?;
        self.rebuilt.forget(&submission.tree());
        Ok((self.publication(id).await?, submission.bytes))
    }

    /// What a publication has sent, if it can be published as the next version: it is signed, and its tree is whole.
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub(super) async fn checked(&self, upload: &Upload, turn: Arc<Turn>) -> Result<Submission> {
        let documents = self.documents_of(upload).await?;
        let release = documents.release(upload)?;
        let view = self.db.view().await?;
        check_next(&view, upload, &release)?;
        self.signer.verify_role(view.metadata, upload.mode.to_string(), documents.role()).await?;
        let max_chunk_bytes = self.chunks.max_chunk_bytes();
        let reading = Arc::clone(&turn);
        let submission = sign::blocking("reading documents", move || {
            let _turn = reading;
            documents.read(release, max_chunk_bytes)
        });
        let submission = submission.await?;
        let mut missing = Vec::new();
        for some in submission.chunks.chunks(MAX_MISSING_IDS) {
            missing.extend(self.chunks.missing(some, upload.expires_at).await?);
        }
        if !missing.is_empty() {
            return Err(Error::ChunksMissing(missing));
        }
        let tree = submission.tree();
        if !self.rebuilt.has(&tree) {
            if !self.has_arrived(upload, &submission).await? {
                self.rebuild(&submission, turn).await?;
            }
            self.rebuilt.add(tree);
        }
        Ok(submission)
    }

    /// Whether the tree was checked while its chunks arrived.
    async fn has_arrived(&self, upload: &Upload, submission: &Submission) -> Result<bool> {
        let Some(tree) = self.incoming.take(upload.id) else { return Ok(false) };
        self.read_back(&tree).await?;
        let (index, table) = (Arc::clone(&submission.index), Arc::clone(&submission.table));
        sign::blocking("comparing a tree", move || Ok(tree.is(&index, &table))).await
    }

    /// Fails unless the chunks make the tree that the file table describes.
    async fn rebuild(&self, submission: &Submission, turn: Arc<Turn>) -> Result<()> {
        tracing::debug!(chunks = submission.chunks.len(), "rebuilding the tree");
        let (index, table) = (Arc::clone(&submission.index), Arc::clone(&submission.table));
        match rebuild::check(&self.chunks, index, table, turn).await {
            // Their rows say otherwise: name all that are lost, so that they are sent at once.
            Err(Error::ChunksMissing(_)) => Err(Error::ChunksMissing(self.chunks.find_lost(&submission.chunks).await?)),
            outcome => outcome,
        }
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

/// A checked publication, ready to be decided on.
struct Commit<'a> {
    upload: &'a Upload,
    submission: &'a Submission,
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
        let news = role_in_force(view, &upload.mode)?.news(&upload.mode);
        if submission.role.news(&upload.mode) != news {
            let reason = "The signed metadata lists other news than the mode has".to_owned();
            return Err(Error::Conflict { code: "publication_stale", reason });
        }
        let listed = submission.role.of_versions(&upload.mode).len();
        check_listed(&submission.role, listed, (&self.existing, &files), &rows)?;
        let roles = [(upload.mode.to_string(), submission.role_bytes.to_vec())].into();
        Ok(Decision {
            rows,
            publish: Some(Publish {
                upload_id: upload.id,
                sequence: mode.sequence,
                version_id: version.id,
                platform: upload.platform.clone(),
                chunks: submission.chunks.clone(),
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
        let mode = check_next(view, upload, &submission.release)?;
        Ok(Mode { sequence: mode.sequence + 1, updated_at: now, ..mode })
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

/// Checks that the version can be the next of its mode, and was signed with the next sequence number. Returns the mode,
/// which is new if there is none.
fn check_next(view: &View, upload: &Upload, release: &Release) -> Result<Mode> {
    let existing = view.mode_named(&upload.mode).cloned();
    let mode = existing.unwrap_or_else(|| modes::begin(Uuid::now_v7(), &upload.mode));
    if let Some(version) = find_version(view, &mode, &upload.version)
        && view.platforms.contains(&(version.id, upload.platform.clone()))
    {
        let reason = format!("{} {} is already published for {}", upload.mode, upload.version, upload.platform);
        return Err(Error::Conflict { code: "version_exists", reason });
    }
    let next = mode.sequence + 1;
    if release.sequence != next {
        let reason = format!("The mode is at sequence {}; sign the publication as {next}", mode.sequence);
        return Err(Error::Conflict { code: "publication_stale", reason });
    }
    Ok(mode)
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
    let mut rows = Vec::new();
    let mut files = Vec::new();
    for target in &submission.targets {
        rows.push(VersionFile {
            id: Uuid::now_v7(),
            version_id: version.id,
            platform: upload.platform.clone(),
            file_name: target.file_name.to_owned(),
            file_uri: target.path.clone(),
            file_checksum_hash: target.sha256.clone(),
            size: target.bytes.len() as u64,
        });
        files.push(RepositoryFile { path: target.path.clone(), bytes: target.bytes.to_vec() });
    }
    (rows, files)
}

/// Withdraws the versions that the publisher has left out of the signed list of the mode.
fn withdrawn(view: &View, existing: &[VersionFile], role: &SignedRole, mode: &Uuid, now: Time) -> Vec<RowChange> {
    let unlisted: HashSet<_> = existing.iter().filter(|file| !role.lists(file)).map(place_of).collect();
    let mut platforms: HashMap<Uuid, Vec<&Platform>> = HashMap::new();
    for (version, platform) in &view.platforms {
        platforms.entry(*version).or_default().push(platform);
    }
    let mut rows = Vec::new();
    for version in view.versions.iter().filter(|version| version.mode_id == *mode) {
        let platforms = platforms.remove(&version.id).unwrap_or_default();
        let (gone, left): (Vec<_>, Vec<_>) =
            platforms.into_iter().partition(|it| unlisted.contains(&(version.id, *it)));
        rows.extend(gone.into_iter().map(|platform| RowChange::RemoveFiles(version.id, platform.clone())));
        if left.is_empty() && version.state == VersionState::Published {
            rows.push(RowChange::Version(ModeVersion {
                state: VersionState::Withdrawn,
                updated_at: now,
                ..version.clone()
            }));
        }
    }
    rows
}

/// The version and platform that a file belongs to.
fn place_of(file: &VersionFile) -> (Uuid, &Platform) {
    (file.version_id, &file.platform)
}

/// Checks that the signed list names exactly the files of the versions of the mode. Clients would fail to find a file that does not
/// exist, and refuse a file that is not listed.
fn check_listed(
    role: &SignedRole,
    listed: usize,
    (existing, new): (&[VersionFile], &[VersionFile]),
    rows: &[RowChange],
) -> Result<()> {
    if let Some(file) = new.iter().find(|file| !role.lists(file)) {
        return Err(mismatch(format!("The signed metadata does not list {}", file.file_uri)));
    }
    let removed: HashSet<_> = rows.iter().filter_map(removed_place).collect();
    let kept = existing.iter().filter(|file| !removed.contains(&place_of(file))).count();
    if listed != kept + new.len() {
        // The list was made from another state of the mode, or names files that were never sent.
        let reason =
            format!("The signed metadata lists {} files, but the mode would have {}", listed, kept + new.len());
        return Err(Error::Conflict { code: "publication_stale", reason });
    }
    Ok(())
}

/// The version and platform whose files this removes.
fn removed_place(row: &RowChange) -> Option<(Uuid, &Platform)> {
    match row {
        RowChange::RemoveFiles(version, platform) => Some((*version, platform)),
        _ => None,
    }
}
