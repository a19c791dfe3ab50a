//! Shared by both test programs.

pub(crate) mod deployment;
