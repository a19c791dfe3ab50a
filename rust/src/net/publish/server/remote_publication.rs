//! The server's current repository: downloaded, verified, and opened for this publisher to sign changes.

use std::time::Duration;

use super::client::{MAX_TARGET_BYTES, Server};
use crate::digest::Digest;
use crate::error::{Error, Result, TransportKind, TrustKind};
use crate::event::Monitor;
use crate::formats::chunk::CompressedChunk;
use crate::formats::release::Catalog;
use crate::local::sources::WantedChunk;
use crate::net::publish::check::Job;
use crate::net::publish::history::{self, History};
use crate::net::publish::prepared::Ending;
use crate::net::trust::{Keys, MemoryStorage, Publication};

/// Most attempts to read metadata, if it changes while it is being read.
const TRIES: u32 = 8;

/// Most attempts to read back metadata that was just uploaded.
const MAX_LOOKS: u32 = 50;

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

pub(in crate::net::publish) struct RemotePublication<'a> {
    pub(in crate::net::publish) publication: Publication<'a>,
    pub(super) catalog: Catalog,
    server: &'a Server,
}

impl<'a> RemotePublication<'a> {
    /// Reads the repository, and changes nothing there. Prepares to renew `targets.json`, if that is due and its key is
    /// here: a server cannot.
    pub(in crate::net::publish) fn look(server: &'a Server, keys: &'a Keys) -> Result<Self> {
        let mut publication = fetch(server, keys)?;
        publication.renew_targets();
        Self::of(publication, server)
    }

    /// What it offers.
    pub(in crate::net::publish) fn into_catalog(self) -> Catalog {
        self.catalog
    }

    fn of(publication: Publication<'a>, server: &'a Server) -> Result<Self> {
        let mut desk = Self { publication, catalog: Catalog::empty(), server };
        desk.catalog = history::catalog_of(&desk)?;
        Ok(desk)
    }

    /// Makes sure that the mode can be published to, or prepared for.
    pub(super) fn begin(&mut self, ending: Ending, keys: &'a Keys, job: &Job<'_>, monitor: &Monitor) -> Result<()> {
        match ending {
            Ending::Commit => self.bring(keys, job, monitor),
            Ending::Prepare if self.publication.published_version(job.mode.as_str()).is_none() => {
                Err(Ending::begin_first())
            }
            Ending::Prepare => Ok(()),
        }
    }

    /// Uploads what the key folder has and the server lacks: a new repository or mode, and new keys.
    fn bring(&mut self, keys: &'a Keys, job: &Job<'_>, monitor: &Monitor) -> Result<()> {
        let mode = job.mode.as_str();
        let is_there = self.publication.published_version(mode).is_some();
        match bring_trust(self.server, &self.publication) {
            Ok(false) => {}
            Ok(true) => *self = Self::of(fetch_with_trust(self.server, keys)?, self.server)?,
            // A publisher of a mode need not hold the other keys.
            Err(error) if is_there && is_of_others(&error) => monitor.warn(&error),
            Err(error) => return Err(error),
        }
        self.publication.add_mode(mode)?;
        self.publication.check_role_keys(mode)
    }

    /// Signs the list of the mode again if half of its days are over: a mode without new versions would expire.
    pub(super) fn renew_half_spent(&mut self, keys: &'a Keys, job: &Job<'_>) -> Result<()> {
        let mode = job.mode.as_str();
        if self.publication.renew_mode(mode, false)? && bring_trust(self.server, &self.publication)? {
            *self = Self::of(fetch(self.server, keys)?, self.server)?;
        }
        Ok(())
    }

    /// The sequence number of the mode's next version.
    pub(super) fn next_sequence(&self, job: &Job<'_>) -> u64 {
        self.catalog.modes.get(&job.mode).map_or(0, |mode| mode.sequence) + 1
    }
}

impl History for RemotePublication<'_> {
    fn target(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(listed) = self.publication.listed(name)? else { return Ok(None) };
        let bytes = self.server.file(&listed.path, listed.length.min(MAX_TARGET_BYTES))?;
        if bytes.len() as u64 != listed.length || Digest::of(&bytes).to_string() != listed.sha256 {
            let reason = format!("{} differs from what was signed", listed.path);
            return Err(Error::trust(TrustKind::Mismatch, reason));
        }
        Ok(Some(bytes))
    }

    fn chunk(&self, wanted: &WantedChunk) -> Result<Option<CompressedChunk>> {
        self.server.chunk(&wanted.id, wanted.max_stored_bytes())
    }

    fn store(&self) -> String {
        self.server.store().to_string()
    }
}

/// Reads the current metadata. It may change between two requests, so inconsistent metadata is read again.
pub(in crate::net::publish) fn fetch<'k>(server: &Server, keys: &'k Keys) -> Result<Publication<'k>> {
    let mut tries = 0;
    loop {
        tries += 1;
        let opened = fetch_once(server, keys);
        match &opened {
            Err(Error::Trust { .. } | Error::Transport { kind: TransportKind::NotFound, .. }) if tries < TRIES => {
                std::thread::sleep(PAUSE);
            }
            _ => return opened,
        }
    }
}

/// Reads the metadata until it includes what was just uploaded, because caches may return older metadata for a while.
fn fetch_with_trust<'k>(server: &Server, keys: &'k Keys) -> Result<Publication<'k>> {
    for _ in 1..MAX_LOOKS {
        match fetch_once(server, keys) {
            Ok(publication) if publication.trust_files()?.is_none() => return Ok(publication),
            // Outdated metadata may not verify with the new root.
            Ok(_) | Err(Error::Trust { .. } | Error::Transport { kind: TransportKind::NotFound, .. }) => {}
            Err(error) => return Err(error),
        }
        std::thread::sleep(PAUSE);
    }
    fetch(server, keys)
}

fn fetch_once<'k>(server: &Server, keys: &'k Keys) -> Result<Publication<'k>> {
    let Some(newest) = server.repository()?.root_version else {
        return Publication::open_in(MemoryStorage::default(), keys);
    };
    let roots = keys.root_version().min(newest)..=newest;
    let shelf = MemoryStorage::download(roots, &|path, max_bytes| server.file(path, max_bytes))?;
    Publication::open_in(shelf, keys)
}

/// Uploads new roots, delegations and modes. Returns whether there were any.
pub(super) fn bring_trust(server: &Server, publication: &Publication<'_>) -> Result<bool> {
    let Some(files) = publication.trust_files()? else { return Ok(false) };
    server.put_trust(&files.to_upload())?;
    Ok(true)
}

fn is_of_others(error: &Error) -> bool {
    matches!(error, Error::KeyMissing { .. } | Error::ServerRefused { status: 401 | 403, .. })
}
