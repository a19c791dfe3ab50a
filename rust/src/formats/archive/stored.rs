//! A layout in serialized form: its nodes without offsets, in archive order.
//!
//! Deserializing applies the same checks as any other listing, so a modified or hostile record cannot create a layout
//! that an archive could not.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Layout, NewContent, NewNode, Node, NodeKind, build};
use crate::error::Error;

#[derive(Deserialize)]
#[serde(rename = "Layout", rename_all = "snake_case")]
enum Stored {
    Blob(u64),
    Tree(Vec<NewNode>),
}

struct Tree<'a>(&'a Layout);

impl Serialize for Layout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.nodes.as_slice() {
            [Node { kind: NodeKind::File { payload }, .. }] if payload.start == 0 => {
                serializer.serialize_newtype_variant("Layout", 0, "blob", &payload.end)
            }
            _ => serializer.serialize_newtype_variant("Layout", 1, "tree", &Tree(self)),
        }
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.nodes.iter().map(stored))
    }
}

impl<'de> Deserialize<'de> for Layout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Stored::deserialize(deserializer)? {
            Stored::Blob(len) => Ok(Self::blob(len)),
            Stored::Tree(nodes) => {
                let blame = |_, reason| Error::invalid("layout", reason);
                build::in_order(nodes.len(), nodes.into_iter(), &blame).map_err(de::Error::custom)
            }
        }
    }
}

fn stored(node: &Node) -> NewNode {
    let content = match &node.kind {
        NodeKind::Directory => NewContent::Directory,
        NodeKind::File { .. } => NewContent::File { size: node.payload_bytes() },
        NodeKind::Symlink { target } => NewContent::Symlink { target: target.clone() },
        NodeKind::Device { major, minor } => NewContent::Device { major: *major, minor: *minor },
        NodeKind::Other => NewContent::Other,
    };
    NewNode { path: node.path.clone(), metadata: node.metadata.clone(), content }
}
