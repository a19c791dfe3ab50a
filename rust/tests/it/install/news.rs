//! News: signed by the mode's key, read with a check, kept for when there is no network.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use vsekai_updater::app::updater::{Settings, Story, Updater};
use vsekai_updater::event::Monitor;
use vsekai_updater::formats::metadata_pack::PATH;
use vsekai_updater::net::http::{HttpOptions, Network};

use super::shop::Shop;
use crate::support::forge::Forge;
use crate::support::run::Run;
use crate::support::server::TestServer;
use crate::support::trees::write;

fn png(width: u32, rest: usize) -> Vec<u8> {
    let header = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    [&header[..], &width.to_be_bytes(), &360_u32.to_be_bytes(), b"\x08\x02\0\0\0", &vec![7; rest]].concat()
}

/// `vsekai --json news WORDS` for the publisher's `stable`.
fn news(shop: &Shop, words: &[&str]) -> Run {
    let mut command = shop.command(&["news"]);
    command.args(words).args(["--mode", "stable", "--repository"]).arg(shop.publisher.repository());
    Run::of(command.arg("--keys").arg(shop.publisher.keys()))
}

fn picture(shop: &Shop, name: &str, bytes: &[u8]) -> String {
    write(&shop.path("pictures"), name, bytes);
    shop.path("pictures").join(name).display().to_string()
}

#[track_caller]
fn add(shop: &Shop, id: &str, options: &[&str]) {
    let title = format!("en=About {id}");
    let words =
        ["add", id, "--title", &title, "--text", "en=Come and see.", "--title", "de=Neues", "--text", "de=Komm."];
    news(shop, &[&words[..], options].concat()).done();
}

/// What a launcher shows.
fn stories(shop: &Shop, is_offline: bool) -> Vec<Story> {
    let settings = Settings::new(Network::new(&HttpOptions::default()).unwrap());
    let updater = Updater::new(&shop.game(), Settings { scratch: shop.path("scratch"), ..settings }).unwrap();
    updater.news(is_offline, &Monitor::default()).unwrap()
}

fn titles(stories: &[Story]) -> Vec<&str> {
    stories.iter().map(|story| story.item.text_for("en").unwrap().1.title()).collect()
}

fn kept_pictures(shop: &Shop) -> Vec<PathBuf> {
    let entries = fs::read_dir(shop.control("news")).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
    entries.into_iter().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn news_are_published_read_with_a_check_and_kept() {
    let shop = Shop::with(&["1.0.0"]);
    assert_eq!(stories(&shop, false), [], "none is fine");
    let bytes = png(640, 5000);
    let file = picture(&shop, "a.png", &bytes);
    add(&shop, "opening", &["--link", "https://example.org/a", "--picture", &file, "--date", "2026-01-02T10:00:00Z"]);
    add(&shop, "second", &[]);
    add(&shop, "not-yet", &["--date", "2999-01-01T00:00:00Z"]);
    let listed = news(&shop, &["list"]).done()["items"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 3);
    assert_eq!(listed[2]["link"], "https://example.org/a");
    assert!(listed[2]["texts"]["de"]["title"] == "Neues", "{listed}");

    shop.vsekai(&["check"]).done();
    assert_eq!(titles(&stories(&shop, true)), ["About second", "About opening"]);
    assert!(kept_pictures(&shop).is_empty(), "a check downloads no picture");
    let with_picture = stories(&shop, false);
    let shown = with_picture[1].picture.as_ref().unwrap();
    assert_eq!(fs::read(shown).unwrap(), bytes);

    // Without the repository, everything is as it was.
    let away = shop.path("away");
    fs::rename(shop.publisher.repository(), &away).unwrap();
    assert_eq!(stories(&shop, false), with_picture);
    shop.vsekai(&["check"]).failed("not_found");
    assert_eq!(stories(&shop, true), with_picture);
    fs::rename(&away, shop.publisher.repository()).unwrap();

    // A damaged picture is not shown, and downloaded again.
    fs::write(shown, b"damaged").unwrap();
    assert_eq!(stories(&shop, true)[1].picture, None);
    assert_eq!(stories(&shop, false), with_picture);

    news(&shop, &["remove", "opening"]).done();
    shop.vsekai(&["check"]).done();
    assert_eq!(titles(&stories(&shop, true)), ["About second"]);
    assert!(kept_pictures(&shop).is_empty(), "what no item names is removed");
    let said = news(&shop, &["remove", "opening"]).failed("not_found");
    assert!(said.ends_with("`vsekai news list` shows all"), "{said}");
}

#[test]
fn check_needs_no_request_for_news_and_pictures_one_each() {
    let shop = Shop::new();
    shop.publish("1.0.0");
    let web = TestServer::start(shop.publisher.repository());
    let mut command = shop.command(&["update", "--trust-root"]);
    command.arg(shop.publisher.root()).args(["--repository", &web.url()]).arg(shop.game());
    Run::of(&mut command).done();
    let file = picture(&shop, "a.png", &png(640, 50));
    add(&shop, "opening", &["--picture", &file]);
    web.take_asked();
    let asked = |web: &TestServer| web.take_asked().into_iter().map(|(path, _)| path).collect::<Vec<_>>();

    shop.vsekai(&["check"]).done();
    assert_eq!(asked(&web), [PATH], "they are in the metadata pack");
    assert_eq!(titles(&stories(&shop, false)), ["About opening"]);
    let mut first = asked(&web);
    assert!(first.pop().unwrap().ends_with(".opening.png"), "{first:?}");
    assert_eq!(first, [PATH]);
    stories(&shop, false);
    shop.vsekai(&["check"]).done();
    assert_eq!(asked(&web), [PATH], "nothing has changed");
}

#[test]
fn news_that_cannot_be_read_stop_no_check() {
    let shop = Shop::with(&["1.0.0"]);
    add(&shop, "opening", &[]);
    shop.vsekai(&["check"]).done();
    let forge = Forge::new(shop.publisher.repository(), shop.publisher.keys());
    let forged = |bytes: &[u8]| {
        let mut role = forge.role("stable");
        let (name, target) = forge.put_target("stable/news.json", bytes);
        role.targets.insert(name, target);
        forge.put_role("stable", role, "stable");
        let _ = fs::remove_file(shop.publisher.repository().join(PATH));
    };
    for bytes in [&b"not news"[..], &vec![b' '; 70_000], br#"{"schema":2}"#, br#"{"schema":1,"items":[{"id":"../x"}]}"#]
    {
        forged(bytes);
        let run = shop.vsekai(&["check"]);
        run.done();
        assert!(run.lines.iter().any(|line| line["event"] == "warned"), "it is said: {:?}", run.lines);
        assert_eq!(titles(&stories(&shop, true)), ["About opening"], "what was known stays");
    }
    // A picture of too many pixels is never kept, whatever the news say of it.
    let bomb = png(60_000, 0);
    let digest = vsekai_updater::digest::Digest::of(&bomb).to_string();
    let item = json!({"id": "bomb", "published_at": "2026-01-01T00:00:00Z", "texts": {"en": {"title": "a", "text": "b"}},
        "picture": {"path": "stable/news/bomb.png", "length": bomb.len(), "sha256": digest}});
    let mut role = forge.role("stable");
    for (name, bytes) in [
        ("stable/news/bomb.png", bomb.clone()),
        ("stable/news.json", serde_json::to_vec(&json!({"schema": 1, "items": [item]})).unwrap()),
    ] {
        let (name, target) = forge.put_target(name, &bytes);
        role.targets.insert(name, target);
    }
    forge.put_role("stable", role, "stable");
    shop.vsekai(&["check"]).done();
    let shown = stories(&shop, false);
    assert_eq!((titles(&shown), shown[0].picture.as_ref()), (vec!["a"], None));
    assert!(kept_pictures(&shop).is_empty());
}

#[test]
fn only_the_key_of_the_mode_makes_its_news() {
    let shop = Shop::with(&["1.0.0"]);
    let online = shop.publisher.some_keys("online", &["catalog", "snapshot", "timestamp", "beta"]);
    let words = ["news", "add", "a", "--title", "en=a", "--text", "en=b", "--mode", "stable", "--repository"];
    let mut command = shop.command(&words);
    Run::of(command.arg(shop.publisher.repository()).arg("--keys").arg(&online)).failed("key_missing");
    let mut command = shop.command(&["news", "list", "--mode", "other", "--repository"]);
    Run::of(command.arg(shop.publisher.repository()).arg("--keys").arg(shop.publisher.keys())).failed("mode_unknown");
    let mut command = shop.command(&["news", "list", "--mode", "stable", "--repository"]);
    Run::of(command.arg(shop.path("none")).arg("--keys").arg(shop.publisher.keys())).failed("not_found");
}

#[test]
fn what_players_would_refuse_is_not_published() {
    let shop = Shop::with(&["1.0.0"]);
    let before = snapshot(shop.publisher.repository());
    let text = ["--title", "en=a", "--text", "en=b"];
    let large = picture(&shop, "large.png", &png(640, 600_000));
    let wide = picture(&shop, "wide.png", &png(3000, 0));
    let other = picture(&shop, "other.png", b"GIF89a");
    let long = format!("en={}", "x".repeat(501));
    let bad: [&[&str]; 7] = [
        &["--title", "en=a", "--text", "de=b"],
        &["--title", "en=a", "--title", "en=b", "--text", "en=b"],
        &["--title", "en=a", "--text", &long],
        &["--title", "en=a", "--text", "en=a\u{202e}b"],
        &[&text[..], &["--picture", &large]].concat(),
        &[&text[..], &["--picture", &wide]].concat(),
        &[&text[..], &["--picture", &other]].concat(),
    ];
    for words in bad {
        news(&shop, &[&["add", "a"], words].concat()).failed("invalid_argument");
    }
    assert_eq!(snapshot(shop.publisher.repository()), before);
    let items: Vec<String> = (0..12).map(|at| format!("item-{at}")).collect();
    for id in &items {
        news(&shop, &[&["add", id], &text[..]].concat()).done();
    }
    news(&shop, &[&["add", "one-more"], &text[..]].concat()).failed("news_malformed");
    news(&shop, &[&["add", "item-3"], &text[..]].concat()).done();
}

fn snapshot(folder: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(folder.join("tuf")).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<_> = entries.map(|entry| (entry.path(), entry.metadata().unwrap().len())).collect();
    all.sort();
    all
}
