//! The news of the followed mode: read with a check, and kept for when there is no network.
//!
//! ```text
//! check -> RepositoryState::news -> .vsekai/news.json          no request of its own: they are in the metadata pack
//! news  -> .vsekai/news.json, or the repository -> .vsekai/news/<sha256>.png   only pictures that are missing
//! ```
//!
//! Without news nothing else changes: whatever goes wrong with them is a warning.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Updater;
use super::repository_state::RepositoryState;
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::news::{News, NewsItem, NewsPicture};
use crate::formats::release::ModeName;
use crate::install::{self, InstallState};
use crate::limits::{MAX_NEWS_BYTES, MAX_PICTURE_BYTES};
use crate::local::disk::{self, Durability};

/// How many items have their pictures downloaded: the newest.
pub const MAX_PICTURES: usize = 3;

/// The file in `.vsekai` that keeps the news, and the folder that keeps their pictures by digest.
const FILE: &str = "news.json";
const PICTURES: &str = "news";

/// Largest kept file: the news and two names.
const MAX_KEPT_BYTES: u64 = MAX_NEWS_BYTES + 1024;

/// An item, with its picture if that is on this disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The item.
    pub item: NewsItem,
    /// The file of its picture, verified.
    pub picture: Option<PathBuf>,
}

/// News, and whose.
#[derive(Debug, Clone)]
pub(super) struct KnownNews {
    /// The mode that the install follows.
    followed: ModeName,
    /// The mode that has published them: that one, or its successor.
    mode: ModeName,
    news: News,
}

#[derive(Serialize, Deserialize)]
struct Kept<N> {
    followed: ModeName,
    mode: ModeName,
    news: N,
}

impl Updater {
    /// The news of the followed mode, the newest first, as the last check has left them. Downloads pictures that are
    /// missing, and the news if no check has read them yet; with `is_offline`, nothing.
    ///
    /// # Errors
    /// Those of the install, and `cancelled`. What cannot be downloaded is a warning.
    pub fn news(&self, is_offline: bool, monitor: &Monitor) -> Result<Vec<Story>> {
        let state = self.state_or_new(monitor)?;
        let mut known = self.kept_news(&state);
        let is_complete = known.as_ref().is_some_and(|known| self.missing_pictures(&known.news).is_empty());
        if !is_offline && !is_complete {
            match self.download_news(&state, monitor) {
                Ok(new) => known = Some(new),
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(error) => monitor.warn(&error),
            }
        }
        Ok(known.map(|known| self.stories(&known)).unwrap_or_default())
    }

    fn download_news(&self, state: &InstallState, monitor: &Monitor) -> Result<KnownNews> {
        let mut view = RepositoryState::open_read_only(&self.settings, &self.root, state, monitor)?;
        let known = self.offered_news(&mut view, state)?;
        self.keep_news(&known);
        if self.may_keep() {
            let missing: Vec<NewsPicture> = self.missing_pictures(&known.news).into_iter().cloned().collect();
            for picture in missing {
                monitor.cancel.check()?;
                let kept = view.picture(&picture).and_then(|bytes| self.keep_picture(&picture, &bytes));
                match kept {
                    Err(Error::Cancelled) => return Err(Error::Cancelled),
                    Err(error @ Error::Transport { .. }) => {
                        // The others would fail, too.
                        monitor.warn(&error);
                        break;
                    }
                    Err(error) => monitor.warn(&error),
                    Ok(()) => {}
                }
            }
        }
        Ok(known)
    }

    /// The news for a check that has opened the repository: what it offers, or what is kept if that cannot be read.
    pub(super) fn news_for_check(
        &self,
        view: &mut RepositoryState,
        state: &InstallState,
        monitor: &Monitor,
    ) -> Option<KnownNews> {
        match self.offered_news(view, state) {
            Ok(known) => Some(known),
            Err(error) => {
                if !matches!(error, Error::Cancelled) {
                    monitor.warn(&error);
                }
                self.kept_news(state)
            }
        }
    }

    /// Keeps the news that an update comes across, for an install that has not been checked since. Most repositories have
    /// none: then there is nothing to write.
    pub(super) fn take_news_along(&self, view: &mut RepositoryState, state: &InstallState, monitor: &Monitor) {
        let known = self.news_for_check(view, state, monitor);
        if let Some(known) = known.filter(|known| !known.news.items().is_empty() || self.root.control(FILE).exists()) {
            self.keep_news(&known);
        }
    }

    fn offered_news(&self, view: &mut RepositoryState, state: &InstallState) -> Result<KnownNews> {
        let mode = view.mode(&self.settings, state)?;
        let news = view.news(&mode)?;
        Ok(KnownNews { followed: self.followed(state), mode, news })
    }

    fn followed(&self, state: &InstallState) -> ModeName {
        self.settings.mode.as_ref().unwrap_or(&state.mode).clone()
    }

    /// What earlier calls have kept of the news of the followed mode; `None` if nothing is known.
    fn kept_news(&self, state: &InstallState) -> Option<KnownNews> {
        let bytes = disk::read_control(&self.root.control(FILE), MAX_KEPT_BYTES).ok().flatten()?;
        let kept: Kept<serde_json::Value> = serde_json::from_slice(&bytes).ok()?;
        if kept.followed != self.followed(state) {
            return None;
        }
        let news = News::parse(&serde_json::to_vec(&kept.news).ok()?, &kept.mode).ok()?;
        Some(KnownNews { followed: kept.followed, mode: kept.mode, news })
    }

    /// Without an install there is no place for them; if they cannot be kept, the next check reads them again.
    pub(super) fn keep_news(&self, known: &KnownNews) {
        if !self.may_keep() {
            return;
        }
        let kept = Kept { followed: known.followed.clone(), mode: known.mode.clone(), news: &known.news };
        let path = self.root.control(FILE);
        if let Ok(bytes) = serde_json::to_vec(&kept)
            && disk::read_control(&path, MAX_KEPT_BYTES).ok().flatten().as_ref() != Some(&bytes)
        {
            let _ = disk::write_control(&path, &bytes, Durability::Kill);
            self.remove_old_pictures(&known.news);
        }
    }

    fn may_keep(&self) -> bool {
        self.root.is_ours() && !install::is_of_another_user(&self.root, self.settings.trusted_owner)
    }

    /// The items that are published by now, with their pictures.
    pub(super) fn stories(&self, known: &KnownNews) -> Vec<Story> {
        let now = Timestamp::now();
        let published = known.news.items().iter().filter(|item| item.published_at() <= now);
        published.map(|item| Story { item: item.clone(), picture: self.kept_picture(item.picture()) }).collect()
    }

    /// With the ending of its format, by which Godot chooses the decoder.
    fn picture_file(&self, picture: &NewsPicture) -> PathBuf {
        let ending = picture.path().rsplit('.').next().unwrap_or_default();
        self.root.control(PICTURES).join(format!("{}.{ending}", picture.digest()))
    }

    /// The file of a picture, if it is here and what was signed.
    fn kept_picture(&self, picture: Option<&NewsPicture>) -> Option<PathBuf> {
        let picture = picture?;
        let path = self.picture_file(picture);
        let bytes = disk::read_control(&path, MAX_PICTURE_BYTES).ok().flatten()?;
        picture.check(&bytes).is_ok().then_some(path)
    }

    /// The pictures of the newest items that are not here.
    fn missing_pictures<'a>(&self, news: &'a News) -> Vec<&'a NewsPicture> {
        let now = Timestamp::now();
        let newest = news.items().iter().filter(|item| item.published_at() <= now).take(MAX_PICTURES);
        let pictures = newest.filter_map(NewsItem::picture);
        pictures.filter(|picture| self.kept_picture(Some(picture)).is_none()).collect()
    }

    fn keep_picture(&self, picture: &NewsPicture, bytes: &[u8]) -> Result<()> {
        picture.check(bytes)?;
        disk::create_control_directory(&self.root.control(PICTURES))?;
        disk::write_control(&self.picture_file(picture), bytes, Durability::Kill)
    }

    /// Leaves only the pictures of these news. What cannot be removed now is removed another time.
    fn remove_old_pictures(&self, news: &News) {
        let folder = self.root.control(PICTURES);
        let named = news.items().iter().filter_map(NewsItem::picture);
        let current: Vec<PathBuf> = named.map(|picture| self.picture_file(picture)).collect();
        for entry in disk::list(&folder).unwrap_or_default() {
            if !current.contains(&entry.path()) {
                let _ = disk::remove_all(&entry.path());
            }
        }
    }
}
