//! Makes text safe to show on a terminal, in a label or in a log.
//!
//! Text from outside (names, descriptions, notes, addresses, what a server or the system says) goes through one of
//! these functions before anybody sees it. They are pure, linear, and do not fail.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

mod closest;
mod layout;
#[cfg(test)]
mod tests;

pub use closest::{closest, with_meant};
pub use layout::{bytes, count, counted, table};

/// Stands for a character that is not shown.
const HIDDEN: char = '\u{FFFD}';

/// Whether a character does more than stand for itself: control characters (a terminal obeys them), characters that
/// change the direction of text, and invisible ones. Joiners are allowed: emoji and several scripts need them.
pub fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Text that stays on one line. Line breaks and tabs become spaces; other forbidden characters become `�`.
pub fn line(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        character if is_forbidden(character) => HIDDEN,
        character => character,
    };
    text.chars().map(shown).collect()
}

/// Text that may have several lines, such as release notes. Forbidden characters are left out.
pub fn lines(text: &str) -> String {
    text.chars().filter(|character| matches!(character, '\n' | '\t') || !is_forbidden(*character)).collect()
}

/// What a parser of command lines says, with numbers that it refuses described as people would.
pub fn of_parser(said: &str) -> String {
    const WORDS: [(&str, &str); 5] = [
        ("invalid digit found in string", "write a whole number"),
        ("cannot parse integer from empty string", "write a whole number"),
        ("number too large to fit in target type", "the number is too large"),
        ("number too small to fit in target type", "the number is too small"),
        ("..=", " to "),
    ];
    WORDS.iter().fold(said.to_owned(), |said, (theirs, ours)| said.replace(theirs, ours))
}

/// A message of an error or a warning: one line, and no secret in any address that it quotes.
pub fn message(text: &str) -> String {
    without_secrets(&line(text))
}

/// A path on one line. Bytes that are not UTF-8 are replaced.
pub fn path(path: &Path) -> String {
    line(&path.to_string_lossy())
}

/// Serializes a path that may not be UTF-8, for output only: such a path cannot be read back.
///
/// # Errors
/// Those of the serializer.
pub fn lossy<S: serde::Serializer, P: AsRef<Path>>(path: P, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.as_ref().to_string_lossy())
}

/// Like [`lossy`], for a path that may be missing.
///
/// # Errors
/// Those of the serializer.
#[allow(clippy::ref_option, reason = "the signature that serde wants")]
pub fn lossy_option<S: serde::Serializer, P: AsRef<Path>>(path: &Option<P>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.serialize_some(&path.as_ref().to_string_lossy()),
        None => serializer.serialize_none(),
    }
}

/// A URL in a form that may be shown: without user and password, query and fragment, any of which can be a secret.
/// Other text, such as the path of a folder, is returned as it is.
pub fn address(text: &str) -> String {
    if has_scheme(text) { without_secrets_of_one(text) } else { message(text) }
}

/// Whether a URL has a part that can be a secret, so that files which keep it must be private.
pub fn has_secret(text: &str) -> bool {
    has_scheme(text) && without_secrets_of_one(text) != without_fragment(text)
}

/// Text in which every address is shown as by [`address`]. Also finds the remains of addresses that were treated as a
/// path or as several words.
pub fn without_secrets(text: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c| !is_end(c)) {
        let (between, word) = rest.split_at(start);
        let (word, after) = word.split_at(word.find(is_end).unwrap_or(word.len()));
        out.push_str(between);
        out.push_str(&word_without_secrets(word));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn word_without_secrets(word: &str) -> String {
    // Punctuation at the end of a clause is not part of the address.
    let (body, end) = word.split_at(word.trim_end_matches([':', ',', ';', '.', ')', ']']).len());
    let Some(at) = body.find("://") else { return format!("{}{end}", path_without_secrets(body)) };
    let start = body[..at].char_indices().rev().find(|(_, c)| !is_of_scheme(*c)).map_or(0, |(at, c)| at + c.len_utf8());
    format!("{}{}{end}", &body[..start], without_secrets_of_one(&body[start..]))
}

/// Removes user and password before a host, and a query, from text that looks like a path.
fn path_without_secrets(path: &str) -> String {
    let has_query = path.split_once('?').is_some_and(|(_, query)| query.contains('='));
    let bare = if has_query { path.split_once('?').map_or(path, |(bare, _)| bare) } else { path };
    let end = if has_query { "?…" } else { "" };
    // A path of Windows has a colon, too.
    let Some((before, host)) = bare.rsplit_once('@').filter(|(before, _)| !before.contains('\\')) else {
        return format!("{bare}{end}");
    };
    // `http:/user:password@host`, which is how a path shows the URL; or `user:password@host`.
    let scheme = before.find(":/").map(|at| at + 2);
    let start = match scheme {
        Some(after_scheme) if before[after_scheme..].contains(':') => after_scheme,
        Some(_) => return format!("{bare}{end}"),
        None => {
            let start = before.rfind('/').map_or(0, |slash| slash + 1);
            if !before[start..].contains(':') {
                return format!("{bare}{end}");
            }
            start
        }
    };
    format!("{}{host}{end}", &before[..start])
}

fn without_secrets_of_one(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return line(url) };
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, path) = match authority.rsplit_once('@') {
        Some((_, host)) => (host, path),
        // A password with a slash makes the URL invalid, but it is still somebody's password.
        None if !has_port(authority) => path.rsplit_once('@').map_or((authority, path), |(_, host)| (host, "")),
        None => (authority, path),
    };
    let path = without_fragment(path);
    let (path, has_query) = path.split_once('?').map_or((path, false), |(path, _)| (path, true));
    line(&format!("{scheme}://{host}{path}{}", if has_query { "?…" } else { "" }))
}

/// Whether the text after a colon in the authority of a URL is a port, or there is no colon.
fn has_port(authority: &str) -> bool {
    if authority.starts_with('[') {
        return true;
    }
    authority.split_once(':').is_none_or(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(before, _)| before)
}

fn is_of_scheme(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '.')
}

/// Whether text begins with a scheme and `://`.
pub fn has_scheme(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.chars().all(is_of_scheme)
}

/// Whether text is an `http` or `https` URL. Schemes are case-insensitive (RFC 3986, 3.1).
pub fn is_web_url(text: &str) -> bool {
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// The URL that was probably meant, if text has a host and a port but no scheme, such as `example.org:8080/game`, or a
/// scheme without its two slashes.
pub fn meant_url(text: &str) -> Option<String> {
    if text.contains("://") || text.contains('\\') {
        return None;
    }
    if let Some((scheme, rest)) = text.split_once(':')
        && (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
    {
        return Some(address(&format!("{}://{}", scheme.to_ascii_lowercase(), rest.trim_start_matches('/'))));
    }
    let authority = text.split('/').next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = authority.rsplit_once(':')?;
    let is_host = host.starts_with('[') && host.ends_with(']')
        || (host.len() > 1 && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_')));
    let is_port = !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    (is_host && is_port).then(|| address(&format!("https://{text}")))
}

/// What the system's error means, in words. The system's own text is used where there are none.
pub fn system_reason(error: &io::Error) -> String {
    if let Some(words) = words_of(error.kind()) {
        return words.to_owned();
    }
    let text = error.to_string();
    let text = text.rsplit_once(" (os error ").map_or(text.as_str(), |(text, _)| text);
    let mut out = line(text);
    if let Some(number) = error.raw_os_error() {
        // Writing to a String cannot fail.
        let _ = write!(out, " (system error {number})");
    }
    out
}

fn words_of(kind: io::ErrorKind) -> Option<&'static str> {
    use io::ErrorKind as Kind;
    Some(match kind {
        Kind::NotFound => "There is no such file or folder",
        Kind::PermissionDenied => "The system does not allow this user to do it",
        Kind::AlreadyExists => "Something with this name exists already",
        Kind::StorageFull => "The disk is full",
        Kind::QuotaExceeded => "This user's quota on the disk is used up",
        Kind::ReadOnlyFilesystem => "The disk can only be read",
        Kind::FileTooLarge => "The file is larger than the disk or the system allows",
        Kind::NotADirectory => "A part of the path is a file, not a folder",
        Kind::IsADirectory => "It is a folder, not a file",
        Kind::DirectoryNotEmpty => "The folder is not empty",
        Kind::ResourceBusy => "Another program is using it",
        Kind::ExecutableFileBusy => "The program is still being written, or is running",
        Kind::CrossesDevices => "It is on another disk",
        Kind::TooManyLinks => "The disk allows no further link to this file",
        Kind::InvalidFilename => "The disk cannot store a file with this name",
        Kind::StaleNetworkFileHandle => "The network folder has changed: open it again",
        Kind::NotSeekable => "It is a pipe or a device, not a file",
        Kind::OutOfMemory => "There is not enough memory",
        Kind::UnexpectedEof => "It ends too early: the file is incomplete",
        Kind::WriteZero => "Nothing more could be written",
        Kind::BrokenPipe => "The program at the other end has gone",
        Kind::TimedOut => "There was no answer in time",
        Kind::ConnectionRefused => "The connection was refused: nothing listens there",
        Kind::ConnectionReset | Kind::ConnectionAborted => "The connection was cut",
        Kind::NotConnected => "There is no connection",
        Kind::HostUnreachable | Kind::NetworkUnreachable => "The host cannot be reached from this network",
        Kind::NetworkDown => "The network is down",
        Kind::AddrInUse => "Another program uses this port",
        Kind::AddrNotAvailable => "This machine does not have that address",
        Kind::Interrupted => "It was interrupted",
        Kind::Unsupported => "The disk or the system cannot do this",
        Kind::Deadlock => "Two programs wait for each other",
        _ => return None,
    })
}
