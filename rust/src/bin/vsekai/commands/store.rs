//! `vsekai store …`

pub(super) mod extract;
pub(super) mod info;
