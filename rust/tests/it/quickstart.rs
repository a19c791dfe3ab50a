//! Runs `docs/quickstart.md` line by line, and compares what each command prints with what the page says.
//! `VSEKAI_WRITE_DOCS=1` writes the latter.

use std::path::Path;
use std::process::Command;

/// The page with what its commands print in this folder.
fn run(page: &str, folder: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_vsekai"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let (mut out, mut is_console) = (String::new(), false);
    for line in page.lines() {
        match line {
            "```console" => is_console = true,
            "```" => is_console = false,
            _ => {}
        }
        let Some(command) = line.strip_prefix("$ ").filter(|_| is_console) else {
            if !is_console || line == "```console" {
                out.push_str(&format!("{line}\n"));
            }
            continue;
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{command} 2>&1")]).current_dir(folder).env("PATH", &path).env("HOME", folder);
        shell.env("XDG_CONFIG_HOME", folder).env("XDG_CACHE_HOME", folder).env("SSL_CERT_FILE", "/dev/null");
        let ran = shell.env("SSL_CERT_DIR", "/nonexistent").output().unwrap();
        let said = String::from_utf8(ran.stdout).unwrap();
        assert!(ran.status.success(), "{command}: {said}");
        out.push_str(&format!("{line}\n{}", said.replace(&format!("{}/", folder.display()), "")));
    }
    out
}

/// The text without what differs from run to run: numbers, and the names of keys.
fn constant(text: &str) -> String {
    let here = vsekai_updater::formats::release::Platform::current().to_string();
    let text = text.replace("linux-x86_64", &here);
    let word = |word: &str| {
        let is_key = word.len() == 16 && word.chars().all(|it| it.is_ascii_hexdigit());
        if is_key { "KEY".to_owned() } else { word.replace(|it: char| it.is_ascii_digit() || it == '.', "") }
    };
    text.lines().map(|line| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn page_prints_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/quickstart.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let made = run(&page, folder.path());
    for version in ["This is version 1.\n", "This is version 2.\n"] {
        assert!(made.contains(version), "{made}");
    }
    if std::env::var_os("VSEKAI_WRITE_DOCS").is_some() {
        std::fs::write(&path, &made).unwrap();
        return;
    }
    assert_eq!(
        constant(&made),
        constant(&page),
        "old: VSEKAI_WRITE_DOCS=1 cargo test --test it quickstart:: writes it"
    );
}
