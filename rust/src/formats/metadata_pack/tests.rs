use super::*;

fn digest(byte: &str) -> String {
    byte.repeat(32)
}

fn files() -> BTreeMap<String, Vec<u8>> {
    let files = [
        ("tuf/timestamp.json".to_owned(), b"time".to_vec()),
        ("tuf/1.root.json".to_owned(), b"first".to_vec()),
        ("tuf/12.root.json".to_owned(), b"newest".to_vec()),
        (format!("targets/stable/1.0.0/linux-x86_64/{}.release.json", digest("0a")), vec![7; 5000]),
        (format!("bundles/{}.json", digest("0b")), Vec::new()),
    ];
    files.into()
}

/// A pack of these entries, valid or not.
fn raw(count: u32, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut plain = [&MAGIC[..], &VERSION.to_le_bytes(), &count.to_le_bytes()].concat();
    for (path, body) in entries {
        plain.extend((path.len() as u16).to_le_bytes());
        plain.extend(path.as_bytes());
        plain.extend((body.len() as u32).to_le_bytes());
        plain.extend(*body);
    }
    plain
}

#[track_caller]
fn refused(packed: &[u8]) {
    assert_eq!(MetadataPack::parse(packed).unwrap_err().code(), "metadata_malformed");
}

#[track_caller]
fn refused_plain(plain: &[u8]) {
    refused(&compress(plain).unwrap());
}

#[test]
fn what_is_put_in_comes_out() {
    let packed = MetadataPack::write(&files()).unwrap();
    let pack = MetadataPack::parse(&packed).unwrap();
    assert!(pack.paths().eq(files().keys()));
    for (path, body) in files() {
        assert_eq!(pack.get(&path), Some(&body[..]), "{path}");
    }
    assert_eq!(pack.get("tuf/2.root.json"), None);
    assert_eq!(pack.newest_root(), Some(12), "by number, not by spelling");
    assert_eq!(MetadataPack::write(&files()).unwrap(), packed);
}

#[test]
fn pack_without_anything_is_one() {
    let pack = MetadataPack::parse(&MetadataPack::write(&BTreeMap::new()).unwrap()).unwrap();
    assert_eq!((pack.paths().count(), pack.newest_root()), (0, None));
}

#[test]
fn no_part_of_a_pack_is_one() {
    let packed = MetadataPack::write(&files()).unwrap();
    for end in 0..packed.len() {
        refused(&packed[..end]);
    }
    let plain = unpack(&packed).unwrap();
    for end in 0..plain.len() {
        refused_plain(&plain[..end]);
    }
}

#[test]
fn pack_with_a_flipped_bit_is_none() {
    let packed = MetadataPack::write(&files()).unwrap();
    for at in 0..packed.len() {
        let mut wrong = packed.clone();
        wrong[at] ^= 1;
        // The frame's checksum detects every change except in redundant parts of the header.
        if let Ok(pack) = MetadataPack::parse(&wrong) {
            assert_eq!(pack, MetadataPack::parse(&packed).unwrap(), "byte {at}");
        }
    }
}

#[test]
fn nothing_follows_the_frame_or_the_last_entry() {
    let packed = MetadataPack::write(&files()).unwrap();
    refused(&[&packed[..], b"\0"].concat());
    refused(&[&packed[..], &packed[..]].concat());
    refused_plain(&[&unpack(&packed).unwrap()[..], b"\0"].concat());
}

#[test]
fn two_entries_of_one_path_are_refused() {
    refused_plain(&raw(2, &[("tuf/timestamp.json", b"a"), ("tuf/timestamp.json", b"b")]));
}

#[test]
fn entries_out_of_order_are_refused() {
    refused_plain(&raw(2, &[("tuf/timestamp.json", b"a"), ("tuf/1.root.json", b"b")]));
}

#[test]
fn foreign_paths_are_refused() {
    let digest = digest("0a");
    let foreign = [
        "",
        "state.json",
        "/tuf/timestamp.json",
        "tuf/../timestamp.json",
        "tuf/timestamp.json\0",
        "tuf\\timestamp.json",
        "tuf/01.root.json",
        "tuf/current.pack",
        "store/0006/x.cacnk",
        "bundles/x.json",
        &format!("bundles/{digest}.bundle"),
        &format!("bundles/a/{digest}.json"),
        &format!("targets/../{digest}.catalog.json"),
        &format!("targets/stable/a b/{digest}.release.json"),
        &format!("targets/{}/{digest}.release.json", "a/".repeat(280)),
    ];
    for path in foreign {
        refused_plain(&raw(1, &[(path, b"{}")]));
        let files = [(path.to_owned(), Vec::new())].into();
        assert_eq!(MetadataPack::write(&files).unwrap_err().code(), "invalid_argument", "{path}");
    }
    refused_plain(&raw(1, &[("tuf/1.root.json", b"")]).replace_path(b"tuf/\xff.root.json"));
}

trait ReplacePath {
    fn replace_path(self, path: &[u8; 15]) -> Vec<u8>;
}

impl ReplacePath for Vec<u8> {
    fn replace_path(mut self, path: &[u8; 15]) -> Vec<u8> {
        self[18..33].copy_from_slice(path);
        self
    }
}

#[test]
fn lengths_that_lead_outside_are_refused() {
    let plain = raw(1, &[("tuf/timestamp.json", b"abc")]);
    let length_at = plain.len() - 7;
    for length in [2, 4, u32::MAX] {
        let mut wrong = plain.clone();
        wrong[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
        refused_plain(&wrong);
    }
    let mut wrong = plain.clone();
    wrong[16..18].copy_from_slice(&u16::MAX.to_le_bytes());
    refused_plain(&wrong);
    for count in [0, 2, 1025, u32::MAX] {
        refused_plain(&raw(count, &[("tuf/timestamp.json", b"abc")]));
    }
}

#[test]
fn pack_of_a_newer_version_is_told_from_a_bad_one() {
    let mut plain = raw(0, &[]);
    plain[8] = 2;
    assert_eq!(MetadataPack::parse(&compress(&plain).unwrap()).unwrap_err().code(), "unsupported");
    plain[0] = b'V';
    refused_plain(&plain);
}

#[test]
fn bomb_is_refused_by_what_it_announces() {
    let bomb = compress(&vec![0; MAX_PLAIN_BYTES as usize + 1]).unwrap();
    assert!(bomb.len() < 2000);
    refused(&bomb);
    // A frame that does not announce its size.
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
    std::io::Write::write_all(&mut encoder, &raw(0, &[])).unwrap();
    refused(&encoder.finish().unwrap());
    // A frame that announces the wrong size.
    let mut liar = compress(&vec![0; 1 << 20]).unwrap();
    let at = (0..liar.len()).find(|at| liar[*at..].starts_with(&(1_u32 << 20).to_le_bytes())).unwrap();
    liar[at..at + 4].copy_from_slice(&100_u32.to_le_bytes());
    refused(&liar);
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let many = (0..=MAX_ENTRIES).map(|n| (format!("tuf/{n}.root.json"), Vec::new())).collect();
    let large = [("tuf/timestamp.json".to_owned(), vec![0; MAX_PLAIN_BYTES as usize])].into();
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    let dense = [("tuf/timestamp.json".to_owned(), noise.take(MAX_PACKED_BYTES as usize + 1).collect())].into();
    for files in [many, large, dense] {
        assert_eq!(MetadataPack::write(&files).unwrap_err().code(), "invalid_argument");
    }
}
