//! Values of options: what is refused is told what was expected, with an example. The parser itself repeats the value.

use std::time::Duration;

use jiff::Timestamp;

use crate::cli::size;
use crate::error::Error;
use crate::formats::news::{Language, NewsId, NewsLink};
use crate::formats::release::{ModeName, Platform};
use crate::install::config;
use crate::net::http::{Url, parse_url};
use crate::path::RelPath;
use crate::text;
use crate::version::Version;

type Parsed<T> = Result<T, String>;

/// Why the library refuses a value, without naming the value and its kind once more.
fn reason(error: Error) -> String {
    match error {
        Error::Invalid { reason, .. } | Error::VersionInvalid { reason, .. } => reason,
        Error::UnsafePath { reason, .. } => reason.to_owned(),
        other => other.to_string(),
    }
}

pub(super) fn mode(text: &str) -> Parsed<ModeName> {
    ModeName::new(text).map_err(|_| "a mode's name has 1 to 32 of a-z, 0-9 and -, such as stable or beta-2".to_owned())
}

pub(super) fn platform(text: &str) -> Parsed<Platform> {
    let meant = Platform::meant(text).map(|meant| format!("did you mean {meant}? ")).unwrap_or_default();
    Platform::new(text).map_err(|_| format!("{meant}There are {}", Platform::KNOWN.join(", ")))
}

pub(super) fn version(text: &str) -> Parsed<Version> {
    Version::parse(text).map_err(reason)
}

pub(super) fn rate(text: &str) -> Parsed<u64> {
    config::rate_bytes_per_second(text).map_err(|_| "give bytes per second, such as 500K, 5M or 64KiB".to_owned())
}

pub(super) fn duration(text: &str) -> Parsed<Duration> {
    size::parse_duration(text)
}

/// `25` or `25%`.
pub(super) fn percent(text: &str) -> Parsed<u8> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok().filter(|number| *number <= 100);
    number.ok_or_else(|| "give a whole number from 0 to 100".to_owned())
}

/// The address of a server.
pub(super) fn web_url(text: &str) -> Parsed<Url> {
    let example = "write its whole address, as in https://updates.example.org";
    match parse_url("URL", text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && text::is_web_url(text) => Ok(url),
        Ok(_) if text.contains("://") => Err(format!("it must begin with https:// or http://: {example}")),
        _ => Err(example.to_owned()),
    }
}

/// The address of a mirror, which clients accept from a catalog.
pub(super) fn mirror(text: &str) -> Parsed<String> {
    web_url(text)
        .map(|_| text.to_owned())
        .map_err(|_| "give the address of a copy of the repository, such as https://mirror.example.net/game".to_owned())
}

/// A store: an address, or a path below the repository.
pub(super) fn store(text: &str) -> Parsed<String> {
    let is_path = !text.contains("://") && RelPath::new(text).is_ok();
    if is_path || web_url(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("give an address such as https://cdn.example.net/store, or a path below the repository such as store"
        .to_owned())
}

/// A file of the build.
pub(super) fn path_in_build(text: &str) -> Parsed<RelPath> {
    let example = "give a path in the build, such as data/settings.cfg";
    RelPath::new(text).map_err(|error| match text.replace('\\', "/") {
        slashed if slashed != text && RelPath::new(&slashed).is_ok() => format!("write it as {slashed}"),
        _ if text.is_empty() || text.starts_with(['/', '.']) => example.to_owned(),
        _ => format!("{example}: {}", reason(error)),
    })
}

/// The program of a build, which is read once more when the project file may have named it.
pub(super) fn entry(text: &str) -> Parsed<String> {
    path_in_build(text)
        .map(|path| path.to_string())
        .map_err(|said| said.replace("data/settings.cfg", "bin/game.x86_64"))
}

pub(super) fn news_id(text: &str) -> Parsed<NewsId> {
    NewsId::new(text).map_err(|_| "an id has 1 to 64 of a-z, 0-9 and -, such as garden-opens".to_owned())
}

pub(super) fn news_link(text: &str) -> Parsed<NewsLink> {
    let said = |error| format!("{}. Write a whole address, as in https://example.org/garden", reason(error));
    NewsLink::new(text).map_err(said)
}

pub(super) fn time(text: &str) -> Parsed<Timestamp> {
    text.parse().map_err(|_| "write day and time, as in 2026-11-27T10:00:00Z".to_owned())
}

pub(super) fn in_language(text: &str) -> Parsed<(Language, String)> {
    let begin = || "begin it with its language, as in \"en=The garden is open\"".to_owned();
    let (tag, words) = text.split_once('=').ok_or_else(begin)?;
    let language =
        Language::new(tag).map_err(|_| format!("{}; {tag:?} is not a language like en or pt-BR", begin()))?;
    if words.trim().is_empty() { Err(begin()) } else { Ok((language, words.to_owned())) }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use crate::cli::arguments::Cli;

    /// What the command line says about a value, after the name of the option.
    fn said(line: &str, value: &str) -> String {
        let words = line.split(' ').map(|word| OsString::from(word.replace("VALUE", value))).collect();
        let Err(error) = Cli::parse_arguments(words) else { panic!("{line} takes {value:?}") };
        let text = crate::text::of_parser(&error.to_string());
        let text = text.lines().next().unwrap_or_default().to_owned();
        let after = text.split_once("' for '").and_then(|(_, rest)| rest.split_once("': "));
        after.unwrap_or_else(|| panic!("{line} {value:?}: {text}")).1.to_owned()
    }

    const PUBLISH: &str = "publish B --mode m --version 1.0.0 --entry g --repository R --keys K";
    const NEWS: &str = "news add i --mode m --repository R --keys K --text en=b";

    #[test]
    fn every_refused_value_is_told_what_was_expected() {
        let recall = "repository recall --mode m --repository R --keys K --version=VALUE";
        let publish = |option: &str| format!("{PUBLISH} {option}=VALUE");
        let title = format!("{NEWS} --title=VALUE");
        let news = |option: &str| format!("{NEWS} --title en=a {option}=VALUE");
        for (line, values, wanted) in [
            ("update --version=VALUE", &["", "latest", "1.2.3.4", "1.2.3-"][..], "such as 1.2.0 or 1.2.0-beta.3"),
            ("update --version=VALUE", &["1"], "write it as 1.0.0"),
            (recall, &["v1.2.3", "01.2.3"], "write it as 1.2.3"),
            (&publish("--oldest-allowed"), &["1.0"], "write it as 1.0.0"),
            (&publish("--min-launcher"), &["x"], "such as 1.2.0"),
            ("update --mode=VALUE", &["", "X", "a/b"], "such as stable or beta-2"),
            ("keys init K --mode=VALUE", &["a.b"], "such as stable or beta-2"),
            ("update --platform=VALUE", &["win"], "did you mean windows-x86_64? There are linux-x86_64, "),
            ("update --platform=VALUE", &["", "x86"], "There are linux-x86_64, "),
            ("update --limit-rate=VALUE", &["", "abc", "5Q", "-5"], "such as 500K, 5M or 64KiB"),
            ("launch --grace=VALUE", &["", "abc", "1w", "5 m", "1.5h", "-1"], "such as 90s, 15m, 24h or 7d"),
            (
                "update --http-auth-origin=VALUE",
                &["", "abc", "http://", "http://x:99999"],
                "https://updates.example.org",
            ),
            ("keys push K --server=VALUE", &["abc", "ftp://x", "https:/x"], "https://updates.example.org"),
            (&publish("--rollout"), &["", "x", "101"], "a whole number from 0 to 100"),
            (&publish("--mutable"), &["", "/abs", "../x"], "such as data/settings.cfg"),
            (&publish("--mutable"), &["a\\b"], "write it as a/b"),
            ("publish B --mode m --version 1.0.0 --entry=VALUE", &["", "/abs"], "such as bin/game.x86_64"),
            ("repository mirrors --repository R --keys K VALUE", &["mirror", "ftp://x", "http://"], "https://mirror."),
            ("repository stores --repository R --keys K VALUE", &["", "ftp://x", "http://", "../x"], "such as store"),
            ("keys threshold K m VALUE", &["0"], "0 is not in 1 to"),
            (&title, &["", "x", "=", "en=", "english=a"], "as in \"en=The garden is open\""),
            (&news("--link"), &["", "http://x", "https://"], "as in https://example.org/garden"),
            (&news("--date"), &["", "yesterday", "2026-01-01"], "as in 2026-11-27T10:00:00Z"),
        ] {
            for value in values {
                let said = said(line, value);
                assert!(said.contains(wanted) && !said.contains("Invalid"), "{line} {value:?}: {said}");
            }
        }
    }
}
