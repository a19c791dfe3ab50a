//! Formats sizes and counts for people, and parses durations.

/// `1234567` as `1.2 MB`. Decimal units, like those of disks and providers.
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

/// Seconds since 1970 as `2026-11-27 06:31`, in the time zone of this machine.
pub(crate) fn time(seconds: i64) -> String {
    let Ok(time) = jiff::Timestamp::from_second(seconds) else { return "?".to_owned() };
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// `1 chunk`, `1,866 chunks`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
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
        assert_eq!((counted(1, "file", "files"), counted(0, "file", "files")), ("1 file".into(), "0 files".into()));
        assert_eq!(parse_duration("24h"), Ok(std::time::Duration::from_hours(24)));
        assert!(parse_duration("1w").is_err());
    }
}
