//! The storage of a publication: a folder, or files in memory that come from a database.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::local::disk::{self, Durability};
use crate::local::lock::Lock;

/// The files of a repository by their path below its root, such as `tuf/1.root.json`.
type Files = BTreeMap<String, Vec<u8>>;

/// Files of a repository in memory. Must contain all roots and all other current metadata; targets are optional. If it
/// is empty, a new repository is created in it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    files: Arc<Files>,
    /// Names in `tuf/` that are not to be written, because there are other files of these names.
    taken: Arc<BTreeSet<String>>,
}

impl MemoryStorage {
    /// A storage with `files`, by their path below the root of the repository, such as `tuf/timestamp.json` or
    /// `targets/<sha256>.catalog.json`.
    pub fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self { files: Arc::new(files), taken: Arc::default() }
    }

    /// The same storage, where metadata of these names, such as `12.snapshot.json`, exists but is not part of the
    /// repository: a killed commit has left it, or another publisher is writing it.
    #[must_use]
    pub fn with_taken(self, names: impl IntoIterator<Item = String>) -> Self {
        let names = names.into_iter().map(|name| format!("tuf/{name}"));
        Self { taken: Arc::new(names.collect()), ..self }
    }
}

/// Read access to a storage. Clones of a folder read the same files.
#[derive(Debug, Clone)]
pub(super) enum StorageReader {
    Folder(PathBuf),
    Memory(Arc<Files>, Arc<BTreeSet<String>>),
}

impl StorageReader {
    pub(super) fn read(&self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Folder(folder) => disk::read_if_exists(&folder.join(path), max_bytes),
            Self::Memory(files, _) => match files.get(path) {
                Some(bytes) if bytes.len() as u64 > max_bytes => {
                    let reason = format!("{path} has {} bytes; at most {max_bytes} are accepted", bytes.len());
                    Err(Error::invalid("file", reason))
                }
                found => Ok(found.cloned()),
            },
        }
    }

    /// Reads a file that must exist.
    pub(super) fn require(&self, path: &str, max_bytes: u64) -> Result<Vec<u8>> {
        let missing = || Error::io("open", self.name_of(path))(std::io::ErrorKind::NotFound.into());
        self.read(path, max_bytes)?.ok_or_else(missing)
    }

    /// Whether there is such a file, or a file in a folder of this name.
    pub(super) fn has(&self, path: &str) -> bool {
        match self {
            Self::Folder(folder) => folder.join(path).exists(),
            Self::Memory(files, taken) => {
                files.contains_key(path) || taken.contains(path) || files.keys().any(|name| below(name, path).is_some())
            }
        }
    }

    /// The names of the files in a folder; empty if the folder does not exist.
    pub(super) fn names_in(&self, folder: &str) -> Result<Vec<String>> {
        match self {
            Self::Folder(root) => {
                let path = root.join(folder);
                let entries = match std::fs::read_dir(&path) {
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                    entries => entries.and_then(Iterator::collect::<std::io::Result<Vec<_>>>),
                };
                let entries = entries.map_err(Error::io("list", &path))?;
                Ok(entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect())
            }
            Self::Memory(files, _) => {
                Ok(files.keys().filter_map(|name| below(name, folder).map(str::to_owned)).collect())
            }
        }
    }

    fn name_of(&self, path: &str) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.join(path),
            Self::Memory(..) => PathBuf::from(path),
        }
    }
}

impl std::fmt::Display for StorageReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::Memory(..) => f.write_str("the repository"),
        }
    }
}

/// Write access to a storage. A folder is locked against other publishers.
#[derive(Debug)]
pub(super) struct RepositoryStorage {
    place: StorageReader,
    /// The files that were written to memory, in this order.
    written: Vec<(String, Vec<u8>)>,
    _lock: Option<Lock>,
}

impl RepositoryStorage {
    /// # Errors
    /// [`Error::Busy`] while another process publishes, [`Error::Io`].
    pub(super) fn folder(folder: &Path) -> Result<Self> {
        disk::create_directory(folder)?;
        let lock = Lock::exclusive(&folder.join(".vsekai-publish.lock"), "publish")?;
        Ok(Self { place: StorageReader::Folder(folder.to_owned()), written: Vec::new(), _lock: Some(lock) })
    }

    pub(super) fn memory(shelf: MemoryStorage) -> Self {
        Self { place: StorageReader::Memory(shelf.files, shelf.taken), written: Vec::new(), _lock: None }
    }

    pub(super) fn place(&self) -> &StorageReader {
        &self.place
    }

    pub(super) fn written(&self) -> &[(String, Vec<u8>)] {
        &self.written
    }

    pub(super) fn into_written(self) -> Vec<(String, Vec<u8>)> {
        self.written
    }

    /// Writes the targets that do not exist with these bytes. Returns how many were written.
    pub(super) fn write_targets<'a>(&mut self, files: impl Iterator<Item = (&'a String, &'a Vec<u8>)>) -> Result<u64> {
        let mut count = 0;
        let mut folders = BTreeSet::new();
        for (path, bytes) in files {
            let there = self.place.read(path, bytes.len() as u64).ok().flatten();
            if there.as_ref() == Some(bytes) {
                continue;
            }
            count += 1;
            match &mut self.place {
                StorageReader::Folder(root) => {
                    let path = root.join(path);
                    disk::create_directory(path.parent().unwrap_or(Path::new(".")))?;
                    disk::write_atomic(&path, bytes, Durability::PowerCut)?;
                    let above = path.ancestors().skip(1).take_while(|above| above.starts_with(&*root));
                    folders.extend(above.map(PathBuf::from));
                }
                StorageReader::Memory(files, _) => put(files, &mut self.written, path.clone(), bytes),
            }
        }
        // New folders must survive a power cut, too, not only the files in them.
        folders.iter().try_for_each(|folder| disk::sync_directory(folder))?;
        Ok(count)
    }

    /// Writes metadata in this order. Names are relative to `tuf/`.
    pub(super) fn write_metadata(&mut self, files: &[(String, Vec<u8>)]) -> Result<()> {
        match &mut self.place {
            StorageReader::Folder(root) => {
                let folder = root.join("tuf");
                disk::create_directory(&folder)?;
                disk::sync_directory(root)?;
                files
                    .iter()
                    .try_for_each(|(name, bytes)| disk::write_atomic(&folder.join(name), bytes, Durability::PowerCut))
            }
            StorageReader::Memory(there, _) => {
                for (name, bytes) in files {
                    put(there, &mut self.written, format!("tuf/{name}"), bytes);
                }
                Ok(())
            }
        }
    }
}

fn put(files: &mut Arc<Files>, written: &mut Vec<(String, Vec<u8>)>, path: String, bytes: &[u8]) {
    Arc::make_mut(files).insert(path.clone(), bytes.to_vec());
    written.push((path, bytes.to_vec()));
}

/// The part of `name` after `folder/`; `None` if it is not in the folder.
fn below<'a>(name: &'a str, folder: &str) -> Option<&'a str> {
    name.strip_prefix(folder)?.strip_prefix('/')
}
