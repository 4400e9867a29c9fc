//! One stream for one receiver, made of the packets of whoever is shown. Who that is is decided elsewhere, and so is when a key frame
//! is asked for.
//!
//! Numbers are counted anew (sequence numbers, timestamps, and of VP8 picture id, `TL0PICIDX`, `KEYIDX`), by an offset that belongs to the
//! source and is chosen at its key frame: what is lost of a source is missing in what is sent, too, and comes to its place if it comes late.
//! After a switch nothing of the former source is sent any more. The receiver then sees a stream that goes on without a gap; where the
//! former source's last frame was cut short by the switch, one sequence number is left out, so that nobody takes it for whole.
//!
//! A source is taken for one that has begun anew, and waits for a key frame, when its sequence numbers leap; when only its timestamps or
//! picture ids do, they go on from there by another offset ([`Timeline`]). A packet of padding only, as senders use to probe the way,
//! keeps its place as one without a payload: left out, it would be missed. Where a source has no picture ids its packets have none: to
//! make them up one would have to know how many frames a gap has swallowed.

mod numbers;
mod sent;

use core::time::Duration;

use numbers::{Timeline, signed};
use sent::{Noted, SentSoFar};

use crate::vp8::{self, MAX_DESCRIPTOR};
use crate::{ForwardedPacket, PictureCodec, PicturePacket, SourceKey, h264};

/// A packet further ahead than this belongs to a stream that began anew: ten seconds of 2.5 Mbit/s (RFC 3550 appendix A.1,
/// `MAX_DROPOUT`).
const MAX_AHEAD: i64 = 3000;
/// One further back than this may not be known as sent already. So is one of a stream that began anew.
const MAX_BEHIND: i64 = sent::WINDOW as i64 - 1;
/// So many packets in a row that fit nowhere are a stream that began anew, and not some that were long on the way.
const STRAYS: u8 = 3;

/// So many streams are remembered that were left: a key frame of theirs that comes again, or very late, is nothing to begin with.
const LEFT: usize = 8;

/// The stream of one receiver. It begins, and passes from one source to another, only at the first packet of a key frame.
#[derive(Clone, Debug)]
pub struct Forwarder {
    codec: PictureCodec,
    wanted: Option<SourceKey>,
    waiting_since: Option<Duration>,
    /// The newest packet that came of who is wanted and not shown yet.
    heard: Option<Heard>,
    /// Where streams were left, or leapt.
    left: Left,
    stream: Option<Stream>,
    sent: SentSoFar,
    /// Whose parameter sets the receiver has, of H.264.
    sets_of: Option<SourceKey>,
    head: [u8; MAX_DESCRIPTOR],
    refused: u64,
}

/// Streams, each by its newest packet, and the place of the next one.
type Left = ([Option<(SourceKey, Heard)>; LEFT], usize);

/// The newest packet of a stream.
#[derive(Clone, Copy, Debug)]
struct Heard {
    sequence: u16,
    timestamp: u32,
    marker: bool,
}

/// The source that is shown.
#[derive(Clone, Copy, Debug)]
struct Stream {
    source: SourceKey,
    /// Its sequence numbers, extended: of the first packet that was sent, and of the newest.
    first: i64,
    newest: i64,
    /// From its sequence numbers to those that are sent.
    offset: i64,
    timeline: Timeline,
    /// What came before the timeline, if that began within the stream.
    before: Option<Timeline>,
    /// The timestamp of the key frame that began last, as it came.
    key_frame: u32,
    /// The key frame at which it began has shown no slice yet: of H.264 it begins with parameter sets, which don't prove it.
    unproved: bool,
    /// Packets in a row that fit nowhere.
    strays: u8,
    /// Nothing can be sent of it before a key frame.
    broken: bool,
}

/// What the payload of a packet is to the forwarder.
struct Look<'a> {
    vp8: Option<vp8::Payload<'a>>,
    h264: h264::Contents,
}

impl Forwarder {
    /// Shows nobody. Sequence numbers and timestamps begin with 0.
    #[must_use]
    pub fn new(codec: PictureCodec) -> Self {
        Self {
            codec,
            wanted: None,
            waiting_since: None,
            heard: None,
            left: ([None; LEFT], 0),
            stream: None,
            sent: SentSoFar::new(),
            sets_of: None,
            head: [0; MAX_DESCRIPTOR],
            refused: 0,
        }
    }

    /// Whom it is to show from their next key frame on; whoever is shown now goes on until then. `None` shows nobody, at once.
    pub fn wants(&mut self, source: Option<SourceKey>, now: Duration) {
        if source.is_none() {
            self.leave();
            self.stream = None;
        }
        if self.wanted != source {
            self.wanted = source;
            self.heard = None;
            self.waiting_since = self.key_frame_wanted().map(|_| now);
        }
    }

    /// The packet to send for one that came, if any.
    pub fn push<'a>(
        &'a mut self,
        source: SourceKey,
        packet: &PicturePacket<'a>,
    ) -> Option<ForwardedPacket<'a>> {
        let waited_for = self.key_frame_wanted() == Some(source);
        let shown = self.shown() == Some(source);
        if !waited_for && !shown {
            return None;
        }
        let Some(look) = Look::at(self.codec, packet) else {
            self.refused += 1;
            return None;
        };
        if waited_for {
            let sets_known = self.sets_of == Some(source) && self.ends_before(packet.sequence);
            if self.hear(source, packet) && look.key_frame_starts(sets_known) {
                self.switch(source, packet, &look);
            }
        }
        let sequence = self.place(source, packet, &look);
        if sequence.is_none() && self.shown() == Some(source) {
            self.refused += 1;
        }
        self.send(packet, &look, sequence?)
    }

    /// Whose key frame is waited for.
    #[must_use]
    pub fn key_frame_wanted(&self) -> Option<SourceKey> {
        let goes_on =
            |wanted| self.stream.as_ref().is_some_and(|stream| stream.source == wanted && !stream.broken);
        self.wanted.filter(|wanted| !goes_on(*wanted))
    }

    /// Since when it waits for that, while it does.
    #[must_use]
    pub fn waiting_since(&self) -> Option<Duration> {
        self.waiting_since.filter(|_| self.key_frame_wanted().is_some())
    }

    /// Who is shown.
    #[must_use]
    pub fn shown(&self) -> Option<SourceKey> {
        self.stream.as_ref().map(|stream| stream.source)
    }

    /// A timestamp of the shown source and the one that was sent in its place, for sender reports: both go on at the same rate. `None`
    /// while nobody is shown.
    #[must_use]
    pub fn clock(&self) -> Option<(u32, u32)> {
        self.stream.as_ref().map(|stream| stream.timeline.clock())
    }

    /// How many packets of who was shown were not sent: unreadable, doubles, too late, or after a leap and before the next key frame.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes note of a packet of who is waited for; whether none that is newer came before. If one did, packets of its frame were not
    /// sent, and nothing can begin here.
    fn hear(&mut self, source: SourceKey, packet: &PicturePacket<'_>) -> bool {
        let newer = !self.is_old(source, packet) && !self.heard.is_some_and(|heard| heard.overtook(packet));
        if newer {
            self.heard = Some(Heard::of(packet));
        }
        newer
    }

    /// Whether a packet is of a stream that was left.
    fn is_old(&self, source: SourceKey, packet: &PicturePacket<'_>) -> bool {
        self.left.0.iter().flatten().any(|(left, heard)| *left == source && heard.overtook(packet))
    }

    /// Whether what came before a packet is known to be another frame's: then no parameter sets are missing that might be new.
    fn ends_before(&self, sequence: u16) -> bool {
        self.heard.is_some_and(|heard| heard.marker && heard.sequence.wrapping_add(1) == sequence)
    }

    /// Goes on with a key frame of this source.
    fn switch(&mut self, source: SourceKey, packet: &PicturePacket<'_>, look: &Look<'_>) {
        self.leave();
        let next = self.sent.next(packet.arrival);
        let first = i64::from(packet.sequence);
        self.stream = Some(Stream {
            source,
            first,
            newest: first,
            offset: next.sequence - first,
            timeline: Timeline::new(first, packet, next),
            before: None,
            key_frame: packet.timestamp,
            unproved: look.h264.sps && !look.h264.idr,
            strays: 0,
            broken: false,
        });
        self.heard = None;
        self.waiting_since = None;
    }

    /// The place of a packet in the source that is shown; none if it is not sent.
    fn place(&mut self, source: SourceKey, packet: &PicturePacket<'_>, look: &Look<'_>) -> Option<i64> {
        let stream = self.stream.as_ref().filter(|stream| stream.source == source && !stream.broken)?;
        let ahead = signed(packet.sequence, stream.newest);
        let fits = stream.fits(ahead, packet.timestamp);
        if !fits && self.is_old(source, packet) {
            return None;
        }
        let stream = self.stream.as_mut()?;
        if !fits {
            stream.strays += 1;
            let begins = look.key_frame_starts(false);
            if stream.strays >= STRAYS || begins {
                self.break_off(packet);
            }
            if !begins || self.wanted != Some(source) {
                return None;
            }
            self.switch(source, packet, look);
            return Some(i64::from(packet.sequence));
        }
        stream.strays = 0;
        let sequence = stream.newest + ahead;
        if sequence < stream.first || !self.sent.is_new(sequence + stream.offset) {
            return None;
        }
        if stream.unproved && packet.timestamp == stream.key_frame {
            stream.unproved = !look.h264.idr;
            if look.h264.slice {
                // There were parameter sets before a picture that is no key frame.
                self.break_off(packet);
                return None;
            }
        }
        if ahead > 0 {
            if let Some(leap) = stream.timeline.leaps(packet, look.vp8.as_ref()) {
                if leap.timestamps && ahead > 1 && !look.key_frame_starts(true) {
                    // Neither number goes on: that is another stream.
                    self.break_off(packet);
                    return None;
                }
                let next = self.sent.next(packet.arrival);
                remember(&mut self.left, stream);
                stream.before = Some(stream.timeline);
                stream.timeline = stream.timeline.after(leap, sequence, packet, next);
            }
            stream.newest = sequence;
        }
        Some(sequence)
    }

    /// Waits for a key frame of who is shown, which can't go on with this packet.
    fn break_off(&mut self, packet: &PicturePacket<'_>) {
        self.leave();
        if let Some(stream) = &mut self.stream {
            stream.broken = true;
            if self.wanted == Some(stream.source) {
                self.heard = Some(Heard::of(packet));
                self.waiting_since = Some(packet.arrival);
            }
        }
    }

    /// Remembers how far the stream went.
    fn leave(&mut self) {
        if let Some(stream) = &self.stream {
            remember(&mut self.left, stream);
        }
    }

    /// Numbers a packet, by its place in its source.
    fn send<'a>(
        &'a mut self,
        packet: &PicturePacket<'a>,
        look: &Look<'a>,
        sequence: i64,
    ) -> Option<ForwardedPacket<'a>> {
        let stream = self.stream.as_mut()?;
        let timeline = match &mut stream.before {
            Some(before) if !stream.timeline.has(sequence, packet.timestamp, before) => before,
            _ => &mut stream.timeline,
        };
        let timestamp = timeline.timestamp(packet.timestamp);
        // Of H.264 both the parameter sets and the first slice look like a beginning.
        let again = look.vp8.is_none() && packet.timestamp == stream.key_frame && sequence != stream.first;
        let key_frame_starts = look.key_frame_starts(true) && !again;
        if key_frame_starts {
            stream.key_frame = packet.timestamp;
        }
        if look.h264.sps {
            self.sets_of = Some(stream.source);
        }
        let vp8 = look.vp8.as_ref().map(|vp8| timeline.number(&vp8.descriptor));
        let len = vp8.as_ref().map_or(0, |vp8| vp8.descriptor.write(&mut self.head));
        let sequence = sequence + stream.offset;
        self.sent.note(&Noted {
            sequence,
            timestamp,
            marker: packet.marker,
            empty: packet.payload.is_empty(),
            arrival: packet.arrival,
            vp8: vp8.as_ref(),
        });
        Some(ForwardedPacket {
            sequence: sequence as u16,
            timestamp,
            marker: packet.marker,
            head: &self.head[..len],
            payload: look.vp8.as_ref().map_or(packet.payload, |vp8| vp8.data),
            key_frame_starts,
        })
    }
}

fn remember(left: &mut Left, stream: &Stream) {
    let (timestamp, _) = stream.timeline.clock();
    let heard = Heard { sequence: stream.newest as u16, timestamp, marker: false };
    let (places, next) = left;
    places[*next] = Some((stream.source, heard));
    *next = (*next + 1) % LEFT;
}

impl Heard {
    fn of(packet: &PicturePacket<'_>) -> Self {
        Self { sequence: packet.sequence, timestamp: packet.timestamp, marker: packet.marker }
    }

    /// Whether a packet is of the same stream, and not newer.
    fn overtook(&self, packet: &PicturePacket<'_>) -> bool {
        let ahead = i64::from(packet.sequence.wrapping_sub(self.sequence) as i16);
        (-MAX_BEHIND..=0).contains(&ahead) && numbers::are_near(packet.timestamp, self.timestamp)
    }
}

impl Stream {
    /// Whether a packet can be of this stream, by its numbers: how far it is ahead of the newest one, and its timestamp if it is late.
    fn fits(&self, ahead: i64, timestamp: u32) -> bool {
        let in_time =
            || self.timeline.fits(timestamp) || self.before.is_some_and(|before| before.fits(timestamp));
        (1..=MAX_AHEAD).contains(&ahead) || (-MAX_BEHIND..=0).contains(&ahead) && in_time()
    }
}

impl<'a> Look<'a> {
    /// `None` of what can't be read. Nothing but padding (an empty payload) can: it has a sequence number, which must not be missed.
    fn at(codec: PictureCodec, packet: &PicturePacket<'a>) -> Option<Self> {
        if packet.codec != codec {
            return None;
        }
        let mut look = Self { vp8: None, h264: h264::Contents::default() };
        match codec {
            _ if packet.payload.is_empty() => {}
            PictureCodec::Vp8 => look.vp8 = Some(vp8::Payload::read(packet.payload).ok()?),
            PictureCodec::H264 => look.h264 = h264::Payload::read(packet.payload).ok()?.1,
        }
        Some(look)
    }

    /// Whether a key frame begins with it that a receiver can read, who has the parameter sets of its source or has not.
    fn key_frame_starts(&self, has_sets: bool) -> bool {
        match &self.vp8 {
            Some(vp8) => vp8.key_frame.is_some(),
            None => self.h264.sps || has_sets && self.h264.idr_starts,
        }
    }
}
