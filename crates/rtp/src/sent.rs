//! The packets of a stream that were sent last, to send one again that a receiver misses (RFC 4585 section 6.2.1). They are kept as
//! they were before protection; who misses what is not known here.

use core::time::Duration;

/// Sent again to one receiver no sooner than this, however short the round trip is said to be: who asks must not be able to make us
/// send much by saying little.
const LEAST_WAIT: Duration = Duration::from_millis(10);
/// No packet is sent again more often.
const MAX_REPEATS: u8 = 10;

/// How many packets are kept, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentConfig {
    /// How many: rounded up to a power of two, 32,768 at most.
    pub packets: usize,
    /// The most bytes of one; longer ones are not kept.
    pub packet_bytes: usize,
    /// How long: what is older is of no use to who plays it.
    pub age: Duration,
}

impl Default for SentConfig {
    /// 512 packets of 1200 bytes, half a second: video of some megabits a second.
    fn default() -> Self {
        Self { packets: 512, packet_bytes: 1200, age: Duration::from_millis(500) }
    }
}

/// The packets of one stream that were sent last. All memory is taken when it is made.
#[derive(Clone, Debug)]
pub struct Sent {
    config: SentConfig,
    slots: Box<[Option<Slot>]>,
    bytes: Box<[u8]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    sequence: u16,
    len: usize,
    sent: Duration,
    repeated: Option<Duration>,
    repeats: u8,
}

impl Sent {
    /// Begins with nothing.
    #[must_use]
    pub fn new(config: SentConfig) -> Self {
        // A power of two goes into the 65,536 sequence numbers, so that a place means the same after a wrap.
        let packets = config.packets.clamp(1, 1 << 15).next_power_of_two();
        let config = SentConfig { packets, ..config };
        Self {
            config,
            slots: vec![None; packets].into_boxed_slice(),
            bytes: vec![0; packets * config.packet_bytes].into_boxed_slice(),
        }
    }

    /// Keeps a packet that is sent at `now`, told as what has gone by since any fixed moment, in place of the one that was kept
    /// for longest; whether it is kept: not if it is longer than [`SentConfig::packet_bytes`].
    pub fn keep(&mut self, sequence: u16, packet: &[u8], now: Duration) -> bool {
        let at = self.place(sequence);
        let Some(place) =
            self.bytes[at * self.config.packet_bytes..][..self.config.packet_bytes].get_mut(..packet.len())
        else {
            self.slots[at] = None;
            return false;
        };
        place.copy_from_slice(packet);
        self.slots[at] = Some(Slot { sequence, len: packet.len(), sent: now, repeated: None, repeats: 0 });
        true
    }

    /// The packet of this sequence number, to be sent again at `now`; `None` if it is not kept any more, was sent again within a round
    /// trip, or too often.
    pub fn again(&mut self, sequence: u16, now: Duration, round_trip: Duration) -> Option<&[u8]> {
        let at = self.place(sequence);
        let slot = self.slots[at].as_mut().filter(|slot| slot.sequence == sequence)?;
        let wait = round_trip.max(LEAST_WAIT);
        if now.saturating_sub(slot.sent) > self.config.age
            || slot.repeats == MAX_REPEATS
            || slot.repeated.is_some_and(|repeated| now.saturating_sub(repeated) < wait)
        {
            return None;
        }
        slot.repeated = Some(now);
        slot.repeats += 1;
        let len = slot.len;
        Some(&self.bytes[at * self.config.packet_bytes..][..len])
    }

    const fn place(&self, sequence: u16) -> usize {
        sequence as usize & (self.config.packets - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: Duration = Duration::from_millis(50);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn sent() -> Sent {
        Sent::new(SentConfig { packets: 100, packet_bytes: 20, age: ms(500) })
    }

    #[test]
    fn a_packet_is_sent_again_as_it_was() {
        let mut sent = sent();
        for n in 0..100_u16 {
            assert!(sent.keep(65_500_u16.wrapping_add(n), &[n as u8; 20][..usize::from(n % 20)], ms(0)));
        }
        for n in 0..100_u16 {
            let again = sent.again(65_500_u16.wrapping_add(n), ms(100), ROUND_TRIP);
            assert_eq!(again, Some(&[n as u8; 20][..usize::from(n % 20)]));
        }
    }

    #[test]
    fn what_is_not_there_is_not_sent() {
        let mut sent = sent();
        assert_eq!(sent.again(5, ms(0), ROUND_TRIP), None);
        sent.keep(5, b"five", ms(0));
        assert_eq!(sent.again(5 + 128, ms(0), ROUND_TRIP), None, "another one of its place");
        sent.keep(5 + 128, b"later", ms(0));
        assert_eq!(sent.again(5, ms(0), ROUND_TRIP), None, "its place was taken");
        assert!(!sent.keep(5 + 128, &[0; 21], ms(0)));
        assert_eq!(sent.again(5 + 128, ms(0), ROUND_TRIP), None, "the number now means one that is too long");
    }

    #[test]
    fn it_is_not_sent_again_within_a_round_trip() {
        let mut sent = sent();
        sent.keep(5, b"five", ms(0));
        assert!(sent.again(5, ms(1), ROUND_TRIP).is_some());
        assert!(sent.again(5, ms(50), ROUND_TRIP).is_none());
        assert!(sent.again(5, ms(51), ROUND_TRIP).is_some());
        // Whoever says that the round trip takes no time waits all the same.
        assert!(sent.again(5, ms(60), Duration::ZERO).is_none());
        assert!(sent.again(5, ms(61), Duration::ZERO).is_some());
    }

    #[test]
    fn it_is_not_sent_too_often_nor_too_late() {
        let mut sent = sent();
        sent.keep(5, b"five", ms(0));
        let times = (0..500).filter(|at| sent.again(5, ms(*at), Duration::ZERO).is_some()).count();
        assert_eq!(times, usize::from(MAX_REPEATS));
        sent.keep(6, b"six", ms(0));
        assert!(sent.again(6, ms(501), ROUND_TRIP).is_none());
        assert!(sent.again(6, ms(500), ROUND_TRIP).is_some());
    }
}
