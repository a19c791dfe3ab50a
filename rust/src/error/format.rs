//! What malformed input was read as.

/// The format that malformed input was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.caibx` or `.caidx`.
    Index,
    /// A catar stream.
    Archive,
    /// A stored chunk (zstd, gzip or xz).
    Chunk,
    /// The record that an extract leaves next to its destination.
    Receipt,
    /// The signed description of one version for one platform.
    Release,
    /// The signed choice of what each mode offers.
    Catalog,
    /// The list of a version's files.
    FileTable,
    /// The signed news of a mode.
    News,
    /// Chunks of a version compressed together, or the list of such files.
    Bundle,
    /// `.vsekai/state.json` of an install root.
    State,
    /// The user's configuration file.
    Config,
    /// What `vsekai publish --prepare` has written, to be signed elsewhere.
    Preparation,
}

impl Format {
    /// Whether people write or read it as lines.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Config | Self::Preparation)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Archive => "archive",
            Self::Chunk => "chunk",
            Self::Receipt => "receipt",
            Self::Release => "release document",
            Self::Catalog => "catalog",
            Self::FileTable => "file table",
            Self::News => "news",
            Self::Bundle => "bundle",
            Self::State => "state of the install root",
            Self::Config => "configuration",
            Self::Preparation => "preparation",
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
