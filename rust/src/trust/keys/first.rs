//! The first keys of all roles, and the first root.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU64;
use std::path::Path;

use tough::schema::{RoleKeys, RoleType, Root};

use super::ceremony::{invalid, lock, make_key, names_role, write_root};
use super::files::{KeyFile, RoleHolders, read_private};
use super::{Days, Keys, TOP_ROLES};
use crate::disk;
use crate::error::Result;
use crate::trust::CATALOG_ROLE;
use crate::trust::sign::{PrivateKey, days_from_now, sign};

/// The version of the specification that `tough` follows, as metadata states it.
pub(crate) const SPEC_VERSION: &str = "1.0.0";

pub(super) fn init(folder: &Path, modes: &[String], days: &Days) -> Result<()> {
    disk::create_directory(folder)?;
    let _lock = lock(folder)?;
    if KeyFile::exists(folder) {
        return Err(invalid(format!("{} has keys already; nothing was changed", folder.display())));
    }
    // Keys that an interrupted run has left are as good as new ones.
    let mut left = read_private(folder)?;
    let mut key_of = |role: &str| match left.iter().position(|key| names_role(&key.path, role)) {
        Some(at) => Ok(left.swap_remove(at)),
        None => make_key(folder, role),
    };
    let mut top = Vec::new();
    for (name, role) in TOP_ROLES {
        top.push((role, key_of(name)?));
    }
    let catalog = key_of(CATALOG_ROLE)?;
    let mut holders = BTreeMap::new();
    for mode in modes {
        holders.insert(mode.clone(), RoleHolders::one(key_of(mode)?.public));
    }
    let root = first_root(&top, days)?;
    let runtime = Keys::start_runtime()?;
    let signers = top.iter().filter(|(role, _)| *role == RoleType::Root).map(|(_, key)| key);
    let signed = runtime.block_on(sign(root, signers))?;
    write_root(folder, &signed)?;
    KeyFile::new(days.clone(), catalog.public, holders).write(folder)
}

fn first_root(top: &[(RoleType, PrivateKey)], days: &Days) -> Result<Root> {
    let holders = |key: &PrivateKey| RoleKeys {
        keyids: vec![key.id.clone()],
        threshold: NonZeroU64::MIN,
        _extra: HashMap::new(),
    };
    Ok(Root {
        spec_version: SPEC_VERSION.to_owned(),
        consistent_snapshot: true,
        version: NonZeroU64::MIN,
        expires: days_from_now(days.root)?,
        keys: top.iter().map(|(_, key)| (key.id.clone(), key.public.clone())).collect(),
        roles: top.iter().map(|(role, key)| (*role, holders(key))).collect(),
        _extra: HashMap::new(),
    })
}
