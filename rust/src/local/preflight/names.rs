//! Rules about names: what the systems of the target platform cannot hold.
//!
//! Names that no platform may have, such as `aux.txt`, never get this far: a [`RelPath`] cannot be made of them.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;

use super::binary::System;
use super::secrets;
use super::{Findings, Rule};
use crate::formats::archive::{Layout, NodeKind};
use crate::path::RelPath;

/// Longest path of a tree for Windows, in UTF-16 units. Most programs there take paths of 259; the rest is for the
/// folder of the install and the version.
const MAX_WINDOWS_UNITS: usize = 230;

/// Longest path of a tree for macOS, in bytes. The system takes paths of 1023.
const MAX_MACOS_BYTES: usize = 900;

/// Longest path of a tree for Linux, in bytes. The system takes paths of 4095.
const MAX_LINUX_BYTES: usize = 3968;

pub(super) fn check(layout: &Layout, system: System, findings: &mut Findings) {
    let mut seen: HashMap<String, &RelPath> = HashMap::new();
    for node in layout.nodes() {
        let Some(path) = &node.path else { continue };
        secrets::look_at_name(path, node.kind == NodeKind::Directory, findings);
        if let Some(other) = seen.insert(key(path), path) {
            findings.add(Rule::CaseCollision, Some(path), twins(path, other));
        }
        if system == System::Windows && matches!(node.kind, NodeKind::Symlink { .. }) {
            let message = format!("{path} is a link, which most users of Windows may not make.");
            findings.add(Rule::LinkUnsupported, Some(path), message);
        }
        if let Some(message) = too_long(path, system) {
            findings.add(Rule::PathTooLong, Some(path), message);
        }
    }
}

/// A form of the path that is equal for names which some disk treats as one: regardless of case, of how letters with
/// accents are composed, and of characters that HFS+ ignores.
fn key(path: &RelPath) -> String {
    let folded = path.folded();
    if folded.is_ascii() {
        return folded;
    }
    folded.nfd().filter(|c| !is_ignored(*c)).collect()
}

fn is_ignored(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

fn twins(path: &RelPath, other: &RelPath) -> String {
    if path.folded() == other.folded() {
        return format!("{path} and {other} are the same name on Windows and macOS.");
    }
    // They look alike, so the reader needs to be told the difference.
    let escaped = |path: &RelPath| {
        let escape = |c: char| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() };
        path.as_str().chars().map(escape).collect::<String>()
    };
    format!(
        "{path} and {other} are the same name on macOS: they differ only in their Unicode form ({} and {}).",
        escaped(path),
        escaped(other)
    )
}

fn too_long(path: &RelPath, system: System) -> Option<String> {
    let (length, most, name) = match system {
        System::Windows => (path.as_str().encode_utf16().count(), MAX_WINDOWS_UNITS, "Windows"),
        System::MacOs => (path.as_str().len(), MAX_MACOS_BYTES, "macOS"),
        System::Linux => (path.as_str().len(), MAX_LINUX_BYTES, "Linux"),
    };
    let message = || format!("{path} is {length} long; on {name}, {most} is the most that leaves room for the folder.");
    (length > most).then(message)
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    #[test]
    fn key_is_the_same_for_every_form_of_a_letter() {
        let key_of = |text: &str| RelPath::new(text).ok().map(|path| key(&path));
        let has_forms = |c: &char| !c.to_lowercase().eq([*c]) || !c.to_uppercase().eq([*c]) || !c.nfd().eq([*c]);
        for letter in ('\u{80}'..=char::MAX).filter(has_forms).map(String::from) {
            let Some(want) = key_of(&letter) else { continue };
            let composed: String = letter.nfc().collect();
            let decomposed: String = letter.nfd().collect();
            for form in [composed, decomposed, letter.to_uppercase(), letter.to_lowercase()] {
                let upper: String = form.to_uppercase().nfd().collect();
                for form in [form, upper] {
                    // Some letters are made of a sign that no name has.
                    assert!(key_of(&form).is_none_or(|key| key == want), "{letter} {form}");
                }
            }
        }
        assert_ne!(key_of("e"), key_of("é"));
        assert_ne!(key_of("ﬁ"), key_of("f"));
    }
}
