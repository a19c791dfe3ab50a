//! Rules that compare content: within the tree, and with the previous version.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::{Entry, Findings, Previous, PreviousFile, Rule, pck};
use crate::error::Result;
use crate::event::Monitor;

/// Smaller duplicates are not worth a finding, in bytes.
const MIN_DUPLICATE_BYTES: u64 = 1 << 20;
const BLOCK_BYTES: u64 = 1 << 20;

pub(super) fn compare(
    previous: Previous<'_>,
    files: &[Entry<'_>],
    monitor: &Monitor,
    findings: &mut Findings,
) -> Result<()> {
    let mut digests = Digests { monitor, known: HashMap::new() };
    let before: HashMap<_, _> = previous.files.iter().map(|file| (&file.path, file)).collect();
    let pairs: Vec<_> = files.iter().filter_map(|file| Some((file, *before.get(file.path)?))).collect();
    times(&pairs, &mut digests, findings)?;
    for (file, before) in pairs {
        if is_churned_pack(file, before, previous, &mut digests)? {
            let message =
                format!("{} contains the same files as in the previous version, but its bytes differ.", file.path);
            findings.add(Rule::PackChurn, Some(file.path), message);
        }
    }
    Ok(())
}

pub(super) fn duplicates(files: &[Entry<'_>], monitor: &Monitor, findings: &mut Findings) -> Result<()> {
    let mut digests = Digests { monitor, known: HashMap::new() };
    let mut by_size: HashMap<u64, Vec<&Entry<'_>>> = HashMap::new();
    for file in files.iter().filter(|file| file.size >= MIN_DUPLICATE_BYTES) {
        by_size.entry(file.size).or_default().push(file);
    }
    let mut seen = HashMap::new();
    for file in files.iter().filter(|file| by_size.get(&file.size).is_some_and(|same| same.len() > 1)) {
        if let Some(first) = seen.insert(digests.of(file)?, file.path) {
            let message = format!("{} has the same {} bytes as {first}.", file.path, file.size);
            findings.add(Rule::DuplicateFile, Some(file.path), message);
        }
    }
    Ok(())
}

fn times(pairs: &[(&Entry<'_>, &PreviousFile)], digests: &mut Digests<'_>, findings: &mut Findings) -> Result<()> {
    let mut churned = Vec::new();
    for (file, before) in pairs {
        // A tree that stops recording times is not churning.
        let is_retimed = file.mtime_ns != 0 && file.mtime_ns != before.mtime_ns && file.size == before.size;
        if is_retimed && digests.of(file)? == before.sha256 {
            churned.push(file.path);
        }
    }
    let message = match churned.as_slice() {
        [] => return Ok(()),
        [path] => format!("{path} differs from the previous version only in its time."),
        [path, ..] => {
            let count = churned.len();
            format!("{count} files differ from the previous version only in their time: {path}, …")
        }
    };
    findings.add(Rule::TimeChurn, None, message);
    Ok(())
}

fn is_churned_pack(
    file: &Entry<'_>,
    before: &PreviousFile,
    previous: Previous<'_>,
    digests: &mut Digests<'_>,
) -> Result<bool> {
    let Some(read_before) = previous.read else { return Ok(false) };
    let opened = file.open()?;
    let new = |range| file.read(&opened, range);
    let old = |range| read_before(&before.path, range);
    let Some(pack) = pck::read(file.size, &new)? else { return Ok(false) };
    if digests.of(file)? == before.sha256 || pck::read(before.size, &old)?.as_ref() != Some(&pack) {
        return Ok(false);
    }
    // For a pack inside a program, the program must be the same too if the old file is to replace it.
    let mut at = 0;
    while at < pack.start {
        digests.monitor.cancel.check()?;
        let end = pack.start.min(at + BLOCK_BYTES);
        if new(at..end)? != old(at..end)? {
            return Ok(false);
        }
        at = end;
    }
    Ok(true)
}

/// SHA-256 digests of files, each computed at most once.
struct Digests<'a> {
    monitor: &'a Monitor,
    known: HashMap<String, [u8; 32]>,
}

impl Digests<'_> {
    fn of(&mut self, file: &Entry<'_>) -> Result<[u8; 32]> {
        if let Some(digest) = self.known.get(file.path.as_str()) {
            return Ok(*digest);
        }
        let opened = file.open()?;
        let mut hasher = Sha256::new();
        let mut at = 0;
        while at < file.size {
            self.monitor.cancel.check()?;
            let end = file.size.min(at + BLOCK_BYTES);
            hasher.update(file.read(&opened, at..end)?);
            at = end;
        }
        let digest = hasher.finalize().into();
        self.known.insert(file.path.as_str().to_owned(), digest);
        Ok(digest)
    }
}
