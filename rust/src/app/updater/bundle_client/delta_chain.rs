//! Finds the bundles that lead from the installed version to the wanted one: one, or several in sequence through
//! versions that were published in between.

use std::collections::HashSet;

use super::BundleClient;
use crate::digest::Digest;
use crate::formats::bundle::{BundleInfo, BundleList};

/// Most bundles in a chain. Each is unpacked completely before the next.
const MAX_ROW: usize = 4;

/// Most lists of intermediate versions that are requested.
const MAX_ASKED: usize = 4;

/// Bundles that are used one after another.
#[derive(Clone)]
pub(super) struct DeltaChain {
    /// The version that the first bundle builds on, by its position among the installed ones.
    pub(super) base: Option<usize>,
    /// In order of use; never empty.
    pub(super) infos: Vec<BundleInfo>,
}

/// Bundles that lead from one version to the wanted one, in reverse order.
struct Path {
    version: Digest,
    infos: Vec<BundleInfo>,
    bytes: u64,
}

impl BundleClient<'_> {
    /// The cheapest known chain: a bundle for an installed version; otherwise several that are smaller together than
    /// the full bundle; otherwise the full bundle.
    pub(super) fn row(&mut self) -> Option<DeltaChain> {
        let direct = |(at, digest): (usize, Digest)| {
            let info = self.list.find(Some(&digest))?.clone();
            Some(DeltaChain { base: Some(at), infos: vec![info] })
        };
        let digests: Vec<Digest> = self.bases.iter().map(|base| base.digest).collect();
        if let Some(row) = digests.iter().copied().enumerate().find_map(direct) {
            return Some(row);
        }
        let full = self.list.find(None).cloned();
        let most_bytes = full.as_ref().map_or(self.stored_bytes, |info| info.length.min(self.stored_bytes));
        let found = if digests.is_empty() { None } else { self.search(&digests, most_bytes) };
        found.or_else(|| full.map(|info| DeltaChain { base: None, infos: vec![info] }))
    }

    /// Searches backwards from the wanted version, along the smallest sum of bytes first.
    fn search(&mut self, installed: &[Digest], most_bytes: u64) -> Option<DeltaChain> {
        let mut open = vec![Path { version: self.to, infos: Vec::new(), bytes: 0 }];
        let mut seen = HashSet::from([self.to]);
        let mut asked = 0;
        loop {
            let at = (0..open.len()).min_by_key(|at| open[*at].bytes)?;
            let path = open.swap_remove(at);
            let list = if path.infos.is_empty() {
                self.list.clone()
            } else if let Some(list) = self.lists.get(&path.version) {
                list.clone()
            } else if asked < MAX_ASKED {
                asked += 1;
                let list = self.ask_for_list(&path.version, None).map(|list| self.without_bad(list));
                self.lists.entry(path.version).or_insert(list.unwrap_or_default()).clone()
            } else {
                return None;
            };
            for (at, digest) in installed.iter().enumerate() {
                let Some(info) =
                    list.find(Some(digest)).filter(|info| path.bytes.saturating_add(info.length) <= most_bytes)
                else {
                    continue;
                };
                let infos = std::iter::once(info).chain(path.infos.iter().rev()).cloned().collect();
                return Some(DeltaChain { base: Some(at), infos });
            }
            if path.infos.len() + 1 < MAX_ROW {
                open.extend(steps_back(&path, &list, most_bytes, &mut seen));
            }
        }
    }
}

fn steps_back(path: &Path, list: &BundleList, most_bytes: u64, seen: &mut HashSet<Digest>) -> Vec<Path> {
    let mut steps = Vec::new();
    for info in &list.bundles {
        let bytes = path.bytes.saturating_add(info.length);
        if let Some(version) = info.from.filter(|version| bytes < most_bytes && seen.insert(*version)) {
            let infos = path.infos.iter().chain([info]).cloned().collect();
            steps.push(Path { version, infos, bytes });
        }
    }
    steps
}
