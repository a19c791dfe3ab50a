//! `vsekai store …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Network;
use crate::cli::size::parse_duration;

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
  Install:              vsekai store extract --store https://example.org/store game-1.caidx GAME
  Update or repair it:  vsekai store extract --store https://example.org/store game-2.caidx GAME
  Only look:            vsekai store extract --dry-run --store STORE game-2.caidx GAME
  Two mirrors:          vsekai store extract --store URL1 --store URL2 game.caidx GAME
  Take over a folder that desync or casync extracted:
                        vsekai store extract --store URL --seed GAME --seed-index game-1.caidx game-2.caidx GAME

What is needed for the next update is kept beside the destination, in .GAME.vsekai.
Ctrl-C stops it cleanly; running it again goes on where it was.";

/// Bring a folder (.caidx) or file (.caibx) to the version that an index describes
///
/// Installs, updates, repairs and resumes, whichever is needed. Unchanged files are neither read nor written, bytes
/// that are on the disk already are not fetched, and the switch to the new version is one atomic step.
#[derive(Debug, Args)]
#[command(after_help = EXTRACT_EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct Extract {
    /// The version wanted: a .caidx or .caibx file, or its URL
    pub(crate) index: String,
    /// The folder or file to bring to it
    pub(crate) dest: PathBuf,
    /// Where chunks are: a folder or a URL. Repeat it for mirrors; each chunk is taken from the first that has it
    #[arg(short, long, value_name = "STORE", required = true)]
    pub(crate) store: Vec<String>,
    /// A tree or file that has some of the bytes. May be repeated
    #[arg(long, value_name = "PATH")]
    pub(crate) seed: Vec<PathBuf>,
    /// The index that the seed was extracted from, in the order of the seeds; without it the seed is read and cut anew
    #[arg(long, value_name = "INDEX", requires = "seed")]
    pub(crate) seed_index: Vec<String>,
    /// Read this chunk cache, and keep in it what is fetched
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
    /// Do not read chunks from the cache that casync tools share
    #[arg(long)]
    pub(crate) no_shared_cache: bool,
    /// Show what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
    /// Drop what an interrupted run has left, and start anew
    #[arg(long)]
    pub(crate) discard: bool,
    /// Make sure that a new installation survives a power cut before saying that it is done (an update always does)
    #[arg(long)]
    pub(crate) sync: bool,
    #[command(flatten)]
    pub(crate) network: Network,
}

/// Which chunker cuts
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChunkerName {
    /// The one of casync and desync: shares chunks with every store that they made
    Casync,
    /// FastCDC v2020: faster, and shares chunks only with itself
    Fastcdc,
}

/// How content is cut into chunks
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Chunks")]
pub(crate) struct Chunking {
    /// The algorithm that cuts
    #[arg(long, value_enum, default_value_t = ChunkerName::Casync)]
    pub(crate) chunker: ChunkerName,
    /// Smallest, average and largest chunk, in KiB
    #[arg(short = 'm', long, value_name = "MIN:AVG:MAX", default_value = "16:64:256")]
    pub(crate) chunk_size: String,
    /// Name chunks by SHA-256 instead of SHA-512/256
    #[arg(long)]
    pub(crate) sha256: bool,
}

const MAKE_EXAMPLES: &str = "\
Examples:
  vsekai store make --store STORE game.caidx GAME          a folder
  vsekai store make --store STORE disk.caibx disk.img      a file
  vsekai store make --casync-exact --store STORE game.caidx GAME    the same bytes as `desync tar -i`

Upload STORE and the index to any web host, and `vsekai store extract --store URL` installs from it.";

/// Cut a folder (.caidx) or file (.caibx) into chunks, and write its index
#[derive(Debug, Args)]
#[command(after_help = MAKE_EXAMPLES)]
pub(crate) struct Make {
    /// The index to write; .caidx for a folder, .caibx for a file
    pub(crate) index: PathBuf,
    /// The folder or file
    pub(crate) path: PathBuf,
    /// The folder to put chunks into
    #[arg(short, long, value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// Record owners and times, and cut nowhere but where casync does: the index equals theirs byte for byte
    #[arg(long)]
    pub(crate) casync_exact: bool,
    /// zstd level, 1 (fast) to 22 (small)
    #[arg(long, value_name = "LEVEL", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=22))]
    pub(crate) level: i32,
    #[command(flatten)]
    pub(crate) chunking: Chunking,
}

/// Check every chunk of a store; exit code 3 if one is damaged
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai store verify --repair --from https://example.org/store STORE")]
pub(crate) struct Verify {
    /// The store: a folder
    pub(crate) store: PathBuf,
    /// Fetch damaged chunks again, from the stores that --from names, and remove those that none has
    #[arg(long)]
    pub(crate) repair: bool,
    /// Where good chunks are: a folder or a URL. May be repeated
    #[arg(long, value_name = "STORE", requires = "repair")]
    pub(crate) from: Vec<String>,
    #[command(flatten)]
    pub(crate) network: Network,
}

/// Show what is in an index
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai store info --store STORE --seed-index game-1.caidx game-2.caidx")]
pub(crate) struct Info {
    /// The index: a file or its URL
    pub(crate) index: String,
    /// Also count the chunks that this local store has
    #[arg(short, long, value_name = "STORE")]
    pub(crate) store: Option<PathBuf>,
    /// Also count the chunks that an update from this index need not fetch
    #[arg(long, value_name = "INDEX")]
    pub(crate) seed_index: Option<String>,
    #[command(flatten)]
    pub(crate) network: Network,
}

/// Remove the chunks that none of the given indexes needs
///
/// Chunks younger than the grace time stay, since an index that needs them may not be published yet. While a
/// `vsekai store make` works on the store, prune refuses to start.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai store prune --dry-run STORE published/*.caidx")]
pub(crate) struct Prune {
    /// The store: a folder
    pub(crate) store: PathBuf,
    /// Every index whose chunks must stay
    #[arg(required = true)]
    pub(crate) indexes: Vec<PathBuf>,
    /// Keep chunks written or used within this time, such as 90m, 24h or 7d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_duration)]
    pub(crate) grace: std::time::Duration,
    /// Show what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,
}

/// Show where a file would be cut: offset, size and id of each chunk
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  vsekai store chunk --chunk-size 4:16:64 game.pck")]
pub(crate) struct ChunkFile {
    /// The file
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) chunking: Chunking,
}
