//! Checks the layers of `src`: no file may import from a layer above its own.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers, bottom first. Other modules at the top of `src` are shared by all, and must not import from any layer.
const LAYERS: [&str; 8] = ["formats", "local", "install", "net", "app", "cli", "gdext", "bin"];

/// The position of a top-level module in the layers.
fn height(name: &str) -> usize {
    LAYERS.iter().position(|layer| *layer == name).map_or(0, |at| at + 1)
}

/// The top-level modules that a file imports from but must not. `path` is relative to `src`.
fn violations(path: &Path, text: &str) -> Vec<String> {
    let module = path.with_extension("");
    let depth = module.components().count();
    let own = module.iter().next().unwrap().to_str().unwrap().to_owned();
    // The root of the crate declares its modules.
    if own == "lib" {
        return Vec::new();
    }
    let mut names = imported(text, "crate::");
    names.extend(imported(text, &"super::".repeat(depth)));
    names.retain(|name| height(name) > height(&own));
    names
}

/// The names that follow `prefix` in code, also within braces. Capitalized names are items of the root, which all may
/// use.
fn imported(text: &str, prefix: &str) -> Vec<String> {
    let code = code_of(text);
    let is_whole = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c));
    let mut names = Vec::new();
    for (at, _) in code.match_indices(prefix).filter(|(at, _)| is_whole(*at)) {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(first_names(group)),
            None => names.push(first_name(rest)),
        }
    }
    names.retain(|name| name.starts_with(char::is_lowercase));
    names
}

fn first_name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first name of each path in a group, up to the closing brace.
fn first_names(group: &str) -> Vec<String> {
    let (mut names, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        if depth == 0 && (c == ',' || c == '}') {
            names.push(first_name(group[start..at].trim_start()));
            start = at + 1;
        }
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            _ => {}
        }
    }
    names
}

/// The text without comments, and without items below `#[cfg(test)]`. It relies on formatting: the last line of an item
/// is the next one with the same indentation.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let indent = &line[..line.len() - line.trim_start().len()];
            let is_last = |line: &str| {
                let rest = line.strip_prefix(indent).filter(|rest| !rest.starts_with(' '));
                rest.is_some_and(|rest| rest.ends_with([';', '}', ',']))
            };
            lines.by_ref().find(|line| is_last(line));
            continue;
        }
        let comment = line.match_indices("//").find(|(at, _)| !line[..*at].ends_with(':'));
        code.push_str(comment.map_or(line, |(at, _)| &line[..at]));
        code.push('\n');
    }
    code
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn no_file_imports_from_a_layer_above_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let is_test = |path: &Path| path.iter().any(|part| part == "tests" || part == "tests.rs");
    let files: Vec<_> = files_below(&root).into_iter().filter(|path| !is_test(path)).collect();
    assert!(LAYERS.iter().all(|layer| root.join(layer).is_dir()), "a layer has no folder");
    let mut found = Vec::new();
    for file in &files {
        let path = file.strip_prefix(&root).unwrap();
        let names = violations(path, &fs::read_to_string(file).unwrap());
        found.extend(names.into_iter().map(|name| format!("{} imports crate::{name}", path.display())));
    }
    assert!(found.is_empty(), "{} of {} files:\n{}", found.len(), files.len(), found.join("\n"));
}

/// A program may have set what another thread reads meanwhile; and what a library reads, nobody can choose for one call.
#[test]
fn only_what_knows_the_machine_reads_the_environment() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let below = ["error", "event", "formats", "local", "net", "install"];
    let files = below.iter().flat_map(|layer| files_below(&root.join(layer)));
    let asks = |path: &PathBuf| {
        let code = code_of(&fs::read_to_string(path).unwrap());
        ["env::var(", "env::var_os(", "env::vars", "from_env("].iter().any(|call| code.contains(call))
    };
    let found: Vec<_> =
        files.filter(|path| !path.iter().any(|part| part == "tests" || part == "tests.rs")).filter(asks).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn imports_from_above_are_found_wherever_they_stand() {
    let found = |path: &str, text: &str| violations(Path::new(path), text);
    assert_eq!(found("formats/chunk.rs", "use crate::local::disk;\n"), ["local"]);
    assert_eq!(found("formats/chunk.rs", "let x = crate::net::Url::parse(text)?; // as always\n"), ["net"]);
    assert_eq!(found("local/plan.rs", "use crate::{formats::{index, chunk}, app::{self, host}, Error};\n"), ["app"]);
    assert_eq!(found("local/plan.rs", "use crate::{\n    error::Error,\n    install::root,\n};\n"), ["install"]);
    assert_eq!(found("local.rs", "use super::net::Url;\n"), ["net"]);
    assert_eq!(found("local/plan/route.rs", "use super::super::super::cli;\n"), ["cli"]);
    assert_eq!(found("error.rs", "use crate::formats::chunk::ChunkId;\n"), ["formats"]);
    assert_eq!(found("cli/size.rs", "use crate::gdext::values;\n"), ["gdext"]);
    assert_eq!(found("app/host.rs", "#[cfg(test)]\nmod tests {\n    use crate::cli;\n}\nuse crate::cli;\n"), ["cli"]);
    assert_eq!(found("app/host.rs", "#[cfg(test)]\nuse crate::gdext;\nfn f() { crate::cli::run(); }\n"), ["cli"]);
}

#[test]
fn imports_from_below_comments_and_tests_are_allowed() {
    let found = |path: &str, text: &str| violations(Path::new(path), text);
    let none: [String; 0] = [];
    assert_eq!(found("app/host.rs", "use crate::{Error, Result, net::trust, local::disk};\n"), none);
    assert_eq!(found("gdext/console.rs", "use crate::cli::obey;\nuse crate::gdext::values;\n"), none);
    assert_eq!(found("formats/chunk.rs", "//! See [`disk`](crate::local::disk).\n/// [`crate::net`]\n"), none);
    assert_eq!(found("local/plan.rs", "#[cfg(test)]\nmod tests {\n    use crate::net;\n}\n"), none);
    assert_eq!(found("local/plan.rs", "use super::net;\nuse other_crate::net;\n"), none);
    assert_eq!(found("lib.rs", "pub use crate::net::x;\n"), none);
}
