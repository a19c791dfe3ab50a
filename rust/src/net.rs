//! Other machines: HTTP, signed repositories, publishing.

pub mod api;
pub mod publish;
pub mod source;
pub mod trust;
