//! A publication that is open: begun on the server, filled while the tree is cut, and begun anew if it has ended.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::client::Server;
use super::delivery::{Delivery, Sent};
use super::remote_publication::RemotePublication;
use super::{MAX_COMMITS, pause, refused};
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::chunk::ChunkId;
use crate::net::api::{MAX_MISSING_IDS, NewPublication, PublicationState};
use crate::net::publish::build::{self, BuildContext, ChunkOutlet, Cut, Gathered, Reference};
use crate::net::publish::check::Job;
use crate::net::publish::history;
use crate::net::publish::prepared::Ending;
use crate::net::trust::Keys;

/// A version on its way to a server.
pub(super) struct Opened<'a> {
    pub(super) job: Job<'a>,
    pub(super) server: &'a Server,
    pub(super) monitor: &'a Monitor,
    pub(super) ending: Ending,
    /// Tells its content from other content.
    pub(super) key: [u8; 32],
    /// How many publications of it have ended or expired.
    pub(super) renewals: u32,
}

/// Chunks that were sent while the tree was cut, and those that the server had.
pub(super) struct SentWhileCut {
    pub(super) sent: Sent,
    pub(super) there: HashSet<ChunkId>,
}

impl<'a> Opened<'a> {
    pub(super) fn id(&self) -> String {
        publication_id(&self.job, &self.key, self.renewals)
    }

    /// Begins the publication, so that what is refused is refused before the tree is cut. Returns its id; `None` if the
    /// version is published already.
    pub(super) fn open(&mut self, desk: &mut RemotePublication<'a>, keys: &'a Keys) -> Result<Option<String>> {
        for tries in 1..=MAX_COMMITS {
            if history::same(desk, &self.job)?.is_some() {
                return Ok(None);
            }
            let id = self.id();
            match self.begin(&id)? {
                PublicationState::Open => return Ok(Some(id)),
                // It was committed after the metadata was read, or withdrawn since.
                PublicationState::Published | PublicationState::Expired => self.renewals += 1,
            }
            std::thread::sleep(pause(tries));
            *desk = RemotePublication::look(self.server, keys)?;
            desk.begin(self.ending, keys, &self.job, self.monitor)?;
        }
        Err(refused("publication_ended", "it is already published"))
    }

    /// Begins a publication that adds to a version that is published already. Returns its id.
    pub(super) fn open_again(&mut self) -> Result<String> {
        for _ in 0..MAX_COMMITS {
            let id = self.id();
            if self.begin(&id)? == PublicationState::Open {
                return Ok(id);
            }
            self.renewals += 1;
        }
        Err(refused("publication_ended", "it is already published"))
    }

    pub(super) fn begin(&self, id: &str) -> Result<PublicationState> {
        let begun = self.server.begin(&NewPublication {
            id: id.to_owned(),
            mode: self.job.mode.to_string(),
            version: self.job.version.to_string(),
            platform: self.job.platform.to_string(),
        })?;
        Ok(begun.state)
    }

    /// `is_whole`: whether the server has nothing of the tree yet, so that it can check the tree as it arrives.
    pub(super) fn delivery(&self, id: &str, asks: bool, is_whole: bool) -> Result<Delivery> {
        let info = self.server.repository()?;
        let positions = (is_whole && info.takes_positions).then(Arc::default);
        Ok(Delivery { route: self.server.route(id)?, max_batch_bytes: info.max_batch_bytes, asks, positions })
    }

    /// Cuts the tree, and sends what the server lacks meanwhile.
    pub(super) fn cut_and_send(
        &self,
        id: &str,
        gathered: Gathered,
        reference: Option<Reference<'_>>,
    ) -> Result<(Cut, SentWhileCut)> {
        // Most chunks are those of the version before, and need not be compressed to find out that they are there.
        let known: Vec<ChunkId> = reference.iter().flat_map(|known| known.index.iter().map(|chunk| chunk.id)).collect();
        let known: HashSet<ChunkId> = known.into_iter().collect();
        let missing = self.missing(id, &known.iter().copied().collect::<Vec<_>>())?;
        let there: HashSet<ChunkId> = known.difference(&missing).copied().collect();
        let seen = Mutex::new(HashSet::new());
        let delivery = self.delivery(id, true, there.is_empty())?;
        let (cut, sent) = delivery.run((self.job.level, false), self.monitor, |press| {
            let take = |position: u64, id: ChunkId, plain: &[u8]| {
                // Before the chunk itself, so that the server knows by then where it belongs.
                delivery.will_need(position, id);
                let is_new = !there.contains(&id) && seen.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
                if is_new { press.take(id, plain) } else { Ok(()) }
            };
            let context = BuildContext { chunks: ChunkOutlet::Upload(&take), reference };
            build::cut(&self.job, gathered, &context, self.monitor)
        })?;
        Ok((cut, SentWhileCut { sent, there }))
    }

    /// Those of these chunks that the server lacks.
    pub(super) fn missing(&self, id: &str, ids: &[ChunkId]) -> Result<HashSet<ChunkId>> {
        let mut missing = HashSet::new();
        for some in ids.chunks(MAX_MISSING_IDS) {
            self.monitor.cancel.check()?;
            let said = self.server.missing(id, some)?;
            let asked: HashSet<&ChunkId> = some.iter().collect();
            missing.extend(said.iter().filter_map(|id| id.parse::<ChunkId>().ok()).filter(|id| asked.contains(id)));
        }
        Ok(missing)
    }
}

/// A UUID of version 8 (RFC 9562, 5.8) that depends on the content, so that a killed publication is continued.
fn publication_id(job: &Job<'_>, key: &[u8; 32], renewals: u32) -> String {
    let mut hasher = Sha256::new();
    for part in [job.mode.as_str(), &job.version.to_string(), job.platform.as_str()] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.update(key);
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
    use crate::formats::release::{Entry, ModeName, Platform};
    use crate::net::publish::{BuildSource, Destination, Request};
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
            keys: PathBuf::new().into(),
            chunker: None,
            level: 3,
            strict: false,
            allowed: Vec::new(),
            allowed_secrets: Vec::new(),
            private: Vec::new(),
            keep_versions: 20,
            bundling: None,
            scratch: PathBuf::new(),
        }
    }

    #[test]
    fn same_content_is_the_same_publication_and_other_content_another() {
        let id_of = |version: &str, byte, renewals| {
            let request = request(version);
            publication_id(&Job::unchecked(&request, Platform::new("linux-x86_64").unwrap()), &[byte; 32], renewals)
        };
        let id = id_of("1.0.0", 1, 0);
        assert_eq!(id, id_of("1.0.0", 1, 0));
        let others = [id_of("1.0.1", 1, 0), id_of("1.0.0", 2, 0), id_of("1.0.0", 1, 1)];
        assert!(!others.contains(&id));
        let parts: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "8", "the version of the UUID: {id}");
        assert!("89ab".contains(&id[19..20]), "the variant: {id}");
    }
}
