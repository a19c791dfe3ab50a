//! Private keys and signatures. `tough` creates both, or a command does; this module selects the keys and encodes the
//! result compactly.

use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::Ed25519KeyPair;
use jiff::Timestamp;
use pkcs8::der::SecretDocument;
use pkcs8::der::pem::LineEnding;
use serde::Serialize;
use tough::schema::decoded::{Decoded, Hex};
use tough::schema::key::Key;
use tough::schema::{Role, Signature, Signed};
use tough::sign::{Sign, parse_keypair};
use zeroize::Zeroizing;

use super::keys::{KeyFolder, KeyKind, Locked, SigningCommand, is_command};
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
    signer: Signer,
}

/// How a key signs.
enum Signer {
    Plain(Box<dyn Sign>),
    Locked(Locked),
    Command(SigningCommand),
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({})", hex::encode(&self.id))
    }
}

impl PrivateKey {
    /// Reads a key in a format of `tough` and `tuftool`: Ed25519 or ECDSA P-256 as PKCS#8 (DER), or RSA as PEM; or one
    /// that is encrypted, or a command.
    pub(super) fn read(path: &Path, folder: &KeyFolder) -> Result<Self> {
        let bytes = disk::read(path, MAX_KEY_FILE_BYTES)?;
        if is_command(path) {
            let command = SigningCommand::parse(&bytes, path)?;
            return Self::new(command.public.clone(), path, Signer::Command(command));
        }
        match Locked::parse(&bytes, path, folder)? {
            None => Self::parse(&bytes, path),
            Some((locked, Some(public))) => Self::new(public, path, Signer::Locked(locked)),
            // Another program has encrypted it. Which key it is, only its content says.
            Some((locked, None)) => {
                let public = Self::parse_opened(&locked.open()?.0, path)?.public;
                Self::new(public, path, Signer::Locked(locked))
            }
        }
    }

    fn new(public: Key, path: &Path, signer: Signer) -> Result<Self> {
        Ok(Self { id: key_id(&public)?, public, path: path.to_owned(), signer })
    }

    /// Parses what was encrypted: PKCS#8 (DER), also for RSA, which `tough` reads as PEM alone.
    fn parse_opened(der: &[u8], path: &Path) -> Result<Self> {
        Self::parse(der, path).or_else(|error| {
            let pem = SecretDocument::try_from(der).and_then(|document| document.to_pem("PRIVATE KEY", LineEnding::LF));
            pem.map_or(Err(error), |pem| Self::parse(pem.as_bytes(), path))
        })
    }

    /// The key as it is encrypted, if it is.
    pub(super) fn locked(&self) -> Option<&Locked> {
        match &self.signer {
            Signer::Locked(locked) => Some(locked),
            _ => None,
        }
    }

    /// What holds the key.
    pub(super) fn kind(&self) -> KeyKind {
        match &self.signer {
            Signer::Plain(_) => KeyKind::Plain,
            Signer::Locked(_) => KeyKind::Encrypted,
            Signer::Command(_) => KeyKind::Command,
        }
    }

    /// The key, decrypted, as PKCS#8 (DER).
    pub(super) fn plain(&self) -> Result<Zeroizing<Vec<u8>>> {
        if let Some(locked) = self.locked() {
            return Ok(locked.open()?.0);
        }
        let bytes = Zeroizing::new(disk::read(&self.path, MAX_KEY_FILE_BYTES)?);
        match std::str::from_utf8(&bytes).ok().map(SecretDocument::from_pem) {
            Some(Ok(("PRIVATE KEY", document))) => Ok(Zeroizing::new(document.as_bytes().to_vec())),
            _ => Ok(bytes),
        }
    }

    /// The file of this key if it is not encrypted: `tough` reads RSA as PEM, and the others as DER.
    pub(super) fn as_file(&self, der: &[u8]) -> Result<Vec<u8>> {
        if !matches!(self.public, Key::Rsa { .. }) {
            return Ok(der.to_vec());
        }
        let pem = SecretDocument::try_from(der).and_then(|document| document.to_pem("PRIVATE KEY", LineEnding::LF));
        pem.map(|pem| pem.as_bytes().to_vec())
            .map_err(|_| invalid(format!("{} cannot be written", self.path.display())))
    }

    async fn signature(&self, message: &[u8]) -> Result<Vec<u8>> {
        let made = match &self.signer {
            Signer::Plain(signer) => signer.sign(message, &SystemRandom::new()).await,
            Signer::Command(command) => return command.sign(message, &self.path),
            Signer::Locked(locked) => {
                let opened = Self::parse_opened(&locked.open()?.0, &self.path)?;
                if opened.public != self.public {
                    return Err(invalid(format!("{} holds another key than its first line says", self.path.display())));
                }
                let Signer::Plain(signer) = opened.signer else { return Err(Error::Cancelled) };
                signer.sign(message, &SystemRandom::new()).await
            }
        };
        made.map_err(|e| invalid(format!("{} does not sign", self.path.display())).caused_by(e))
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let signer = parse_keypair(bytes)
            .map_err(|e| invalid(format!("{} is not a private key of a known kind", path.display())).caused_by(e))?;
        Self::new(signer.tuf_key(), path, Signer::Plain(Box::new(signer)))
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
        let sig = key.signature(&message).await?;
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
