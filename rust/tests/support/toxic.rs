//! An HTTP/1.1 server that misbehaves on demand, per path and per request.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Longer than any test waits.
const FOREVER: Duration = Duration::from_mins(1);

/// How to answer one request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// 200 with its length.
    Good(Vec<u8>),
    /// 200 after a pause.
    Late(Duration, Vec<u8>),
    /// A status with headers and a short text.
    Status(u16, Vec<(&'static str, String)>),
    /// Announces the full length, sends the first bytes, then resets the connection.
    ResetAfter(usize, Vec<u8>),
    /// Announces the full length, sends the first bytes, then closes in order.
    CloseAfter(usize, Vec<u8>),
    /// Sends everything, then keeps the connection open although it announced closing it.
    SlowClose(Vec<u8>),
    /// Accepts the request and sends nothing.
    Silence,
    /// Announces the full length, sends the first bytes, then nothing more.
    StallAfter(usize, Vec<u8>),
    /// One byte at a time.
    Drip(Duration, Vec<u8>),
    /// Announces this length, sends these bytes, closes.
    Announce(usize, Vec<u8>),
    /// No length, and a body without an end.
    Endless,
}

/// One request as received.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: HashMap<String, String>,
}

#[derive(Debug, Default)]
struct State {
    scripts: Mutex<HashMap<String, Vec<Reply>>>,
    otherwise: Mutex<Option<Reply>>,
    seen: Mutex<Vec<Seen>>,
    under_way: AtomicUsize,
    peak: AtomicUsize,
}

/// The server, which runs until dropped.
#[derive(Debug)]
pub(crate) struct Toxic {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

impl Drop for Toxic {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Toxic {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, accepting }
    }

    /// Answers the n-th request for `path` with the n-th reply; the last one repeats.
    pub(crate) fn on(&self, path: &str, replies: impl Into<Vec<Reply>>) {
        self.state.scripts.lock().unwrap().insert(path.to_owned(), replies.into());
    }

    /// The reply for paths without a script, which otherwise get 404.
    pub(crate) fn otherwise(&self, reply: Reply) {
        *self.state.otherwise.lock().unwrap() = Some(reply);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path == path).count()
    }

    /// Largest number of requests that were being answered at once.
    pub(crate) fn peak(&self) -> usize {
        self.state.peak.load(Ordering::SeqCst)
    }
}

impl State {
    fn reply_to(&self, seen: Seen) -> Reply {
        let path = seen.path.clone();
        let mut all = self.seen.lock().unwrap();
        let before = all.iter().filter(|other| other.path == path).count();
        all.push(seen);
        let scripts = self.scripts.lock().unwrap();
        let scripted = scripts.get(&path).and_then(|replies| replies.get(before).or(replies.last()).cloned());
        let otherwise = || self.otherwise.lock().unwrap().clone();
        scripted.or_else(otherwise).unwrap_or(Reply::Status(404, Vec::new()))
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::new();
    while let Some(seen) = read_request(&mut stream, &mut buffer).await {
        let reply = state.reply_to(seen);
        let now = state.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        state.peak.fetch_max(now, Ordering::SeqCst);
        let go_on = answer(&mut stream, reply).await;
        state.under_way.fetch_sub(1, Ordering::SeqCst);
        if !matches!(go_on, Ok(true)) {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
        // A TLS handshake: answer like a server without TLS.
        if buffer[0] == 0x16 {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n").await;
            return None;
        }
    };
    let head: Vec<u8> = buffer.drain(..end).collect();
    let text = String::from_utf8(head).ok()?;
    let mut lines = text.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Seen { path, headers })
}

/// Whether the connection can take another request.
async fn answer(stream: &mut TcpStream, reply: Reply) -> std::io::Result<bool> {
    match reply {
        Reply::Good(body) => return good(stream, &body).await,
        Reply::Late(pause, body) => {
            sleep(pause).await;
            return good(stream, &body).await;
        }
        Reply::Status(status, headers) => {
            let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head = format!("HTTP/1.1 {status} Toxic\r\ncontent-length: 4\r\n{lines}\r\noops");
            stream.write_all(head.as_bytes()).await?;
            return Ok(true);
        }
        Reply::ResetAfter(count, body) => {
            head(stream, body.len()).await?;
            stream.write_all(&body[..count]).await?;
            sleep(Duration::from_millis(20)).await;
            stream.set_zero_linger()?;
        }
        Reply::CloseAfter(count, body) => {
            head(stream, body.len()).await?;
            stream.write_all(&body[..count]).await?;
        }
        Reply::SlowClose(body) => {
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            sleep(FOREVER).await;
        }
        Reply::Silence => sleep(FOREVER).await,
        Reply::StallAfter(count, body) => {
            head(stream, body.len()).await?;
            stream.write_all(&body[..count]).await?;
            sleep(FOREVER).await;
        }
        Reply::Drip(pause, body) => {
            head(stream, body.len()).await?;
            for byte in body {
                stream.write_all(&[byte]).await?;
                sleep(pause).await;
            }
        }
        Reply::Announce(length, body) => {
            head(stream, length).await?;
            stream.write_all(&body).await?;
        }
        Reply::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
            loop {
                stream.write_all(&[0; 4096]).await?;
            }
        }
    }
    Ok(false)
}

async fn good(stream: &mut TcpStream, body: &[u8]) -> std::io::Result<bool> {
    head(stream, body.len()).await?;
    stream.write_all(body).await?;
    Ok(true)
}

async fn head(stream: &mut TcpStream, length: usize) -> std::io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").as_bytes()).await
}
