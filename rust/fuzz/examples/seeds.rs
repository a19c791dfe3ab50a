//! Writes the seeds of the corpus, valid structures that random mutation would not find: `cargo run --example seeds`.
//! Nothing else writes to `corpus/`; inputs that caused a crash are added by hand.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use vsekai_updater::digest::Digest;
use vsekai_updater::formats::archive::{Layout, NewContent, NewNode, NodeMetadata};
use vsekai_updater::formats::bundle::{
    BundleInfo, BundleList, Effort, Filter, Section, SectionContent, Table, compress, index_document,
};
use vsekai_updater::formats::chunk::{ChunkId, Compressor, DigestAlgorithm, VerifiedChunk};
use vsekai_updater::formats::index::{ChunkSizes, FeatureFlags, Index};
use vsekai_updater::formats::metadata_pack::MetadataPack;
use vsekai_updater::formats::news::{News, NewsId, NewsItem, NewsLink, NewsPicture, NewsText};
use vsekai_updater::formats::release::ModeName;
use vsekai_updater::path::{LinkTarget, RelPath};
use vsekai_updater_fuzz::checks::archives::render;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    indexes()?;
    archives()?;
    chunks()?;
    paths()?;
    packs()?;
    news()?;
    bundles()?;
    chunkers()
}

fn write(target: &str, name: &str, bytes: &[u8]) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    Ok(fs::write(folder.join(name), bytes)?)
}

fn indexes() -> Outcome {
    let lists: [(&str, FeatureFlags, &[u64]); 4] = [
        ("empty", FeatureFlags::TREE, &[]),
        ("blob", FeatureFlags::BLOB, &[20_000, 262_144, 5]),
        ("tree-sha256", FeatureFlags::TREE.with_digest(DigestAlgorithm::Sha256), &[1]),
        ("many", FeatureFlags::TREE, &[65_536; 40]),
    ];
    for (name, flags, sizes) in lists {
        let mut index = Index::new(flags, ChunkSizes::default());
        for (number, &size) in sizes.iter().enumerate() {
            index.push(ChunkId::from_bytes([number as u8; 32]), size)?;
        }
        write("index", name, &index.to_bytes())?;
    }
    Ok(())
}

fn node(path: &str, mode: u32, content: NewContent) -> Result<NewNode, vsekai_updater::Error> {
    let path = if path.is_empty() { None } else { Some(RelPath::new(path)?) };
    Ok(NewNode { path, metadata: NodeMetadata::for_tree(mode).with_mtime_ns(u64::from(mode)), content })
}

fn trees() -> Result<Vec<(&'static str, Layout)>, Box<dyn std::error::Error>> {
    let root = || node("", 0o040_755, NewContent::Directory);
    let file = |path: &str, size| node(path, 0o100_644, NewContent::File { size });
    let target = |at: &str, to: &str| Ok::<_, vsekai_updater::Error>(LinkTarget::new(&RelPath::new(at)?, to)?);
    let link = NewContent::Symlink { target: target("b/link", "../a/./x")? };
    // USER "root", then XATTR "user.a" = "1".
    let mut owned = file("b/owned", 9)?;
    for (kind, body) in [(0xf453_131a_aeea_ccb3_u64, &b"root\0"[..]), (0xb815_7091_f80b_c486, b"user.a\x001")] {
        owned.metadata.elements.extend((16 + body.len() as u64).to_le_bytes());
        owned.metadata.elements.extend(kind.to_le_bytes());
        owned.metadata.elements.extend(body);
    }
    let all = vec![
        root()?,
        node("a", 0o040_700, NewContent::Directory)?,
        node("b", 0o040_755, NewContent::Directory)?,
        owned,
        file("b/none", 0)?,
        node("b/link", 0o120_777, link)?,
        node("pipe", 0o010_600, NewContent::Other)?,
        node("disk", 0o060_600, NewContent::Device { major: 8, minor: 1 })?,
    ];
    let deep = (0..12).map(|depth| match depth {
        0 => root(),
        _ => node(&vec!["d"; depth].join("/"), 0o040_755, NewContent::Directory),
    });
    let mut wide = vec![root()?];
    for number in 0..20 {
        wide.push(file(&format!("f{number}"), number)?);
    }
    Ok(vec![
        ("empty", Layout::build(vec![root()?])?),
        ("one-file", Layout::build(vec![file("", 5)?])?),
        ("all-kinds", Layout::build(all)?),
        ("deep", Layout::build(deep.collect::<Result<_, _>>()?)?),
        ("wide", Layout::build(wide)?),
        ("large-file", Layout::build(vec![root()?, file("a", 3000)?])?),
    ])
}

fn archives() -> Outcome {
    for (number, (name, layout)) in trees()?.into_iter().enumerate() {
        let archive = render(&layout, |at| at as u8);
        write("catar", name, &[&[number as u8 * 3], &archive[..]].concat())?;
        write("layout", name, &serde_json::to_vec(&layout)?)?;
    }
    write("layout", "blob", &serde_json::to_vec(&Layout::blob(1 << 40))?)
}

fn chunks() -> Outcome {
    let plain = b"some content, not too short ".repeat(20);
    let stored = |name: &str, max: u16, bytes: &[u8]| write("chunk", name, &[&max.to_le_bytes(), bytes].concat());
    let chunk = VerifiedChunk::of(plain.clone(), DigestAlgorithm::Sha512_256);
    stored("zstd", 560, Compressor::new(3)?.compress(&chunk)?.as_bytes())?;
    let zeros = VerifiedChunk::of(vec![0; 60_000], DigestAlgorithm::Sha512_256);
    stored("zstd-zeros", 60_000, Compressor::new(3)?.compress(&zeros)?.as_bytes())?;
    stored("zstd-too-much", 59_999, Compressor::new(3)?.compress(&zeros)?.as_bytes())?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&plain)?;
    stored("gzip", 560, &gzip.finish()?)?;
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(6))?;
    xz.write_all(&plain)?;
    let mut xz = xz.finish()?;
    stored("xz", 560, &xz)?;
    // The same with a dictionary of 4 GiB and a corrected header checksum.
    xz[16] = 40;
    let mut crc = flate2::Crc::new();
    crc.update(&xz[12..20]);
    xz[20..24].copy_from_slice(&crc.sum().to_le_bytes());
    stored("xz-dictionary", 560, &xz)
}

fn paths() -> Outcome {
    let seeds = [
        ("plain", "bin/game.x86_64\n"),
        ("link", "lib/current\n../lib/v1"),
        ("link-out", "a/b\n../../x"),
        ("dots", "..a/.hidden\n./a/../b//c"),
        ("letters", "ゲーム/ÉΣςſßİKẞ\nx"),
        ("devices", "com10/console\nnul.txt"),
    ];
    seeds.into_iter().try_for_each(|(name, text)| write("path", name, text.as_bytes()))
}

fn packs() -> Outcome {
    let digest = "0a".repeat(32);
    let paths = [
        "tuf/1.root.json".to_owned(),
        "tuf/timestamp.json".to_owned(),
        "tuf/12.nightly.json".to_owned(),
        format!("targets/{digest}.catalog.json"),
        format!("targets/stable/1.0.0-rc.1+b2/linux-x86_64/{digest}.release.json"),
        format!("bundles/{digest}.json"),
    ];
    for count in [0, 1, paths.len()] {
        let files: BTreeMap<_, _> =
            paths[..count].iter().map(|path| (path.clone(), path.as_bytes().to_vec())).collect();
        write("pack", &format!("packed-{count}"), &[b"\0", &MetadataPack::write(&files)?[..]].concat())?;
        let mut plain = [b"\x01vsk-pack\x01\0\0\0", &(count as u32).to_le_bytes()[..]].concat();
        for (path, body) in &files {
            plain.extend((path.len() as u16).to_le_bytes());
            plain.extend(path.as_bytes());
            plain.extend((body.len() as u32).to_le_bytes());
            plain.extend(body);
        }
        write("pack", &format!("plain-{count}"), &plain)?;
    }
    Ok(())
}

fn bundles() -> Outcome {
    let section = |content, prefix: &[u64]| Section {
        filter: if prefix.is_empty() { Filter::None } else { Filter::X86 },
        content,
        prefix: prefix.chunks(2).map(|pair| pair[0]..pair[1]).collect(),
        packed_bytes: 70,
        plain_bytes: 9_000,
    };
    let sections = vec![
        section(SectionContent::Index, &[]),
        section(SectionContent::FileTable, &[]),
        section(SectionContent::Chunks(vec![0..3, 5..6]), &[0, 16_384, 40_000, 50_000]),
    ];
    for (name, from) in [("delta", Some(Digest([1; 32]))), ("full", None)] {
        let count = if from.is_some() { 3 } else { 2 };
        let table = Table { from, to: Digest([2; 32]), sections: sections[..count].to_vec() };
        let bytes = table.to_bytes()?;
        write("bundle", name, &[b"\0", &bytes[..]].concat())?;
        let plain = zstd::bulk::decompress(&bytes[16..], 1 << 16)?;
        write("bundle", &format!("{name}-plain"), &[b"\x01", &plain[..]].concat())?;
    }
    let mut index = Index::new(FeatureFlags::TREE, ChunkSizes::default());
    index.push(ChunkId::from_bytes([7; 32]), 20_000)?;
    write("bundle", "index", &[b"\x02", &index_document(&index)[..]].concat())?;
    let info = BundleInfo {
        id: Digest([3; 32]),
        length: 9,
        front_bytes: 5,
        plain_bytes: 70,
        from: Some(Digest([1; 32])),
        effort: Effort::Fast,
    };
    write("bundle", "list", &[b"\x03", &BundleList::new(vec![info]).to_bytes()?[..]].concat())?;
    let frame = compress(3, b"a prefix that is here twice", b"a prefix that is here twice, and more")?;
    write("bundle", "frame", &[b"\x04\x1b\0a prefix that is here twice", &frame[..]].concat())
}

fn chunkers() -> Outcome {
    // SplitMix64: random bytes.
    let mut state = 1_u64;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed >> 27) as u8
    });
    let noise: Vec<u8> = noise.take(3000).collect();
    for (name, head) in [
        ("casync", [47, 40, 60, 100, 1, 1]),
        ("casync-equal", [99, 0, 0, 7, 0, 1]),
        ("fastcdc", [0, 10, 200, 100, 0, 0]),
        ("casync-narrow", [60, 2, 1, 200, 3, 1]),
    ] {
        write("chunker", name, &[&head[..], &noise].concat())?;
    }
    write("chunker", "zeros", &[&[50, 9, 9, 33, 2, 1][..], &[0; 500]].concat())
}

/// The first byte says whether the rest is news or a picture.
fn news() -> Outcome {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x02\x80\0\0\x01\x68\x08\x02\0\0\0";
    let (mode, id) = (ModeName::default(), NewsId::new("opening")?);
    let texts = [("en", "Open", "Come in."), ("pt-BR", "Aberto", "Entre.\nAgora.")];
    let texts = texts.map(|(tag, title, text)| Ok((tag.parse()?, NewsText::new(title, text)?)));
    let texts = texts.into_iter().collect::<Result<_, vsekai_updater::Error>>()?;
    let item = NewsItem::new(id.clone(), "2026-11-27T10:00:00Z".parse()?, texts)?;
    let mut full = News::empty();
    full.put(item.with_link(Some(NewsLink::new("https://example.org/a?b#c")?)));
    let with_picture = full.items()[0].clone().with_picture(Some(NewsPicture::new(&mode, &id, png)?.0));
    write("news", "empty", &[&[0], &News::empty().to_bytes(&mode)?[..]].concat())?;
    write("news", "text", &[&[0], &full.to_bytes(&mode)?[..]].concat())?;
    full.put(with_picture);
    write("news", "picture", &[&[0], &full.to_bytes(&mode)?[..]].concat())?;
    write("news", "png", &[&[1], &png[..]].concat())?;
    write("news", "webp-extended", b"\x01RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\x67\x01\0")?;
    write("news", "webp-lossless", b"\x01RIFF\x20\0\0\0WEBPVP8L\x0a\0\0\0\x2f\x7f\xc2\x59\0\0")?;
    write("news", "webp-lossy", b"\x01RIFF\x20\0\0\0WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x80\x02\x68\x01")
}
