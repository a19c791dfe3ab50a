//! The HTTP API seen from outside: the real program on a port of its own, asked as any client would ask it.

mod attacks;
mod audit;
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
