//! Creates the first keys of all roles, and the first root.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;
use std::path::Path;

use tough::schema::key::Key;
use tough::schema::{RoleKeys, RoleType, Root};

use super::ceremony::{invalid, lock, make_key, names_role, write_root};
use super::key_files::{KeyFile, RoleHolders};
use super::key_store::{KeyStore, block_on};
use super::passphrase::KeyFolder;
use super::service::Online;
use super::{Days, TOP_ROLES};
use crate::error::{Error, Result};
use crate::local::disk;
use crate::net::trust::CATALOG_ROLE;
use crate::net::trust::sign::{days_from_now, key_id, sign};

/// The version of the TUF specification that `tough` follows, as stated in metadata.
pub(crate) const SPEC_VERSION: &str = "1.0.0";

/// Refuses a folder that holds anything else, such as a build: private keys in it would be published. What an interrupted
/// run has left is no obstacle.
fn refuse_other_files(folder: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let entry = entry.map_err(Error::io("list", folder))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ending = Path::new(&*name).extension();
        let is_ours = name == "lock" || name.starts_with('.') || ending.is_some_and(|it| it == "pk8" || it == "json");
        if !is_ours {
            let reason = format!("{} has other files, such as {name:?}; give a new or empty folder", folder.display());
            return Err(invalid(reason));
        }
    }
    Ok(())
}

/// Creates a key folder. With `online`, a server signs those roles and holds their private keys.
pub(super) fn init(source: &KeyFolder, modes: &[String], days: &Days, online: Option<&Online>) -> Result<()> {
    let folder = source.path();
    refuse_other_files(folder)?;
    disk::prefer_private_directory(folder)?;
    let _lock = lock(folder)?;
    if KeyFile::exists(folder) {
        return Err(invalid(format!("{} already contains keys; use a new folder", folder.display())));
    }
    // Keys that an interrupted run has left are used like new ones.
    let ring = KeyStore::read(source)?;
    let passphrase = ring.passphrase_of_new()?;
    let mut left = ring.into_private();
    let mut key_of = |role: &str| match left.iter().position(|key| names_role(&key.path, role)) {
        Some(at) => Ok(left.swap_remove(at)),
        None => make_key(folder, role, passphrase.as_ref()),
    };
    let root_key = key_of("root")?;
    let mut top = vec![(RoleType::Root, root_key.public.clone())];
    for (name, role) in TOP_ROLES.into_iter().filter(|(_, role)| *role != RoleType::Root) {
        let public = match (role, online) {
            (RoleType::Snapshot, Some(online)) => online.snapshot.clone(),
            (RoleType::Timestamp, Some(online)) => online.timestamp.clone(),
            _ => key_of(name)?.public,
        };
        top.push((role, public));
    }
    let catalog = match online {
        Some(online) => online.catalog.clone(),
        None => key_of(CATALOG_ROLE)?.public,
    };
    let mut holders = BTreeMap::new();
    for mode in modes {
        holders.insert(mode.clone(), RoleHolders::one(key_of(mode)?.public));
    }
    let root = first_root(&top, days)?;
    let signed = block_on(sign(root, std::iter::once(&root_key)))??;
    write_root(folder, &signed)?;
    KeyFile::new(days.clone(), catalog, holders).write(folder)
}

fn first_root(top: &[(RoleType, Key)], days: &Days) -> Result<Root> {
    let mut root = Root {
        spec_version: SPEC_VERSION.to_owned(),
        consistent_snapshot: true,
        version: NonZeroU64::MIN,
        expires: days_from_now(days.root)?,
        keys: HashMap::new(),
        roles: HashMap::new(),
        _extra: HashMap::new(),
    };
    for (role, key) in top {
        let id = key_id(key)?;
        root.keys.insert(id.clone(), key.clone());
        root.roles.insert(*role, RoleKeys { keyids: vec![id], threshold: NonZeroU64::MIN, _extra: HashMap::new() });
    }
    Ok(root)
}
