//! Malformed archives and listings.

#![expect(clippy::cast_possible_truncation, reason = "small archives")]

use super::*;

fn fixture() -> Vec<u8> {
    let layout = Layout::build(sample()).unwrap();
    render(&layout, 0..layout.stream_bytes())
}

/// Renders the layout and fills in the file content of `archive`.
fn rendered_with(layout: &Layout, archive: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for segment in layout.segments(0..layout.stream_bytes()) {
        match segment {
            Segment::Header(bytes) => out.extend_from_slice(&bytes),
            Segment::Payload { len, .. } => out.extend_from_slice(&archive[out.len()..out.len() + len as usize]),
        }
    }
    out
}

#[test]
fn every_flipped_byte_is_refused_or_read_as_it_is() {
    let good = fixture();
    let mut accepted = 0;
    for at in 0..good.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            let (walked, forward) = (walk(&bad), read_forward(&bad));
            assert_eq!(walked.is_ok(), forward.is_ok(), "byte {at}: {walked:?} {forward:?}");
            if let (Ok(walked), Ok(forward)) = (walked, forward) {
                assert_eq!(walked, forward, "byte {at}");
                assert_eq!(rendered_with(&walked, &bad), bad, "byte {at}");
                accepted += 1;
            }
        }
    }
    // Contents, times, owners, permissions and the like may have any value; structure and names may not.
    assert!(accepted > 40 * 4 && accepted < good.len() * 2, "{accepted} of {}", good.len() * 4);
}

#[test]
fn every_cut_is_refused() {
    let good = fixture();
    for len in 0..good.len() {
        assert!(walk(&good[..len]).is_err(), "{len}");
        assert!(read_forward(&good[..len]).is_err(), "{len}");
        assert!(walk(&good[len + 1..]).is_err(), "{len}");
    }
    let longer = [good.as_slice(), &[0]].concat();
    assert!(walk(&longer).is_err());
    assert!(read_forward(&longer).is_err());
}

/// An archive of empty files with these names, valid or not.
fn archive_of(names: &[&[u8]]) -> Vec<u8> {
    let hash = |name: &[u8]| {
        siphasher::sip::SipHasher24::new_with_keys(0x8574_442b_0f1d_84b3, 0x2736_ed30_d1c2_2ec1).hash(name)
    };
    let mut out = Vec::new();
    element::push(&mut out, &[64, element::ENTRY, 0, u64::from(DIRECTORY), 0, 0, 0, 0]);
    let mut items = Vec::new();
    for name in names {
        let start = out.len() as u64;
        element::push(&mut out, &[17 + name.len() as u64, element::FILENAME]);
        out.extend_from_slice(name);
        out.push(0);
        element::push(&mut out, &[64, element::ENTRY, 0, u64::from(FILE), 0, 0, 0, 0, 16, element::PAYLOAD]);
        items.push(goodbye::Item { start, end: out.len() as u64, hash: hash(name) });
    }
    let at = out.len() as u64;
    out.extend(goodbye::render(items, 0, at));
    out
}

#[test]
fn hostile_names_are_refused() {
    assert!(walk(&archive_of(&[b"good", b"fine"])).is_ok());
    for bad in [&b".."[..], b".", b"a/b", b"/etc", b"a\\b", b"C:x", b"nul", b"a.", b"\xff\xfe"] {
        let archive = archive_of(&[bad]);
        assert_eq!(walk(&archive).unwrap_err().code(), "unsafe_path", "{bad:?}");
        assert_eq!(read_forward(&archive).unwrap_err().code(), "unsafe_path", "{bad:?}");
    }
    for bad in [&b""[..], b"a\0b", &[b'a'; 256]] {
        let archive = archive_of(&[bad]);
        assert_eq!(walk(&archive).unwrap_err().code(), "archive_malformed", "{bad:?}");
        assert_eq!(read_forward(&archive).unwrap_err().code(), "archive_malformed", "{bad:?}");
    }
}

#[test]
fn a_name_that_is_there_twice_is_refused() {
    let archive = archive_of(&[b"same", b"other", b"same"]);
    for error in [walk(&archive).unwrap_err(), read_forward(&archive).unwrap_err()] {
        // The second one begins after the root's entry and two nodes.
        let second = 64 + (17 + 4 + 80) + (17 + 5 + 80);
        assert!(matches!(error, Error::Malformed { offset, .. } if offset == second), "{error}");
    }
}

/// The table of [`archive_of`] two files, modified by `change(items, back, size)`.
fn with_table(change: impl Fn(&mut Vec<[u64; 3]>, &mut u64, &mut u64)) -> Vec<u8> {
    let mut archive = archive_of(&[b"one", b"two"]);
    let start = archive.len() - (16 + 24 * 3);
    let table = archive.split_off(start);
    let field = |at: usize| element::u64_at(&table, at);
    let mut items: Vec<_> = (0..2).map(|n| [0, 8, 16].map(|at| field(16 + 24 * n + at))).collect();
    let (mut back, mut size) = (start as u64, table.len() as u64);
    change(&mut items, &mut back, &mut size);
    element::push(&mut archive, &[size, element::GOODBYE]);
    for item in items {
        element::push(&mut archive, &item);
    }
    element::push(&mut archive, &[back, size, element::GOODBYE_TAIL]);
    archive
}

type Change = fn(&mut Vec<[u64; 3]>, &mut u64, &mut u64);

#[test]
fn lies_in_a_table_are_refused() {
    assert!(walk(&with_table(|_, _, _| {})).is_ok());
    let lies: [(&str, Change); 12] = [
        ("one child is not there", |items, _, size| {
            items.pop();
            *size -= 24;
        }),
        ("a child too many", |items, _, size| {
            items.push(items[0]);
            *size += 24;
        }),
        ("a gap", |items, _, _| items[0][1] -= 1),
        ("an overlap", |items, _, _| items[0][1] += 1),
        ("twice the same child", |items, _, _| items[1] = items[0]),
        ("before the archive", |items, _, _| items[0][0] = u64::MAX),
        ("after the archive", |items, _, _| items[0][1] = u64::MAX),
        ("another name's hash", |items, _, _| items[0][2] ^= 1),
        ("another order", |items, _, _| items.reverse()),
        ("a directory elsewhere", |_, back, _| *back -= 1),
        ("another size", |_, _, size| *size += 24),
        ("a huge size", |_, _, size| *size = u64::MAX - 7),
    ];
    for (lie, change) in lies {
        let archive = with_table(change);
        assert_eq!(walk(&archive).unwrap_err().code(), "archive_malformed", "{lie}");
        assert_eq!(read_forward(&archive).unwrap_err().code(), "archive_malformed", "{lie}");
    }
}

#[test]
fn table_of_millions_of_children_wants_no_more_than_is_there() {
    let mut archive = archive_of(&[]);
    let at = archive.len() - 16;
    archive[at..at + 8].copy_from_slice(&(40 + 24 * 1_000_000_u64).to_le_bytes());
    assert!(walk(&archive).is_err());
    // The same in a stream that claims to be long enough: still, nothing is requested for it.
    let mut walk = Walk::new(1 << 40).unwrap();
    let mut wanted = 0;
    let outcome = loop {
        let outcome = walk.advance(&mut |want| {
            wanted += want.end - want.start;
            let mut bytes = vec![0; (want.end - want.start) as usize];
            if want.start == 0 {
                bytes[..archive.len()].copy_from_slice(&archive);
            } else {
                let tail = bytes.len() - 24;
                bytes[tail..].copy_from_slice(&archive[archive.len() - 24..]);
            }
            Ok(Some(bytes))
        });
        if outcome.is_err() || walk.wants().is_empty() {
            break outcome;
        }
    };
    assert_eq!(outcome.unwrap_err().code(), "archive_malformed");
    assert!(wanted < 10_000, "{wanted}");
}

#[test]
fn listings_that_make_no_tree_are_refused() {
    let bad_mode = NewNode { content: NewContent::Directory, ..file("a", 1) };
    let mut bad_elements = file("a", 1);
    bad_elements.metadata.elements = vec![1, 2, 3];
    let mut bad_flags = file("a", 1);
    bad_flags.metadata.flags = 1 << 40;
    let lists = [
        ("no root", vec![file("a", 1)]),
        ("nothing", vec![]),
        ("two roots", vec![root(), root()]),
        ("the same twice", vec![root(), file("a", 1), file("a", 2)]),
        ("no parent", vec![root(), file("a/b", 1)]),
        ("a file as parent", vec![root(), file("a", 1), file("a/b", 1)]),
        ("a file as root", vec![NewNode { path: None, ..file("a", 1) }, file("b", 1)]),
        ("a mode of another type", vec![root(), bad_mode]),
        ("no elements", vec![root(), bad_elements]),
        ("unknown flags", vec![root(), bad_flags]),
        ("too much", vec![root(), file("a", u64::MAX - 10), file("b", 100)]),
    ];
    for (what, list) in lists {
        assert_eq!(Layout::build(list).unwrap_err().code(), "invalid_argument", "{what}");
    }
}

#[test]
fn too_deep_is_refused() {
    let chain = |depth: usize| {
        let paths = (1..=depth).map(|len| vec!["d"; len].join("/"));
        [root()].into_iter().chain(paths.map(|at| directory(&at))).collect::<Vec<_>>()
    };
    let deepest = Layout::build(chain(crate::limits::MAX_ARCHIVE_DEPTH)).unwrap();
    let bytes = render(&deepest, 0..deepest.stream_bytes());
    assert_eq!(walk(&bytes).unwrap(), deepest);
    assert_eq!(read_forward(&bytes).unwrap(), deepest);
    assert!(Layout::build(chain(crate::limits::MAX_ARCHIVE_DEPTH + 1)).is_err());
}

#[test]
fn stored_layouts_are_checked_again() {
    let good = serde_json::to_string(&Layout::build(sample()).unwrap()).unwrap();
    for (from, to) in
        [("../a", "../../a"), ("b/none", "c/none"), ("b/none", "b/../x"), ("b/none", "b/full"), ("33188", "16877")]
    {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert!(serde_json::from_str::<Layout>(&bad).is_err(), "{to}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn both_readers_agree_on_damaged_trees(
        entries in super::tree(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let layout = Layout::build(entries).unwrap();
        let mut bytes = render(&layout, 0..layout.stream_bytes());
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let (walked, forward) = (walk(&bytes), read_forward(&bytes));
        prop_assert_eq!(walked.is_ok(), forward.is_ok());
        if let Ok(walked) = walked {
            prop_assert_eq!(rendered_with(&walked, &bytes), bytes);
            prop_assert_eq!(walked, forward.unwrap());
        }
    }
}
