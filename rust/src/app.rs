//! The updater as its faces see it.

pub mod host;
pub mod notes;
pub mod updater;
pub mod worker;
