//! Keys and tokens within text, found by the forms that their makers document. They are never repeated in messages.

use std::borrow::Cow;

/// How many letters of a token are looked at: more than any needs, and few enough for text that is made to be slow.
const MAX_LETTERS: usize = 128;

/// What a text has that should not be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Its position in the text, in bytes.
    at: usize,
    /// What it is, with an article.
    pub(super) what: &'static str,
    /// Whether it can hardly be anything else, and is never meant for players.
    pub(super) is_certain: bool,
}

impl Found {
    /// The line that it is in, counted from 1.
    pub(super) fn line(&self, text: &[u8]) -> usize {
        text.iter().take(self.at).filter(|byte| **byte == b'\n').count() + 1
    }
}

/// The first certain secret of a text; without one, the first that may be one.
pub(super) fn find(text: &[u8]) -> Option<Found> {
    let mut uncertain = None;
    for at in 0..text.len() {
        if !IS_FIRST[usize::from(text[at])] || at.checked_sub(1).is_some_and(|before| is_word(text[before])) {
            continue;
        }
        let rest = &text[at..];
        let found = armored(rest).or_else(|| token(rest));
        match found.map(|(what, is_certain)| Found { at, what, is_certain }) {
            Some(certain) if certain.is_certain => return Some(certain),
            found => uncertain = uncertain.or(found),
        }
    }
    uncertain
}

/// The text in a form that is searched byte by byte: Windows' tools also write UTF-16.
pub(super) fn bytes_of(text: &[u8]) -> Cow<'_, [u8]> {
    let unit: fn([u8; 2]) -> u16 = match text {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return Cow::Borrowed(text),
    };
    let units = text[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let decoded = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    Cow::Owned(decoded.collect::<String>().into_bytes())
}

/// A private key in PEM. The header alone also occurs in programs and manuals that deal with such files.
fn armored(rest: &[u8]) -> Option<(&'static str, bool)> {
    let rest = rest.strip_prefix(b"-----BEGIN ")?;
    let end = rest.iter().take(48).position(|byte| *byte == b'-')?;
    let (label, body) = (&rest[..end], rest[end..].strip_prefix(b"-----")?);
    if !label.ends_with(b"PRIVATE KEY") && label != b"PGP PRIVATE KEY BLOCK" {
        return None;
    }
    let (line, is_next_line) = after_break(body);
    let letters = line.iter().take(MAX_LETTERS).take_while(|byte| is_base64(**byte)).count();
    let headers: [&[u8]; 4] = [b"Proc-Type:", b"DEK-Info:", b"Version:", b"Comment:"];
    // A short line must be nothing else: prose has words, too.
    let is_line = is_next_line && letters >= 4 && line.get(letters).is_none_or(|byte| b"\r\n\\".contains(byte));
    if letters >= 16 || is_line || headers.iter().any(|header| line.starts_with(header)) {
        return Some(("a private key", true));
    }
    line.is_empty().then_some(("the beginning of a private key", false))
}

/// What follows white space and line breaks, and whether there was a break. In a string, as in the JSON of a service
/// account, breaks are escaped; in a variable, they may be lost.
fn after_break(mut text: &[u8]) -> (&[u8], bool) {
    let mut is_next_line = false;
    loop {
        text = match text {
            [b'\\', b'r' | b'n', rest @ ..] | [b'\\' | b' ' | b'\t' | b'\r', rest @ ..] => rest,
            [b'\n', rest @ ..] => {
                is_next_line = true;
                rest
            }
            _ => return (text, is_next_line),
        }
    }
}

/// A prefix, and the least number of letters after it.
struct Token {
    prefix: &'static [u8],
    letters: usize,
    is_letter: fn(u8) -> bool,
    what: &'static str,
    is_certain: bool,
}

const fn certain(prefix: &'static [u8], letters: usize, is_letter: fn(u8) -> bool, what: &'static str) -> Token {
    Token { prefix, letters, is_letter, what, is_certain: true }
}

// As the services document them. `vsk_` is ours: an identifier and a secret, both in hex.
const TOKENS: [Token; 28] = [
    certain(b"vsk_", 16, is_hex, "a token of an update server"),
    certain(b"vsk_", 24, is_word, "a token of an update server"),
    // Ed25519 keys in PKCS#8, with and without their public half, in base64 as in a variable of CI.
    certain(b"MC4CAQAwBQYDK2VwBCIEI", 40, is_base64, "a private key"),
    certain(b"MFMCAQEwBQYDK2VwBCIEI", 80, is_base64, "a private key"),
    certain(b"MFECAQEwBQYDK2VwBCIEI", 80, is_base64, "a private key"),
    certain(b"PuTTY-User-Key-File-", 1, is_word, "a private key of PuTTY"),
    certain(b"AGE-SECRET-KEY-1", 50, is_upper, "a private key of age"),
    certain(b"AKIA", 16, is_upper, "an AWS access key"),
    certain(b"ghp_", 36, is_word, "a GitHub token"),
    certain(b"gho_", 36, is_word, "a GitHub token"),
    certain(b"ghu_", 36, is_word, "a GitHub token"),
    certain(b"ghs_", 36, is_word, "a GitHub token"),
    certain(b"ghr_", 36, is_word, "a GitHub token"),
    certain(b"github_pat_", 60, is_word, "a GitHub token"),
    certain(b"glpat-", 20, is_word, "a GitLab token"),
    certain(b"glptt-", 20, is_word, "a GitLab token"),
    certain(b"npm_", 36, is_alphanumeric, "an npm token"),
    certain(b"pypi-AgEIcHlwaS5vcmc", 40, is_word, "a PyPI token"),
    certain(b"dop_v1_", 64, is_hex, "a DigitalOcean token"),
    certain(b"hf_", 34, is_alphanumeric, "a Hugging Face token"),
    certain(b"xoxb-", 24, is_word, "a Slack token"),
    certain(b"xoxp-", 24, is_word, "a Slack token"),
    certain(b"xapp-", 24, is_word, "a Slack token"),
    certain(b"sk_live_", 24, is_word, "a Stripe key"),
    certain(b"rk_live_", 24, is_word, "a Stripe key"),
    certain(b"sk-ant-", 32, is_word, "an Anthropic key"),
    certain(b"SG.", 60, is_dotted, "a SendGrid key"),
    // Apps of Google's services show theirs to everybody, but not all keys of this form are of that kind.
    Token { prefix: b"AIza", letters: 35, is_letter: is_word, what: "a Google API key", is_certain: false },
];

/// The first bytes of everything that is looked for.
const IS_FIRST: [bool; 256] = {
    let mut is_first = [false; 256];
    is_first[b'-' as usize] = true;
    let mut at = 0;
    while at < TOKENS.len() {
        is_first[TOKENS[at].prefix[0] as usize] = true;
        at += 1;
    }
    is_first
};

fn token(rest: &[u8]) -> Option<(&'static str, bool)> {
    let is_there = |token: &&Token| {
        let Some(rest) = rest.strip_prefix(token.prefix) else { return false };
        let letters = rest.iter().take(MAX_LETTERS).take_while(|byte| (token.is_letter)(**byte)).count();
        // AWS's manuals, and programs made from them, have keys that end in EXAMPLE.
        letters >= token.letters && !rest[..letters].ends_with(b"EXAMPLE")
    };
    TOKENS.iter().find(is_there).map(|token| (token.what, token.is_certain))
}

fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'_'
}

fn is_dotted(byte: u8) -> bool {
    is_word(byte) || byte == b'.'
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
