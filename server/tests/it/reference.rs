//! The tables of `docs/server/reference.md` have every command of the program and every file of its data folder.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::support::deployment::TestDeployment;

/// The first cells of the rows of the table under a heading, each as its words in backticks.
fn table(heading: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/server/reference.md");
    let page = std::fs::read_to_string(path).unwrap();
    let section = page.split_once(&format!("\n## {heading}\n")).unwrap().1.split("\n## ").next().unwrap().to_owned();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let words = |row: &str| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2).map(str::to_owned).collect();
    rows.map(words).collect()
}

/// The commands below these words, as `--help` lists them.
fn commands(words: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_vsekai-server")).args(words).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let Some((_, list)) = help.split_once(" <COMMAND>\n") else { return Vec::new() };
    let names = list.lines().take_while(|line| *line != "Options:").filter(|line| line.starts_with("  "));
    let names = names.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn table_of_commands_has_each_of_them() {
    let mut known = BTreeSet::new();
    for name in commands(&[]) {
        let below = commands(&[&name]);
        known.extend(below.iter().map(|below| format!("{name} {below}")));
        if below.is_empty() {
            known.insert(name);
        }
    }
    assert!(known.len() > 15, "{known:?}");
    let mut listed = BTreeSet::new();
    for row in table("Commands") {
        let plain = |cell: &str| {
            let is_name = |word: &&str| word.starts_with(|first: char| first.is_ascii_lowercase());
            cell.split_whitespace().take_while(is_name).collect::<Vec<_>>().join(" ")
        };
        let first = plain(&row[0]);
        let parent = first.split(' ').next().unwrap().to_owned();
        listed.extend(row[1..].iter().map(|below| format!("{parent} {below}")));
        listed.insert(first);
    }
    assert_eq!(listed, known);
}

#[test]
fn table_of_the_data_folder_has_each_file() {
    let test = TestDeployment::new(&[]);
    let patterns: Vec<String> = table("The data folder").into_iter().flatten().collect();
    let data = test.path("server");
    let files = std::fs::read_dir(&data).unwrap().chain(std::fs::read_dir(data.join("keys")).unwrap());
    let mut count = 0;
    for file in files.map(|file| file.unwrap().path()).filter(|file| file.is_file()) {
        let name = file.strip_prefix(&data).unwrap().to_str().unwrap().to_owned();
        // `keys/catalog.*.pk8`, `snapshot.*.pk8`; `vsekai.db`, `-wal`
        let is_listed = patterns.iter().any(|pattern| {
            let (start, end) = pattern.split_once('*').unwrap_or((pattern, ""));
            let start = start.strip_prefix("keys/").unwrap_or(start);
            let name = name.strip_prefix("keys/").unwrap_or(&name);
            let name = if start.starts_with('-') { name.strip_prefix("vsekai.db").unwrap_or(name) } else { name };
            if pattern.contains('*') { name.starts_with(start) && name.ends_with(end) } else { name == start }
        });
        assert!(is_listed, "{name}: {patterns:?}");
        count += 1;
    }
    assert!(count >= 5, "{count} files in {}", data.display());
}

/// Every source file below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(sources(&entry));
        } else {
            let text = std::fs::read_to_string(entry).unwrap();
            found.push(text.split("#[cfg(test)]").next().unwrap().to_owned());
        }
    }
    found
}

#[test]
fn table_of_events_has_each_and_each_line_of_the_log_has_one() {
    let mut known = BTreeSet::new();
    for text in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for level in ["error", "warn", "info"] {
            for call in text.split(&format!("tracing::{level}!(")).skip(1) {
                let call = call.trim_start();
                let call = call.strip_prefix("target: ACCESS,").unwrap_or(call).trim_start();
                let name = call.strip_prefix("event = \"").and_then(|rest| rest.split('"').next());
                known.insert(
                    name.unwrap_or_else(|| panic!("a line without an event: {}", call.lines().next().unwrap()))
                        .to_owned(),
                );
            }
        }
        known.extend(text.split("\"event\": \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
    }
    let listed: BTreeSet<String> = table("Log events").into_iter().filter_map(|row| row.into_iter().next()).collect();
    assert_eq!(listed, known);
}
