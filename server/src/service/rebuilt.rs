//! Trees that were rebuilt and are not published yet: a commit that is repeated, because the database was busy, does not
//! rebuild its tree again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The SHA-256 of an index and of a file table, which describe a tree completely.
pub(super) type TreeKey = [String; 2];

/// How long a tree is remembered. Its chunks might be lost later.
const LASTS: Duration = Duration::from_mins(10);

/// Most trees.
const MAX: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Rebuilt(Mutex<Vec<(TreeKey, Instant)>>);

impl Rebuilt {
    pub(super) fn has(&self, tree: &TreeKey) -> bool {
        let mut trees = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        trees.retain(|(_, since)| since.elapsed() < LASTS);
        trees.iter().any(|(known, _)| known == tree)
    }

    pub(super) fn add(&self, tree: TreeKey) {
        let mut trees = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trees.len() >= MAX {
            trees.remove(0);
        }
        trees.push((tree, Instant::now()));
    }

    pub(super) fn forget(&self, tree: &TreeKey) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| known != tree);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_trees_are_remembered_until_they_are_published() {
        let tree = |number: usize| [number.to_string(), "table".to_owned()];
        let rebuilt = Rebuilt::default();
        (0..=MAX).for_each(|number| rebuilt.add(tree(number)));
        assert!(!rebuilt.has(&tree(0)) && rebuilt.has(&tree(1)) && rebuilt.has(&tree(MAX)));
        rebuilt.forget(&tree(MAX));
        assert!(!rebuilt.has(&tree(MAX)) && rebuilt.has(&tree(1)));
    }
}
