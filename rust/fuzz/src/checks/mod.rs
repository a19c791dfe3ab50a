//! The checks, one for each fuzz target: they must hold for any input. `tests/it/corpus.rs` runs them on the corpus,
//! too.

pub mod archives;
pub mod bundle;
pub mod catar;
pub mod chunk;
pub mod chunker;
pub mod index;
pub mod layout;
pub mod news;
pub mod pack;
pub mod path;
