//! The packet side of calls, as the thread that mixes sees it: one port for many calls, [`PacketPort`].
//!
//! How packets are carried and protected never lives here, nor what is in a payload.

use std::fmt;
use std::task::Waker;
use std::time::{Duration, Instant};

use confocal_rtp::NtpTime;
use confocal_video::PicturePacket;

use crate::sdp::{AudioCodec, PictureLine};

/// A call on a port, numbered over the life of the transport: no number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {}", self.0)
    }
}

/// The packets of all calls of one shard. It belongs to one thread, which drives it: [`wait`](Self::wait), then
/// [`receive`](Self::receive), then [`send`](Self::send) as much as there is. Only `wait` blocks.
///
/// It has to be driven also while no call is in a mix: connections come up by it.
pub trait PacketPort: Send + 'static {
    /// Ends a [`wait`](Self::wait), from any thread.
    fn waker(&self) -> Waker;

    /// Waits until packets may have come, until someone called the waker, or for the deadline. May return early.
    fn wait(&mut self, deadline: Option<Instant>);

    /// Hands over what has arrived: each packet that was authenticated, in the order of arrival, and what callers tell of pictures.
    /// Also does what is due for the connections themselves: reports, and packets that are asked for again, both ways.
    fn receive(&mut self, take: impl FnMut(LinkId, Incoming<'_>));

    /// Sends one packet under its stream's next sequence number. It may be gathered with others: it has left with the next
    /// [`wait`](Self::wait) or [`receive`](Self::receive) at the latest.
    ///
    /// # Errors
    ///
    /// [`SendError`]: the packet was dropped.
    fn send(&mut self, link: LinkId, packet: OutgoingAudio<'_>) -> Result<(), SendError>;

    /// Sends one packet of pictures, and keeps it for a moment to send it again when the caller misses it.
    ///
    /// # Errors
    ///
    /// [`SendError`]: the packet was dropped.
    fn send_picture(&mut self, link: LinkId, packet: OutgoingPicture<'_>) -> Result<(), SendError>;

    /// Asks the caller for a key frame, at once. Nothing happens where none can be asked for.
    fn ask_key_frame(&mut self, link: LinkId, line: PictureLine);

    /// Asks the caller for at most so many bits a second of pictures on all its lines. It is told at once, and again each second.
    fn limit_pictures(&mut self, link: LinkId, bits: u64);

    /// The moment from which arrivals of pictures are counted ([`PicturePacket::arrival`]), on all links.
    fn picture_origin(&self) -> Instant;

    /// What has passed on a call; `None` for one that is not there.
    fn stats(&self, link: LinkId) -> Option<LinkStats>;
}

/// What a caller has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A packet of sound.
    Sound(AudioPacket<'a>),
    /// A packet of pictures; one that was sent again is the packet that it repeats.
    Picture(PictureLine, PicturePacket<'a>),
    /// The caller misses a picture of ours: it needs a key frame on that line (PLI, RFC 4585 section 6.3.1; FIR, RFC 5104
    /// section 4.3.1).
    KeyFrameWanted(PictureLine),
    /// What the caller thinks that it can take of our pictures (REMB).
    Estimate {
        /// In bits a second.
        bits: u64,
    },
    /// What a stream's timestamps mean on the clock that all streams of a caller share (sender report, RFC 3550 section 6.4.1).
    SenderClock {
        /// The stream.
        of: StreamKind,
        /// A timestamp of it.
        timestamp: u32,
        /// The moment of that timestamp.
        ntp: NtpTime,
    },
}

/// One of a caller's streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKind {
    /// The voice.
    Sound,
    /// Pictures on a line.
    Picture(PictureLine),
}

/// One received RTP packet (RFC 3550 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioPacket<'a> {
    /// What is in it: what was agreed on, all else is dropped.
    pub codec: AudioCodec,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp, in the codec's clock ([`AudioCodec::clock_rate`]).
    pub timestamp: u32,
    /// The first packet after a pause.
    pub marker: bool,
    /// What the sender claims as its level, in −dBov: 0 is the loudest, 127 is silence (RFC 6464).
    pub claimed_level: Option<u8>,
    /// The coded sound.
    pub payload: &'a [u8],
    /// When it arrived.
    pub arrival: Instant,
}

/// One RTP packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingAudio<'a> {
    /// The sound, coded as was agreed on.
    pub payload: &'a [u8],
    /// Counts in the codec's clock ([`AudioCodec::clock_rate`]) from a start of the sender's choosing; the port adds the random
    /// offset that RFC 3550 section 5.1 asks for.
    pub timestamp: u32,
    /// The first packet after a pause (RFC 3551 section 4.1).
    pub marker: bool,
}

/// One RTP packet of pictures to send. Its payload is `head` followed by `payload`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingPicture<'a> {
    /// The line that it goes out on.
    pub line: PictureLine,
    /// What the payload begins with.
    pub head: &'a [u8],
    /// The rest of the payload.
    pub payload: &'a [u8],
    /// Counts packets from a start of the sender's choosing; the port adds the random offset that RFC 3550 section 5.1 asks for.
    /// Packets may be sent in another order, each once.
    pub sequence: u16,
    /// Counts at 90 kHz, likewise.
    pub timestamp: u32,
    /// The last packet of its picture.
    pub marker: bool,
    /// When our sound is sent that belongs to this picture, which may be a moment ahead: clients play what is of one moment
    /// together. `None`: now.
    pub plays_at: Option<Instant>,
}

/// Why a packet was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The connection is not up yet: it has no keys, or no address to send to.
    #[error("the connection is not up yet")]
    NotReady,
    /// The connection is gone.
    #[error("the connection is closed")]
    Closed,
    /// It is larger than a datagram may be, or its keys are used up.
    #[error("the packet can't be protected")]
    Unfit,
    /// There was no room for it. What the network did not take is not told here, but counted ([`LinkStats::unsent`]).
    #[error("there is no room for the packet")]
    Full,
}

/// Packets of one call, counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Received, authenticated and handed over.
    pub received: u64,
    /// Received and dropped, because their payload type is not the one that was agreed on.
    pub foreign: u64,
    /// Received and dropped, because they were not authentic: forged, damaged, or under keys that are gone.
    pub unauthentic: u64,
    /// Received and dropped, because they had come before.
    pub replayed: u64,
    /// Reports received (RTCP, RFC 3550 section 6), compound ones as one.
    pub reports: u64,
    /// Given to the network.
    pub sent: u64,
    /// Not sent, because the network took no more.
    pub unsent: u64,
    /// What the caller says it has missed of ours lately, in 1/256 (RFC 3550 section 6.4.1); `None` before its first report.
    pub missed: Option<u8>,
    /// How many such reports on our stream have come: a new one tells news, also if it says the same.
    pub told_missed: u64,
    /// The time to the caller and back, by its last report.
    pub round_trip: Option<Duration>,
    /// How unevenly the caller's packets come (RFC 3550 section 6.4.1).
    pub jitter: Duration,
    /// Packets of the caller's voice that never came, as far as its numbering tells.
    pub lost: u64,
    /// What has passed of pictures, on both lines.
    pub pictures: PictureStats,
}

/// Packets of pictures of one call, counted since its start. They are in no other count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PictureStats {
    /// Received, authenticated and handed over, those that were sent again among them.
    pub received: u64,
    /// Those that came only when they were asked for again.
    pub recovered: u64,
    /// Asked for again.
    pub asked: u64,
    /// Given to the network, those that were sent again not among them.
    pub sent: u64,
    /// Bytes of their payloads.
    pub sent_bytes: u64,
    /// Sent again, because the caller asked for it.
    pub repeated: u64,
    /// Not sent, because the network took no more.
    pub unsent: u64,
    /// Key frames that the caller was asked for.
    pub key_frames_asked: u64,
    /// How often the caller asked for one.
    pub key_frames_wanted: u64,
    /// What the caller says it has missed of ours lately, in 1/256; `None` before its first report.
    pub missed: Option<u8>,
    /// How many such reports have come.
    pub told_missed: u64,
    /// What the caller thinks that it can take, in bits a second; `None` as long as it has not told.
    pub estimate: Option<u64>,
}

impl LinkStats {
    /// All that came from the caller and was authentic, whatever became of it.
    #[must_use]
    pub const fn arrived(&self) -> u64 {
        self.received + self.foreign + self.reports + self.pictures.received
    }
}
