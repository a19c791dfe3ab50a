//! desync's own server as a store.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::run::{Run, extract};
use crate::support::stores::{Bench, ids, read_index};
use crate::support::tools::{Maker, is_there};
use crate::support::trees::{Same, assert_equal_trees, copy};

struct ChunkServer {
    child: Child,
    url: String,
}

impl ChunkServer {
    fn start(store: &Path, log: &Path, options: &[&str]) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new("desync");
        command.args(["chunk-server", "-l", &address.to_string(), "-s"]).arg(store).arg("--log").arg(log);
        let child = command.args(options).stderr(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "desync chunk-server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, url: format!("http://{address}/") }
    }
}

impl Drop for ChunkServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn install_and_update_from_desyncs_chunk_server_with_authorization() {
    if !is_there("desync") {
        return;
    }
    let bench = Bench::in_memory();
    let (old, new, destination) = (bench.path("old"), bench.path("new"), bench.path("GAME"));
    super::first_version(&old);
    copy(&old, &new);
    super::second_version(&new);
    let (old_index, new_index) = (bench.path("old.caidx"), bench.path("new.caidx"));
    Maker::Desync(&[]).make(&bench.store(), &old_index, &old);
    Maker::Desync(&[]).make(&bench.store(), &new_index, &new);
    let log = bench.path("log");
    let server = ChunkServer::start(&bench.store(), &log, &["--authorization", "Bearer open sesame"]);
    let answers = || std::fs::read_to_string(&log).unwrap_or_default().matches("Response: 200").count();

    let run = Run::of(&mut extract(&[&server.url], &old_index, &destination));
    run.failed("unauthorized");
    assert!(run.stderr.contains("VSEKAI_HTTP_AUTH"), "{}", run.stderr);
    assert!(!destination.exists());
    let wrong = Run::of(extract(&[&server.url], &old_index, &destination).env("VSEKAI_HTTP_AUTH", "Bearer nonsense"));
    wrong.failed("unauthorized");
    assert!(!wrong.stderr.contains("nonsense"), "secrets are not shown");

    Run::of(extract(&[&server.url], &old_index, &destination).env("VSEKAI_HTTP_AUTH", "Bearer open sesame")).done();
    assert_equal_trees(&destination, &old, Same::ModesAndTimes);
    let before = answers();
    let secret = bench.path("secret");
    std::fs::write(&secret, "Bearer open sesame\n").unwrap();
    Run::of(extract(&[&server.url], &new_index, &destination).arg("--http-auth-file").arg(&secret)).done();
    assert_equal_trees(&destination, &new, Same::ModesAndTimes);
    let missing = ids(&read_index(&new_index)).difference(&ids(&read_index(&old_index))).count();
    assert_eq!(answers() - before, missing);
}
