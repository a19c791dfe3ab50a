//! What a publisher gives to each command, from `vsekai-publish.toml`.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::TestPublisher;
use crate::support::run::vsekai;

const FILE: &str = "vsekai-publish.toml";

/// What a command has printed.
struct Said {
    is_ok: bool,
    stdout: String,
    stderr: String,
}

fn said_by(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { is_ok: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn run(folder: &Path, line: &str) -> Said {
    said_by(vsekai().current_dir(folder).args(line.split(' ')))
}

/// Publishes 1.0.0 from the folder of the publisher, and remembers how.
fn remembered() -> TestPublisher {
    let test = TestPublisher::new();
    test.tree("build", 1);
    let line = "publish build --mode stable --version 1.0.0 --entry game --delta-from 0 --repository repository \
                --keys keys --remember";
    let said = run(test.folder.path(), line);
    assert!(said.is_ok && said.stdout.contains(FILE), "{} {}", said.stdout, said.stderr);
    test
}

#[test]
fn tips_repeat_what_was_typed_and_not_what_the_file_adds() {
    let test = remembered();
    let said = run(test.folder.path(), "publish build 1.5.0");
    assert!(said.stderr.contains("did you mean `vsekai publish build --version 1.5.0`?"), "{}", said.stderr);
}

#[test]
fn second_publication_needs_only_build_and_version() {
    let test = remembered();
    test.tree("build", 2);
    let here = test.folder.path();
    let said = run(here, "publish build --version 1.1.0 --delta-from 0");
    assert!(said.is_ok && said.stdout.contains("Published 1.1.0 (stable"), "{} {}", said.stdout, said.stderr);
    assert!(said.stderr.contains("--mode stable") && said.stderr.contains(FILE), "it says so: {}", said.stderr);
    assert_eq!(test.stable()["newest"], "1.1.0", "{}", test.stable());
    // From below, the paths are still those of the file.
    fs::create_dir_all(here.join("a/b")).unwrap();
    let said = run(&here.join("a/b"), "repository recall --version 1.1.0");
    assert!(said.is_ok && said.stdout.contains("1.1.0 (stable) is recalled"), "{} {}", said.stdout, said.stderr);
    let said = run(here, "repository show");
    assert!(said.is_ok && said.stdout.contains("recalled"), "{} {}", said.stdout, said.stderr);
    // What is typed wins.
    let said = run(here, "repository recall --version 1.1.0 --mode beta");
    assert!(!said.is_ok && said.stderr.contains("beta"), "{}", said.stderr);
}

#[test]
fn option_whose_value_is_forgotten_takes_none_of_the_file() {
    let test = remembered();
    let said = run(test.folder.path(), "publish build --version 1.2.0 --entry-arg");
    assert!(!said.is_ok && said.stderr.contains("a value is required for '--entry-arg"), "{}", said.stderr);
}

#[test]
fn scripts_get_json_alone() {
    let test = remembered();
    let said = run(test.folder.path(), "--json repository show");
    assert!(said.is_ok && said.stderr.is_empty(), "{}", said.stderr);
}

#[test]
fn file_that_is_there_is_not_written_over() {
    let test = remembered();
    let before = fs::read(test.path(FILE)).unwrap();
    let said = run(test.folder.path(), "publish build --version 1.2.0 --delta-from 0 --remember");
    assert!(!said.is_ok && said.stderr.contains("here already"), "{}", said.stderr);
    assert_eq!(fs::read(test.path(FILE)).unwrap(), before);
    assert!(!test.stable().to_string().contains("1.2.0"), "nothing was published");
}

#[test]
fn mistakes_in_the_file_are_named_with_their_line() {
    let test = TestPublisher::new();
    for (text, said) in [
        ("mode = 'stable'\nkey = 'k'\n", "line 2"),
        ("repository = 'r'\nserver = 'https://a.example'\n", "one of them"),
        ("mode =\n", "line 1"),
    ] {
        fs::write(test.path(FILE), text).unwrap();
        let run = run(test.folder.path(), "--json repository show");
        assert!(run.stdout.contains("\"code\":\"config_malformed\""), "{text}: {}", run.stdout);
        assert!(run.stderr.contains(said) && run.stderr.contains(FILE), "{}", run.stderr);
    }
    fs::write(test.path(FILE), "mode = 'Not/A/Mode'\nkeys = 'k'\nrepository = 'r'\nentry = 'game'\n").unwrap();
    let run = run(test.folder.path(), "publish build --version 1.0.0");
    assert!(!run.is_ok && run.stderr.contains("Not/A/Mode"), "{}", run.stderr);
}

#[test]
fn players_and_help_do_not_read_it() {
    let test = TestPublisher::new();
    fs::write(test.path(FILE), "nonsense").unwrap();
    for line in ["publish --help", "repository -h", "config show", "mode list --repository nowhere"] {
        let run = run(test.folder.path(), line);
        assert!(!run.stderr.contains(FILE), "{line}: {}", run.stderr);
    }
}

#[test]
fn the_file_is_not_published() {
    let test = remembered();
    fs::copy(test.path(FILE), test.path("build").join(FILE)).unwrap();
    let mut command = vsekai();
    command.current_dir(test.path("build")).args(["publish", ".", "--version", "1.3.0", "--delta-from", "0"]);
    command.arg("--repository").arg(test.publisher.repository()).arg("--keys").arg(test.publisher.keys());
    let run = said_by(&mut command);
    assert!(!run.is_ok && run.stderr.contains("publisher_file"), "{}", run.stderr);
}
