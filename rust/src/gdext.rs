//! The Godot extension: the node `VSekaiUpdater` and the values that it gives.
//!
//! Nothing here does the updater's work: a [`Worker`](crate::app::worker::Worker) does, on its own thread, and the node
//! hands over what it tells, on the main thread. No object of Godot ever crosses to another thread. `docs/decisions/0009-godot.md`
//! says why it is built like this.

#![allow(
    clippy::doc_markdown,
    clippy::needless_pass_by_value,
    clippy::used_underscore_binding,
    rustdoc::broken_intra_doc_links,
    unreachable_pub,
    reason = "gdext wants arguments by value, its macros make what these look at, and class docs have Godot's links"
)]

mod console;
mod convert;
mod entry;
mod enums;
mod files;
mod slack;
mod tell;
mod updater;
mod values;
