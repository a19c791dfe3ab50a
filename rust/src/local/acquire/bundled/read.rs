//! The thread that reads: one request for sections that are close together.

use std::ops::Range;
use std::sync::atomic::Ordering;

use crossbeam_channel::Sender;

use super::part::Part;
use super::{BundleOffer, Task, Work};
use crate::error::{Error, Result};
use crate::event::{Event, Phase};
use crate::formats::bundle::Section;
use crate::local::sources::Transfer;

impl<'a> Work<'a> {
    pub(super) fn read_all(&self, task: Task<'a>, sender: &Sender<Part<'a>>) -> Transfer {
        let mut transfer = Transfer::default();
        let places: Vec<(Range<u64>, &Section)> = task.offer.places().collect();
        for sections in &task.step.reads {
            match self.read(task.offer, &places, sections, sender, &mut transfer) {
                Err(_) if self.is_over() => return transfer,
                Err(error) => {
                    self.monitor.warn(&error);
                    return transfer;
                }
                Ok(()) => {}
            }
        }
        transfer
    }

    fn read(
        &self,
        offer: &'a BundleOffer,
        places: &[(Range<u64>, &'a Section)],
        sections: &[usize],
        sender: &Sender<Part<'a>>,
        transfer: &mut Transfer,
    ) -> Result<()> {
        let mut run: Vec<Part<'a>> = Vec::new();
        for number in sections {
            let Some(place) = places.get(*number) else { continue };
            let mut part = Part::open(self.bundled, offer, *number, place);
            part.wanted_bytes = self.wanted_bytes(offer, part.section);
            // Bytes that an earlier run received are not requested again.
            if !part.bytes.is_empty() || run.last().is_some_and(Part::is_complete) {
                transfer.add(self.read_run(offer, std::mem::take(&mut run), sender)?);
            }
            run.push(part);
        }
        transfer.add(self.read_run(offer, run, sender)?);
        Ok(())
    }

    fn wanted_bytes(&self, offer: &BundleOffer, section: &Section) -> u64 {
        let chunks = section.positions().filter_map(|at| offer.to.index.get(at));
        chunks.filter_map(|chunk| self.wanted.get(&chunk.id)).sum()
    }

    /// Reads sections with one request; only the first may already have some bytes.
    fn read_run(&self, offer: &BundleOffer, run: Vec<Part<'a>>, sender: &Sender<Part<'a>>) -> Result<Transfer> {
        let range = match (run.first(), run.last()) {
            (Some(first), Some(last)) => first.next()..last.place.end,
            _ => return Ok(Transfer::default()),
        };
        let mut at = range.start;
        let mut rest = run.into_iter();
        let mut current = rest.next();
        // If the receiver is gone, its own error is reported elsewhere.
        let pass = |part: Part<'a>| sender.send(part).map_err(|_| Error::Cancelled);
        if range.is_empty() {
            return current.map_or(Ok(()), pass).map(|()| Transfer::default());
        }
        let mut take = |mut piece: &[u8]| {
            self.monitor.emit(Event::Received { bytes: piece.len() as u64 });
            while let (Some(part), false) = (&mut current, piece.is_empty()) {
                let used = part.take(at, piece);
                at += used as u64;
                piece = &piece[used..];
                // Keeps the progress moving during a long section.
                self.monitor.emit(Event::Advanced { phase: Phase::Assemble, bytes: part.tell() });
                if part.is_complete() {
                    current.take().map_or(Ok(()), pass)?;
                    current = rest.next();
                }
            }
            if self.stop.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
        };
        let outcome = offer.file.read(range, &mut take, self.monitor);
        if let Some(part) = &mut current {
            part.leave();
        }
        outcome
    }
}
