//! What publishers say.

use std::path::PathBuf;

use crate::formats::release::{ModeName, Platform};
use crate::net::http::Url;
use crate::path::RelPath;
use crate::version::Version;
use clap::{ArgGroup, Args, Subcommand};

use super::Network;
use super::store::ChunkerName;

const PUBLISH_EXAMPLES: &str = "\
Examples:
  vsekai keys init KEYS --mode stable --mode beta
  vsekai publish BUILD --mode beta --version 1.2.0-beta.1 --entry game.x86_64 --repository REPO --keys KEYS
  vsekai publish --from-index game.caidx --from-store https://example.org/store --mode stable --version 1.0.0 \\
         --entry game.x86_64 --repository REPO --keys KEYS
  vsekai keys init KEYS --mode stable --online https://update.example.org
  VSEKAI_TOKEN=vsk_... vsekai publish BUILD --mode stable --version 1.0.0 --entry game.x86_64 \\
         --server https://update.example.org --keys KEYS

Upload REPO to any web host, tuf/timestamp.json last, and `vsekai --update` installs from it.";

/// Publish a build as a signed version of a mode
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = PUBLISH_EXAMPLES)]
#[command(group = ArgGroup::new("destination").args(["repository", "server"]).required(true))]
pub(crate) struct Publish {
    /// The folder with the build
    #[arg(required_unless_present = "from_index")]
    pub(crate) tree: Option<PathBuf>,
    /// The mode; begun if the repository has it not yet
    #[arg(long, value_name = "NAME")]
    pub(crate) mode: ModeName,
    /// The version, as MAJOR.MINOR.PATCH[-PRE][+BUILD]
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: String,
    /// What it runs on [default: this platform]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<Platform>,
    /// The program that `vsekai launch` starts, a path in the build
    #[arg(long, value_name = "EXE")]
    pub(crate) entry: String,
    /// An argument that the program is always given. May be repeated
    #[arg(long = "entry-arg", value_name = "ARG", allow_hyphen_values = true)]
    pub(crate) entry_arguments: Vec<String>,
    /// The repository: a folder; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) repository: Option<PathBuf>,
    /// Publish to this update server instead of a folder
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<Url>,
    /// The first line of this file is the server's token [env: `VSEKAI_TOKEN` has the token itself]
    #[arg(long, value_name = "FILE", requires = "server")]
    pub(crate) token_file: Option<PathBuf>,
    /// The folder of keys, from `vsekai keys init`
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: PathBuf,
    /// What is new: a Markdown file
    #[arg(long, value_name = "FILE")]
    pub(crate) notes: Option<PathBuf>,
    /// The oldest vsekai that can install it
    #[arg(long, value_name = "VERSION")]
    pub(crate) min_launcher: Option<Version>,
    /// A file that the game changes by itself. May be repeated
    #[arg(long, value_name = "PATH", value_parser = rel_path)]
    pub(crate) mutable: Vec<RelPath>,
    /// Offer it to so many of a hundred at first
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) rollout: u8,
    /// Never offer it by itself
    #[arg(long)]
    pub(crate) skip_update: bool,
    /// Publish nothing if the checks find something
    #[arg(long)]
    pub(crate) strict: bool,
    /// Versions of the mode that stay on offer
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) keep_versions: u16,
    /// Publish this index of desync or casync instead of a folder: nothing is cut again
    #[arg(long, value_name = "INDEX", conflicts_with = "tree", requires = "from_store")]
    pub(crate) from_index: Option<String>,
    /// Who has its chunks: a folder or a URL. May be repeated
    #[arg(long, value_name = "STORE", requires = "from_index")]
    pub(crate) from_store: Vec<String>,
    /// The algorithm that cuts [default: that of the version before, else casync]
    #[arg(long, value_enum, conflicts_with = "from_index")]
    pub(crate) chunker: Option<ChunkerName>,
    /// Smallest, average and largest chunk, in KiB [default: as before, else by the size of the build]
    #[arg(short = 'm', long, value_name = "MIN:AVG:MAX", conflicts_with = "from_index")]
    pub(crate) chunk_size: Option<String>,
    /// zstd level, 1 (fast) to 22 (small)
    #[arg(long, value_name = "LEVEL", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=22))]
    pub(crate) level: i32,
    /// Build deltas from so many versions before, and one bundle for first installations; 0 builds none. A server
    /// builds its own
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "server")]
    pub(crate) delta_from: u16,
    /// Build larger bundles in a fraction of the time. The same publish without this replaces them
    #[arg(long, conflicts_with_all = ["server", "best"])]
    pub(crate) fast: bool,
    /// Build the smallest bundles, which takes long. The same publish can be repeated with this: bundles are replaced,
    /// the version stays as it is
    #[arg(long, conflicts_with = "server")]
    pub(crate) best: bool,
    #[command(flatten)]
    pub(crate) network: Network,
}

fn rel_path(text: &str) -> Result<RelPath, crate::Error> {
    RelPath::new(text)
}

/// Which repository, and who signs
#[derive(Debug, Clone, Args)]
pub(crate) struct RepositoryTarget {
    /// The repository: a folder
    #[arg(long, value_name = "DIR")]
    pub(crate) repository: PathBuf,
    /// The folder of keys
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: PathBuf,
}

/// One version of a mode
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// The mode
    #[arg(long, value_name = "NAME")]
    pub(crate) mode: ModeName,
    /// The version
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Version,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Repository {
    /// Offer a version to nobody any more, and move those who have it to another
    Recall {
        #[command(flatten)]
        target: RepositoryTarget,
        #[command(flatten)]
        which: Which,
        /// Take the recall back
        #[arg(long)]
        undo: bool,
    },
    /// Never offer a version by itself; it can still be installed by name
    Skip {
        #[command(flatten)]
        target: RepositoryTarget,
        #[command(flatten)]
        which: Which,
        /// Offer it again
        #[arg(long)]
        undo: bool,
    },
    /// Offer a version to so many of a hundred
    Rollout {
        #[command(flatten)]
        target: RepositoryTarget,
        #[command(flatten)]
        which: Which,
        /// 0 to 100
        #[arg(long, value_parser = clap::value_parser!(u8).range(0..=100))]
        percent: u8,
    },
    /// Publish a mode no more
    Retire {
        #[command(flatten)]
        target: RepositoryTarget,
        /// The mode
        #[arg(long, value_name = "NAME")]
        mode: ModeName,
        /// Move its users to this mode
        #[arg(long, value_name = "NAME")]
        update_to: Option<ModeName>,
    },
    /// Publish a mode again
    Activate {
        #[command(flatten)]
        target: RepositoryTarget,
        /// The mode
        #[arg(long, value_name = "NAME")]
        mode: ModeName,
    },
    /// Begin a mode, or say what it is for. A new one needs the key of the targets role
    Mode {
        #[command(flatten)]
        target: RepositoryTarget,
        /// The mode
        #[arg(long, value_name = "NAME")]
        mode: ModeName,
        /// One sentence for the list of modes
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Say where else the chunks are: URLs, or paths below the repository; with none, in its own store
    Stores {
        #[command(flatten)]
        target: RepositoryTarget,
        /// In order of preference
        stores: Vec<String>,
    },
    /// Name other addresses of the whole repository, for when this one is down; with none, there are none
    Mirrors {
        #[command(flatten)]
        target: RepositoryTarget,
        /// URLs, in order of preference
        urls: Vec<String>,
    },
    /// Sign again what is about to expire; to be run by a timer
    Renew {
        #[command(flatten)]
        target: RepositoryTarget,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make the keys of all roles in a new folder. Fine for a first try; docs/keys.md has the real ceremony
    Init {
        /// The folder
        dir: PathBuf,
        /// The modes to begin with. May be repeated
        #[arg(long, value_name = "NAME", default_value = "stable")]
        mode: Vec<ModeName>,
        /// An update server has the keys of catalog, snapshot and timestamp: its URL, or a file with what it says at
        /// /api/v1/repository
        #[arg(long, value_name = "FILE|URL")]
        online: Option<String>,
        #[command(flatten)]
        network: Box<Network>,
    },
    /// Make the key of another mode. The next publish needs the key of targets once
    Add {
        /// The folder
        dir: PathBuf,
        /// The mode
        mode: ModeName,
    },
    /// Show which keys there are, which are missing here, and when the root expires
    Show {
        /// The folder
        dir: PathBuf,
    },
    /// Make a new key for a role, and a root that names it
    Rotate {
        /// The folder
        dir: PathBuf,
        /// The role: root, targets, catalog, snapshot, timestamp or a mode
        role: String,
    },
    /// Make one more key for a role
    AddKey {
        /// The folder
        dir: PathBuf,
        /// The role
        role: String,
    },
    /// Set how many keys of a role must sign
    Threshold {
        /// The folder
        dir: PathBuf,
        /// The role
        role: String,
        /// How many
        number: u32,
    },
    /// Make a new root with the same keys, because it is about to expire
    RenewRoot {
        /// The folder
        dir: PathBuf,
    },
}
