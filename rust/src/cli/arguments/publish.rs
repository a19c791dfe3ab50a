//! Arguments of the commands that publishers use.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::formats::release::{ModeName, Platform};
use crate::net::http::Url;
use crate::path::RelPath;
use crate::version::Version;
use clap::{ArgGroup, Args, Subcommand};

use super::offline::{ElsewhereKey, KeyAccess, Steps};
use super::store::ChunkerName;
use super::{Network, values};

const PUBLISH_EXAMPLES: &str = "\
Examples:
  vsekai publish BUILD --mode stable --version 1.0.0 --entry game \\
    --repository REPO --keys KEYS --remember
  vsekai publish BUILD --version 1.1.0

  # To a server, whose token is in VSEKAI_TOKEN:
  vsekai publish BUILD --mode stable --version 1.0.0 --entry game \\
    --server https://updates.example.org --keys KEYS
  # What desync has made:
  vsekai publish --from-index game.caidx --from-store STORE \\
    --mode stable --version 1.0.0 --entry game --repository REPO --keys KEYS

KEYS is made by `vsekai keys init`. Upload REPO to any web host, tuf/timestamp.json and tuf/current.pack last, and \
`vsekai install` installs from it. What is the same each time can be in vsekai-publish.toml, in the working folder or above \
it: repository or server, token_file, keys, passphrase_file, mode, entry.";

const REPOSITORY_HELP: &str =
    "The repository: a folder, or s3://BUCKET/PREFIX with the usual AWS_* variables; created if missing";

const SIGNATURES_HELP: &str =
    "Also read the signatures of all other roles from this repository: a folder, or s3://BUCKET/PREFIX";

const INIT_NOTES: &str = "\
Examples:
  vsekai keys init KEYS --mode stable
  # With an update server, which makes some of the keys
  vsekai keys init KEYS --mode stable --online https://updates.example.org

Whoever has the folder can publish anything. For production, make it on a machine without a network, and keep the keys of \
root and targets there: https://github.com/V-Sekai/vsekai-updater/blob/main/docs/keys.md#one-machine-or-several";

/// Publish a build as a signed version of a mode
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_help = PUBLISH_EXAMPLES)]
#[command(group = ArgGroup::new("destination").args(["repository", "server"]).required(true))]
#[command(group = ArgGroup::new("builder").args(["repository", "bundles"]).multiple(true))]
pub(crate) struct Publish {
    /// The folder with the build
    #[arg(required_unless_present_any = ["from_index", "commit"])]
    pub(crate) tree: Option<PathBuf>,
    /// The mode to publish to; made if it is not there yet
    #[arg(long, value_name = "NAME", required_unless_present = "commit", value_parser = values::mode)]
    pub(crate) mode: Option<ModeName>,
    /// The version, as MAJOR.MINOR.PATCH[-PRE][+BUILD]
    #[arg(long, value_name = "VERSION", required_unless_present = "commit")]
    pub(crate) version: Option<String>,
    /// The platform the build runs on [default: that of the program in --entry]
    #[arg(long, value_name = "PLATFORM", value_parser = values::platform)]
    pub(crate) platform: Option<Platform>,
    /// The program that `vsekai launch` starts, as a path in the build
    #[arg(long, value_name = "EXE", required_unless_present = "commit", value_parser = values::entry)]
    pub(crate) entry: Option<String>,
    /// An argument that is always passed to the program. May be repeated
    #[arg(long = "entry-arg", value_name = "ARG", allow_hyphen_values = true)]
    pub(crate) entry_arguments: Vec<String>,
    #[arg(long, value_name = "DIR|S3", help = REPOSITORY_HELP)]
    pub(crate) repository: Option<PathBuf>,
    /// Keep chunks that were sent to a bucket or read from it in this folder: the next publish reads fewer back
    #[arg(long, value_name = "DIR", requires = "repository")]
    pub(crate) bucket_cache: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: UpdateServer,
    /// The key folder, from `vsekai keys init`
    #[arg(long, value_name = "DIR", required_unless_present = "commit")]
    pub(crate) keys: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) access: KeyAccess,
    #[command(flatten)]
    pub(crate) steps: Steps,
    /// Show what would be published and signed, and write nothing
    #[arg(short = 'n', long, conflicts_with_all = ["prepare", "commit", "remember"])]
    pub(crate) dry_run: bool,
    /// Then write repository or server, keys, mode and entry to vsekai-publish.toml here, for later commands
    #[arg(long, conflicts_with_all = ["prepare", "commit"])]
    pub(crate) remember: bool,
    /// Markdown file with the release notes
    #[arg(long, value_name = "FILE")]
    pub(crate) notes: Option<PathBuf>,
    /// The oldest vsekai that can install this version
    #[arg(long, value_name = "VERSION", value_parser = values::version)]
    pub(crate) min_launcher: Option<Version>,
    /// The oldest version of the mode that may still be installed, after a security fix: no recall goes below it
    #[arg(long, value_name = "VERSION", value_parser = values::version)]
    pub(crate) oldest_allowed: Option<Version>,
    /// A file that the game changes when it runs. May be repeated
    #[arg(long, value_name = "PATH", value_parser = values::path_in_build)]
    pub(crate) mutable: Vec<RelPath>,
    /// Percentage of installs that are offered the version at first
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = values::percent)]
    pub(crate) rollout: u8,
    /// Never offer it automatically; it can still be installed by name
    #[arg(long)]
    pub(crate) skip_update: bool,
    /// Treat warnings of the checks as errors
    #[arg(long)]
    pub(crate) strict: bool,
    /// Publish although the checks find a problem with this code. May be repeated
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) allow: Vec<String>,
    /// Publish this file although it looks like a secret: every player gets it. A path in the build; may be repeated
    #[arg(long, value_name = "PATH", value_parser = values::path_in_build)]
    pub(crate) allow_secret: Vec<RelPath>,
    /// Number of versions of the mode to keep on offer
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) keep_versions: u16,
    /// Publish this desync or casync index instead of a folder, with its chunks as they are
    #[arg(long, value_name = "INDEX", conflicts_with = "tree", requires = "from_store")]
    pub(crate) from_index: Option<OsString>,
    /// Folder or URL of a store with the index's chunks. May be repeated
    #[arg(long, value_name = "STORE", requires = "from_index")]
    pub(crate) from_store: Vec<OsString>,
    /// Chunking algorithm [default: that of the previous version, or casync]
    #[arg(long, value_enum, conflicts_with = "from_index")]
    pub(crate) chunker: Option<ChunkerName>,
    /// Minimum, average and maximum chunk size in KiB [default: as before, or based on the build's size]
    #[arg(short = 'm', long, value_name = "MIN:AVG:MAX", conflicts_with = "from_index")]
    pub(crate) chunk_size: Option<String>,
    /// zstd level, 1 (fast) to 22 (small)
    #[arg(long, value_name = "LEVEL", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=22))]
    pub(crate) level: i32,
    /// Build the bundles here and send them to the server, which otherwise builds its own after the publication
    #[arg(long, requires = "server", conflicts_with_all = ["prepare", "commit"])]
    pub(crate) bundles: bool,
    /// Build deltas from this many previous versions, and one bundle for first installs; 0 builds none
    #[arg(long, value_name = "N", default_value_t = 3, requires = "builder")]
    pub(crate) delta_from: u16,
    /// Build bundles in a fraction of the time; they are larger. Publish again without this to replace them
    #[arg(long, conflicts_with = "best", requires = "builder")]
    pub(crate) fast: bool,
    /// Build the smallest bundles, which takes long. An earlier publish can be repeated with this: its bundles are
    /// replaced, and the version stays the same
    #[arg(long, requires = "builder")]
    pub(crate) best: bool,
}

/// An update server, and how a publisher reaches it
#[derive(Debug, Clone, Args)]
pub(crate) struct UpdateServer {
    /// The update server
    #[arg(id = "server", long, value_name = "URL", value_parser = values::web_url)]
    pub(crate) url: Option<Url>,
    /// File whose first line is the server's token [env: `VSEKAI_TOKEN`, the token itself]
    #[arg(long, value_name = "FILE", requires = "server")]
    pub(crate) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: Box<Network>,
}

/// Which repository to change, and the keys that sign it; a server has them
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("place").args(["repository", "server"]).required(true))]
pub(crate) struct RepositoryTarget {
    #[arg(long, value_name = "DIR|S3", help = "The repository: a folder, or s3://BUCKET/PREFIX")]
    pub(crate) repository: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: UpdateServer,
    /// The key folder. A server needs it only for what the key of a mode signs
    #[arg(long, value_name = "DIR", required_unless_present = "server")]
    pub(crate) keys: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) access: KeyAccess,
}

/// Which repository to show
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("shown").args(["repository", "server"]).required(true))]
pub(crate) struct ShowTarget {
    #[arg(long, value_name = "DIR|S3", help = "The repository: a folder, or s3://BUCKET/PREFIX")]
    pub(crate) repository: Option<PathBuf>,
    /// The update server, instead of a folder
    #[arg(long, value_name = "URL", value_parser = values::web_url)]
    pub(crate) server: Option<Url>,
    /// The key folder, to check the signatures against its root.json [default: they are shown unchecked]
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: Box<Network>,
}

/// One version of a mode
#[derive(Debug, Clone, Args)]
pub(crate) struct Which {
    /// The mode
    #[arg(long, value_name = "NAME", value_parser = values::mode)]
    pub(crate) mode: ModeName,
    /// The version
    #[arg(long, value_name = "VERSION", value_parser = values::version)]
    pub(crate) version: Version,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Repository {
    /// Show modes, versions, rollouts and recalls, and how long the signatures are valid
    Show {
        #[command(flatten)]
        target: ShowTarget,
        /// Only this mode
        #[arg(long, value_name = "NAME", value_parser = values::mode)]
        mode: Option<ModeName>,
    },
    /// Remove the chunks that no version needs any more. A server does this by itself
    Prune {
        #[arg(long, value_name = "DIR|S3", help = "The repository: a folder, or s3://BUCKET/PREFIX")]
        repository: PathBuf,
        /// The key folder, of which only root.json is needed
        #[arg(long, value_name = "DIR")]
        keys: PathBuf,
        /// Keep chunks written or used within this time, such as 90m, 24h or 7d
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = values::duration)]
        grace: std::time::Duration,
        /// Show what would be removed, without removing anything
        #[arg(short = 'n', long)]
        dry_run: bool,
    },
    #[command(flatten)]
    Change(Change),
}

/// Changes of what a repository offers
#[derive(Debug, Subcommand)]
pub(crate) enum Change {
    /// Stop offering a version, and move its users to the best remaining one
    Recall {
        #[command(flatten)]
        target: RepositoryTarget,
        #[command(flatten)]
        which: Which,
        /// Undo the recall
        #[arg(long)]
        undo: bool,
    },
    /// Stop offering a version automatically; it can still be installed by name
    Skip {
        #[command(flatten)]
        target: RepositoryTarget,
        #[command(flatten)]
        which: Which,
        /// Offer it again
        #[arg(long)]
        undo: bool,
    },
    /// Set the rollout percentage of a version
    Rollout {
        #[command(flatten)]
        target: RepositoryTarget,
        #[command(flatten)]
        which: Which,
        /// Percentage of installs that are offered the version, 0 to 100
        #[arg(long, value_parser = values::percent)]
        percent: u8,
    },
    /// Ask players who agree whether new versions start, and stop a rollout if too many do not. Needs an update server
    Reports {
        #[command(flatten)]
        target: RepositoryTarget,
        /// The mode
        #[arg(long, value_name = "NAME", value_parser = values::mode)]
        mode: ModeName,
        /// Reports from one platform before anything is concluded
        #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
        minimum: u32,
        /// Percentage of them that may say that a version failed to start. More stop its rollout
        #[arg(long, value_name = "PERCENT", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=99))]
        limit: u8,
        /// Ask for reports
        #[arg(long, required_unless_present = "off")]
        on: bool,
        /// Stop asking
        #[arg(long, conflicts_with_all = ["on", "minimum", "limit"])]
        off: bool,
    },
    /// Discontinue a mode
    Retire {
        #[command(flatten)]
        target: RepositoryTarget,
        /// The mode
        #[arg(long, value_name = "NAME", value_parser = values::mode)]
        mode: ModeName,
        /// Move its users to this mode; needs the key of the retired mode, or that of targets
        #[arg(long, value_name = "NAME", value_parser = values::mode)]
        update_to: Option<ModeName>,
    },
    /// Reactivate a retired mode
    Activate {
        #[command(flatten)]
        target: RepositoryTarget,
        /// The mode
        #[arg(long, value_name = "NAME", value_parser = values::mode)]
        mode: ModeName,
    },
    /// Create a mode, or describe it. A new mode needs the key of the targets role
    Mode {
        #[command(flatten)]
        target: RepositoryTarget,
        /// The mode
        #[arg(long, value_name = "NAME", value_parser = values::mode)]
        mode: ModeName,
        /// One-sentence description for the list of modes
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
    },
    /// Set where clients find chunks; without arguments, show it
    Stores {
        #[command(flatten)]
        target: RepositoryTarget,
        /// URLs or paths below the repository, in order of preference
        #[arg(value_name = "URL|PATH", value_parser = values::store)]
        stores: Vec<String>,
        /// Remove all: clients find chunks in the repository's own store
        #[arg(long, conflicts_with = "stores")]
        clear: bool,
    },
    /// Set mirrors of the whole repository, used when it is down; without arguments, list them
    Mirrors {
        #[command(flatten)]
        target: RepositoryTarget,
        /// URLs of the mirrors, in order of preference
        #[arg(value_name = "URL", value_parser = values::mirror)]
        urls: Vec<String>,
        /// Remove all mirrors
        #[arg(long, conflicts_with = "urls")]
        clear: bool,
    },
    /// Renew metadata that is about to expire; meant to be run by a timer. On a server: that of the modes
    Renew {
        #[command(flatten)]
        target: RepositoryTarget,
        /// Sign nothing here: write the lists of modes to this file, for `vsekai sign` and then `publish --commit`
        #[arg(long, value_name = "FILE", requires = "keys")]
        prepare: Option<PathBuf>,
        /// With --prepare, the list of this mode, also if it is not due yet. May be repeated
        #[arg(long, value_name = "NAME", requires = "prepare", value_parser = values::mode)]
        mode: Vec<ModeName>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Create the keys of all roles in a new folder
    #[command(after_help = INIT_NOTES)]
    Init {
        /// The folder
        dir: PathBuf,
        /// An initial mode. May be repeated
        #[arg(long, value_name = "NAME", default_value = "stable", value_parser = values::mode)]
        mode: Vec<ModeName>,
        /// Update server that holds the keys of catalog, snapshot and timestamp: its URL, or a file with its response
        /// to /api/v1/repository
        #[arg(long, value_name = "FILE|URL")]
        online: Option<OsString>,
        /// Encrypt the private keys by a passphrase
        #[arg(long)]
        encrypt: bool,
        #[command(flatten)]
        access: KeyAccess,
        #[command(flatten)]
        network: Box<Network>,
    },
    /// Create the key of another mode. The next publish needs the key of targets once
    Add {
        /// The folder
        dir: PathBuf,
        // Earlier versions took it as a word.
        #[arg(hide = true, value_parser = values::mode)]
        mode: Option<ModeName>,
        /// The new mode
        #[arg(
            id = "named",
            long = "mode",
            value_name = "NAME",
            conflicts_with = "mode",
            required_unless_present = "mode",
            value_parser = values::mode
        )]
        named: Option<ModeName>,
        #[command(flatten)]
        access: KeyAccess,
    },
    /// Show all keys, which of them are missing from the folder, and how long the signatures are valid
    Show {
        /// The folder
        dir: PathBuf,
        #[arg(long, value_name = "DIR|S3", conflicts_with = "server", help = SIGNATURES_HELP)]
        repository: Option<PathBuf>,
        /// Also read them from this update server
        #[arg(long, value_name = "URL", value_parser = values::web_url)]
        server: Option<Url>,
        #[command(flatten)]
        network: Box<Network>,
    },
    /// Replace the key of a role; unless it is that of a mode, a new root names it
    Rotate {
        /// The folder
        dir: PathBuf,
        /// The role: root, targets, catalog, snapshot, timestamp or a mode
        role: String,
        #[command(flatten)]
        access: KeyAccess,
        #[command(flatten)]
        elsewhere: ElsewhereKey,
    },
    /// Create an additional key for a role
    AddKey {
        /// The folder
        dir: PathBuf,
        /// The role: root, targets, catalog, snapshot, timestamp or a mode
        role: String,
        #[command(flatten)]
        access: KeyAccess,
        #[command(flatten)]
        elsewhere: ElsewhereKey,
    },
    /// Encrypt the private keys of a folder by a passphrase, change it, or remove it
    Passphrase {
        /// The folder
        dir: PathBuf,
        #[command(flatten)]
        access: KeyAccess,
        /// File whose first line is the new passphrase [env: `VSEKAI_NEW_KEY_PASSPHRASE`, the passphrase itself]
        #[arg(long, value_name = "FILE", conflicts_with = "remove")]
        new_passphrase_file: Option<PathBuf>,
        /// Leave the keys without a passphrase
        #[arg(long)]
        remove: bool,
    },
    /// Set how many keys of a role must sign
    Threshold {
        /// The folder
        dir: PathBuf,
        /// The role: root, targets, catalog, snapshot, timestamp or a mode
        role: String,
        /// The number of signatures required
        #[arg(value_parser = clap::value_parser!(u32).range(1..=1024))]
        number: u32,
        #[command(flatten)]
        access: KeyAccess,
    },
    /// Sign the lists of modes on a server again, before they expire: all that are half spent, or these
    #[command(mut_arg("server", |arg| arg.required(true)))]
    Renew {
        /// The folder
        dir: PathBuf,
        /// The modes
        #[arg(value_parser = values::mode)]
        mode: Vec<ModeName>,
        #[command(flatten)]
        access: KeyAccess,
        #[command(flatten)]
        server: UpdateServer,
    },
    /// Send to a server what the folder has and it lacks: roots, modes, and new keys
    #[command(mut_arg("server", |arg| arg.required(true)))]
    Push {
        /// The folder
        dir: PathBuf,
        #[command(flatten)]
        access: KeyAccess,
        #[command(flatten)]
        server: UpdateServer,
    },
    /// Create a new root with the same keys, before the old one expires
    RenewRoot {
        /// The folder
        dir: PathBuf,
        #[command(flatten)]
        access: KeyAccess,
    },
}
