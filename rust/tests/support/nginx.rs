//! A real nginx in its own directory, optionally with TLS, HTTP/2 and client certificates.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The server, which runs until dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    child: Child,
    directory: TempDir,
    address: SocketAddr,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether nginx is installed. Prints a line if it is not, so that a skipped test is noticed.
pub(crate) fn is_installed() -> bool {
    let found = binary().is_some();
    if !found {
        eprintln!("SKIPPED: nginx is not installed");
    }
    found
}

fn binary() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push("/usr/sbin".into());
    folders.into_iter().map(|folder| folder.join("nginx")).find(|file| file.is_file())
}

impl Nginx {
    /// Serves `directory/www` and logs one line for each request to `directory/access.log`. `tls` has lines for the
    /// server block; certificates are looked up in the directory.
    pub(crate) fn start(directory: TempDir, tls: Option<&str>) -> Self {
        let root = directory.path();
        fs::create_dir_all(root.join("www")).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listen = if tls.is_some() { format!("{address} ssl http2") } else { address.to_string() };
        let config = format!(
            "daemon off; master_process off; pid nginx.pid; error_log error.log;
             events {{ worker_connections 1024; }}
             http {{
                log_format short '$server_protocol $status $uri $ssl_client_s_dn';
                access_log access.log short;
                client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
                server {{ listen {listen} backlog=1024; root www; {} }}
             }}",
            tls.unwrap_or_default()
        );
        fs::write(root.join("nginx.conf"), config).unwrap();
        let child = Command::new(binary().unwrap())
            .args(["-e", "error.log", "-c", "nginx.conf", "-p"])
            .arg(root)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "{}", fs::read_to_string(root.join("error.log")).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { child, directory, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn www(&self) -> PathBuf {
        self.directory.path().join("www")
    }

    /// The log: one line `<protocol> <status> <path> <client certificate's name>` for each request. nginx writes a line
    /// after it has answered, so this waits for `count` lines, but not forever.
    pub(crate) fn access_log(&self, count: usize) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(2);
        loop {
            let text = fs::read_to_string(self.directory.path().join("access.log")).unwrap();
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            if lines.len() >= count || Instant::now() > deadline {
                return lines;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.directory.path().join(name)).unwrap()
    }
}

/// Creates an authority (`ca.pem`), a certificate for localhost (`server.pem`, `server.key`) and one for a client
/// (`client.pem`, with its key) in `directory`.
pub(crate) fn make_certificates(directory: &Path) {
    let config = "[req]\ndistinguished_name=dn\n[dn]\n[ca]\nbasicConstraints=critical,CA:true\n\
                  keyUsage=critical,keyCertSign,cRLSign\n[server]\nbasicConstraints=CA:false\n\
                  subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n\
                  [client]\nbasicConstraints=CA:false\nextendedKeyUsage=clientAuth\n";
    fs::write(directory.join("openssl.cnf"), config).unwrap();
    let new_key = "req -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(directory, &format!("{new_key} -x509 -days 2 -extensions ca -subj /CN=Test-CA -keyout ca.key -out ca.pem"));
    for name in ["server", "client"] {
        openssl(directory, &format!("{new_key} -subj /CN=test-{name} -keyout {name}.key -out {name}.csr"));
        let sign = "x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile openssl.cnf";
        openssl(directory, &format!("{sign} -extensions {name} -in {name}.csr -out {name}.pem"));
    }
    let mut both = fs::read(directory.join("client.pem")).unwrap();
    both.extend(fs::read(directory.join("client.key")).unwrap());
    fs::write(directory.join("client.pem"), both).unwrap();
}

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}
