//! The HTTP API from outside: the real program on its own port, used as any client would.

mod alarms;
mod attacks;
mod audit;
mod authentication;
mod cdns;
mod failures;
mod http;
mod limits;
mod modes;
mod pages;
mod process;
mod publications;
mod reports;
mod spec;
mod support;
mod tls;
mod tokens;
