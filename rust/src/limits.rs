//! Caps on input from outside that several modules share, each with its reason. A cap that only one format needs is
//! defined with that format.
//!
//! No allocation follows a number from a file or a peer before the number was checked against a cap.

/// Largest chunk that an index may announce, in bytes. Stores with 1/4/16 MiB chunks exist; casync
/// itself stops at 128 MiB, but its message limit of 16 MiB bounds what anyone can have published.
pub const MAX_CHUNK_BYTES: u64 = 16 << 20;

/// How much larger than its plain bytes a stored chunk may be: frame headers and incompressible blocks.
pub const MAX_STORED_OVERHEAD_BYTES: u64 = 64 << 10;

/// Largest index file that is read, in bytes: 13 million chunks, 800 GB of content at 64 KiB a chunk.
pub const MAX_INDEX_BYTES: u64 = 512 << 20;

/// Entries of one archive. Ten times the largest game tree seen in the wild.
pub const MAX_ARCHIVE_ENTRIES: usize = 4_000_000;

/// Depth of directories in an archive. Deeper trees cannot be addressed with a 4096-byte path anyway.
pub const MAX_ARCHIVE_DEPTH: usize = 1024;

/// Bytes of one name, without its NUL: the limit that Linux, macOS and Windows share.
pub const MAX_NAME_BYTES: usize = 255;

/// Bytes of a whole relative path, and of a symlink target.
pub const MAX_PATH_BYTES: usize = 4095;

/// Bytes of a user or group name (casync's own limit, without the NUL).
pub const MAX_OWNER_NAME_BYTES: usize = 255;

/// Bytes of one extended attribute's value, and of file capabilities (casync's own limit).
pub const MAX_XATTR_BYTES: usize = 64 << 10;

/// Bytes of all elements between an ENTRY and its content: owner, ACLs, extended attributes.
pub const MAX_NODE_METADATA_BYTES: u64 = 1 << 20;

/// Bytes of all paths, link targets and elements of one archive together: each path repeats its parents' names. Twice
/// what the largest number of entries has at 64 bytes a path.
pub const MAX_ARCHIVE_TEXT_BYTES: u64 = 512 << 20;

/// Largest receipt that is read back from disk, in bytes, both compressed and unpacked.
pub const MAX_RECEIPT_BYTES: u64 = 256 << 20;

/// Largest release document or catalog, in bytes. Those of V-Sekai have a few kilobytes, mostly release notes.
pub const MAX_DOCUMENT_BYTES: u64 = 1 << 20;

/// Largest file table as published (compressed), in bytes. A table of a million files has about 50 MB, and 250 MB
/// unpacked.
pub const MAX_FILE_TABLE_BYTES: u64 = 128 << 20;

/// Largest file table when unpacked, in bytes; see [`MAX_FILE_TABLE_BYTES`].
pub const MAX_FILE_TABLE_PLAIN_BYTES: u64 = 1 << 30;

/// Largest news of one mode, in bytes: every player downloads them whenever they change.
pub const MAX_NEWS_BYTES: u64 = 64 << 10;

/// Items of the news of one mode. Launchers show the newest three.
pub const MAX_NEWS_ITEMS: usize = 12;

/// Languages of one item.
pub const MAX_NEWS_LANGUAGES: usize = 40;

/// Characters of a title: two lines of a card.
pub const MAX_NEWS_TITLE_CHARS: usize = 100;

/// Characters of a text: a few sentences. The link leads to more.
pub const MAX_NEWS_TEXT_CHARS: usize = 500;

/// Bytes of a link.
pub const MAX_NEWS_LINK_BYTES: usize = 500;

/// Largest picture of an item, in bytes. One of 640 by 360 pixels has 30,000 as WebP and 300,000 as PNG.
pub const MAX_PICTURE_BYTES: u64 = 512 << 10;

/// Longest side of a picture, in pixels: 16 MiB when decoded.
pub const MAX_PICTURE_SIDE: u32 = 2048;
