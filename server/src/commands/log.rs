//! The log, written by a thread of its own: a reader that has stopped reading must not stop the server.
//!
//! Lines that find no room are counted, and the count is written once there is room again.
//!
//! With `log_format = "json"`, every line of `serve` is JSON of one shape, also what is not of the log: where it listens,
//! why it does not start, a panic. Other commands talk to people, and write text.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;
use vsekai_server::config::Config;
use vsekai_server::error::{Error, Result};
use vsekai_server::model::Time;

/// Lines that wait to be written.
const MAX_WAITING: usize = 4096;

/// How long the end of the program waits for the last lines.
const LAST_LINES: Duration = Duration::from_secs(1);

static LOG: OnceLock<Log> = OnceLock::new();

static IS_JSON: AtomicBool = AtomicBool::new(false);

/// From now on, everything that this process writes is JSON.
pub(crate) fn write_json() {
    IS_JSON.store(true, Ordering::Relaxed);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let said = panic.payload_as_str().unwrap_or_default();
        let line =
            entry("ERROR", &json!({"event": "panicked", "message": format!("panicked: {said}"), "place": place}));
        match LOG.get() {
            Some(log) => log.send(line.into_bytes()),
            None => {
                let _ = io::stderr().write_all(line.as_bytes());
            }
        }
        finish();
    }));
}

pub(crate) fn is_json() -> bool {
    IS_JSON.load(Ordering::Relaxed)
}

/// A line as the log has them in JSON.
pub(crate) fn entry(level: &str, fields: &Value) -> String {
    let line =
        json!({"timestamp": Time::now().to_string(), "level": level, "fields": fields, "target": "vsekai_server"});
    format!("{line}\n")
}

/// A line for whoever started the program, as text or JSON. `fields` has its `event`, and what is in the text.
pub(super) fn shown(fields: Value, text: &str) -> String {
    if !is_json() {
        return format!("{text}\n");
    }
    let mut fields = fields;
    fields["message"] = text.into();
    entry("INFO", &fields)
}

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
    let outcome = if is_json() { log.json().try_init() } else { log.try_init() };
    outcome.map_err(Error::internal_by("starting the log"))
}

/// Writes a line that is not of the log, such as where the server listens, without waiting for a reader.
pub(super) fn line(fields: Value, text: &str) {
    match LOG.get() {
        Some(log) => log.send(shown(fields, text).into_bytes()),
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
            let lost = format!("{count} lines of the log were lost: nobody read it");
            let fields = json!({"event": "lines_lost", "lines": count});
            let _ = out.write_all(shown(fields, &lost).as_bytes());
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    const CHILD: &str = "VSEKAI_TEST_PANIC";

    #[test]
    fn a_panic_is_a_line_of_json() {
        if std::env::var_os(CHILD).is_some() {
            write_json();
            panic!("on\npurpose");
        }
        let this = std::env::current_exe().unwrap();
        let name = "commands::log::tests::a_panic_is_a_line_of_json";
        let child = std::process::Command::new(this).args(["--exact", name, "--nocapture"]).env(CHILD, "1").output();
        let said = String::from_utf8(child.unwrap().stderr).unwrap();
        let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["fields"]["message"], "panicked: on\npurpose", "{said}");
        assert!(
            lines[0]["fields"]["place"].as_str().unwrap().contains("log.rs:") && lines[0]["level"] == "ERROR",
            "{said}"
        );
    }
}
