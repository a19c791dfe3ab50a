//! `vsekai self-update`

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde::Serialize;

use crate::app::updater::Replaced;
use crate::app::{host, packaged};
use crate::error::{Error, Result};
use crate::event::Monitor;
use crate::formats::release::ModeName;
use crate::local::{disk, program};

use crate::cli::IS_PROGRAM;
use crate::cli::arguments::install::SelfUpdate;
use crate::cli::output::{DONE, Output};
use crate::cli::updater;

/// The mode in which the command is published.
const MODE: &str = "command";

#[derive(Serialize)]
struct Done {
    #[serde(serialize_with = "crate::text::lossy")]
    program: PathBuf,
    version: String,
    is_replaced: bool,
}

pub(crate) fn run(args: &SelfUpdate, output: Output, monitor: &Monitor) -> Result<u8> {
    if !IS_PROGRAM.load(Ordering::Relaxed) {
        // The program that runs is a launcher, or the engine.
        return Err(Error::unsupported("self-update here: only the program vsekai can replace itself"));
    }
    let program = this_program()?;
    if let Some(manager) = packaged::manager_of(&program) {
        return Err(Error::PackageManaged { path: program, manager: manager.name, command: manager.command });
    }
    let folder = program.parent().unwrap_or(Path::new(""));
    if !disk::may_write(folder) {
        return Err(Error::io("write to", folder)(std::io::ErrorKind::PermissionDenied.into()));
    }
    let unknown = || Error::invalid("home folder", "this user's folders are unknown");
    let root = host::own_folder("command").ok_or_else(unknown)?;
    let default = ModeName::new(MODE)?;
    let updater = updater::at(&root, &args.source, |settings| {
        // The settings of this user name the mode of games.
        settings.mode.clone_from(&args.mode);
        settings.defaults.mode = default;
    })?;
    let now = updater.update(monitor)?;
    let replaced = updater.replace_program(&program, monitor)?;
    let (here, version) = (program.display(), now.current.version.to_string());
    let text = match replaced {
        Replaced::Yes => format!("{here} is {version} now."),
        Replaced::IsSame => format!("{here} is up to date: {version}."),
        Replaced::IsNewer => format!("{here} is newer than the published {version}, and stays."),
    };
    output.done("self-update", &Done { is_replaced: replaced == Replaced::Yes, version, program }, &text);
    Ok(DONE)
}

/// The path of this program without links. One that runs as `NAME.old` is what `NAME` was.
fn this_program() -> Result<PathBuf> {
    let this = std::env::current_exe().map_err(Error::io("find", "vsekai"))?;
    let this = disk::canonicalize(&this).map_err(Error::io("find", &this))?;
    Ok(program::original(&this).unwrap_or(this))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::{Cli, Command};

    #[test]
    fn program_that_only_contains_the_command_line_is_not_replaced() {
        let cli = Cli::parse_arguments(vec!["self-update".into()]).unwrap();
        let Command::SelfUpdate(args) = cli.command else { panic!("another command") };
        let refused = run(&args, Output::new(&cli.global), &Monitor::default());
        assert_eq!(refused.unwrap_err().code(), "unsupported");
    }
}
