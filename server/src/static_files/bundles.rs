//! `/bundles/…`: bundles, and the lists of them.
//!
//! Requests of clients that update from an older version are counted, by version and nothing else. The set of versions
//! is cached for a moment, so that made-up names cost the database nothing.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use moka::future::Cache;
use poem::http::HeaderMap;
use poem::{Body, Request, Response};

use super::documents::shared;
use super::response::{self, Kind, Representation};
use crate::bundles::Bundles;
use crate::db::Db;
use crate::error::{Error, Result};
use crate::model::Bundle;
use vsekai_updater::digest::Digest;

/// Most lists and names, existing or not, that are cached.
const MAX_FRESH: u64 = 10_000;

#[derive(Debug)]
pub(super) struct BundleFiles {
    db: Arc<dyn Db>,
    bundles: Arc<Bundles>,
    /// The indexes of all versions.
    known: Cache<(), Arc<HashSet<Digest>>>,
    lists: Cache<Digest, Representation>,
    found: Cache<Digest, Option<Arc<Bundle>>>,
}

impl BundleFiles {
    pub(super) fn new(db: Arc<dyn Db>, bundles: Arc<Bundles>, fresh: Duration) -> Self {
        Self {
            db,
            bundles,
            known: Cache::builder().max_capacity(1).time_to_live(fresh).build(),
            lists: Cache::builder().max_capacity(MAX_FRESH).time_to_live(fresh).build(),
            found: Cache::builder().max_capacity(MAX_FRESH).time_to_live(fresh).build(),
        }
    }

    pub(super) fn changed(&self) {
        self.known.invalidate_all();
        self.lists.invalidate_all();
    }

    /// Serves the list of the bundles of the version with this index.
    pub(super) async fn list(&self, to: Digest, request: &Request, is_get: bool) -> Result<Response> {
        let known = self.known().await?;
        if !known.contains(&to) {
            return Err(Error::NotFound { what: "version with that index" });
        }
        if is_get && let Some(from) = requested_from(request).filter(|from| *from != to && known.contains(from)) {
            self.bundles.demand().count(to, from);
        }
        let load = async {
            let bytes = self.bundles.list(&to).await?.to_bytes()?;
            Ok(Representation::hashed(bytes.into(), Kind::ChangingJson))
        };
        let content = self.lists.try_get_with(to, load).await.map_err(|error: Arc<Error>| shared(&error))?;
        Ok(content.respond(request.headers(), is_get))
    }

    /// Serves a bundle, or a range of it.
    pub(super) async fn bundle(&self, id: Digest, headers: &HeaderMap, is_get: bool) -> Result<Response> {
        let load = async { Ok(self.bundles.find(&id).await?.map(Arc::new)) };
        let found = self.found.try_get_with(id, load).await.map_err(|error: Arc<Error>| shared(&error))?;
        let bundle = found.ok_or(Error::NotFound { what: "bundle" })?;
        let length = bundle.info.length;
        let (mut response, range) =
            response::outline(&response::tag(&id.0), length, Kind::LastingBytes, headers, is_get);
        let Some(range) = range else { return Ok(response) };
        // Clients read a bundle in ranges, so one that asks for its beginning is a new client.
        if range.start == 0
            && let Some(from) = bundle.info.from
            && self.known().await?.contains(&from)
        {
            self.bundles.demand().count(bundle.to, from);
        }
        // An error in the middle closes the connection; the client continues with a range.
        let pieces = self.bundles.read(id, range).await?.inspect_err(move |error| {
            tracing::warn!(event = "bundle_cut_off", %id, code = error.code(), "reading a bundle failed halfway: {error}");
        });
        response.set_body(Body::from_bytes_stream(pieces.map_err(std::io::Error::other)));
        Ok(response)
    }

    async fn known(&self) -> Result<Arc<HashSet<Digest>>> {
        let load = async {
            let indexes = self.db.indexes().await?;
            Ok(Arc::new(indexes.into_iter().map(|index| index.digest).collect()))
        };
        self.known.try_get_with((), load).await.map_err(|error: Arc<Error>| shared(&error))
    }
}

/// The version that the client has, from `?from=<SHA-256 of its index>`.
fn requested_from(request: &Request) -> Option<Digest> {
    let query = request.uri().query()?;
    let (_, from) = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == "from")?;
    from.parse().ok()
}
