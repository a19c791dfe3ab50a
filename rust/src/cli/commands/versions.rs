//! `vsekai versions`

use std::path::PathBuf;

use crate::app::updater::VersionInfo;
use crate::error::Result;
use crate::event::Monitor;
use serde::Serialize;

use crate::cli::arguments::install::Versions;
use crate::cli::output::{DONE, Output};
use crate::cli::{options, size, updater};
use crate::text::table;

#[derive(Serialize)]
struct Listed {
    versions: Vec<VersionInfo>,
}

pub(crate) fn run(args: &Versions, output: Output, monitor: &Monitor) -> Result<u8> {
    let dir = args.dir.clone().or_else(|| if args.source.repository.is_empty() { options::around() } else { None });
    let followed = match &dir {
        Some(dir) if args.mode.is_none() && !args.all => {
            updater::offline(dir, args.source.trust_owner)?.status(monitor).ok().map(|status| status.mode)
        }
        _ => args.mode.clone(),
    };
    // Without an install, nothing is read from or written to this folder.
    let dir = dir.unwrap_or_else(|| PathBuf::from("."));
    let versions = updater::updater(&dir, &args.source, |_| {})?.versions(followed.as_ref(), monitor)?;
    let rows: Vec<_> = versions.iter().map(row).collect();
    let text = match rows.as_slice() {
        [] => "There are no versions yet.".to_owned(),
        rows => table(&["", "version", "mode", "published", "download", "platforms", ""], rows),
    };
    output.done("versions", &Listed { versions }, &text);
    Ok(DONE)
}

fn row(info: &VersionInfo) -> Vec<String> {
    let mut notes = Vec::new();
    let rollout = format!("rollout {}%", info.rollout);
    for (is_so, note) in [
        (info.is_current, "installed"),
        (info.is_previous, "previous"),
        (info.is_bad, "not offered again here"),
        (info.is_recalled, "recalled"),
        (info.is_skipped, "only by name"),
        (info.rollout < 100, rollout.as_str()),
        (!info.is_for_here, "not for this platform"),
    ] {
        if is_so {
            notes.push(note);
        }
    }
    let platforms: Vec<_> = info.platforms.iter().map(ToString::to_string).collect();
    let mark = if info.is_current { "*" } else { "" };
    let date = |time: jiff::Timestamp| time.to_zoned(jiff::tz::TimeZone::system()).date().to_string();
    vec![
        mark.to_owned(),
        info.version.to_string(),
        info.mode.to_string(),
        info.published_at.map(date).unwrap_or_default(),
        info.download_bytes.map(size::bytes).unwrap_or_default(),
        platforms.join(" "),
        notes.join(", "),
    ]
}
