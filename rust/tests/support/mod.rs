//! What several test programs need. Each uses a part of it.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part")]

pub mod delay;
pub mod nginx;
pub mod toxic;
