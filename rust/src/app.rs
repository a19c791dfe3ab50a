//! The updater as its faces see it.

pub mod host;
pub mod instance;
pub mod log;
pub mod notes;
pub mod packaged;
pub mod places;
pub mod updater;
pub mod worker;
