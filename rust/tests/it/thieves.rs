//! Checks that the tests which docs/keys.md names for each thief exist.

use std::fs;
use std::path::Path;

/// The tests and modules named in the table, such as `trust::attacks::some_test`, and whether they are the server's.
fn named(page: &str) -> Vec<(Vec<String>, bool)> {
    let table = page.split("\n## What a thief can do").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut found = Vec::new();
    for row in
        table.lines().filter(|row| row.starts_with("| ") && !row.starts_with("| stolen") && !row.starts_with("| ---"))
    {
        let cell = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let names = cell.split('`').skip(1).step_by(2).filter(|name| name.contains("::"));
        found.extend(names.map(|name| (name.split("::").map(str::to_owned).collect(), cell.contains("(server)"))));
    }
    found
}

fn exists(path: &[String], is_of_server: bool) -> bool {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tests = if is_of_server { package.join("../server/tests/it") } else { package.join("tests/it") };
    let file =
        |parts: &[String]| parts.iter().fold(tests.clone(), |folder, part| folder.join(part)).with_extension("rs");
    if file(path).exists() {
        return true;
    }
    let (name, module) = path.split_last().unwrap();
    fs::read_to_string(file(module)).is_ok_and(|text| text.contains(&format!("fn {name}(")))
}

#[test]
fn every_thief_has_a_test() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/keys.md")).unwrap();
    let named = named(&page);
    assert!(named.len() >= 12, "{named:?}");
    let missing: Vec<_> = named.iter().filter(|(path, is_of_server)| !exists(path, *is_of_server)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");
    assert!(!exists(&["trust".to_owned(), "attacks".to_owned(), "of_nobody".to_owned()], false));
}
