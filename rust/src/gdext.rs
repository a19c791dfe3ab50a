//! The Godot extension: the node `VSekaiUpdater` and the values that it gives.
//!
//! Nothing here does the updater's work: a [`Worker`](crate::worker::Worker) does, on its own thread, and the node
//! hands over what it tells, on the main thread. No object of Godot ever crosses to another thread. `docs/decisions/0009-godot.md`
//! says why it is built like this.

// Godot's calls take their arguments by value, and its macros make what these look at.
#![allow(clippy::needless_pass_by_value, clippy::used_underscore_binding, reason = "as gdext wants it")]

mod convert;
mod entry;
mod enums;
mod files;
mod tell;
mod updater;
mod values;
