//! Arguments of `vsekai store …`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Network, values};

#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    Extract(Extract),
    Make(Make),
    Verify(Verify),
    Info(Info),
    Prune(Prune),
    Chunk(ChunkFile),
}

const EXTRACT_EXAMPLES: &str = "\
Examples:
  # Install
  vsekai store extract --store https://example.org/store game-1.caidx GAME
  # Update or repair it
  vsekai store extract --store https://example.org/store game-2.caidx GAME
  # Preview
  vsekai store extract --dry-run --store STORE game-2.caidx GAME
  # Two mirrors
  vsekai store extract --store URL1 --store URL2 game.caidx GAME
  # Take over a folder that desync or casync extracted
  vsekai store extract --store URL --seed GAME --seed-index game-1.caidx \\
    game-2.caidx GAME

Data for the next update is kept next to the destination, in .GAME.vsekai. Ctrl-C interrupts cleanly; run the same command again to resume.";

/// Install or update a folder (.caidx) or file (.caibx) to the version that an index describes
///
/// Installs, updates, repairs or resumes, as needed. Unchanged files are neither read nor written, data that is already
/// on the disk is not downloaded, and the switch to the new version is one atomic step.
#[derive(Debug, Args)]
#[command(after_help = EXTRACT_EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct Extract {
    /// Index of the wanted version: a .caidx or .caibx file, or its URL
    pub(crate) index: OsString,
    /// The folder or file to create or update
    pub(crate) dest: PathBuf,
    /// Folder or URL of a chunk store. Repeat for mirrors; each chunk comes from the first store that has it
    #[arg(short, long, value_name = "STORE", required = true)]
    pub(crate) store: Vec<OsString>,
    /// A local folder or file with some of the content. May be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) seed: Vec<PathBuf>,
    /// Index that a seed was extracted from, in the order of the seeds; without it, the seed is read and chunked again
    #[arg(long, value_name = "INDEX", requires = "seed")]
    pub(crate) seed_index: Vec<OsString>,
    /// Read chunks from this cache, and add downloaded chunks to it
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Ignore the chunk cache that casync tools share
    #[arg(long)]
    pub(crate) no_shared_cache: bool,
    /// Show what would be done, without changing anything
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Discard the work of an interrupted run and start over
    #[arg(long)]
    pub(crate) discard: bool,
    /// Before reporting success, make sure that a new install survives a power cut (updates always do)
    #[arg(long)]
    pub(crate) sync: bool,
    #[command(flatten)]
    pub(crate) network: Network,
}

/// The chunking algorithm
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChunkerName {
    /// The chunker of casync and desync; shares chunks with any store they created
    Casync,
    /// FastCDC v2020; faster, but does not share chunks with casync or desync stores
    Fastcdc,
}

/// How content is cut into chunks
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Chunks")]
pub(crate) struct Chunking {
    /// Chunking algorithm
    #[arg(long, value_enum, default_value_t = ChunkerName::Casync)]
    pub(crate) chunker: ChunkerName,
    /// Minimum, average and maximum chunk size in KiB
    #[arg(short = 'm', long, value_name = "MIN:AVG:MAX", default_value = "16:64:256")]
    pub(crate) chunk_size: String,
    /// Use SHA-256 chunk ids instead of SHA-512/256
    #[arg(long)]
    pub(crate) sha256: bool,
}

const MAKE_EXAMPLES: &str = "\
Examples:
  # A folder
  vsekai store make --store STORE game.caidx GAME
  # A file
  vsekai store make --store STORE disk.caibx disk.img
  # The same bytes as `desync tar -i`
  vsekai store make --casync-exact --store STORE game.caidx GAME

Upload STORE and the index to any web host, and `vsekai store extract --store URL` installs from it.";

/// Split a folder (.caidx) or file (.caibx) into chunks, and write its index
#[derive(Debug, Args)]
#[command(after_help = MAKE_EXAMPLES)]
pub(crate) struct Make {
    /// The index to write: .caidx for a folder, .caibx for a file
    pub(crate) index: PathBuf,
    /// The folder or file to split
    pub(crate) path: PathBuf,
    /// The store folder to add chunks to; created if missing
    #[arg(short, long, value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// Record owners and times, and cut only where casync does: the index equals casync's byte for byte
    #[arg(long)]
    pub(crate) casync_exact: bool,
    /// zstd level, 1 (fast) to 22 (small)
    #[arg(long, value_name = "LEVEL", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=22))]
    pub(crate) level: i32,
    #[command(flatten)]
    pub(crate) chunking: Chunking,
}

/// Check every chunk of a store; exits with code 3 if any are damaged
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai store verify --repair --from https://example.org/store STORE")]
pub(crate) struct Verify {
    /// The store folder
    pub(crate) store: PathBuf,
    /// Fetch damaged chunks again from the --from stores, and remove chunks that none of them has
    #[arg(long)]
    pub(crate) repair: bool,
    /// Folder or URL of a store with good chunks. May be repeated
    #[arg(long, value_name = "STORE", requires = "repair")]
    pub(crate) from: Vec<OsString>,
    #[command(flatten)]
    pub(crate) network: Network,
}

/// Show the contents of an index
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai store info --store STORE --seed-index game-1.caidx game-2.caidx")]
pub(crate) struct Info {
    /// File or URL of the index
    pub(crate) index: OsString,
    /// Also count the chunks that are in this local store
    #[arg(short, long, value_name = "STORE")]
    pub(crate) store: Option<PathBuf>,
    /// Also count the chunks that an update from this index can reuse
    #[arg(long, value_name = "INDEX")]
    pub(crate) seed_index: Option<OsString>,
    #[command(flatten)]
    pub(crate) network: Network,
}

/// Remove chunks that none of the given indexes needs
///
/// Chunks younger than the grace time are kept, because an index that needs them may not be published yet. Refuses to
/// run while `vsekai store make` is writing to the store.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai store prune --dry-run STORE published/*.caidx")]
pub(crate) struct Prune {
    /// The store folder
    pub(crate) store: PathBuf,
    /// Indexes whose chunks are kept
    #[arg(required = true)]
    pub(crate) indexes: Vec<PathBuf>,
    /// Keep chunks written or used within this time, such as 90m, 24h or 7d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = values::duration)]
    pub(crate) grace: std::time::Duration,
    /// Show what would be removed, without removing anything
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

/// Show how a file would be split: offset, size and id of each chunk
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai store chunk --chunk-size 4:16:64 game.pck")]
pub(crate) struct ChunkFile {
    /// The file to split
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) chunking: Chunking,
}
