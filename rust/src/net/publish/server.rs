//! Publishes to an update server, which has the online keys, the catalog and the store. The mode's key stays here.
//!
//! The publication is begun first, and its chunks are sent while the tree is cut, which is read once. Nothing is sent
//! twice: the server says which chunks it lacks, and a killed publication continues with the same id. Every step can be
//! repeated, so a lost answer does no harm.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::build::{self, BuildContext, Built, ChunkOutlet, Cut, NewChunks, Reference};
use super::bundles::Subject;
use super::check::Job;
use super::documents::{self, Documents};
use super::history;
use super::prepared::{Ending, Prepared};
use super::upload;
use super::{BuildSource, Bundles, Published, Request};
use crate::error::{Error, Result};
use crate::event::{Event, Monitor, Phase};
use crate::formats::chunk::ChunkId;
use crate::formats::release::Release;
use crate::local::acquire::{self, DigestChoice};
use crate::local::sources::{Sources, WantedChunk};
use crate::net::api::{CommitRequest, DocumentKind, PublicationState};
use crate::net::trust::Keys;

mod bundles;
mod client;
mod delivery;
mod edit;
mod news;
mod opened;
mod remote_publication;
mod renew;
mod retire;

pub use client::Server;
use delivery::Sent;
pub(super) use edit::edit_server;
pub(super) use news::edit_news;
use opened::{Opened, SentWhileCut};
pub(super) use remote_publication::{RemotePublication, fetch};
pub use renew::{push_keys, renew_on_server};
pub use retire::retire_on_server;

/// How long to go on if other publications are faster.
const MAX_RACE: Duration = Duration::from_mins(15);

/// Most attempts to commit if chunks are missing, or the publication has ended.
const MAX_COMMITS: u32 = 5;

/// Half the longest pause before the second attempt; doubles for each further one, up to the longest of all.
const PAUSE: Duration = Duration::from_millis(150);
const MAX_PAUSE: Duration = Duration::from_secs(5);

pub(super) fn publish(
    request: &Request,
    server: &Server,
    ending: Ending,
    monitor: &Monitor,
) -> Result<(Published, Option<Prepared>)> {
    let keys = Keys::open(&request.keys)?;
    if let Some(published) = index_as_before(request, server, &keys)? {
        return Ok((published, None));
    }
    let gathered = build::gather(request, &request.scratch, None, monitor)?;
    let mut job = Job::check(request, &gathered, monitor)?;
    let mut desk = RemotePublication::look(server, &keys)?;
    desk.publication.check_not_expired()?;
    let before = history::latest(&desk, &desk.catalog, &job)?;
    job.compare(&gathered, &desk, (&desk.catalog, before.as_ref()), monitor)?;
    desk.begin(ending, &keys, &job, monitor)?;
    let mut opened = Opened { job, server, monitor, ending, key: gathered.key(), renewals: 0 };
    let id = opened.open(&mut desk, &keys)?;
    let there = history::same(&desk, &opened.job)?;
    let there_index = there.as_ref().map(|there| history::index_of(&desk, there)).transpose()?;
    let same = there.as_ref().zip(there_index.as_ref());
    let same = same.map(|(there, index)| Reference { chunking: &there.chunking, index });
    let reference = same.or_else(|| before.as_ref().map(Into::into));
    let Some(id) = id else {
        let there = there.as_ref().ok_or_else(|| refused("publication_ended", "it is already published"))?;
        let context = BuildContext { chunks: ChunkOutlet::None, reference };
        let cut = build::cut(request, gathered, &context, monitor)?;
        let published = documents::as_before(&opened.job, there, &cut.index, cut.chunking())?;
        documents::check_terms(&desk.catalog, &opened.job)?;
        desk.renew_half_spent(&keys, &opened.job)?;
        let bundles = bundles_of_published(&mut opened, &desk, cut)?;
        return Ok((Published { bundles, roles: desk.publication.validity()?, ..published }, None));
    };
    let (cut, sent) = if gathered.is_imported() {
        (build::cut(request, gathered, &BuildContext { chunks: ChunkOutlet::None, reference }, monitor)?, None)
    } else {
        let (cut, sent) = opened.cut_and_send(&id, gathered, reference)?;
        (cut, Some(sent))
    };
    let (sources, digest) = cut.sources()?;
    let built = cut.hash(monitor)?;
    let previous = before.map(|before| before.release);
    let new = NewChunks::default();
    let mut order = Order { opened, previous, built, sources, digest, new, bundles: None };
    let sent = sent.map(|sent| order.count(&sent)).transpose()?;
    order.place(desk, &keys, sent)
}

/// Builds and sends bundles of a version that is published already.
fn bundles_of_published(opened: &mut Opened<'_>, desk: &RemotePublication<'_>, cut: Cut) -> Result<Bundles> {
    if opened.job.bundling.is_none() {
        return Ok(Bundles::default());
    }
    let id = opened.open_again()?;
    let (sources, _) = cut.sources()?;
    let built = cut.hash(opened.monitor)?;
    let new = Subject { index: built.index.clone(), table: built.table.clone(), mutable: opened.job.mutable.clone() };
    bundles::send(opened, &id, &sources, (desk, &desk.catalog), &new)
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
    opened: Opened<'a>,
    /// The version before it, if there is one.
    previous: Option<Release>,
    built: Built,
    sources: Sources,
    digest: DigestChoice,
    new: NewChunks,
    /// The bundles that the server has accepted.
    bundles: Option<Bundles>,
}

impl Order<'_> {
    /// Uploads what is missing, and commits or prepares. Repeats both if another publication was faster. `sent` is the
    /// stored size of all chunks if they were sent already.
    fn place<'k>(
        &mut self,
        mut desk: RemotePublication<'k>,
        keys: &'k Keys,
        mut sent: Option<u64>,
    ) -> Result<(Published, Option<Prepared>)>
    where
        Self: 'k,
    {
        let began = Instant::now();
        let mut failures = 0;
        for tries in 1.. {
            let error = match self.try_commit(&mut desk, sent.take()) {
                Err(error) => error,
                done => return done,
            };
            match code_of(&error) {
                Some("publication_stale" | "metadata_rollback") if began.elapsed() < MAX_RACE => {}
                Some("publication_expired" | "publication_ended") if failures < MAX_COMMITS => {
                    self.opened.renewals += 1;
                    failures += 1;
                }
                Some("chunks_missing" | "version_exists") if failures < MAX_COMMITS => failures += 1,
                _ => return Err(error),
            }
            // The metadata may have come from a cache, or from another server of the same database, and be outdated.
            std::thread::sleep(pause(tries));
            let Opened { job, server, monitor, ending, .. } = &self.opened;
            desk = RemotePublication::look(server, keys)?;
            desk.begin(*ending, keys, job, monitor)?;
            if let Some(there) = history::same(&desk, job)? {
                let documents = Documents::of(job, &self.built, there.sequence)?;
                documents::check_same(&there, &documents.release)?;
                let roles = desk.publication.validity()?;
                return Ok((Published { roles, ..documents::was_there(&there, job.findings.clone()) }, None));
            }
            monitor.cancel.check()?;
        }
        Err(Error::Cancelled)
    }

    fn try_commit(
        &mut self,
        desk: &mut RemotePublication<'_>,
        sent: Option<u64>,
    ) -> Result<(Published, Option<Prepared>)> {
        let id = self.opened.id();
        self.built.sizes.stored_bytes = match sent {
            Some(bytes) => bytes,
            None => self.send_again(&id)?,
        };
        let Opened { job, server, monitor, .. } = &self.opened;
        let sequence = desk.next_sequence(job);
        let documents = Documents::of(job, &self.built, sequence)?;
        documents.put(&mut desk.publication)?;
        let mut catalog = desk.catalog.clone();
        documents::offer(&mut catalog, job, sequence);
        documents::withdraw(&mut catalog, &mut desk.publication, job)?;
        let release = documents.release.to_bytes()?;
        let prepared = match self.opened.ending {
            Ending::Commit => None,
            Ending::Prepare => {
                let (previous, id) = (self.previous.as_ref(), Some(id.clone()));
                Some(Prepared::version(job, &desk.publication, &documents, previous, id)?)
            }
        };
        let mut parts = vec![
            (DocumentKind::Index, documents.index),
            (DocumentKind::Files, documents.table),
            (DocumentKind::Release, release),
        ];
        let mut metadata_bytes = 0;
        if prepared.is_none() {
            let metadata = desk.publication.sign_only(job.mode.as_str())?;
            metadata_bytes = metadata.len() as u64;
            parts.push((DocumentKind::Metadata, metadata));
        }
        for (kind, bytes) in parts {
            monitor.cancel.check()?;
            server.put_document(&id, kind, bytes)?;
        }
        if prepared.is_some() {
            return Ok((documents::published(job, &self.built, sequence, self.new), prepared));
        }
        let bundles = match self.bundles.take() {
            Some(bundles) => bundles,
            None => bundles::send(&self.opened, &id, &self.sources, (desk, &catalog), &self.subject())?,
        };
        // They are sent once, even if the commit has to be repeated.
        self.bundles = Some(bundles.clone());
        let commit = CommitRequest { rollout: job.rollout, skip_update: job.skip_update };
        let info = server.commit(&id, &commit)?;
        let published = documents::published(job, &self.built, info.sequence.unwrap_or(sequence), self.new);
        let roles = desk.publication.validity_after(job.mode.as_str())?;
        Ok((Published { metadata_bytes, bundles, roles, ..published }, None))
    }

    fn subject(&self) -> Subject {
        let Built { index, table, .. } = &self.built;
        Subject { index: index.clone(), table: table.clone(), mutable: self.opened.job.mutable.clone() }
    }

    /// Counts what was sent while the tree was cut. Returns an estimate of the stored size of all chunks.
    fn count(&mut self, SentWhileCut { sent, there }: &SentWhileCut) -> Result<u64> {
        self.new.count += sent.count;
        self.new.stored_bytes += sent.bytes;
        let mut seen = HashSet::new();
        let old = self.built.index.iter().filter(|chunk| there.contains(&chunk.id) && seen.insert(chunk.id));
        let old: Vec<WantedChunk> = old.map(|chunk| WantedChunk { id: chunk.id, size: chunk.size() }).collect();
        let Opened { job, monitor, .. } = &self.opened;
        Ok(sent.offered_bytes + upload::weigh(&self.sources, &old, &self.digest, job.level, monitor)?)
    }

    /// Uploads the chunks that the server lacks, from the tree or the store. Returns an estimate of the stored size of all
    /// chunks of the version.
    fn send_again(&mut self, id: &str) -> Result<u64> {
        match self.opened.begin(id)? {
            PublicationState::Open => {}
            // It was committed after the metadata was read.
            PublicationState::Published => return Err(refused("publication_ended", "it is already published")),
            PublicationState::Expired => return Err(refused("publication_expired", "it was not committed in time")),
        }
        let index = &self.built.index;
        // Keep the order of the tree, so that files are read sequentially.
        let mut seen = HashSet::new();
        let chunks = index.iter().filter(|chunk| seen.insert(chunk.id));
        let wanted: Vec<WantedChunk> = chunks.map(|chunk| WantedChunk { id: chunk.id, size: chunk.size() }).collect();
        let ids: Vec<ChunkId> = wanted.iter().map(|want| want.id).collect();
        let missing = self.opened.missing(id, &ids)?;
        let (missing, there): (Vec<WantedChunk>, Vec<WantedChunk>) =
            wanted.into_iter().partition(|want| missing.contains(&want.id));
        let Opened { job, monitor, .. } = &self.opened;
        let mut sent = Sent::default();
        if !missing.is_empty() {
            let total_bytes = missing.iter().map(|want| want.size).sum();
            monitor.emit(Event::Started { phase: Phase::Upload, total_bytes });
            (_, sent) = self.opened.delivery(id, false, false)?.run((job.level, true), monitor, |press| {
                acquire::acquire((&self.sources).into(), &missing, &self.digest, press, &upload::quiet(monitor))
            })?;
            monitor.emit(Event::Finished { phase: Phase::Upload });
        }
        self.new.count += sent.count;
        self.new.stored_bytes += sent.bytes;
        Ok(sent.bytes + upload::weigh(&self.sources, &there, &self.digest, job.level, monitor)?)
    }
}

/// The pause after this many attempts, drawn at random so that publishers who collided do not collide again.
pub(super) fn pause(tries: u32) -> Duration {
    let longest = PAUSE.saturating_mul(2 << tries.min(10)).min(MAX_PAUSE);
    longest.mul_f64(0.2 + 0.8 * fastrand::f64())
}

fn refused(code: &str, detail: &str) -> Error {
    Error::ServerRefused { status: 409, code: code.to_owned(), detail: detail.to_owned() }
}

/// The server's error code, if the reason may be temporary.
pub(super) fn code_of(error: &Error) -> Option<&str> {
    match error {
        Error::ServerRefused { status: 409 | 422, code, .. } => Some(code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_tried_again() {
        assert_eq!(code_of(&refused("publication_stale", "")), Some("publication_stale"));
        let denied = Error::ServerRefused { status: 403, code: "publication_stale".to_owned(), detail: String::new() };
        assert_eq!(code_of(&denied), None);
        assert_eq!(code_of(&Error::Cancelled), None);
    }
}
