//! When one sender is asked for a key frame, whoever wants one. How it is asked (PLI, RFC 4585 section 6.3.1) never lives here.

use core::time::Duration;

/// Between two requests.
const SPACING: Duration = Duration::from_millis(500);
/// Between two requests of which the second one is urgent.
const URGENT_SPACING: Duration = Duration::from_millis(100);
/// A request without an answer is repeated after this.
const PATIENCE: Duration = Duration::from_secs(1);

/// The wishes of all who want a key frame of one sender, as few requests: at most one in 500 ms, and what is wished for meanwhile is
/// remembered. An urgent wish waits for 100 ms at most, unless it is what was just asked for. What was asked for is asked for again each
/// second until a key frame came. So a wish may be told again and again while it lasts.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyFrameRequests {
    /// Since when somebody wants one that was not asked for.
    wanted: Option<Duration>,
    urgent: bool,
    asked: Option<Asked>,
}

/// The last request.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Duration,
    urgent: bool,
    /// No key frame came since.
    open: bool,
}

impl KeyFrameRequests {
    /// Nobody wants one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Somebody wants a key frame. It is urgent where somebody sees nothing, or the wrong one, until it comes: at a switch.
    pub fn want(&mut self, now: Duration, urgent: bool) {
        self.wanted.get_or_insert(now);
        self.urgent |= urgent;
    }

    /// Whether to ask now. It counts as asked for.
    pub fn due(&mut self, now: Duration) -> bool {
        let due = self.next().is_some_and(|next| next <= now);
        if due {
            // What is repeated is as urgent as it was.
            let urgent = self.urgent || self.wanted.is_none() && self.asked.is_some_and(|asked| asked.urgent);
            *self = Self { wanted: None, urgent: false, asked: Some(Asked { at: now, urgent, open: true }) };
        }
        due
    }

    /// A key frame began at `now`: all that wanted one until then have it. Whoever missed its beginning says so again.
    pub fn came(&mut self, now: Duration) {
        if self.wanted.is_none_or(|since| since <= now) {
            self.forget();
        }
    }

    /// Nobody wants one any more.
    pub fn forget(&mut self) {
        self.wanted = None;
        self.urgent = false;
        if let Some(asked) = &mut self.asked {
            asked.open = false;
        }
    }

    /// From when on [`Self::due`] says so; `None` while nobody wants any.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        match (self.wanted, self.asked) {
            (None, Some(asked)) if asked.open => Some(asked.at.saturating_add(PATIENCE)),
            (None, _) => None,
            (Some(since), None) => Some(since),
            (Some(since), Some(asked)) => {
                let known = asked.open && asked.urgent;
                let spacing = if self.urgent && !known { URGENT_SPACING } else { SPACING };
                Some(asked.at.saturating_add(spacing).max(since))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// When it asks, looked at each millisecond until then.
    fn asked(requests: &mut KeyFrameRequests, from: u64, to: u64) -> Vec<u64> {
        (from..to).filter(|at| requests.due(ms(*at))).collect()
    }

    #[test]
    fn the_first_wish_is_asked_for_at_once_and_again_each_second_until_it_is_met() {
        let mut requests = KeyFrameRequests::new();
        assert_eq!(requests.next(), None);
        requests.want(ms(7), false);
        requests.want(ms(8), false);
        assert_eq!(requests.next(), Some(ms(7)));
        assert_eq!(asked(&mut requests, 7, 2500), [7, 1007, 2007]);
        requests.came(ms(2400));
        assert_eq!(requests.next(), None);
        assert_eq!(asked(&mut requests, 2500, 10_000), [] as [u64; 0]);
    }

    #[test]
    fn what_is_wished_for_too_soon_is_remembered() {
        let mut requests = KeyFrameRequests::new();
        requests.want(ms(0), false);
        assert!(requests.due(ms(0)));
        requests.came(ms(50));
        requests.want(ms(100), false);
        assert_eq!(requests.next(), Some(ms(500)));
        assert_eq!(asked(&mut requests, 100, 1400), [500]);
    }

    #[test]
    fn a_switch_does_not_wait_for_its_turn() {
        let mut requests = KeyFrameRequests::new();
        requests.want(ms(0), false);
        assert!(requests.due(ms(0)));
        requests.want(ms(10), false);
        requests.want(ms(20), true);
        assert_eq!(asked(&mut requests, 20, 1000), [100]);
        // But it does not ask twice for the same, however often it says so.
        let mut again = Vec::new();
        for at in 1000..2200 {
            requests.want(ms(at), true);
            again.extend(requests.due(ms(at)).then_some(at));
        }
        assert_eq!(again, [1000, 1500, 2000]);
    }

    #[test]
    fn a_key_frame_that_came_serves_all_and_the_next_switch_asks_anew() {
        let mut requests = KeyFrameRequests::new();
        requests.want(ms(0), true);
        assert!(requests.due(ms(0)));
        requests.want(ms(30), true);
        requests.came(ms(35));
        assert_eq!(requests.next(), None);
        requests.want(ms(40), true);
        assert_eq!(requests.next(), Some(ms(100)));
    }

    #[test]
    fn nothing_is_asked_for_that_nobody_wants_any_more() {
        let mut requests = KeyFrameRequests::new();
        requests.want(ms(0), false);
        requests.forget();
        assert_eq!(asked(&mut requests, 0, 2000), [] as [u64; 0]);
        requests.want(ms(2000), false);
        assert!(requests.due(ms(2000)));
        requests.forget();
        assert_eq!(requests.next(), None);
    }

    proptest! {
        /// Whatever is wished for: never two within 100 ms, never two within 500 ms unless one was urgent, and no wish is forgotten.
        #[test]
        fn requests_keep_their_distance(steps in prop::collection::vec((0_u64..400, 0_u8..4), 1..100)) {
            let mut requests = KeyFrameRequests::new();
            let (mut now, mut last, mut urgent, mut open) = (0, None, false, None);
            for (step, what) in steps {
                for _ in 0..step {
                    now += 1;
                    if requests.due(ms(now)) {
                        if let Some(last) = last {
                            let least = if urgent { 100 } else { 500 };
                            prop_assert!(now - last >= least);
                        }
                        (last, urgent) = (Some(now), false);
                        prop_assert!(open.is_some());
                        open = Some(now);
                    }
                    if let Some(since) = open {
                        prop_assert!(now - since <= 1000);
                    }
                }
                match what {
                    0 => {
                        requests.came(ms(now));
                        (open, urgent) = (None, false);
                    }
                    1 => {
                        requests.want(ms(now), true);
                        urgent = true;
                        open = open.or(Some(now));
                    }
                    _ => {
                        requests.want(ms(now), false);
                        open = open.or(Some(now));
                    }
                }
            }
        }
    }
}
