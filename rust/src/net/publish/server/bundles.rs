//! Bundles that are built here and sent to the server, which checks them before it lists them.
//!
//! What the server lists already is built again only as `best`. A bundle of the same content has the same name, so a killed
//! publication sends only the parts that are missing.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::client::{Route, put};
use super::opened::Opened;
use crate::error::{Error, Result, TransportKind};
use crate::event::{Event, Phase};
use crate::formats::bundle::{BundleInfo, ChunkSource, Effort};
use crate::formats::chunk::DigestAlgorithm;
use crate::formats::index::Index;
use crate::formats::release::Catalog;
use crate::limits;
use crate::local::disk;
use crate::local::sources::Sources;
use crate::local::store::LocalStore;
use crate::net::api::{BUNDLE_PART_BYTES, BundleReply, NewBundle};
use crate::net::http::HttpStore;
use crate::net::publish::Bundles;
use crate::net::publish::bundles::{self, BundleStore, Nearby, Subject, lacking};
use crate::net::publish::history::History;

/// Most requests at once: for chunks of older versions, and for parts of bundles.
const PARALLEL: usize = 6;

/// A publication on a server, as a place for bundles.
struct ServerBundles<'a> {
    opened: &'a Opened<'a>,
    route: Route,
    /// The new version on this machine.
    sources: &'a Sources,
    /// Chunks of older versions.
    cache: LocalStore,
    scratch: PathBuf,
    max_bytes: u64,
}

impl Drop for ServerBundles<'_> {
    fn drop(&mut self) {
        // Whatever is left is in the system's folder for temporary files.
        let _ = disk::remove_all(&self.scratch);
    }
}

/// Builds the bundles that the server lacks, and sends them for the publication with this id.
pub(super) fn send(
    opened: &Opened<'_>,
    id: &str,
    sources: &Sources,
    past: (&dyn History, &Catalog),
    new: &Subject,
) -> Result<Bundles> {
    let Some(bundling) = opened.job.bundling else { return Ok(Bundles::default()) };
    let too_old = || Error::unsupported("sending bundles to this server: it is older, and builds them itself");
    let max_bytes = opened.server.repository()?.max_bundle_bytes.ok_or_else(too_old)?;
    let scratch = opened.job.scratch.join(format!(".publish-{:016x}", fastrand::u64(..)));
    disk::make_private_directory(&scratch)?;
    let cache = LocalStore::open(&scratch)?;
    let store = ServerBundles { opened, route: opened.server.route(id)?, sources, cache, scratch, max_bytes };
    bundles::make(&opened.job, bundling, &store, past, new, opened.monitor)
}

impl ServerBundles<'_> {
    /// Sends the parts that the server lacks.
    async fn send_parts(&self, file: &File, path: &Path, info: &BundleInfo) -> Result<()> {
        let there = self.route.bundle_parts(&info.id).await?;
        let lacking = (0..info.length.div_ceil(BUNDLE_PART_BYTES)).filter(|part| !there.contains(part));
        let parts = stream::iter(lacking).map(|part| async move {
            self.opened.monitor.cancel.check()?;
            let at = part * BUNDLE_PART_BYTES;
            let mut bytes = vec![0; usize::try_from(BUNDLE_PART_BYTES.min(info.length - at)).unwrap_or(0)];
            disk::read_exact_at(file, path, at, &mut bytes)?;
            let sent = bytes.len() as u64;
            put(&self.route.client, self.route.bundle_part(&info.id, part), bytes.into()).await?;
            self.opened.monitor.emit(Event::Advanced { phase: Phase::Upload, bytes: sent });
            Ok(())
        });
        parts.buffer_unordered(PARALLEL).try_collect().await
    }
}

impl BundleStore for ServerBundles<'_> {
    /// Reads only what the new version, which is here, does not have.
    fn prepare(&self, old: &Index, new: &Index) -> Result<()> {
        let missing = lacking(old, new).into_iter().filter(|want| !self.cache.has(&want.id));
        let store = HttpStore::new(self.route.client.clone(), self.opened.server.store())?;
        let reads = stream::iter(missing).map(|want| {
            let store = &store;
            async move {
                self.opened.monitor.cancel.check()?;
                let missing = || Error::ChunkMissing { id: want.id, origins: self.opened.server.store().to_string() };
                let chunk = store.get(&want.id, want.max_stored_bytes()).await?.ok_or_else(missing)?;
                self.cache.put(&chunk)
            }
        });
        self.route.block_on(reads.buffer_unordered(PARALLEL).try_collect())
    }

    fn chunks(&self, digest: DigestAlgorithm) -> Box<dyn ChunkSource + '_> {
        Box::new(Nearby::new(self.sources, &self.cache, digest))
    }

    fn scratch(&self) -> Result<PathBuf> {
        Ok(self.scratch.clone())
    }

    /// A server lists what publishers have sent as the best: it does not build that again. So `best` does not look.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        if self.opened.job.bundling.is_some_and(|bundling| bundling.effort == Effort::Best) {
            return Ok(None);
        }
        match self.opened.server.file(name, limits::MAX_DOCUMENT_BYTES) {
            // The server has lists of published versions only.
            Err(Error::Transport { kind: TransportKind::NotFound, .. }) => Ok(None),
            found => found.map(Some),
        }
    }

    fn present(&self, names: Vec<String>) -> Result<Vec<bool>> {
        Ok(vec![true; names.len()])
    }

    fn place(&self, file: &File, temporary: &Path, info: &BundleInfo) -> Result<()> {
        if info.length > self.max_bytes {
            let reason = format!("the server takes bundles of at most {} bytes, not {}", self.max_bytes, info.length);
            return Err(Error::invalid("bundle", reason));
        }
        let monitor = self.opened.monitor;
        monitor.emit(Event::Started { phase: Phase::Upload, total_bytes: info.length });
        self.route.block_on(self.send_parts(file, temporary, info))?;
        monitor.emit(Event::Finished { phase: Phase::Upload });
        let from = info.from.map(|from| from.to_string());
        let new = NewBundle { id: info.id.to_string(), length: info.length, from };
        let _: BundleReply = self.route.block_on(self.route.create_bundle(&new))?;
        Ok(())
    }

    /// The server writes its lists itself.
    fn write(&self, _: &str, _: &[u8]) -> Result<()> {
        Ok(())
    }

    fn files(&self) -> Result<Vec<(String, SystemTime)>> {
        Ok(Vec::new())
    }

    fn remove(&self, _: Vec<String>) -> Result<()> {
        Ok(())
    }

    /// The server builds what it does not get.
    fn wants_all(&self) -> bool {
        true
    }
}
