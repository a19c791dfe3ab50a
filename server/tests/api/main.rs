//! The HTTP API seen from outside: the real program on a port of its own, asked as any client would ask it.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

mod attacks;
mod audit;
mod authentication;
mod cdns;
mod http;
mod limits;
mod modes;
mod process;
mod publications;
mod spec;
mod support;
mod tls;
mod tokens;
