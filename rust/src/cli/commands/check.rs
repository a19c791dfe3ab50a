//! `vsekai check`

use crate::app::updater::Checked;
use crate::error::Result;
use crate::event::Monitor;
use crate::formats::release::Why;

use crate::cli::arguments::install::Check;
use crate::cli::output::{DONE, Output};
use crate::cli::size::bytes;
use crate::cli::updater;

/// Exit code of `--exit-code` if an update is available.
const WAITING: u8 = 10;

pub(crate) fn run(args: &Check, output: Output, monitor: &Monitor) -> Result<u8> {
    let updater = updater::updater(&args.dir, &args.source, |settings| {
        settings.mode = args.mode.clone().or(settings.mode.take());
        settings.at_once = args.now;
    })?;
    let checked = updater.check(monitor)?;
    output.done("check", &checked, &text(&checked, args));
    Ok(match checked.available {
        Some(_) if args.exit_code => WAITING,
        _ => DONE,
    })
}

fn text(checked: &Checked, args: &Check) -> String {
    let installed = checked.current.as_ref().map(|current| current.version.to_string());
    let Some(available) = &checked.available else {
        let version = installed.unwrap_or_else(|| "nothing".to_owned());
        return format!("{} is up to date: {version} ({}).", args.dir.display(), checked.mode);
    };
    let installed = installed.map_or("nothing is installed".to_owned(), |version| format!("{version} is installed"));
    let most = bytes(available.download_bytes);
    let mut text = match available.why {
        Why::Incomplete => format!(
            "A part of {} ({}) is gone; `vsekai update` brings it back. Download: at most {most}.",
            available.version, available.mode
        ),
        _ => {
            format!("{} is available in {}; {installed}. Download: at most {most}.", available.version, available.mode)
        }
    };
    if !available.notes.is_empty() {
        text = format!("{text}\n\n{}", available.notes.trim_end());
    }
    text
}
