//! `vsekai publish`

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::error::{Error, Result};
use crate::event::{Cancel, Monitor};
use crate::formats::bundle::{BundleInfo, Effort};
use crate::formats::release::{Entry, ModeName};
use crate::local::disk;
use crate::local::preflight::{Finding, MAX_FINDINGS_PER_CODE};
use crate::net::publish::{
    BuildSource, Bundles, Bundling, Destination, LeftOut, MAX_NOTES_BYTES, Published, Request, publish,
};
use crate::path::RelPath;
use crate::text;
use crate::version::Version;

use crate::cli::arguments::publish::{Publish, UpdateServer};
use crate::cli::arguments::store::ChunkerName;
use crate::cli::checks;
use crate::cli::connect::{self, LazyNetwork};
use crate::cli::options;
use crate::cli::output::{DONE, Output};
use crate::cli::passphrase;
use crate::cli::project;
use crate::cli::settings;
use crate::cli::size::{bytes, count, counted};
use crate::cli::words::shell_word;

use super::sign;

mod rehearsal;

pub(crate) fn run(args: Publish, output: Output, monitor: &Monitor) -> Result<u8> {
    let started = Instant::now();
    if let Some(file) = args.steps.commit.clone() {
        return sign::commit(&file, args, output, monitor);
    }
    let prepare = args.steps.prepare.clone();
    let remembered = if args.remember {
        project::may_remember()?;
        Some(project::Project::of(&args))
    } else {
        None
    };
    let is_dry = args.dry_run;
    let server = args.server.url.as_ref().map(ToString::to_string);
    let request = request(args, &monitor.cancel)?;
    if is_dry {
        return rehearsal::run(&request, output, monitor);
    }
    let (published, prepared) = match &prepare {
        Some(file) => sign::prepare(file, &request, monitor)?,
        None => (publish(&request, monitor)?, false),
    };
    warn(&published.findings, output);
    if !published.was_there {
        warn_of_allowed(&request, &published.findings, output);
    }
    checks::warn_of_ending(&published.roles, output);
    let text = match &prepare {
        Some(file) if prepared => sign::prepared(&published, file, &new_chunks(&published, &request.repository)),
        _ => done(&published, started.elapsed().as_secs_f64(), &request, output),
    };
    let first = server.filter(|_| published.sequence == 1 && !published.was_there && prepare.is_none());
    let first = first.map(|url| how_to_install(&url, &request.mode, request.keys.path())).unwrap_or_default();
    let remembered = remembered.map(|project| project.save()).transpose()?;
    let saved = remembered.map(|file| format!("\n{} has the options for the next one.", file.display()));
    output.done("publish", &published, &format!("{text}{first}{}", saved.unwrap_or_default()));
    Ok(DONE)
}

/// What the checks found that prevents nothing.
fn warn(findings: &[Finding], output: Output) {
    for same in findings.chunk_by(|a, b| a.code == b.code) {
        let line = |finding: &Finding| format!("warning: {} [{}]", finding.message, finding.code);
        let lines: Vec<String> = same.iter().map(line).collect();
        let hint = same.first().map_or("", |finding| finding.hint);
        output.note(&format!("{}\n  {hint}", lines.join("\n")));
    }
}

/// What comes after the first version of a mode.
fn how_to_install(url: &str, mode: &ModeName, keys: &Path) -> String {
    let root = shell_word(keys.join("root.json").as_os_str());
    let url = text::address(url.trim_end_matches('/'));
    let mode = if *mode == ModeName::default() { String::new() } else { format!(" --mode {mode}") };
    format!("\nPlayers install it with `vsekai install GAME{mode} --repository {url} --trust-root {root}`.")
}

/// A name that allows nothing is mistyped, or the secret is gone.
fn warn_of_allowed(request: &Request, findings: &[Finding], output: Output) {
    let is_secret = |finding: &&Finding| matches!(finding.code, "secret" | "possible_secret");
    let found: Vec<&str> = findings.iter().filter(is_secret).filter_map(|finding| finding.path.as_deref()).collect();
    if found.len() >= MAX_FINDINGS_PER_CODE {
        // Not all of them are listed.
        return;
    }
    for path in request.allowed_secrets.iter().map(ToString::to_string).filter(|path| !found.contains(&path.as_str())) {
        let meant = text::closest(&path, &found).map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
        output.note(&format!("warning: --allow-secret {path} allows nothing: no secret was found there{meant}"));
    }
}

fn request(args: Publish, cancel: &Cancel) -> Result<Request> {
    let repository = destination(&args, cancel)?;
    // clap requires them unless what was prepared is committed.
    let (Some(keys), Some(mode), Some(version), Some(entry)) = (args.keys, args.mode, args.version, args.entry) else {
        return Err(Error::invalid("version", "give --mode, --version, --entry and --keys"));
    };
    let keys = passphrase::key_folder("--keys", keys, &args.access)?;
    let private = private(&args.server, args.access.passphrase_file.as_deref());
    let network = LazyNetwork::new(&args.server.network);
    let content = match (args.tree, &args.from_index) {
        (Some(tree), _) => BuildSource::Tree(tree),
        (None, Some(index)) => BuildSource::Cut {
            index: connect::index(index, &network)?,
            sources: Box::new(connect::stores(&args.from_store, &network)?),
        },
        (None, None) => {
            let reason = "give a folder, or --from-index and --from-store".to_owned();
            return Err(Error::invalid("tree", reason));
        }
    };
    let chunker = match (args.chunker, &args.chunk_size) {
        (None, None) => None,
        (name, sizes) => {
            let sizes = sizes.as_deref().unwrap_or("16:64:256");
            Some(options::chunker(name.unwrap_or(ChunkerName::Casync), sizes)?)
        }
    };
    let notes = args.notes.map(|path| disk::read(&path, MAX_NOTES_BYTES)).transpose()?.unwrap_or_default();
    let notes = String::from_utf8(notes).map_err(|_| Error::invalid("notes", "the file is not UTF-8"))?;
    let builds = args.bundles || !matches!(repository, Destination::Server(_));
    let bundling = builds.then(|| bundling(args.delta_from, args.fast, args.best)).flatten();
    Ok(Request {
        content,
        mode,
        version: Version::parse(&version)?,
        platform: args.platform,
        entry: Entry { path: RelPath::new(&entry)?, arguments: args.entry_arguments },
        notes,
        min_launcher: args.min_launcher,
        oldest_allowed: args.oldest_allowed,
        mutable: args.mutable,
        rollout: args.rollout,
        skip_update: args.skip_update,
        repository,
        keys,
        chunker,
        level: args.level,
        strict: args.strict,
        allowed: args.allow,
        allowed_secrets: args.allow_secret,
        private,
        keep_versions: usize::from(args.keep_versions),
        bundling,
        scratch: std::env::temp_dir(),
    })
}

/// The repository to publish to.
pub(super) fn destination(args: &Publish, cancel: &Cancel) -> Result<Destination> {
    match (connect::update_server(&args.server)?, &args.repository) {
        (Some(server), _) => Ok(Destination::Server(server)),
        (None, Some(place)) => connect::repository(place.clone(), args.bucket_cache.clone(), cancel),
        (None, None) => {
            let reason = "give a folder or bucket with --repository, or a URL with --server".to_owned();
            Err(Error::invalid("repository", reason))
        }
    }
}

/// Files that must not be in the tree, each as the subject of a sentence.
fn private(server: &UpdateServer, passphrase: Option<&Path>) -> Vec<(String, PathBuf)> {
    let network = &server.network;
    let configuration = settings::file().filter(|path| path.exists());
    let project = project::find();
    let files = [
        ("The file with the token", server.token_file.as_deref()),
        ("The file with the passphrase", passphrase),
        ("The file with the Authorization header", network.http_auth_file.as_deref()),
        ("The file with the cookie", network.http_cookie_file.as_deref()),
        ("The client certificate", network.client_cert.as_deref()),
        ("The key of the client certificate", network.client_key.as_deref()),
        ("The configuration file", configuration.as_deref()),
        ("The file with the publisher's options", project.as_deref()),
    ];
    files.into_iter().filter_map(|(what, path)| Some((what.to_owned(), path?.to_owned()))).collect()
}

fn bundling(deltas: u16, is_fast: bool, is_best: bool) -> Option<Bundling> {
    let effort = match (is_fast, is_best) {
        (true, _) => Effort::Fast,
        (_, true) => Effort::Best,
        _ => Effort::Normal,
    };
    (deltas > 0).then_some(Bundling { deltas: usize::from(deltas), effort })
}

fn done(published: &Published, seconds: f64, request: &Request, output: Output) -> String {
    let (place, rollout, skips) = (&request.repository, request.rollout, request.skip_update);
    let name = format!("{} ({}, {})", published.version, published.mode, published.platform);
    if published.was_there {
        let (bundles, days) =
            (bundles(&published.bundles, output), checks::days_left_if_verbose(&published.roles, output));
        let keys = match published.metadata_bytes {
            0 => String::new(),
            _ => format!("\nThe new root and keys are in the repository now.{}", checks::upload(place)),
        };
        return format!("{name} is already published, with the same content.{bundles}{keys}{days}");
    }
    let sizes = &published.sizes;
    let next = checks::upload(place);
    let offered = match (rollout, skips) {
        (_, true) => "\nIt is only installed by name.".to_owned(),
        (100, _) => String::new(),
        (percent, _) => {
            format!("\nIt is offered to {percent}% of installs; `vsekai repository rollout` changes that.")
        }
    };
    let findings = match published.findings.len() {
        0 => String::new(),
        one_or_more => format!("\nWarnings from the checks: {one_or_more}, listed above."),
    };
    format!(
        "Published {name} in {seconds:.2} s: {}, {}.\n{}{offered}{}{}{findings}{next}",
        counted(sizes.files, "file", "files"),
        bytes(sizes.tree_bytes),
        new_chunks(published, place),
        bundles(&published.bundles, output),
        checks::days_left_if_verbose(&published.roles, output),
    )
}

fn new_chunks(published: &Published, place: &Destination) -> String {
    if published.new_chunks == 0 {
        return "No chunk is new.".to_owned();
    }
    let upload = if matches!(place, Destination::Folder(_)) { " to upload" } else { "" };
    let new = share_new(published.new_chunks, published.sizes.chunks);
    format!("{new}: {}{upload}.", bytes(published.new_stored_bytes))
}

/// `1 of 46 chunks is new`.
fn share_new(new: u64, all: u64) -> String {
    let is = if new == 1 { "is" } else { "are" };
    format!("{} of {} {is} new", count(new), counted(all, "chunk", "chunks"))
}

/// The bundles that were built. Why some are not listed is for those who want to know more.
fn bundles(all: &Bundles, output: Output) -> String {
    let built: Vec<String> = all.built.iter().map(bundle).collect();
    let left_out = match all.left_out.len() {
        0 => String::new(),
        1 => "1 delta left out, as it would save too little".to_owned(),
        many => format!("{many} deltas left out, as they would save too little"),
    };
    let parts: Vec<String> = [built.join(", "), left_out].into_iter().filter(|part| !part.is_empty()).collect();
    let line = if parts.is_empty() { String::new() } else { format!("\nBundles: {}.", parts.join("; ")) };
    let why = |delta: &LeftOut| {
        let (length, instead) = (bytes(delta.length), bytes(delta.instead_bytes));
        format!("\n  The delta from {} has {length}; without it, players download {instead}.", delta.from)
    };
    let why: String = if output.is_verbose() { all.left_out.iter().map(why).collect() } else { String::new() };
    format!("{line}{why}")
}

fn bundle(info: &BundleInfo) -> String {
    let kind = if info.from.is_some() { "delta" } else { "full" };
    format!("{kind} {}", bytes(info.length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_counted_as_people_say_it() {
        assert_eq!(share_new(1, 462), "1 of 462 chunks is new");
        assert_eq!(share_new(2_000, 2_000), "2,000 of 2,000 chunks are new");
        assert_eq!(share_new(1, 1), "1 of 1 chunk is new");
    }

    #[test]
    fn mode_that_is_not_the_default_is_named_to_players() {
        let said = |mode: &str| how_to_install("http://host/", &ModeName::new(mode).unwrap(), Path::new("keys"));
        let root = Path::new("keys").join("root.json").display().to_string();
        let line = format!("GAME --mode beta --repository http://host --trust-root {root}");
        assert!(said("beta").contains(&line), "{}", said("beta"));
        assert!(said("stable").contains("GAME --repository http://host "));
    }
}
