//! Names and contents that should not leave the publisher's machine.

use super::Rule;
use crate::path::RelPath;

/// Largest file that is searched for tokens, in bytes: settings and scripts, not assets.
pub(super) const MAX_SEARCHED_BYTES: u64 = 64 << 10;

/// Judges by the name alone. The content of an unwanted folder is not listed file by file.
pub(super) fn by_name(path: &RelPath) -> Option<(Rule, &'static str)> {
    let name = path.file_name().to_ascii_lowercase();
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    Some(match name.as_str() {
        ".git" | ".svn" | ".hg" => (Rule::Litter, "the history of the sources"),
        ".godot" => (Rule::Litter, "the editor's cache, which can hold the export credentials"),
        ".ds_store" | "thumbs.db" | "desktop.ini" => (Rule::Litter, "a file of the desktop"),
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" => (Rule::Secret, "the name of a private SSH key"),
        "export_credentials.cfg" => (Rule::Secret, "Godot's passwords and keys for export"),
        ".env" => (Rule::Secret, "a file of passwords for a development machine"),
        ".netrc" | ".npmrc" | ".pypirc" => (Rule::Secret, "a file of passwords for network services"),
        _ if matches!(suffix, "key" | "p12" | "pfx" | "keystore" | "jks") => {
            (Rule::Secret, "the name of a private key")
        }
        _ => return None,
    })
}

/// The first secret in a small text file: its line, counted from 1, and its kind. The secret itself is never repeated.
pub(super) fn in_text(bytes: &[u8]) -> Option<(usize, &'static str)> {
    // "PRIVATE KEY" alone also occurs in programs that read such files.
    let key = find(bytes, b"-----BEGIN ").find(|at| {
        let line = bytes[*at..].split(|byte| *byte == b'\n').next().unwrap_or_default();
        line.trim_ascii_end().ends_with(b"PRIVATE KEY-----") || line.trim_ascii_end().ends_with(b"KEY BLOCK-----")
    });
    let tokens = TOKENS.iter().filter_map(|token| Some((token.position(bytes)?, token.what)));
    let (at, what) = key.map(|at| (at, "a private key")).into_iter().chain(tokens).min()?;
    Some((bytes[..at].split(|byte| *byte == b'\n').count(), what))
}

/// A prefix, and the least number of letters after it.
struct Token {
    prefix: &'static [u8],
    letters: usize,
    is_letter: fn(u8) -> bool,
    what: &'static str,
}

// As the services document them.
const TOKENS: [Token; 9] = [
    Token { prefix: b"AKIA", letters: 16, is_letter: is_upper, what: "an AWS access key" },
    Token { prefix: b"ghp_", letters: 36, is_letter: is_word, what: "a GitHub token" },
    Token { prefix: b"gho_", letters: 36, is_letter: is_word, what: "a GitHub token" },
    Token { prefix: b"ghs_", letters: 36, is_letter: is_word, what: "a GitHub token" },
    Token { prefix: b"github_pat_", letters: 60, is_letter: is_word, what: "a GitHub token" },
    Token { prefix: b"glpat-", letters: 20, is_letter: is_word, what: "a GitLab token" },
    Token { prefix: b"xoxb-", letters: 24, is_letter: is_word, what: "a Slack token" },
    Token { prefix: b"sk_live_", letters: 24, is_letter: is_word, what: "a Stripe key" },
    Token { prefix: b"AIza", letters: 35, is_letter: is_word, what: "a Google API key" },
];

impl Token {
    fn position(&self, bytes: &[u8]) -> Option<usize> {
        find(bytes, self.prefix).find(|at| {
            let is_start = at.checked_sub(1).is_none_or(|before| !is_word(bytes[before]));
            let rest = &bytes[at + self.prefix.len()..];
            let letters = rest.iter().take_while(|byte| (self.is_letter)(**byte)).count();
            is_start && letters >= self.letters
        })
    }
}

fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn find<'a>(bytes: &'a [u8], what: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    bytes.windows(what.len()).enumerate().filter(move |(_, window)| *window == what).map(|(at, _)| at)
}
