//! News: what is accepted is within the limits and safe to show, and is written and read back unchanged. The first byte
//! tells whether the rest is the news of a mode or a picture.

use vsekai_updater::Error;
use vsekai_updater::formats::news::{News, NewsItem, Picture};
use vsekai_updater::formats::release::ModeName;
use vsekai_updater::limits::{MAX_NEWS_ITEMS, MAX_NEWS_TEXT_CHARS, MAX_NEWS_TITLE_CHARS, MAX_PICTURE_SIDE};
use vsekai_updater::text::{line, lines};

/// Panics if the promises in the module's documentation do not hold for this input.
pub fn check(bytes: &[u8]) {
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    if kind % 2 == 0 { document(bytes) } else { picture(bytes) }
}

fn document(bytes: &[u8]) {
    let mode = ModeName::default();
    let news = match News::parse(bytes, &mode) {
        Ok(news) => news,
        Err(error) => {
            assert!(matches!(error, Error::Malformed { .. } | Error::LauncherTooOld { .. }), "{error}");
            return;
        }
    };
    assert!(news.items().len() <= MAX_NEWS_ITEMS);
    news.items().iter().for_each(item);
    // What one program accepts may be longer when another writes it.
    if let Ok(written) = news.to_bytes(&mode) {
        assert_eq!(News::parse(&written, &mode).expect("our own"), news);
    }
}

fn item(item: &NewsItem) {
    for locale in ["en", "pt_BR", "de_AT.UTF-8", "", "zh"] {
        assert!(item.text_for(locale).is_some(), "{locale}");
    }
    for text in item.texts().values() {
        assert!((1..=MAX_NEWS_TITLE_CHARS).contains(&text.title().chars().count()));
        assert!((1..=MAX_NEWS_TEXT_CHARS).contains(&text.text().chars().count()));
        assert_eq!(text.title(), line(text.title()));
        assert_eq!(text.text(), lines(text.text()));
    }
    if let Some(link) = item.link() {
        assert!(link.as_str().starts_with("https://") && !link.host().contains('@') && !link.host().is_empty());
    }
    if let Some(picture) = item.picture() {
        assert!(picture.path().starts_with("stable/news/") && !picture.path().contains(".."), "{}", picture.path());
    }
}

fn picture(bytes: &[u8]) {
    if let Ok(picture) = Picture::of(bytes) {
        assert!(picture.width.max(picture.height) <= MAX_PICTURE_SIDE && picture.width.min(picture.height) > 0);
    }
}
