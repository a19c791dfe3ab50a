//! A real nginx that serves one store, and logs its requests to a file of its own.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;

/// Its folder in the folder of the benchmark.
pub(crate) const FOLDER: &str = "nginx";

const START_LIMIT: Duration = Duration::from_secs(10);

/// nginx on 127.0.0.1; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Nginx {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

/// One request, as logged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) status: u16,
    /// Bytes of header and body.
    pub(crate) sent_bytes: u64,
}

impl Nginx {
    /// Serves the content of `root` as `/store/`; keeps its own files in `folder`.
    pub(crate) fn start(nginx: &Path, root: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let conf = folder.join("nginx.conf");
        fs::write(&conf, configuration(&root.canonicalize()?, folder, address))?;
        let child = Command::new(nginx)
            .arg("-e")
            .arg(folder.join("error.log"))
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&conf)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut server = Self { child, address, log: folder.join("access.log") };
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_err() {
            if server.child.try_wait()?.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(folder.join("error.log")).unwrap_or_default();
                return Err(format!("nginx does not serve: {}", log.lines().last().unwrap_or("no reason given")).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The position in the log of the next request.
    pub(crate) fn mark(&self) -> u64 {
        fs::metadata(&self.log).map_or(0, |found| found.len())
    }

    /// The requests for chunks since `mark`.
    pub(crate) fn chunk_requests_since(&self, mark: u64) -> Result<Vec<Request>> {
        let mut requests = self.requests_since(mark)?;
        requests.retain(|request| request.path.contains(".cacnk"));
        Ok(requests)
    }

    /// All requests since `mark`.
    pub(crate) fn requests_since(&self, mark: u64) -> Result<Vec<Request>> {
        // nginx logs a request when it has finished with it, which may be after the client has.
        let mut length = self.mark();
        for _ in 0..100 {
            std::thread::sleep(Duration::from_millis(100));
            let now = self.mark();
            if now == length {
                break;
            }
            length = now;
        }
        let log = fs::read_to_string(&self.log)?;
        let lines = log.get(usize::try_from(mark)?..).unwrap_or_default().lines();
        let requests = lines.filter_map(|line| {
            let mut words = line.split(' ');
            let (path, status, sent) = (words.next()?, words.next()?, words.next()?);
            Some(Request { path: path.to_owned(), status: status.parse().ok()?, sent_bytes: sent.parse().ok()? })
        });
        Ok(requests.collect())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Stops the server whose files are in `folder`, if there is one: for a benchmark that is interrupted.
pub(crate) fn stop_in(folder: &Path) {
    if let Ok(pid) = fs::read_to_string(folder.join("pid")) {
        let _ = Command::new("kill").arg(pid.trim()).status();
    }
}

/// A single process, so that killing it stops nginx. Raises the limit on requests for each connection, which is 1,000
/// by default.
fn configuration(store: &Path, folder: &Path, address: SocketAddr) -> String {
    let folder = folder.display();
    let store = store.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path \"{folder}/{kind}\";\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid \"{folder}/pid\";\nerror_log \"{folder}/error.log\";\n\
         events {{ worker_connections 2048; }}\nhttp {{\n{temporary}\
         \x20 log_format bench '$request_uri $status $bytes_sent';\n\
         \x20 access_log \"{folder}/access.log\" bench;\n\
         \x20 sendfile on;\n  keepalive_requests 100000;\n  default_type application/octet-stream;\n\
         \x20 server {{\n    listen {address};\n    location /store/ {{ alias \"{store}/\"; }}\n  }}\n}}\n"
    )
}
