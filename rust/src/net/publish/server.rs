//! Publishes to an update server, which has the online keys, the catalog and the store. The mode's key stays here.
//!
//! Nothing is sent twice: the server first says which chunks it lacks, and a killed publication continues with the same
//! id. Every step can be repeated, so a lost answer does no harm.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::build::{self, BuildContext, Built, NewChunks, Reference};
use super::check::Job;
use super::documents::{self, Documents};
use super::history;
use super::upload;
use super::{BuildSource, Published, Request};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::chunk::ChunkId;
use crate::formats::index::Index;
use crate::local::acquire::DigestChoice;
use crate::local::sources::{Sources, WantedChunk};
use crate::net::api::{CommitRequest, DocumentKind, MAX_MISSING_IDS, NewPublication, PublicationState};
use crate::net::trust::Keys;

mod client;
mod edit;
mod remote_publication;
mod renew;
mod retire;

use client::ChunkStore;
pub use client::Server;
pub(super) use edit::edit_server;
pub(super) use remote_publication::RemotePublication;
pub use renew::{push_keys, renew_on_server};
pub use retire::retire_on_server;

/// How long to go on if other publications are faster.
const MAX_RACE: Duration = Duration::from_mins(15);

/// Most attempts to commit if chunks are missing, or the publication has ended.
const MAX_COMMITS: u32 = 5;

/// Half the longest pause before the second attempt; doubles for each further one, up to the longest of all.
const PAUSE: Duration = Duration::from_millis(150);
const MAX_PAUSE: Duration = Duration::from_secs(5);

pub(super) fn publish(request: &Request, server: &Server, monitor: &Monitor) -> Result<Published> {
    let keys = Keys::open(&request.keys)?;
    if let Some(published) = index_as_before(request, server, &keys)? {
        return Ok(published);
    }
    let gathered = build::gather(request, &request.scratch, None, monitor)?;
    let mut job = Job::check(request, &gathered, monitor)?;
    let mut desk = RemotePublication::look(server, &keys)?;
    desk.publication.check_not_expired()?;
    let before = history::latest(&desk, &desk.catalog, &job)?;
    job.compare(&gathered, &desk, (&desk.catalog, before.as_ref()), monitor)?;
    desk.bring(&keys, &job, monitor)?;
    let there = history::same(&desk, &job)?;
    let there_index = there.as_ref().map(|there| history::index_of(&desk, there)).transpose()?;
    let same = there.as_ref().zip(there_index.as_ref());
    let same = same.map(|(there, index)| Reference { chunking: &there.chunking, index });
    let reference = same.or_else(|| before.as_ref().map(Into::into));
    let workshop = BuildContext { store: None, reference };
    let cut = build::cut(request, gathered, &workshop, monitor)?;
    if let Some(there) = &there {
        let published = documents::as_before(&job, there, &cut.index, cut.chunking())?;
        documents::check_terms(&desk.catalog, &job)?;
        desk.renew_half_spent(&keys, &job)?;
        return Ok(Published { roles: desk.publication.validity()?, ..published });
    }
    let (sources, digest) = cut.sources()?;
    let built = cut.hash(monitor)?;
    let mut order = Order { job, server, monitor, built, sources, digest, new: NewChunks::default() };
    order.place(desk, &keys)
}

/// The result for an index that was published before: then its chunks need not be brought.
fn index_as_before(request: &Request, server: &Server, keys: &Keys) -> Result<Option<Published>> {
    let (BuildSource::Cut { index, .. }, Some(platform)) = (&request.content, &request.platform) else {
        return Ok(None);
    };
    let mut desk = RemotePublication::look(server, keys)?;
    let Some(there) = history::same_for(&desk, request, platform)? else { return Ok(None) };
    let job = Job::unchecked(request, platform.clone());
    let published = documents::as_before(&job, &there, index, there.chunking)?;
    documents::check_terms(&desk.catalog, &job)?;
    desk.renew_half_spent(keys, &job)?;
    Ok(Some(Published { roles: desk.publication.validity()?, ..published }))
}

/// A version that is ready to be uploaded.
struct Order<'a> {
    job: Job<'a>,
    server: &'a Server,
    monitor: &'a Monitor,
    built: Built,
    sources: Sources,
    digest: DigestChoice,
    new: NewChunks,
}

impl Order<'_> {
    /// Uploads what is missing and commits. Repeats both if another publication was faster.
    fn place<'k>(&mut self, mut desk: RemotePublication<'k>, keys: &'k Keys) -> Result<Published>
    where
        Self: 'k,
    {
        let began = Instant::now();
        let (mut renewals, mut failures) = (0, 0);
        for tries in 1.. {
            let id = publication_id(&self.job, &self.built.index, renewals);
            let error = match self.try_commit(&mut desk, &id) {
                Err(error) => error,
                done => return done,
            };
            match code_of(&error) {
                Some("publication_stale" | "metadata_rollback") if began.elapsed() < MAX_RACE => {}
                Some("publication_expired" | "publication_ended") if failures < MAX_COMMITS => {
                    renewals += 1;
                    failures += 1;
                }
                Some("chunks_missing" | "version_exists") if failures < MAX_COMMITS => failures += 1,
                _ => return Err(error),
            }
            // The metadata may have come from a cache, or from another server of the same database, and be outdated.
            std::thread::sleep(pause(tries));
            desk = RemotePublication::look(self.server, keys)?;
            desk.bring(keys, &self.job, self.monitor)?;
            if let Some(there) = history::same(&desk, &self.job)? {
                let documents = Documents::of(&self.job, &self.built, there.sequence)?;
                documents::check_same(&there, &documents.release)?;
                let roles = desk.publication.validity()?;
                return Ok(Published { roles, ..documents::was_there(&there, self.job.findings.clone()) });
            }
            self.monitor.cancel.check()?;
        }
        Err(Error::Cancelled)
    }

    fn try_commit(&mut self, desk: &mut RemotePublication<'_>, id: &str) -> Result<Published> {
        let begun = self.server.begin(&NewPublication {
            id: id.to_owned(),
            mode: self.job.mode.to_string(),
            version: self.job.version.to_string(),
            platform: self.job.platform.to_string(),
        })?;
        match begun.state {
            PublicationState::Open => {}
            // It was committed after the metadata was read.
            PublicationState::Published => return Err(refused("publication_ended", "it is already published")),
            PublicationState::Expired => return Err(refused("publication_expired", "it was not committed in time")),
        }
        self.built.sizes.stored_bytes = self.send_chunks(id)?;
        let job = &self.job;
        let sequence = desk.next_sequence(job);
        let documents = Documents::of(job, &self.built, sequence)?;
        documents.put(&mut desk.publication)?;
        let mut catalog = desk.catalog.clone();
        documents::offer(&mut catalog, job, sequence);
        documents::withdraw(&mut catalog, &mut desk.publication, job)?;
        let metadata = desk.publication.sign_only(job.mode.as_str())?;
        let metadata_bytes = metadata.len() as u64;
        let release = documents.release.to_bytes()?;
        for (kind, bytes) in DocumentKind::ALL.into_iter().zip([documents.index, documents.table, release, metadata]) {
            self.monitor.cancel.check()?;
            self.server.put_document(id, kind, bytes)?;
        }
        let commit = CommitRequest { rollout: job.rollout, skip_update: job.skip_update };
        let info = self.server.commit(id, &commit)?;
        let published = documents::published(job, &self.built, info.sequence.unwrap_or(sequence), self.new);
        let roles = desk.publication.validity_after(job.mode.as_str())?;
        Ok(Published { metadata_bytes, roles, ..published })
    }

    /// Uploads the chunks that the server lacks. Returns an estimate of the stored size of all chunks of the version.
    fn send_chunks(&mut self, id: &str) -> Result<u64> {
        let index = &self.built.index;
        let sizes: HashMap<ChunkId, u64> = index.iter().map(|chunk| (chunk.id, chunk.size())).collect();
        let ids: Vec<ChunkId> = sizes.keys().copied().collect();
        let mut missing = std::collections::HashSet::new();
        for some in ids.chunks(MAX_MISSING_IDS) {
            self.monitor.cancel.check()?;
            let said = self.server.missing(id, some)?;
            missing.extend(said.iter().filter_map(|id| id.parse::<ChunkId>().ok()).filter(|id| sizes.contains_key(id)));
        }
        // Keep the order of the tree, so that files are read sequentially.
        let mut seen = std::collections::HashSet::new();
        let chunks = index.iter().filter(|chunk| seen.insert(chunk.id));
        let wanted = chunks.map(|chunk| WantedChunk { id: chunk.id, size: chunk.size() });
        let (missing, there): (Vec<WantedChunk>, Vec<WantedChunk>) =
            wanted.partition(|want| missing.contains(&want.id));
        let level = self.job.level;
        let store = ChunkStore::of(self.server)?;
        let sent = upload::send(&store, &self.sources, &missing, &self.digest, level, self.monitor)?;
        self.new.count += missing.len() as u64;
        self.new.stored_bytes += sent;
        Ok(sent + upload::weigh(&self.sources, &there, &self.digest, level, self.monitor)?)
    }
}

/// The pause after this many attempts, drawn at random so that publishers who collided do not collide again.
fn pause(tries: u32) -> Duration {
    let longest = PAUSE.saturating_mul(2 << tries.min(10)).min(MAX_PAUSE);
    longest.mul_f64(0.2 + 0.8 * fastrand::f64())
}

fn refused(code: &str, detail: &str) -> Error {
    Error::ServerRefused { status: 409, code: code.to_owned(), detail: detail.to_owned() }
}

/// The server's error code, if the reason may be temporary.
fn code_of(error: &Error) -> Option<&str> {
    match error {
        Error::ServerRefused { status: 409 | 422, code, .. } => Some(code),
        _ => None,
    }
}

/// A UUID of version 8 (RFC 9562, 5.8) that depends on the content, so that a killed publication is continued.
fn publication_id(job: &Job<'_>, index: &Index, renewals: u32) -> String {
    let mut hasher = Sha256::new();
    for part in [job.mode.as_str(), &job.version.to_string(), job.platform.as_str()] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.update(Sha256::digest(index.to_bytes()));
    hasher.update(renewals.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize()[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::formats::index::{ChunkSizes, FeatureFlags};
    use crate::formats::release::{Entry, ModeName, Platform};
    use crate::net::publish::Destination;
    use crate::path::RelPath;
    use crate::version::Version;

    fn request(version: &str) -> Request {
        Request {
            content: BuildSource::Tree(PathBuf::new()),
            mode: ModeName::new("stable").unwrap(),
            version: Version::parse(version).unwrap(),
            platform: None,
            entry: Entry { path: RelPath::new("game").unwrap(), arguments: Vec::new() },
            notes: String::new(),
            min_launcher: None,
            oldest_allowed: None,
            mutable: Vec::new(),
            rollout: 100,
            skip_update: false,
            repository: Destination::Folder(PathBuf::new()),
            keys: PathBuf::new(),
            chunker: None,
            level: 3,
            strict: false,
            allowed: Vec::new(),
            private: Vec::new(),
            keep_versions: 20,
            bundling: None,
            scratch: PathBuf::new(),
        }
    }

    fn index(byte: u8) -> Index {
        let mut index = Index::new(FeatureFlags::TREE, ChunkSizes::new(64, 256, 1024).unwrap());
        index.push(ChunkId::from_bytes([byte; 32]), 100).unwrap();
        index
    }

    #[test]
    fn same_content_is_the_same_publication_and_other_content_another() {
        let id_of = |version: &str, index: Index, renewals| {
            let request = request(version);
            publication_id(&Job::unchecked(&request, Platform::new("linux-x86_64").unwrap()), &index, renewals)
        };
        let id = id_of("1.0.0", index(1), 0);
        assert_eq!(id, id_of("1.0.0", index(1), 0));
        let others = [id_of("1.0.1", index(1), 0), id_of("1.0.0", index(2), 0), id_of("1.0.0", index(1), 1)];
        assert!(!others.contains(&id));
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "8", "the version of the UUID: {id}");
        assert!("89ab".contains(&id[19..20]), "the variant: {id}");
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        assert_eq!(code_of(&refused("publication_stale", "")), Some("publication_stale"));
        let denied = Error::ServerRefused { status: 403, code: "publication_stale".to_owned(), detail: String::new() };
        assert_eq!(code_of(&denied), None);
        assert_eq!(code_of(&Error::Cancelled), None);
    }
}
