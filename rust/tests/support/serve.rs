//! A plain web server over a folder, on real sockets: it counts what it is asked for, and can be slow.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Server {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    delay: Duration,
    asked: Mutex<HashMap<String, u64>>,
    ranges: Mutex<Vec<String>>,
    /// Bytes of a body after which the connection is cut, once.
    cut_after: Mutex<Option<usize>>,
    has_ranges: AtomicBool,
    closed: AtomicBool,
}

impl Server {
    /// Serves the files below `root`, each after `delay`.
    pub(crate) fn start(root: &Path, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            root: root.to_owned(),
            delay,
            asked: Mutex::default(),
            ranges: Mutex::default(),
            cut_after: Mutex::default(),
            has_ranges: AtomicBool::new(true),
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

    /// From now on it gives whole files whatever is asked for.
    pub(crate) fn forget_ranges(&self) {
        self.shared.has_ranges.store(false, Ordering::Relaxed);
    }

    /// The next body that is longer is cut off after so many bytes, with its connection.
    pub(crate) fn cut_once_after(&self, bytes: usize) {
        *self.shared.cut_after.lock().unwrap() = Some(bytes);
    }

    /// The ranges that were asked for since the last call.
    pub(crate) fn take_ranges(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.ranges.lock().unwrap())
    }

    /// How often each file was asked for since the last call.
    pub(crate) fn take_asked(&self) -> HashMap<String, u64> {
        std::mem::take(&mut *self.shared.asked.lock().unwrap())
    }
}

impl Drop for Server {
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
        let (mut header, mut range) = (String::new(), None);
        while reader.read_line(&mut header).ok().filter(|read| *read > 0)? > 2 {
            let (name, value) = header.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("range") {
                range = parse_range(value.trim());
                shared.ranges.lock().unwrap().push(value.trim().to_owned());
            }
            header.clear();
        }
        let name = request.split(' ').nth(1)?.trim_start_matches('/').split('?').next()?.to_owned();
        *shared.asked.lock().unwrap().entry(name.clone()).or_default() += 1;
        std::thread::sleep(shared.delay);
        let range = range.filter(|_| shared.has_ranges.load(Ordering::Relaxed));
        let (status, extra, body) = match (std::fs::read(shared.root.join(&name)), range) {
            (Ok(body), Some((from, to))) if to < body.len() => {
                let extra = format!("Content-Range: bytes {from}-{to}/{}\r\n", body.len());
                ("206 Partial Content", extra, body[from..=to].to_vec())
            }
            (Ok(_), Some(_)) => ("416 Range Not Satisfiable", String::new(), Vec::new()),
            (Ok(body), None) => ("200 OK", String::new(), body),
            (Err(_), _) => ("404 Not Found", String::new(), Vec::new()),
        };
        let head = format!("HTTP/1.1 {status}\r\n{extra}Content-Length: {}\r\n\r\n", body.len());
        let cut = shared.cut_after.lock().unwrap().take_if(|cut| *cut < body.len());
        if let Some(cut) = cut {
            writer.write_all(&[head.as_bytes(), &body[..cut]].concat()).ok()?;
            stream.shutdown(std::net::Shutdown::Both).ok()?;
            return None;
        }
        writer.write_all(&[head.into_bytes(), body].concat()).ok()?;
    }
}

fn parse_range(value: &str) -> Option<(usize, usize)> {
    let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?)).filter(|(from, to)| from <= to)
}
