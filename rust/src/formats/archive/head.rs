//! A node's head: FILENAME, ENTRY, the metadata elements, and the element that announces the content.
//!
//! [`parse`] reads one from bytes that may be incomplete; [`render`] writes the same bytes back.

use super::element::{
    DEVICE, ENTRY, FILENAME, PAYLOAD, PREFIX_BYTES, SYMLINK, device_bytes, entry_bytes, filename_bytes, push,
    symlink_bytes,
};
use super::reader::{FileType, NodeContent, Reader, Stop};
use super::{NewContent, NewNode, Node, NodeKind, NodeMetadata};
use crate::error::{Error, Result};
use crate::formats::index::FeatureFlags;
use crate::limits;
use crate::path::{LinkTarget, RelPath};

/// A node's head as read; names are not checked yet.
#[derive(Debug)]
pub(super) struct Head {
    name: Option<String>,
    metadata: NodeMetadata,
    content: NodeContent,
    /// Bytes of the FILENAME.
    pub(super) name_bytes: u64,
    /// Bytes of the whole head.
    pub(super) bytes: u64,
}

/// Reads the head at the start of `bytes`, which is at position `base` of the stream. `is_root`: it has no FILENAME.
/// `is_all`: the node, or the stream, ends with these bytes.
pub(super) fn parse(bytes: &[u8], base: u64, is_root: bool, is_all: bool) -> Result<Head, Stop> {
    let mut reader = Reader::new(bytes, base, is_all);
    let name = if is_root { None } else { Some(reader.name()?) };
    let name_bytes = reader.at() as u64;
    let mut metadata = reader.entry()?;
    let start = reader.at();
    while reader.skip_metadata()? {
        if (reader.at() - start) as u64 > limits::MAX_NODE_METADATA_BYTES {
            return Err(reader.bad("more metadata than a node may have"));
        }
    }
    metadata.elements = bytes[start..reader.at()].to_vec();
    let content = reader.content(metadata.mode)?;
    Ok(Head { name, metadata, content, name_bytes, bytes: reader.at() as u64 })
}

impl Head {
    /// The node in the directory at `parent`. Checks its name and link target.
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
            NodeContent::Directory => NewContent::Directory,
            NodeContent::File { size } => NewContent::File { size },
            NodeContent::Symlink { target } => {
                let reason = "the root of a tree cannot be a link";
                let link = path.as_ref().ok_or_else(|| Error::UnsafePath { name: target.clone(), reason })?;
                NewContent::Symlink { target: LinkTarget::new(link, &target)? }
            }
            NodeContent::Device { major, minor } => NewContent::Device { major, minor },
            NodeContent::Other => NewContent::Other,
        };
        Ok(NewNode { path, metadata: self.metadata, content })
    }

    /// Whether children and a GOODBYE follow.
    pub(super) fn is_directory(&self) -> bool {
        matches!(self.content, NodeContent::Directory)
    }

    /// Bytes of content after the head.
    pub(super) fn payload_bytes(&self) -> u64 {
        if let NodeContent::File { size } = self.content { size } else { 0 }
    }
}

/// Checks a listed node by the same rules as [`parse`].
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
        return Err(format!("the mode {mode:#o} does not match the content"));
    }
    FeatureFlags::from_bits(*flags).map_err(|e| e.to_string())?;
    if elements.len() as u64 > limits::MAX_NODE_METADATA_BYTES {
        return Err("more metadata than a node may have".into());
    }
    let mut reader = Reader::new(elements, 0, true);
    loop {
        match reader.skip_metadata() {
            Ok(true) => {}
            Ok(false) if reader.at() == elements.len() => return Ok(()),
            _ => return Err("malformed metadata elements".into()),
        }
    }
}

/// Length of such a node's head, in bytes.
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

/// Renders a node's head.
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
