//! Prints results and errors: data to stdout, everything else to stderr.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};
use crate::text;
use serde::Serialize;

use crate::cli::arguments::Global;
use crate::cli::hints;
use crate::cli::words::Words;
use crate::cli::{progress, style};

/// Exit codes (see `vsekai --help`).
pub(crate) const DONE: u8 = 0;
const FAILED: u8 = 1;
pub(crate) const USAGE: u8 = 2;
const BUSY: u8 = 75;
const INTERRUPTED: u8 = 130;
/// The answer to a question was no.
pub(crate) const DECLINED: u8 = INTERRUPTED;
pub(crate) const INTERNAL: u8 = 101;

/// Longest answer to a question that is read.
const MAX_ANSWER_BYTES: u64 = 1024;

/// Whether a result could not be reported.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whose command it is: the same error calls for different steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    Player,
    Publisher,
}

/// How this run reports: as text or JSON, and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    verbose: bool,
    audience: Audience,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        Self { json: global.json, quiet: global.quiet, verbose: global.verbose, audience: Audience::Player }
    }

    /// Before the command line is parsed.
    pub(crate) fn for_script(json: bool) -> Self {
        Self { json, quiet: false, verbose: false, audience: Audience::Publisher }
    }

    pub(crate) fn for_whom(self, audience: Audience) -> Self {
        Self { audience, ..self }
    }

    /// The result: as text, or as the last JSON line.
    pub(crate) fn done<T: Serialize>(self, command: &str, result: &T, text: &str) {
        if self.json {
            Self::json_line(&Line { event: "done", command, result });
        } else if !self.quiet {
            Self::data(&text::lines(text));
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
            progress::clear();
            style::say(&text::lines(text));
        }
    }

    /// Whether results are text that is shown.
    pub(crate) fn is_for_people(self) -> bool {
        !self.json && !self.quiet
    }

    /// Whether people want to know more.
    pub(crate) fn is_verbose(self) -> bool {
        self.verbose
    }

    /// A line on stderr for people who want to know more.
    pub(crate) fn detail(self, text: &str) {
        if self.verbose && !text.is_empty() {
            self.note(text);
        }
    }

    /// Asks on a terminal.
    ///
    /// # Errors
    /// `Invalid` where nobody can answer, or everything is for a script: nobody has said yes then.
    pub(crate) fn confirm(self, question: &str) -> Result<bool> {
        let can_ask = self.is_for_people() && io::stdin().is_terminal() && io::stderr().is_terminal();
        if !can_ask {
            return Err(Error::invalid("command line", "there is no terminal to ask on: if you are sure, add --yes"));
        }
        let _ = write!(io::stderr(), "{} [y/N] ", text::line(question)).and_then(|()| io::stderr().flush());
        let mut answer = String::new();
        let is_read = io::stdin().lock().take(MAX_ANSWER_BYTES).read_line(&mut answer).is_ok();
        Ok(is_read && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// A line of data on stdout. A reader that closed the pipe is not an error.
    fn data(text: &str) {
        progress::clear();
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    /// The exit code of a command that ended with `code`, after all of it was reported or not.
    pub(crate) fn after(code: u8) -> u8 {
        if LOST.swap(false, Ordering::Relaxed) && code == DONE { FAILED } else { code }
    }

    /// Reports a command line that cannot be parsed. `said` is the parser's own text.
    pub(crate) fn refuse(said: &str, is_json: bool) -> u8 {
        let said = text::without_secrets(&text::of_parser(&text::lines(said)));
        style::say(said.trim_end_matches('\n'));
        if is_json {
            let (message, hint) = parts(&said);
            let code = "invalid_argument";
            Self::json_line(&Failure { event: "error", code, message, causes: Vec::new(), hint });
        }
        USAGE
    }

    /// A JSON object on one line of stdout.
    pub(crate) fn json_line<T: Serialize>(value: &T) {
        match serde_json::to_string(value) {
            Ok(line) => Self::data(&escaped(&line)),
            // A result that is not reported must not pass for one.
            Err(error) => {
                LOST.store(true, Ordering::Relaxed);
                let error = Error::unsupported(format!("the result as JSON: {error}"));
                let (code, message, causes) = (error.code(), error.message(), Vec::new());
                let line = Failure { event: "error", code, message, causes, hint: None };
                Self::data(&escaped(&serde_json::to_string(&line).unwrap_or_default()));
            }
        }
    }

    /// Prints the error and returns its exit code.
    pub(crate) fn fail(self, error: &Error, words: &Words) -> u8 {
        let (message, causes) = (error.message(), error.causes());
        let mut text = match error {
            // Ends with the server's own code.
            Error::ServerRefused { .. } => format!("error: {message}"),
            _ => format!("error: {message} [{}]", error.code()),
        };
        for reason in &causes {
            text = format!("{text}\n  {reason}");
        }
        let hint = hints::of(error, self.audience, words);
        if let Some(hint) = &hint {
            text = format!("{text}\n\nhint: {hint}");
        }
        progress::clear();
        style::say(&text);
        if self.json {
            Self::json_line(&Failure { event: "error", code: error.code(), message, causes, hint });
        }
        match error.code() {
            "invalid_argument" | "version_invalid" => USAGE,
            "busy" => BUSY,
            "cancelled" => INTERRUPTED,
            _ => FAILED,
        }
    }
}

/// What the parser says, on one line, and what it says about what to type instead.
fn parts(said: &str) -> (String, Option<String>) {
    let is_advice =
        |line: &&str| ["tip:", "Usage:", "For more information"].iter().any(|start| line.starts_with(start));
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let (fault, advice) = lines.split_at(lines.iter().position(is_advice).unwrap_or(lines.len()));
    let mut message = String::new();
    for line in fault {
        // Arguments are a list, one a line.
        let is_next = line.starts_with(['-', '<']) && !message.ends_with(':');
        let sep = match (message.is_empty(), is_next) {
            (true, _) => "",
            (false, true) => ", ",
            (false, false) => " ",
        };
        message = format!("{message}{sep}{line}");
    }
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    let advice: Vec<&str> = advice.iter().copied().filter(|line| !line.starts_with("For more information")).collect();
    (message, (!advice.is_empty()).then(|| advice.join(" ")))
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    hint: Option<String>,
}

/// A line of JSON with the characters escaped that JSON allows and a terminal would obey, or show as another order of
/// the text. They can only be in strings.
fn escaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for character in line.chars() {
        if text::is_forbidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_errors_name_their_arguments_on_one_line() {
        let of = |words: &str| {
            let words = words.split(' ').map(Into::into).collect();
            parts(&crate::cli::arguments::Cli::parse_arguments(words).unwrap_err().render().to_string())
        };
        let (message, hint) = of("publish BUILD --mode stable");
        let start = "the following required arguments were not provided: --version <VERSION>, --entry <EXE>, ";
        assert!(message.starts_with(start) && !message.contains('\n'), "{message}");
        assert!(hint.as_ref().is_some_and(|hint| hint.starts_with("Usage: vsekai publish")), "{hint:?}");
        let (message, hint) = of("update GAME --dryrun");
        assert_eq!(message, "unexpected argument '--dryrun' found");
        assert!(hint.is_some_and(|hint| hint.starts_with("tip: a similar argument exists: '--dry-run'")));
        let (message, _) = of("keys threshold K root many");
        assert!(message.starts_with("invalid value 'many' for '<NUMBER>': "), "{message}");
        let said = |words: &str| text::of_parser(&of(words).0);
        assert!(
            said("status G --threads x").ends_with("'--threads <N>': write a whole number"),
            "{}",
            said("status G --threads x")
        );
        assert!(said("status G --threads 0").ends_with("0 is not in 1 to 256"), "{}", said("status G --threads 0"));
    }

    #[test]
    fn json_lines_hold_nothing_that_a_terminal_obeys() {
        let hostile = "a\u{1b}[31m\u{9b}2J\u{7f}\u{202e}\u{e0001}ゲーム\n";
        let line = escaped(&serde_json::to_string(hostile).unwrap());
        assert!(!line.chars().any(text::is_forbidden) && line.contains("ゲーム"), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), hostile);
    }
}
