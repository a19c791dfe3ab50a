//! Names and contents that should not leave the publisher's machine.

use super::der;
use super::tokens;
use super::{Entry, Findings, Rule};
use crate::path::RelPath;

/// Largest file that is read whole, in bytes: keys, settings and scripts, not assets.
pub(super) const MAX_SMALL_BYTES: u64 = 64 << 10;

/// How much of a larger text is searched, in bytes.
pub(super) const MAX_TEXT_BYTES: u64 = 1 << 20;

/// Whether a file that begins like this is text.
pub(super) fn is_text(head: &[u8]) -> bool {
    let is_odd = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t' | 0x0c | 0x1b);
    head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) || !head.iter().any(is_odd)
}

/// Judges by the name alone. The content of an unwanted folder is not listed file by file.
pub(super) fn look_at_name(path: &RelPath, is_folder: bool, findings: &mut Findings) {
    let name = path.file_name().to_ascii_lowercase();
    let judged = if is_folder { of_folder(&name) } else { of_file(path, &name) };
    if let Some((rule, what)) = judged {
        findings.add(rule, Some(path), format!("{path} is {what}."));
    }
}

/// Judges by what is in a file: the whole of a small one, the beginning of a large one.
pub(super) fn look_at(file: &Entry<'_>, bytes: &[u8], findings: &mut Findings) {
    let path = file.path;
    let name = path.file_name().to_ascii_lowercase();
    if of_file(path, &name).is_some_and(|(rule, _)| rule == Rule::Secret) {
        return;
    }
    if file.size == bytes.len() as u64 && der::is_private_key(bytes) {
        findings.add(Rule::Secret, Some(path), format!("{path} is a private key."));
        return;
    }
    let text = tokens::bytes_of(bytes);
    if let Some(found) = tokens::find(&text) {
        let rule = if found.is_certain { Rule::Secret } else { Rule::PossibleSecret };
        let message = format!("{path} has {} in line {}.", found.what, found.line(&text));
        findings.add(rule, Some(path), message);
    } else if is_text(bytes)
        && let Some(line) = settings(path, &name, &text)
    {
        findings.add(Rule::Secret, Some(path), format!("{path} has a password or token in line {line}."));
    }
}

fn of_folder(name: &str) -> Option<(Rule, &'static str)> {
    Some(match name {
        ".git" | ".svn" | ".hg" | ".bzr" | ".jj" | "_darcs" => (Rule::Secret, "the history of the sources"),
        ".ssh" | ".gnupg" | ".aws" | ".azure" | ".kube" => (Rule::Secret, "a folder of keys and passwords"),
        ".godot" => (Rule::Litter, "the editor's cache, which can hold the export credentials"),
        ".vsekai" => (Rule::Litter, "the folder in which an install keeps its state"),
        "__macosx" => (Rule::Litter, "a folder that macOS adds to archives"),
        _ => return None,
    })
}

fn of_file(path: &RelPath, name: &str) -> Option<(Rule, &'static str)> {
    let parent = path.parent().map(|parent| parent.file_name().to_ascii_lowercase()).unwrap_or_default();
    let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    Some(match name {
        "id_rsa" | "id_dsa" | "id_ecdsa" | "id_ed25519" | "id_ecdsa_sk" | "id_ed25519_sk" | "id_xmss" => {
            (Rule::Secret, "the name of a private SSH key")
        }
        "export_credentials.cfg" => (Rule::Secret, "Godot's passwords and keys for export"),
        ".netrc" | "_netrc" | ".git-credentials" | ".pgpass" | "pgpass.conf" | ".dockercfg" | ".vault-token" => {
            (Rule::Secret, "a file of passwords for network services")
        }
        "butler_creds" => (Rule::Secret, "butler's key for itch.io"),
        "credentials" | "credentials.toml" if matches!(parent.as_str(), ".aws" | ".cargo" | ".gem") => {
            (Rule::Secret, "a file of passwords for network services")
        }
        _ if name.strip_prefix("ssfn").is_some_and(|rest| rest.len() >= 8 && is_number(rest)) => {
            (Rule::Secret, "Steam's permission to log in from this machine")
        }
        _ if is_environment(name) => (Rule::Secret, "a file of passwords for a development machine"),
        _ if suffix == "pk8" || name.ends_with(".pk8.retired") => (Rule::Secret, "a private signing key"),
        _ if matches!(suffix, "key" | "p12" | "pfx" | "keystore" | "jks" | "snk" | "ppk" | "kdbx") => {
            (Rule::PossibleSecret, "the name of a private key")
        }
        ".htpasswd" | "credentials.json" | "secrets.json" | "secrets.yml" | "secrets.yaml" | "secrets.toml" => {
            (Rule::PossibleSecret, "the name of a file of passwords")
        }
        ".bash_history" | ".zsh_history" | ".python_history" | ".psql_history" | ".mysql_history" => {
            (Rule::PossibleSecret, "the history of what somebody typed")
        }
        ".ds_store" | "thumbs.db" | "desktop.ini" => (Rule::Litter, "a file of the desktop"),
        ".git" => (Rule::Litter, "a pointer to the history of the sources"),
        _ => return None,
    })
}

/// `.env` and its variants, except those that are made to be shown.
fn is_environment(name: &str) -> bool {
    let harmless = ["example", "sample", "template", "dist", "defaults", "schema"];
    match name.strip_prefix(".env") {
        Some("") => true,
        Some(variant) => variant.starts_with('.') && !variant.split('.').any(|part| harmless.contains(&part)),
        None => false,
    }
}

/// The settings of a tool that hold a secret.
struct Setting {
    is_of: fn(&RelPath, &str) -> bool,
    keys: &'static [&'static str],
}

const SETTINGS: [Setting; 6] = [
    Setting {
        is_of: |_, name| matches!(name, ".npmrc" | "npmrc" | ".yarnrc" | ".yarnrc.yml"),
        keys: &["_auth", "_password", "npmauthtoken", "npmauthident"],
    },
    Setting { is_of: |_, name| name == ".pypirc", keys: &["password"] },
    Setting {
        is_of: |path, name| name == "config.json" && is_in(path, ".docker"),
        keys: &["\"auth\"", "\"identitytoken\""],
    },
    Setting { is_of: |_, name| name == "nuget.config", keys: &["cleartextpassword"] },
    Setting { is_of: |_, name| matches!(name, "rclone.conf" | ".s3cfg" | ".boto"), keys: &["secret", "pass", "token"] },
    Setting {
        is_of: |_, name| name.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "env"),
        keys: &["secret", "token", "password", "passwd", "api_key", "apikey", "private_key"],
    },
];

/// The first line that gives a secret to a setting, counted from 1.
fn settings(path: &RelPath, name: &str, text: &[u8]) -> Option<usize> {
    let keys: Vec<&str> = SETTINGS
        .iter()
        .filter(|setting| (setting.is_of)(path, name))
        .flat_map(|setting| setting.keys)
        .copied()
        .collect();
    let is_set: &dyn Fn(&str) -> bool = if name == "config.vdf" {
        // steamcmd's own settings.
        &|line| ["ConnectCache", "SentryFile"].iter().any(|key| line.contains(key))
    } else if !keys.is_empty() {
        &|line| keys.iter().any(|key| value_of(line, key).is_some_and(|value| value.len() >= 8))
    } else if has_word(text, b"aws_secret_access_key") {
        &|line| value_of(line, "aws_secret_access_key").is_some_and(|value| value.len() == 40)
    } else {
        return None;
    };
    String::from_utf8_lossy(text).lines().position(is_set).map(|line| line + 1)
}

fn has_word(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// The value that a line gives to a key, in any of the usual forms; `None` if it is the name of a variable.
fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    let rest = &line[line.to_ascii_lowercase().find(key)? + key.len()..];
    // The rest of a longer name, then what separates it from its value.
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let rest = rest.trim_start_matches(['=', ':', '"', '\'', ' ', '\t']);
    let value = rest.strip_prefix("value=").unwrap_or(rest).trim_start_matches(['"', '\'']);
    let end = value.find(|c: char| c.is_whitespace() || "\"'<>,;".contains(c)).unwrap_or(value.len());
    (!value.starts_with(['$', '%', '{'])).then_some(&value[..end])
}

fn is_in(path: &RelPath, folder: &str) -> bool {
    path.parent().is_some_and(|parent| parent.file_name().eq_ignore_ascii_case(folder))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
