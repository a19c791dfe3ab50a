//! Network access: HTTP, signed repositories and publishing.

pub mod api;
#[cfg(feature = "bucket")]
pub mod bucket;
pub mod http;
pub mod publish;
pub mod trust;
