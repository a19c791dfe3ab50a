//! `vsekai publish --dry-run`

use serde::Serialize;

use crate::cli::checks;
use crate::cli::output::{DONE, Output};
use crate::cli::size::{bytes, counted};
use crate::error::Result;
use crate::event::Monitor;
use crate::net::publish::{Destination, Rehearsal, Request, rehearse};
use crate::version::Version;

#[derive(Serialize)]
struct DryRun {
    /// Always set: tells this line from that of a run that did something.
    #[serde(rename = "dry_run")]
    is_dry: bool,
    #[serde(flatten)]
    rehearsal: Rehearsal,
}

pub(super) fn run(request: &Request, output: Output, monitor: &Monitor) -> Result<u8> {
    let rehearsal = rehearse(request, monitor)?;
    super::warn(&rehearsal.findings, output);
    super::warn_of_allowed(request, &rehearsal.findings, output);
    checks::warn_of_ending(&rehearsal.roles, output);
    let text = text(&rehearsal, &request.repository);
    output.done("publish", &DryRun { is_dry: true, rehearsal }, &text);
    Ok(DONE)
}

fn text(of: &Rehearsal, place: &Destination) -> String {
    let name = format!("{} ({}, {})", of.version, of.mode, of.platform);
    if of.was_there {
        let what = if of.brings_keys {
            "only the new root and keys of the key folder would be published"
        } else {
            "nothing would be done"
        };
        return format!("{name} is already published, with the same content: {what}.");
    }
    let (most, to_upload) = match place {
        Destination::Folder(_) => ("", " to upload"),
        _ if of.is_at_most => ("At most ", ""),
        _ => ("", ""),
    };
    let mut lines = vec![
        format!("Would publish {name}: {}, {}.", counted(of.files, "file", "files"), bytes(of.tree_bytes)),
        match of.new_chunks {
            0 => "No chunk is new.".to_owned(),
            new => {
                let (new, size) = (super::share_new(new, of.chunks), bytes(of.new_stored_bytes));
                format!("{most}{new}: about {size}{to_upload}.")
            }
        },
    ];
    if of.is_new_mode {
        lines.push(format!("The mode {} would be made.", of.mode));
    }
    lines.push(format!("Would be signed here, by the keys of {}:", of.signs.join(", ")));
    lines.extend(of.documents.iter().map(|document| format!("  {}, {}", document.name, bytes(document.bytes))));
    if let Some(older) = &of.deltas_from {
        let deltas = if older.is_empty() {
            String::new()
        } else {
            format!(", and deltas from {} that save enough", list(older))
        };
        lines.push(format!("Bundles: one for first installs{deltas}."));
    }
    if !of.withdrawn.is_empty() {
        lines.push(format!("No longer offered: {}.", list(&of.withdrawn)));
    }
    lines.push("Nothing was written.".to_owned());
    lines.join("\n")
}

fn list(versions: &[Version]) -> String {
    versions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
