//! A publisher: keys, and a signed repository in a folder, created with the real commands.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::run::Run;

/// Chunks of 1 to 16 KiB, so that small trees have several.
const CHUNK_SIZE: &str = "1:4:16";

/// A publisher, and what it has published so far.
#[derive(Debug, Clone)]
pub(crate) struct Publisher {
    keys: PathBuf,
    repository: PathBuf,
    root: PathBuf,
}

impl Publisher {
    /// A publisher with keys for these modes, in its own folders below `folder`.
    pub(crate) fn new(folder: &Path, modes: &[&str]) -> Self {
        let (keys, repository, root) = (folder.join("keys"), folder.join("repository"), folder.join("root.json"));
        let publisher = Self { keys, repository, root };
        let modes = modes.iter().flat_map(|mode| ["--mode", mode]);
        run(vsekai().args(["keys", "init"]).arg(&publisher.keys).args(modes));
        // Not in the key folder, which only its owner can read.
        fs::copy(publisher.keys.join("root.json"), &publisher.root).unwrap();
        publisher
    }

    /// The folder of the repository.
    pub(crate) fn repository(&self) -> &Path {
        &self.repository
    }

    /// The file for `--trust-root`.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The key folder.
    pub(crate) fn keys(&self) -> &Path {
        &self.keys
    }

    /// `vsekai publish`, to which options can be added. The entry is `game`.
    pub(crate) fn publishing(&self, tree: &Path, mode: &str, version: &str) -> Command {
        let mut command = vsekai();
        command.args(["publish", "--mode", mode, "--version", version, "--entry", "game"]);
        command.args(["--chunk-size", CHUNK_SIZE, "--repository"]).arg(&self.repository);
        command.arg("--keys").arg(&self.keys).arg(tree);
        command
    }

    /// Publishes a tree, with these additional options.
    #[track_caller]
    pub(crate) fn publish_with(&self, tree: &Path, mode: &str, version: &str, options: &[&str]) {
        let mut command = self.publishing(tree, mode, version);
        // Bundles have their own tests; elsewhere, chunks are downloaded singly.
        if !options.contains(&"--delta-from") {
            command.args(["--delta-from", "0"]);
        }
        run(command.args(options));
    }

    /// `vsekai repository WORDS`
    #[track_caller]
    pub(crate) fn edit<S: AsRef<OsStr>>(&self, words: &[S]) {
        let mut command = vsekai();
        command.arg("repository").args(words).arg("--repository").arg(&self.repository);
        run(command.arg("--keys").arg(&self.keys));
    }

    /// `vsekai --json repository WORDS` with the keys in this folder.
    pub(crate) fn repository_command(&self, keys: &Path, words: &[&str]) -> Run {
        let mut command = vsekai();
        command.args(["--json", "repository"]).args(words).arg("--repository").arg(&self.repository);
        Run::of(command.arg("--keys").arg(keys))
    }

    /// A copy of the key folder with the keys of these roles alone.
    pub(crate) fn some_keys(&self, name: &str, roles: &[&str]) -> PathBuf {
        let some = self.keys.with_file_name(name);
        run(Command::new("cp").arg("-a").arg(&self.keys).arg(&some));
        for file in fs::read_dir(&some).unwrap().flatten() {
            let text = file.file_name().into_string().unwrap();
            if text.ends_with(".pk8") && !roles.contains(&text.split('.').next().unwrap()) {
                fs::remove_file(file.path()).unwrap();
            }
        }
        some
    }

    /// The SHA-256 of a version's index, in hex, by which its target is named in the repository.
    pub(crate) fn index_digest(&self, mode: &str, version: &str) -> String {
        let platform = vsekai_updater::formats::release::Platform::current();
        let folder = self.repository.join("targets").join(mode).join(version).join(platform.as_str());
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut digests = names.filter_map(|name| Some(name.strip_suffix(".index.caidx")?.to_owned()));
        digests.next().unwrap()
    }

    /// Copies the current repository to another name: this is what an attacker, or an outdated mirror, has.
    pub(crate) fn keep_as(&self, name: &str) -> PathBuf {
        let kept = self.repository.with_file_name(name);
        run(Command::new("cp").arg("-a").arg(&self.repository).arg(&kept));
        kept
    }
}

fn vsekai() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vsekai"));
    command.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nonexistent").stdin(Stdio::null());
    command
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&text));
}
