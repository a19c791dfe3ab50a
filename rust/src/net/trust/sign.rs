//! Private keys and signatures. `tough` creates both; this module selects the keys and encodes the result compactly.

use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use jiff::Timestamp;
use serde::Serialize;
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::Key;
use tough::schema::{Role, Signature, Signed};
use tough::sign::{Sign, parse_keypair};

use crate::error::{Error, Result};
use crate::local::disk;

/// The identifier of a public key: the digest of its canonical form.
pub(super) type KeyId = Decoded<Hex>;

/// Largest private key file, in bytes. RSA keys in PEM are the largest.
const MAX_KEY_FILE_BYTES: u64 = 16 << 10;

const SECONDS_PER_DAY: i64 = 86_400;

/// A private key from a file.
pub(super) struct PrivateKey {
    pub(super) id: KeyId,
    pub(super) public: Key,
    pub(super) path: PathBuf,
    signer: Box<dyn Sign>,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({})", hex::encode(&self.id))
    }
}

impl PrivateKey {
    /// Reads a key in a format of `tough` and `tuftool`: Ed25519 or ECDSA P-256 as PKCS#8 (DER), or RSA as PEM.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = disk::read(path, MAX_KEY_FILE_BYTES)?;
        Self::parse(&bytes, path)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let signer = parse_keypair(bytes)
            .map_err(|e| invalid(format!("{} is not a private key of a known kind", path.display())).caused_by(e))?;
        let public = signer.tuf_key();
        let id = key_id(&public)?;
        Ok(Self { id, public, path: path.to_owned(), signer: Box::new(signer) })
    }

    /// A new Ed25519 key in memory and the bytes of its file. `path_of` returns the file's path for the key's
    /// identifier.
    pub(super) fn generate(path_of: impl FnOnce(&str) -> PathBuf) -> Result<(Self, Vec<u8>)> {
        let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
            .map_err(|_| Error::unsupported("random numbers from this system"))?;
        let bytes = document.as_ref().to_vec();
        let mut key = Self::parse(&bytes, Path::new("a new key"))?;
        key.path = path_of(&hex::encode(&key.id));
        Ok((key, bytes))
    }
}

pub(super) fn key_id(key: &Key) -> Result<KeyId> {
    key.key_id().map_err(|e| invalid("it has no identifier").caused_by(e))
}

/// Signs with all given keys. The caller must verify that they reach the threshold.
pub(super) async fn sign<T: Role>(role: T, keys: impl Iterator<Item = &PrivateKey>) -> Result<Signed<T>> {
    let message =
        role.canonical_form().map_err(|e| invalid("the role cannot be written as canonical JSON").caused_by(e))?;
    let mut signatures = Vec::new();
    for key in keys {
        let made = key.signer.sign(&message, &SystemRandom::new()).await;
        let sig = made.map_err(|e| invalid(format!("{} does not sign", key.path.display())).caused_by(e))?;
        signatures.push(Signature { keyid: key.id.clone(), sig: sig.into() });
    }
    signatures.sort_by(|a, b| a.keyid.cmp(&b.keyid));
    Ok(Signed { signed: role, signatures })
}

/// The file of a signed role: no whitespace, sorted keys, so that equal content has equal bytes.
pub(super) fn encode<T: Serialize>(signed: &Signed<T>) -> Result<Vec<u8>> {
    let value = serde_json::to_value(signed).map_err(|e| invalid("the role cannot be written as JSON").caused_by(e))?;
    serde_json::to_vec(&value).map_err(|e| invalid("the role cannot be written as JSON").caused_by(e))
}

/// The time in `days` days, in whole seconds: other TUF programs cannot read fractions.
pub(super) fn days_from_now(days: u32) -> Result<Timestamp> {
    let seconds = Timestamp::now().as_second() + i64::from(days) * SECONDS_PER_DAY;
    Timestamp::from_second(seconds).map_err(|e| Error::invalid("days", e.to_string()))
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::invalid("key", reason)
}
