//! GOODBYE: the table at the end of a directory, which makes it possible to find a name from the archive's end.
//!
//! One item for each child: how far before the table it begins, its size, and the hash of its name. The items are
//! sorted by hash, then laid out as a complete binary search tree in an array (children of i at 2i+1 and 2i+2).

use siphasher::sip::SipHasher24;

use super::element::{GOODBYE, GOODBYE_TAIL, ITEM, PREFIX, goodbye_bytes, push, u64_at};
use super::malformed;
use crate::error::Result;

/// One child of a directory: its range in the stream and the hash of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) hash: u64,
}

/// The hash of a name without its NUL.
pub(super) fn name_hash(name: &str) -> u64 {
    SipHasher24::new_with_keys(0x8574_442b_0f1d_84b3, 0x2736_ed30_d1c2_2ec1).hash(name.as_bytes())
}

/// Renders the whole element for a directory whose ENTRY is at `entry` and whose children end at `at`.
pub(super) fn render(mut items: Vec<Item>, entry: u64, at: u64) -> Vec<u8> {
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    let size = goodbye_bytes(count);
    let mut out = Vec::with_capacity((items.len() + 1) * ITEM + PREFIX);
    push(&mut out, &[size, GOODBYE]);
    items.sort_unstable_by_key(|item| (item.hash, at - item.start));
    for position in search_tree(items.len()) {
        let Item { start, end, hash } = items[position];
        push(&mut out, &[at - start, end - start, hash]);
    }
    push(&mut out, &[at - entry, size, GOODBYE_TAIL]);
    out
}

/// Reads a whole element at `at`. The returned items are in stream order and tile `first..at`.
pub(super) fn parse(bytes: &[u8], entry: u64, first: u64, at: u64) -> Result<Vec<Item>> {
    let count = (bytes.len() - PREFIX) / ITEM - 1;
    let mut items = Vec::with_capacity(count);
    for raw in bytes[PREFIX..].chunks_exact(ITEM).take(count) {
        let (back, size) = (u64_at(raw, 0), u64_at(raw, 8));
        let start = at.checked_sub(back).ok_or_else(|| malformed(at, "a child begins before the archive"))?;
        let end = start.checked_add(size).ok_or_else(|| malformed(at, "a child ends after the archive"))?;
        items.push(Item { start, end, hash: u64_at(raw, 16) });
    }
    items.sort_unstable_by_key(|item| item.start);
    let mut last = first;
    for item in &items {
        if item.start != last || item.end <= item.start {
            return Err(malformed(at, format!("its children leave a gap or overlap at byte {last}")));
        }
        last = item.end;
    }
    if last != at {
        return Err(malformed(at, format!("its children end at byte {last}, not where the table begins")));
    }
    if render(items.clone(), entry, at) != bytes {
        return Err(malformed(at, "the directory's table is not in casync's order"));
    }
    Ok(items)
}

/// For each position in the array, the index of the sorted item at that position.
fn search_tree(count: usize) -> Vec<usize> {
    fn fill(places: &mut [usize], place: usize, next: &mut usize) {
        if place < places.len() {
            fill(places, 2 * place + 1, next);
            places[place] = *next;
            *next += 1;
            fill(places, 2 * place + 2, next);
        }
    }
    let mut places = vec![0; count];
    fill(&mut places, 0, &mut 0);
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hash_as_in_published_archives() {
        assert_eq!(name_hash("vsekai_game_windows.pck"), 0x0bce_b070_819c_024e);
    }

    #[test]
    fn search_tree_finds_every_item() {
        assert_eq!(search_tree(6), [3, 1, 5, 0, 2, 4]);
        for count in 0..200 {
            let tree = search_tree(count);
            for wanted in 0..count {
                let mut place = 0;
                while tree[place] != wanted {
                    place = 2 * place + if wanted < tree[place] { 1 } else { 2 };
                }
            }
        }
    }
}
