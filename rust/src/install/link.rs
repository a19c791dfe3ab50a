//! Addresses of links such as `uro://…`, which any web page or program can hand to the game.
//!
//! An address is a single argument, cannot be an option, and has no character that a shell, a registry command or a
//! terminal would interpret. Godot ignores arguments after `--`, where the address goes; but names of scenes and
//! projects are refused anyway, for games that look at all of their arguments.

use crate::error::{Error, Result};

/// Longest address, in bytes. Browsers and desktops pass on longer ones; links of V-Sekai are much shorter.
pub const MAX_ADDRESS_BYTES: usize = 2048;

/// Endings of names that Godot opens if they are among its arguments.
const OPENED_BY_GODOT: [&str; 9] = [".tscn", ".scn", ".escn", ".tres", ".res", ".pck", ".zip", ".godot", ".gd"];

/// A checked address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkAddress(String);

impl LinkAddress {
    /// Checks an address of this scheme, which is compared without case.
    ///
    /// # Errors
    /// `invalid_argument`.
    pub fn parse(text: &str, scheme: &str) -> Result<Self> {
        let invalid = |reason: String| Err(Error::invalid("address", reason));
        if text.len() > MAX_ADDRESS_BYTES {
            return invalid(format!("it is longer than {MAX_ADDRESS_BYTES} bytes"));
        }
        if scheme.is_empty() {
            return invalid("this game has no links".to_owned());
        }
        let has_scheme =
            text.split_once(':').is_some_and(|(found, rest)| found.eq_ignore_ascii_case(scheme) && !rest.is_empty());
        if !has_scheme {
            return invalid(format!("it must begin with {scheme}:"));
        }
        if let Some(bad) = text.chars().find(|c| !is_allowed(*c)) {
            return invalid(format!("it must not contain {}: write it as %XX", bad.escape_unicode()));
        }
        let lower = text.to_ascii_lowercase();
        if let Some(ending) = OPENED_BY_GODOT.iter().find(|ending| lower.ends_with(**ending)) {
            return invalid(format!("it ends in {ending}, which Godot would open as a part of the game"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The characters of a URL (RFC 3986, 2.2 and 2.3) except the apostrophe, which is a quote to shells.
fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~:/?#[]@!$&()*+,;=%".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_the_scheme_are_taken() {
        for good in [
            "uro:x",
            "uro://server/map?id=1&x=[2]#a",
            "URO://Server",
            "uro://weld/%E3%82%B2%20%22",
            "uro:--main-pack",
            "uro://x/y.tscn/z",
            "uro://x/y.tscn#z",
        ] {
            assert_eq!(LinkAddress::parse(good, "uro").unwrap().as_str(), good);
        }
        let longest = format!("uro:{}", "a".repeat(MAX_ADDRESS_BYTES - 4));
        assert!(LinkAddress::parse(&longest, "uro").is_ok());
        assert!(LinkAddress::parse(&format!("{longest}a"), "uro").is_err());
    }

    #[test]
    fn a_game_without_a_scheme_opens_nothing() {
        for text in [":x", "uro:x", "://x"] {
            assert!(LinkAddress::parse(text, "").unwrap_err().message().contains("no links"), "{text}");
        }
    }

    #[test]
    fn what_is_no_link_or_could_be_more_is_refused() {
        for bad in [
            "",
            "uro",
            "uro:",
            "--main-pack=x",
            "-s",
            "http://server/",
            "urox://server",
            " uro://server",
            "file:///etc/passwd",
            "uro://a b",
            "uro://a\"b",
            "uro://a'b",
            "uro://a`b",
            "uro://a\\b",
            "uro://a\nb",
            "uro://a\tb",
            "uro://a\0b",
            "uro://a\u{1b}[31m",
            "uro://a\u{9b}b",
            "uro://a\u{202e}b",
            "uro://ゲーム",
            "uro://a<b>",
            "uro://a|b",
            "uro://a^b",
            "uro://a{b}",
            "uro:x.tscn",
            "uro://x/Y.TSCN",
            "uro://x/?a=b.scn",
            "uro://x#y.res",
            "uro://x.pck",
            "uro://x/project.godot",
        ] {
            let error = LinkAddress::parse(bad, "uro").unwrap_err();
            assert_eq!(error.code(), "invalid_argument");
            assert!(!error.to_string().chars().any(crate::text::is_forbidden), "{error}");
        }
    }
}
