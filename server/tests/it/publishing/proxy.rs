//! A proxy between a publisher and the server: it records each request, refuses some, and returns outdated answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use poem::Request;
use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use serde_json::json;
use vsekai_updater::formats::metadata_pack;

/// The files that decide which version of the others is in force, and that caches therefore keep only for a while.
const CACHED: [&str; 2] = ["tuf/timestamp.json", metadata_pack::PATH];

/// A running proxy, which ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    url: String,
    shared: Arc<Shared>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Debug)]
struct Shared {
    server: String,
    client: reqwest::Client,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Method and path of each request.
    asked: Vec<String>,
    /// Path endings whose next request is refused, with status and code.
    refusals: Vec<(String, u16, String)>,
    /// The last answers that may be cached, and those that are returned once more instead of current ones.
    kept: HashMap<String, Answer>,
    stale: HashMap<String, Answer>,
    /// Whether it is a server of before batches of chunks.
    is_old: bool,
}

/// Status, headers and body.
type Answer = (StatusCode, HeaderMap, Vec<u8>);

impl Proxy {
    /// A proxy for the server at this URL.
    pub(crate) fn start(server: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = crate::client::plain().build().unwrap();
        let shared = Arc::new(Shared { server: server.to_owned(), client, state: Mutex::default() });
        let acceptor = runtime.block_on(TcpListener::bind("127.0.0.1:0").into_acceptor()).unwrap();
        let address = acceptor.local_addr()[0].as_socket_addr().unwrap().to_owned();
        let for_requests = Arc::clone(&shared);
        let endpoint = poem::endpoint::make(move |request| {
            let shared = Arc::clone(&for_requests);
            async move { shared.answer(request).await }
        });
        runtime.spawn(poem::Server::new_with_acceptor(acceptor).run(endpoint));
        Self { url: format!("http://{address}"), shared, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Refuses the next request whose path ends like this. It does not reach the server.
    pub(crate) fn refuse_once(&self, path: &str, status: u16, code: &str) {
        self.shared.state.lock().unwrap().refusals.push((path.to_owned(), status, code.to_owned()));
    }

    /// Answers the next request for each cached file with the last answer.
    pub(crate) fn be_late_once(&self) {
        let mut state = self.shared.state.lock().unwrap();
        state.stale = state.kept.clone();
    }

    /// Behaves like a server that takes no batches of chunks.
    pub(crate) fn be_old(&self) {
        self.shared.state.lock().unwrap().is_old = true;
    }

    /// The requests since the last call that begin like this, such as `PUT store/…`.
    pub(crate) fn take_asked(&self, beginning: &str) -> Vec<String> {
        let asked = std::mem::take(&mut self.shared.state.lock().unwrap().asked);
        asked.into_iter().filter(|line| line.starts_with(beginning)).collect()
    }
}

impl Shared {
    async fn answer(&self, request: Request) -> Answer {
        let path = request.uri().path().trim_start_matches('/').to_owned();
        let is_cached = CACHED.contains(&path.as_str());
        {
            let mut state = self.state.lock().unwrap();
            state.asked.push(format!("{} {path}", request.method()));
            if let Some(at) = state.refusals.iter().position(|(end, ..)| path.ends_with(end)) {
                let (_, status, code) = state.refusals.remove(at);
                return refusal(status, &code);
            }
            if state.is_old && path.ends_with("/chunks") {
                return refusal(404, "not_found");
            }
            if state.stale.contains_key(&path) {
                return std::mem::take(&mut state.stale).remove(&path).unwrap();
            }
        }
        let mut answer = self.pass_on(request, is_cached).await;
        if path == "api/v1/repository" && self.state.lock().unwrap().is_old {
            let mut info: serde_json::Value = serde_json::from_slice(&answer.2).unwrap();
            assert!(info.as_object_mut().unwrap().remove("max_batch_bytes").is_some());
            answer.2 = info.to_string().into_bytes();
        }
        if is_cached {
            self.state.lock().unwrap().kept.insert(path, answer.clone());
        }
        answer
    }

    async fn pass_on(&self, request: Request, is_cached: bool) -> Answer {
        let (mut parts, body) = request.into_parts();
        parts.headers.remove(header::HOST);
        if is_cached {
            // Requests a complete answer, which can be returned again.
            parts.headers.remove(header::IF_NONE_MATCH);
            parts.headers.remove(header::IF_MODIFIED_SINCE);
        }
        let url = format!("{}{}", self.server, parts.uri.path_and_query().unwrap());
        let request =
            self.client.request(parts.method, url).headers(parts.headers).body(body.into_vec().await.unwrap());
        let answer = request.send().await.unwrap();
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for name in [header::TRANSFER_ENCODING, header::CONNECTION, header::CONTENT_LENGTH] {
            headers.remove(name);
        }
        (status, headers, answer.bytes().await.unwrap().to_vec())
    }
}

fn refusal(status: u16, code: &str) -> Answer {
    let problem = json!({
        "type": "about:blank", "title": "No", "status": status, "detail": "as told", "instance": "", "code": code,
    });
    let kind = HeaderValue::from_static("application/problem+json");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]);
    (StatusCode::from_u16(status).unwrap(), headers, problem.to_string().into_bytes())
}
