//! Numbers on the command line, refused in words that say what is expected.

use std::ops::RangeInclusive;

/// Days until a token ends: at most ten years.
const TOKEN_DAYS: RangeInclusive<u16> = 1..=3650;

pub(crate) fn token_days(text: &str) -> Result<u16, String> {
    within(text, TOKEN_DAYS, "days", 90)
}

pub(crate) fn keep_days(text: &str) -> Result<u16, String> {
    within(text, 0..=u16::MAX, "days", 30)
}

pub(crate) fn version(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "write a whole number, such as 4".to_owned())
}

fn within(text: &str, range: RangeInclusive<u16>, what: &str, example: u16) -> Result<u16, String> {
    let number = text.parse::<u16>().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        format!("write a whole number of {what} from {} to {}, such as {example}", range.start(), range.end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_refused_with_what_is_expected() {
        assert_eq!(token_days("90"), Ok(90));
        for wrong in ["0", "3651", "99999999999", "90d", "-1", ""] {
            let expected = "write a whole number of days from 1 to 3650, such as 90";
            assert_eq!(token_days(wrong), Err(expected.to_owned()), "{wrong}");
        }
        assert_eq!((keep_days("0"), version("7")), (Ok(0), Ok(7)));
        assert!(keep_days("a month").is_err() && version("v7").is_err());
    }
}
