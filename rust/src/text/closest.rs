//! What somebody meant who mistyped a word.

/// Most letters that a mistyped word differs in.
const MAX_EDITS: usize = 2;

/// Letters of a word for each of which it may differ in one: two of three would make any short word any other.
const LETTERS_PER_EDIT: usize = 3;

/// The known word that is closest to what was typed, if it differs in a letter or two; a short word in one.
pub fn closest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    let length = |word: &str| word.chars().count();
    let most = |word: &str| (length(word).max(length(typed)) / LETTERS_PER_EDIT).clamp(1, MAX_EDITS);
    let all = known.iter().map(|word| (edits(typed, word), *word));
    let near = all.filter(|(edits, word)| *edits <= most(word) && *edits < length(word));
    near.min_by_key(|(edits, _)| *edits).map(|(_, word)| word)
}

/// What a parser says of a name that it does not know: with the one that was meant, in place of all that it knows.
pub fn with_meant(said: &str) -> String {
    match (meant_of(said), said.split_once(", expected ")) {
        (Some(meant), Some((fault, _))) => format!("{fault}; did you mean `{meant}`?"),
        _ => said.to_owned(),
    }
}

/// The name in backticks that was meant by the first one, which a parser does not know.
fn meant_of(said: &str) -> Option<&str> {
    let (_, list) = said.split_once("unknown field ")?;
    let mut names = list.split('`').skip(1).step_by(2);
    let typed = names.next()?;
    closest(&typed.to_ascii_lowercase().replace('-', "_"), &names.collect::<Vec<_>>())
}

/// The number of letters to insert, delete, replace or swap with the next one, to turn one word into the other.
fn edits(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for i in 0..=from.len() {
        for j in 0..=to.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let is_swapped = i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
                let swapped = if is_swapped { rows[i - 2][j - 2] + 1 } else { usize::MAX };
                let replaced = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
                replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(swapped)
            };
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn unknown_fields_are_recognized() {
        let said = "unknown field `Limit-rat`, expected one of `mode`, `limit_rate`, `proxy`";
        assert_eq!(super::with_meant(said), "unknown field `Limit-rat`; did you mean `limit_rate`?");
        for said in ["unknown field `x`, expected `mode`", "invalid type: integer `5`, expected a string"] {
            assert_eq!(super::with_meant(said), said);
        }
    }

    #[test]
    fn mistyped_words_are_recognized() {
        let known = ["stable", "beta", "nightly", "m"];
        for (typed, meant) in [
            ("stabel", Some("stable")),
            ("Beta", Some("beta")),
            ("nigtly", Some("nightly")),
            ("stable2", Some("stable")),
            ("nigthyl", Some("nightly")),
            ("btea", Some("beta")),
            ("data", None),
            ("bus", None),
            ("x", None),
            ("release", None),
            ("", None),
        ] {
            assert_eq!(closest(typed, &known), meant, "{typed}");
        }
        assert_eq!(closest("beta", &[]), None);
    }
}
