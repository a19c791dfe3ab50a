//! Requests to the server's API, and the errors for its refusals.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::digest::Digest;
use crate::error::{Error, Result, TransportKind};
use crate::formats::chunk::{ChunkId, CompressedChunk};
use crate::formats::release::ModeName;
use crate::limits;
use crate::net::api::{
    BundleParts, BundleReply, CommitRequest, DocumentKind, MissingReply, MissingRequest, NewBundle, NewPublication,
    NewsUpload, PublicationInfo, RepositoryInfo, TrustUpload,
};
use crate::net::http::{HttpClient, HttpStore, Network, Outgoing, Reply, is_web_page, shown};
use crate::text;

/// Largest JSON answer, in bytes. 5000 chunk ids need 350,000.
const MAX_REPLY_BYTES: u64 = 1 << 20;

/// How long a server may take to check all chunks of a version when it commits.
const COMMIT_PATIENCE: Duration = Duration::from_mins(15);

/// Longest text from a server that an error quotes, in characters.
const MAX_DETAIL_CHARS: usize = 500;

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

/// An update server, and how to reach it.
#[derive(Debug, Clone)]
pub struct Server {
    url: Url,
    network: Network,
}

impl Server {
    /// The server whose repository is at `url`. Requests carry the `Authorization` of `network`: `Bearer` and a token
    /// for publishing, which is not sent to other hosts after a redirect.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the URL is neither `http` nor `https`.
    pub fn new(mut url: Url, network: Network) -> Result<Self> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(Error::invalid("server", "it must begin with http:// or https://"));
        }
        url.set_query(None);
        url.set_fragment(None);
        Ok(Self { url, network })
    }

    /// The state of the server's repository, and its public keys.
    ///
    /// # Errors
    /// [`Error::Transport`], [`Error::ServerRefused`].
    pub fn repository(&self) -> Result<RepositoryInfo> {
        self.json(Method::GET, "api/v1/repository", None::<&()>).map_err(|error| match error {
            Error::ServerRefused { status: 404, .. } | Error::Transport { kind: TransportKind::NotFound, .. } => {
                let reason = "there is no update server here; give the address of its front page";
                Error::transport(TransportKind::NotFound, shown(&self.url), reason)
            }
            other => other,
        })
    }

    pub(in crate::net::publish) fn put_trust(&self, trust: &TrustUpload) -> Result<RepositoryInfo> {
        self.json(Method::PUT, "api/v1/repository/trust", Some(trust))
    }

    pub(super) fn put_news(&self, mode: &ModeName, news: &NewsUpload) -> Result<()> {
        let _: serde_json::Value = self.json(Method::PUT, &format!("api/v1/modes/{mode}/news"), Some(news))?;
        Ok(())
    }

    pub(super) fn retire(&self, mode: &ModeName, update_to: Option<&ModeName>) -> Result<()> {
        let change = serde_json::json!({"is_active": false, "update_to": update_to});
        let _: serde_json::Value = self.json(Method::PATCH, &format!("api/v1/modes/{mode}"), Some(&change))?;
        Ok(())
    }

    /// Reads JSON with this query.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T> {
        let mut url = self.join(path);
        url.query_pairs_mut().extend_pairs(query);
        self.exchange(Method::GET, url, None::<&()>)
    }

    /// Deletes something. It is no error if it is gone already.
    pub(super) fn delete(&self, path: &str) -> Result<()> {
        let url = self.join(path);
        let outgoing =
            Outgoing { method: Method::DELETE, url, content_type: JSON, body: Bytes::new(), patience: Duration::ZERO };
        let client = self.network.client()?;
        let reply = self.network.block_on(client.send(&outgoing, MAX_REPLY_BYTES))?;
        if reply.status.is_success() || reply.status.as_u16() == 404 {
            Ok(())
        } else {
            Err(refusal(&outgoing.url, &reply))
        }
    }

    pub(in crate::net::publish) fn begin(&self, new: &NewPublication) -> Result<PublicationInfo> {
        self.json(Method::POST, "api/v1/publications", Some(new))
    }

    pub(super) fn missing(&self, id: &str, ids: &[ChunkId]) -> Result<Vec<String>> {
        let request = MissingRequest { ids: ids.iter().map(ToString::to_string).collect(), positions: Vec::new() };
        let reply: MissingReply =
            self.json(Method::POST, &format!("api/v1/publications/{id}/missing"), Some(&request))?;
        Ok(reply.missing)
    }

    pub(in crate::net::publish) fn put_document(&self, id: &str, kind: DocumentKind, bytes: Vec<u8>) -> Result<()> {
        let url = self.join(&format!("api/v1/publications/{id}/documents/{kind}"));
        let client = self.network.client()?;
        self.network.block_on(put(&client, url, bytes.into()))
    }

    /// The way to this publication.
    pub(super) fn route(&self, id: &str) -> Result<Route> {
        Ok(Route {
            client: self.network.client()?,
            network: self.network.clone(),
            publication: self.join(&format!("api/v1/publications/{id}")),
            store: self.store(),
        })
    }

    pub(in crate::net::publish) fn commit(&self, id: &str, request: &CommitRequest) -> Result<PublicationInfo> {
        self.json(Method::POST, &format!("api/v1/publications/{id}/commit"), Some(request))
    }

    /// Downloads a file of the repository, unverified.
    /// The version of the newest root.
    pub(in crate::net::publish) fn newest_root(&self) -> Result<u64> {
        let none = || Error::invalid("repository", "nothing has been published to this server yet");
        self.repository()?.root_version.ok_or_else(none)
    }

    pub(in crate::net::publish) fn file(&self, path: &str, max_bytes: u64) -> Result<Vec<u8>> {
        // S3 and similar stores decode a plus as a space, and versions may contain one.
        self.network.document(&self.join(&path.replace('+', "%2B")), max_bytes)
    }

    pub(super) fn chunk(&self, id: &ChunkId, max_stored_bytes: u64) -> Result<Option<CompressedChunk>> {
        let store = HttpStore::new(self.network.client()?, self.store())?;
        self.network.block_on(store.get(id, max_stored_bytes))
    }

    pub(super) fn store(&self) -> Url {
        self.join(crate::formats::release::DEFAULT_STORE)
    }

    fn join(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/{path}", self.url.path().trim_end_matches('/')));
        url
    }

    pub(super) fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T> {
        self.exchange(method, self.join(path), body)
    }

    fn exchange<T: DeserializeOwned>(&self, method: Method, url: Url, body: Option<&impl Serialize>) -> Result<T> {
        let broken = |e: serde_json::Error| Error::unsupported("this request").caused_by(e);
        let body = body.map(serde_json::to_vec).transpose().map_err(broken)?.unwrap_or_default();
        let patience = if url.path().ends_with("/commit") { COMMIT_PATIENCE } else { Duration::ZERO };
        let outgoing = Outgoing { method, url, content_type: JSON, body: body.into(), patience };
        self.network.block_on(ask(&self.network.client()?, &outgoing))
    }
}

/// Sends a request, and reads the JSON of its answer.
pub(super) async fn ask<T: DeserializeOwned>(client: &HttpClient, outgoing: &Outgoing) -> Result<T> {
    let reply = client.send(outgoing, MAX_REPLY_BYTES).await?;
    if !reply.status.is_success() {
        return Err(refusal(&outgoing.url, &reply));
    }
    serde_json::from_slice(&reply.body).map_err(|e| {
        let (kind, what) = if is_web_page(&reply.body) {
            (TransportKind::WebPage, "a web page".to_owned())
        } else {
            (TransportKind::Protocol, e.to_string())
        };
        let reason = format!("the answer is not from an update server: {what}");
        Error::transport(kind, shown(&outgoing.url), reason)
    })
}

/// The way to one publication on a server, for several requests at once.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) client: HttpClient,
    network: Network,
    publication: Url,
    store: Url,
}

impl Route {
    pub(super) fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.network.block_on(work)
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        what: &str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<T> {
        let url = self.below(what);
        let outgoing = Outgoing { method: Method::POST, url, content_type, body, patience: Duration::ZERO };
        ask(&self.client, &outgoing).await
    }

    /// The parts of a bundle that the server has.
    pub(super) async fn bundle_parts(&self, id: &Digest) -> Result<HashSet<u64>> {
        let url = self.below(&format!("bundles/{id}"));
        let (method, body, patience) = (Method::GET, Bytes::new(), Duration::ZERO);
        let reply: BundleParts =
            ask(&self.client, &Outgoing { method, url, content_type: JSON, body, patience }).await?;
        Ok(reply.parts.into_iter().collect())
    }

    pub(super) fn bundle_part(&self, id: &Digest, part: u64) -> Url {
        self.below(&format!("bundles/{id}/parts/{part}"))
    }

    /// Offers a bundle whose parts have been sent.
    pub(super) async fn create_bundle(&self, new: &NewBundle) -> Result<BundleReply> {
        let broken = |e: serde_json::Error| Error::unsupported("this request").caused_by(e);
        let body = serde_json::to_vec(new).map_err(broken)?.into();
        let url = self.below("bundles");
        let outgoing = Outgoing { method: Method::POST, url, content_type: JSON, body, patience: COMMIT_PATIENCE };
        ask(&self.client, &outgoing).await
    }

    fn below(&self, what: &str) -> Url {
        let mut url = self.publication.clone();
        url.set_path(&format!("{}/{what}", url.path()));
        url
    }

    pub(super) fn store_url(&self, id: &ChunkId) -> Url {
        let mut url = self.store.clone();
        url.set_path(&format!("{}/{}", self.store.path(), id.store_path()));
        url
    }
}

/// Sends these bytes to this URL.
pub(super) async fn put(client: &HttpClient, url: Url, body: Bytes) -> Result<()> {
    let outgoing = Outgoing { method: Method::PUT, url, content_type: BYTES, body, patience: Duration::ZERO };
    let reply = client.send(&outgoing, MAX_REPLY_BYTES).await?;
    if reply.status.is_success() { Ok(()) } else { Err(refusal(&outgoing.url, &reply)) }
}

/// The fields of a problem document (RFC 9457) that we use. All of them are optional.
#[derive(Deserialize)]
struct Said {
    code: Option<String>,
    title: Option<String>,
    detail: Option<String>,
}

fn refusal(url: &Url, reply: &Reply) -> Error {
    let status = reply.status;
    if let Ok(Said { code: Some(code), title, detail }) = serde_json::from_slice(&reply.body) {
        let detail = detail.or(title).unwrap_or_else(|| format!("status {status}"));
        return Error::ServerRefused { status: status.as_u16(), code: plain(&code), detail: plain(&detail) };
    }
    let kind = match status.as_u16() {
        401 | 407 => TransportKind::Unauthorized,
        403 | 404 | 410 => TransportKind::NotFound,
        _ => TransportKind::Protocol,
    };
    Error::transport(kind, shown(url), format!("status {status}"))
}

fn plain(said: &str) -> String {
    said.chars().take(MAX_DETAIL_CHARS).filter(|c| !text::is_forbidden(*c)).collect()
}

/// Largest target that is read back, in bytes.
pub(super) const MAX_TARGET_BYTES: u64 = limits::MAX_INDEX_BYTES;

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::net::http::HttpOptions;

    fn server(url: &str) -> Result<Server> {
        Server::new(Url::parse(url).unwrap(), Network::new(&HttpOptions::default()).unwrap())
    }

    fn refused(status: u16, body: &str) -> Error {
        let reply = Reply { status: StatusCode::from_u16(status).unwrap(), body: body.as_bytes().to_vec() };
        refusal(&Url::parse("https://host/a").unwrap(), &reply)
    }

    #[test]
    fn paths_are_below_the_url_whatever_it_ends_with() {
        for url in ["https://host/game", "https://host/game/", "https://host/game/?x=1#y"] {
            let server = server(url).unwrap();
            assert_eq!(server.join("api/v1/repository").as_str(), "https://host/game/api/v1/repository");
            assert_eq!(server.store().as_str(), "https://host/game/store");
        }
        assert_eq!(server("ftp://host/").unwrap_err().code(), "invalid_argument");
    }

    #[test]
    fn refusal_says_what_the_server_says() {
        let error =
            refused(409, r#"{"type":"about:blank","code":"chunks_missing","detail":"3 chunks\u001b[31m","x":1}"#);
        assert_eq!(error.code(), "server_refused");
        assert_eq!(error.to_string(), "The server refused: 3 chunks[31m [chunks_missing]");
        assert_eq!(
            refused(503, r#"{"code":"keys_missing","title":"No keys"}"#).to_string(),
            "The server refused: No keys [keys_missing]"
        );
    }

    #[test]
    fn status_without_a_problem_is_one_of_the_network() {
        for (status, code) in [(401, "unauthorized"), (404, "not_found"), (413, "http_failed"), (502, "http_failed")] {
            assert_eq!(refused(status, "<html>").code(), code, "{status}");
        }
    }
}
