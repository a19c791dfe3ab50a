//! The language of a text, by its tag.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Longest tag, in bytes: `zh-Hant-HK` has 10.
const MAX_BYTES: usize = 16;

/// The language of those who have no text in their own.
const COMMON: &str = "en";

/// A language, such as `en` or `pt-BR`: a tag of BCP 47 with two or three letters, and perhaps a script and a region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

impl Language {
    /// Checks a tag. `pt_BR`, as Godot and POSIX write it, is `pt-BR`.
    pub fn new(tag: &str) -> Result<Self> {
        let tag = tag.replace('_', "-");
        let mut parts = tag.split('-');
        let first = parts.next().unwrap_or_default();
        let is_language = matches!(first.len(), 2 | 3) && first.bytes().all(|b| b.is_ascii_lowercase());
        let is_part = |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_language && tag.len() <= MAX_BYTES && parts.all(is_part) {
            return Ok(Self(tag));
        }
        let shown: String = tag.chars().take(MAX_BYTES).collect();
        Err(Error::invalid("language", format!("{shown:?} is not one like en or pt-BR")))
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn base(&self) -> &str {
        self.0.split('-').next().unwrap_or(&self.0)
    }

    /// How well this language suits somebody who uses `locale`, such as `de_AT.UTF-8`; the highest is the best.
    pub(super) fn suits(&self, locale: &str) -> u8 {
        let locale = locale.split(['.', '@']).next().unwrap_or_default().replace('_', "-");
        let wanted = locale.split('-').next().unwrap_or_default();
        match () {
            () if self.0.eq_ignore_ascii_case(&locale) => 5,
            () if self.0 == wanted => 4,
            () if self.base() == wanted => 3,
            () if self.0 == COMMON => 2,
            () => u8::from(self.base() == COMMON),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Language {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::new(text)
    }
}

impl TryFrom<String> for Language {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        Self::new(&text)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}
