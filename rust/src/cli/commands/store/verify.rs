//! `vsekai store verify`

use crate::error::Result;
use crate::event::Monitor;
use crate::local::sources::Sources;
use crate::local::store::LocalStore;
use crate::local::store_verify::{Verified, verify};

use crate::cli::arguments::store::Verify;
use crate::cli::connect::{self, LazyNetwork};
use crate::cli::options;
use crate::cli::output::{DONE, Output};
use crate::cli::size::{bytes, count, counted};
use crate::cli::words::shell_word;

/// Exit code for damage that was not repaired.
const DAMAGED: u8 = 3;

pub(crate) fn run(args: &Verify, output: Output, monitor: &Monitor) -> Result<u8> {
    let store = LocalStore::open(options::folder(&args.store)?)?;
    let sources = if args.from.is_empty() {
        Sources::default()
    } else {
        connect::stores(&args.from, &LazyNetwork::new(&args.network))?
    };
    let verified = verify(&store, None, args.repair.then_some(&sources), monitor)?;
    output.done("store verify", &verified, &text(&verified, args));
    Ok(if verified.damaged.is_empty() { DONE } else { DAMAGED })
}

fn text(verified: &Verified, args: &Verify) -> String {
    let (checked, size) = (counted(verified.checked, "chunk", "chunks"), bytes(verified.bytes));
    let mut lines = vec![format!("Checked {checked}, {size} of content.")];
    if !verified.repaired.is_empty() {
        lines.push(format!("Repaired {}.", count(verified.repaired.len() as u64)));
    }
    for id in &verified.damaged {
        lines.push(format!("damaged: {id}"));
    }
    if !verified.damaged.is_empty() && !args.repair {
        let store = shell_word(args.store.as_os_str());
        lines.push(format!(
            "\nhint: `vsekai store verify {store} --repair --from OTHER` fetches them again from OTHER."
        ));
    } else if !verified.damaged.is_empty() {
        lines.push("\nNo store had a good copy of these, so they were removed.".to_owned());
    }
    lines.join("\n")
}
