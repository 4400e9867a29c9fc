//! Packets to whole frames, as decoders take them. What a frame shows never lives here, nor who asks for what is missing.

mod held;
mod joined;

use core::time::Duration;

use held::{Held, Packets, SLOTS};
use joined::{Joined, Picture};
use thiserror::Error;

use crate::{PayloadError, PictureCodec, PicturePacket};

/// How long a missing packet is waited for: a question and its answer over a long way, and once again.
const WAIT: Duration = Duration::from_millis(300);
/// The most bytes of one packet.
const MAX_PAYLOAD: usize = 2048;
/// The most bytes of a frame: two seconds of 2 Mbit/s.
const MAX_FRAME: usize = 512 * 1024;
/// So many packets in a row that are far too late are a stream that began anew.
const STRAYS: u8 = 3;

/// Why a packet was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refused {
    /// Another codec than the assembler's.
    #[error("a packet of another codec")]
    Codec,
    /// Its payload can't be taken.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// What it belongs to was given out, or given up, before; or it came already.
    #[error("a packet that comes too late")]
    Late,
    /// It is longer than 2048 bytes, which is more than a datagram that reaches anybody.
    #[error("a packet that is too long")]
    TooLong,
}

/// A whole frame: of VP8 as RFC 6386 has it, of H.264 an access unit with start codes (Annex B).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What a decoder is given.
    pub data: &'a [u8],
    /// The RTP timestamp, of 90 kHz.
    pub timestamp: u32,
    /// Whether nothing before it is needed. Of H.264 it then has its parameter sets, also where the sender has told them only once.
    pub key_frame: bool,
    /// Width and height in pixels of a key frame.
    pub size: Option<(u16, u16)>,
}

/// Makes frames of the packets of one sender, in whatever order they come. Each frame that it gives out can be decoded: a key frame, or
/// one before which nothing is missing since the last key frame. What is missing is waited for; a whole key frame ends the waiting, as
/// nothing before it is needed.
///
/// It holds 512 packets at the most, and a frame of more than 512 kB is given up.
#[derive(Clone, Debug)]
pub struct Assembler {
    codec: PictureCodec,
    wait: Duration,
    packets: Packets,
    /// The extended sequence number with which the next frame begins; unknown before a key frame.
    next: Option<i64>,
    /// That one is to be a key frame.
    begins: bool,
    /// What is older is of no use any more.
    floor: i64,
    strays: u8,
    wanted: bool,
    joined: Joined,
}

impl Assembler {
    /// Begins with the next key frame; waits 300 ms for what is missing.
    #[must_use]
    pub fn new(codec: PictureCodec) -> Self {
        Self::with_wait(codec, WAIT)
    }

    /// Begins with the next key frame; waits for what is missing at most as long as that.
    #[must_use]
    pub fn with_wait(codec: PictureCodec, wait: Duration) -> Self {
        Self {
            codec,
            wait,
            packets: Packets::new(),
            next: None,
            begins: true,
            floor: i64::MIN,
            strays: 0,
            wanted: true,
            joined: Joined::new(),
        }
    }

    /// Takes a packet. Ask [`Self::poll`] afterwards until it has no frame: one packet may complete several.
    ///
    /// # Errors
    ///
    /// [`Refused`] when it is not taken.
    pub fn push(&mut self, packet: &PicturePacket<'_>) -> Result<(), Refused> {
        if packet.codec != self.codec {
            return Err(Refused::Codec);
        }
        if packet.payload.len() > MAX_PAYLOAD {
            return Err(Refused::TooLong);
        }
        let (held, bytes) = Held::read(packet)?;
        let sequence = self.place(packet.sequence)?;
        if sequence < self.floor || self.packets.has(sequence) {
            return Err(Refused::Late);
        }
        if self.next.is_some_and(|next| sequence - next >= SLOTS as i64) {
            self.give_up();
        }
        if held.contents.sps || held.contents.pps {
            self.joined.keep_sets(packet.payload, held.size);
        }
        self.packets.put(sequence, held, bytes);
        Ok(())
    }

    /// The next whole frame, if there is one by now; what is missing for too long is given up here.
    pub fn poll(&mut self, now: Duration) -> Option<Frame<'_>> {
        let found = self.advance(now);
        self.wanted = self.next.is_none() && !self.packets.key_frame_coming(now, self.wait);
        let (timestamp, picture) = found?;
        Some(Frame { data: self.joined.frame(), timestamp, key_frame: picture.key_frame, size: picture.size })
    }

    /// Whether no frame comes before a key frame of which nothing is there yet: at the beginning, and after a loss. As [`Self::poll`]
    /// found it last.
    #[must_use]
    pub fn key_frame_wanted(&self) -> bool {
        self.wanted
    }

    /// The extended sequence number of a packet.
    fn place(&mut self, sequence: u16) -> Result<i64, Refused> {
        let Some(newest) = self.packets.newest() else {
            return Ok(i64::from(sequence));
        };
        let ahead = i64::from(sequence.wrapping_sub(newest as u16) as i16);
        if ahead <= -(SLOTS as i64) {
            self.strays += 1;
            if self.strays < STRAYS {
                return Err(Refused::Late);
            }
        }
        self.strays = 0;
        if ahead.unsigned_abs() >= SLOTS as u64 {
            // A stream that began anew, or one of which as much is missing.
            self.packets.clear();
            self.next = None;
            self.floor = i64::MIN;
        }
        Ok(newest + ahead)
    }

    /// Makes the next frame, if it can be made; its timestamp, and what it is.
    fn advance(&mut self, now: Duration) -> Option<(u32, Picture)> {
        loop {
            let Some(next) = self.next else {
                let key_frame = self.packets.key_frame(self.joined.has_sets())?;
                self.begin(key_frame);
                continue;
            };
            if self.packets.take_empty(next) {
                self.next = Some(next + 1);
                self.floor = next + 1;
                continue;
            }
            match self.packets.extent(next) {
                Extent::Whole(end) => {
                    let joined = self.joined.join(self.codec, &self.packets, next..=end);
                    let timestamp = self.packets.timestamp(next).unwrap_or(0);
                    for sequence in next..=end {
                        self.packets.drop(sequence);
                    }
                    self.next = Some(end + 1);
                    self.floor = end + 1;
                    match joined {
                        // Something else than its beginning looked like.
                        Some(picture) if picture.shows && self.begins && !picture.key_frame => {
                            self.next = None
                        }
                        Some(picture) if picture.shows => {
                            self.begins = false;
                            return Some((timestamp, picture));
                        }
                        // Parameter sets alone: they are kept.
                        Some(_) => {}
                        None => self.next = None,
                    }
                }
                Extent::CutShort => self.give_up(),
                Extent::Missing(missing) => {
                    if let Some(key_frame) = self.packets.key_frame(self.joined.has_sets()) {
                        self.begin(key_frame);
                    } else if self.packets.overdue(missing, now, self.wait) {
                        self.give_up();
                    } else {
                        return None;
                    }
                }
            }
        }
    }

    /// Goes on with a key frame, and needs nothing that came before it.
    fn begin(&mut self, key_frame: i64) {
        self.packets.drop_before(key_frame);
        self.next = Some(key_frame);
        self.begins = true;
        self.floor = key_frame;
    }

    /// Waits for a key frame: the frame that is next will never be whole.
    fn give_up(&mut self) {
        if let Some(next) = self.next.take() {
            self.packets.drop(next);
            self.floor = next + 1;
        }
    }
}

/// How far a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// All of it is there, up to this packet.
    Whole(i64),
    /// This packet is missing.
    Missing(i64),
    /// Another frame begins before it has ended, or it has no beginning.
    CutShort,
}
