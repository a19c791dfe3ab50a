//! Publishing to the server with `vsekai`, and installing from it: the path of every version.
//!
//! Both programs are real. `vsekai` is the other program of the workspace: `./run test` builds it.

mod away;
mod bundles;
mod client;
mod copies;
mod exports;
mod hostile;
mod moves;
mod news;
mod offline;
mod pack;
mod proxy;
mod reports;
mod unfit;
mod unreached;
mod upkeep;
mod versions;
mod webhooks;
mod worst;
