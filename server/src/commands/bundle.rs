//! `vsekai-server bundle …`, and the bundles of an export.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::TryStreamExt as _;
use sha2::Digest as _;
use vsekai_server::app::Open;
use vsekai_server::bundles::{Outcome, Put};
use vsekai_server::error::{Error, Result};
use vsekai_server::model::Bundle;
use vsekai_updater::digest::Digest;
use vsekai_updater::formats::bundle::{
    BundleInfo, BundleList, Effort, HEADER_BYTES, Header, Table, list_name, name_of,
};
use vsekai_updater::formats::release::ModeName;
use vsekai_updater::limits;
use vsekai_updater::local::disk::{self, Durability};

use super::{copy, note, print};
use crate::BundleCommand;

pub(super) async fn run(command: BundleCommand, open: Open) -> Result<ExitCode> {
    match command {
        BundleCommand::List { mode } => list(&open, mode.as_ref()).await?,
        BundleCommand::Build { mode, effort, now } => return build(&open, mode.as_ref(), effort, now).await,
        BundleCommand::Import { dir } => import(&open, &dir).await?,
        BundleCommand::Remove { id } => {
            if !open.service().bundles().remove(&id).await? {
                return Err(Error::NotFound { what: "bundle" });
            }
            print("Removed. A server that runs builds it again if it is wanted.\n");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What versions an index is of, in words, by index.
async fn names(open: &Open) -> Result<BTreeMap<Digest, (String, String)>> {
    let db = open.service().db();
    let (view, indexes) = (db.view().await?, db.indexes().await?);
    let mut names = BTreeMap::new();
    for index in indexes {
        let Some(version) = view.versions.iter().find(|version| version.id == index.version_id) else { continue };
        let mode = view.mode(version.mode_id).map(|mode| mode.name.to_string()).unwrap_or_default();
        let name = format!("{mode} {} {}", version.version, index.platform);
        names.entry(index.digest).or_insert((mode, name));
    }
    Ok(names)
}

async fn list(open: &Open, mode: Option<&ModeName>) -> Result<()> {
    let names = names(open).await?;
    for Bundle { info, to, .. } in open.service().db().bundles(None).await? {
        let Some((of_mode, name)) = names.get(&to) else { continue };
        if mode.is_some_and(|mode| mode.as_str() != of_mode) {
            continue;
        }
        let from = match &info.from {
            None => "nothing",
            Some(from) => names.get(from).map_or("a version that is gone", |(_, name)| name),
        };
        print(&format!("{}  {:>12}  {:6}  {name}  from {from}\n", info.id, info.length, info.effort.as_str()));
    }
    Ok(())
}

async fn build(open: &Open, mode: Option<&ModeName>, effort: Option<Effort>, now: bool) -> Result<ExitCode> {
    let builder = open.builder(|options| {
        options.policy.effort = effort.unwrap_or(options.policy.effort);
        // A better one is wanted, and nobody waits for a first one.
        options.policy.only_last = true;
        if now {
            options.cpu_percent = 100;
            options.threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        }
    });
    let failed = AtomicU64::new(0);
    let tell = |what: &str, outcome: Result<Outcome>| match outcome {
        Ok(Outcome { info, put, took, .. }) => {
            let put = if put == Put::Listed { "" } else { ", and what was there is no larger" };
            print(&format!("{what}: {} bytes in {:.1} s{put}\n", info.length, took.as_secs_f64()));
        }
        Err(error) => {
            failed.fetch_add(1, Ordering::Relaxed);
            note(&format!("{what}: {error} [{}]", error.code()));
        }
    };
    builder.build_all(mode, tell).await?;
    Ok(if failed.load(Ordering::Relaxed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn import(open: &Open, dir: &Path) -> Result<()> {
    let (mut taken, mut there) = (0, 0);
    for index in open.service().db().indexes().await? {
        let path = dir.join(format!("{}.json", index.digest));
        let Some(bytes) = disk::read_if_exists(&path, limits::MAX_DOCUMENT_BYTES)? else { continue };
        for info in BundleList::parse(&bytes)?.bundles {
            let file = dir.join(info.id.to_string());
            check(&file, &info, &index.digest)?;
            // Whatever it was built with: who brings one does not want it built again here.
            let info = BundleInfo { effort: Effort::Best, ..info };
            match open.service().bundles().put(index.digest, &info, &file).await? {
                Put::Listed => taken += 1,
                Put::NoSmaller => there += 1,
            }
        }
    }
    print(&format!("Took {taken} bundles; for {there} others there were some that are as small.\n"));
    Ok(())
}

/// Whether a file is the bundle that a list says it is.
fn check(path: &Path, info: &BundleInfo, to: &Digest) -> Result<()> {
    let refuse = |reason: &str| Error::Invalid { what: "bundle", reason: format!("{}: {reason}", path.display()) };
    let mut file = disk::open(path)?;
    let (mut hash, mut length, mut buffer) = (sha2::Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let count = file.read(&mut buffer).map_err(|error| refuse(&error.to_string()))?;
        if count == 0 {
            break;
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        length += count as u64;
    }
    if length != info.length || Digest(hash.finalize().into()) != info.id {
        return Err(refuse("it is not what its name and the list say"));
    }
    let read = |length: u64| {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        disk::read_exact_at(&file, path, 0, &mut bytes).map(|()| bytes)
    };
    let header = Header::parse(&read(HEADER_BYTES)?)?;
    let table = Table::parse(&read(header.sections_at())?)?;
    if table.to != *to || table.from != info.from {
        return Err(refuse("it is of other versions than the list says"));
    }
    Ok(())
}

/// Writes all bundles, and then the lists that name them. Gives how many there are.
pub(super) async fn export(open: &Open, dir: &Path) -> Result<usize> {
    let service = open.service();
    let bundles = service.db().bundles(None).await?;
    for bundle in &bundles {
        let path = dir.join(name_of(&bundle.info.id));
        let is_there = std::fs::metadata(&path).is_ok_and(|it| it.len() == bundle.info.length);
        if !is_there {
            write_bundle(open, bundle, &path).await?;
        }
    }
    let mut lists = BTreeMap::<Digest, Vec<BundleInfo>>::new();
    for bundle in &bundles {
        lists.entry(bundle.to).or_default().push(bundle.info.clone());
    }
    for (to, infos) in lists {
        copy::write(&dir.join(list_name(&to)), &BundleList::new(infos).to_bytes()?, Durability::Kill)?;
    }
    Ok(bundles.len())
}

async fn write_bundle(open: &Open, bundle: &Bundle, path: &Path) -> Result<()> {
    disk::create_directory(path.parent().unwrap_or(Path::new(".")))?;
    let temporary = disk::temporary_beside(path);
    let failed = |error: std::io::Error| Error::from(vsekai_updater::Error::io("write", &temporary)(error));
    let mut pieces = open.service().bundles().read(bundle.info.id, 0..bundle.info.length).await?;
    let mut file = disk::create(&temporary)?;
    while let Some(bytes) = pieces.try_next().await? {
        file.write_all(&bytes).map_err(failed)?;
    }
    drop(file);
    disk::rename_over(&temporary, path)?;
    Ok(())
}
