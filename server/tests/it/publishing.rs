//! Publishing to the server with `vsekai`, and installing from it: the way of every version, with kills on it.
//!
//! Both programs are real, and so are the kills. `vsekai` is the other program of the workspace: `./run test` builds it.

mod bundles;
mod pack;
mod versions;
