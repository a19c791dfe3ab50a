//! What each setting may be. A reason names the value and what is allowed.

use std::path::Path;

use crate::error::{Error, Result};

type Check = std::result::Result<(), String>;

const MAX_REPOSITORIES: usize = 16;
const MAX_URL_BYTES: usize = 2048;
const MAX_MODE_BYTES: usize = 64;
const MAX_CONNECTIONS: u16 = 1024;
const MAX_GRACE_SECONDS: u64 = 3600;
const PLATFORMS: [&str; 4] = ["linux-x86_64", "linux-aarch64", "windows-x86_64", "macos-universal"];

pub(super) fn repositories(all: &[String]) -> Check {
    if all.len() > MAX_REPOSITORIES {
        return Err(format!("at most {MAX_REPOSITORIES} repositories can be named"));
    }
    all.iter().try_for_each(|one| match one.split_once("://") {
        None if !one.trim().is_empty() => text(one),
        Some(("http" | "https" | "file", rest)) if !rest.is_empty() => text(one),
        _ => Err(format!("{one:?} is no repository: give an https:// URL, or a folder")),
    })
}

pub(super) fn proxy(url: &str) -> Check {
    match url.split_once("://") {
        Some(("http" | "https" | "socks5" | "socks5h", rest)) if !rest.is_empty() => text(url),
        // With the value it would show a password.
        _ => Err("a proxy begins with http://, https://, socks5:// or socks5h://".into()),
    }
}

fn text(url: &str) -> Check {
    let is_sound = url.len() <= MAX_URL_BYTES && !url.chars().any(char::is_control);
    if is_sound { Ok(()) } else { Err("a URL has at most 2048 bytes, and no line breaks".into()) }
}

pub(super) fn absolute(path: &Path) -> Check {
    if path.is_absolute() {
        return Ok(());
    }
    Err(format!("{:?} depends on where vsekai is started: give the whole path", path.display().to_string()))
}

pub(super) fn mode(name: &str) -> Check {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let begins_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if begins_well && name.len() <= MAX_MODE_BYTES && name.bytes().all(is_letter) {
        return Ok(());
    }
    Err(format!("{name:?} is no mode: a mode is a name such as stable, of letters, digits, -, _ and ."))
}

pub(super) fn platform(name: &str) -> Check {
    if PLATFORMS.contains(&name) {
        return Ok(());
    }
    Err(format!("{name:?} is no platform: there are {}", PLATFORMS.join(", ")))
}

pub(super) fn connections(count: u16) -> Check {
    if (1..=MAX_CONNECTIONS).contains(&count) {
        return Ok(());
    }
    Err(format!("{count} connections: give 1 to {MAX_CONNECTIONS}"))
}

pub(super) fn grace_seconds(seconds: u64) -> Check {
    if seconds <= MAX_GRACE_SECONDS {
        return Ok(());
    }
    Err(format!("{seconds} seconds of grace: give 0 to {MAX_GRACE_SECONDS}"))
}

pub(super) fn rate(text: &str) -> Check {
    rate_bytes_per_second(text).map(|_| ()).map_err(|error| match error {
        Error::Invalid { reason, .. } => reason,
        other => other.to_string(),
    })
}

/// Bytes a second from `5M`, `500K`, `64KiB`, `1.5MB/s` or a plain number. K, M and G are decimal.
///
/// # Errors
/// `Invalid` if it is none of these, or not from 1 to 10^18.
pub fn rate_bytes_per_second(text: &str) -> Result<u64> {
    let invalid = || {
        let reason = format!("{text:?} is no rate: give bytes a second, such as 500K, 5M or 64KiB");
        Error::Invalid { what: "rate", reason }
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
    // Beyond nine digits nothing is left of a unit's largest factor.
    let fraction = &fraction[..fraction.len().min(9)];
    let scale = 10_u64.pow(u32::try_from(fraction.len()).unwrap_or(9));
    let fraction: u64 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| invalid())? };
    let bytes = u128::from(whole) * u128::from(factor) + u128::from(fraction) * u128::from(factor) / u128::from(scale);
    u64::try_from(bytes).ok().filter(|bytes| (1..=10_u64.pow(18)).contains(bytes)).ok_or_else(invalid)
}
