//! The rules that every statement and migration must follow, so that three databases understand it.
//!
//! `SQLite` and `PostgreSQL` run all of them in `tests/it/db`. There is no `CockroachDB` server here. Its grammar was
//! checked once, by hand (2026-11, the parse tables of github.com/cockroachdb/cockroachdb-parser at 1237970), and
//! accepted all that there were before migration 0022. A test of that needs Go and sixty modules of it, so it is not part
//! of this suite; nor is `crdb-sql-audit`, for the reasons in docs/decisions/0020-small-transactions.md.

use std::collections::BTreeSet;

use super::*;

/// Keywords, functions and types that `SQLite`, `PostgreSQL` and `CockroachDB` have with the same meaning. We write
/// them in capitals, and names in small letters.
const WORDS: &str = "ADD AND AS BIGINT BOOLEAN BY BYTEA CASE CAST COALESCE CONFLICT COUNT CREATE DEFAULT DELETE DESC \
    DISTINCT DO ELSE END EXISTS FALSE FROM GROUP IF IN INDEX INSERT INTO IS JOIN KEY LEFT LIMIT MAX NOT NOTHING NULL \
    ON OR ORDER PRIMARY REFERENCES SELECT SET SUM TABLE TEXT THEN TRUE UNIQUE UPDATE UUID VALUES WHEN WHERE";
const TYPES: [&str; 5] = ["UUID", "TEXT", "BOOLEAN", "BIGINT", "BYTEA"];
/// Names that no migration of ours makes: what a conflict would have inserted, results, and sqlx's table.
const OTHER_NAMES: [&str; 5] = ["excluded", "count", "_sqlx_migrations", "checksum", "success"];

/// The text without comments and literals.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("--").next().unwrap());
    let joined: String = lines.flat_map(|line| [line, "\n"]).collect();
    joined.split('\'').step_by(2).collect::<Vec<_>>().join(" '' ")
}

fn words(text: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let code = code(text);
    let words = code.split(|c: char| !is_word(c)).filter(|word| !word.is_empty());
    words.filter(|word| !word.starts_with(|c: char| c.is_ascii_digit() || c == '$')).map(str::to_owned).collect()
}

/// The names that migrations define.
fn schema() -> BTreeSet<String> {
    let texts = super::super::migrate::MIGRATIONS.iter().filter(|(_, text)| text.contains("CREATE TABLE"));
    let all = texts.flat_map(|(_, text)| words(text));
    all.filter(|word| *word == word.to_lowercase()).collect()
}

#[test]
fn every_word_is_one_that_all_databases_have() {
    let known: BTreeSet<_> = WORDS.split_whitespace().collect();
    for text in statements() {
        for word in words(&text).iter().filter(|word| **word != word.to_lowercase()) {
            assert!(known.contains(word.as_str()), "{word} in {text}");
        }
    }
}

#[test]
fn every_name_is_of_the_schema() {
    let schema = schema();
    for text in ALL {
        for word in words(&rows(&list(text, 1).0, 1)).iter().filter(|word| **word == word.to_lowercase()) {
            let is_alias = word.len() == 1;
            let is_known = schema.contains(word) || OTHER_NAMES.contains(&word.as_str());
            assert!(is_alias || is_known, "{word} in {text}");
        }
    }
}

#[test]
fn every_column_has_a_type_that_all_databases_have() {
    let mut columns = 0;
    for (name, text) in super::super::migrate::MIGRATIONS {
        let code = code(text);
        for line in code.lines().filter(|line| line.starts_with("    ")) {
            let mut words = line.split_whitespace();
            let (column, of_type) = (words.next().unwrap(), words.next().unwrap());
            if column == column.to_lowercase() {
                let of_type = of_type.trim_end_matches(',');
                assert!(TYPES.contains(&of_type), "{column} {of_type} in {name}");
                columns += 1;
            }
        }
    }
    assert!(columns > 60, "{columns}");
}

#[test]
fn nothing_is_made_that_may_be_there() {
    for (name, text) in super::super::migrate::MIGRATIONS {
        for statement in code(text).split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            let may_run_twice = statement.starts_with("CREATE TABLE IF NOT EXISTS ")
                || statement.starts_with("CREATE INDEX IF NOT EXISTS ")
                || statement.ends_with(" DO NOTHING");
            assert!(may_run_twice, "{name}: {statement}");
        }
    }
}

#[test]
fn no_statement_has_signs_of_one_database_alone() {
    for text in statements() {
        let code = code(&text).replace("COUNT(*)", "");
        for sign in ["*", "::", "?", "`", "\"", "[", "{", "||", "->", "@", "~"] {
            assert!(!code.contains(sign), "{sign} in {text}");
        }
    }
}

#[test]
fn values_are_numbered_without_gaps() {
    for text in ALL {
        let text = rows(&list(text, 1).0, 2);
        let numbers: BTreeSet<usize> = text
            .split('$')
            .skip(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap())
            .collect();
        assert!(numbers.iter().copied().eq(1..=numbers.len()), "{text}");
    }
}

/// `CockroachDB` restarts a transaction from its start, whatever savepoints it has: there is one way to begin one, and it
/// does not nest.
#[test]
fn transactions_begin_in_one_place_and_have_no_savepoints() {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db")];
    let mut begin = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            if name != "tests.rs" {
                assert!(!text.to_uppercase().contains("SAVEPOINT"), "{name}");
                begin.extend(
                    [".begin()", ".begin_with("].map(|call| text.matches(call).count()).map(|n| (name.clone(), n)),
                );
            }
        }
    }
    begin.retain(|(_, count)| *count > 0);
    assert_eq!(begin, [("store.rs".to_owned(), 1)]);
}

#[test]
fn what_never_changes_is_read_from_followers() {
    let texts =
        [CHUNK_BYTES, CHUNKS_BYTES, CHUNK_TAIL, BUNDLE_PART, CONTENT_PART].map(|text| at(text, Moment::Earlier).0);
    let clause = " AS OF SYSTEM TIME follower_read_timestamp() WHERE ";
    assert_eq!(texts[4], format!("SELECT bytes FROM content_parts{clause}digest = $1 AND part = $2"));
    assert_eq!(
        texts[0],
        format!(
            "SELECT d.bytes FROM chunk_data d JOIN chunks c ON c.id = d.id{clause}d.id = $1 AND c.state <> 'deleting'"
        )
    );
    assert!(texts.iter().all(|text| text.matches("AS OF").count() == 1), "{texts:?}");
    assert_eq!(at(BUNDLE_PART, Moment::Now).0, BUNDLE_PART);
}

#[test]
fn lists_and_rows_are_written_out() {
    assert_eq!(list("a IN ({list 3})", 1), ("a IN ($3)".to_owned(), 1));
    let (text, length) = list("a IN ({list 1})", 33);
    assert_eq!(length, 250);
    assert!(text.starts_with("a IN ($1, $2,") && text.ends_with(", $250)"));
    assert_eq!(list("a IN ({list 1})", 251).1, LIST);
    assert_eq!(rows("VALUES {rows 2} ON", 2), "VALUES ($1, $2), ($3, $4) ON");
    assert_eq!(rows("SELECT 1", 2), "SELECT 1");
}
