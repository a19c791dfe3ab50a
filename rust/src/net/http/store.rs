//! One chunk store behind a base URL: `{base}/{first 4 hex}/{64 hex}.cacnk`.

use std::sync::atomic::AtomicU64;

use url::Url;

use super::client::HttpClient;
use super::failure::{Failure, shown};
use crate::error::{Error, Result, TransportKind};
use crate::formats::chunk::{ChunkId, CompressedChunk};

/// A chunk store at a URL. Cheap to clone.
#[derive(Debug, Clone)]
pub struct HttpStore {
    client: HttpClient,
    base: Url,
    name: String,
}

impl HttpStore {
    /// The store at `base` (`http` or `https`). Its query, as in signed URLs, is sent with every request.
    pub fn new(client: HttpClient, base: Url) -> Result<Self> {
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none_or(str::is_empty) {
            return Err(Error::invalid("store URL", format!("{} must begin with http:// or https://", shown(&base))));
        }
        let name = shown(&base);
        Ok(Self { client, base, name })
    }

    /// The base URL without credentials: the name of this store in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gets one stored chunk of at most `max_stored_bytes`, with retries; `None` if this store does not have it (404,
    /// 403, 410). Drop the future to stop.
    pub async fn get(&self, id: &ChunkId, max_stored_bytes: u64) -> Result<Option<CompressedChunk>> {
        let url = self.url_of(id);
        match self.client.get_with_retries(&url, max_stored_bytes).await {
            Ok(bytes) => Ok(Some(CompressedChunk::new(*id, bytes))),
            Err(failure) if failure.kind == TransportKind::NotFound => Ok(None),
            Err(failure) => Err(failure.into_error(&url)),
        }
    }

    /// Like [`Self::get`], but without retries. Adds what arrives to `received` at once.
    pub(super) async fn try_get(
        &self,
        id: &ChunkId,
        max_stored_bytes: u64,
        received: &AtomicU64,
    ) -> Result<Vec<u8>, Failure> {
        self.client.try_get_counted(&self.url_of(id), max_stored_bytes, received).await
    }

    pub(super) fn client(&self) -> &HttpClient {
        &self.client
    }

    pub(super) fn url_of(&self, id: &ChunkId) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}/{}", self.base.path().trim_end_matches('/'), id.store_path());
        url.set_path(&path);
        url.set_fragment(None);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::super::HttpOptions;
    use super::*;

    fn store(base: &str) -> Result<HttpStore> {
        HttpStore::new(HttpClient::new(&HttpOptions::default())?, Url::parse(base).unwrap())
    }

    #[test]
    fn chunk_urls_follow_the_store_layout_with_or_without_a_final_slash() {
        let id = ChunkId::from_bytes([0xab; 32]);
        let hex = "ab".repeat(32);
        for base in ["https://h/a/store", "https://h/a/store/", "https://h/a/store//"] {
            let url = store(base).unwrap().url_of(&id);
            assert_eq!(url.as_str(), format!("https://h/a/store/abab/{hex}.cacnk"));
        }
        let signed = store("https://h/s?sig=1").unwrap();
        assert_eq!(signed.url_of(&id).as_str(), format!("https://h/s/abab/{hex}.cacnk?sig=1"));
        assert_eq!(signed.name(), "https://h/s?…");
    }

    #[test]
    fn only_http_urls_make_a_store() {
        assert_eq!(store("file:///srv/store").unwrap_err().code(), "invalid_argument");
        assert_eq!(store("ssh://h/store").unwrap_err().code(), "invalid_argument");
    }
}
