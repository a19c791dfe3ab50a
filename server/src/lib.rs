//! The V-Sekai update service: modes, versions and chunks over HTTP.
//!
//! ```text
//! app, listen             everything put together; connections
//!   auth, client, limit   who asks, from where, and how often
//!   shares                what a token may take of memory, turns and disk
//!   api, static_files     HTTP in and out: /api/v1, and the files of a repository
//!     service             the rules: publishing, modes, CDNs, signing. One decision, then one RepositoryDb::apply
//!       db                SQL: SQLite, PostgreSQL, CockroachDB
//!       chunks            where chunk bytes live: the database, a folder, S3; a cache in front
//!       bundles           chunks compressed together: built in the background, kept where chunks are
//!   gc, probe, webhooks   background tasks: garbage collection, health of CDNs, telling others
//!   reports               what players report about new versions, and stopping rollouts for it
//! config, model, error, problem, observe, lease, upkeep    shared by all
//! ```
//!
//! Data flows downwards. Processes keep no state except caches, so any number of them may serve one database.

pub mod api;
pub mod app;
pub mod auth;
pub mod bundles;
pub mod chunks;
pub mod client;
pub mod config;
pub mod db;
pub mod error;
pub mod gc;
pub mod lease;
pub mod limit;
pub mod listen;
pub mod model;
pub mod observe;
pub mod pages;
pub mod probe;
pub mod problem;
pub mod reports;
pub mod service;
pub mod shares;
pub mod static_files;
pub mod upkeep;
pub mod webhooks;
