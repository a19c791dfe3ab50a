//! `vsekai sign`, and the two steps of `vsekai publish` before and after it.

use std::path::Path;

use crate::error::{Error, Result, TrustKind};
use crate::event::Monitor;
use crate::formats::release::{ModeName, Release};
use crate::local::disk;
use crate::net::publish::{
    self, CommitResult, Destination, MAX_PREPARED_BYTES, Prepared, Published, Request, Review, ReviewedVersion,
    commit as commit_to,
};
use crate::net::trust::{Keys, RoleChange};
use crate::text;
use serde::Serialize;

use crate::cli::arguments::offline::Sign;
use crate::cli::arguments::publish::Publish;
use crate::cli::checks;
use crate::cli::output::{DONE, Output};
use crate::cli::passphrase;
use crate::cli::size::{bytes, counted};
use crate::cli::words::shell_word;

/// Most lines of the release notes that are shown.
const MAX_NOTES: usize = 20;

pub(crate) fn run(args: Sign, output: Output) -> Result<u8> {
    let keys = Keys::open(passphrase::key_folder("--keys", args.keys, &args.access)?)?;
    let mut prepared = read(&args.file)?;
    let review = publish::review(&prepared, &keys)?;
    output.note(&shown(&review));
    if !args.yes && !output.confirm("Sign this?")? {
        return Err(Error::Cancelled);
    }
    let review = publish::sign(&mut prepared, &keys)?;
    disk::write_named(&args.file, &prepared.to_bytes()?)?;
    output.done("sign", &review, &outcome(&review, &args.file));
    Ok(DONE)
}

/// Prepares a version, and writes the file. Returns whether there is anything to sign.
pub(super) fn prepare(file: &Path, request: &Request, monitor: &Monitor) -> Result<(Published, bool)> {
    let (published, prepared) = publish::prepare(request, monitor)?;
    if let Some(prepared) = &prepared {
        disk::write_named(file, &prepared.to_bytes()?)?;
    }
    Ok((published, prepared.is_some()))
}

/// What was prepared, in words.
pub(super) fn prepared(published: &Published, file: &Path, new_chunks: &str) -> String {
    format!(
        "Prepared {} ({}, {}): {}, {}. Players do not see it yet.\n{new_chunks}\n\
         Where the key of {} is, run `vsekai sign {file} --keys KEYS`. Then run `vsekai publish --commit {file}`, with the \
         same repository or server.",
        published.version,
        published.mode,
        published.platform,
        counted(published.sizes.files, "file", "files"),
        bytes(published.sizes.tree_bytes),
        published.mode,
        file = file.display(),
    )
}

/// Prepares lists to be signed again, and writes the file.
pub(super) fn prepare_renewal(
    file: &Path,
    place: &Destination,
    keys: &Keys,
    modes: &[ModeName],
    output: Output,
) -> Result<u8> {
    let prepared = publish::prepare_renewal(place, keys, modes)?;
    let text = match &prepared {
        None => "No list of a mode is due.".to_owned(),
        Some(prepared) => {
            disk::write_named(file, &prepared.to_bytes()?)?;
            format!("Prepared. Run `vsekai sign {file}`, then `vsekai publish --commit {file}`.", file = file.display())
        }
    };
    output.done("repository", &Due { is_due: prepared.is_some() }, &text);
    Ok(DONE)
}

#[derive(Serialize)]
struct Due {
    is_due: bool,
}

/// Publishes what was prepared and signed.
pub(super) fn commit(file: &Path, args: Publish, output: Output, monitor: &Monitor) -> Result<u8> {
    let prepared = read(file)?;
    let destination = super::publish::destination(&args, &monitor.cancel)?;
    let keys = args.keys.map(|keys| Keys::open(passphrase::key_folder("--keys", keys, &args.access)?)).transpose()?;
    let done = commit_to(&prepared, &destination, keys.as_ref(), &std::env::temp_dir(), monitor);
    match done.map_err(|error| unsigned(error, file))? {
        CommitResult::Published(published) => {
            checks::warn_of_ending(&published.roles, output);
            let name = format!("{} ({}, {})", published.version, published.mode, published.platform);
            let (days, upload) = (checks::days_left_if_verbose(&published.roles, output), checks::upload(&destination));
            let what = if published.was_there { "was published already" } else { "is published" };
            output.done("publish", &*published, &format!("{name} {what}.{days}{upload}"));
        }
        CommitResult::Renewed(edited) => {
            checks::warn_of_ending(&edited.roles, output);
            output.done(
                "publish",
                &edited,
                &format!("Signed again.{}{}", checks::days_left(&edited.roles), checks::upload(&destination)),
            );
        }
    }
    Ok(DONE)
}

/// Names the file that nobody has signed yet, and the command that does.
fn unsigned(error: Error, file: &Path) -> Error {
    let Error::Trust { kind: TrustKind::Unsigned, reason, .. } = &error else { return error };
    let word = shell_word(file.as_os_str());
    let reason = format!("{}: {reason}. Where its key is, run `vsekai sign {word} --keys KEYS`", file.display());
    Error::trust(TrustKind::Unsigned, reason)
}

fn read(file: &Path) -> Result<Prepared> {
    if file.is_dir() {
        let reason =
            format!("{} is a folder; give the file that `vsekai publish --prepare` has written", file.display());
        return Err(Error::invalid("FILE", reason));
    }
    Prepared::parse(&disk::read(file, MAX_PREPARED_BYTES)?).map_err(|error| match error {
        Error::Malformed { format, offset, reason, source } => {
            Error::malformed(format, offset, format!("{}: {reason}", file.display())).with_source(source)
        }
        other => other,
    })
}

fn shown(review: &Review) -> String {
    let prepared_at = review.prepared_at.strftime("%Y-%m-%dT%H:%M:%SZ");
    let mut lines = vec![format!("Prepared at {prepared_at}.")];
    if let Some(version) = &review.publish {
        lines.extend(version_lines(version));
    }
    lines.extend(review.lists.iter().map(list_line));
    lines.join("\n")
}

fn version_lines(version: &ReviewedVersion) -> Vec<String> {
    let ReviewedVersion { release, previous, withdrawn, .. } = version;
    let mut lines = vec![
        format!("Publish  {} in the mode {}, for {}", release.version, release.mode, release.platform),
        format!("start    {}", text::line(&started(release))),
        format!("size     {}{}", size(release), compared(release, previous.as_ref())),
        format!("index    {} ({})", release.index.sha256, bytes(release.index.length)),
        format!("files    {} ({})", release.files.sha256, bytes(release.files.length)),
        format!("document {}", version.release_sha256),
    ];
    let offered = match (version.skip_update, version.rollout) {
        (true, _) => "only by name".to_owned(),
        (false, percent) => format!("{percent}% of installs"),
    };
    lines.push(format!("offered  {offered} (whoever commits decides that)"));
    if let Some(oldest) = &release.oldest_allowed {
        lines.push(format!("oldest   {oldest}: no older version may be installed any more"));
    }
    if let Some(needed) = &release.min_launcher {
        lines.push(format!("needs    vsekai {needed}"));
    }
    if !withdrawn.is_empty() {
        let gone: Vec<&str> = withdrawn.iter().map(String::as_str).collect();
        lines.push(format!("withdraw {}", text::line(&gone.join(", "))));
    }
    let notes: Vec<&str> = release.notes.lines().collect();
    lines.extend(notes.iter().take(MAX_NOTES).map(|line| format!("notes    {}", text::line(line))));
    if notes.len() > MAX_NOTES {
        lines.push(format!("notes    and {} more lines", notes.len() - MAX_NOTES));
    }
    lines
}

fn started(release: &Release) -> String {
    let arguments = release.entry.arguments.iter().map(|argument| format!("{argument:?}"));
    std::iter::once(release.entry.path.to_string()).chain(arguments).collect::<Vec<_>>().join(" ")
}

fn size(release: &Release) -> String {
    let sizes = &release.sizes;
    format!(
        "{}, {} in {}, {} stored",
        counted(sizes.files, "file", "files"),
        bytes(sizes.tree_bytes),
        counted(sizes.chunks, "chunk", "chunks"),
        bytes(sizes.stored_bytes)
    )
}

fn compared(release: &Release, previous: Option<&Release>) -> String {
    let Some(previous) = previous else { return "; no version for this platform before it is known".to_owned() };
    let (old, new) = (previous.sizes.tree_bytes, release.sizes.tree_bytes);
    let difference = match new.checked_sub(old) {
        Some(more) => format!("{} more", bytes(more)),
        None => format!("{} less", bytes(old - new)),
    };
    let files = match release.sizes.files.checked_sub(previous.sizes.files) {
        Some(0) => String::new(),
        Some(more) => format!("{} more and ", counted(more, "file", "files")),
        None => format!("{} fewer and ", counted(previous.sizes.files - release.sizes.files, "file", "files")),
    };
    format!("; {files}{difference} than {}", previous.version)
}

fn list_line(list: &RoleChange) -> String {
    let RoleChange { role, from_version, to_version, expires, added, removed, .. } = list;
    format!(
        "list     {role}: version {from_version} to {to_version}, {} added, {} removed, valid until {expires}; {} of {} \
         signatures",
        counted(added.len() as u64, "target", "targets"),
        removed.len(),
        list.signatures,
        list.threshold
    )
}

fn outcome(review: &Review, file: &Path) -> String {
    let lacking: Vec<String> = review
        .lists
        .iter()
        .filter(|list| list.signatures < list.threshold)
        .map(|list| format!("{} has {} of {} signatures", list.role, list.signatures, list.threshold))
        .collect();
    let file = file.display();
    if lacking.is_empty() {
        return format!("Signed. Bring {file} back, and run `vsekai publish --commit {file}` there.");
    }
    format!("Signed. {}: the next holder of a key runs `vsekai sign {file}`.", lacking.join("; "))
}
