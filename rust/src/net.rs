//! Other machines: HTTP, signed repositories, publishing.

pub mod api;
pub mod http;
pub mod publish;
pub mod trust;
