//! One line on which a caller is sent pictures: whose, and under which numbers.
//!
//! Who is chosen is decided elsewhere.

use std::time::{Duration, Instant};

use confocal_transport::{LinkId, OutgoingPicture, PacketPort, PictureCodec, PictureLine, PicturePacket};
use confocal_video::{Forwarder, SourceKey};

/// A caller's picture.
#[derive(Debug)]
pub(super) struct Viewer {
    codec: PictureCodec,
    forwarder: Forwarder,
    wanted: Option<SourceKey>,
    numbers: Numbers,
    /// Nobody is shown because the one who would be is coded in a way that this caller does not know.
    pub(super) foreign: bool,
    /// Packets of pictures that began anew with another sender.
    pub(super) switches: u64,
}

/// The numbers of a line's packets, which go on whoever makes the packets (a forwarder counts from 0 each time).
#[derive(Clone, Copy, Debug, Default)]
struct Numbers {
    sequence: u16,
    timestamp: u32,
    /// The highest that was sent, as it was sent, and when.
    highest: Option<(u16, u32, Instant)>,
    /// What comes next is counted from a new beginning.
    anew: bool,
}

/// After a beginning anew the first picture is taken to be so much later at the least, 1 ms: timestamps must differ.
const STEP: u32 = 90;

impl Numbers {
    fn of(&mut self, sequence: u16, timestamp: u32, now: Instant) -> (u16, u32) {
        if std::mem::take(&mut self.anew)
            && let Some((highest, last, at)) = self.highest
        {
            let passed = now.saturating_duration_since(at).as_millis().saturating_mul(90);
            let passed = u32::try_from(passed).unwrap_or(u32::MAX).max(STEP);
            self.sequence = highest.wrapping_add(1).wrapping_sub(sequence);
            self.timestamp = last.wrapping_add(passed).wrapping_sub(timestamp);
        }
        let sent = (sequence.wrapping_add(self.sequence), timestamp.wrapping_add(self.timestamp));
        let is_highest = |(highest, ..): (u16, u32, Instant)| sent.0.wrapping_sub(highest) as i16 > 0;
        if self.highest.is_none_or(is_highest) {
            self.highest = Some((sent.0, sent.1, now));
        }
        sent
    }
}

impl Viewer {
    pub(super) fn new(codec: PictureCodec) -> Self {
        Self {
            codec,
            forwarder: Forwarder::new(codec),
            wanted: None,
            numbers: Numbers::default(),
            foreign: false,
            switches: 0,
        }
    }

    /// How the caller wants its pictures coded from now on.
    pub(super) fn code_by(&mut self, codec: PictureCodec) {
        if codec != self.codec {
            self.codec = codec;
            self.forwarder = Forwarder::new(codec);
            self.wanted = None;
            self.numbers.anew = true;
        }
    }

    pub(super) const fn codec(&self) -> PictureCodec {
        self.codec
    }

    /// Shows somebody from their next key frame on; whether that is news, so that a key frame should be asked for.
    pub(super) fn wants(&mut self, source: Option<SourceKey>, now: Duration) -> bool {
        if self.wanted == source {
            return false;
        }
        self.wanted = source;
        self.forwarder.wants(source, now);
        self.forwarder.key_frame_wanted().is_some()
    }

    /// Whom it is to show.
    pub(super) const fn wanted(&self) -> Option<SourceKey> {
        self.wanted
    }

    /// Whom it shows.
    pub(super) fn shown(&self) -> Option<SourceKey> {
        self.forwarder.shown()
    }

    /// Packets of that sender may be of use.
    pub(super) fn looks_at(&self, source: SourceKey) -> bool {
        self.wanted == Some(source) || self.forwarder.shown() == Some(source)
    }

    /// Whose packets may be of use: whom it is to show, and whom it shows if that is another.
    pub(super) fn all_looked_at(&self) -> [Option<SourceKey>; 2] {
        let shown = self.forwarder.shown();
        [self.wanted, shown.filter(|_| shown != self.wanted)]
    }

    /// Sends a packet on, if it is of one who is shown; `plays_at` tells to which moment on the clock of our voice a timestamp of
    /// theirs belongs.
    pub(super) fn forward(
        &mut self,
        source: SourceKey,
        packet: &PicturePacket<'_>,
        plays_at: Option<Instant>,
        now: Instant,
        (port, link, line): (&mut impl PacketPort, LinkId, PictureLine),
    ) {
        let before = self.forwarder.shown();
        let Some(out) = self.forwarder.push(source, packet) else { return };
        let (sequence, timestamp) = self.numbers.of(out.sequence, out.timestamp, now);
        let packet = OutgoingPicture {
            line,
            head: out.head,
            payload: out.payload,
            sequence,
            timestamp,
            marker: out.marker,
            plays_at,
        };
        // What is not sent is counted by the port; the caller asks for it again.
        let _ = port.send_picture(link, packet);
        if before != Some(source) {
            self.switches += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_when_packets_are_counted_from_a_new_beginning() {
        let start = Instant::now();
        let mut numbers = Numbers::default();
        assert_eq!(numbers.of(0, 0, start), (0, 0));
        assert_eq!(numbers.of(2, 3_000, start), (2, 3_000));
        assert_eq!(numbers.of(1, 0, start), (1, 0), "late");
        numbers.anew = true;
        let later = start + Duration::from_millis(100);
        assert_eq!(numbers.of(0, 0, later), (3, 12_000));
        assert_eq!(numbers.of(1, 3_000, later), (4, 15_000));
        numbers.anew = true;
        assert_eq!(numbers.of(7, 500, later), (5, 15_090), "later at the least");
    }
}
