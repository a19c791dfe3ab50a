//! What the tests of both programs stand on.

pub(crate) mod deployment;
