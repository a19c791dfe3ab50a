use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::limits::{MAX_NEWS_LANGUAGES, MAX_PICTURE_BYTES, MAX_PICTURE_SIDE};

fn stable() -> ModeName {
    ModeName::default()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let header = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    [&header[..], &width.to_be_bytes(), &height.to_be_bytes(), b"\x08\x02\0\0\0"].concat()
}

fn webp(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [b"RIFF\x20\0\0\0WEBP", &kind[..], b"\x0a\0\0\0", data].concat()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn item(id: &str, second: i64, languages: &[&str]) -> NewsItem {
    let text = |tag: &&str| (Language::new(tag).unwrap(), NewsText::new(tag, "Text.").unwrap());
    NewsItem::new(NewsId::new(id).unwrap(), at(second), languages.iter().map(text).collect()).unwrap()
}

fn full() -> NewsItem {
    let new = item("opening", 5, &["en", "de"]);
    let picture = NewsPicture::new(&stable(), new.id(), &png(640, 360)).unwrap().0;
    new.with_link(Some(NewsLink::new("https://example.org/a").unwrap())).with_picture(Some(picture))
}

/// The news with one item, changed by `change`.
fn changed(change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let mut news = News::empty();
    news.put(full());
    let mut json = serde_json::to_value(&news).unwrap();
    change(&mut json);
    serde_json::to_vec(&json).unwrap()
}

#[track_caller]
fn refused(bytes: &[u8]) {
    assert_eq!(News::parse(bytes, &stable()).unwrap_err().code(), "news_malformed");
}

#[test]
fn what_is_written_is_read_the_newest_first() {
    let mut news = News::empty();
    for (id, second) in [("old", 1), ("newest", 9), ("middle", 5)] {
        news.put(item(id, second, &["en"]));
    }
    news.put(full());
    let read = News::parse(&news.to_bytes(&stable()).unwrap(), &stable()).unwrap();
    assert_eq!(read, news);
    let ids: Vec<_> = read.items().iter().map(|item| item.id().to_string()).collect();
    assert_eq!(ids, ["newest", "middle", "opening", "old"]);
    assert_eq!(read.pictures().map(|(path, _)| path).collect::<Vec<_>>(), ["stable/news/opening.png"]);
    assert!(News::parse(&News::empty().to_bytes(&stable()).unwrap(), &stable()).unwrap().items().is_empty());
}

#[test]
fn item_with_the_same_id_is_replaced_and_one_can_be_removed() {
    let mut news = News::empty();
    assert!(news.put(full()).is_none());
    assert_eq!(news.put(item("opening", 7, &["fr"])), Some(full()));
    assert_eq!(news.items().len(), 1);
    assert!(news.remove(&NewsId::new("opening").unwrap()).is_some() && news.items().is_empty());
    assert!(news.remove(&NewsId::new("opening").unwrap()).is_none());
}

#[test]
fn unknown_fields_are_ignored_and_a_newer_schema_is_not_guessed() {
    let bytes = changed(|json| {
        json["later"] = 1.into();
        json["items"][0]["later"] = 1.into();
        json["items"][0]["texts"]["en"]["later"] = 1.into();
        json["items"][0]["picture"]["later"] = 1.into();
    });
    assert_eq!(News::parse(&bytes, &stable()).unwrap().items(), [full()]);
    let newer = changed(|json| json["schema"] = 2.into());
    assert_eq!(News::parse(&newer, &stable()).unwrap_err().code(), "launcher_too_old");
}

#[test]
fn hostile_news_are_refused() {
    for bytes in [&b""[..], b"{", b"[]", b"null", b"\xff", b"{\"schema\":1}", b"{\"schema\":1,\"items\":{}}"] {
        refused(bytes);
    }
    let set =
        |path: &'static str, value: serde_json::Value| changed(move |json| *json.pointer_mut(path).unwrap() = value);
    let text = "/items/0/texts/en/text";
    for words in ["", " ", "\u{1b}[31m", "a\u{202e}b", "a\u{0}", &"x".repeat(501)] {
        refused(&set(text, words.into()));
        refused(&set("/items/0/texts/en/title", words.into()));
    }
    refused(&set("/items/0/texts/en/title", "two\nlines".into()));
    News::parse(&set(text, "two\nlines".into()), &stable()).unwrap();
    for id in ["", "-a", "A", "a/b", "../a", "a.b", &"a".repeat(65)] {
        refused(&set("/items/0/id", id.into()));
    }
    let pictures =
        ["beta/news/opening.png", "stable/news/other.png", "stable/news/opening.svg", "stable/news/opening.", ""];
    for path in pictures {
        refused(&set("/items/0/picture/path", path.into()));
    }
    refused(&set("/items/0/picture/length", (MAX_PICTURE_BYTES + 1).into()));
    refused(&set("/items/0/picture/length", 0.into()));
    refused(&set("/items/0/picture/sha256", "00".into()));
    refused(&set("/items/0/published_at", "yesterday".into()));
    refused(&set("/items/0/texts", serde_json::json!({})));
    refused(&set("/items/0/texts", serde_json::json!({"e": {"title": "a", "text": "b"}})));
}

#[test]
fn no_count_or_length_is_beyond_its_limit() {
    let items = |count: usize| {
        let items: Vec<_> = (0..count).map(|at| item(&format!("item-{at}"), 1, &["en"])).collect();
        serde_json::to_vec(&serde_json::json!({"schema": 1, "items": items})).unwrap()
    };
    News::parse(&items(MAX_NEWS_ITEMS), &stable()).unwrap();
    refused(&items(MAX_NEWS_ITEMS + 1));
    let twice = [item("a", 1, &["en"]), item("a", 2, &["en"])];
    refused(&serde_json::to_vec(&serde_json::json!({"schema": 1, "items": twice})).unwrap());
    let tags: Vec<String> = (b'a'..=b'z')
        .flat_map(|a| (b'a'..=b'z').map(move |b| [a, b]))
        .map(|tag| String::from_utf8(tag.to_vec()).unwrap())
        .collect();
    let texts = |count: usize| -> BTreeMap<_, _> {
        let text = || NewsText::new("a", "b").unwrap();
        tags[..count].iter().map(|tag| (Language::new(tag).unwrap(), text())).collect()
    };
    let id = NewsId::new("a").unwrap();
    NewsItem::new(id.clone(), at(0), texts(MAX_NEWS_LANGUAGES)).unwrap();
    assert!(NewsItem::new(id.clone(), at(0), texts(MAX_NEWS_LANGUAGES + 1)).is_err());
    assert!(NewsItem::new(id, at(0), texts(0)).is_err());
    let long = changed(|json| json["padding"] = "x".repeat(64 << 10).into());
    refused(&long);
}

#[test]
fn links_lead_to_web_pages_and_say_where() {
    for (good, host) in [
        ("https://example.org", "example.org"),
        ("https://example.org:8443/a?b=c#d", "example.org:8443"),
        ("https://v-sekai.org/a%20b", "v-sekai.org"),
    ] {
        assert_eq!(NewsLink::new(good).unwrap().host(), host);
    }
    let bad = [
        "http://example.org",
        "HTTPS://example.org",
        "https:/example.org",
        "https://",
        "https:///a",
        "https://a b",
        "https://user@example.org",
        "https://example.org@evil.org/",
        "https://example.org\\@evil.org",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://ex\u{e4}mple.org",
        "https://a\n",
        "https://example.org:x/",
        "",
    ];
    for bad in bad {
        assert_eq!(NewsLink::new(bad).unwrap_err().code(), "invalid_argument", "{bad}");
    }
    assert!(NewsLink::new(&format!("https://a/{}", "b".repeat(500))).is_err());
}

#[test]
fn text_is_in_the_language_of_the_reader_or_in_one_that_most_understand() {
    let chosen = |languages: &[&str], locale: &str| item("a", 0, languages).text_for(locale).unwrap().0.to_string();
    let all = ["de", "en", "pt", "pt-BR", "zh-Hant"];
    for (locale, wanted) in [
        ("de", "de"),
        ("de_AT.UTF-8", "de"),
        ("pt_BR", "pt-BR"),
        ("pt-br", "pt-BR"),
        ("pt_PT", "pt"),
        ("zh_TW", "zh-Hant"),
        ("ja", "en"),
        ("en_US", "en"),
        ("C", "en"),
        ("", "en"),
    ] {
        assert_eq!(chosen(&all, locale), wanted, "{locale}");
    }
    assert_eq!(chosen(&["ja", "fr"], "de"), "fr");
    assert_eq!(chosen(&["ja", "en-GB"], "de"), "en-GB");
    for bad in ["", "e", "EN", "english", "en-", "en-B", "e1", "en/..", "en-GB-oxendict-x"] {
        assert!(Language::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn pictures_are_measured_before_they_are_decoded() {
    let size = |bytes: &[u8]| Picture::of(bytes).map(|picture| (picture.kind, picture.width, picture.height));
    assert_eq!(size(&png(640, 360)).unwrap(), (PictureKind::Png, 640, 360));
    let extended = webp(b"VP8X", b"\0\0\0\0\x7f\x02\0\x67\x01\0");
    assert_eq!(size(&extended).unwrap(), (PictureKind::Webp, 640, 360));
    assert_eq!(size(&webp(b"VP8L", b"\x2f\x7f\xc2\x59\0\0")).unwrap(), (PictureKind::Webp, 640, 360));
    let lossy = webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a\x80\x02\x68\x01");
    assert_eq!(size(&lossy).unwrap(), (PictureKind::Webp, 640, 360));
    size(&png(MAX_PICTURE_SIDE, MAX_PICTURE_SIDE)).unwrap();
    let bad = [
        png(MAX_PICTURE_SIDE + 1, 1),
        png(1, MAX_PICTURE_SIDE + 1),
        png(u32::MAX, u32::MAX),
        png(0, 1),
        webp(b"VP8X", b"\x02\0\0\0\x7f\x02\0\x67\x01\0"),
        webp(b"VP8X", b"\0\0\0\0\xff\xff\xff\xff\xff\xff"),
        webp(b"ALPH", b""),
        b"GIF89a".to_vec(),
        b"<svg/>".to_vec(),
        Vec::new(),
        [png(1, 1), vec![0; MAX_PICTURE_BYTES as usize]].concat(),
    ];
    for bytes in bad {
        assert_eq!(size(&bytes).unwrap_err().code(), "invalid_argument", "{:?}", &bytes[..bytes.len().min(30)]);
    }
    for whole in [png(640, 360), extended, lossy] {
        for end in 0..whole.len().min(24) {
            assert!(size(&whole[..end]).is_err(), "{end}");
        }
    }
}

#[test]
fn picture_is_the_one_that_an_item_names() {
    let id = NewsId::new("a").unwrap();
    let bytes = png(640, 360);
    let (named, _) = NewsPicture::new(&stable(), &id, &bytes).unwrap();
    assert_eq!(named.check(&bytes).unwrap().width, 640);
    assert_eq!(named.check(&png(640, 361)).unwrap_err().code(), "news_malformed");
    let as_webp = serde_json::to_string(&named).unwrap().replace(".png", ".webp");
    let as_webp: NewsPicture = serde_json::from_str(&as_webp).unwrap();
    assert_eq!(as_webp.check(&bytes).unwrap_err().code(), "news_malformed");
    let bomb = png(60_000, 60_000);
    let text =
        serde_json::to_string(&named).unwrap().replace(&Digest::of(&bytes).to_string(), &Digest::of(&bomb).to_string());
    let huge: NewsPicture = serde_json::from_str(&text).unwrap();
    assert_eq!(huge.check(&bomb).unwrap_err().code(), "news_malformed");
}
