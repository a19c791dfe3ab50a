//! What each release wrote, read by this one: `tests/fixtures/`, and its README files.
//!
//! Each file there has a test here or, below `server/`, in `server/tests/it/formats/`. When one fails, the code is
//! wrong: fixtures are never edited. Writers whose output depends on the release of zstd are compared by what they packed.

mod bundles;
mod documents;
mod frozen;
mod install;
mod list;
mod player;
mod publisher;
mod stamps;
mod writers;
