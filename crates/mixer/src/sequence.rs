//! RTP sequence numbers and timestamps without their wrap. What is done with packets out of order never lives here.

/// A jump of more than this many packets, forward or back, is another stream of the same sender: 20 s of 20 ms packets.
const JUMP_MAX: u16 = 1000;

/// Continues 16-bit sequence numbers beyond their wrap (RFC 3550 appendix A.1).
#[derive(Clone, Debug, Default)]
pub(crate) struct SequenceExtender {
    highest: Option<i64>,
    /// The number which, if it comes next, shows that an odd packet was the beginning of a new stream.
    awaited: Option<u16>,
}

/// Where a packet stands among those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the stream, at this extended number.
    At(i64),
    /// At this number of a new stream: nothing before it counts any more.
    Restart(i64),
    /// Nowhere: one odd packet doesn't make a new stream.
    Nowhere,
}

impl SequenceExtender {
    pub(crate) fn place(&mut self, sequence: u16) -> Place {
        let Some(highest) = self.highest else {
            self.highest = Some(i64::from(sequence));
            return Place::Restart(i64::from(sequence));
        };
        let step = sequence.wrapping_sub(highest as u16) as i16;
        if step.unsigned_abs() <= JUMP_MAX {
            let extended = highest + i64::from(step);
            self.highest = Some(highest.max(extended));
            self.awaited = None;
            return Place::At(extended);
        }
        if self.awaited == Some(sequence) {
            *self = Self { highest: Some(i64::from(sequence)), awaited: None };
            return Place::Restart(i64::from(sequence));
        }
        self.awaited = Some(sequence.wrapping_add(1));
        Place::Nowhere
    }
}

/// Continues a 32-bit timestamp beyond its wrap: the value nearest to `reference` that ends in `timestamp`.
pub(crate) fn extend_timestamp(reference: i64, timestamp: u32) -> i64 {
    let step = timestamp.wrapping_sub(reference as u32) as i32;
    reference + i64::from(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_continue_over_the_wrap_and_back() {
        let mut extender = SequenceExtender::default();
        assert_eq!(extender.place(65_534), Place::Restart(65_534));
        assert_eq!(extender.place(1), Place::At(65_537));
        assert_eq!(extender.place(65_535), Place::At(65_535), "reordered across the wrap");
        assert_eq!(extender.place(2), Place::At(65_538));
    }

    #[test]
    fn a_new_stream_needs_two_packets() {
        let mut extender = SequenceExtender::default();
        extender.place(10);
        assert_eq!(extender.place(30_000), Place::Nowhere);
        assert_eq!(extender.place(11), Place::At(11), "the old stream goes on");
        assert_eq!(extender.place(30_001), Place::Nowhere, "so the odd one is forgotten");
        assert_eq!(extender.place(30_002), Place::Restart(30_002));
        assert_eq!(extender.place(30_003), Place::At(30_003));
    }

    #[test]
    fn timestamps_continue_over_the_wrap_and_back() {
        let end = i64::from(u32::MAX);
        assert_eq!(extend_timestamp(end - 959, 0), end + 1);
        assert_eq!(extend_timestamp(end + 1, u32::MAX), end);
        assert_eq!(extend_timestamp(-5, 10), 10);
    }
}
