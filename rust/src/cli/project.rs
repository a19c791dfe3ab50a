//! What a publisher gives to each command, from a file beside the build: `vsekai-publish.toml`, in the working folder or the
//! nearest one above it. It counts as if it were typed before the other options, where those do not say otherwise.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use clap::Command;
use serde::{Deserialize, Serialize};

use crate::cli::arguments::publish::Publish;
use crate::cli::{caller, options};
use crate::error::{Error, Format, Result, Source};
use crate::local::disk;
use crate::text;

/// The name of the file.
pub(crate) const FILE: &str = "vsekai-publish.toml";

/// Largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 10;

/// The administrator can do anything to this user anyway.
const ADMINISTRATOR: u32 = 0;

/// Each key is an option of the publisher's commands. Paths start at the folder of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Project {
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_cache: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<String>,
}

/// What a file has added to a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Added {
    /// The file.
    pub(crate) file: PathBuf,
    /// The options, as they could be typed.
    pub(crate) options: String,
    /// The same, as they are in the command line.
    pub(crate) words: Vec<OsString>,
}

/// The command line with what the project's file adds.
///
/// # Errors
/// `config_malformed` if a file is there that cannot be used, `other_owner` if it belongs to another user.
pub(crate) fn complete(arguments: Vec<OsString>, grammar: &Command) -> Result<(Vec<OsString>, Option<Added>)> {
    let end = arguments.iter().position(|word| word == "--").unwrap_or(arguments.len());
    let typed = &arguments[..end];
    let Some((name, command, after)) = command_of(typed, grammar) else { return Ok((arguments, None)) };
    let is_help = typed.iter().any(|word| word == "-h" || word == "--help");
    let Some(file) = find().filter(|_| !is_help) else { return Ok((arguments, None)) };
    let project = Project::read(&file)?;
    let added = project.options((&name, command), typed, file.parent().unwrap_or(Path::new("")));
    if added.is_empty() {
        return Ok((arguments, None));
    }
    let options = added.iter().map(|(name, value)| format!("--{name} {}", super::words::shell_word(OsStr::new(value))));
    let options = options.collect::<Vec<_>>().join(" ");
    let words: Vec<OsString> = added.iter().map(|(name, value)| format!("--{name}={value}").into()).collect();
    let is_here = std::env::current_dir().is_ok_and(|here| file.parent() == Some(&here));
    let file = if is_here { PathBuf::from(FILE) } else { file };
    // Not at the end, where an option whose value was forgotten would take the first of them for it.
    let (before, rest) = arguments.split_at(after);
    let all = before.iter().chain(&words).cloned().chain(rest.iter().cloned()).collect();
    Ok((all, Some(Added { file, options, words })))
}

/// # Errors
/// `invalid_argument` if the working folder has the file: its comments and order are the publisher's.
pub(crate) fn may_remember() -> Result<()> {
    if Path::new(FILE).exists() {
        return Err(Error::invalid("--remember", format!("{FILE} is here already; edit it, or remove it first")));
    }
    Ok(())
}

/// The file that counts for commands here.
pub(crate) fn find() -> Option<PathBuf> {
    let here = caller::is_folder_known().then(std::env::current_dir)?.ok()?;
    here.ancestors().map(|folder| folder.join(FILE)).find(|file| file.is_file())
}

/// The publisher's command, its words, such as `repository recall`, and where its options begin.
fn command_of<'a>(typed: &[OsString], grammar: &'a Command) -> Option<(String, &'a Command, usize)> {
    let mut words = (1..).zip(typed).filter_map(|(after, word)| Some((after, word.to_str()?)));
    let (after, first, command) =
        words.find_map(|(after, word)| Some((after, word, grammar.find_subcommand(word)?)))?;
    match first {
        "publish" | "sign" => Some((first.to_owned(), command, after)),
        "repository" | "news" | "keys" => {
            let (after, second, below) =
                words.find_map(|(after, word)| Some((after, word, command.find_subcommand(word)?)))?;
            Some((format!("{first} {second}"), below, after))
        }
        _ => None,
    }
}

impl Project {
    /// What this command line names.
    pub(crate) fn of(args: &Publish) -> Self {
        let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        Self {
            repository: text(&args.repository),
            bucket_cache: text(&args.bucket_cache),
            server: args.server.url.as_ref().map(ToString::to_string),
            token_file: text(&args.server.token_file),
            keys: text(&args.keys),
            passphrase_file: text(&args.access.passphrase_file),
            mode: args.mode.as_ref().map(ToString::to_string),
            entry: args.entry.clone(),
        }
    }

    /// Writes it to a file in the working folder, for the next commands.
    ///
    /// # Errors
    /// Those of the disk. `invalid_argument` if the file is there: see [`may_remember`].
    pub(crate) fn save(&self) -> Result<PathBuf> {
        may_remember()?;
        let lines = toml::to_string(self).map_err(|_| Error::unsupported("these options in a file"))?;
        let path = PathBuf::from(FILE);
        disk::write_named(&path, lines.as_bytes())?;
        Ok(path)
    }

    fn read(file: &Path) -> Result<Self> {
        check_owner(file)?;
        let bytes = disk::read(file, MAX_BYTES)?;
        let text = String::from_utf8_lossy(&bytes);
        let malformed = |offset: usize, reason: &str| {
            let line = text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1;
            Error::malformed(Format::Config, offset as u64, format!("{}: line {line}: {reason}", file.display()))
        };
        let project: Self = toml::from_str(&text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            malformed(offset, &text::with_meant(error.message())).with_source(Some(Source::translated(error)))
        })?;
        if project.repository.is_some() && project.server.is_some() {
            return Err(malformed(0, "it has a repository and a server; a publisher has one of them"));
        }
        Ok(project)
    }

    /// What this command can take and the command line does not say, with paths from the working folder.
    fn options(&self, command: (&str, &Command), typed: &[OsString], folder: &Path) -> Vec<(&'static str, String)> {
        let has = |name: &str| {
            let option = format!("--{name}");
            typed.iter().filter_map(|word| word.to_str()).any(|word| word.split('=').next() == Some(&option))
        };
        let place = |path: &String| if is_address(path) { path.clone() } else { from_here(folder, path) };
        let is_elsewhere = has("server") || has("repository");
        let on_server = has("server") || (!is_elsewhere && self.server.is_some());
        let all = [
            ("repository", self.repository.as_ref().map(place).filter(|_| !is_elsewhere)),
            ("bucket-cache", self.bucket_cache.as_ref().map(place).filter(|_| !is_elsewhere)),
            ("server", self.server.clone().filter(|_| !is_elsewhere)),
            ("token-file", self.token_file.as_ref().map(place).filter(|_| on_server && !has("server"))),
            ("keys", self.keys.as_ref().map(place)),
            ("passphrase-file", self.passphrase_file.as_ref().map(place)),
            ("mode", self.mode.clone()),
            ("entry", self.entry.clone()),
        ];
        let is_wanted =
            |name: &str| !has(name) && takes(command.0, command.1, name) && !(has("commit") && is_of_build(name));
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).filter(|(name, _)| is_wanted(name)).collect()
    }
}

/// What `publish --commit` finds in the file that was prepared.
fn is_of_build(name: &str) -> bool {
    matches!(name, "mode" | "entry")
}

/// Whether a command takes this option from the file: if it has it. A mode is not taken where it only narrows what is
/// shown, or where the whole mode is changed.
fn takes(name: &str, command: &Command, option: &str) -> bool {
    let is_about_a_version = matches!(name, "publish" | "repository recall" | "repository skip" | "repository rollout");
    let is_wanted = match option {
        "mode" => is_about_a_version || name.starts_with("news "),
        // It reads more with one, and must not ask a network unless it is told to.
        "repository" | "server" => name != "keys show",
        _ => true,
    };
    is_wanted && command.get_arguments().any(|argument| argument.get_long() == Some(option))
}

fn is_address(place: &str) -> bool {
    text::has_scheme(place) || options::scheme(Path::new(place)).is_some()
}

/// A path of the file, from the working folder.
fn from_here(folder: &Path, path: &str) -> String {
    let is_here = std::env::current_dir().is_ok_and(|here| here == folder);
    if is_here { path.to_owned() } else { folder.join(path).to_string_lossy().into_owned() }
}

/// Another user who may write the file decides where this user's tokens and signatures go.
fn check_owner(file: &Path) -> Result<()> {
    let Some(us) = disk::this_user() else { return Ok(()) };
    let found = fs::metadata(file).map_err(Error::io("read", file))?;
    match disk::owner(&found).filter(|owner| *owner != us && *owner != ADMINISTRATOR) {
        Some(owner) => Err(Error::OtherOwner { path: file.to_owned(), owner }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::arguments::Cli;

    fn project(text: &str) -> Project {
        toml::from_str(text).unwrap()
    }

    fn options(project: &Project, line: &str) -> String {
        let typed: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let grammar = Cli::command();
        let Some((name, command, _)) = command_of(&typed, &grammar) else { return String::new() };
        let added = project.options((&name, command), &typed, &std::env::current_dir().unwrap());
        added.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_command_gets_what_it_takes_and_was_not_typed() {
        let folder = project("repository = 'R'\nkeys = 'K'\nmode = 'stable'\nentry = 'game'");
        let server = project("server = 'https://a.example'\ntoken_file = 't'\nkeys = 'K'\nmode = 'stable'");
        for (project, line, added) in [
            (&folder, "publish B --version 1.0.0", "repository=R keys=K mode=stable entry=game"),
            (&folder, "publish B --mode=beta --keys K2", "repository=R entry=game"),
            (&folder, "publish --commit F", "repository=R keys=K"),
            (&folder, "publish B --server https://b.example", "keys=K mode=stable entry=game"),
            (&folder, "--threads 2 repository recall --version 1.0.0", "repository=R keys=K mode=stable"),
            (&folder, "repository show", "repository=R keys=K"),
            (&folder, "repository retire --mode stable", "repository=R keys=K"),
            (&folder, "repository prune", "repository=R keys=K"),
            (&folder, "news list", "repository=R keys=K mode=stable"),
            (&folder, "keys show K", ""),
            (&folder, "update GAME", ""),
            (&folder, "versions publish", ""),
            (&server, "publish B", "server=https://a.example token-file=t keys=K mode=stable"),
            (&server, "publish B --server https://b.example", "keys=K mode=stable"),
            (&server, "publish B --repository R", "keys=K mode=stable"),
            (&server, "repository show", "server=https://a.example keys=K"),
            (&server, "repository prune --repository R", "keys=K"),
            (&server, "keys push K", "server=https://a.example token-file=t"),
            (&server, "keys show K", ""),
        ] {
            assert_eq!(options(project, line), added, "{line}");
        }
    }

    #[test]
    fn paths_start_at_the_file() {
        let above = std::env::current_dir().unwrap().parent().unwrap().join("x");
        let elsewhere = above.with_file_name("k").join("K");
        let project = project(&format!("repository = 'R'\nkeys = '{}'", elsewhere.display()));
        let typed = [OsString::from("publish")];
        let grammar = Cli::command();
        let publish = ("publish", grammar.find_subcommand("publish").unwrap());
        let added = project.options(publish, &typed, &above);
        let expected = [("repository", above.join("R")), ("keys", elsewhere)];
        let expected = expected.map(|(name, path)| (name, path.to_string_lossy().into_owned()));
        assert_eq!(added, expected);
        let bucket = Project { repository: Some("s3://games/a".to_owned()), ..Project::default() };
        assert_eq!(bucket.options(publish, &typed, &above), [("repository", "s3://games/a".to_owned())]);
    }
}
