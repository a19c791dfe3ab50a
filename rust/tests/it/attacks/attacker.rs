//! Signs any metadata, even invalid, with any stolen keys. The repository's own tools would refuse to.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::Ed25519KeyPair;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vsekai_updater::formats::release::{ModeName, Platform, target_name};
use vsekai_updater::net::trust::{CATALOG_ROLE, CATALOG_TARGET};
use vsekai_updater::version::Version;

/// A repository, and the attacker's key folder.
pub(crate) struct Attacker {
    repository: PathBuf,
    keys: PathBuf,
}

/// The documents of one version, to be tampered with.
pub(crate) struct Documents {
    pub(crate) release: Value,
    pub(crate) index: Vec<u8>,
    /// Compressed with zstd.
    pub(crate) files: Vec<u8>,
}

impl Documents {
    /// Changes the file table as JSON.
    pub(crate) fn change_files(&mut self, change: impl FnOnce(&mut Value)) {
        let mut table: Value = serde_json::from_slice(&zstd::decode_all(&self.files[..]).unwrap()).unwrap();
        change(&mut table);
        self.files = zstd::encode_all(&serde_json::to_vec(&table).unwrap()[..], 3).unwrap();
    }
}

impl Attacker {
    pub(crate) fn new(repository: &Path, keys: &Path) -> Self {
        Self { repository: repository.to_owned(), keys: keys.to_owned() }
    }

    /// The current metadata of a role.
    pub(crate) fn read(&self, role: &str) -> Value {
        let timestamp = self.parse("timestamp.json");
        let snapshot = &timestamp["signed"]["meta"]["snapshot.json"]["version"];
        match role {
            "timestamp" => timestamp,
            "snapshot" => self.parse(&format!("{snapshot}.snapshot.json")),
            _ => {
                let snapshot = self.parse(&format!("{snapshot}.snapshot.json"));
                let version = &snapshot["signed"]["meta"][format!("{role}.json")]["version"];
                self.parse(&format!("{version}.{role}.json"))
            }
        }
    }

    fn parse(&self, file: &str) -> Value {
        serde_json::from_slice(&fs::read(self.repository.join("tuf").join(file)).unwrap()).unwrap()
    }

    /// Changes the metadata of a role, and signs it and everything that depends on it.
    pub(crate) fn change(&self, role: &str, change: impl FnOnce(&mut Value)) {
        self.change_as(role, role, change);
    }

    /// Like [`Self::change`], but signed with the keys of `signer`.
    pub(crate) fn change_as(&self, role: &str, signer: &str, change: impl FnOnce(&mut Value)) {
        self.replace(role, signer, Box::new(change));
    }

    fn replace(&self, role: &str, signer: &str, change: Box<dyn FnOnce(&mut Value) + '_>) {
        let mut body = self.read(role)["signed"].clone();
        let next = body["version"].as_u64().unwrap() + 1;
        body["version"] = json!(next);
        change(&mut body);
        let version = body["version"].clone();
        let bytes = self.sign(&body, signer);
        let file = if role == "timestamp" { "timestamp.json".to_owned() } else { format!("{version}.{role}.json") };
        fs::write(self.repository.join("tuf").join(file), &bytes).unwrap();
        let meta = json!({ "version": version, "length": bytes.len(), "hashes": { "sha256": sha256(&bytes) } });
        match role {
            "timestamp" => {}
            "snapshot" => {
                self.replace("timestamp", "timestamp", Box::new(|body| body["meta"]["snapshot.json"] = meta));
            }
            _ => self.replace("snapshot", "snapshot", Box::new(|body| body["meta"][format!("{role}.json")] = meta)),
        }
    }

    /// Signs with every key of this role in the key folder.
    fn sign(&self, body: &Value, role: &str) -> Vec<u8> {
        let message = canonical(body);
        let mut signatures = Vec::new();
        for entry in fs::read_dir(&self.keys).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if name.starts_with(&format!("{role}.")) && name.ends_with(".pk8") {
                let key = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&fs::read(&path).unwrap()).unwrap();
                let id = self.key_id(name.split('.').nth(1).unwrap());
                signatures.push(json!({ "keyid": id, "sig": hex::encode(key.sign(&message)) }));
            }
        }
        assert!(!signatures.is_empty(), "no key of {role}");
        serde_json::to_vec(&json!({ "signed": body, "signatures": signatures })).unwrap()
    }

    /// The full identifier of a key whose first digits are in the file's name.
    fn key_id(&self, begin: &str) -> String {
        let root: Value = serde_json::from_slice(&fs::read(self.keys.join("root.json")).unwrap()).unwrap();
        let targets = self.read("targets");
        let all = [&root["signed"]["keys"], &targets["signed"]["delegations"]["keys"]];
        let ids = all.iter().flat_map(|keys| keys.as_object().unwrap().keys());
        ids.into_iter().find(|id| id.starts_with(begin)).unwrap().clone()
    }

    /// Lists a target in a role, with any name, and writes its file where clients look for it.
    pub(crate) fn put(&self, role: &str, name: &str, bytes: &[u8]) {
        let sha256 = sha256(bytes);
        let file = match name.rsplit_once('/') {
            Some((folders, last)) => format!("targets/{folders}/{sha256}.{last}"),
            None => format!("targets/{sha256}.{name}"),
        };
        let path = self.repository.join(file);
        if fs::create_dir_all(path.parent().unwrap()).is_ok() {
            // Some names are not valid file names; they are listed all the same.
            let _ = fs::write(path, bytes);
        }
        let target = json!({ "length": bytes.len(), "hashes": { "sha256": sha256 } });
        self.change(role, |body| body["targets"][name] = target);
    }

    /// The bytes of a target that a role lists.
    pub(crate) fn target(&self, role: &str, name: &str) -> Vec<u8> {
        let listed = self.read(role);
        let sha256 = listed["signed"]["targets"][name]["hashes"]["sha256"].as_str().unwrap();
        let file = match name.rsplit_once('/') {
            Some((folders, last)) => format!("targets/{folders}/{sha256}.{last}"),
            None => format!("targets/{sha256}.{name}"),
        };
        fs::read(self.repository.join(file)).unwrap()
    }

    /// Changes the catalog.
    pub(crate) fn change_catalog(&self, change: impl FnOnce(&mut Value)) {
        let mut catalog: Value = serde_json::from_slice(&self.target(CATALOG_ROLE, CATALOG_TARGET)).unwrap();
        change(&mut catalog);
        self.put(CATALOG_ROLE, CATALOG_TARGET, &serde_json::to_vec(&catalog).unwrap());
    }

    /// Changes the documents of a version; the release document then refers to the changed ones.
    pub(crate) fn change_documents(&self, mode: &str, version: &str, change: impl FnOnce(&mut Documents)) {
        let name = |file| name_of(mode, version, file);
        let mut documents = self.documents(mode, version);
        change(&mut documents);
        let Documents { mut release, index, files } = documents;
        for (field, bytes) in [("index", &index), ("files", &files)] {
            if let Some(release) = release.as_object_mut() {
                release[field]["length"] = json!(bytes.len());
                release[field]["sha256"] = json!(sha256(bytes));
            }
        }
        self.put(mode, &name("index.caidx"), &index);
        self.put(mode, &name("files.json.zst"), &files);
        self.put(mode, &name("release.json"), &serde_json::to_vec(&release).unwrap());
    }

    pub(crate) fn documents(&self, mode: &str, version: &str) -> Documents {
        let name = |file| name_of(mode, version, file);
        Documents {
            release: serde_json::from_slice(&self.target(mode, &name("release.json"))).unwrap(),
            index: self.target(mode, &name("index.caidx")),
            files: self.target(mode, &name("files.json.zst")),
        }
    }
}

/// The name of a target of this platform.
pub(crate) fn name_of(mode: &str, version: &str, file: &str) -> String {
    let (mode, version) = (ModeName::new(mode).unwrap(), Version::parse(version).unwrap());
    target_name(&mode, &version, &Platform::current(), file)
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The canonical form that is signed: sorted keys, no whitespace, and only quotes and backslashes escaped.
fn canonical(value: &Value) -> Vec<u8> {
    fn text(text: &str) -> String {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    }
    match value {
        Value::Object(fields) => {
            let mut names: Vec<_> = fields.keys().collect();
            names.sort();
            let fields =
                names.into_iter().map(|name| [text(name).as_bytes(), b":", &canonical(&fields[name])].concat());
            [b"{", &fields.collect::<Vec<_>>().join(&b","[..])[..], b"}"].concat()
        }
        Value::Array(items) => {
            [b"[", &items.iter().map(canonical).collect::<Vec<_>>().join(&b","[..])[..], b"]"].concat()
        }
        Value::String(string) => text(string).into_bytes(),
        other => other.to_string().into_bytes(),
    }
}
