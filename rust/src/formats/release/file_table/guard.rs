//! Stops a hostile file table before the parser allocates memory for it.
//!
//! Half a megabyte of zstd can expand to thirty million entries, or one name of a gigabyte. This reader only recognizes
//! where JSON strings and objects begin and end; the parser validates the rest.

use std::io::{self, Read};

use crate::limits;

/// Least size of an entry in the stream, in bytes: its ENTRY element.
const ENTRY_BYTES: u64 = 64;

/// Longest string as written, in bytes: the elements of a node in hexadecimal. Paths are shorter even with every
/// character escaped.
const MAX_STRING_BYTES: u64 = 2 * limits::MAX_NODE_METADATA_BYTES;

/// Limits the number of objects and the length of strings in JSON that passes through it.
pub(super) struct Guard<R> {
    inner: R,
    /// How many more objects may begin.
    objects: u64,
    in_string: bool,
    is_escaped: bool,
    /// Length of the current string, in bytes.
    bytes: u64,
}

impl<R> Guard<R> {
    /// A guard for the table of a stream of this many bytes.
    pub(super) fn new(inner: R, stream_bytes: u64) -> Self {
        let entries = (stream_bytes / ENTRY_BYTES).min(limits::MAX_ARCHIVE_ENTRIES as u64);
        // One more for the enclosing object.
        Self { inner, objects: entries + 1, in_string: false, is_escaped: false, bytes: 0 }
    }

    fn look(&mut self, byte: u8) -> io::Result<()> {
        if self.in_string {
            self.bytes += 1;
            let ends = byte == b'"' && !self.is_escaped;
            self.is_escaped = byte == b'\\' && !self.is_escaped;
            self.in_string = !ends;
            return if self.bytes > MAX_STRING_BYTES { Err(io::Error::other("a string is too long")) } else { Ok(()) };
        }
        match byte {
            b'"' => (self.in_string, self.bytes) = (true, 0),
            b'{' => {
                let left = self.objects.checked_sub(1);
                self.objects = left.ok_or_else(|| io::Error::other("it has more entries than its stream"))?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        buffer[..count].iter().try_for_each(|byte| self.look(*byte))?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], stream_bytes: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        Guard::new(text, stream_bytes).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn as_many_objects_pass_as_the_stream_has_room_for() {
        let text = br#"{"a\\":[{"b":"{{{\"{{"},{}]}"#;
        assert_eq!(read(text, 128).unwrap(), text);
        assert!(read(text, 127).is_err());
    }

    #[test]
    fn a_string_that_never_ends_is_stopped_whatever_is_in_it() {
        for part in ["a", "\\\"", "\\\\", "{"] {
            let text = format!("{{\"{}", part.repeat(3 << 20));
            assert!(read(text.as_bytes(), 1 << 40).is_err(), "{part}");
            let text = format!("{{\"{}\"}}", part.repeat((1 << 20) - 1));
            assert!(read(text.as_bytes(), 1 << 40).is_ok(), "{part}");
        }
    }
}
