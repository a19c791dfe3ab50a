//! Passphrases of keys: from a file, the environment or a terminal. The library reads none of them itself.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::net::trust::{KeyFolder, Passphrase, PassphraseFor, Passphrases};

use crate::cli::arguments::offline::KeyAccess;
use crate::cli::checks;
use crate::cli::options::{read_small, variable};
use crate::cli::progress;

const PRESENT: &str = "VSEKAI_KEY_PASSPHRASE";
const NEW: &str = "VSEKAI_NEW_KEY_PASSPHRASE";

/// The key folder of an option, whose encrypted keys are opened as `access` says.
pub(crate) fn key_folder(option: &'static str, path: PathBuf, access: &KeyAccess) -> Result<KeyFolder> {
    folder(option, path, access, NewPassphrase::Present)
}

/// The passphrase that keys get.
pub(crate) enum NewPassphrase {
    /// That of the keys that are there.
    Present,
    /// Another: from this file, the environment or the terminal.
    Other(Option<PathBuf>),
}

/// The same, where keys get another passphrase.
pub(crate) fn folder(option: &'static str, path: PathBuf, access: &KeyAccess, new: NewPassphrase) -> Result<KeyFolder> {
    let present = access.passphrase_file.clone();
    let passphrases = Passphrases::new(move |wanted| match (wanted, &new) {
        (PassphraseFor::Key(path), _) => {
            given(present.as_deref(), PRESENT).transpose().or_else(|| ask_once(path).transpose()).transpose()
        }
        (PassphraseFor::New, NewPassphrase::Present) => {
            given(present.as_deref(), PRESENT).transpose().or_else(|| ask_twice().transpose()).transpose()
        }
        (PassphraseFor::New, NewPassphrase::Other(file)) => {
            given(file.as_deref(), NEW).transpose().or_else(|| ask_twice().transpose()).transpose()
        }
    });
    Ok(KeyFolder::from(checks::local_folder(option, path)?).with_passphrases(passphrases))
}

/// Spaces belong to a passphrase, the end of its line does not.
fn given(file: Option<&Path>, name: &'static str) -> Result<Option<Passphrase>> {
    let text = match file {
        Some(path) => Some(Passphrase::new(
            String::from_utf8(read_small(path)?).map_err(|_| Error::invalid("passphrase", "the file is not UTF-8"))?,
        )),
        None => variable(name)?.map(Passphrase::new),
    };
    Ok(text.map(|text| Passphrase::new(text.lines().next().unwrap_or_default().to_owned())))
}

fn ask_once(path: &Path) -> Result<Option<Passphrase>> {
    ask(&format!("Passphrase of {}: ", path.display()))
}

fn ask_twice() -> Result<Option<Passphrase>> {
    let Some(first) = ask("New passphrase: ")? else { return Ok(None) };
    if ask("Again: ")?.as_ref() == Some(&first) {
        return Ok(Some(first));
    }
    Err(Error::invalid("passphrase", "the two differ"))
}

fn ask(prompt: &str) -> Result<Option<Passphrase>> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    progress::clear();
    let said = rpassword::prompt_password(crate::text::line(prompt) + " ");
    said.map(|said| Some(Passphrase::new(said))).map_err(Error::io("read", "the terminal"))
}
