//! Formats, as bytes and types: no file, no network, no thread.

pub mod archive;
pub mod bundle;
pub mod chunk;
pub mod chunker;
pub mod index;
pub mod metadata_pack;
pub mod release;
