//! `vsekai keys`

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::net::api::{OnlineKeys, RepositoryInfo};
use crate::net::http::Url;
use crate::net::publish::{Destination, Server, push_keys, renew_on_server, roles};
use crate::net::trust::{Days, KeyInfo, KeyKind, Keys, NewKey, RoleValidity};
use serde::Serialize;

use crate::cli::arguments::offline::{ElsewhereKey, KeyAccess};
use crate::cli::arguments::{self, publish};
use crate::cli::checks;
use crate::cli::connect;
use crate::cli::options;
use crate::cli::output::{DONE, Output};
use crate::cli::passphrase;
use crate::cli::words::shell_word;
use crate::text::table as columns;

mod next;

#[derive(Serialize)]
struct Shown {
    keys: Vec<KeyInfo>,
    /// How long the signatures are valid, as far as that is known here.
    roles: Vec<RoleValidity>,
    /// Whether the repository has all of these keys, and their root, if one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_published: Option<bool>,
}

impl Shown {
    fn of(keys: &Keys) -> Self {
        Self { keys: keys.show(), roles: vec![keys.root_validity()], is_published: None }
    }
}

/// The command that is about the days left.
const SHOW: &str = "keys show";

pub(crate) fn run(args: publish::Keys, output: Output) -> Result<u8> {
    match args {
        publish::Keys::Init { dir, mode, online, encrypt, access, network } => {
            let folder = passphrase::key_folder("DIR", dir.clone(), &access)?.encrypting(encrypt);
            let modes = mode.iter().map(ToString::to_string).collect::<Vec<_>>();
            let keys = match &online {
                None => Keys::init(folder, &modes, &Days::default())?,
                Some(online) => Keys::init_online(folder, &modes, &Days::default(), &online_keys(online, &network)?)?,
            };
            let held = if online.is_some() {
                "The server has the keys of catalog, snapshot and timestamp; all others"
            } else {
                "All keys"
            };
            let text = format!(
                "{}\n\n{held} are in {dir} now. That is fine for a first try, but anyone who gets this folder can \
                 publish anything. For production, keep the keys of root and targets offline: \
                 `vsekai help keys init`.\n\
                 Players need {root} for --trust-root.",
                table(&keys.show()),
                dir = dir.display(),
                root = dir.join("root.json").display(),
            );
            output.done("keys init", &Shown::of(&keys), &text);
        }
        publish::Keys::Show { dir, repository, server, network } => {
            let place = destination(repository.clone(), server, &network)?;
            show(&dir, place.map(|place| (place, repository)), output)?;
        }
        publish::Keys::Add { dir, mode, named, access } => {
            let mode = mode.or(named).ok_or_else(|| Error::invalid("--mode", "name the new mode"))?;
            change("keys add", &dir, &access, output, |keys| keys.add_mode(mode.as_str()))?;
        }
        publish::Keys::Rotate { dir, role, access, elsewhere } => {
            let new = new_key(elsewhere)?;
            change("keys rotate", &dir, &access, output, |keys| keys.rotate_to(&role, &new))?;
        }
        publish::Keys::AddKey { dir, role, access, elsewhere } => {
            let new = new_key(elsewhere)?;
            change("keys add-key", &dir, &access, output, |keys| keys.add_key_of(&role, &new))?;
        }
        publish::Keys::Threshold { dir, role, number, access } => {
            change("keys threshold", &dir, &access, output, |keys| keys.set_threshold(&role, number.into()))?;
        }
        publish::Keys::Passphrase { dir, access, new_passphrase_file, remove } => {
            let folder =
                passphrase::folder("DIR", dir, &access, passphrase::NewPassphrase::Other(new_passphrase_file))?;
            let mut keys = Keys::open(folder)?;
            let count = keys.set_passphrase(remove)?;
            let what = if remove { "have no passphrase any more" } else { "have the new passphrase" };
            output.done("keys passphrase", &Shown::of(&keys), &format!("{count} private keys {what}."));
        }
        publish::Keys::Renew { dir, mode, access, server } => {
            let folder = passphrase::key_folder("DIR", dir.clone(), &access)?;
            let roles = renew_on_server(&required(&server)?, folder, &mode)?;
            let shown = Shown { roles, ..Shown::of(&Keys::open(&dir)?) };
            checks::warn_of_ending(&shown.roles, output);
            output.done("keys renew", &shown, &format!("Signed again.{}", checks::days_left(&shown.roles)));
        }
        publish::Keys::Push { dir, access, server } => {
            let folder = passphrase::key_folder("DIR", dir.clone(), &access)?;
            let is_new = push_keys(&required(&server)?, folder)?;
            let text =
                if is_new { "The server has the new roots, modes and keys." } else { "The server has them already." };
            output.done("keys push", &Shown::of(&Keys::open(&dir)?), text);
        }
        publish::Keys::RenewRoot { dir, access } => {
            change("keys renew-root", &dir, &access, output, Keys::renew_root)?;
        }
    }
    Ok(DONE)
}

/// The server of a command that needs one, which clap makes sure of.
fn required(server: &publish::UpdateServer) -> Result<Server> {
    connect::update_server(server)?.ok_or_else(|| Error::invalid("--server", "name the update server"))
}

/// The keys of an update server, from its URL or from a file with its response.
fn online_keys(place: &OsStr, network: &arguments::Network) -> Result<OnlineKeys> {
    if let Some(scheme) = options::scheme(Path::new(place)).filter(|it| !it.to_ascii_lowercase().starts_with("http")) {
        let reason = format!("{scheme}: is no address of an update server, such as https://updates.example.org");
        return Err(Error::invalid("--online", reason));
    }
    if let Some(url) = options::url_of(place) {
        return Ok(Server::new(url?, connect::connect(network)?)?.repository()?.online_keys);
    }
    let info: RepositoryInfo = serde_json::from_slice(&options::read_small(Path::new(place))?).map_err(|e| {
        Error::invalid("--online", format!("{} is not what a server answers", options::shown(place))).caused_by(e)
    })?;
    Ok(info.online_keys)
}

/// Where the new key of a role comes from.
fn new_key(elsewhere: ElsewhereKey) -> Result<NewKey> {
    let Some(file) = elsewhere.public_key else { return Ok(NewKey::Generate) };
    let public = String::from_utf8_lossy(&options::read_small(&file)?).into_owned();
    Ok(NewKey::Command { public, command: elsewhere.command, timeout_s: elsewhere.timeout })
}

fn change(
    command: &str,
    dir: &Path,
    access: &KeyAccess,
    output: Output,
    how: impl FnOnce(&mut Keys) -> Result<()>,
) -> Result<()> {
    let mut keys = Keys::open(passphrase::key_folder("DIR", dir.to_owned(), access)?)?;
    let before = keys.show();
    let had: HashSet<&String> = before.iter().map(|key| &key.key_id).collect();
    how(&mut keys)?;
    let shown = Shown::of(&keys);
    let added = shown.keys.iter().find(|key| !had.contains(&key.key_id));
    let is_brief = !output.is_verbose() && matches!(command, "keys add" | "keys add-key");
    let text = if let Some(key) = added.filter(|_| is_brief) {
        self::added(key, &keys.modes(), dir)
    } else {
        let all = if output.is_verbose() { self::text(&shown, dir) } else { brief(&shown, dir) };
        format!("{all}{}{}", next::retired(&before, &shown.keys, dir), next::bring(dir))
    };
    checks::warn_of_ending(&shown.roles, output);
    output.done(command, &shown, &text);
    Ok(())
}

/// The key that is new, what it may sign, and what brings it to the players.
fn added(key: &KeyInfo, modes: &[String], dir: &Path) -> String {
    let (role, file) = (&key.role, next::file_of(key));
    let may = if modes.contains(role) {
        format!("signs the versions of {role}, and nothing else")
    } else {
        format!("signs for {role}")
    };
    let next = if matches!(role.as_str(), "root" | "targets" | "snapshot" | "timestamp") {
        "The next publish brings the new root.json to players.".to_owned()
    } else {
        let dir = shell_word(dir.as_os_str());
        format!(
            "The next publish to a folder or bucket needs the key of targets once; a server gets it with `vsekai keys push \
             {dir} --server URL`."
        )
    };
    format!("Added {}: it {may}.\n{next}", dir.join(file).display())
}

/// The repository whose signatures are to be shown, too.
fn destination(
    folder: Option<PathBuf>,
    server: Option<Url>,
    network: &arguments::Network,
) -> Result<Option<Destination>> {
    if let Some(url) = server {
        return Ok(Some(Destination::Server(Server::new(url, connect::connect(network)?)?)));
    }
    folder.map(|place| connect::repository(place, None, &Cancel::default())).transpose()
}

/// `place`: the repository whose signatures are to be shown, too, and what the user calls it.
fn show(dir: &Path, place: Option<(Destination, Option<PathBuf>)>, output: Output) -> Result<()> {
    let keys = Keys::open(dir)?;
    let (mut shown, mut bring) = (Shown::of(&keys), String::new());
    if let Some((place, named)) = place {
        let standing = roles(&place, dir)?;
        if standing.lacks_keys {
            bring = next::not_there(dir, named.as_deref(), &place);
        }
        (shown.roles, shown.is_published) = (standing.roles, Some(!standing.lacks_keys));
    }
    let text = format!("{}{bring}", text(&shown, dir));
    keys.check_root().inspect_err(|_| output.data_before_error(SHOW, &shown, &text))?;
    checks::warn_of_ending(&shown.roles, output);
    output.done(SHOW, &shown, &text);
    Ok(())
}

/// The keys, and what players trust.
fn brief(shown: &Shown, dir: &Path) -> String {
    let root = shown.keys.first().map(|key| {
        let root = dir.join("root.json");
        format!("\n{} is version {} and expires on {}.", root.display(), key.root_version, key.root_expires)
    });
    format!("{}{}", table(&shown.keys), root.unwrap_or_default())
}

/// The same, with the days that the signatures are valid.
fn text(shown: &Shown, dir: &Path) -> String {
    let others = match shown.roles.len() {
        1 => {
            "\nThe signatures of the other roles are in the repository: give --repository or --server to see their days."
        }
        _ => "",
    };
    format!("{}{}{others}", brief(shown, dir), checks::days_left(&shown.roles))
}

fn table(keys: &[KeyInfo]) -> String {
    let row = |key: &KeyInfo| {
        let here = match key.kind {
            None => "not here",
            Some(KeyKind::Plain) => "here",
            Some(KeyKind::Encrypted) => "here, encrypted",
            Some(KeyKind::Command) => "by command",
        };
        let id = key.key_id.get(..16).unwrap_or(&key.key_id);
        vec![key.role.clone(), id.to_owned(), here.to_owned(), key.threshold.to_string(), key.days.to_string()]
    };
    let rows: Vec<_> = keys.iter().map(row).collect();
    columns(&["role", "key", "", "must sign", "days"], &rows)
}
