//! Arguments for signing on a machine without a network.

use std::path::PathBuf;

use clap::Args;

const SIGN_EXAMPLES: &str = "\
Examples:
  vsekai publish BUILD --mode stable --version 1.2.0 --entry game \\
    --repository REPO --keys PUBLIC --prepare FILE
  vsekai sign FILE --keys KEYS
  vsekai publish --commit FILE --repository REPO --keys ONLINE";

/// The steps of a publication whose mode key is somewhere else
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Steps {
    /// Store chunks and documents where no player sees them, and write what `vsekai sign` has to sign to this file. Of
    /// the key folder, only keys.json and root.json are needed
    #[arg(long, value_name = "FILE", conflicts_with = "commit")]
    pub(crate) prepare: Option<PathBuf>,
    /// Publish what was prepared and signed, if nothing has changed since. A folder or bucket needs the keys of catalog,
    /// snapshot and timestamp; a server needs its token
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tree", "mode", "version", "entry", "from_index", "notes"])]
    pub(crate) commit: Option<PathBuf>,
}

/// How encrypted keys are opened
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct KeyAccess {
    /// File whose first line is the passphrase of the keys [env: `VSEKAI_KEY_PASSPHRASE`, the passphrase itself; without
    /// either, it is asked for on a terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// A key that stays in a token or a service
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ElsewhereKey {
    /// The public key, in PEM or as hex: the private one is somewhere else, and COMMAND signs with it
    #[arg(long, value_name = "FILE", requires = "command")]
    pub(crate) public_key: Option<PathBuf>,
    /// How long COMMAND may take, in seconds [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "command", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: Option<u64>,
    /// The program that signs, and its arguments: it reads the bytes from stdin, and writes the signature to stdout
    #[arg(last = true, value_name = "COMMAND", requires = "public_key")]
    pub(crate) command: Vec<String>,
}

/// Sign what `publish --prepare` has written. Needs no network
#[derive(Debug, Args)]
#[command(after_help = SIGN_EXAMPLES)]
pub(crate) struct Sign {
    /// The file
    pub(crate) file: PathBuf,
    /// The key folder with the key of the mode
    #[arg(long, value_name = "DIR")]
    pub(crate) keys: PathBuf,
    #[command(flatten)]
    pub(crate) access: KeyAccess,
    /// Sign without asking
    #[arg(short, long)]
    pub(crate) yes: bool,
}
