//! The `vsekai` command.

fn main() {}
