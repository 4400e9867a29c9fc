//! How evenly packets arrive: the quickest way through the network of late, and how far others stray from it.
//! Packets themselves never live here.

use crate::time::{Micros, samples_to_micros};

/// The quickest packet is looked for in this and the last window, so clock drift of up to 1 in 5000 stays under 2 ms.
const WINDOW_US: i64 = 5_000_000;

/// Added to the measured spread, so that a packet on time isn't a packet just in time.
const MARGIN_US: i64 = 10_000;

/// The spread is as of so many packets at the most: 10 s of 20 ms each.
const MEMORY: i64 = 512;

/// What is taken for the spread before any packet has come counts as if so many had told it.
const GUESS: i64 = 64;

/// Tracks transit times (arrival less media time, µs on an arbitrary scale) of one sender.
#[derive(Clone, Debug)]
pub(crate) struct Transit {
    quickest: Option<Quickest>,
    /// About the 98th percentile of how much later than the quickest packets come, µs.
    spread: i64,
    /// How many packets that is known by, the guess among them.
    known_by: i64,
}

#[derive(Clone, Copy, Debug)]
struct Quickest {
    since: i64,
    this_window: i64,
    last_window: i64,
}

impl Transit {
    /// `start_depth` in µs is the depth until packets have told better.
    pub(crate) const fn new(start_depth: i64) -> Self {
        Self { quickest: None, spread: start_depth - MARGIN_US, known_by: GUESS }
    }

    /// Forgets the sender's clock and keeps what is known of the network.
    pub(crate) const fn forget_clock(&mut self) {
        self.quickest = None;
    }

    /// How much later than the quickest a packet with this media time is at `arrival`, µs; `None` before the first.
    pub(crate) fn lateness(&self, timestamp: i64, arrival: Micros) -> Option<i64> {
        Some(arrival.signed() - samples_to_micros(timestamp) - self.base()?)
    }

    /// Takes a packet's timestamp (extended, 48 kHz) and arrival into account.
    pub(crate) fn note(&mut self, timestamp: i64, arrival: Micros) {
        let arrival = arrival.signed();
        let transit = arrival - samples_to_micros(timestamp);
        let quickest = self.quickest.get_or_insert(Quickest {
            since: arrival,
            this_window: transit,
            last_window: transit,
        });
        if arrival - quickest.since >= WINDOW_US {
            *quickest = Quickest { since: arrival, this_window: transit, last_window: quickest.this_window };
        }
        quickest.this_window = quickest.this_window.min(transit);
        let base = quickest.this_window.min(quickest.last_window);

        // Up in quarters, down in 512ths: it settles where about one packet in fifty is later, and a single late packet moves it
        // by a quarter of its lateness only. At first each packet counts for more, or the guess would last for half a minute.
        let late = transit - base;
        let part = if late > self.spread { 4 } else { self.known_by };
        self.spread += (late - self.spread) / part;
        self.known_by = (self.known_by + 1).min(MEMORY);
    }

    /// The depth that lets nearly all packets come in time, µs.
    pub(crate) const fn depth(&self) -> i64 {
        self.spread + MARGIN_US
    }

    /// When the sample at `timestamp` would be played at a depth of `depth` µs, on the scale of arrivals.
    pub(crate) fn due(&self, timestamp: i64, depth: i64) -> Option<i64> {
        Some(self.base()? + samples_to_micros(timestamp) + depth)
    }

    fn base(&self) -> Option<i64> {
        self.quickest.map(|quickest| quickest.this_window.min(quickest.last_window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(transit: &mut Transit, packets: u64, from: u64, late_us: impl Fn(u64) -> u64) {
        for n in from..from + packets {
            transit.note(n as i64 * 960, Micros(n * 20_000 + late_us(n)));
        }
    }

    #[test]
    fn depth_follows_jitter_up_quickly_and_down_slowly() {
        let mut transit = Transit::new(40_000);
        feed(&mut transit, 2000, 0, |_| 0);
        let calm = transit.depth();
        assert!((10_000..13_000).contains(&calm), "{calm}");
        // 0 to 80 ms in an even spread
        feed(&mut transit, 500, 2000, |n| n * 7919 % 80 * 1000);
        let rough = transit.depth();
        assert!((75_000..95_000).contains(&rough), "{rough}");
        feed(&mut transit, 50, 2500, |_| 0);
        assert!(transit.depth() > 60_000, "one second of calm is no proof: {}", transit.depth());
        feed(&mut transit, 3000, 2550, |_| 0);
        assert!(transit.depth() < 15_000, "{}", transit.depth());
    }

    #[test]
    fn the_guess_at_the_beginning_gives_way_to_what_packets_tell_within_seconds() {
        let mut calm = Transit::new(40_000);
        feed(&mut calm, 50, 0, |_| 0);
        assert!((25_000..29_000).contains(&calm.depth()), "a second: {}", calm.depth());
        feed(&mut calm, 200, 50, |_| 0);
        assert!(calm.depth() < 17_000, "five: {}", calm.depth());
        let mut rough = Transit::new(40_000);
        feed(&mut rough, 100, 0, |n| n * 7919 % 80 * 1000);
        assert!((70_000..95_000).contains(&rough.depth()), "{}", rough.depth());
    }

    #[test]
    fn a_slow_clock_is_followed() {
        let mut transit = Transit::new(40_000);
        // 200 ppm: 12 ms a minute
        feed(&mut transit, 30_000, 0, |n| n * 4);
        assert!(transit.depth() < 15_000, "{}", transit.depth());
    }
}
