//! Which packets of a stream are missing, and when to ask for them again (RFC 4585 section 6.2.1). What they hold is not known here,
//! nor how the question is sent.

use core::time::Duration;
use std::collections::VecDeque;

/// How many packets may be missing at a time: a picture of full size is some 200.
const MAX_MISSING: usize = 256;
/// How long a packet may be overtaken by others before it is asked for.
const FIRST_WAIT: Duration = Duration::from_millis(10);
/// Asked for again no sooner than this, however short the round trip is said to be.
const LEAST_WAIT: Duration = Duration::from_millis(20);
/// After so many questions a packet is given up.
const MAX_ASKED: u8 = 10;

/// What a packet's arrival means for what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It came in its order, or with some before it missing.
    New,
    /// It was missing.
    Recovered,
    /// It was not missed: a double, or too late to be of use.
    Old,
    /// So many are missing before it that no question would help: a key frame would. None of them counts as missing.
    TooMany,
}

/// The missing packets of one stream.
#[derive(Clone, Debug)]
pub struct Missing {
    highest: Option<u16>,
    /// In their order.
    packets: VecDeque<MissingPacket>,
}

#[derive(Clone, Copy, Debug)]
struct MissingPacket {
    sequence: u16,
    asked: u8,
    due: Duration,
}

impl Default for Missing {
    fn default() -> Self {
        Self::new()
    }
}

impl Missing {
    /// Begins with the next packet, whichever it is.
    #[must_use]
    pub fn new() -> Self {
        Self { highest: None, packets: VecDeque::with_capacity(MAX_MISSING) }
    }

    /// Takes note of a packet that came at `now`, told as what has gone by since any fixed moment.
    pub fn on_packet(&mut self, sequence: u16, now: Duration) -> Heard {
        let Some(highest) = self.highest else {
            self.highest = Some(sequence);
            return Heard::New;
        };
        let ahead = sequence.wrapping_sub(highest) as i16;
        if ahead <= 0 {
            let at = self.packets.iter().position(|packet| packet.sequence == sequence);
            return match at.and_then(|at| self.packets.remove(at)) {
                Some(_) => Heard::Recovered,
                None => Heard::Old,
            };
        }
        self.highest = Some(sequence);
        let gap = usize::from(ahead.unsigned_abs()) - 1;
        if self.packets.len() + gap > MAX_MISSING {
            self.packets.clear();
            return Heard::TooMany;
        }
        for step in 1..=gap as u16 {
            self.packets.push_back(MissingPacket {
                sequence: highest.wrapping_add(step),
                asked: 0,
                due: now.saturating_add(FIRST_WAIT),
            });
        }
        Heard::New
    }

    /// Forgets what is missing before a packet: a picture that needs nothing before it begins there.
    pub fn forget_before(&mut self, sequence: u16) {
        self.packets.retain(|packet| (packet.sequence.wrapping_sub(sequence) as i16) >= 0);
    }

    /// Writes to `out` which packets to ask for at `now`, oldest first; how many they are. They count as asked for, and come up again
    /// after a round trip if they have not come. What finds no room comes up with the next call.
    pub fn due(&mut self, now: Duration, round_trip: Duration, out: &mut [u16]) -> usize {
        let mut count = 0;
        let wait = round_trip.max(LEAST_WAIT);
        self.packets.retain_mut(|packet| {
            if packet.due > now {
                return true;
            }
            if packet.asked == MAX_ASKED {
                return false;
            }
            if let Some(place) = out.get_mut(count) {
                *place = packet.sequence;
                count += 1;
                packet.asked += 1;
                packet.due = now.saturating_add(wait);
            }
            true
        });
        count
    }

    /// How many packets are missing.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packets.len()
    }

    /// Whether none is missing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const ROUND_TRIP: Duration = Duration::from_millis(50);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn due(missing: &mut Missing, at: u64) -> Vec<u16> {
        let mut out = [0; MAX_MISSING];
        let count = missing.due(ms(at), ROUND_TRIP, &mut out);
        out[..count].to_vec()
    }

    #[test]
    fn what_is_missing_is_asked_for_after_a_moment_and_again_after_a_round_trip() {
        let mut missing = Missing::new();
        assert_eq!(missing.on_packet(65_534, ms(0)), Heard::New);
        assert_eq!(missing.on_packet(1, ms(0)), Heard::New);
        assert_eq!(due(&mut missing, 9), []);
        assert_eq!(due(&mut missing, 10), [65_535, 0]);
        assert_eq!(due(&mut missing, 59), []);
        assert_eq!(missing.on_packet(65_535, ms(59)), Heard::Recovered);
        assert_eq!(missing.on_packet(65_535, ms(59)), Heard::Old);
        assert_eq!(due(&mut missing, 60), [0]);
        assert_eq!(missing.len(), 1);
    }

    #[test]
    fn what_was_only_overtaken_is_not_asked_for() {
        let mut missing = Missing::new();
        for (sequence, heard) in [(1, Heard::New), (3, Heard::New), (2, Heard::Recovered), (4, Heard::New)] {
            assert_eq!(missing.on_packet(sequence, ms(0)), heard);
        }
        assert!(missing.is_empty());
        assert_eq!(due(&mut missing, 100), []);
    }

    #[test]
    fn after_so_many_questions_it_is_given_up() {
        let mut missing = Missing::new();
        missing.on_packet(1, ms(0));
        missing.on_packet(3, ms(0));
        let asked = (0..10_000).filter(|at| !due(&mut missing, *at).is_empty()).count();
        assert_eq!(asked, usize::from(MAX_ASKED));
        assert!(missing.is_empty());
    }

    #[test]
    fn a_round_trip_of_nothing_does_not_make_it_ask_all_the_time() {
        let mut missing = Missing::new();
        missing.on_packet(1, ms(0));
        missing.on_packet(3, ms(0));
        let mut out = [0; 4];
        let asked = (10..30).filter(|at| missing.due(ms(*at), Duration::ZERO, &mut out) > 0).count();
        assert_eq!(asked, 1);
    }

    #[test]
    fn a_leap_is_too_much_to_ask_for() {
        let mut missing = Missing::new();
        missing.on_packet(0, ms(0));
        assert_eq!(missing.on_packet(257, ms(0)), Heard::New);
        assert_eq!(missing.len(), MAX_MISSING);
        assert_eq!(missing.on_packet(259, ms(0)), Heard::TooMany);
        assert!(missing.is_empty());
        assert_eq!(missing.on_packet(261, ms(0)), Heard::New);
        assert_eq!(due(&mut missing, 10), [260]);
    }

    #[test]
    fn nothing_before_a_key_frame_is_asked_for() {
        let mut missing = Missing::new();
        missing.on_packet(65_530, ms(0));
        missing.on_packet(5, ms(0));
        missing.forget_before(2);
        assert_eq!(due(&mut missing, 10), [2, 3, 4]);
    }

    #[test]
    fn what_finds_no_room_comes_up_next() {
        let mut missing = Missing::new();
        missing.on_packet(0, ms(0));
        missing.on_packet(6, ms(0));
        let mut out = [0; 3];
        assert_eq!(missing.due(ms(10), ROUND_TRIP, &mut out), 3);
        assert_eq!(out, [1, 2, 3]);
        assert_eq!(missing.due(ms(10), ROUND_TRIP, &mut out), 2);
        assert_eq!(out[..2], [4, 5]);
    }

    proptest! {
        /// What is missing is what a set says.
        #[test]
        fn missing_is_what_did_not_come(start: u16, steps in prop::collection::vec(-30_i64..20, 1..300)) {
            let mut missing = Missing::new();
            let mut highest = i64::from(start) + 65_536;
            let mut expected = BTreeSet::new();
            missing.on_packet(start, ms(0));
            for step in steps {
                let number = highest + step;
                let heard = missing.on_packet(number as u16, ms(0));
                if number > highest {
                    expected.extend(highest + 1..number);
                    highest = number;
                    if heard == Heard::TooMany {
                        prop_assert!(expected.len() > MAX_MISSING);
                        expected.clear();
                    }
                } else {
                    let was = expected.remove(&number);
                    prop_assert_eq!(heard == Heard::Recovered, was);
                }
                prop_assert!(missing.len() <= MAX_MISSING);
            }
            let asked = due(&mut missing, 10);
            prop_assert_eq!(asked, expected.into_iter().map(|number| number as u16).collect::<Vec<_>>());
        }
    }
}
