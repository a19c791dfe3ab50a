//! Work on local files: stores, seeds, plans, and the trees that they make.

pub mod assemble;
pub mod disk;
pub mod extract;
pub mod fetch;
pub mod lint;
pub mod lock;
pub mod make;
pub mod plan;
pub mod receipt;
pub mod route;
pub mod seed;
pub mod spool;
pub mod store;
pub mod tree;
