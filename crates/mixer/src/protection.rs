//! Whether a listener's line counts as lossy, by its own reports. What is done about it is decided elsewhere.

use crate::profile::Protection;

/// From so much loss on, smoothed, a line is lossy: 3 in a hundred, in 1/256.
const LOSSY_FROM: f32 = 0.03 * 256.0;

/// And below so much it is clean again: 1 in a hundred.
const CLEAN_BELOW: f32 = 0.01 * 256.0;

/// Watches the reports of one receiver.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LossWatch {
    /// The smoothed fraction lost, in 1/256.
    lost: f32,
    protection: Protection,
}

impl LossWatch {
    /// Takes a report's fraction lost, in 1/256 (RFC 3550 section 6.4.1), into account. Up at once by half, down by an eighth:
    /// with a report in 5 s a line that was bad is clean after about a minute.
    pub(crate) fn note(&mut self, fraction_lost: u8) -> Protection {
        let lost = f32::from(fraction_lost);
        self.lost += (lost - self.lost) * if lost > self.lost { 0.5 } else { 0.125 };
        if self.lost >= LOSSY_FROM {
            self.protection = Protection::Lossy;
        } else if self.lost < CLEAN_BELOW {
            self.protection = Protection::Clean;
        }
        self.protection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_lossy_soon_and_clean_late() {
        let mut watch = LossWatch::default();
        assert_eq!(watch.note(5), Protection::Clean, "2 in a hundred");
        assert_eq!(watch.note(26), Protection::Lossy, "10 in a hundred");
        let reports = (1..).find(|_| watch.note(0) == Protection::Clean).unwrap();
        assert!((10..=20).contains(&reports), "{reports}");
        for _ in 0..50 {
            assert_eq!(watch.note(5), Protection::Clean, "what lies between changes nothing");
        }
        watch.note(255);
        for _ in 0..50 {
            assert_eq!(watch.note(5), Protection::Lossy);
        }
    }
}
