//! The publishing contract of an update server, as small as it can be: files in memory, one token, one lock. It checks
//! what a publisher may get wrong, signs with the library's own service side, and fails once where it is told to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vsekai_updater::Result;
use vsekai_updater::formats::index::Index;
use vsekai_updater::formats::release::{CATALOG_TARGET, Catalog, Mode, Offer, Release};
use vsekai_updater::net::api::{
    CommitRequest, MissingRequest, NewPublication, OnlineKeys, RepositoryInfo, TrustUpload,
};
use vsekai_updater::net::trust::{CATALOG_ROLE, Keys, MemoryStorage, Publication, ServiceKeys, TrustFiles};

/// How old `timestamp.json` can be.
pub(crate) const LAG: Duration = Duration::from_millis(700);

pub(crate) const TOKEN: &str = "vsk_test";

#[derive(Debug)]
pub(crate) struct Contract {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    keys: Mutex<ServiceKeys>,
    state: Mutex<State>,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    /// By path below the root, chunks included.
    files: BTreeMap<String, Vec<u8>>,
    catalog: Option<Catalog>,
    publications: BTreeMap<String, Draft>,
    /// Method and path of what was asked.
    asked: Vec<String>,
    /// `timestamp.json` as it was read last: it is given again for a while, as caches do.
    kept: Option<(Instant, Option<Vec<u8>>)>,
    /// Path endings whose next request is refused, with status and code.
    refusals: Vec<(String, u16, String)>,
}

#[derive(Debug)]
struct Draft {
    new: NewPublication,
    documents: BTreeMap<String, Vec<u8>>,
    sequence: Option<u64>,
}

/// A status and a body.
type Answer = (u16, Vec<u8>);

impl Contract {
    pub(crate) fn start(keys: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let keys = Mutex::new(Keys::service(keys).unwrap());
        let shared = Arc::new(Shared { keys, state: Mutex::default(), closed: AtomicBool::new(false) });
        let for_thread = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if for_thread.closed.load(Ordering::Relaxed) {
                    return;
                }
                let (shared, Ok(stream)) = (Arc::clone(&for_thread), stream) else { continue };
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request whose path ends so is refused with this.
    pub(crate) fn refuse_once(&self, path: &str, status: u16, code: &str) {
        self.shared.state.lock().unwrap().refusals.push((path.to_owned(), status, code.to_owned()));
    }

    /// What was asked since the last call, such as `PUT store/…`; those that begin so.
    pub(crate) fn take_asked(&self, beginning: &str) -> Vec<String> {
        let asked = std::mem::take(&mut self.shared.state.lock().unwrap().asked);
        asked.into_iter().filter(|line| line.starts_with(beginning)).collect()
    }

    /// Loses some chunk, as a clean-up that came too early would.
    pub(crate) fn lose_a_chunk(&self) {
        let mut state = self.shared.state.lock().unwrap();
        let chunk = state.files.keys().find(|path| path.starts_with("store/")).unwrap().clone();
        state.files.remove(&chunk);
    }

    /// Takes in what is new in its folder of keys, as a start does.
    pub(crate) fn read_keys_again(&self, keys: &Path) {
        *self.shared.keys.lock().unwrap() = Keys::service(keys).unwrap();
    }

    pub(crate) fn catalog(&self) -> Catalog {
        self.shared.state.lock().unwrap().catalog.clone().unwrap()
    }
}

impl Drop for Contract {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// Answers requests on one connection until it is closed. Whoever went away is no failure.
fn serve(stream: &TcpStream, shared: &Shared) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream.try_clone().ok()?;
    loop {
        let mut request = String::new();
        reader.read_line(&mut request).ok().filter(|read| *read > 0)?;
        let (mut length, mut is_known) = (0, false);
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok().filter(|read| *read > 0)?;
            let lower = header.trim().to_ascii_lowercase();
            if lower.is_empty() {
                break;
            }
            if let Some(text) = lower.strip_prefix("content-length:") {
                length = text.trim().parse().ok()?;
            }
            is_known |= lower == format!("authorization: bearer {TOKEN}");
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = request.split(' ');
        let (method, path) = (words.next()?, words.next()?.trim_start_matches('/').replace("%2B", "+"));
        let (status, body) = shared.answer(method, &path, body, is_known);
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        writer.write_all(&[head.into_bytes(), body].concat()).ok()?;
    }
}

fn problem(status: u16, code: &str, detail: &str) -> Answer {
    let text =
        json!({"type": "about:blank", "title": "No", "status": status, "detail": detail, "instance": "", "code": code});
    (status, text.to_string().into_bytes())
}

fn reply(status: u16, value: &impl serde::Serialize) -> Answer {
    (status, serde_json::to_vec(value).unwrap())
}

impl Shared {
    fn answer(&self, method: &str, path: &str, body: Vec<u8>, is_known: bool) -> Answer {
        let mut state = self.state.lock().unwrap();
        state.asked.push(format!("{method} {path}"));
        if method != "GET" && !is_known {
            return problem(401, "unauthorized", "no such token");
        }
        if let Some(at) = state.refusals.iter().position(|(end, ..)| path.ends_with(end)) {
            let (_, status, code) = state.refusals.remove(at);
            return problem(status, &code, "as told");
        }
        let parts: Vec<&str> = path.split('/').collect();
        match (method, &parts[..]) {
            ("GET", ["api", "v1", "repository"]) => {
                reply(200, &state.info(self.keys.lock().unwrap().online_keys().unwrap()))
            }
            ("PUT", ["api", "v1", "repository", "trust"]) => match self.trust(&mut state, &body) {
                Ok(()) => reply(200, &state.info(self.keys.lock().unwrap().online_keys().unwrap())),
                Err(error) if error.code() == "key_missing" => problem(409, "keys_differ", &error.to_string()),
                Err(error) => problem(422, error.code(), &error.to_string()),
            },
            ("POST", ["api", "v1", "publications"]) => {
                let new: NewPublication = serde_json::from_slice(&body).unwrap();
                let id = new.id.clone();
                let draft = Draft { new, documents: BTreeMap::new(), sequence: None };
                reply(200, &state.publications.entry(id).or_insert(draft).info())
            }
            ("POST", ["api", "v1", "publications", _, "missing"]) => {
                let request: MissingRequest = serde_json::from_slice(&body).unwrap();
                let is_missing = |id: &&String| !state.files.contains_key(&format!("store/{}/{id}.cacnk", &id[..4]));
                reply(200, &json!({"missing": request.ids.iter().filter(is_missing).collect::<Vec<_>>()}))
            }
            ("PUT", ["api", "v1", "publications", id, "documents", kind]) => {
                state.publications.get_mut(*id).unwrap().documents.insert((*kind).to_owned(), body);
                (204, Vec::new())
            }
            ("POST", ["api", "v1", "publications", id, "commit"]) => {
                let terms: CommitRequest = serde_json::from_slice(&body).unwrap();
                self.commit(&mut state, id, &terms)
                    .unwrap_or_else(|error| problem(422, error.code(), &error.to_string()))
            }
            ("PUT", ["store", ..]) => {
                state.files.insert(path.to_owned(), body);
                (201, Vec::new())
            }
            ("GET", ["tuf", "timestamp.json"]) => {
                let now = state.files.get(path).cloned();
                let (since, kept) = state.kept.take().unwrap_or((Instant::now(), now.clone()));
                let old = since.elapsed() > LAG;
                let (since, given) = if old { (Instant::now(), now) } else { (since, kept) };
                state.kept = Some((since, given.clone()));
                given.map_or((404, Vec::new()), |bytes| (200, bytes))
            }
            ("GET", _) => state.files.get(path).map_or((404, Vec::new()), |bytes| (200, bytes.clone())),
            _ => problem(404, "not_found", path),
        }
    }

    fn trust(&self, state: &mut State, body: &[u8]) -> Result<()> {
        let upload: TrustUpload = serde_json::from_slice(body).unwrap();
        let files = TrustFiles::from_upload(&upload)?;
        let shelf = MemoryStorage::new(state.metadata());
        let keys = self.keys.lock().unwrap();
        let mut publication = Publication::open_with_trust(shelf, &keys, &files)?;
        publication.commit()?;
        state.files.extend(publication.into_written());
        Ok(())
    }

    fn commit(&self, state: &mut State, id: &str, terms: &CommitRequest) -> Result<Answer> {
        let draft = &state.publications[id];
        if draft.sequence.is_some() {
            return Ok(reply(200, &draft.info()));
        }
        let document = |kind: &str| draft.documents[kind].clone();
        let index = Index::parse(&document("index"))?;
        if index.iter().any(|chunk| !state.files.contains_key(&format!("store/{}", chunk.id.store_path()))) {
            return Ok(problem(409, "chunks_missing", "ask again"));
        }
        let release = Release::parse(&document("release"), None)?;
        let mut catalog = state.catalog.clone().unwrap_or_else(Catalog::empty);
        let mode = catalog.modes.entry(release.mode.clone()).or_insert_with(Mode::begin);
        if release.sequence != mode.sequence + 1 {
            return Ok(problem(409, "publication_stale", "sign it again"));
        }
        let keys = self.keys.lock().unwrap();
        let mut publication = Publication::open_service(MemoryStorage::new(state.metadata()), &keys)?;
        publication.accept_role(release.mode.as_str(), &document("metadata"))?;
        let mut targets = Vec::new();
        for (kind, name) in
            [("index", &release.index.path), ("files", &release.files.path), ("release", &release.target_name())]
        {
            let Some(listed) = publication.listed(name)? else { return Ok(problem(422, "document_mismatch", name)) };
            targets.push((listed.path, document(kind)));
        }
        mode.sequence += 1;
        let listed: BTreeSet<String> = publication.names().into_iter().collect();
        let prefix = |offer: &Offer| format!("{}/{}/", release.mode, offer.version);
        mode.versions.retain(|offer| listed.iter().any(|name| name.starts_with(&prefix(offer))));
        mode.versions.push(Offer {
            version: release.version.clone(),
            sequence: mode.sequence,
            platforms: [release.platform.clone()].into(),
            skip_update: terms.skip_update,
            recalled: false,
            rollout: terms.rollout,
        });
        publication.put(CATALOG_ROLE, CATALOG_TARGET, catalog.to_bytes()?)?;
        publication.commit()?;
        state.files.extend(targets);
        state.files.extend(publication.into_written());
        state.catalog = Some(catalog);
        let draft = state.publications.get_mut(id).unwrap();
        draft.sequence = Some(release.sequence);
        Ok(reply(200, &draft.info()))
    }
}

impl State {
    fn metadata(&self) -> BTreeMap<String, Vec<u8>> {
        let files = self.files.iter().filter(|(path, _)| path.starts_with("tuf/"));
        files.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
    }

    fn info(&self, online_keys: OnlineKeys) -> RepositoryInfo {
        let roots = self.files.keys().filter_map(|path| path.strip_prefix("tuf/")?.strip_suffix(".root.json"));
        let root_version = roots.filter_map(|version| version.parse().ok()).max();
        RepositoryInfo { revision: 1, root_version, online_keys, max_chunk_bytes: 1 << 20 }
    }
}

impl Draft {
    fn info(&self) -> Value {
        let state = if self.sequence.is_some() { "published" } else { "open" };
        let received: Vec<&String> = self.documents.keys().collect();
        json!({"id": self.new.id, "mode": self.new.mode, "version": self.new.version, "platform": self.new.platform,
               "state": state, "expires_at": "2100-01-01T00:00:00Z", "sequence": self.sequence, "received": received})
    }
}
