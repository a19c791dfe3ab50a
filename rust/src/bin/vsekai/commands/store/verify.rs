//! `vsekai store verify`

use std::process::ExitCode;

use vsekai_updater::error::Result;
use vsekai_updater::event::Monitor;
use vsekai_updater::fetch::Sources;
use vsekai_updater::store::LocalStore;
use vsekai_updater::store::verify::{Verified, verify};

use crate::cli::store::Verify;
use crate::options::{self, LazyNetwork};
use crate::output::Output;
use crate::size::{bytes, count};

/// Exit code for damage that is still there.
const DAMAGED: u8 = 3;

pub(crate) fn run(args: &Verify, output: Output, monitor: &Monitor) -> Result<ExitCode> {
    let store = LocalStore::open(&args.store)?;
    let sources = if args.from.is_empty() {
        Sources::default()
    } else {
        options::stores(&args.from, &LazyNetwork::new(&args.network))?
    };
    let verified = verify(&store, None, args.repair.then_some(&sources), monitor)?;
    output.done("store verify", &verified, &text(&verified, args));
    Ok(if verified.damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DAMAGED) })
}

fn text(verified: &Verified, args: &Verify) -> String {
    let (checked, size) = (count(verified.checked), bytes(verified.bytes));
    let mut lines = vec![format!("Checked {checked} chunks, {size} of content.")];
    if !verified.repaired.is_empty() {
        lines.push(format!("Repaired {}.", count(verified.repaired.len() as u64)));
    }
    for id in &verified.damaged {
        lines.push(format!("damaged: {id}"));
    }
    if !verified.damaged.is_empty() && !args.repair {
        lines.push("\nhint: `vsekai store verify --repair --from STORE` fetches them again.".to_owned());
    } else if !verified.damaged.is_empty() {
        lines.push("\nNo store had a good copy of these, so they were removed.".to_owned());
    }
    lines.join("\n")
}
