//! What a receiver was sent so far, and with which numbers a source goes on. Whose packets they were never lives here.

use core::time::Duration;

use super::numbers::NumberedVp8;

/// So many sequence numbers back it is known which were sent.
pub(super) const WINDOW: usize = 1024;

/// Between a sender's last frame and the next one's first there is what has passed, but 1 ms at the least, as timestamps must differ. More
/// would let the clock run ahead by what was added, with each change.
const STEP: u32 = 90;

/// Ticks of the timestamps' clock in a time, three hours at most: half of all timestamps would look like going back.
pub(super) fn ticks(time: Duration) -> u32 {
    u32::try_from(time.as_micros() * 9 / 100).unwrap_or(u32::MAX).min(1 << 30)
}

/// The newest of each number that was sent.
#[derive(Clone, Debug)]
pub(super) struct SentSoFar {
    sequence: Option<i64>,
    /// The newest packet was the last one of its frame.
    whole: bool,
    /// A bit for each of the last sequence numbers.
    window: [u64; WINDOW / 64],
    timestamp: u32,
    /// When the first packet of that timestamp came.
    since: Duration,
    picture_id: Option<i64>,
    tl0: Option<u8>,
    key_index: Option<u8>,
}

/// The numbers with which the next source begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    pub(super) sequence: i64,
    pub(super) timestamp: u32,
    pub(super) picture_id: i64,
    pub(super) tl0: u8,
    pub(super) key_index: u8,
}

/// What of a packet counts here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted<'a> {
    pub(super) sequence: i64,
    pub(super) timestamp: u32,
    pub(super) marker: bool,
    /// Nothing but padding.
    pub(super) empty: bool,
    pub(super) arrival: Duration,
    pub(super) vp8: Option<&'a NumberedVp8>,
}

impl SentSoFar {
    pub(super) fn new() -> Self {
        Self {
            sequence: None,
            whole: true,
            window: [0; WINDOW / 64],
            timestamp: 0,
            since: Duration::ZERO,
            picture_id: None,
            tl0: None,
            key_index: None,
        }
    }

    /// What a source begins with whose first packet comes at `now`.
    pub(super) fn next(&self, now: Duration) -> Next {
        let Some(sequence) = self.sequence else {
            return Next { sequence: 0, timestamp: 0, picture_id: 0, tl0: 0, key_index: 0 };
        };
        let elapsed = ticks(now.saturating_sub(self.since)).max(STEP);
        Next {
            sequence: sequence + if self.whole { 1 } else { 2 },
            timestamp: self.timestamp.wrapping_add(elapsed),
            picture_id: self.picture_id.map_or(0, |newest| newest + 1),
            tl0: self.tl0.map_or(0, |newest| newest.wrapping_add(1)),
            key_index: self.key_index.map_or(0, |newest| newest.wrapping_add(1)),
        }
    }

    /// Whether this number was not sent yet and still may be.
    pub(super) fn is_new(&self, sequence: i64) -> bool {
        match self.sequence {
            Some(newest) if sequence <= newest => {
                let (word, bit) = place(sequence);
                newest - sequence < WINDOW as i64 && self.window[word] & bit == 0
            }
            _ => true,
        }
    }

    pub(super) fn note(&mut self, packet: &Noted<'_>) {
        let (word, bit) = place(packet.sequence);
        let newest = self.sequence.unwrap_or(packet.sequence - 1);
        if packet.sequence > newest {
            if packet.sequence - newest >= WINDOW as i64 {
                self.window.fill(0);
            } else {
                for between in newest + 1..packet.sequence {
                    let (word, bit) = place(between);
                    self.window[word] &= !bit;
                }
            }
            if self.sequence.is_none() {
                self.since = packet.arrival;
            }
            self.sequence = Some(packet.sequence);
            self.whole = packet.marker || packet.empty && self.whole;
        }
        self.window[word] |= bit;
        if packet.timestamp.wrapping_sub(self.timestamp) as i32 > 0 {
            self.timestamp = packet.timestamp;
            self.since = packet.arrival;
        }
        let Some(vp8) = packet.vp8 else { return };
        if let Some(id) = vp8.picture_id {
            self.picture_id = Some(self.picture_id.map_or(id, |newest| newest.max(id)));
        }
        if let Some(tl0) = vp8.descriptor.tl0 {
            self.tl0 = Some(match self.tl0 {
                Some(newest) if (tl0.wrapping_sub(newest) as i8) < 0 => newest,
                _ => tl0,
            });
        }
        if let Some(key) = vp8.descriptor.key_index {
            self.key_index = Some(match self.key_index {
                Some(newest) if key.wrapping_sub(newest) & 0x1F >= 16 => newest,
                _ => key,
            });
        }
    }
}

/// Where the bit of a number is.
fn place(sequence: i64) -> (usize, u64) {
    let at = sequence.rem_euclid(WINDOW as i64) as usize;
    (at / 64, 1 << (at % 64))
}
