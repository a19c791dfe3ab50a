//! What must hold for any input, one check for each fuzz target. `tests/it/corpus.rs` runs them too, on the corpus.

pub mod archives;
pub mod bundle;
pub mod catar;
pub mod chunk;
pub mod chunker;
pub mod index;
pub mod layout;
pub mod pack;
pub mod path;
