//! Checks the values of settings. Each message names the value and what is allowed.

use std::path::Path;

use crate::error::{Error, Result};
use crate::formats::release::{ModeName, Platform};
use crate::text;

type Check = std::result::Result<(), String>;

const MAX_REPOSITORIES: usize = 16;
const MAX_URL_BYTES: usize = 2048;
const MAX_CONNECTIONS: u16 = 1024;
const MAX_GRACE_SECONDS: u64 = 3600;

pub(super) fn repositories(all: &[String]) -> Check {
    if all.len() > MAX_REPOSITORIES {
        return Err(format!("at most {MAX_REPOSITORIES} repositories can be named"));
    }
    all.iter().try_for_each(|one| match scheme(one) {
        None if !one.trim().is_empty() => sound(one),
        Some((scheme, rest)) if ["http", "https", "file"].contains(&scheme.as_str()) && !rest.is_empty() => sound(one),
        _ => Err(format!(
            "{:?} is not a repository: give a URL such as https://example.org/game, or a folder",
            text::address(one)
        )),
    })
}

/// The scheme of a URL in lower case, which it may be written in or not (RFC 3986, 3.1), and the rest.
fn scheme(url: &str) -> Option<(String, &str)> {
    url.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest))
}

pub(super) fn proxy(url: &str) -> Check {
    match scheme(url) {
        Some((scheme, rest))
            if ["http", "https", "socks5", "socks5h"].contains(&scheme.as_str()) && !rest.is_empty() =>
        {
            sound(url)
        }
        // The value is not shown, because it may contain a password.
        _ => Err("a proxy must begin with http://, https://, socks5:// or socks5h://".into()),
    }
}

fn sound(url: &str) -> Check {
    let is_sound = url.len() <= MAX_URL_BYTES && !url.chars().any(char::is_control);
    if is_sound { Ok(()) } else { Err("a URL must have at most 2048 bytes and no line breaks".into()) }
}

pub(super) fn absolute(path: &Path) -> Check {
    if path.is_absolute() {
        return Ok(());
    }
    Err(format!("{:?} is a relative path: use an absolute path", path.display().to_string()))
}

pub(super) fn mode(name: &str) -> Check {
    ModeName::new(name).map(|_| ()).map_err(reason)
}

pub(super) fn platform(name: &str) -> Check {
    if Platform::KNOWN.contains(&name) {
        return Ok(());
    }
    let meant = Platform::meant(name).map(|meant| format!("did you mean {meant:?}? ")).unwrap_or_default();
    Err(format!("unknown platform {name:?}: {meant}Use one of {}", Platform::KNOWN.join(", ")))
}

pub(super) fn connections(count: u16) -> Check {
    if (1..=MAX_CONNECTIONS).contains(&count) {
        return Ok(());
    }
    Err(format!("{count} is out of range: use 1 to {MAX_CONNECTIONS} connections"))
}

pub(super) fn grace_seconds(seconds: u64) -> Check {
    if seconds <= MAX_GRACE_SECONDS {
        return Ok(());
    }
    Err(format!("{seconds} is out of range: use 0 to {MAX_GRACE_SECONDS} seconds"))
}

pub(super) fn rate(given: &str) -> Check {
    rate_bytes_per_second(given).map(|_| ()).map_err(reason)
}

fn reason(error: Error) -> String {
    match error {
        Error::Invalid { reason, .. } => reason,
        other => other.to_string(),
    }
}

/// Parses a rate in bytes per second: `5M`, `500K`, `64KiB`, `1.5MB/s` or a plain number. K, M and G are decimal.
///
/// # Errors
/// `Invalid` if the text has another form, or the rate is not between 1 and 10^18.
pub fn rate_bytes_per_second(text: &str) -> Result<u64> {
    let invalid = || {
        let reason = format!("{text:?} is not a rate: use bytes per second, such as 500K, 5M or 64KiB");
        Error::invalid("rate", reason)
    };
    let trimmed = text.trim();
    let trimmed = trimmed.strip_suffix("/s").unwrap_or(trimmed);
    let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(invalid()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| invalid())?;
    // Nine digits suffice: further ones are below one byte even for the largest unit.
    let fraction = &fraction[..fraction.len().min(9)];
    let scale = 10_u64.pow(u32::try_from(fraction.len()).unwrap_or(9));
    let fraction: u64 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| invalid())? };
    let bytes = u128::from(whole) * u128::from(factor) + u128::from(fraction) * u128::from(factor) / u128::from(scale);
    u64::try_from(bytes).ok().filter(|bytes| (1..=10_u64.pow(18)).contains(bytes)).ok_or_else(invalid)
}
