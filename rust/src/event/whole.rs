//! How much of an operation is done, over all of its phases, as one number that never goes back.

use super::Phase;

/// The part of what is left that reading files takes, where something is built afterwards.
const READING: f64 = 0.1;
/// The same for a comparison that a repair follows, if it finds damage.
const COMPARING: f64 = 0.5;

/// Follows one operation. Which phases are still to come is not known, so each takes its part of what is left.
#[derive(Debug, Default)]
pub struct Whole {
    phase: Option<Phase>,
    /// Of the phase.
    done_bytes: u64,
    /// At the beginning of the phase.
    before: f64,
    now: f64,
}

impl Whole {
    /// How much of all is done, from 0 to 1, now that this `part` of the phase is, with so many bytes of its content.
    /// `is_last_verify`: nothing follows a comparison.
    pub fn reach(&mut self, phase: Phase, done_bytes: u64, part: f64, is_last_verify: bool) -> f64 {
        let part = part.clamp(0.0, 1.0);
        // The same phase may come twice, such as for each version.
        if self.phase != Some(phase) || done_bytes < self.done_bytes {
            self.before = self.now;
        }
        (self.phase, self.done_bytes) = (Some(phase), done_bytes);
        let share = match phase {
            Phase::ScanSeed | Phase::ReadLayout => READING,
            Phase::Verify if !is_last_verify => COMPARING,
            _ => 1.0,
        };
        self.now = self.now.max(self.before + (1.0 - self.before) * share * part).min(1.0);
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9, "{found}, not {wanted}");
    }

    #[test]
    fn an_update_goes_from_nothing_to_all() {
        let mut whole = Whole::default();
        near(whole.reach(Phase::ScanSeed, 0, 0.0, false), 0.0);
        near(whole.reach(Phase::ScanSeed, 9, 1.0, false), 0.1);
        near(whole.reach(Phase::Assemble, 0, 0.0, false), 0.1);
        near(whole.reach(Phase::Assemble, 5, 0.5, false), 0.55);
        near(whole.reach(Phase::Assemble, 9, 1.0, false), 1.0);
        near(Whole::default().reach(Phase::Assemble, 5, 0.5, false), 0.5);
    }

    #[test]
    fn a_comparison_is_all_of_a_verification_and_a_part_of_a_repair() {
        near(Whole::default().reach(Phase::Verify, 9, 1.0, true), 1.0);
        let mut whole = Whole::default();
        near(whole.reach(Phase::Verify, 9, 1.0, false), 0.5);
        near(whole.reach(Phase::Verify, 0, 0.0, false), 0.5);
        near(whole.reach(Phase::Verify, 9, 1.0, false), 0.75);
        near(whole.reach(Phase::Assemble, 9, 1.0, false), 1.0);
    }

    #[test]
    fn it_never_goes_back_nor_beyond_the_end() {
        let mut whole = Whole::default();
        near(whole.reach(Phase::Assemble, 6, 0.6, false), 0.6);
        // The estimate of the download has grown.
        near(whole.reach(Phase::Assemble, 6, 0.5, false), 0.6);
        near(whole.reach(Phase::Assemble, 7, 7.0, false), 1.0);
        near(whole.reach(Phase::Assemble, 0, 0.1, false), 1.0);
    }
}
