//! `vsekai store …`

pub(super) mod chunk;
pub(super) mod extract;
pub(super) mod info;
pub(super) mod make;
pub(super) mod prune;
pub(super) mod verify;
