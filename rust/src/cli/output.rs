//! Prints results and errors: data to stdout, everything else to stderr.

use std::io::{self, Write};

use crate::Error;
use serde::Serialize;

use crate::cli::arguments::Global;
use crate::cli::hints::hint;

/// Exit codes (see `vsekai --help`).
pub(crate) const DONE: u8 = 0;
const FAILED: u8 = 1;
pub(crate) const USAGE: u8 = 2;
const BUSY: u8 = 75;
const INTERRUPTED: u8 = 130;
pub(crate) const INTERNAL: u8 = 101;

/// How this run reports: as text or JSON, and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        Self { json: global.json, quiet: global.quiet }
    }

    /// The result: as text, or as the last JSON line.
    pub(crate) fn done<T: Serialize>(self, command: &str, result: &T, text: &str) {
        if self.json {
            Self::json_line(&Line { event: "done", command, result });
        } else if !self.quiet {
            Self::data(text);
        }
    }

    /// The result of a command whose stdout belongs to another program: as the last JSON line, or not at all.
    pub(crate) fn done_quietly<T: Serialize>(self, command: &str, result: &T) {
        if self.json {
            Self::json_line(&Line { event: "done", command, result });
        }
    }

    /// What a command shows although it fails: as text, or as a JSON line before that of the error.
    pub(crate) fn data_before_error<T: Serialize>(self, command: &str, result: &T, text: &str) {
        if self.json {
            Self::json_line(&Line { event: "shown", command, result });
        } else if !self.quiet {
            Self::data(text);
        }
    }

    /// A line on stderr for people. `--json` reports the same in its last line; `--quiet` omits it.
    pub(crate) fn note(self, text: &str) {
        if !self.json && !self.quiet {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// A line of data on stdout. A reader that closed the pipe is not an error.
    pub(crate) fn data(text: &str) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    /// A JSON object on one line of stdout.
    pub(crate) fn json_line<T: Serialize>(value: &T) {
        if let Ok(line) = serde_json::to_string(value) {
            Self::data(&line);
        }
    }

    /// Prints the error and returns its exit code.
    pub(crate) fn fail(self, error: &Error) -> u8 {
        let mut text = format!("error: {error}");
        let mut cause = std::error::Error::source(error);
        while let Some(reason) = cause {
            text = format!("{text}\n  {reason}");
            cause = reason.source();
        }
        if let Some(hint) = hint(error.code()) {
            text = format!("{text}\n\nhint: {hint}");
        }
        let _ = writeln!(io::stderr(), "{text}");
        if self.json {
            let message = error.to_string();
            Self::json_line(&Failure { event: "error", code: error.code(), message, hint: hint(error.code()) });
        }
        match error.code() {
            "invalid_argument" => USAGE,
            "busy" => BUSY,
            "cancelled" => INTERRUPTED,
            _ => FAILED,
        }
    }
}

#[derive(Serialize)]
struct Line<'a, T> {
    event: &'static str,
    command: &'a str,
    #[serde(flatten)]
    result: &'a T,
}

#[derive(Serialize)]
struct Failure {
    event: &'static str,
    code: &'static str,
    message: String,
    hint: Option<&'static str>,
}
