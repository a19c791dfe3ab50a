//! The data about each installed version: its signed documents, unchanged, and the stamps of its files.
//!
//! ```text
//! .vsekai/indexes/<folder>.release.json     the release document
//!                 <folder>.caidx            the index: with the tree, it makes a seed
//!                 <folder>.files.json.zst   the file table
//!                 <folder>.stamps           size, time and permissions of each file when installed; written last
//! ```
//!
//! Losing one of them costs time or the next delta, but never the game: `launch` only needs the release document.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::copied_links::Ends;
use super::{InstallRoot, Installed};
use crate::digest::Digest;
use crate::error::{Error, Format, Result};
use crate::event::Monitor;
use crate::formats::archive::NodeKind;
use crate::formats::index::Index;
use crate::formats::release::{FileTable, Release};
use crate::limits;
use crate::local::disk::{self, Durability};
use crate::local::receipt::Stamp;
use crate::local::seed::Seed;
use crate::version::Version;

pub(super) const RELEASE: &str = ".release.json";
const INDEX: &str = ".caidx";
const FILES: &str = ".files.json.zst";
const STAMPS: &str = ".stamps";
const ALL: [&str; 4] = [STAMPS, FILES, INDEX, RELEASE];

const SCHEMA: u32 = 1;

/// The signed documents of a version. The caller must have verified them.
#[derive(Debug, Clone)]
pub struct Documents {
    /// The release document.
    pub release: Release,
    /// The bytes of the release document, as signed.
    pub release_bytes: Vec<u8>,
    /// The index of the tree.
    pub index: Index,
    /// The file table of the tree.
    pub table: FileTable,
    /// The compressed bytes of the file table.
    pub table_bytes: Vec<u8>,
}

impl Documents {
    /// Parses the three documents, and checks that they match.
    pub fn parse(release_bytes: Vec<u8>, index_bytes: &[u8], table_bytes: Vec<u8>) -> Result<Self> {
        let index = Index::parse(index_bytes)?;
        let table = FileTable::parse(&table_bytes, &index)?;
        Self::join(release_bytes, index, table, table_bytes)
    }

    /// Like [`Self::parse`], for an index and a file table that are already parsed.
    pub fn of(release_bytes: Vec<u8>, index: Index, table: FileTable) -> Result<Self> {
        let table_bytes = table.to_kept_bytes()?;
        Self::join(release_bytes, index, table, table_bytes)
    }

    fn join(release_bytes: Vec<u8>, index: Index, table: FileTable, table_bytes: Vec<u8>) -> Result<Self> {
        let release = Release::parse(&release_bytes, Some(&this_launcher()?))?;
        if table.find(&release.entry.path).is_none() {
            let reason = format!("its entry {} is not in the file table", release.entry.path);
            return Err(Error::malformed(Format::Release, 0, reason));
        }
        Ok(Self { release, release_bytes, index, table, table_bytes })
    }
}

/// The version of this program.
pub fn this_launcher() -> Result<Version> {
    Version::parse(env!("CARGO_PKG_VERSION"))
}

#[derive(Serialize, Deserialize)]
struct Stamps {
    schema: u32,
    root: Option<(u64, u64)>,
    files: Vec<Option<Stamp>>,
    /// The disk has no links: there are copies in their places.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    copied_links: bool,
}

/// An installed version with its documents and file stamps.
#[derive(Debug)]
pub struct InstalledVersion {
    /// The signed documents of the version.
    pub documents: Documents,
    tree: PathBuf,
    /// A folder of ours on the same disk.
    control: PathBuf,
    stamps: Vec<Option<Stamp>>,
    /// Whether the tree is the same folder of which the stamps were taken, and not a copy.
    is_original: bool,
    copied_links: bool,
}

fn path_of(root: &InstallRoot, folder: &str, ending: &str) -> PathBuf {
    root.control("indexes").join(format!("{folder}{ending}"))
}

impl InstalledVersion {
    /// Saves the documents and stamps of the version at `tree`, whose folder will be named `folder`.
    pub fn write(
        root: &InstallRoot,
        folder: &str,
        documents: &Documents,
        tree: &Path,
        monitor: &Monitor,
    ) -> Result<()> {
        disk::create_control_directory(&root.control("indexes"))?;
        let put = |ending: &str, bytes: &[u8]| put_document(root, folder, ending, bytes);
        put(INDEX, &documents.index.to_bytes())?;
        put(FILES, &documents.table_bytes)?;
        put(RELEASE, &documents.release_bytes)?;
        put(STAMPS, &stamps_of(documents, tree, monitor)?)
    }

    /// Saves the documents of a version whose files were not read: none of them counts as untouched.
    pub fn write_documents(root: &InstallRoot, folder: &str, documents: &Documents) -> Result<()> {
        disk::create_control_directory(&root.control("indexes"))?;
        disk::remove_all(&path_of(root, folder, STAMPS))?;
        let put = |ending: &str, bytes: &[u8]| put_document(root, folder, ending, bytes);
        put(INDEX, &documents.index.to_bytes())?;
        put(FILES, &documents.table_bytes)?;
        put(RELEASE, &documents.release_bytes)
    }

    /// The path of a version's release document.
    pub fn release_path(root: &InstallRoot, folder: &str) -> PathBuf {
        path_of(root, folder, RELEASE)
    }

    /// The bytes of a version's release document.
    pub fn release_bytes(root: &InstallRoot, folder: &str) -> Result<Vec<u8>> {
        let path = Self::release_path(root, folder);
        let missing = || Error::io("open", &path)(std::io::ErrorKind::NotFound.into());
        disk::read_control(&path, limits::MAX_DOCUMENT_BYTES)?.ok_or_else(missing)
    }

    /// Replaces a version's release document, and nothing else.
    pub fn replace_release(root: &InstallRoot, folder: &str, bytes: &[u8]) -> Result<()> {
        disk::create_control_directory(&root.control("indexes"))?;
        put_document(root, folder, RELEASE, bytes)
    }

    /// Takes new stamps of a version whose files were read and found sound.
    pub fn stamp_again(&self, root: &InstallRoot, folder: &str, monitor: &Monitor) -> Result<()> {
        let stamps = stamps_of(&self.documents, &self.tree, monitor)?;
        disk::write_control(&path_of(root, folder, STAMPS), &stamps, Durability::PowerCut)
    }

    /// The version in `folder`; `None` if the folder does not exist, or a document is missing or damaged.
    pub fn read(root: &InstallRoot, folder: &str) -> Option<Self> {
        Self::known(root, folder).filter(|kept| fs::symlink_metadata(&kept.tree).is_ok_and(|found| found.is_dir()))
    }

    /// Like [`Self::read`], even if the folder does not exist.
    pub fn known(root: &InstallRoot, folder: &str) -> Option<Self> {
        let get = |ending: &str, max: u64| disk::read_control(&path_of(root, folder, ending), max).ok().flatten();
        let release = get(RELEASE, limits::MAX_DOCUMENT_BYTES)?;
        let index = get(INDEX, limits::MAX_INDEX_BYTES)?;
        let documents = Documents::parse(release, &index, get(FILES, limits::MAX_FILE_TABLE_BYTES)?).ok()?;
        // Somebody may have put those of another version there, which match each other.
        if Digest::of(&index).to_string() != documents.release.index.sha256 {
            return None;
        }
        let tree = root.versions(folder);
        let identity = fs::symlink_metadata(&tree).ok().map(|found| disk::identity(&tree, &found));
        let stamps = get(STAMPS, limits::MAX_RECEIPT_BYTES).and_then(|packed| parse_stamps(&packed));
        let nodes = documents.table.layout().nodes().len();
        let stamps = stamps.filter(|stamps| stamps.files.len() == nodes);
        let is_original = stamps.as_ref().is_some_and(|stamps| Some(stamps.root) == identity);
        let copied_links = stamps.as_ref().is_some_and(|stamps| stamps.copied_links);
        let stamps = stamps.map_or_else(|| vec![None; nodes], |stamps| stamps.files);
        let control = root.control("");
        Some(Self { documents, tree, control, stamps, is_original, copied_links })
    }

    /// The version of these documents in `folder`, of whose files nothing is known.
    pub fn of(root: &InstallRoot, folder: &str, documents: Documents) -> Self {
        let stamps = vec![None; documents.table.layout().nodes().len()];
        let (tree, control) = (root.versions(folder), root.control(""));
        Self { documents, tree, control, stamps, is_original: false, copied_links: false }
    }

    /// All installed versions with sound documents. `current` comes first, because it has most in common with a new
    /// version.
    pub fn all(root: &InstallRoot, current: Option<&Installed>) -> Vec<Self> {
        let mut folders = root.folders().unwrap_or_default();
        folders.sort_by_key(|folder| current.is_none_or(|current| *folder != current.folder));
        folders.iter().filter_map(|folder| Self::read(root, folder)).collect()
    }

    /// Reads the release document only, which is enough for a start.
    pub fn release(root: &InstallRoot, folder: &str) -> Result<Release> {
        let bytes = Self::release_bytes(root, folder)?;
        // Any version of this program may start a version that is already installed.
        Release::parse(&bytes, None)
    }

    /// Removes the documents and stamps of a version whose tree is gone.
    pub fn remove(root: &InstallRoot, folder: &str) -> Result<()> {
        Self::document_paths(root, folder).iter().try_for_each(|path| disk::remove_all(path))
    }

    /// Where the documents and stamps of a version are; the release document, which makes it ours, is the last.
    pub(super) fn document_paths(root: &InstallRoot, folder: &str) -> [PathBuf; 4] {
        ALL.map(|ending| path_of(root, folder, ending))
    }

    /// The path of the version's folder.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// Whether the disk cannot hold this mode for the file at this position, which has another.
    pub(super) fn is_mode_beyond_the_disk(&self, node: usize, wanted: u32) -> bool {
        match disk::held_mode(&self.control, wanted) {
            Ok(held) => held & 0o777 != wanted,
            // Nothing can be tried here. When it was installed, it got the mode that it has now.
            Err(_) => self.has_stamp(node),
        }
    }

    /// The name of the version's folder.
    pub fn folder(&self) -> Option<String> {
        Some(self.tree.file_name()?.to_str()?.to_owned())
    }

    /// Whether the file at this position of the layout has its original stamp. Does not read the file.
    pub fn is_untouched(&self, node: usize) -> bool {
        self.is_original && self.has_stamp(node)
    }

    /// Whether the file at this position has the size and time of when it was installed, even if the folder is a copy.
    pub fn has_stamp(&self, node: usize) -> bool {
        let path = self.documents.table.layout().nodes()[node].path.as_ref().map(|path| path.below(&self.tree));
        let stamp = self.stamps.get(node).copied().flatten();
        stamp.is_some() && path.and_then(|path| Stamp::of(&path)) == stamp
    }

    /// Whether there are copies in the places of links, because the disk has no links.
    pub fn has_copied_links(&self) -> bool {
        self.copied_links
    }

    /// Whether all files have their original stamps, and all links and folders exist. Reads no file.
    pub fn is_complete(&self) -> bool {
        let nodes = self.documents.table.layout().nodes().iter().enumerate();
        let ends = Ends::of(self);
        nodes.into_iter().all(|(at, node)| {
            let path = node.path.as_ref().map_or(self.tree.clone(), |path| path.below(&self.tree));
            match &node.kind {
                NodeKind::File { .. } => self.is_untouched(at) || (self.is_mutable(at) && Stamp::of(&path).is_some()),
                NodeKind::Symlink { target } => {
                    fs::read_link(&path).is_ok_and(|found| found == Path::new(target.as_str()))
                        || (self.copied_links && ends.is_copied(self, at, false))
                }
                _ => fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()),
            }
        })
    }

    /// Whether the game may change the file at this position.
    pub fn is_mutable(&self, node: usize) -> bool {
        let path = &self.documents.table.layout().nodes()[node].path;
        path.as_ref().is_some_and(|path| self.documents.release.mutable.contains(path))
    }

    /// The version as a seed.
    pub fn seed(&self) -> Result<Seed> {
        Seed::new(&self.tree, self.documents.index.clone(), self.documents.table.layout().clone())
    }
}

fn put_document(root: &InstallRoot, folder: &str, ending: &str, bytes: &[u8]) -> Result<()> {
    let path = path_of(root, folder, ending);
    // In our own folder, under a name of ours.
    if disk::is_irregular(&path) {
        disk::remove_all(&path)?;
    }
    disk::write_control(&path, bytes, Durability::PowerCut)
}

fn stamps_of(documents: &Documents, tree: &Path, monitor: &Monitor) -> Result<Vec<u8>> {
    // The documents can be there before the tree, as when a repair begins with them.
    let root = match fs::symlink_metadata(tree) {
        Ok(found) => disk::identity(tree, &found),
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => None,
        Err(e) => return Err(Error::io("read", tree)(e)),
    };
    let of = |node: &crate::formats::archive::Node| match (&node.kind, &node.path) {
        (NodeKind::File { .. }, Some(path)) => Stamp::of(&path.below(tree)),
        _ => None,
    };
    let files = monitor.pool()?.install(|| documents.table.layout().nodes().par_iter().map(of).collect());
    let is_copied = |node: &crate::formats::archive::Node| match (&node.kind, &node.path) {
        (NodeKind::Symlink { .. }, Some(path)) => {
            fs::symlink_metadata(path.below(tree)).is_ok_and(|found| !found.is_symlink())
        }
        _ => false,
    };
    let copied_links = documents.table.layout().nodes().iter().any(is_copied);
    let stamps = Stamps { schema: SCHEMA, root, files, copied_links };
    let unwritable = Error::malformed(Format::Receipt, 0, "it cannot be written as JSON");
    let plain = serde_json::to_vec(&stamps).map_err(|error| unwritable.caused_by(error))?;
    zstd::bulk::compress(&plain, 3).map_err(Error::io("pack the stamps of", tree))
}

fn parse_stamps(packed: &[u8]) -> Option<Stamps> {
    let decoder = zstd::stream::Decoder::new(packed).ok()?;
    let reader = std::io::Read::take(decoder, limits::MAX_RECEIPT_BYTES * 4);
    let stamps: Stamps = serde_json::from_reader(std::io::BufReader::new(reader)).ok()?;
    (stamps.schema == SCHEMA).then_some(stamps)
}
