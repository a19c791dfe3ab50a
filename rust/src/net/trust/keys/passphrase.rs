//! Private keys that are encrypted by a passphrase: PKCS#8 with PBES2 (scrypt, AES-256-CBC) in PEM, as OpenSSL reads it.
//! Above the PEM, a line says which public key it is, so that nobody is asked for a passphrase that is not needed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::pem::LineEnding;
use pkcs8::der::{Decode, Encode, SecretDocument};
use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{self, Kdf, ScryptParams};
use pkcs8::{EncryptedPrivateKeyInfo, EncryptedPrivateKeyInfoRef};
use tough::schema::key::Key;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// A passphrase, overwritten in memory when it is dropped.
pub type Passphrase = Zeroizing<String>;

const LABEL: &str = "ENCRYPTED PRIVATE KEY";
const BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const PUBLIC: &str = "Public key: ";

/// The cost of trying a passphrase: 16 MiB of memory, five times. OpenSSL reads no file that needs more memory.
const SCRYPT_N: u64 = 1 << 14;
const SCRYPT_R: u16 = 8;
const SCRYPT_P: u16 = 5;

/// Most memory, in bytes, and rounds that a file may ask for: a hostile one could ask for all of them.
const MAX_MEMORY_BYTES: u64 = 1 << 30;
const MAX_SCRYPT_P: u16 = 64;
const MAX_PBKDF2_ROUNDS: u32 = 10_000_000;

/// Which passphrase is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassphraseFor<'a> {
    /// That of this key file.
    Key(&'a Path),
    /// One for new keys, or instead of the present one.
    New,
}

type Ask = dyn Fn(PassphraseFor<'_>) -> Result<Option<Passphrase>> + Send + Sync;

/// Where passphrases come from. One that was right is used for the other keys of the folder, too.
#[derive(Clone)]
pub struct Passphrases {
    ask: Arc<Ask>,
    known: Arc<Mutex<Option<Passphrase>>>,
}

impl std::fmt::Debug for Passphrases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrases")
    }
}

impl Passphrases {
    /// Passphrases from a terminal, a file or the environment. `None` means that there is none.
    pub fn new(ask: impl Fn(PassphraseFor<'_>) -> Result<Option<Passphrase>> + Send + Sync + 'static) -> Self {
        Self { ask: Arc::new(ask), known: Arc::default() }
    }

    fn known(&self) -> Option<Passphrase> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, right: &Passphrase) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(right.clone());
    }
}

/// A key folder, and where the passphrases of its keys come from.
#[derive(Debug, Clone, Default)]
pub struct KeyFolder {
    path: PathBuf,
    passphrases: Option<Passphrases>,
    /// Whether new keys are encrypted, also if no other key of the folder is.
    encrypts: bool,
}

impl KeyFolder {
    /// The same folder, whose passphrases come from `passphrases`.
    #[must_use]
    pub fn with_passphrases(self, passphrases: Passphrases) -> Self {
        Self { passphrases: Some(passphrases), ..self }
    }

    /// The same folder, where new keys are encrypted. Otherwise they are if another key of the folder is.
    #[must_use]
    pub fn encrypting(self, encrypts: bool) -> Self {
        Self { encrypts, ..self }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn encrypts(&self) -> bool {
        self.encrypts
    }

    /// A passphrase for new keys. If there are encrypted keys already, theirs.
    pub(super) fn new_passphrase(&self, encrypted: Option<&Locked>) -> Result<Passphrase> {
        if let Some(key) = encrypted {
            return Ok(key.open()?.1);
        }
        self.ask(PassphraseFor::New)?.ok_or_else(|| Error::PassphraseMissing { path: self.path.clone() })
    }

    pub(super) fn remember(&self, new: &Passphrase) {
        if let Some(passphrases) = &self.passphrases {
            passphrases.remember(new);
        }
    }

    pub(super) fn replacement(&self) -> Result<Passphrase> {
        self.ask(PassphraseFor::New)?.ok_or_else(|| Error::PassphraseMissing { path: self.path.clone() })
    }

    fn ask(&self, wanted: PassphraseFor<'_>) -> Result<Option<Passphrase>> {
        let said = self.passphrases.as_ref().map(|passphrases| (passphrases.ask)(wanted)).transpose()?.flatten();
        match said {
            Some(said) if said.is_empty() => Err(Error::invalid("passphrase", "it is empty")),
            said => Ok(said),
        }
    }
}

impl<P: Into<PathBuf>> From<P> for KeyFolder {
    fn from(path: P) -> Self {
        Self { path: path.into(), passphrases: None, encrypts: false }
    }
}

impl From<&KeyFolder> for KeyFolder {
    fn from(folder: &Self) -> Self {
        folder.clone()
    }
}

impl AsRef<Path> for KeyFolder {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

/// An encrypted private key.
#[derive(Debug, Clone)]
pub(in crate::net::trust) struct Locked {
    path: PathBuf,
    der: Vec<u8>,
    folder: KeyFolder,
}

impl Locked {
    /// Recognizes the file of an encrypted key. Returns it, and its public key if the file says that.
    pub(in crate::net::trust) fn parse(
        bytes: &[u8],
        path: &Path,
        folder: &KeyFolder,
    ) -> Result<Option<(Self, Option<Key>)>> {
        let Some((head, pem)) = std::str::from_utf8(bytes).ok().and_then(|text| text.split_once(BEGIN)) else {
            return Ok(None);
        };
        let bad = |why: &str| Error::invalid("key", format!("{}: {why}", path.display()));
        let pem = format!("{BEGIN}{pem}");
        let (label, document) = SecretDocument::from_pem(&pem).map_err(|_| bad("the encrypted key cannot be read"))?;
        if label != LABEL {
            return Err(bad("the encrypted key cannot be read"));
        }
        let der = document.as_bytes().to_vec();
        check_cost(&der).map_err(bad)?;
        let public = head.lines().find_map(|line| line.strip_prefix(PUBLIC));
        let public = public.map(serde_json::from_str).transpose().map_err(|_| bad("its public key cannot be read"))?;
        let locked = Self { path: path.to_owned(), der, folder: folder.clone() };
        Ok(Some((locked, public)))
    }

    /// Decrypts it. Returns the plain file, and the passphrase.
    pub(in crate::net::trust) fn open(&self) -> Result<(Zeroizing<Vec<u8>>, Passphrase)> {
        let known = self.folder.passphrases.as_ref().and_then(Passphrases::known);
        if let Some(known) = known
            && let Some(plain) = self.try_open(&known)
        {
            return Ok((plain, known));
        }
        let said = self.folder.ask(PassphraseFor::Key(&self.path))?;
        let said = said.ok_or_else(|| Error::PassphraseMissing { path: self.path.clone() })?;
        let plain = self.try_open(&said).ok_or_else(|| Error::PassphraseWrong { path: self.path.clone() })?;
        if let Some(passphrases) = &self.folder.passphrases {
            passphrases.remember(&said);
        }
        Ok((plain, said))
    }

    fn try_open(&self, passphrase: &Passphrase) -> Option<Zeroizing<Vec<u8>>> {
        let info = EncryptedPrivateKeyInfoRef::from_der(&self.der).ok()?;
        let plain = info.decrypt(passphrase.as_bytes()).ok()?;
        Some(Zeroizing::new(plain.as_bytes().to_vec()))
    }
}

/// The file of a private key, encrypted.
pub(super) fn seal(plain: &[u8], public: &Key, passphrase: &Passphrase) -> Result<Vec<u8>> {
    let failed = || Error::unsupported("encrypting a key");
    let random = SystemRandom::new();
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    random.fill(&mut salt).and_then(|()| random.fill(&mut iv)).map_err(|_| failed())?;
    let scrypt = ScryptParams {
        salt: salt.as_slice().try_into().map_err(|_| failed())?,
        cost_parameter: SCRYPT_N,
        block_size: SCRYPT_R,
        parallelization: SCRYPT_P,
        key_length: None,
    };
    let scheme = pbes2::Parameters { kdf: Kdf::Scrypt(scrypt), encryption: pbes2::EncryptionScheme::Aes256Cbc { iv } };
    let sealed = scheme.encrypt(passphrase.as_bytes(), plain).map_err(|_| failed())?;
    let data = OctetStringRef::new(&sealed).map_err(|_| failed())?;
    let info = EncryptedPrivateKeyInfo { encryption_algorithm: EncryptionScheme::from(scheme), encrypted_data: data };
    let document = SecretDocument::try_from(info.to_der().map_err(|_| failed())?).map_err(|_| failed())?;
    let pem = document.to_pem(LABEL, LineEnding::LF).map_err(|_| failed())?;
    let public = serde_json::to_string(public).map_err(|e| failed().caused_by(e))?;
    Ok(format!("{PUBLIC}{public}\n{}", *pem).into_bytes())
}

/// Refuses a file that would take all memory, or hours.
fn check_cost(der: &[u8]) -> std::result::Result<(), &'static str> {
    let info = EncryptedPrivateKeyInfoRef::from_der(der).map_err(|_| "the encrypted key cannot be read")?;
    let EncryptionScheme::Pbes2(scheme) = &info.encryption_algorithm else {
        return Err("it is encrypted in an outdated way");
    };
    let is_good = match &scheme.kdf {
        Kdf::Scrypt(scrypt) => {
            let memory = scrypt.cost_parameter.checked_mul(128).and_then(|it| it.checked_mul(scrypt.block_size.into()));
            memory.is_some_and(|bytes| bytes <= MAX_MEMORY_BYTES) && scrypt.parallelization <= MAX_SCRYPT_P
        }
        Kdf::Pbkdf2(pbkdf2) => pbkdf2.iteration_count <= MAX_PBKDF2_ROUNDS,
        _ => false,
    };
    if is_good { Ok(()) } else { Err("trying its passphrase would take too much memory or time") }
}
