//! Numbers for people, and from them.

/// `1234567` as `1.2 MB`: decimal units, as disks and providers count.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    #[expect(clippy::cast_precision_loss, reason = "shown with two digits")]
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// `1866` as `1,866`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `5M`, `500K`, `64KiB`, `1.5MB/s` or plain bytes.
pub(crate) fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim().trim_end_matches("/s");
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().map_err(|_| format!("{text:?} is not a size, such as 5M or 64KiB"))?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        other => return Err(format!("unknown unit {other:?}: use K, M, G, KiB, MiB or GiB")),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked before")]
    match number * factor {
        value if (1.0..1e18).contains(&value) => Ok(value as u64),
        _ => Err(format!("{text:?} is out of range")),
    }
}

/// `90s`, `15m`, `24h`, `7d`; a plain number is seconds.
pub(crate) fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| format!("{text:?} is not a time, such as 24h or 7d"))?;
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        other => return Err(format!("unknown unit {other:?}: use s, m, h or d")),
    };
    let seconds = number.checked_mul(factor).ok_or_else(|| format!("{text:?} is out of range"))?;
    Ok(std::time::Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_they_are_written() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(59_407_960), "59.4 MB");
        assert_eq!(bytes(999_999), "1.0 MB");
        assert_eq!(count(1_866), "1,866");
        assert_eq!(count(12), "12");
        assert_eq!(parse_bytes("1.5MB/s"), Ok(1_500_000));
        assert_eq!(parse_bytes("64KiB"), Ok(65_536));
        assert!(parse_bytes("fast").is_err());
        assert!(parse_bytes("0").is_err());
        assert_eq!(parse_duration("24h"), Ok(std::time::Duration::from_hours(24)));
        assert!(parse_duration("1w").is_err());
    }
}
