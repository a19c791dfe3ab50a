//! `vsekai store chunk`

use std::fmt::Write;

use crate::error::Result;
use crate::event::Monitor;
use crate::formats::chunk::ChunkId;
use crate::local::make;
use serde::Serialize;

use crate::cli::arguments::store::ChunkFile;
use crate::cli::options;
use crate::cli::output::{DONE, Output};

#[derive(Serialize)]
struct Cuts {
    chunker: String,
    chunks: Vec<Cut>,
}

#[derive(Serialize)]
struct Cut {
    offset: u64,
    size: u64,
    id: ChunkId,
}

pub(crate) fn run(args: &ChunkFile, output: Output, monitor: &Monitor) -> Result<u8> {
    let chunker = options::chunker(args.chunking.chunker, &args.chunking.chunk_size)?;
    let index = make::list_chunks(&args.file, &chunker, options::digest(&args.chunking), monitor)?;
    let cut = |chunk: crate::formats::index::IndexChunk| Cut { offset: chunk.start, size: chunk.size(), id: chunk.id };
    let cuts = Cuts { chunker: chunker.description(), chunks: index.iter().map(cut).collect() };
    let mut text = String::new();
    for cut in &cuts.chunks {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:>12} {:>8} {}", cut.offset, cut.size, cut.id);
    }
    output.done("store chunk", &cuts, text.trim_end_matches('\n'));
    Ok(DONE)
}
