//! A node's head: FILENAME, ENTRY, the elements between, and what announces the content.
//!
//! [`parse`] reads one from bytes of which more may follow, [`render`] writes the same bytes back.

use super::element::{
    self, DEVICE, ENTRY, FILENAME, GOODBYE, PAYLOAD, PREFIX, PREFIX_BYTES, SYMLINK, check_metadata, device_bytes,
    entry_bytes, filename_bytes, metadata_bounds, push, symlink_bytes, u64_at,
};
use super::{NewContent, NewNode, Node, NodeKind, NodeMetadata, malformed};
use crate::error::{Error, Result};
use crate::index::FeatureFlags;
use crate::limits;
use crate::path::{LinkTarget, RelPath};

/// A node's head as read; names are not checked yet.
#[derive(Debug)]
pub(super) struct Head {
    name: Option<String>,
    metadata: NodeMetadata,
    content: Content,
    /// Bytes of the FILENAME.
    pub(super) name_bytes: u64,
    /// Bytes of the whole head.
    pub(super) bytes: u64,
}

#[derive(Debug)]
enum Content {
    Directory,
    File { size: u64 },
    Symlink { target: String },
    Device { major: u64, minor: u64 },
    Other,
}

/// Why [`parse`] could not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// It needs so many bytes, counted from the head's start.
    More(u64),
    /// There is no such head.
    Bad(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Bad(error)
    }
}

/// Reads the head that begins with `bytes`, at `base` of the stream. `is_root`: it has no FILENAME.
/// `is_all`: the node, or the stream, has no bytes after these.
pub(super) fn parse(bytes: &[u8], base: u64, is_root: bool, is_all: bool) -> Result<Head, Stop> {
    let mut reader = Reader { bytes, base, at: 0, is_all };
    let name = if is_root { None } else { Some(reader.name()?) };
    let name_bytes = reader.at as u64;
    let mut metadata = reader.entry()?;
    let start = reader.at;
    while reader.skip_metadata()? {
        if (reader.at - start) as u64 > limits::MAX_NODE_METADATA_BYTES {
            return Err(reader.bad("more metadata than a node may have"));
        }
    }
    metadata.elements = bytes[start..reader.at].to_vec();
    let content = reader.content(metadata.mode)?;
    Ok(Head { name, metadata, content, name_bytes, bytes: reader.at as u64 })
}

impl Head {
    /// The node in the directory at `parent`; this is where its name and target are checked.
    pub(super) fn into_node(self, parent: Option<&RelPath>) -> Result<NewNode> {
        let path = match (self.name, parent) {
            (None, _) => None,
            (Some(name), None) => {
                crate::path::check_name(&name)?;
                Some(RelPath::new(&name)?)
            }
            (Some(name), Some(parent)) => Some(parent.child(&name)?),
        };
        let content = match self.content {
            Content::Directory => NewContent::Directory,
            Content::File { size } => NewContent::File { size },
            Content::Symlink { target } => {
                let reason = "the root of a tree cannot be a link";
                let link = path.as_ref().ok_or_else(|| Error::UnsafePath { name: target.clone(), reason })?;
                NewContent::Symlink { target: LinkTarget::new(link, &target)? }
            }
            Content::Device { major, minor } => NewContent::Device { major, minor },
            Content::Other => NewContent::Other,
        };
        Ok(NewNode { path, metadata: self.metadata, content })
    }

    /// Whether children and a GOODBYE follow.
    pub(super) fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory)
    }

    /// Bytes of content after the head.
    pub(super) fn payload_bytes(&self) -> u64 {
        if let Content::File { size } = self.content { size } else { 0 }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    base: u64,
    at: usize,
    is_all: bool,
}

impl<'a> Reader<'a> {
    fn bad(&self, reason: impl Into<String>) -> Stop {
        Stop::Bad(malformed(self.base + self.at as u64, reason))
    }

    // The next `count` bytes, without taking them.
    fn peek(&self, count: usize) -> Result<&'a [u8], Stop> {
        match self.bytes[self.at..].get(..count) {
            Some(bytes) => Ok(bytes),
            None if self.is_all => Err(self.bad("an element is cut short")),
            None => Err(Stop::More((self.at + count) as u64)),
        }
    }

    fn prefix(&self) -> Result<(u64, u64), Stop> {
        let prefix = self.peek(PREFIX)?;
        Ok((u64_at(prefix, 0), u64_at(prefix, 8)))
    }

    // Takes an element whose size was held against a cap, and gives its body.
    fn take(&mut self, size: u64) -> Result<&'a [u8], Stop> {
        let size = usize::try_from(size).map_err(|_| self.bad("an element is too large"))?;
        let element = self.peek(size)?;
        self.at += size;
        Ok(&element[PREFIX..])
    }

    // Takes an element that is one string of at most `max` bytes.
    fn text(&mut self, size: u64, max: usize) -> Result<String, Stop> {
        if size < PREFIX_BYTES + 2 || size > PREFIX_BYTES + max as u64 + 1 {
            return Err(self.bad(format!("a name or link target of {size} bytes")));
        }
        let at = self.at;
        let text = element::string(self.take(size)?).map_err(|reason| malformed(self.base + at as u64, reason))?;
        String::from_utf8(text.to_vec()).map_err(|_| {
            let name = String::from_utf8_lossy(text).into_owned();
            Stop::Bad(Error::UnsafePath { name, reason: "not UTF-8" })
        })
    }

    fn name(&mut self) -> Result<String, Stop> {
        match self.prefix()? {
            (size, FILENAME) => self.text(size, limits::MAX_NAME_BYTES),
            _ => Err(self.bad("no name where a node of a directory begins")),
        }
    }

    fn entry(&mut self) -> Result<NodeMetadata, Stop> {
        if self.prefix()? != (entry_bytes(), ENTRY) {
            return Err(self.bad("no entry where a node begins"));
        }
        let at = self.base + self.at as u64;
        let body = self.take(entry_bytes())?;
        let field = |number: usize| u64_at(body, number * 8);
        FeatureFlags::from_bits(field(0)).map_err(|e| malformed(at, e.to_string()))?;
        let mode = u32::try_from(field(1)).map_err(|_| malformed(at, "the mode has unknown bits"))?;
        Ok(NodeMetadata {
            flags: field(0),
            mode,
            attributes: field(2),
            uid: field(3),
            gid: field(4),
            mtime_ns: field(5),
            elements: Vec::new(),
        })
    }

    // Takes one element of metadata, if the next one is that.
    fn skip_metadata(&mut self) -> Result<bool, Stop> {
        if self.is_all && self.at == self.bytes.len() {
            return Ok(false);
        }
        let (size, kind) = self.prefix()?;
        let Some((least, most)) = metadata_bounds(kind) else { return Ok(false) };
        if size < PREFIX_BYTES + least || size > PREFIX_BYTES + most {
            return Err(self.bad(format!("an element of metadata of {size} bytes")));
        }
        let at = self.base + self.at as u64;
        check_metadata(kind, self.take(size)?).map_err(|reason| malformed(at, reason))?;
        Ok(true)
    }

    fn content(&mut self, mode: u32) -> Result<Content, Stop> {
        let expected = FileType::of(mode).ok_or_else(|| self.bad(format!("the mode {mode:#o} is of no known type")))?;
        if expected == FileType::Other {
            return Ok(Content::Other);
        }
        let (size, kind) = self.prefix()?;
        match (expected, kind) {
            (FileType::Directory, FILENAME | GOODBYE) => Ok(Content::Directory),
            (FileType::File, PAYLOAD) if size >= PREFIX_BYTES => {
                self.at += PREFIX;
                Ok(Content::File { size: size - PREFIX_BYTES })
            }
            (FileType::Symlink, SYMLINK) => Ok(Content::Symlink { target: self.text(size, limits::MAX_PATH_BYTES)? }),
            (FileType::Device, DEVICE) if size == device_bytes() => {
                let body = self.take(size)?;
                Ok(Content::Device { major: u64_at(body, 0), minor: u64_at(body, 8) })
            }
            _ => Err(self.bad(format!("element {kind:#x} does not follow an entry of mode {mode:#o}"))),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileType {
    Directory,
    File,
    Symlink,
    Device,
    Other,
}

impl FileType {
    fn of(mode: u32) -> Option<Self> {
        if mode & !0o177_777 != 0 {
            return None;
        }
        Some(match mode >> 12 {
            0o01 | 0o14 => Self::Other,
            0o02 | 0o06 => Self::Device,
            0o04 => Self::Directory,
            0o10 => Self::File,
            0o12 => Self::Symlink,
            _ => return None,
        })
    }
}

/// Checks what a listing says of a node, by the rules that [`parse`] reads with.
pub(super) fn check(node: &NewNode) -> Result<(), String> {
    let NodeMetadata { flags, mode, elements, .. } = &node.metadata;
    let kind = match node.content {
        NewContent::Directory => FileType::Directory,
        NewContent::File { .. } => FileType::File,
        NewContent::Symlink { .. } => FileType::Symlink,
        NewContent::Device { .. } => FileType::Device,
        NewContent::Other => FileType::Other,
    };
    if FileType::of(*mode) != Some(kind) {
        return Err(format!("the mode {mode:#o} does not agree with the content"));
    }
    FeatureFlags::from_bits(*flags).map_err(|e| e.to_string())?;
    if elements.len() as u64 > limits::MAX_NODE_METADATA_BYTES {
        return Err("more metadata than a node may have".into());
    }
    let mut reader = Reader { bytes: elements, base: 0, at: 0, is_all: true };
    loop {
        match reader.skip_metadata() {
            Ok(true) => {}
            Ok(false) if reader.at == elements.len() => return Ok(()),
            _ => return Err("malformed metadata elements".into()),
        }
    }
}

/// Bytes of the head of such a node.
pub(super) fn bytes_of(node: &NewNode) -> u64 {
    let name = node.path.as_ref().map_or(0, |path| filename_bytes(path.file_name()));
    let content = match &node.content {
        NewContent::Directory | NewContent::Other => 0,
        NewContent::File { .. } => PREFIX_BYTES,
        NewContent::Symlink { target } => symlink_bytes(target.as_str()),
        NewContent::Device { .. } => device_bytes(),
    };
    name + entry_bytes() + node.metadata.elements.len() as u64 + content
}

/// The bytes of a node's head.
pub(super) fn render(node: &Node) -> Vec<u8> {
    let mut out = Vec::with_capacity(160 + node.metadata.elements.len());
    if let Some(path) = &node.path {
        push_string(&mut out, FILENAME, path.file_name());
    }
    let NodeMetadata { flags, mode, attributes, uid, gid, mtime_ns, elements } = &node.metadata;
    push(&mut out, &[entry_bytes(), ENTRY, *flags, u64::from(*mode), *attributes, *uid, *gid, *mtime_ns]);
    out.extend_from_slice(elements);
    match &node.kind {
        NodeKind::Directory | NodeKind::Other => {}
        NodeKind::File { payload } => push(&mut out, &[PREFIX_BYTES + payload.end - payload.start, PAYLOAD]),
        NodeKind::Symlink { target } => push_string(&mut out, SYMLINK, target.as_str()),
        NodeKind::Device { major, minor } => push(&mut out, &[device_bytes(), DEVICE, *major, *minor]),
    }
    out
}

fn push_string(out: &mut Vec<u8>, kind: u64, text: &str) {
    push(out, &[PREFIX_BYTES + text.len() as u64 + 1, kind]);
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}
