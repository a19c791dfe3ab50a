//! Encodes a shortcut (`.lnk`) to a program on this machine.
//!
//! Source: Microsoft [MS-SHLLINK], Shell Link (.LNK) Binary File Format: header (2.1), link info (2.3), string
//! data (2.4), environment variable block (2.5.4). The item id list (2.2) is omitted: its items are
//! undocumented, and the shell finds the target by its path.

/// The target of a shortcut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link<'a> {
    pub(super) target: &'a str,
    /// The rest of the command line, already quoted.
    pub(super) arguments: &'a str,
    /// The working folder of the program.
    pub(super) folder: &'a str,
    pub(super) description: &'a str,
}

const CLASS_ID: [u8; 16] = [0x01, 0x14, 0x02, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];
const HAS_LINK_INFO: u32 = 0x02;
const HAS_NAME: u32 = 0x04;
const HAS_WORKING_DIRECTORY: u32 = 0x10;
const HAS_ARGUMENTS: u32 = 0x20;
const HAS_ICON_LOCATION: u32 = 0x40;
const IS_UNICODE: u32 = 0x80;
const HAS_ENVIRONMENT_BLOCK: u32 = 0x200;
const FILE_ATTRIBUTE_ARCHIVE: u32 = 0x20;
/// Start minimized: a console program opens a window that users need not see.
const SHOW_MINIMIZED: u32 = 7;
const DRIVE_FIXED: u32 = 3;
const ENVIRONMENT_BLOCK: u32 = 0xa000_0001;
const ENVIRONMENT_LETTERS: usize = 260;

impl Link<'_> {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut flags =
            HAS_LINK_INFO | HAS_NAME | HAS_WORKING_DIRECTORY | HAS_ARGUMENTS | HAS_ICON_LOCATION | IS_UNICODE;
        let environment = self.environment_block();
        if environment.is_some() {
            flags |= HAS_ENVIRONMENT_BLOCK;
        }
        let mut out = Vec::with_capacity(2048);
        words(&mut out, &[0x4c]);
        out.extend_from_slice(&CLASS_ID);
        words(&mut out, &[flags, FILE_ATTRIBUTE_ARCHIVE]);
        // Times and size of the target: unknown, and only used to search for it.
        words(&mut out, &[0; 7]);
        words(&mut out, &[0, SHOW_MINIMIZED, 0, 0, 0]);
        out.extend_from_slice(&self.link_info());
        for text in [self.description, self.folder, self.arguments, self.target] {
            let letters: Vec<u16> = text.encode_utf16().take(usize::from(u16::MAX)).collect();
            let count = u16::try_from(letters.len()).unwrap_or(u16::MAX);
            out.extend_from_slice(&count.to_le_bytes());
            out.extend(letters.iter().flat_map(|letter| letter.to_le_bytes()));
        }
        out.extend(environment.unwrap_or_default());
        words(&mut out, &[0]);
        out
    }

    fn link_info(self) -> Vec<u8> {
        const HEADER_BYTES: u32 = 0x24;
        const VOLUME_BYTES: u32 = 0x11;
        let (narrow, wide) = (narrow(self.target), wide(self.target));
        let path = HEADER_BYTES + VOLUME_BYTES;
        let suffix = path + length(&narrow);
        let wide_path = suffix + 1;
        let wide_suffix = wide_path + length(&wide);
        let mut out = Vec::new();
        words(&mut out, &[wide_suffix + 2, HEADER_BYTES, 1, HEADER_BYTES, path, 0, suffix, wide_path, wide_suffix]);
        words(&mut out, &[VOLUME_BYTES, DRIVE_FIXED, 0, 0x10]);
        out.push(0);
        out.extend_from_slice(&narrow);
        out.push(0);
        out.extend_from_slice(&wide);
        out.extend_from_slice(&[0, 0]);
        out
    }

    /// The block by which the shell finds the target without an item id list. `%` in it would be expanded.
    fn environment_block(self) -> Option<Vec<u8>> {
        let (mut narrow, mut wide) = (narrow(self.target), wide(self.target));
        if self.target.contains('%') || narrow.len() > ENVIRONMENT_LETTERS || wide.len() > 2 * ENVIRONMENT_LETTERS {
            return None;
        }
        narrow.resize(ENVIRONMENT_LETTERS, 0);
        wide.resize(2 * ENVIRONMENT_LETTERS, 0);
        let mut out = Vec::new();
        words(&mut out, &[8 + 3 * 260, ENVIRONMENT_BLOCK]);
        out.extend_from_slice(&narrow);
        out.extend_from_slice(&wide);
        Some(out)
    }
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

/// The text in characters of every code page, terminated by NUL. Only the wide form matters.
fn narrow(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(letter).ok().filter(u8::is_ascii).unwrap_or(b'?')).chain([0]).collect()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn length(bytes: &[u8]) -> u32 {
    // These are paths, far below 4 GiB.
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
