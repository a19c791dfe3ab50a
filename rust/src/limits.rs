//! Every cap on what comes from outside, in one place, each with its reason.
//!
//! No allocation here follows a number from a file or a peer before it was held against one of these.

/// Largest chunk that an index may announce, in bytes. Stores with 1/4/16 MiB chunks exist; casync
/// itself stops at 128 MiB, but its message limit of 16 MiB bounds what anyone can have published.
pub const MAX_CHUNK_BYTES: u64 = 16 << 20;

/// What a stored chunk may be larger than its plain bytes: frame headers and incompressible blocks.
pub const MAX_STORED_OVERHEAD_BYTES: u64 = 64 << 10;

/// Largest index file read, in bytes: 13 million chunks, 800 GB of content at 64 KiB a chunk.
pub const MAX_INDEX_BYTES: u64 = 512 << 20;

/// Entries of one archive. Ten times the largest game tree seen in the wild.
pub const MAX_ARCHIVE_ENTRIES: usize = 4_000_000;

/// Depth of directories in an archive. Deeper trees cannot be addressed with a 4096-byte path anyway.
pub const MAX_ARCHIVE_DEPTH: usize = 1024;

/// Bytes of one name, without its NUL: what Linux, macOS and Windows agree on.
pub const MAX_NAME_BYTES: usize = 255;

/// Bytes of a whole relative path, and of a symlink target.
pub const MAX_PATH_BYTES: usize = 4095;

/// User and group names (casync's own limit, without the NUL).
pub const MAX_OWNER_NAME_BYTES: usize = 255;

/// Value of one extended attribute, and of file capabilities (casync's own limit).
pub const MAX_XATTR_BYTES: usize = 64 << 10;

/// All elements between an ENTRY and its content: owner, ACLs, extended attributes.
pub const MAX_NODE_METADATA_BYTES: u64 = 1 << 20;

/// All paths, link targets and elements of one archive together: each path repeats its parents' names.
/// Twice what the largest number of entries has at 64 bytes a path.
pub const MAX_ARCHIVE_TEXT_BYTES: u64 = 512 << 20;

/// Largest receipt read back from disk, in bytes, compressed; and what it may unpack to.
pub const MAX_RECEIPT_BYTES: u64 = 256 << 20;

/// Largest release document or catalog, in bytes. Those of V-Sekai have some kilobytes; notes are the most of it.
pub const MAX_DOCUMENT_BYTES: u64 = 1 << 20;

/// Largest file table as published, in bytes, compressed; and what it may unpack to. A million files have about
/// 50 MB and 250 MB.
pub const MAX_FILE_TABLE_BYTES: u64 = 128 << 20;

/// See [`MAX_FILE_TABLE_BYTES`].
pub const MAX_FILE_TABLE_PLAIN_BYTES: u64 = 1 << 30;
