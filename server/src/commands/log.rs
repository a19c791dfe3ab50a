//! The log, written by a thread of its own: a reader that has stopped reading must not stop the server.
//!
//! Lines that find no room are counted, and the count is written once there is room again.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;
use vsekai_server::config::Config;
use vsekai_server::error::{Error, Result};

/// Lines that wait to be written.
const MAX_WAITING: usize = 4096;

/// How long the end of the program waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

static LOG: OnceLock<Log> = OnceLock::new();

#[derive(Clone, Debug)]
struct Log {
    lines: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Starts the log as configured.
pub(super) fn start(config: &Config) -> Result<()> {
    let filter = config.log_filter()?;
    let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
    let log = Log::start().map_err(Error::internal_by("starting the log"))?;
    let _ = LOG.set(log.clone());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).with_writer(log);
    let outcome = if config.log_format == "json" { log.json().try_init() } else { log.try_init() };
    outcome.map_err(Error::internal_by("starting the log"))
}

/// Writes a line that is not of the log, such as where the server listens, without waiting for a reader.
pub(super) fn line(text: &str) {
    match LOG.get() {
        Some(log) => log.send(format!("{text}\n").into_bytes()),
        None => super::note(text),
    }
}

/// Waits a moment for what has been said to be written.
pub(super) fn finish() {
    let Some(log) = LOG.get() else { return };
    let (done, written) = sync_channel(1);
    if log.lines.try_send(Message::Flush(done)).is_ok() {
        let _ = written.recv_timeout(LAST_LINES);
    }
}

impl Log {
    fn start() -> io::Result<Self> {
        let (lines, waiting) = sync_channel(MAX_WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write(&waiting, &counted))?;
        Ok(Self { lines, lost })
    }

    fn send(&self, line: Vec<u8>) {
        if self.lines.try_send(Message::Line(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write(waiting: &Receiver<Message>, lost: &AtomicU64) {
    while let Ok(message) = waiting.recv() {
        let mut out = io::stderr().lock();
        match message {
            Message::Line(line) => {
                // A reader that has gone away is no reason to end.
                let _ = out.write_all(&line);
            }
            Message::Flush(done) => {
                let _ = done.try_send(());
            }
        }
        let count = lost.swap(0, Ordering::Relaxed);
        if count > 0 {
            let _ = writeln!(out, "{count} lines of the log were lost: nobody read it");
        }
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { log: self, bytes: Vec::new() }
    }
}

/// A line of the log, sent when it is complete.
struct Line<'a> {
    log: &'a Log,
    bytes: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.log.send(std::mem::take(&mut self.bytes));
        }
    }
}
