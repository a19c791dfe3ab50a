//! Tools of an attacker: metadata with any content, signed with stolen keys.

use std::collections::HashMap;
use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use jiff::Timestamp as Time;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tough::TargetName;
use tough::schema::{Hashes, Metafile, Role, Signature, Signed, Snapshot, Target, Targets, Timestamp};
use tough::sign::{Sign, parse_keypair};

/// A repository folder, and a key folder, some of whose keys are used.
#[derive(Debug)]
pub(crate) struct Forge {
    repository: PathBuf,
    keys: PathBuf,
}

impl Forge {
    pub(crate) fn new(repository: &Path, keys: &Path) -> Self {
        Self { repository: repository.to_owned(), keys: keys.to_owned() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.repository.join("tuf").join(name)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> T {
        let signed: Signed<T> = serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap();
        signed.signed
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        self.read("timestamp.json")
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.read(&format!("{}.snapshot.json", self.timestamp().meta["snapshot.json"].version))
    }

    pub(crate) fn role(&self, name: &str) -> Targets {
        self.read(&format!("{}.{name}.json", self.snapshot().meta[&format!("{name}.json")].version))
    }

    /// Signs with the key of `signer` and returns the bytes of the file.
    pub(crate) fn sign<T: Role + Serialize>(&self, role: T, signer: &str) -> Vec<u8> {
        let file = fs::read_dir(&self.keys).unwrap().flatten().map(|entry| entry.path()).find(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(&format!("{signer}.")) && name.ends_with(".pk8")
        });
        let key = parse_keypair(&fs::read(file.expect("this key was stolen")).unwrap()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sig = runtime.block_on(key.sign(&role.canonical_form().unwrap(), &SystemRandom::new())).unwrap();
        let signature = Signature { keyid: key.tuf_key().key_id().unwrap(), sig: sig.into() };
        serde_json::to_vec(&Signed { signed: role, signatures: vec![signature] }).unwrap()
    }

    /// Replaces `timestamp.json`.
    pub(crate) fn put_timestamp(&self, timestamp: Timestamp) {
        fs::write(self.path("timestamp.json"), self.sign(timestamp, "timestamp")).unwrap();
    }

    /// Writes a snapshot, and a timestamp of the next version that names it.
    pub(crate) fn put_snapshot(&self, snapshot: Snapshot) {
        let version = snapshot.version;
        let bytes = self.sign(snapshot, "snapshot");
        fs::write(self.path(&format!("{version}.snapshot.json")), &bytes).unwrap();
        let mut timestamp = self.timestamp();
        timestamp.version = next(timestamp.version);
        timestamp.meta.insert("snapshot.json".to_owned(), metafile(version, &bytes));
        self.put_timestamp(timestamp);
    }

    /// Writes metadata of a role, signed by `signer`, and the next versions of snapshot and timestamp.
    pub(crate) fn put_role(&self, name: &str, mut role: Targets, signer: &str) {
        role.version = next(role.version);
        let version = role.version;
        let bytes = self.sign(role, signer);
        fs::write(self.path(&format!("{version}.{name}.json")), &bytes).unwrap();
        let mut snapshot = self.snapshot();
        snapshot.version = next(snapshot.version);
        snapshot.meta.insert(format!("{name}.json"), metafile(version, &bytes));
        self.put_snapshot(snapshot);
    }

    /// Writes a target file as `name`, and returns the entry for it in a role.
    pub(crate) fn put_target(&self, name: &str, bytes: &[u8]) -> (TargetName, Target) {
        let sha256 = Sha256::digest(bytes).to_vec();
        let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
        let folder = self.repository.join("targets").join(folder);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}.{file}", hex::encode(&sha256))), bytes).unwrap();
        let hashes = Hashes { sha256: sha256.into(), _extra: HashMap::new() };
        let target = Target { length: bytes.len() as u64, hashes, custom: HashMap::new(), _extra: HashMap::new() };
        (TargetName::new(name).unwrap(), target)
    }
}

pub(crate) fn next(version: NonZeroU64) -> NonZeroU64 {
    version.checked_add(1).unwrap()
}

pub(crate) fn yesterday() -> Time {
    Time::from_second(Time::now().as_second() - 86_400).unwrap()
}

fn metafile(version: NonZeroU64, bytes: &[u8]) -> Metafile {
    let hashes = Hashes { sha256: Sha256::digest(bytes).to_vec().into(), _extra: HashMap::new() };
    Metafile { length: Some(bytes.len() as u64), hashes: Some(hashes), version, _extra: HashMap::new() }
}
