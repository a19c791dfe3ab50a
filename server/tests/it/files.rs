//! Chunk stores, and the repository as files over HTTP: real servers on real sockets, over SQLite.
//!
//! Needs `desync` and `moto_server` (an S3 server) on PATH. Without one, its tests print a line on stderr and pass; if
//! `CI` is set, they fail.

mod connections;
mod desync;
mod objects;
mod putting;
mod reading;
mod stores;
pub(crate) mod support;
