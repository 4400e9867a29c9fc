//! Pictures as packets: what a payload of VP8 or H.264 says, which packets a receiver is sent, and what is asked of senders.
//!
//! - [`PicturePacket`] is a received packet; [`glance`] tells what its payload is.
//! - [`Forwarder`] makes one gapless stream of many senders' packets, for one receiver: it switches at key frames only.
//! - [`KeyFrameRequests`] says when a sender is asked for a key frame, whoever wants one.
//! - [`Assembler`] makes whole frames of packets, for decoders; [`packetise()`] makes payloads of an encoder's frames.
//! - [`TierChoice`] says which of the sizes that are encoded a receiver can take, [`SenderBitrate`] what a sender is asked to send.
//!
//! Codecs, pixels, sockets, clocks, threads, chance and logging never live here, nor RTP headers and RTCP, which are `confocal-rtp`'s.
//! Time is passed in, as what has gone by since any fixed moment, the same for all calls. No packet allocates once buffers have grown
//! to what a stream needs, and no bytes make anything panic.

mod asking;
mod assembler;
mod forwarder;
mod h264;
mod key_frames;
mod packet;
mod packetise;
mod payload;
mod tier;
mod vp8;

pub use asking::{SenderBitrate, bits_for};
pub use assembler::{Assembler, Frame, Refused};
pub use forwarder::Forwarder;
pub use key_frames::KeyFrameRequests;
pub use packet::{ForwardedPacket, PictureCodec, PicturePacket, SourceKey};
pub use packetise::{PayloadState, packetise};
pub use payload::{Glance, PayloadError, glance};
pub use tier::{Tier, TierChoice};
