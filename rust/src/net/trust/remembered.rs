//! What an install remembers of signed metadata, verified again without asking anybody.
//!
//! For comparing what is installed with what was signed: expired metadata still tells that, so expiry is not looked at.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tough::{ExpirationEnforcement, RepositoryLoader, Transport, TransportError, TransportErrorKind, TransportStream};
use url::Url;

use super::MAX_TARGETS_BYTES;
use super::datastore::{Datastore, Start};
use super::error::BASE;
use crate::digest::Digest;
use crate::formats::metadata_pack::PackQuery;

/// Reads from the cache alone.
#[derive(Debug, Clone)]
struct Cache(Datastore);

#[async_trait]
impl Transport for Cache {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let wanted = url.as_str().strip_prefix(BASE).and_then(PackQuery::parse);
        let found = wanted.and_then(|wanted| self.0.cached(&wanted.cache_name(), MAX_TARGETS_BYTES));
        let missing = || TransportError::new(TransportErrorKind::FileNotFound, &url);
        let bytes = found.ok_or_else(missing)?;
        Ok(Box::pin(stream::once(std::future::ready(Ok(Bytes::from(bytes))))))
    }
}

/// The digests of all release documents that the metadata remembered in this folder lists, by their names. Empty if
/// nothing is remembered, or it does not verify.
pub fn signed_documents(memory: &Path) -> BTreeMap<String, Digest> {
    read(memory).unwrap_or_default()
}

fn read(memory: &Path) -> Option<BTreeMap<String, Digest>> {
    let memory = Datastore::load(Some(memory.to_owned())).ok()?;
    let Ok(Start::Known(root)) = memory.start(None) else { return None };
    let url = |folder: &str| Url::parse(&format!("{BASE}{folder}/")).ok();
    let loader = RepositoryLoader::new(&root, url("tuf")?, url("targets")?)
        .transport(Cache(memory))
        .expiration_enforcement(ExpirationEnforcement::Unsafe);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let repository = runtime.block_on(loader.load()).ok()?;
    let targets = &repository.targets().signed;
    let mut found = BTreeMap::new();
    for (name, _) in repository.all_targets().filter(|(name, _)| name.raw().ends_with("/release.json")) {
        // Only what the role that lists it may list.
        let Ok(target) = targets.find_target(name, false) else { continue };
        let Ok(digest) = <[u8; 32]>::try_from(target.hashes.sha256.as_ref()) else { continue };
        found.insert(name.raw().to_owned(), Digest(digest));
    }
    Some(found)
}
