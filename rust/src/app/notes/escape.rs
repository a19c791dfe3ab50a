//! Decides what of the notes reaches the label: characters and addresses.

use std::fmt::Write as _;

use url::Url;

/// Most characters of an address that are shown.
const MAX_SHOWN: usize = 80;

/// Appends text in its displayed form, at most about `room` bytes of it.
pub(super) fn push_escaped(out: &mut String, text: &str, room: usize) {
    let end = out.len().saturating_add(room);
    for character in text.chars() {
        if out.len() >= end {
            return;
        }
        match character {
            '[' => out.push_str("[lb]"),
            '\n' | '\t' | '\u{2028}' | '\u{2029}' => out.push(' '),
            character if is_forbidden(character) => {}
            character => out.push(character),
        }
    }
}

/// Control characters, characters that change the direction of text, and invisible ones. Joiners are allowed: emoji and
/// several scripts need them.
pub(super) fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

/// Whether this is a single HTML comment and nothing else.
pub(super) fn is_comment(html: &str) -> bool {
    html.starts_with("<!--") && html.find("-->") == html.len().checked_sub(3)
}

pub(super) fn is_line_break(html: &str) -> bool {
    ["<br>", "<br/>", "<br />"].iter().any(|tag| html.eq_ignore_ascii_case(tag))
}

/// An address that the system's browser may open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// The link's target. Has no character with a meaning in BBCode.
    pub(super) href: String,
    /// The form that the reader sees.
    pub(super) shown: String,
}

impl Address {
    /// `None` unless it is a complete http or https address without a user name, which could be mistaken for the host.
    pub(super) fn of(target: &str) -> Option<Self> {
        let is_web = |scheme: &str| target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
        if !is_web("https://") && !is_web("http://") {
            return None;
        }
        let url = Url::parse(target).ok()?;
        let is_named = !url.username().is_empty() || url.password().is_some();
        let has_host = url.host_str().is_some_and(|host| !host.is_empty() && !host.starts_with('['));
        if is_named || !has_host {
            return None;
        }
        let href = encode(url.as_str());
        let shown = href.strip_prefix("https://").unwrap_or(&href).trim_end_matches('/');
        let shown = match shown.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => format!("{}…", &shown[..end]),
            None => shown.to_owned(),
        };
        Some(Self { href, shown })
    }

    /// Whether the text of a link already shows where it leads.
    pub(super) fn is_shown_by(&self, text: &str) -> bool {
        let text = text.trim().trim_end_matches('/');
        text == self.href.trim_end_matches('/') || text == self.shown
    }
}

/// Percent-encodes what `Url` accepts, but BBCode or a shell behind the browser might interpret.
fn encode(url: &str) -> String {
    let mut encoded = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&()*+,;=%".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
