//! Databases and keys of released servers, opened by this one: `tests/fixtures/`, and its README files.
//!
//! Fixtures are never edited: if a test here fails, the code is wrong.

mod frozen;
mod migrations;
mod served;
