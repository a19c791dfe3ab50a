//! Finds where a stream is cut into chunks, so that equal content yields equal chunks at any position.
//!
//! Supports casync's buzhash chunker, bit-exact with casync and with desync from 1.0.5 on, and `FastCDC` v2020 as the
//! `fastcdc` crate implements it. Two implementations of `FastCDC` do not share chunks, so [`Chunker::description`]
//! names the version of the algorithm.
//!
//! Pure and single-threaded. A caller with several threads passes spans to [`Chunker::candidates`] and all results, in
//! order, to [`Chunker::cuts_from_candidates`]: the cuts equal those of [`Chunker::cuts`]. Does not read, hash or store
//! chunks.
//!
//! Source of the algorithm: casync `cachunker.c`; Xia et al., "The Design of Fast Content-Defined
//! Chunking for Data Deduplication Based Storage Systems", 2020.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use fastcdc::v2020;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::formats::index::ChunkSizes;

mod buzhash;
mod table;
#[cfg(test)]
mod tests;

use buzhash::{Buzhash, WINDOW};

/// Largest average for [`Algorithm::Casync`], in bytes: its formula has a pole at 9,324,556.
const MAX_CASYNC_AVG_BYTES: u64 = 8 << 20;

/// The algorithm that finds the cuts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// casync's buzhash: shares chunks with every store that casync or desync made.
    #[default]
    Casync,
    /// `FastCDC` v2020, normalisation level 1: faster, shares chunks only with itself.
    #[serde(rename = "fastcdc")]
    FastCdc,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Casync => "casync",
            Self::FastCdc => "fastcdc",
        })
    }
}

impl FromStr for Algorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "casync" => Ok(Self::Casync),
            "fastcdc" => Ok(Self::FastCdc),
            _ => Err(invalid(format!("{text:?} is neither casync nor fastcdc"))),
        }
    }
}

/// An algorithm with sizes that are valid for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunker {
    sizes: ChunkSizes,
    min: usize,
    max: usize,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Buzhash(Buzhash),
    /// casync with three equal sizes: cuts at multiples of that size, without a hash.
    Fixed,
    FastCdc,
}

impl Chunker {
    /// The chunker for these sizes.
    ///
    /// # Errors
    /// [`Error::Invalid`] for sizes that the algorithm is not defined for. casync: a minimum under 48
    /// bytes (unless all three are equal: fixed-size chunks), an average over 8 MiB. `FastCDC`: a minimum
    /// outside 64 bytes to 1 MiB, an average outside 256 bytes to 4 MiB, a maximum outside 1 KiB to
    /// 16 MiB, an odd size.
    pub fn new(algorithm: Algorithm, sizes: ChunkSizes) -> Result<Self> {
        let rule = match algorithm {
            Algorithm::Casync if sizes.min() == sizes.max() => Rule::Fixed,
            Algorithm::Casync => {
                if sizes.min() < WINDOW as u64 {
                    return Err(invalid(format!("casync needs a minimum of {WINDOW} bytes, not {}", sizes.min())));
                }
                if sizes.avg() > MAX_CASYNC_AVG_BYTES {
                    return Err(invalid(format!("casync has no averages over 8 MiB: {}", sizes.avg())));
                }
                Rule::Buzhash(Buzhash::new(discriminator(sizes)))
            }
            Algorithm::FastCdc => {
                check_fastcdc(sizes)?;
                Rule::FastCdc
            }
        };
        Ok(Self { sizes, min: in_memory(sizes.min()), max: in_memory(sizes.max()), rule })
    }

    /// The algorithm that it was made with; fixed-size chunks count as casync.
    pub fn algorithm(&self) -> Algorithm {
        match self.rule {
            Rule::Buzhash(_) | Rule::Fixed => Algorithm::Casync,
            Rule::FastCdc => Algorithm::FastCdc,
        }
    }

    /// The sizes it was made with.
    pub fn sizes(&self) -> ChunkSizes {
        self.sizes
    }

    /// Everything that determines the cuts, as release documents record it: `casync;16384/65536/262144` or
    /// `fastcdc-v2020;nc=1;16384/65536/262144`.
    pub fn description(&self) -> String {
        let name = match self.algorithm() {
            Algorithm::Casync => "casync",
            Algorithm::FastCdc => "fastcdc-v2020;nc=1",
        };
        format!("{name};{}/{}/{}", self.sizes.min(), self.sizes.avg(), self.sizes.max())
    }

    /// Cuts (ends of chunks) in `data`, which begins at the start of a chunk: ascending, never 0.
    ///
    /// Returns only cuts that no byte after `data` can move. With `is_end`, `data` is the end of the stream, and the
    /// last cut is `data.len()`. The bytes after the last cut belong to an unfinished chunk: at most the largest chunk
    /// size less 1.
    pub fn cuts(&self, data: &[u8], is_end: bool) -> Vec<usize> {
        match &self.rule {
            Rule::Buzhash(hash) => {
                self.select(data.len(), is_end, |earliest, latest| hash.find(data, earliest, latest))
            }
            Rule::Fixed => self.select(data.len(), is_end, |_, _| None),
            Rule::FastCdc => self.fastcdc_cuts(data, is_end),
        }
    }

    /// Positions where the hash alone asks for a cut, each right after a byte of `data[span]`; they do not depend on
    /// where chunks begin. Spans that cover `data` without overlap yield all candidates, in any order of scanning.
    /// About one for each average chunk on ordinary data, but in the worst case every position: 8 times the span's
    /// bytes. `None` for an algorithm without candidates.
    pub fn candidates(&self, data: &[u8], span: Range<usize>) -> Option<Vec<usize>> {
        match &self.rule {
            Rule::Buzhash(hash) => Some(hash.scan(data, span)),
            Rule::Fixed => Some(Vec::new()),
            Rule::FastCdc => None,
        }
    }

    /// The result of [`Chunker::cuts`] for data of `data_len` bytes, from all its candidates in order.
    ///
    /// Empty for an algorithm whose [`Chunker::candidates`] are `None`.
    pub fn cuts_from_candidates(&self, data_len: usize, candidates: &[usize], is_end: bool) -> Vec<usize> {
        if matches!(self.rule, Rule::FastCdc) {
            return Vec::new();
        }
        let mut ahead = candidates;
        self.select(data_len, is_end, |earliest, latest| {
            ahead = &ahead[ahead.partition_point(|&at| at < earliest)..];
            ahead.first().copied().filter(|&at| at <= latest)
        })
    }

    /// Steps from cut to cut. `first_boundary` finds the first boundary between its first and its second argument.
    fn select(
        &self,
        data_len: usize,
        is_end: bool,
        mut first_boundary: impl FnMut(usize, usize) -> Option<usize>,
    ) -> Vec<usize> {
        let mut cuts = Vec::new();
        let mut start = 0;
        while start < data_len {
            let (earliest, longest) = (start.saturating_add(self.min), start.saturating_add(self.max));
            let latest = longest.min(data_len);
            let boundary = if earliest <= latest { first_boundary(earliest, latest) } else { None };
            let Some(cut) = boundary.or((longest <= data_len || is_end).then_some(latest)) else { break };
            cuts.push(cut);
            start = cut;
        }
        cuts
    }

    fn fastcdc_cuts(&self, data: &[u8], is_end: bool) -> Vec<usize> {
        // The last chunk, if shorter than the maximum, ended only because the data did.
        v2020::FastCDC::new(data, self.min, in_memory(self.sizes.avg()), self.max)
            .map(|chunk| (chunk.offset + chunk.length, chunk.length))
            .take_while(|&(end, length)| is_end || end < data.len() || length == self.max)
            .map(|(end, _)| end)
            .collect()
    }
}

/// The `d` of casync's boundary test, fitted by its author so that chunks average `avg`.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are at most 16 MiB, and the denominator is positive up to 8 MiB"
)]
fn discriminator(sizes: ChunkSizes) -> u32 {
    let avg = sizes.avg() as f64;
    let fitted = avg / (-1.428_888_52e-7 * avg + 1.332_375_15);
    (fitted as u64).clamp(sizes.min(), sizes.max()) as u32
}

fn check_fastcdc(sizes: ChunkSizes) -> Result<()> {
    let bounds = [
        ("minimum", sizes.min(), v2020::MINIMUM_MIN..=v2020::MINIMUM_MAX),
        ("average", sizes.avg(), v2020::AVERAGE_MIN..=v2020::AVERAGE_MAX),
        ("maximum", sizes.max(), v2020::MAXIMUM_MIN..=v2020::MAXIMUM_MAX),
    ];
    for (name, bytes, allowed) in bounds {
        if !allowed.contains(&in_memory(bytes)) || bytes % 2 != 0 {
            let (low, high) = (allowed.start(), allowed.end());
            return Err(invalid(format!("FastCDC needs an even {name} of {low} to {high} bytes, not {bytes}")));
        }
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "sizes are at most limits::MAX_CHUNK_BYTES")]
fn in_memory(bytes: u64) -> usize {
    bytes as usize
}

fn invalid(reason: String) -> Error {
    Error::invalid("chunker", reason)
}
