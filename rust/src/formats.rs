//! File formats as bytes and types: no files, no network, no threads.

pub mod archive;
pub mod bundle;
mod checked_text;
pub mod chunk;
pub mod chunker;
pub mod index;
pub mod metadata_pack;
pub mod news;
pub mod release;
