//! Reads JSON, as far as the stub needs it: texts, yes or no, whole numbers, lists and objects. A parser for all of JSON
//! would add 17 KB to the stub.

/// A value. Numbers that are not whole, or negative, are [`Json::Other`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Json {
    #[default]
    Other,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

/// Deeper values are refused, so that no document exhausts the stack.
const MAX_DEPTH: u32 = 64;

impl Json {
    /// The value that `bytes` are; `None` if they are none.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader { text: std::str::from_utf8(bytes).ok()?, depth: 0 };
        let value = reader.value()?;
        reader.blanks();
        reader.text.is_empty().then_some(value)
    }

    /// A member of an object; [`Json::Other`] if there is none.
    pub(crate) fn get(&self, name: &str) -> &Self {
        let Self::Object(members) = self else { return &Self::Other };
        // The last one counts, as for most readers.
        members.iter().rev().find(|(key, _)| key == name).map_or(&Self::Other, |(_, value)| value)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn number(&self) -> Option<u64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn list(&self) -> &[Self] {
        if let Self::List(list) = self { list } else { &[] }
    }
}

struct Reader<'a> {
    text: &'a str,
    depth: u32,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        self.text = self.text.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    /// Skips blanks, and takes this if it follows.
    fn take(&mut self, wanted: &str) -> Option<()> {
        self.blanks();
        self.text = self.text.strip_prefix(wanted)?;
        Some(())
    }

    fn value(&mut self) -> Option<Json> {
        self.blanks();
        match self.text.bytes().next()? {
            b'{' => self
                .nested("{", "}", |reader| {
                    let key = reader.string()?;
                    reader.take(":")?;
                    Some((key, reader.value()?))
                })
                .map(Json::Object),
            b'[' => self.nested("[", "]", Self::value).map(Json::List),
            b'"' => self.string().map(Json::Text),
            b't' => self.take("true").map(|()| Json::Bool(true)),
            b'f' => self.take("false").map(|()| Json::Bool(false)),
            b'n' => self.take("null").map(|()| Json::Other),
            b'-' | b'0'..=b'9' => Some(self.digits()),
            _ => None,
        }
    }

    fn digits(&mut self) -> Json {
        let is_of_number = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
        let end = self.text.find(|letter| !is_of_number(letter)).unwrap_or(self.text.len());
        let (number, rest) = self.text.split_at(end);
        self.text = rest;
        number.parse().map_or(Json::Other, Json::Number)
    }

    fn nested<T>(&mut self, begin: &str, end: &str, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.take(begin)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mut items = Vec::new();
        if self.take(end).is_none() {
            loop {
                items.push(item(self)?);
                if self.take(",").is_none() {
                    break self.take(end)?;
                }
            }
        }
        self.depth -= 1;
        Some(items)
    }

    fn string(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            let at = self.text.find(['"', '\\'])?;
            text.push_str(&self.text[..at]);
            let is_end = self.text.as_bytes()[at] == b'"';
            self.text = &self.text[at + 1..];
            if is_end {
                return Some(text);
            }
            let letter = self.text.chars().next()?;
            self.text = &self.text[letter.len_utf8()..];
            text.push(match letter {
                'u' => self.unicode()?,
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'b' => '\u{8}',
                'f' => '\u{c}',
                '"' | '\\' | '/' => letter,
                _ => return None,
            });
        }
    }

    /// The letter of `\u` and four digits, or of two of them.
    fn unicode(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        self.text = self.text.strip_prefix("\\u")?;
        char::decode_utf16([u16::try_from(first).ok()?, u16::try_from(self.unit()?).ok()?]).next()?.ok()
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, rest) = self.text.split_at_checked(4)?;
        self.text = rest;
        digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, 16).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same value as another parser reads it.
    fn reference(value: &serde_json::Value) -> Json {
        use serde_json::Value;
        match value {
            Value::Bool(yes) => Json::Bool(*yes),
            Value::Number(number) => number.as_u64().map_or(Json::Other, Json::Number),
            Value::String(text) => Json::Text(text.clone()),
            Value::Array(list) => Json::List(list.iter().map(reference).collect()),
            Value::Object(members) => {
                Json::Object(members.iter().map(|(key, value)| (key.clone(), reference(value))).collect())
            }
            Value::Null => Json::Other,
        }
    }

    const DOCUMENTS: [&str; 12] = [
        r#"{"a":{"b":[1,"x",true,false,null]},"c":""}"#,
        " [ 1 , 2 ]\n",
        "[]",
        "{}",
        r#"{ "a" : { } }"#,
        r#""\"\\\/\b\f\n\r\t\u00e9\u30b2\ud83d\ude00 ゲーム""#,
        "18446744073709551615",
        "-1",
        "1.5e3",
        "null",
        r#"{"current":{"folder":"2.0.0-1a"},"previous":null,"schema":1,"trial":{"attempts":1}}"#,
        r#"[[[[[["deep"]]]]]]"#,
    ];

    #[test]
    fn documents_are_read_as_another_parser_reads_them() {
        for text in DOCUMENTS {
            let wanted: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(Json::parse(text.as_bytes()), Some(reference(&wanted)), "{text}");
        }
    }

    #[test]
    fn what_is_no_document_is_none() {
        let cut = DOCUMENTS.iter().filter(|text| text.starts_with(['{', '[', '"']));
        for text in cut {
            let text = text.trim_end();
            for (end, _) in text.char_indices().skip(1) {
                assert_eq!(Json::parse(&text.as_bytes()[..end]), None, "{}", &text[..end]);
            }
        }
        for text in ["", "x", "{a:1}", "[1,]", "{}x", r#""\x""#, r#""\ud800""#, r#""\u00g0""#, "tru", "[1 2]"] {
            assert_eq!(Json::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Json::parse(b"\"\xff\""), None);
        let deep = "[".repeat(100_000);
        assert_eq!(Json::parse(deep.as_bytes()), None);
    }

    #[test]
    fn members_that_are_missing_are_nothing() {
        let value = Json::parse(br#"{"a":{"b":"c"},"n":7,"l":[true]}"#).unwrap();
        assert_eq!(value.get("a").get("b").text(), Some("c"));
        assert_eq!((value.get("n").number(), value.get("n").text(), value.get("a").number()), (Some(7), None, None));
        assert_eq!(value.get("x").get("y"), &Json::Other);
        assert_eq!(value.get("l").list(), [Json::Bool(true)]);
        assert!(value.get("a").list().is_empty());
    }
}
