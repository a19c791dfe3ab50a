//! What an install remembers of signed metadata, verified again without network access.
//!
//! Used to compare what is installed with what was signed. Expired metadata is good enough for that, so expiry is
//! ignored.

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tough::{ExpirationEnforcement, RepositoryLoader, Transport, TransportError, TransportErrorKind, TransportStream};
use url::Url;

use super::load::Store;
use super::metadata::{Metadata, RoleSource};
use crate::digest::Digest;
use crate::error::{Result, TrustKind};
use crate::formats::metadata_pack::PackQuery;
use crate::net::trust::MAX_TARGETS_BYTES;
use crate::net::trust::datastore::{Datastore, Start};
use crate::net::trust::error::{BASE, trust};

/// Reads from the cache alone.
#[derive(Debug, Clone)]
struct Cache(Datastore);

#[async_trait]
impl RoleSource for Cache {
    async fn metadata(&self, wanted: &PackQuery) -> Result<Vec<u8>> {
        let found = self.0.cached(&wanted.cache_name(), MAX_TARGETS_BYTES);
        found.ok_or_else(|| trust(TrustKind::Malformed, format!("{} is not remembered", wanted.path())))
    }
}

#[async_trait]
impl Transport for Cache {
    async fn fetch(&self, url: Url) -> std::result::Result<TransportStream, TransportError> {
        let wanted = url.as_str().strip_prefix(BASE).and_then(PackQuery::parse);
        let found = wanted.and_then(|wanted| self.0.cached(&wanted.cache_name(), MAX_TARGETS_BYTES));
        let missing = || TransportError::new(TransportErrorKind::FileNotFound, &url);
        let bytes = found.ok_or_else(missing)?;
        Ok(Box::pin(stream::once(std::future::ready(Ok(Bytes::from(bytes))))))
    }
}

/// The digests of all release documents that the metadata remembered in the folder `memory` lists, by their names.
/// Empty if nothing is remembered. A role that does not verify is left out, with what it lists. `scratch` is a folder
/// for temporary files.
pub fn signed_documents(memory: &Path, scratch: &Path) -> BTreeMap<String, Digest> {
    read(memory, scratch).unwrap_or_default()
}

fn read(memory: &Path, scratch: &Path) -> Option<BTreeMap<String, Digest>> {
    let memory = Datastore::load(Some(memory.to_owned())).ok()?;
    let Ok(Start::Known(root)) = memory.start(None) else { return None };
    let url = |folder: &str| Url::parse(&format!("{BASE}{folder}/")).ok();
    let (tuf, targets) = (url("tuf")?, url("targets")?);
    let cache = Cache(memory);
    let begin = || {
        RepositoryLoader::new(&root, tuf.clone(), targets.clone())
            .transport(cache.clone())
            .expiration_enforcement(ExpirationEnforcement::Unsafe)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    let metadata = runtime.block_on(async {
        let loaded = begin().load().await;
        if loaded.is_ok() {
            return Metadata::of(loaded, &cache, Path::new("")).await.ok();
        }
        // Only a folder tells how far `tough` got.
        let store = Store::create(scratch).ok()?;
        Metadata::of(begin().datastore(store.path()).load().await, &cache, store.path()).await.ok()
    })?;
    let targets = &metadata.targets.signed;
    let mut found = BTreeMap::new();
    for (name, _) in metadata.all_targets().filter(|(name, _)| name.raw().ends_with("/release.json")) {
        // Only what the role that lists it may list.
        let Ok(target) = targets.find_target(name, false) else { continue };
        let Ok(digest) = <[u8; 32]>::try_from(target.hashes.sha256.as_ref()) else { continue };
        found.insert(name.raw().to_owned(), Digest(digest));
    }
    Some(found)
}
