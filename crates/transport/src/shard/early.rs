//! Packets that came before their keys: the caller's side of a handshake ends a moment before ours.
//!
//! Reading them never lives here.

use std::time::{Duration, Instant};

use super::wire::Path;

/// How many packets wait.
const PACKETS: usize = 32;

/// How long a packet waits. One that is older is of no use to a mix.
const PATIENCE: Duration = Duration::from_millis(200);

/// Packets waiting for keys, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Early(Vec<Waiting>);

#[derive(Debug)]
struct Waiting {
    since: Instant,
    path: Path,
    bytes: Vec<u8>,
}

impl Early {
    /// Keeps a packet, unless there are too many.
    pub(super) fn keep(&mut self, path: Path, bytes: &[u8], now: Instant) {
        self.0.retain(|waiting| now.saturating_duration_since(waiting.since) <= PATIENCE);
        if self.0.len() < PACKETS {
            self.0.push(Waiting { since: now, path, bytes: bytes.to_vec() });
        }
    }

    /// Gives out those that are still of use, and when each came.
    pub(super) fn take(&mut self, now: Instant) -> impl Iterator<Item = (Instant, Path, Vec<u8>)> + use<> {
        std::mem::take(&mut self.0)
            .into_iter()
            .filter(move |waiting| now.saturating_duration_since(waiting.since) <= PATIENCE)
            .map(|waiting| (waiting.since, waiting.path, waiting.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_wait_a_moment() {
        let path = Path { remote: "192.0.2.1:4000".parse().unwrap(), socket: 0, local: None };
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut early = Early::default();
        early.keep(path, b"stale", at(0));
        for number in 0..=PACKETS as u64 {
            early.keep(path, &number.to_be_bytes(), at(150 + number));
        }
        let taken: Vec<Vec<u8>> = early.take(at(300)).map(|(_, _, bytes)| bytes).collect();
        assert_eq!(taken.len(), PACKETS - 1, "one had gone stale, and the last ones found no room");
        assert_eq!(taken[0], 0_u64.to_be_bytes());
        assert_eq!(early.take(at(300)).count(), 0);
    }
}
