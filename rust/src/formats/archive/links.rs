//! Follows the links of a layout through each other, as the system would: `d/up/../outside` may leave the tree although
//! its text does not, if `d/up` is a link.
//!
//! Each link is resolved once and remembered, so the time is linear in the text of the links. Names are compared as
//! disks do that ignore case: the same tree must stay inside everywhere.

use std::collections::HashMap;

use super::{Layout, NodeKind};
use crate::error::Result;
use crate::path::{LEAVES, LinkTarget, RelPath, folded, refused_link};

/// Links that may follow each other. Systems give up at about 40, so no working tree has more.
const MAX_HOPS: usize = 32;

const TOO_MANY: &str = "the link goes through more than 32 others";

/// Where a path leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A node, and the number of names below it that do not exist.
    At(u32, u32),
    /// Outside the tree.
    Outside,
    /// Nowhere: the links form a circle.
    Nowhere,
    /// Too far to follow.
    TooFar,
}

/// The links of a layout, resolved.
struct Links<'a> {
    layout: &'a Layout,
    by_name: HashMap<(u32, String), u32>,
    known: HashMap<u32, Place>,
}

/// # Errors
/// `UnsafePath`, which names the link, for the first link that leaves the tree or goes too far.
pub(super) fn check(layout: &Layout) -> Result<()> {
    let mut links = Links::new(layout);
    each(layout).try_for_each(|(at, path, target)| match links.resolve(at, 0) {
        Place::Outside => Err(refused_link(path, target.as_str(), LEAVES)),
        Place::TooFar => Err(refused_link(path, target.as_str(), TOO_MANY)),
        Place::At(..) | Place::Nowhere => Ok(()),
    })
}

/// The node that each link leads to in the end, by the position of the link. Links that lead nowhere are not in it.
pub(super) fn targets(layout: &Layout) -> HashMap<usize, usize> {
    let mut links = Links::new(layout);
    let resolved = each(layout).filter_map(|(at, ..)| match links.resolve(at, 0) {
        Place::At(node, 0) => Some((at as usize, node as usize)),
        _ => None,
    });
    resolved.collect()
}

fn each(layout: &Layout) -> impl Iterator<Item = (u32, &RelPath, &LinkTarget)> {
    layout.nodes().iter().enumerate().filter_map(|(at, node)| match (&node.kind, &node.path) {
        (NodeKind::Symlink { target }, Some(path)) => Some((u32::try_from(at).ok()?, path, target)),
        _ => None,
    })
}

impl<'a> Links<'a> {
    fn new(layout: &'a Layout) -> Self {
        let mut by_name = HashMap::new();
        if each(layout).next().is_some() {
            for (at, node) in layout.nodes().iter().enumerate().skip(1) {
                let (Some(path), Ok(at)) = (&node.path, u32::try_from(at)) else { continue };
                // If a case-insensitive disk treats two names as one, assume the link, which is the dangerous one.
                let is_link = matches!(node.kind, NodeKind::Symlink { .. });
                let entry = by_name.entry((node.parent, folded(path.file_name()))).or_insert(at);
                if is_link {
                    *entry = at;
                }
            }
        }
        Self { layout, by_name, known: HashMap::new() }
    }

    fn resolve(&mut self, link: u32, hops: usize) -> Place {
        if let Some(place) = self.known.get(&link) {
            return *place;
        }
        // While a link is being resolved, a way back to it is a circle, which leads nowhere.
        self.known.insert(link, Place::Nowhere);
        let place = if hops < MAX_HOPS { self.follow(link, hops) } else { Place::TooFar };
        self.known.insert(link, place);
        place
    }

    fn follow(&mut self, link: u32, hops: usize) -> Place {
        let layout = self.layout;
        let node = &layout.nodes()[link as usize];
        let NodeKind::Symlink { target } = &node.kind else { return Place::At(link, 0) };
        let (mut at, mut below) = (node.parent, 0_u32);
        for name in target.as_str().split('/').filter(|name| !matches!(*name, "" | ".")) {
            (at, below) = match (name, below) {
                ("..", 0) if at == 0 => return Place::Outside,
                ("..", 0) => (layout.nodes()[at as usize].parent, 0),
                ("..", _) => (at, below - 1),
                (_, 0) => match self.by_name.get(&(at, folded(name))).copied() {
                    None => (at, 1),
                    Some(next) if !matches!(layout.nodes()[next as usize].kind, NodeKind::Symlink { .. }) => (next, 0),
                    Some(next) => match self.resolve(next, hops + 1) {
                        Place::At(at, below) => (at, below),
                        other => return other,
                    },
                },
                (_, _) => (at, below + 1),
            };
        }
        Place::At(at, below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::archive::{NewContent, NewNode, NodeMetadata};

    /// A tree of files (`path`) and links (`path -> target`); folders are added.
    fn tree(entries: &[&str]) -> Result<Layout> {
        let node =
            |path: Option<RelPath>, mode, content| NewNode { path, metadata: NodeMetadata::for_tree(mode), content };
        let mut nodes = vec![node(None, 0o040_755, NewContent::Directory)];
        let mut folders = std::collections::BTreeSet::new();
        for entry in entries {
            let (path, target) = entry.split_once(" -> ").map_or((*entry, None), |(path, to)| (path, Some(to)));
            let path = RelPath::new(path).unwrap();
            let mut above = path.parent();
            while let Some(folder) = above {
                above = folder.parent();
                folders.insert(folder);
            }
            let (mode, content) = match target {
                None => (0o100_644, NewContent::File { size: 1 }),
                Some(target) => (0o120_777, NewContent::Symlink { target: LinkTarget::new(&path, target)? }),
            };
            nodes.push(node(Some(path), mode, content));
        }
        nodes.extend(folders.into_iter().map(|folder| node(Some(folder), 0o040_755, NewContent::Directory)));
        Layout::build(nodes)
    }

    #[test]
    fn link_that_leaves_through_another_is_refused_by_its_own_name() {
        for (bad, link) in [
            (&["d1/d2/up -> ../..", "e -> d1/d2/up/../outside"][..], "e -> "),
            (&["a/up -> ..", "a/b/c -> ../up/../x"], "a/b/c -> "),
            (&["a/up -> ..", "a/again -> up", "z -> a/again/../x"], "z -> "),
            (&["a/b/up -> ../..", "a/b/c -> up/a/b/up/../../etc"], "a/b/c -> "),
            (&["D/up -> ..", "e -> d/UP/../x"], "e -> "),
            (&["Σ/up -> ..", "e -> ς/up/../x"], "e -> "),
            (&["d/up -> .", "d/up2 -> ../d/up/..", "e -> d/up2/.."], "e -> "),
            (&["a/up -> ..", "e -> a/nothing/../up/../x"], "e -> "),
        ] {
            let error = tree(bad).unwrap_err();
            assert_eq!(error.code(), "unsafe_path", "{bad:?}");
            assert!(error.to_string().contains(&format!("\"{link}")), "{bad:?}: {error}");
        }
    }

    #[test]
    fn links_through_each_other_that_stay_inside_are_taken() {
        for good in [
            &["d1/d2/up -> ../..", "e -> d1/d2/up/inside"][..],
            &["lib/a.so -> a.so.1", "lib/a.so.1 -> a.so.1.2", "lib/a.so.1.2"],
            &["a -> b", "b -> a"],
            &["a -> a/../a"],
            &["current -> v1", "v1/game", "game -> current/game"],
            &["a/b/up -> ..", "a/b/c -> up/../x"],
        ] {
            assert!(tree(good).is_ok(), "{good:?}: {:?}", tree(good).unwrap_err());
        }
    }

    #[test]
    fn end_of_each_link_is_found() {
        let layout = tree(&["lib/a.so -> a.so.1", "lib/a.so.1 -> a.so.1.2", "lib/a.so.1.2", "x -> nothing"]).unwrap();
        let name = |at: usize| layout.nodes()[at].path.as_ref().map_or("", RelPath::as_str);
        let mut found: Vec<_> = targets(&layout).into_iter().map(|(link, end)| (name(link), name(end))).collect();
        found.sort_unstable();
        assert_eq!(found, [("lib/a.so", "lib/a.so.1.2"), ("lib/a.so.1", "lib/a.so.1.2")]);
    }

    #[test]
    fn many_links_through_one_long_one_take_no_time() {
        let long = format!("{}x", "a/../".repeat(800));
        let mut entries = vec![format!("l0 -> {long}")];
        entries.extend((1..20_000).map(|at| format!("l{at} -> l0")));
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        let begun = std::time::Instant::now();
        tree(&entries).unwrap();
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
    }

    #[test]
    fn row_that_no_system_follows_is_refused() {
        let mut entries: Vec<String> = (1..40).map(|at| format!("l{at:02} -> l{:02}", at + 1)).collect();
        // Only a reader that follows the whole chain notices that it leads outside.
        entries.push("l40 -> z/up/../..".to_owned());
        entries.push("z/up -> ..".to_owned());
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        assert_eq!(tree(&entries).unwrap_err().code(), "unsafe_path");
    }
}
