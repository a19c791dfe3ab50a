//! Operations on local files: stores, seeds, plans, and the trees built from them.

pub mod acquire;
pub mod assemble;
pub mod bundle_builder;
pub mod disk;
pub mod extract;
pub mod lock;
pub mod make;
pub mod offer;
pub mod plan;
pub mod preflight;
pub mod program;
pub mod receipt;
pub mod seed;
pub mod sources;
pub mod spool;
pub mod staging;
pub mod store;
pub mod store_verify;
pub mod strategy;
mod threads;
pub mod tree;
