//! Network access: HTTP, signed repositories and publishing.

pub mod api;
pub mod http;
pub mod publish;
pub mod trust;
