//! Formats counts and times for people, and parses durations.

pub(crate) use crate::text::{bytes, count, counted};

/// Seconds since 1970 as `2026-11-27 06:31 CET`, in the time zone of this machine.
pub(crate) fn time(seconds: i64) -> String {
    let Ok(time) = jiff::Timestamp::from_second(seconds) else { return "?".to_owned() };
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// `90s`, `15m`, `24h`, `7d`; a plain number is seconds.
pub(crate) fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor: Option<u64> = match unit {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    };
    let seconds = number.parse().ok().zip(factor).and_then(|(number, factor): (u64, u64)| number.checked_mul(factor));
    let expected = || "give a whole number and a unit, such as 90s, 15m, 24h or 7d".to_owned();
    seconds.map(std::time::Duration::from_secs).ok_or_else(expected)
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
