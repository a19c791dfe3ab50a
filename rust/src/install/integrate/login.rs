//! Starts a launcher when this user logs in. Undone like a menu entry, with [`unintegrate`](super::unintegrate).

use std::path::{Path, PathBuf};

use super::change::Work;
use super::placed::Placed;
use super::{Names, Opens, Record, Request, linux, macos, plain, windows};
use crate::error::{Error, Result};
use crate::install::config::System;

/// The argument of a launcher that the login has started: it stays out of sight.
pub const LOGIN: &str = "login";

/// Registers what `opens` names, with this system. `request` is that of the install which remembers the record.
///
/// # Errors
/// As [`integrate`](super::integrate); `unsupported` if `opens` names no launcher.
pub fn start_at_login(request: &Request<'_>, opens: &Opens) -> Result<Record> {
    start_at_login_on(System::current(), request, opens)
}

pub(super) fn start_at_login_on(system: System, request: &Request<'_>, opens: &Opens) -> Result<Record> {
    let mut work = Work::new(request.earlier);
    let placed = Placed::find(system, request, &work)?;
    let names = Names::check(request, &placed)?;
    let words = words(request, &placed, opens)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let made = match system {
        System::Linux => linux::start_at_login(request, &names, &words, &mut work),
        System::MacOs => macos::start_at_login(request, &names, &words, &mut work),
        System::Windows => windows::start_at_login(&names, &words, &mut work),
    };
    if let Err(error) = made {
        let _ = work.give_up();
        return Err(error);
    }
    Ok(Record {
        app_id: names.app_id,
        has_scheme: false,
        scheme: None,
        display_name: Some(request.display_name.to_owned()),
        opens: Opens::Game,
        refresh: None,
        changes: work.finish()?,
    })
}

/// The command line: that of a program, or of the programs that an integration has placed in the install of a launcher.
fn words(request: &Request<'_>, placed: &Placed, opens: &Opens) -> Result<Vec<String>> {
    let there = |path: &PathBuf| path.is_file();
    let text = |path: &Path| plain(path, "launcher").map(ToOwned::to_owned);
    let after = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    match opens {
        Opens::Program(program) => Ok([vec![text(program)?], after(&[LOGIN])].concat()),
        Opens::Install(root) if root == request.install_root => {
            if let Some(stub) = placed.stub.as_ref().filter(|stub| there(stub)) {
                return Ok([vec![text(stub)?], after(&["--", LOGIN])].concat());
            }
            let program = if there(&placed.program) { placed.program.as_path() } else { request.program };
            Ok([vec![text(program)?], after(&["launch", &text(root)?, "--", LOGIN])].concat())
        }
        _ => Err(Error::unsupported("starting with the system: this program is no launcher")),
    }
}
