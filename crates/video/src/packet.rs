//! What comes in and what goes out: a packet of pictures without its RTP header. What the payload means never lives here.

use core::time::Duration;

/// How pictures are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PictureCodec {
    /// VP8 (RFC 6386), in packets by RFC 7741.
    Vp8,
    /// H.264 in packets by RFC 6184, `packetization-mode=1`: single NAL units, STAP-A and FU-A.
    H264,
}

/// Whose pictures: a name that the owner of a [`Forwarder`](crate::Forwarder) gives to each stream that it may forward. One that has
/// begun anew under the same name (a new SSRC) is noticed by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceKey(pub u64);

/// One received packet of pictures; a retransmission (RTX, RFC 4588) is already the packet that it repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PicturePacket<'a> {
    /// How its payload is coded.
    pub codec: PictureCodec,
    /// Its RTP sequence number.
    pub sequence: u16,
    /// Its RTP timestamp, of 90 kHz.
    pub timestamp: u32,
    /// Whether it is the last one of its frame.
    pub marker: bool,
    /// The RTP payload, without padding.
    pub payload: &'a [u8],
    /// When it came, as what has gone by since any fixed moment.
    pub arrival: Duration,
}

/// One packet to send: its RTP payload is [`head`](Self::head) followed by [`payload`](Self::payload).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForwardedPacket<'a> {
    /// Its RTP sequence number, counted from 0; whoever sends it adds an offset of chance.
    pub sequence: u16,
    /// Its RTP timestamp, of 90 kHz, counted from 0; whoever sends it adds an offset of chance.
    pub timestamp: u32,
    /// Whether it is the last one of its frame.
    pub marker: bool,
    /// What the payload begins with, written anew: the descriptor of VP8, nothing of H.264. At most 6 bytes.
    pub head: &'a [u8],
    /// The rest of the payload, where it lies in the packet that came.
    pub payload: &'a [u8],
    /// Whether a key frame begins with it.
    pub key_frame_starts: bool,
}
