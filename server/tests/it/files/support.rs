//! A database, a store and a server of one test.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use poem::Endpoint;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use vsekai_server::auth::AuthorizeUpload;
use vsekai_server::bundles::Bundles;
use vsekai_server::chunks::{Chunks, Options, StorageLocation};
use vsekai_server::db::{Change, Db, Pools};
use vsekai_server::error::{Error, Result};
use vsekai_server::listen::{Limits, Tcp, serve};
use vsekai_server::model::{RepositoryFile, Time};
use vsekai_server::static_files::{self, StaticFiles};
use vsekai_updater::formats::chunk::{ChunkId, Compressor, DigestAlgorithm, VerifiedChunk};

pub(crate) const SECRET: &str = "Bearer open sesame";

/// A folder with a database, and the options of the store.
#[derive(Debug)]
pub(crate) struct TestStore {
    pub(crate) db: Arc<dyn Db>,
    pub(crate) options: Options,
    pub(crate) folder: TempDir,
}

impl TestStore {
    pub(crate) async fn database() -> Self {
        Self::at(|_| StorageLocation::Database).await
    }

    pub(crate) async fn folder() -> Self {
        Self::at(|folder| StorageLocation::Folder(folder.join("store"))).await
    }

    async fn at(place: impl FnOnce(PathBuf) -> StorageLocation) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("server.db").display());
        let db = vsekai_server::db::open(&url, &Pools::default()).await.unwrap();
        let options = Options::new(place(folder.path().to_owned()));
        Self { db, options, folder }
    }

    /// A store with its own prefix on the S3 server that all tests share.
    pub(crate) async fn s3() -> Option<Self> {
        let variables = s3_variables().await?;
        let (bucket, prefix) = ("chunks".to_owned(), format!("a/{}", uuid::Uuid::new_v4()));
        let mut test = Self::at(|_| StorageLocation::S3 { bucket, prefix }).await;
        test.options.s3 = variables.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        Some(test)
    }

    pub(crate) fn chunks(&self) -> Arc<Chunks> {
        Arc::new(Chunks::open(Arc::clone(&self.db), &self.options).unwrap())
    }

    pub(crate) fn bundles(&self) -> Arc<Bundles> {
        Arc::new(Bundles::open(Arc::clone(&self.db), &self.options).unwrap())
    }

    /// The same store without a cache, to see what is really stored.
    pub(crate) fn bare(&self) -> Arc<Chunks> {
        let mut options = self.options.clone();
        options.cache_bytes = 0;
        Arc::new(Chunks::open(Arc::clone(&self.db), &options).unwrap())
    }

    pub(crate) async fn publish(&self, files: &[(&str, &[u8])]) {
        let files: Vec<_> = files
            .iter()
            .map(|(path, bytes)| RepositoryFile { path: (*path).to_owned(), bytes: bytes.to_vec() })
            .collect();
        let change = Change {
            revision: self.db.revision().await.unwrap(),
            in_force: files.iter().map(|file| file.path.clone()).collect(),
            files,
            at: Time::now(),
            ..Change::default()
        };
        self.db.apply(&change).await.unwrap();
    }

    pub(crate) async fn serve(&self) -> Server {
        self.serve_with(static_files::Options::default(), Limits::default()).await
    }

    pub(crate) async fn serve_with(&self, options: static_files::Options, limits: Limits) -> Server {
        self.serve_sharing(options, limits, vsekai_server::shares::Limits::default()).await
    }

    pub(crate) async fn serve_sharing(
        &self,
        options: static_files::Options,
        limits: Limits,
        shares: vsekai_server::shares::Limits,
    ) -> Server {
        let chunks = self.chunks();
        let gate = Arc::new(Secret);
        let shares = Arc::new(vsekai_server::shares::Shares::new(shares));
        let files = Arc::new(StaticFiles::new(
            Arc::clone(&chunks),
            self.bundles(),
            Arc::clone(&self.db),
            gate,
            shares,
            options,
        ));
        let rest = poem::endpoint::make_sync(|_| "something else");
        let mut server = Server::start(Arc::clone(&files).before(rest), limits).await;
        (server.chunks, server.files) = (Some(chunks), Some(files));
        server
    }
}

/// Admits requests with the secret word.
#[derive(Debug)]
struct Secret;

#[async_trait::async_trait]
impl AuthorizeUpload for Secret {
    async fn authorize_upload(&self, request: &poem::Request) -> Result<uuid::Uuid> {
        match request.header("authorization") {
            Some(SECRET) => Ok(uuid::Uuid::nil()),
            Some(_) => Err(Error::Forbidden { scope: "publish:*".to_owned() }),
            None => Err(Error::Unauthorized),
        }
    }
}

/// A running server, which ends when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) chunks: Option<Arc<Chunks>>,
    pub(crate) files: Option<Arc<StaticFiles>>,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(endpoint: impl Endpoint + 'static, limits: Limits) -> Self {
        let tcp = Tcp::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = tcp.address();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            serve(tcp, endpoint, &limits, stopped).await;
        });
        Self { address, chunks: None, files: None, stop: Some(stop), task }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(crate::client::plain().build().unwrap().get(self.url(path))).await
    }

    pub(crate) async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = crate::client::plain().build().unwrap().put(self.url(path)).header("authorization", SECRET);
        Answer::of(request.body(body)).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let method = method.parse().unwrap();
        let request = crate::client::plain().build().unwrap().request(method, self.url(path));
        Answer::of(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
    }

    /// Sends the bytes, and returns everything until the connection ends.
    pub(crate) async fn raw(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Requests a path exactly as written, where a client would normalize it. Returns the status.
    pub(crate) async fn raw_status(&self, path: &str) -> u16 {
        let answer = self.raw(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        answer.split(' ').nth(1).unwrap_or_else(|| panic!("{path}: {answer:?}")).parse().unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Self { status, headers, body: answer.bytes().await.unwrap() }
    }

    /// The value of a header; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The code of a failure, whose form is also checked.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        let code = problem["code"].as_str().unwrap().to_owned();
        assert!(problem["type"].as_str().unwrap().ends_with(&format!("docs/errors.md#{code}")));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
        code
    }
}

/// A chunk with this content, in the form in which a store keeps it.
pub(crate) fn chunk(plain: &[u8]) -> (ChunkId, Bytes) {
    chunk_at(plain, 3)
}

pub(crate) fn chunk_at(plain: &[u8], level: i32) -> (ChunkId, Bytes) {
    let chunk = VerifiedChunk::of(plain.to_vec(), DigestAlgorithm::Sha512_256);
    let stored = Compressor::new(level).unwrap().compress(&chunk).unwrap();
    (chunk.id(), stored.into_bytes().into())
}

/// Bytes that do not compress.
pub(crate) fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

pub(crate) fn path_of(id: ChunkId) -> String {
    format!("/store/{}", id.store_path())
}

/// A time after the end of any test.
pub(crate) fn tomorrow() -> Time {
    Time::now().plus_seconds(86_400)
}

/// Whether the program can be run. If not, prints a line past the test harness; in CI that is a failure.
pub(crate) fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    let found = command.arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        assert!(std::env::var_os("CI").is_none(), "{program} must be on PATH in CI");
        let text = format!("SKIPPED: {program} is not on PATH, nothing is tested against it\n");
        std::io::stderr().write_all(text.as_bytes()).unwrap();
    }
    found
}

/// What the environment must say of an S3 server with the bucket `chunks`.
pub(crate) async fn s3_variables() -> Option<Vec<(String, String)>> {
    let url = s3_server()?;
    let client = crate::client::plain().build().unwrap();
    for _ in 0..300 {
        if client.put(format!("{url}/chunks")).send().await.is_ok_and(|it| it.status().is_success()) {
            let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            return Some(vec![
                set("AWS_ENDPOINT", url),
                set("AWS_ALLOW_HTTP", "true"),
                set("AWS_ACCESS_KEY_ID", "test"),
                set("AWS_SECRET_ACCESS_KEY", "test"),
                set("AWS_REGION", "us-east-1"),
            ]);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("moto_server does not answer");
}

/// The address of an S3 server, which ends with this process because its standard input does.
fn s3_server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<(Child, String)>> = OnceLock::new();
    SERVER.get_or_init(start_s3).as_ref().map(|(_, url)| url.as_str())
}

/// Starts an S3 server, which ends with its standard input.
pub(crate) fn start_s3() -> Option<(Child, String)> {
    if !is_there("moto_server") {
        return None;
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new("sh");
    let script = r#"moto_server -H 127.0.0.1 -p "$1" & read -r _; kill $!"#;
    command.args(["-c", script, "sh", &free.port().to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    Some((command.spawn().unwrap(), format!("http://{free}")))
}
