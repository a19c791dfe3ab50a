//! Checks that this release reads the files that each release wrote: `tests/fixtures/`, and its README files.
//!
//! Each file there has a test here or in `server/tests/it/formats/`. If one fails, the code is wrong: fixtures are
//! never edited. If a writer's output depends on the zstd release, the unpacked content is compared.

mod bundles;
mod documents;
mod frozen;
mod install;
mod list;
mod player;
mod publisher;
mod stamps;
mod writers;
