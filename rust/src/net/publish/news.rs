//! Changes of a mode's news. The mode's key signs them, as it signs the versions: nobody else can put words and links
//! before its players.

use super::edit::Edited;
use super::folder::Folder;
use super::history::History;
use super::roles::check_is_repository;
use super::{Destination, roles};
use crate::error::{Error, Result};
use crate::formats::news::{News, NewsId, NewsItem};
use crate::formats::release::ModeName;
use crate::net::trust::{KeyFolder, Keys, Publication};
use crate::text;

/// One change of the news of a mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewsEdit {
    /// Add an item, or replace the one with the same id.
    Put {
        /// The item.
        item: Box<NewsItem>,
        /// The bytes of its picture, if it has one.
        picture: Option<Vec<u8>>,
    },
    /// Remove an item.
    Remove(NewsId),
}

/// Makes the changes and signs them. A server is sent the result, and signs the rest.
///
/// # Errors
/// `mode_unknown`, `key_missing` without the key of the mode, `signature_expired`; `not_found` if there is no item
/// to remove, `invalid_argument` if there is one too many. The repository is then unchanged.
pub fn edit_news(
    repository: &Destination,
    keys: impl Into<KeyFolder>,
    mode: &ModeName,
    edits: &[NewsEdit],
) -> Result<Edited> {
    let keys = Keys::open(keys)?;
    match repository {
        Destination::Folder(folder) => {
            // A mistyped place must not become a repository.
            check_is_repository(folder)?;
            let mut publication = Publication::open(folder, &keys)?;
            publication.check_not_expired()?;
            let before = Folder { publication: &publication, store: None }.target(&News::target_name(mode))?;
            change(&mut publication, mode, before.as_deref(), edits)?;
            let committed = publication.commit()?;
            Ok(Edited::of(committed, publication.validity()?))
        }
        #[cfg(feature = "bucket")]
        Destination::Bucket(bucket) => {
            let name = News::target_name(mode);
            let change = |publication: &mut Publication<'_>, found: super::bucket::Found| {
                change(publication, mode, found.target.as_deref(), edits)
            };
            let (committed, roles) = super::bucket::edit(bucket, &keys, false, Some(&name), change)?;
            Ok(Edited::of(committed, roles))
        }
        Destination::Server(server) => super::server::edit_news(server, &keys, mode, edits),
    }
}

/// The news of a mode as published. Changes nothing.
///
/// # Errors
/// `mode_unknown`; those of reading the repository, which must have been created with these keys.
pub fn read_news(repository: &Destination, keys: impl Into<KeyFolder>, mode: &ModeName) -> Result<News> {
    let keys = Keys::open(keys)?;
    let bytes = roles::target(repository, &keys, mode, &News::target_name(mode))?;
    bytes.map_or_else(|| Ok(News::empty()), |bytes| News::parse(&bytes, mode))
}

/// Puts the changed news and their pictures into a publication. `before` are the news as published.
pub(super) fn change(
    publication: &mut Publication<'_>,
    mode: &ModeName,
    before: Option<&[u8]>,
    edits: &[NewsEdit],
) -> Result<()> {
    publication.check_role_keys(mode.as_str())?;
    let mut news = before.map_or_else(|| Ok(News::empty()), |bytes| News::parse(bytes, mode))?;
    for edit in edits {
        match edit {
            NewsEdit::Put { item, picture } => {
                if let (Some(named), Some(bytes)) = (item.picture(), picture) {
                    publication.put(mode.as_str(), named.path(), bytes.clone())?;
                }
                news.put(NewsItem::clone(item));
            }
            NewsEdit::Remove(id) => {
                if news.remove(id).is_none() {
                    let known: Vec<String> = news.items().iter().map(|item| item.id().to_string()).collect();
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    let meant = text::closest(&id.to_string(), &known).map(|id| format!("; did you mean {id}?"));
                    let meant = meant.unwrap_or_else(|| "; `vsekai news list` shows all".to_owned());
                    return Err(Error::not_there(format!("The mode {mode} has no news item {id}{meant}")));
                }
            }
        }
    }
    let name = News::target_name(mode);
    let bytes = news.to_bytes(mode)?;
    let folder = format!("{mode}/news/");
    for old in publication.names().iter().filter(|name| name.starts_with(&folder)) {
        if !news.pictures().any(|(path, _)| path == old) {
            publication.remove(mode.as_str(), old)?;
        }
    }
    if news.items().is_empty() {
        return publication.remove(mode.as_str(), &name).map(drop);
    }
    publication.put(mode.as_str(), &name, bytes)
}
