//! What may stand between a publisher and the server: it notes each request, refuses some, and caches for too long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use poem::Request;
use poem::http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use serde_json::json;
use vsekai_updater::formats::metadata_pack;

/// What says which version of everything else is in force, and is cached for a while therefore.
const CACHED: [&str; 2] = ["tuf/timestamp.json", metadata_pack::PATH];

/// It ends with this value.
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
    /// What was read last of what can be cached, and what of it is given once more in place of what is there now.
    kept: HashMap<String, Answer>,
    stale: HashMap<String, Answer>,
}

/// Status, headers and body.
type Answer = (StatusCode, HeaderMap, Vec<u8>);

impl Proxy {
    /// In front of the server at this URL.
    pub(crate) fn start(server: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
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

    /// The next request whose path ends so is refused with this, and does not reach the server.
    pub(crate) fn refuse_once(&self, path: &str, status: u16, code: &str) {
        self.shared.state.lock().unwrap().refusals.push((path.to_owned(), status, code.to_owned()));
    }

    /// The next request for what can be cached is answered with what was read last.
    pub(crate) fn be_late_once(&self) {
        let mut state = self.shared.state.lock().unwrap();
        state.stale = state.kept.clone();
    }

    /// What was asked since the last call, such as `PUT store/…`; those that begin so.
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
            if state.stale.contains_key(&path) {
                return std::mem::take(&mut state.stale).remove(&path).unwrap();
            }
        }
        let answer = self.pass_on(request, is_cached).await;
        if is_cached {
            self.state.lock().unwrap().kept.insert(path, answer.clone());
        }
        answer
    }

    async fn pass_on(&self, request: Request, is_cached: bool) -> Answer {
        let (mut parts, body) = request.into_parts();
        parts.headers.remove(header::HOST);
        if is_cached {
            // A whole answer, that can be given again.
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
