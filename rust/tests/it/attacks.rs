//! Attacks of a hostile repository on an install, run against the real binary. Each attack ends with its error code;
//! the install is untouched, still starts, and still accepts an update from the honest repository.

mod attacker;
mod bombs;
mod catalog;
mod chunks;
mod documents;
mod metadata;
mod mirrors;
mod network;
mod paths;
mod test_install;
