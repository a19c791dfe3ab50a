//! Pictures of news: how large they are, from the first bytes, before anybody decodes them.

use serde::{Deserialize, Serialize};

use super::{NewsId, malformed};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::formats::release::ModeName;
use crate::limits::{MAX_PICTURE_BYTES, MAX_PICTURE_SIDE};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The bit of a VP8X header that says that there are several frames.
const ANIMATED: u8 = 0x02;

/// The format of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// PNG.
    Png,
    /// WebP, without animation.
    Webp,
}

impl PictureKind {
    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Webp => "webp",
        }
    }
}

/// What the header of a picture says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// The format.
    pub kind: PictureKind,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

impl Picture {
    /// Reads the header of a picture. The rest of the bytes is not looked at.
    ///
    /// # Errors
    /// `invalid_argument` for other formats, animations, and pictures that are too large to show.
    pub fn of(bytes: &[u8]) -> Result<Self> {
        if bytes.len() as u64 > MAX_PICTURE_BYTES {
            return Err(refused(format!("it has {} bytes; at most {MAX_PICTURE_BYTES} are accepted", bytes.len())));
        }
        let (kind, size) = match (png(bytes), webp(bytes)) {
            (Some(size), _) => (PictureKind::Png, size),
            (None, Some(size)) => (PictureKind::Webp, size),
            (None, None) => return Err(refused("it is neither a PNG nor a WebP without animation".to_owned())),
        };
        let (width, height) = size;
        let range = 1..=MAX_PICTURE_SIDE;
        if !range.contains(&width) || !range.contains(&height) {
            let reason = format!("it has {width} by {height} pixels; each side may have 1 to {MAX_PICTURE_SIDE}");
            return Err(refused(reason));
        }
        Ok(Self { kind, width, height })
    }
}

fn refused(reason: String) -> Error {
    Error::invalid("picture", reason)
}

/// Width and height of a PNG. Its first chunk is IHDR, of 13 bytes.
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(PNG)?.strip_prefix(b"\0\0\0\x0dIHDR")?;
    let side = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    Some((side(0)?, side(4)?))
}

/// Width and height of a WebP: with loss (`VP8 `), without (`VP8L`), or with further chunks (`VP8X`).
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    let body = bytes.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WEBP")?;
    let (name, data) = (body.get(..4)?, body.get(8..)?);
    match name {
        b"VP8X" => {
            let side = |at: usize| {
                let [a, b, c] = data.get(at..at + 3)?.try_into().ok()?;
                Some(u32::from_le_bytes([a, b, c, 0]) + 1)
            };
            let is_still = data.first()? & ANIMATED == 0;
            is_still.then_some((side(4)?, side(7)?))
        }
        b"VP8L" => {
            let [a, b, c, d] = data.strip_prefix(b"\x2f")?.get(..4)?.try_into().ok()?;
            let bits = u32::from_le_bytes([a, b, c, d]);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8 " => {
            // A frame tag of three bytes, a start code of three, then each side with two bits of scaling.
            let sides = data.get(3..)?.strip_prefix(b"\x9d\x01\x2a")?;
            let side =
                |at: usize| Some(u32::from(u16::from_le_bytes(sides.get(at..at + 2)?.try_into().ok()?) & 0x3fff));
            Some((side(0)?, side(2)?))
        }
        _ => None,
    }
}

/// A picture, as an item of the news names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsPicture {
    path: String,
    length: u64,
    sha256: Digest,
}

impl NewsPicture {
    /// The picture with these bytes, of this item. Also returns what its header says.
    ///
    /// # Errors
    /// Those of [`Picture::of`].
    pub fn new(mode: &ModeName, id: &NewsId, bytes: &[u8]) -> Result<(Self, Picture)> {
        let picture = Picture::of(bytes)?;
        let path = format!("{}{}", folder(mode, id), picture.kind.ending());
        Ok((Self { path, length: bytes.len() as u64, sha256: Digest::of(bytes) }, picture))
    }

    /// The name of its target.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The digest of its bytes.
    pub fn digest(&self) -> Digest {
        self.sha256
    }

    /// Checks that these are its bytes, of the format that its name says.
    ///
    /// # Errors
    /// `news_malformed`.
    pub fn check(&self, bytes: &[u8]) -> Result<Picture> {
        let other = |why: &str| malformed(format!("{} {why}", self.path));
        if Digest::of(bytes) != self.sha256 {
            return Err(other("is not the picture that they name"));
        }
        let picture = Picture::of(bytes).map_err(|e| other("cannot be shown").caused_by(e))?;
        let is_named_so = self.path.rsplit('.').next() == Some(picture.kind.ending());
        if is_named_so { Ok(picture) } else { Err(other("has the ending of another format")) }
    }

    /// Why an item of this mode must not name it, if there is a reason.
    pub(super) fn fault(&self, mode: &ModeName, id: &NewsId) -> Option<String> {
        let ending = self.path.strip_prefix(&folder(mode, id));
        if !matches!(ending, Some("png" | "webp")) {
            return Some(format!("its picture is not {}png or webp", folder(mode, id)));
        }
        (self.length == 0 || self.length > MAX_PICTURE_BYTES).then(|| format!("its picture has {} bytes", self.length))
    }
}

/// The name of an item's picture, without the ending.
fn folder(mode: &ModeName, id: &NewsId) -> String {
    format!("{mode}/news/{id}.")
}
