//! JSON in which no object has a key twice. Parsers disagree about which of the two counts, so what one program has checked
//! another may read differently.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, Result};

/// Fails if an object has a key twice. What is no JSON at all is left to whoever reads it.
pub(super) fn check(json: &[u8]) -> Result<()> {
    match serde_json::from_slice::<Checked>(json) {
        Err(error) if error.is_data() => Err(Error::Invalid { what: "body", reason: error.to_string() }),
        _ => Ok(()),
    }
}

struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Checks)
    }
}

struct Checks;

impl<'de> Visitor<'de> for Checks {
    type Value = Checked;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_str<E>(self, _: &str) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_unit<E>(self) -> Result<Checked, E> {
        Ok(Checked)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Checked, A::Error> {
        while items.next_element::<Checked>()?.is_some() {}
        Ok(Checked)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Checked, A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if seen.contains(&key) {
                // A key may be long, and is a stranger's.
                return Err(A::Error::custom("a key is given twice"));
            }
            seen.insert(key);
            entries.next_value::<Checked>()?;
        }
        Ok(Checked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_given_twice_are_refused_at_any_depth() {
        for json in [r#"{"a": 1, "a": 1}"#, r#"[{"b": {"a": [], "c": 2.5, "a": null}}]"#, r#"{"a": 1, "\u0061": true}"#]
        {
            assert_eq!(check(json.as_bytes()).unwrap_err().code(), "invalid", "{json}");
        }
        for json in [r#"{"a": {"a": -1}, "b": {"a": "x"}}"#, "[1, 1, \"a\", \"a\"]", "{", "", "[[["] {
            check(json.as_bytes()).unwrap();
        }
        check("[".repeat(1 << 20).as_bytes()).unwrap();
    }
}
