//! Shared helpers of all test programs: trees, stores, repositories, servers, and our own binary.

pub(crate) mod delay;
pub(crate) mod forge;
pub(crate) mod nginx;
pub(crate) mod packing;
pub(crate) mod repository;
pub(crate) mod run;
pub(crate) mod server;
pub(crate) mod stores;
pub(crate) mod tools;
pub(crate) mod toxic;
pub(crate) mod trees;
