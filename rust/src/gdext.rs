//! The Godot extension: the node `VSekaiUpdater` and the values that its signals carry.
//!
//! The node does no work itself: a [`Worker`](crate::app::worker::Worker) works on its own thread, and its messages are
//! handled on the main thread. No object of Godot ever crosses to another thread. `docs/decisions/0009-godot.md` says
//! why it is built like this, `docs/decisions/0014-godot-face.md` which four places a new operation touches.

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
#[cfg(feature = "docs")]
mod enum_docs;
mod enums;
mod files;
mod instance;
mod kinds;
mod other_thread;
mod picture;
mod project_settings;
mod signals;
mod slack;
mod task;
mod updater;
mod values;
