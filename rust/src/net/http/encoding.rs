//! Content codings of answers (RFC 9110, 8.4), and web pages in place of files.
//!
//! Every request asks for `identity`. Some proxies and CDNs compress nevertheless; their answers are decoded as they
//! arrive, under the limit for the plain body. Any other coding is refused by name.

use std::io::{self, Write};

use flate2::write::{MultiGzDecoder, ZlibDecoder};
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use zstd::stream::raw::{self, InBuffer, Operation, OutBuffer};
use zstd::zstd_safe::DParameter;

use super::client::Take;
use super::failure::{Failure, Retry};
use crate::error::TransportKind;

/// How much longer than its plain form an encoded body may be: data that cannot be compressed grows a little.
const OVERHEAD_BYTES: u64 = 64 << 10;

/// Most that a decoder may look back: 8 MiB, the limit for `zstd` in HTTP (RFC 9659).
const MAX_WINDOW_LOG: u32 = 23;

/// Pieces of an encoded body are decoded in parts of this size, so that a small part cannot become a large buffer.
const PART_BYTES: usize = 1 << 10;

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Deflate,
    Zstd,
}

impl Coding {
    /// The coding of an answer with these headers.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Failure> {
        let mut coding = Self::Identity;
        let values = headers.get_all(CONTENT_ENCODING).iter();
        let names = values.map(|value| value.to_str().unwrap_or("an unreadable encoding"));
        for name in names.flat_map(|value| value.split(',')).map(str::trim) {
            let found = match name.to_ascii_lowercase().as_str() {
                "" | "identity" => continue,
                "gzip" | "x-gzip" => Self::Gzip,
                "deflate" => Self::Deflate,
                "zstd" => Self::Zstd,
                _ => return Err(refused(name)),
            };
            if coding != Self::Identity {
                return Err(refused("several encodings"));
            }
            coding = found;
        }
        Ok(coding)
    }

    /// The longest encoded body for a plain one of at most `max_bytes`.
    pub(super) fn max_encoded_bytes(self, max_bytes: u64) -> u64 {
        match self {
            Self::Identity => max_bytes,
            _ => max_bytes.saturating_add(max_bytes / 1000).saturating_add(OVERHEAD_BYTES),
        }
    }
}

fn refused(name: &str) -> Failure {
    let name: String = name.chars().take(40).collect();
    let reason = format!(
        "the server, or a proxy on the way, compressed its answer with {} although that was not asked for",
        crate::text::line(&name)
    );
    Failure::new(TransportKind::Protocol, reason, Retry::Never)
}

/// Decodes one body.
pub(super) struct Decoder {
    inner: Inner,
    left: u64,
}

enum Inner {
    Identity,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Deflate(Box<ZlibDecoder<Vec<u8>>>),
    Zstd { decoder: raw::Decoder<'static>, is_complete: bool },
}

impl Decoder {
    /// A decoder of a body of at most `max_bytes` in plain.
    pub(super) fn new(coding: Coding, max_bytes: u64) -> Result<Self, Failure> {
        let inner = match coding {
            Coding::Identity => Inner::Identity,
            Coding::Gzip => Inner::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Coding::Deflate => Inner::Deflate(Box::new(ZlibDecoder::new(Vec::new()))),
            Coding::Zstd => {
                let mut decoder = raw::Decoder::new().map_err(broken)?;
                decoder.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG)).map_err(broken)?;
                Inner::Zstd { decoder, is_complete: false }
            }
        };
        Ok(Self { inner, left: max_bytes })
    }

    /// Decodes a piece of the body and passes the result on. Returns false if the plain body is too long.
    pub(super) fn feed(&mut self, piece: &[u8], take: &mut Take<'_>) -> Result<bool, Failure> {
        if let Inner::Identity = self.inner {
            return self.pass_on(piece, take);
        }
        for part in piece.chunks(PART_BYTES) {
            let plain = self.inner.decode(part).map_err(broken)?;
            if !self.pass_on(&plain, take)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The body has ended: passes on what is left, and checks that nothing is missing.
    pub(super) fn finish(mut self, take: &mut Take<'_>) -> Result<bool, Failure> {
        let rest = self.inner.finish().map_err(broken)?;
        self.pass_on(&rest, take)
    }

    fn pass_on(&mut self, plain: &[u8], take: &mut Take<'_>) -> Result<bool, Failure> {
        let Some(left) = self.left.checked_sub(plain.len() as u64) else { return Ok(false) };
        self.left = left;
        if !plain.is_empty() {
            take(plain)?;
        }
        Ok(true)
    }
}

impl Inner {
    fn decode(&mut self, part: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Identity => Ok(part.to_vec()),
            Self::Gzip(decoder) => {
                decoder.write_all(part)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(decoder) => {
                decoder.write_all(part)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Zstd { decoder, is_complete } => {
                let mut plain = Vec::new();
                let mut input = InBuffer::around(part);
                let mut buffer = [0; 16 << 10];
                loop {
                    let mut output = OutBuffer::around(&mut buffer[..]);
                    *is_complete = decoder.run(&mut input, &mut output)? == 0;
                    let count = output.pos();
                    plain.extend_from_slice(&buffer[..count]);
                    if input.pos() == part.len() && count < buffer.len() {
                        return Ok(plain);
                    }
                }
            }
        }
    }

    fn finish(&mut self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Deflate(decoder) => {
                decoder.try_finish()?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Zstd { is_complete: false, .. } => Err(io::ErrorKind::UnexpectedEof.into()),
            Self::Identity | Self::Zstd { .. } => Ok(Vec::new()),
        }
    }
}

fn broken(error: io::Error) -> Failure {
    let reason = format!("the compressed answer cannot be unpacked: {}", crate::text::system_reason(&error));
    Failure::new(TransportKind::Protocol, reason, Retry::Backoff).translated_from(error)
}

/// Whether a body is a web page. No file of a repository or a store begins like one.
pub(crate) fn is_web_page(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'!' | b'?');
    body.first() == Some(&b'<') && body.get(1).is_some_and(is_letter)
}

/// The failure that a web page in place of a file is.
pub(super) fn web_page() -> Failure {
    let reason = "it answered with a web page instead of the file. A hotel's or office's network may want you to log in \
                  first: open any page in a browser. Otherwise the address may be wrong";
    Failure::new(TransportKind::WebPage, reason, Retry::Never)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    const PLAIN: &[u8] = b"a plain body, a plain body, a plain body";

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn encoded(coding: Coding) -> Vec<u8> {
        let level = flate2::Compression::default();
        match coding {
            Coding::Identity => PLAIN.to_vec(),
            Coding::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
                encoder.write_all(PLAIN).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(PLAIN).unwrap();
                encoder.finish().unwrap()
            }
            Coding::Zstd => zstd::encode_all(PLAIN, 3).unwrap(),
        }
    }

    /// The plain body; none if it is too long.
    fn decode(coding: Coding, body: &[u8], step: usize, max_bytes: u64) -> Result<Option<Vec<u8>>, Failure> {
        let mut plain = Vec::new();
        let mut take = |piece: &[u8]| {
            plain.extend_from_slice(piece);
            Ok(())
        };
        let mut decoder = Decoder::new(coding, max_bytes)?;
        for piece in body.chunks(step) {
            if !decoder.feed(piece, &mut take)? {
                return Ok(None);
            }
        }
        Ok(decoder.finish(&mut take)?.then_some(plain))
    }

    const ALL: [Coding; 4] = [Coding::Identity, Coding::Gzip, Coding::Deflate, Coding::Zstd];

    #[test]
    fn bodies_are_decoded_however_they_arrive() {
        for coding in ALL {
            for step in [1, 7, 4096] {
                let plain = decode(coding, &encoded(coding), step, PLAIN.len() as u64).unwrap();
                assert_eq!(plain.as_deref(), Some(PLAIN), "{coding:?}");
            }
            assert_eq!(decode(coding, &encoded(coding), 7, PLAIN.len() as u64 - 1).unwrap(), None, "{coding:?}");
        }
    }

    #[test]
    fn damaged_and_truncated_bodies_are_failures() {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Zstd] {
            let whole = encoded(coding);
            assert!(decode(coding, &whole[..whole.len() - 1], 7, 1000).is_err(), "{coding:?}");
            assert!(decode(coding, b"no compression at all", 7, 1000).is_err(), "{coding:?}");
        }
    }

    #[test]
    fn bomb_is_stopped_at_the_limit() {
        let zeros = vec![0; 64 << 20];
        let body = zstd::encode_all(&zeros[..], 19).unwrap();
        assert!(body.len() < 64 << 10);
        assert_eq!(decode(Coding::Zstd, &body, 4096, 1 << 20).unwrap(), None);
    }

    #[test]
    fn codings_are_known_by_any_spelling_and_others_refused_by_name() {
        for (values, coding) in [
            (&[][..], Coding::Identity),
            (&["identity"], Coding::Identity),
            (&["GZip"], Coding::Gzip),
            (&["x-gzip"], Coding::Gzip),
            (&["identity, zstd"], Coding::Zstd),
            (&["deflate", ""], Coding::Deflate),
        ] {
            assert_eq!(Coding::of(&headers(values)).unwrap(), coding);
        }
        assert!(Coding::of(&headers(&["br"])).unwrap_err().reason.contains(" br "));
        assert!(Coding::of(&headers(&["gzip, gzip"])).is_err());
        assert!(Coding::of(&headers(&["gzip", "br"])).is_err());
    }

    #[test]
    fn web_pages_are_told_from_files() {
        for page in [
            &b"<!DOCTYPE html><html>"[..],
            b"\n\t <html lang=en>",
            b"\xef\xbb\xbf<!-- login -->",
            b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code>",
            b"<script>location=1</script>",
        ] {
            assert!(is_web_page(page));
        }
        for file in [&b"{\"signed\":{}}"[..], b"", b"<", b"< 1", b"\x28\xb5\x2f\xfd", b"0\0\0\0"] {
            assert!(!is_web_page(file));
        }
    }
}
