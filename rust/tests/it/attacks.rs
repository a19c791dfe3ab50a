//! What a hostile repository can do to an install, done to the real binary: each attack ends with its code, the
//! install is untouched, still starts, and still takes an update from the honest repository.

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
