//! The V-Sekai update service: modes, versions and chunks over HTTP.
//!
//! ```text
//! api, files            HTTP in and out: /api/v1 and the static-like paths of a repository; pack: one of those
//!   service             the rules: publishing, modes, CDNs, signing. One decision, then one Db::apply
//!     db                SQL: SQLite, PostgreSQL, CockroachDB
//!     chunks            where chunk bytes live: the database, a folder, S3; a cache in front
//!     bundles           chunks compressed together: built beside the rest, kept where chunks are
//! ```
//!
//! Data flows downwards; `model` and `error` are shared by all. Every process is stateless but for its cache: any
//! number of them may serve one database.

pub mod api;
pub mod app;
pub mod auth;
pub mod bundles;
pub mod chunks;
pub mod clean;
pub mod config;
pub mod db;
pub mod error;
pub mod files;
pub mod limit;
pub mod listen;
pub mod model;
pub mod observe;
pub mod pack;
pub mod probe;
pub mod problem;
pub mod service;
