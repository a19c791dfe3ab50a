//! The front of a bundle: its table, and the documents of the version that it leads to.

use std::ops::Range;
use std::sync::Arc;

use crate::digest::Digest;
use crate::error::{Error, Format, Result};
use crate::event::Monitor;
use crate::formats::bundle::{
    BundleInfo, Header, Section, SectionContent, Table, decompress, index_document, parse_index_document,
};
use crate::formats::index::Index;
use crate::formats::release::{FileTable, Release};
use crate::install::Documents;
use crate::local::offer::{BundleFile, VersionContent};
use crate::local::sources::Transfer;

/// The front of a bundle, or all of a small one.
pub(super) struct BundleHead {
    pub(super) info: BundleInfo,
    pub(super) table: Arc<Table>,
    pub(super) sections_at: u64,
    bytes: Vec<u8>,
}

/// The index and the files of a version.
#[derive(Clone, Copy)]
pub(super) struct OldVersion<'a> {
    pub(super) index: &'a Index,
    pub(super) files: &'a FileTable,
}

/// A version on the way to the wanted one: none of it is signed, and none of it is installed.
pub(super) struct Intermediate {
    pub(super) version: VersionContent,
    files: FileTable,
}

impl Intermediate {
    pub(super) fn known(&self) -> OldVersion<'_> {
        OldVersion { index: &self.version.index, files: &self.files }
    }
}

impl BundleHead {
    pub(super) fn parse(info: BundleInfo, bytes: Vec<u8>) -> Result<Self> {
        let sections_at = Header::parse(&bytes)?.sections_at();
        let table = Arc::new(Table::parse(&bytes)?);
        Ok(Self { info, table, sections_at, bytes })
    }

    /// The whole bundle, if it was fetched together with its front.
    pub(super) fn whole(&self) -> Option<Whole> {
        (self.bytes.len() as u64 == self.info.length).then(|| Whole(self.bytes.clone()))
    }

    /// The signed documents of the version that the bundle leads to.
    pub(super) fn documents(
        &self,
        release: &Release,
        release_bytes: &[u8],
        old: Option<OldVersion<'_>>,
    ) -> Result<Documents> {
        let index = self.index(old)?;
        if Digest::of(&index.to_bytes()).to_string() != release.index.sha256 {
            return Err(malformed("its index is not the one that was signed"));
        }
        let plain = self.file_table(old)?;
        if Some(Digest::of(&plain).to_string()) != release.files.document_sha256 {
            return Err(malformed("its file table is not the one that was signed"));
        }
        let files = FileTable::of_document(&plain, &index)?;
        Documents::of(release_bytes.to_vec(), index, files)
    }

    /// The intermediate version that the bundle leads to. It is not signed, but must have the digest `version`.
    pub(super) fn passing(&self, old: OldVersion<'_>, version: Option<&Digest>) -> Result<Intermediate> {
        let index = self.index(Some(old))?;
        if Some(&Digest::of(&index.to_bytes())) != version {
            return Err(malformed("its index is not the one that another bundle builds on"));
        }
        let files = FileTable::of_document(&self.file_table(Some(old))?, &index)?;
        let version = VersionContent { index: Arc::new(index), layout: Arc::new(files.layout().clone()) };
        Ok(Intermediate { version, files })
    }

    fn index(&self, old: Option<OldVersion<'_>>) -> Result<Index> {
        let prefix = old.map(|old| index_document(old.index)).unwrap_or_default();
        parse_index_document(&self.document(&SectionContent::Index, &prefix)?)
    }

    fn file_table(&self, old: Option<OldVersion<'_>>) -> Result<Vec<u8>> {
        let prefix = old.map(|old| old.files.to_document()).transpose()?.unwrap_or_default();
        self.document(&SectionContent::FileTable, &prefix)
    }

    fn document(&self, content: &SectionContent, prefix: &[u8]) -> Result<Vec<u8>> {
        let mut places = self.table.places(self.sections_at);
        let found = places.find(|(_, section)| section.content == *content);
        let (place, section) = found.ok_or_else(|| malformed("it has no such document"))?;
        self.unpack(place, section, prefix)
    }

    fn unpack(&self, place: Range<u64>, section: &Section, prefix: &[u8]) -> Result<Vec<u8>> {
        let packed = part_of(&self.bytes, place).ok_or_else(|| malformed("a document is not in its front"))?;
        let mut plain = Vec::new();
        decompress(packed, prefix, section.plain_bytes, &mut plain)?;
        Ok(plain)
    }
}

/// A bundle that is already in memory.
#[derive(Debug)]
pub(super) struct Whole(Vec<u8>);

impl BundleFile for Whole {
    fn read(
        &self,
        range: Range<u64>,
        take: &mut (dyn FnMut(&[u8]) -> Result<()> + Send),
        _: &Monitor,
    ) -> Result<Transfer> {
        let bytes = part_of(&self.0, range).ok_or_else(|| malformed("it is shorter than the list says"))?;
        take(bytes)?;
        // These bytes arrived with the front. They count where they are used.
        Ok(Transfer { requests: 0, received_bytes: bytes.len() as u64 })
    }
}

fn part_of(bytes: &[u8], place: Range<u64>) -> Option<&[u8]> {
    bytes.get(usize::try_from(place.start).ok()?..usize::try_from(place.end).ok()?)
}

pub(super) fn malformed(reason: &str) -> Error {
    Error::malformed(Format::Bundle, 0, reason)
}
