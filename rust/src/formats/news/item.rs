//! One item of the news, and its parts: each is checked when it is made.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Language, NewsPicture, malformed};
use crate::error::{Error, Result};
use crate::formats::checked_text::checked_text;
use crate::formats::release::ModeName;
use crate::limits::{MAX_NEWS_LANGUAGES, MAX_NEWS_LINK_BYTES, MAX_NEWS_TEXT_CHARS, MAX_NEWS_TITLE_CHARS};
use crate::text::is_forbidden;

/// Longest id, in bytes.
const MAX_ID_BYTES: usize = 64;

/// The name of an item: 1 to 64 of `a-z`, `0-9` and `-`, not beginning with `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NewsId(String);

impl NewsId {
    /// Checks an id.
    pub fn new(id: &str) -> Result<Self> {
        let is_good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=MAX_ID_BYTES).contains(&id.len()) && !id.starts_with('-') && id.bytes().all(is_good) {
            return Ok(Self(id.to_owned()));
        }
        let shown: String = id.chars().take(MAX_ID_BYTES).collect();
        Err(Error::invalid("id", format!("{shown:?}: it has 1 to {MAX_ID_BYTES} of a-z, 0-9 and -")))
    }
}

/// Where an item leads: an `https` address without user and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NewsLink(String);

impl NewsLink {
    /// Checks an address.
    pub fn new(address: &str) -> Result<Self> {
        let refuse = |why: &str| Err(Error::invalid("link", why.to_owned()));
        if address.len() > MAX_NEWS_LINK_BYTES {
            return refuse("it is longer than 500 bytes");
        }
        if !address.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return refuse("write other characters than those of URLs as %XX");
        }
        let Some(host) = address.strip_prefix("https://").map(authority) else {
            return refuse("it must begin with https://");
        };
        let name = host.split(':').next().unwrap_or_default();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
            return refuse("its host is not a plain name");
        }
        if host.strip_prefix(name).is_some_and(|port| !port.is_empty() && port[1..].parse::<u16>().is_err()) {
            return refuse("its port is not a number");
        }
        Ok(Self(address.to_owned()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host that it leads to.
    pub fn host(&self) -> &str {
        self.0.strip_prefix("https://").map(authority).unwrap_or_default()
    }
}

/// The part of a URL between `//` and the path.
fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

checked_text!(NewsId);
checked_text!(NewsLink);

/// A title and a few sentences, in one language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Words")]
pub struct NewsText {
    title: String,
    text: String,
}

#[derive(Deserialize)]
struct Words {
    title: String,
    text: String,
}

impl TryFrom<Words> for NewsText {
    type Error = Error;

    fn try_from(words: Words) -> Result<Self> {
        Self::new(&words.title, &words.text)
    }
}

impl NewsText {
    /// Checks a title, which has one line, and a text, which may have several.
    pub fn new(title: &str, text: &str) -> Result<Self> {
        let check = |what: &'static str, words: &str, most: usize, line_breaks: bool| {
            let count = words.chars().count();
            if words.trim().is_empty() || count > most {
                return Err(Error::invalid(what, format!("it has {count} characters; it needs 1 to {most}")));
            }
            if words.chars().any(|c| is_forbidden(c) && !(line_breaks && c == '\n')) {
                return Err(Error::invalid(
                    what,
                    "it has control characters, or some that hide text or turn it around",
                ));
            }
            Ok(())
        };
        check("title", title, MAX_NEWS_TITLE_CHARS, false)?;
        check("text", text, MAX_NEWS_TEXT_CHARS, true)?;
        Ok(Self { title: title.to_owned(), text: text.to_owned() })
    }

    /// The title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The text: plain, without markup.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// One item of the news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsItem {
    id: NewsId,
    published_at: Timestamp,
    texts: BTreeMap<Language, NewsText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<NewsLink>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    picture: Option<NewsPicture>,
}

impl NewsItem {
    /// An item with these texts. Before `published_at`, nobody is shown it.
    ///
    /// # Errors
    /// `invalid_argument` without a text, or in too many languages.
    pub fn new(id: NewsId, published_at: Timestamp, texts: BTreeMap<Language, NewsText>) -> Result<Self> {
        let item = Self { id, published_at, texts, link: None, picture: None };
        item.count_languages().map_err(|reason| Error::invalid("text", reason))?;
        Ok(item)
    }

    /// The item with this link.
    #[must_use]
    pub fn with_link(self, link: Option<NewsLink>) -> Self {
        Self { link, ..self }
    }

    /// The item with this picture.
    #[must_use]
    pub fn with_picture(self, picture: Option<NewsPicture>) -> Self {
        Self { picture, ..self }
    }

    /// Its name, which no other item of the mode has.
    pub fn id(&self) -> &NewsId {
        &self.id
    }

    /// When it counts as published.
    pub fn published_at(&self) -> Timestamp {
        self.published_at
    }

    /// The texts by language: at least one.
    pub fn texts(&self) -> &BTreeMap<Language, NewsText> {
        &self.texts
    }

    /// The text that suits somebody who uses `locale`, such as `pt_BR`: in that language, else in English, else in any.
    pub fn text_for(&self, locale: &str) -> Option<(&Language, &NewsText)> {
        // Of several that suit as well, the first by its tag.
        self.texts.iter().rev().max_by_key(|(language, _)| language.suits(locale))
    }

    /// Where it leads, if anywhere.
    pub fn link(&self) -> Option<&NewsLink> {
        self.link.as_ref()
    }

    /// Its picture, if it has one.
    pub fn picture(&self) -> Option<&NewsPicture> {
        self.picture.as_ref()
    }

    fn count_languages(&self) -> std::result::Result<(), String> {
        match self.texts.len() {
            1..=MAX_NEWS_LANGUAGES => Ok(()),
            count => Err(format!("{} has texts in {count} languages; it needs 1 to {MAX_NEWS_LANGUAGES}", self.id)),
        }
    }

    /// Checks what its parts alone do not show.
    pub(super) fn check(&self, mode: &ModeName) -> Result<()> {
        self.count_languages().map_err(malformed)?;
        match self.picture.as_ref().and_then(|picture| picture.fault(mode, &self.id)) {
            Some(fault) => Err(malformed(format!("{}: {fault}", self.id))),
            None => Ok(()),
        }
    }
}
