//! `vsekai move`

use crate::app::host::{self, Brand};
use crate::error::Result;
use crate::event::Monitor;
use crate::install::integrate::{Links, Record};

use crate::cli::arguments::install::Move;
use crate::cli::output::{DONE, Output};
use crate::cli::{options, updater};

pub(crate) fn run(args: &Move, output: Output, monitor: &Monitor) -> Result<u8> {
    let desktop = |record: &Record| {
        let name = record.display_name.as_deref().unwrap_or(host::DISPLAY_NAME);
        let links = if record.has_scheme { Links::IfFree } else { Links::Never };
        host::desktop(&Brand::of(record, Brand::named(name)), links)
    };
    let updater = updater::offline(&args.dir, args.trust_owner)?;
    let moved = updater.move_install(options::folder(&args.to)?, &desktop, monitor)?;
    let mut text = format!("Moved to {}.", moved.directory.display());
    if !moved.is_old_folder_gone {
        text = format!("{text}\nOther files stay in {}.", args.dir.display());
    }
    output.done("move", &moved, &text);
    Ok(DONE)
}
