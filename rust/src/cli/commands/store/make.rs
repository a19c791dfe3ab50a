//! `vsekai store make`

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::event::{Event, Monitor};
use crate::formats::archive::Layout;
use crate::formats::index::{FeatureFlags, Index};
use crate::limits;
use crate::local::disk::{self, Shared};
use crate::local::extract::IndexKind;
use crate::local::make::{self, Made, MakeOptions};
use crate::local::preflight;
use crate::local::store::LocalStore;
use crate::local::tree::{self, Recorded};

use crate::cli::arguments::store::Make;
use crate::cli::options;
use crate::cli::output::{DONE, Output};
use crate::cli::size::{bytes, count, counted};

pub(crate) fn run(args: &Make, output: Output, monitor: &Monitor) -> Result<u8> {
    let started = Instant::now();
    check_target(args)?;
    let content = options::content(args.index.as_os_str())?;
    let digest = options::digest(&args.chunking);
    let flags = match content {
        IndexKind::Tree => FeatureFlags::TREE.with_digest(digest),
        IndexKind::Blob => FeatureFlags::BLOB.with_digest(digest),
    };
    let layout = match content {
        IndexKind::Tree if args.casync_exact => layout(&args.path, &Recorded::AsOnDisk(flags), monitor)?,
        IndexKind::Tree => layout(&args.path, &Recorded::Reproducible(flags), monitor)?,
        IndexKind::Blob => Layout::blob(tree::file_size(&args.path)?),
    };
    let made_with = MakeOptions {
        chunker: options::chunker(args.chunking.chunker, &args.chunking.chunk_size)?,
        flags,
        forced_cuts: content == IndexKind::Tree && !args.casync_exact,
        level: args.level,
        hint: last_made(&args.index),
    };
    let store = LocalStore::create(options::folder(&args.store)?)?;
    let made = make::make(&args.path, &layout, &store, &made_with, monitor)?;
    if made.new_chunks > 0 {
        // After a power cut, an index must not survive without the chunks it names.
        disk::sync_disk(store.root(), Shared::Skip)?;
    }
    write(&args.index, &made.index.to_bytes())?;
    output.done("store make", &made, &text(&made, args, started.elapsed().as_secs_f64()));
    Ok(DONE)
}

/// The layout of a tree. Warns of what it leaves out.
fn layout(path: &Path, recorded: &Recorded, monitor: &Monitor) -> Result<Layout> {
    let (layout, skipped) = tree::layout_and_skipped(path, recorded)?;
    for finding in preflight::skipped(&skipped) {
        monitor.emit(Event::Warned { code: finding.code, message: finding.message });
    }
    Ok(layout)
}

/// The index that the new one will replace. It only saves work, so any problem with it is ignored.
fn last_made(path: &Path) -> Option<Index> {
    let bytes = disk::read_if_exists(path, limits::MAX_INDEX_BYTES).ok()??;
    Index::parse(&bytes).ok()
}

/// Writes the index, unless the file already has this content.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let there = disk::read_if_exists(path, bytes.len() as u64).unwrap_or(None);
    if there.is_some_and(|there| there == bytes) {
        // Its writer may not have synced it. If it did, this costs nothing.
        let file = OpenOptions::new().write(true).open(path);
        if file.and_then(|file| file.sync_all()).is_ok() {
            return Ok(());
        }
    }
    disk::write_named(path, bytes)
}

/// Checks before the work starts that the index's folder exists.
fn check_target(args: &Make) -> Result<()> {
    let folder = args.index.parent().filter(|folder| !folder.as_os_str().is_empty());
    match folder {
        Some(folder) if !folder.is_dir() => Err(Error::io("write", &args.index)(io::ErrorKind::NotFound.into())),
        _ => Ok(()),
    }
}

fn text(made: &Made, args: &Make, seconds: f64) -> String {
    format!(
        "{}: {} in {}.\nAdded {}, {} ({} stored); the store had {}. Took {seconds:.2} s.",
        args.index.display(),
        bytes(made.bytes),
        counted(made.chunks, "chunk", "chunks"),
        counted(made.new_chunks, "chunk", "chunks"),
        bytes(made.new_bytes),
        bytes(made.new_stored_bytes),
        count(made.reused_chunks),
    )
}
