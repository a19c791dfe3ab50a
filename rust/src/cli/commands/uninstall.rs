//! `vsekai uninstall`

use std::path::Path;

use crate::error::Result;
use crate::event::Monitor;
use crate::install::Uninstalled;

use crate::cli::arguments::install::Uninstall;
use crate::cli::commands::update::saved_folder;
use crate::cli::output::{DECLINED, DONE, Output};
use crate::cli::size::counted;
use crate::cli::updater;

pub(crate) fn run(args: &Uninstall, output: Output, monitor: &Monitor) -> Result<u8> {
    let updater = updater::offline(&args.dir, args.trust_owner)?;
    if !args.yes && updater.root().is_ours() {
        // A state that cannot be read is no reason not to uninstall.
        let version = updater.status(monitor).ok().and_then(|status| status.current);
        let version = version.map(|current| format!(" {}", current.version)).unwrap_or_default();
        let question = format!("Uninstall {}{version}? Files that you added are kept.", args.dir.display());
        if !output.confirm(&question)? {
            output.note("Nothing was removed.");
            return Ok(DECLINED);
        }
    }
    let done = updater.uninstall(monitor)?;
    output.done("uninstall", &done, &text(&done, &args.dir));
    Ok(DONE)
}

fn text(done: &Uninstalled, dir: &Path) -> String {
    let mut text = format!("Uninstalled {} ({}).", dir.display(), counted(done.versions, "version", "versions"));
    if done.saved_files > 0 {
        let saved = saved_folder(dir);
        let files = counted(done.saved_files, "other file was", "other files were");
        text = format!("{text} {files} moved to {}.", saved.display());
    } else if !done.is_folder_gone {
        text = format!("{text} Other files in it were kept.");
    }
    text
}
