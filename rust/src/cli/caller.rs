//! The caller's folder, where relative paths start. Under Godot it can be unknown: the engine changes to another one, and
//! nothing tells where it was.

use std::any::TypeId;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::options;

static IS_UNKNOWN: AtomicBool = AtomicBool::new(false);

/// Says that the working folder of this process is not the caller's. From then on, relative paths are refused, and no
/// command looks for an install around the working folder.
pub fn forget_caller_folder() {
    IS_UNKNOWN.store(true, Ordering::Relaxed);
}

pub(super) fn is_folder_known() -> bool {
    !IS_UNKNOWN.load(Ordering::Relaxed)
}

/// # Errors
/// A usage error, if a path on the command line is relative.
pub(super) fn refuse_relative(command: &Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    for argument in command.get_arguments().filter(|argument| takes_a_path(argument)) {
        let name = argument.get_id().as_str();
        if matches.value_source(name) != Some(ValueSource::CommandLine) {
            continue;
        }
        let mut values = matches.get_raw(name).into_iter().flatten();
        if let Some(path) = values.find(|value| is_relative(value)) {
            let shown = options::shown(path);
            let reason =
                format!("{shown} is a relative path, and the folder that you are in is not known; give the whole path");
            return Err(command.clone().error(ErrorKind::ValueValidation, reason));
        }
    }
    match matches.subcommand() {
        Some((name, matches)) => {
            command.find_subcommand(name).map_or(Ok(()), |command| refuse_relative(command, matches))
        }
        None => Ok(()),
    }
}

/// Whether it takes a path, or a path or a URL.
fn takes_a_path(argument: &Arg) -> bool {
    let kind = argument.get_value_parser().type_id();
    kind == TypeId::of::<PathBuf>() || matches!(argument.get_id().as_str(), "repository" | "index" | "store" | "online")
}

fn is_relative(value: &OsStr) -> bool {
    Path::new(value).is_relative() && options::scheme(Path::new(value)).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::Cli;

    #[test]
    fn only_relative_paths_are_refused() {
        for (words, is_refused) in [
            ("update game", true),
            ("--update game", true),
            ("update /games/one", false),
            ("update /games/one --repository https://example.org/a", false),
            ("update /games/one --repository site", true),
            ("update /games/one --repository /site --trust-root root.json", true),
            ("launch /games/one -- data/level.map", false),
            ("mode list", false),
            ("store extract a.caidx /games/one --store /s", true),
            ("repository renew --repository s3://games/a --keys /keys", false),
            ("repository renew --repository s3://games/a --keys keys", true),
            ("completions bash", false),
        ] {
            // On Windows, an absolute path names a drive.
            let drive = |word: &str| if cfg!(windows) && word.starts_with('/') { "C:" } else { "" };
            let words = words.split(' ').map(|word| format!("{}{word}", drive(word)).into()).collect();
            let refused = Cli::parse_elsewhere(words).err().map(|error| error.kind());
            assert_eq!(refused, is_refused.then_some(ErrorKind::ValueValidation));
        }
    }
}
