//! `vsekai news`

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::arguments::news::{Add, News as NewsCommand, NewsTarget};
use crate::cli::output::{DONE, Output};
use crate::cli::{checks, connect, passphrase};
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::formats::news::{Language, News, NewsItem, NewsPicture, NewsText};
use crate::limits::MAX_PICTURE_BYTES;
use crate::local::disk;
use crate::net::publish::{Destination, NewsEdit, edit_news, read_news};
use crate::net::trust::KeyFolder;
use crate::text::table;

pub(crate) fn run(args: NewsCommand, output: Output) -> Result<u8> {
    match args {
        NewsCommand::Add(args) => {
            let (edit, about) = item_of(&args)?;
            change(&args.of, edit, &format!("Published {about}, to {}.", args.of.mode), output)
        }
        NewsCommand::Remove { id, of } => {
            let text = format!("Removed {id} from the news of {}.", of.mode);
            change(&of, NewsEdit::Remove(id), &text, output)
        }
        NewsCommand::List { of } => list(&of, output),
    }
}

fn change(of: &NewsTarget, edit: NewsEdit, text: &str, output: Output) -> Result<u8> {
    let (place, keys) = place(of)?;
    let edited = edit_news(&place, keys, &of.mode, &[edit])?;
    checks::warn_of_ending(&edited.roles, output);
    output.done(
        "news",
        &edited,
        &format!("{text}{}{}", checks::days_left_if_verbose(&edited.roles, output), checks::upload(&place)),
    );
    Ok(DONE)
}

/// The repository, and the folder of keys: the key of the mode signs, also what a server publishes.
fn place(of: &NewsTarget) -> Result<(Destination, KeyFolder)> {
    let missing = || Error::invalid("--keys", "news are signed by the key of their mode: name its folder");
    let keys = passphrase::key_folder("--keys", of.target.keys.clone().ok_or_else(missing)?, &of.target.access)?;
    let place = match (connect::update_server(&of.target.server)?, &of.target.repository) {
        (Some(server), _) => Destination::Server(server),
        (None, place) => connect::repository(place.clone().unwrap_or_default(), None, &Cancel::default())?,
    };
    Ok((place, keys))
}

/// The item that the options describe, and what to say of it.
fn item_of(args: &Add) -> Result<(NewsEdit, String)> {
    let titles = by_language("--title", &args.title)?;
    let mut words = by_language("--text", &args.text)?;
    let mut texts = BTreeMap::new();
    for (language, title) in titles {
        let incomplete = || Error::invalid("--text", format!("there is a title in {language} and no text"));
        let text = words.remove(language).ok_or_else(incomplete)?;
        texts.insert(language.clone(), NewsText::new(title, text)?);
    }
    if let Some((language, _)) = words.pop_first() {
        return Err(Error::invalid("--title", format!("there is a text in {language} and no title")));
    }
    let languages = texts.len();
    let item = NewsItem::new(args.id.clone(), args.date.unwrap_or_else(Timestamp::now), texts)?;
    let item = item.with_link(args.link.clone());
    let mut about = format!("{} in {languages} {}", args.id, if languages == 1 { "language" } else { "languages" });
    let Some(path) = &args.picture else { return Ok((NewsEdit::Put { item: Box::new(item), picture: None }, about)) };
    let bytes = disk::read(path, MAX_PICTURE_BYTES)?;
    let (named, picture) = NewsPicture::new(&args.of.mode, &args.id, &bytes)?;
    about = format!("{about}, with a picture of {} by {} pixels", picture.width, picture.height);
    Ok((NewsEdit::Put { item: Box::new(item.with_picture(Some(named))), picture: Some(bytes) }, about))
}

fn by_language<'a>(option: &'static str, given: &'a [(Language, String)]) -> Result<BTreeMap<&'a Language, &'a str>> {
    let mut all = BTreeMap::new();
    for (language, words) in given {
        if all.insert(language, words.as_str()).is_some() {
            return Err(Error::invalid(option, format!("{language} is given twice")));
        }
    }
    Ok(all)
}

#[derive(Serialize)]
struct Listed<'a> {
    /// The newest first.
    items: &'a [NewsItem],
}

fn list(of: &NewsTarget, output: Output) -> Result<u8> {
    let (place, keys) = place(of)?;
    let news: News = read_news(&place, keys, &of.mode)?;
    let row = |item: &NewsItem| {
        let languages: Vec<_> = item.texts().keys().map(Language::as_str).collect();
        let title = item.text_for("en").map(|(_, text)| text.title()).unwrap_or_default();
        let picture = if item.picture().is_some() { "picture" } else { "" };
        let time = item.published_at().strftime("%Y-%m-%d %H:%M UTC").to_string();
        vec![time, item.id().to_string(), languages.join(" "), picture.to_owned(), title.to_owned()]
    };
    let rows: Vec<_> = news.items().iter().map(row).collect();
    let text = match rows.as_slice() {
        [] => format!("{} has no news.", of.mode),
        rows => table(&["published", "id", "languages", "", "title"], rows),
    };
    output.done("news list", &Listed { items: news.items() }, &text);
    Ok(DONE)
}
