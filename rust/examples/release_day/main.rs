//! Release day: a discrete-event simulation of the clients that update on the day a version comes out.
//!
//! `cargo run --release --example release_day -- [--clients N] [--seed N]` prints the table in `docs/scale.md`. The same
//! seed gives the same table.
//!
//! What it knows of this project: how often a client checks, what an update asks for, how long an answer may be kept,
//! when a request is tried again. What it assumes of the world is in [`World`]. It leaves out what a CDN does to protect
//! itself, and how TCP shares a line: everybody on a line gets the same.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts and seconds of a day are small"
)]
#![expect(clippy::print_stdout, reason = "its face")]

mod cost;
mod day;
mod line;
mod report;
mod world;

use clap::Parser;

use day::Day;
use world::{Scenario, World};

/// Simulate the day a version is released
#[derive(Debug, Parser)]
struct Arguments {
    /// How many clients are running all day
    #[arg(long, default_value_t = 1_000_000)]
    clients: u32,
    /// The same seed gives the same day
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only the rows whose name has these words
    #[arg(long, default_value = "", value_name = "WORDS")]
    only: String,
}

fn main() {
    let arguments = Arguments::parse();
    println!("{}", report::HEAD);
    for scenario in Scenario::all().into_iter().filter(|it| it.name.contains(&arguments.only)) {
        let world = World::new(arguments.clients, arguments.seed, scenario);
        println!("{}", report::row(&world, &Day::run(&world)));
    }
}
