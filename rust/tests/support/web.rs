//! A web server over a repository folder: entity tags as nginx and S3 have them, and faults as told, per path.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sha2::{Digest, Sha256};

/// What to do instead of answering.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// A status without a body.
    Status(u16),
    /// Another body.
    Body(Vec<u8>),
    /// 302 to this.
    Redirect(String),
    /// Announces this length, sends these bytes, closes.
    Announce(u64, Vec<u8>),
    /// No length, and no end.
    Endless,
    /// A first byte, then silence.
    Stall,
    /// One byte each 20 ms.
    Drip,
}

/// One request: path without the leading slash, status of the answer.
pub(crate) type Asked = (String, u16);

#[derive(Debug)]
pub(crate) struct Web {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    faults: Mutex<HashMap<String, Fault>>,
    asked: Mutex<Vec<Asked>>,
    closed: AtomicBool,
}

impl Web {
    pub(crate) fn start(root: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            faults: Mutex::default(),
            asked: Mutex::default(),
            closed: AtomicBool::new(false),
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

    /// From now on `path` is answered so.
    pub(crate) fn break_path(&self, path: &str, fault: Fault) {
        self.shared.faults.lock().unwrap().insert(path.to_owned(), fault);
    }

    /// What was asked for since the last call.
    pub(crate) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap())
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// A URL at which nobody listens.
pub(crate) fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Answers requests on one connection until it is closed. Whoever went away is no failure.
fn serve(stream: &TcpStream, shared: &Shared) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream.try_clone().ok()?;
    loop {
        let mut request = String::new();
        reader.read_line(&mut request).ok().filter(|read| *read > 0)?;
        let mut known_tag = None;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok().filter(|read| *read > 0)?;
            if header.trim().is_empty() {
                break;
            }
            if let Some(tag) = header.to_ascii_lowercase().strip_prefix("if-none-match:") {
                known_tag = Some(tag.trim().to_owned());
            }
        }
        let path = request.split(' ').nth(1)?.trim_start_matches('/').replace("%2B", "+");
        let fault = shared.faults.lock().unwrap().get(&path).cloned();
        let log = |status| shared.asked.lock().unwrap().push((path.clone(), status));
        let body = match fault {
            None => std::fs::read(shared.root.join(&path)).map_err(|_| 404),
            Some(Fault::Body(body)) => Ok(body),
            Some(Fault::Status(status)) => Err(status),
            Some(other) => {
                log(0);
                return misbehave(&mut writer, &other);
            }
        };
        let (status, tag, body) = match body {
            Ok(body) => {
                let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..8]));
                if known_tag.as_ref() == Some(&tag) { (304, tag, Vec::new()) } else { (200, tag, body) }
            }
            Err(status) => (status, String::new(), Vec::new()),
        };
        log(status);
        let tag = if tag.is_empty() { tag } else { format!("ETag: {tag}\r\n") };
        let length = if status == 304 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head = format!("HTTP/1.1 {status} Any\r\n{tag}{length}\r\n");
        writer.write_all(&[head.into_bytes(), body].concat()).ok()?;
    }
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
