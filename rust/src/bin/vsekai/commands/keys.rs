//! `vsekai keys`

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use vsekai_updater::error::Result;
use vsekai_updater::trust::{Days, KeyInfo, Keys};

use crate::cli::publish;
use crate::output::Output;

#[derive(Serialize)]
struct Shown {
    keys: Vec<KeyInfo>,
}

pub(crate) fn run(args: publish::Keys, output: Output) -> Result<ExitCode> {
    match args {
        publish::Keys::Init { dir, mode } => {
            let modes = mode.iter().map(ToString::to_string).collect::<Vec<_>>();
            let keys = Keys::init(&dir, &modes, &Days::default())?;
            let text = format!(
                "{}\n\nAll keys are in {dir} now. That is fine for a first try, and means that whoever gets this folder can \
                 publish anything. For players, keep root and targets offline: docs/keys.md.\nPlayers need {root}: give \
                 it with --trust-root.",
                table(&keys.show()),
                dir = dir.display(),
                root = dir.join("root.json").display(),
            );
            output.done("keys init", &Shown { keys: keys.show() }, &text);
        }
        publish::Keys::Add { mode, dir } => {
            let mut keys = Keys::open(&dir)?;
            keys.add_mode(mode.as_str())?;
            show("keys add", &keys, &dir, output);
        }
        publish::Keys::Show { dir } => show("keys show", &Keys::open(&dir)?, &dir, output),
        publish::Keys::Rotate { role, dir } => {
            let mut keys = Keys::open(&dir)?;
            keys.rotate(&role)?;
            show("keys rotate", &keys, &dir, output);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(command: &str, keys: &Keys, dir: &Path, output: Output) {
    let found = keys.show();
    let root = found.first().map(|key| {
        let root = dir.join("root.json");
        format!("\n{} is version {} and expires on {}.", root.display(), key.root_version, key.root_expires)
    });
    let text = format!("{}{}", table(&found), root.unwrap_or_default());
    output.done(command, &Shown { keys: found }, &text);
}

fn table(keys: &[KeyInfo]) -> String {
    let row = |key: &KeyInfo| {
        let here = if key.present { "here" } else { "not here" };
        let id = key.key_id.get(..16).unwrap_or(&key.key_id);
        format!("  {:12} {id}  {here:8}  {} must sign, for {} days", key.role, key.threshold, key.days)
    };
    keys.iter().map(row).collect::<Vec<_>>().join("\n")
}
