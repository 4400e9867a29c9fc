//! Whether packets come from a caller at all. Counting them never lives here: counts and times are told, at any rhythm.

use std::time::Duration;

/// Nothing for so long from a caller who sends sound is a stop: also in silence a client sends a packet each 400 ms.
const SENDER_STOPPED: Duration = Duration::from_secs(5);

/// From one who only listens nothing but reports come, one in 2.5 to 7.5 seconds (RFC 3550 section 6.2): two of them may be lost.
const LISTENER_STOPPED: Duration = Duration::from_secs(20);

/// The flow of one leg's packets, from when its connection is up.
#[derive(Debug)]
pub(crate) struct Flow {
    arrived: u64,
    /// When the last packet came, or the connection.
    last: Duration,
    connected: bool,
    /// How many had come when the stop was told.
    stopped_at: Option<u64>,
}

impl Flow {
    /// Of a leg whose connection has just come up, with so many packets until then.
    pub(crate) const fn new(arrived: u64, now: Duration) -> Self {
        Self { arrived, last: now, connected: true, stopped_at: None }
    }

    /// How many packets had come at the last look.
    pub(crate) const fn arrived(&self) -> u64 {
        self.arrived
    }

    /// The connection was interrupted, or is up again. While it is interrupted no packet can come, which is told already.
    pub(crate) const fn set_connected(&mut self, connected: bool, now: Duration) {
        self.connected = connected;
        self.last = now;
    }

    /// Looks at how many packets have come until now from a caller who `sends` sound or does not, and tells whether they come
    /// if that is news. `tell` says whether it could; else it is tried again the next time.
    pub(crate) fn look(&mut self, arrived: u64, sends: bool, now: Duration, tell: impl FnOnce(bool) -> bool) {
        if arrived != self.arrived {
            self.arrived = arrived;
            self.last = now;
        }
        let patience = if sends { SENDER_STOPPED } else { LISTENER_STOPPED };
        match self.stopped_at {
            None if self.connected && now.saturating_sub(self.last) >= patience => {
                if tell(false) {
                    self.stopped_at = Some(arrived);
                }
            }
            Some(count) if count != arrived => {
                if tell(true) {
                    self.stopped_at = None;
                }
            }
            None | Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flow that is looked at each 100 ms, and what it told.
    struct Looked {
        flow: Flow,
        arrived: u64,
        sends: bool,
        millis: u64,
        told: Vec<(u64, bool)>,
    }

    impl Looked {
        fn new(sends: bool) -> Self {
            Self { flow: Flow::new(0, Duration::ZERO), arrived: 0, sends, millis: 0, told: Vec::new() }
        }

        /// Until then, with a packet each `every` ms, if any.
        fn until(&mut self, millis: u64, every: Option<u64>) {
            while self.millis < millis {
                self.millis += 100;
                if every.is_some_and(|every| self.millis.is_multiple_of(every)) {
                    self.arrived += 1;
                }
                let (now, told) = (Duration::from_millis(self.millis), &mut self.told);
                self.flow.look(self.arrived, self.sends, now, |flowing| {
                    told.push((self.millis, flowing));
                    true
                });
            }
        }

        fn connected(&mut self, connected: bool) {
            self.flow.set_connected(connected, Duration::from_millis(self.millis));
        }
    }

    #[test]
    fn a_stop_is_told_once_after_five_seconds_and_its_end_with_the_next_packet() {
        let mut looked = Looked::new(true);
        looked.until(10_000, Some(400));
        assert_eq!(looked.told, []);
        looked.until(30_000, None);
        looked.until(32_000, Some(400));
        looked.until(40_000, None);
        assert_eq!(looked.told, [(15_000, false), (30_400, true), (37_000, false)]);
    }

    #[test]
    fn one_who_never_sends_anything_is_told_of_too() {
        let mut looked = Looked::new(true);
        looked.until(6_000, None);
        assert_eq!(looked.told, [(5_000, false)]);
    }

    #[test]
    fn reports_are_enough_of_one_who_only_listens() {
        let mut looked = Looked::new(false);
        looked.until(60_000, Some(7_500));
        assert_eq!(looked.told, []);
        looked.until(90_000, None);
        assert_eq!(looked.told, [(80_000, false)]);
    }

    #[test]
    fn an_interrupted_connection_is_no_stop_and_its_return_no_packet() {
        let mut looked = Looked::new(true);
        looked.until(3_000, None);
        looked.connected(false);
        looked.until(20_000, None);
        looked.connected(true);
        looked.until(24_900, None);
        assert_eq!(looked.told, []);
        looked.until(30_000, None);
        looked.connected(false);
        looked.until(31_000, None);
        looked.connected(true);
        looked.until(32_000, None);
        assert_eq!(looked.told, [(25_000, false)]);
    }

    #[test]
    fn what_could_not_be_told_is_told_the_next_time() {
        let mut flow = Flow::new(0, Duration::ZERO);
        let at = Duration::from_secs;
        let mut told = Vec::new();
        flow.look(0, true, at(5), |_| false);
        flow.look(0, true, at(6), |flowing| {
            told.push(flowing);
            true
        });
        flow.look(1, true, at(7), |_| false);
        flow.look(1, true, at(8), |flowing| {
            told.push(flowing);
            true
        });
        assert_eq!(told, [false, true]);
    }
}
