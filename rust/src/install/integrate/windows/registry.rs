//! Sets values below `HKEY_CURRENT_USER`, and records the former values.
//!
//! On other systems, this does nothing, so a record from another machine undoes nothing.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::install::integrate::change::{Change, Work};

const TEXT: u32 = 1;
const NUMBER: u32 = 4;

/// The raw bytes and type of a registry value, so that it can be restored exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::install::integrate) struct Data {
    kind: u32,
    #[serde(with = "hex::serde")]
    bytes: Vec<u8>,
}

impl Data {
    pub(super) fn text(text: &str) -> Self {
        Self { kind: TEXT, bytes: text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect() }
    }

    pub(super) fn number(number: u32) -> Self {
        Self { kind: NUMBER, bytes: number.to_le_bytes().to_vec() }
    }
}

/// Creates a key and its parents.
pub(super) fn create_key(key: &str, work: &mut Work<'_>) -> Result<()> {
    let ends = key.match_indices('\\').map(|(at, _)| at).chain([key.len()]);
    for part in ends.map(|end| &key[..end]) {
        let change = Change::RegistryKey { key: part.to_owned() };
        let is_new = !system::exists(part)?;
        if is_new || work.earlier(|earlier| *earlier == change).is_some() {
            work.note(change);
        }
    }
    system::create(key)
}

/// Sets a value of an existing key.
pub(super) fn set_value(key: &str, name: &str, ours: &Data, work: &mut Work<'_>) -> Result<()> {
    let found = system::get(key, name)?;
    let earlier =
        work.earlier(|change| matches!(change, Change::RegistryValue { key: k, name: n, .. } if k == key && n == name));
    let former = match earlier {
        Some(Change::RegistryValue { ours: before, former, .. }) if found.as_ref() == Some(before) => former.clone(),
        // If the value is already ours, the record of that run was lost, and so was the former value.
        _ => found.clone().filter(|found| found != ours),
    };
    work.note(Change::RegistryValue { key: key.to_owned(), name: name.to_owned(), ours: ours.clone(), former });
    if found.as_ref() == Some(ours) { Ok(()) } else { system::set(key, name, ours) }
}

/// Whether another program has set the value, for this user or for all users.
pub(super) fn is_others(key: &str, ours: &Data, work: &Work<'_>) -> Result<bool> {
    let Some(found) = system::get(key, "")?.or(system::get_of_machine(key)?) else { return Ok(false) };
    let was_ours = |change: &Change| matches!(change, Change::RegistryValue { key: k, name, ours, .. } if k == key && name.is_empty() && *ours == found);
    Ok(found != *ours && work.earlier(was_ours).is_none())
}

/// Restores the former value, if ours is still set.
pub(in crate::install::integrate) fn restore_value(
    key: &str,
    name: &str,
    ours: &Data,
    former: Option<&Data>,
) -> Result<()> {
    if system::get(key, name)?.as_ref() != Some(ours) {
        return Ok(());
    }
    match former {
        Some(former) => system::set(key, name, former),
        None => system::remove(key, name),
    }
}

/// Replaces a value if it is still `old`. Returns whether it was.
pub(super) fn replace(key: &str, name: &str, old: &Data, new: &Data) -> Result<bool> {
    if system::get(key, name)?.as_ref() != Some(old) {
        return Ok(false);
    }
    system::set(key, name, new).map(|()| true)
}

/// Removes a key that has neither values nor subkeys.
pub(in crate::install::integrate) fn remove_empty_key(key: &str) -> Result<()> {
    system::remove_if_empty(key)
}

#[cfg(windows)]
mod system {
    use std::io;

    use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};

    use super::Data;
    use crate::error::{Error, Result};

    const NOT_FOUND: u32 = 0x8007_0002;

    fn open(root: &Key, key: &str) -> Result<Option<Key>> {
        found(root.open(key), "open registry key", key)
    }

    /// Turns "not found" into `None`.
    fn found<T>(outcome: windows_registry::Result<T>, action: &'static str, key: &str) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.code().0.cast_unsigned() == NOT_FOUND => Ok(None),
            Err(error) => Err(failed(action, key)(error)),
        }
    }

    fn failed<E: Into<io::Error>>(action: &'static str, key: &str) -> impl FnOnce(E) -> Error {
        let key = format!("HKEY_CURRENT_USER\\{key}");
        move |error| Error::io(action, key)(error.into())
    }

    pub(super) fn exists(key: &str) -> Result<bool> {
        Ok(open(CURRENT_USER, key)?.is_some())
    }

    pub(super) fn create(key: &str) -> Result<()> {
        CURRENT_USER.create(key).map(drop).map_err(failed("create registry key", key))
    }

    pub(super) fn get(key: &str, name: &str) -> Result<Option<Data>> {
        get_from(CURRENT_USER, key, name)
    }

    pub(super) fn get_of_machine(key: &str) -> Result<Option<Data>> {
        get_from(LOCAL_MACHINE, key, "")
    }

    fn get_from(root: &Key, key: &str, name: &str) -> Result<Option<Data>> {
        let Some(opened) = open(root, key)? else { return Ok(None) };
        let value = found(opened.get_value(name), "read registry key", key)?;
        Ok(value.map(|value| Data { kind: value.ty().into(), bytes: value.to_vec() }))
    }

    pub(super) fn set(key: &str, name: &str, data: &Data) -> Result<()> {
        let opened = CURRENT_USER.create(key).map_err(failed("create registry key", key))?;
        opened.set_bytes(name, data.kind.into(), &data.bytes).map_err(failed("write registry key", key))
    }

    pub(super) fn remove(key: &str, name: &str) -> Result<()> {
        let opened = CURRENT_USER.options().read().write().open(key).map_err(failed("open registry key", key))?;
        opened.remove_value(name).map_err(failed("write registry key", key))
    }

    pub(super) fn remove_if_empty(key: &str) -> Result<()> {
        let Some(opened) = open(CURRENT_USER, key)? else { return Ok(()) };
        let keys = opened.keys().map_err(failed("read registry key", key))?.next();
        let values = opened.values().map_err(failed("read registry key", key))?.next();
        if keys.is_some() || values.is_some() {
            return Ok(());
        }
        CURRENT_USER.remove_tree(key).map_err(failed("remove registry key", key))
    }
}

#[cfg(not(windows))]
#[expect(clippy::unnecessary_wraps, reason = "the same functions fail on Windows")]
mod system {
    use super::Data;
    use crate::error::Result;

    pub(super) fn exists(_key: &str) -> Result<bool> {
        Ok(true)
    }

    pub(super) fn create(_key: &str) -> Result<()> {
        Ok(())
    }

    pub(super) fn get(_key: &str, _name: &str) -> Result<Option<Data>> {
        Ok(None)
    }

    pub(super) fn get_of_machine(_key: &str) -> Result<Option<Data>> {
        Ok(None)
    }

    pub(super) fn set(_key: &str, _name: &str, _data: &Data) -> Result<()> {
        Ok(())
    }

    pub(super) fn remove(_key: &str, _name: &str) -> Result<()> {
        Ok(())
    }

    pub(super) fn remove_if_empty(_key: &str) -> Result<()> {
        Ok(())
    }
}
