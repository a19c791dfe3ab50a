//! News of a mode: short texts by language, each with a date, and perhaps a link and a picture.
//!
//! ```text
//! <mode>/news.json           News -> NewsItem -> NewsText by Language        formats/news.rs, news/item.rs
//! <mode>/news/<id>.png       a picture, named by an item with its digest     formats/news/picture.rs
//! ```
//!
//! Both are targets of the mode's role, so the same key signs what players read and what they run. A program that does
//! not know them never asks for them. Everything that is shown is checked here: a value of these types has no control
//! characters, no other addresses than `https`, and no more of anything than the limits allow.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::error::{Error, Format, Result};
use crate::formats::release::ModeName;
use crate::limits::{MAX_NEWS_BYTES, MAX_NEWS_ITEMS};

mod item;
mod language;
mod picture;
#[cfg(test)]
mod tests;

pub use item::{NewsId, NewsItem, NewsLink, NewsText};
pub use language::Language;
pub use picture::{NewsPicture, Picture, PictureKind};

const SCHEMA: u32 = 1;

/// The news of a mode, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    schema: u32,
    items: Vec<NewsItem>,
}

#[derive(Deserialize)]
struct Gate {
    schema: u32,
}

impl News {
    /// News without an item, of the current schema.
    pub fn empty() -> Self {
        Self { schema: SCHEMA, items: Vec::new() }
    }

    /// The name of the target with a mode's news.
    pub fn target_name(mode: &ModeName) -> String {
        format!("{mode}/news.json")
    }

    /// Parses and checks the news of a mode.
    ///
    /// # Errors
    /// `launcher_too_old` for a newer schema; `news_malformed`.
    pub fn parse(bytes: &[u8], mode: &ModeName) -> Result<Self> {
        if bytes.len() as u64 > MAX_NEWS_BYTES {
            return Err(malformed(format!("they have {} bytes", bytes.len())));
        }
        let gate: Gate = serde_json::from_slice(bytes).map_err(|e| malformed("they do not parse").caused_by(e))?;
        if gate.schema != SCHEMA {
            let needed = format!("news schema {}", gate.schema);
            return Err(Error::LauncherTooOld { what: "The news".to_owned(), needed });
        }
        let mut news: Self = serde_json::from_slice(bytes).map_err(|e| malformed("they do not parse").caused_by(e))?;
        news.check(mode)?;
        news.sort();
        Ok(news)
    }

    /// Serializes the news for publication.
    pub fn to_bytes(&self, mode: &ModeName) -> Result<Vec<u8>> {
        self.check(mode)?;
        let bytes = serde_json::to_vec(self).map_err(|e| malformed("they cannot be written as JSON").caused_by(e))?;
        if bytes.len() as u64 > MAX_NEWS_BYTES {
            let reason = format!("they would have {} bytes, and players accept {MAX_NEWS_BYTES}", bytes.len());
            return Err(malformed(reason));
        }
        Ok(bytes)
    }

    /// The items, the newest first.
    pub fn items(&self) -> &[NewsItem] {
        &self.items
    }

    /// Adds an item. Returns the one with the same id that it replaces, if there is one.
    pub fn put(&mut self, item: NewsItem) -> Option<NewsItem> {
        let before = self.remove(item.id());
        self.items.push(item);
        self.sort();
        before
    }

    /// Removes an item, and returns it.
    pub fn remove(&mut self, id: &NewsId) -> Option<NewsItem> {
        let at = self.items.iter().position(|item| item.id() == id)?;
        Some(self.items.remove(at))
    }

    /// The names and digests of all pictures.
    pub fn pictures(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.items.iter().filter_map(NewsItem::picture).map(|picture| (picture.path(), picture.digest()))
    }

    fn sort(&mut self) {
        self.items.sort_by(|a, b| b.published_at().cmp(&a.published_at()).then_with(|| a.id().cmp(b.id())));
    }

    fn check(&self, mode: &ModeName) -> Result<()> {
        if self.items.len() > MAX_NEWS_ITEMS {
            return Err(malformed(format!("{} items are more than {MAX_NEWS_ITEMS}", self.items.len())));
        }
        for (at, item) in self.items.iter().enumerate() {
            // There are few.
            if self.items[..at].iter().any(|other| other.id() == item.id()) {
                return Err(malformed(format!("{} occurs twice", item.id())));
            }
            item.check(mode)?;
        }
        Ok(())
    }
}

fn malformed(reason: impl Into<String>) -> Error {
    Error::malformed(Format::News, 0, reason)
}
