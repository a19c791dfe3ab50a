//! A web server over a folder, on real sockets: entity tags, ranges, a log of requests, and faults on demand.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

/// How to answer a request instead of reading a file.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// A status without a body.
    Status(u16),
    /// Another body.
    Body(Vec<u8>),
    /// 302 to this address.
    Redirect(String),
    /// Announces this length, sends these bytes, closes.
    Announce(u64, Vec<u8>),
    /// No length, and a body without an end.
    Endless,
    /// A first byte, then silence.
    Stall,
    /// One byte every 20 ms.
    Drip,
}

/// One request: path without the leading slash, and status of the answer; 0 if the request was incomplete.
pub(crate) type Asked = (String, u16);

/// The server, which runs until dropped.
#[derive(Debug)]
pub(crate) struct TestServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    delay: Duration,
    asked: Mutex<Vec<Asked>>,
    ranges: Mutex<Vec<String>>,
    credentials: Mutex<Vec<String>>,
    faults: Mutex<HashMap<String, Fault>>,
    /// Another folder, from which this many requests are answered first.
    older: Mutex<Option<(PathBuf, usize)>>,
    /// Bytes of a body after which the connection is cut, once.
    cut_after: Mutex<Option<usize>>,
    has_ranges: AtomicBool,
    closed: AtomicBool,
    pages: Mutex<Pages>,
    /// The coding of all bodies, whatever the client accepts.
    coding: Mutex<Option<&'static str>>,
}

/// When a web page is sent, with status 200, instead of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Pages {
    #[default]
    Never,
    /// Where a file is missing, as hosts of single-page applications do.
    ForMissing,
    /// For everything, as a network does that wants a login.
    ForAll,
}

const PAGE: &[u8] = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>\n";

impl TestServer {
    /// Serves the files below `root`.
    pub(crate) fn start(root: &Path) -> Self {
        Self::slow(root, Duration::ZERO)
    }

    /// Like [`Self::start`], but answers each request after `delay`.
    pub(crate) fn slow(root: &Path, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            delay,
            asked: Mutex::default(),
            ranges: Mutex::default(),
            credentials: Mutex::default(),
            faults: Mutex::default(),
            older: Mutex::default(),
            cut_after: Mutex::default(),
            has_ranges: AtomicBool::new(true),
            closed: AtomicBool::new(false),
            pages: Mutex::default(),
            coding: Mutex::default(),
        });
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

    /// From now on, answers requests for `path` in this way.
    pub(crate) fn break_path(&self, path: &str, fault: Fault) {
        self.shared.faults.lock().unwrap().insert(path.to_owned(), fault);
    }

    /// From now on, sends web pages with status 200.
    pub(crate) fn send_pages(&self, pages: Pages) {
        *self.shared.pages.lock().unwrap() = pages;
    }

    /// From now on, encodes all bodies like this: `gzip`, `deflate`, `zstd`; anything else is only announced.
    pub(crate) fn encode_all(&self, coding: &'static str) {
        *self.shared.coding.lock().unwrap() = Some(coding);
    }

    /// From now on, ignores ranges and returns whole files.
    pub(crate) fn forget_ranges(&self) {
        self.shared.has_ranges.store(false, Ordering::Relaxed);
    }

    /// Answers the next requests, as many as these, from another folder, as a server does that is cut off from the others.
    pub(crate) fn fall_behind(&self, root: &Path, requests: usize) {
        *self.shared.older.lock().unwrap() = Some((root.to_owned(), requests));
    }

    /// Cuts off the next body that is longer than this many bytes, and closes its connection.
    pub(crate) fn cut_once_after(&self, bytes: usize) {
        *self.shared.cut_after.lock().unwrap() = Some(bytes);
    }

    /// The ranges that were requested since the last call.
    pub(crate) fn take_ranges(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.ranges.lock().unwrap())
    }

    /// The values of `Authorization` and `Cookie` that requests carried since the last call.
    pub(crate) fn take_credentials(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.credentials.lock().unwrap())
    }

    /// The requests since the last call, in order.
    pub(crate) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap())
    }

    /// How often each file was requested since the last call.
    pub(crate) fn take_counts(&self) -> HashMap<String, u64> {
        self.take_asked().into_iter().fold(HashMap::new(), |mut counts, (path, _)| {
            *counts.entry(path).or_default() += 1;
            counts
        })
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// A URL at which no server listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// The parts of a request that matter here.
struct Request {
    path: String,
    known_tag: Option<String>,
    range: Option<(usize, usize)>,
}

/// Answers requests on one connection until it is closed. A client that disconnects is not an error.
fn serve(stream: &TcpStream, shared: &Shared) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream.try_clone().ok()?;
    loop {
        let request = shared.read(&mut reader)?;
        let fault = shared.faults.lock().unwrap().get(&request.path).cloned();
        let pages = *shared.pages.lock().unwrap();
        let file = match fault {
            None if pages == Pages::ForAll => Ok(PAGE.to_vec()),
            None => std::fs::read(shared.root().join(&request.path)).map_err(|_| 404),
            Some(Fault::Body(body)) => Ok(body),
            Some(Fault::Status(status)) => Err(status),
            Some(other) => {
                shared.asked.lock().unwrap().push((request.path, 0));
                return misbehave(&mut writer, &other);
            }
        };
        let file = file.or_else(|status| if pages == Pages::ForMissing { Ok(PAGE.to_vec()) } else { Err(status) });
        let coding = *shared.coding.lock().unwrap();
        let (headers, file) = match (coding, file) {
            (Some(coding), Ok(body)) => (format!("Content-Encoding: {coding}\r\n"), Ok(encode(coding, &body))),
            (_, file) => (String::new(), file),
        };
        let (status, more, body) = answer(&request, file);
        let headers = headers + &more;
        shared.asked.lock().unwrap().push((request.path, status));
        std::thread::sleep(shared.delay);
        let head = format!("HTTP/1.1 {status} Any\r\n{headers}\r\n");
        let cut = shared.cut_after.lock().unwrap().take_if(|cut| *cut < body.len());
        if let Some(cut) = cut {
            writer.write_all(&[head.as_bytes(), &body[..cut]].concat()).ok()?;
            stream.shutdown(Shutdown::Both).ok()?;
            return None;
        }
        writer.write_all(&[head.into_bytes(), body].concat()).ok()?;
    }
}

impl Shared {
    /// The folder for the next answer.
    fn root(&self) -> PathBuf {
        match &mut *self.older.lock().unwrap() {
            Some((older, left)) if *left > 0 => {
                *left -= 1;
                older.clone()
            }
            _ => self.root.clone(),
        }
    }

    fn read(&self, reader: &mut impl BufRead) -> Option<Request> {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let path = line.split(' ').nth(1)?.trim_start_matches('/').split('?').next()?.replace("%2B", "+");
        let mut request = Request { path, known_tag: None, range: None };
        let mut header = String::new();
        while reader.read_line(&mut header).ok().filter(|read| *read > 0)? > 2 {
            let (name, value) = header.split_once(':').unwrap_or_default();
            let value = value.trim().to_owned();
            if name.eq_ignore_ascii_case("if-none-match") {
                request.known_tag = Some(value);
            } else if ["authorization", "cookie"].iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
                self.credentials.lock().unwrap().push(value);
            } else if name.eq_ignore_ascii_case("range") {
                request.range = parse_range(&value).filter(|_| self.has_ranges.load(Ordering::Relaxed));
                self.ranges.lock().unwrap().push(value);
            }
            header.clear();
        }
        Some(request)
    }
}

/// Status, header lines and body of an answer.
fn answer(request: &Request, file: Result<Vec<u8>, u16>) -> (u16, String, Vec<u8>) {
    let plain = |status: u16| (status, "Content-Length: 0\r\n".to_owned(), Vec::new());
    let body = match file {
        Ok(body) => body,
        Err(status) => return plain(status),
    };
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..8]));
    if request.known_tag.as_ref() == Some(&tag) {
        return (304, format!("ETag: {tag}\r\n"), Vec::new());
    }
    let (status, range, body) = match request.range {
        None => (200, String::new(), body),
        Some((from, to)) if to < body.len() => {
            (206, format!("Content-Range: bytes {from}-{to}/{}\r\n", body.len()), body[from..=to].to_vec())
        }
        Some(_) => return plain(416),
    };
    (status, format!("ETag: {tag}\r\n{range}Content-Length: {}\r\n", body.len()), body)
}

fn encode(coding: &str, body: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::fast();
    match coding {
        "gzip" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        "zstd" => zstd::encode_all(body, 1).unwrap(),
        _ => body.to_vec(),
    }
}

fn parse_range(value: &str) -> Option<(usize, usize)> {
    let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?)).filter(|(from, to)| from <= to)
}

fn misbehave(writer: &mut TcpStream, fault: &Fault) -> Option<()> {
    let long = Duration::from_secs(20);
    match fault {
        Fault::Redirect(to) => {
            write!(writer, "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .ok()
        }
        Fault::Announce(length, body) => {
            write!(writer, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n").ok()?;
            writer.write_all(body).ok()
        }
        Fault::Endless => {
            write!(writer, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").ok()?;
            loop {
                writer.write_all(&[b' '; 4096]).ok()?;
            }
        }
        Fault::Stall => {
            write!(writer, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{{").ok()?;
            std::thread::sleep(long);
            None
        }
        Fault::Drip => {
            write!(writer, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n").ok()?;
            loop {
                writer.write_all(b" ").ok()?;
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Fault::Status(_) | Fault::Body(_) => None,
    }
}
