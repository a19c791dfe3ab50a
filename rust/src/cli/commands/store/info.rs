//! `vsekai store info`

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::formats::chunk::{ChunkId, DigestAlgorithm};
use crate::local::store::LocalStore;
use serde::Serialize;

use crate::cli::arguments::store::Info;
use crate::cli::connect::{self, LazyNetwork};
use crate::cli::options;
use crate::cli::output::{DONE, Output};
use crate::cli::size::{bytes, count, counted};

#[derive(Serialize)]
struct Facts {
    stream_bytes: u64,
    chunks: u64,
    unique_chunks: u64,
    unique_bytes: u64,
    chunk_size: [u64; 3],
    digest: DigestAlgorithm,
    feature_flags: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_store: Option<Part>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_seed: Option<Part>,
}

/// How many of the unique chunks are available somewhere, and their plain bytes.
#[derive(Serialize)]
struct Part {
    chunks: u64,
    bytes: u64,
}

pub(crate) fn run(args: &Info, output: Output) -> Result<u8> {
    let network = LazyNetwork::new(&args.network);
    let index = connect::index(&args.index, &network)?;
    let unique: HashMap<ChunkId, u64> = index.iter().map(|chunk| (chunk.id, chunk.size())).collect();
    let part = |has: &dyn Fn(&ChunkId) -> bool| {
        let there = unique.iter().filter(|(id, _)| has(id));
        let (mut chunks, mut bytes) = (0, 0);
        for (_, size) in there {
            chunks += 1;
            bytes += size;
        }
        Part { chunks, bytes }
    };
    let store = args.store.as_deref().map(|store| LocalStore::open(options::folder(store)?)).transpose()?;
    let seed = args.seed_index.as_deref().map(|seed| connect::index(seed, &network)).transpose()?;
    let seed: Option<HashSet<ChunkId>> = seed.map(|seed| seed.iter().map(|chunk| chunk.id).collect());
    let sizes = index.sizes();
    let facts = Facts {
        stream_bytes: index.stream_bytes(),
        chunks: index.len() as u64,
        unique_chunks: unique.len() as u64,
        unique_bytes: unique.values().sum(),
        chunk_size: [sizes.min(), sizes.avg(), sizes.max()],
        digest: index.digest(),
        feature_flags: format!("{:#018x}", index.flags().bits()),
        in_store: store.map(|store| part(&|id| store.has(id))),
        in_seed: seed.map(|seed| part(&|id| seed.contains(id))),
    };
    output.done("store info", &facts, &text(&facts));
    Ok(DONE)
}

fn text(facts: &Facts) -> String {
    let [min, avg, max] = facts.chunk_size.map(|size| size / 1024);
    let digest = match facts.digest {
        DigestAlgorithm::Sha512_256 => "SHA-512/256",
        DigestAlgorithm::Sha256 => "SHA-256",
    };
    let unique = format!("{}, {}", count(facts.unique_chunks), bytes(facts.unique_bytes));
    let mut rows = vec![
        ("content", bytes(facts.stream_bytes)),
        ("chunks", count(facts.chunks)),
        ("unique", unique),
        ("sizes", format!("{min}:{avg}:{max} KiB")),
        ("digest", digest.to_owned()),
        ("flags", facts.feature_flags.clone()),
    ];
    let part = |part: &Part| format!("{}, {}", counted(part.chunks, "chunk", "chunks"), bytes(part.bytes));
    rows.extend(facts.in_store.iter().map(|it| ("in store", part(it))));
    rows.extend(facts.in_seed.iter().map(|it| ("in seed", part(it))));
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| format!("{name:9} {value}")).collect();
    rows.join("\n")
}
