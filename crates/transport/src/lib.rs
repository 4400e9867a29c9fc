//! WebRTC sessions for a conference focus: offers in, answers out, offers where a session was lost, packets both ways.
//!
//! Here live the checks of an offer ([`Offer`]), the writing of an answer or offer, the choice of candidates, and two borders behind which
//! the way of carrying packets can be changed:
//!
//! - [`Session`]: what signalling asks of a call's transport (answer, answer again, offer, candidates, close) and what it reports
//!   ([`SessionEvent`]). It is asynchronous and may take its time.
//! - [`PacketPort`]: the packets of many calls, as the thread that mixes sees them. It waits only when it is told to, and awaits nothing.
//!
//! [`WebRtcTransport`] with [`UdpPort`] is the implementation: SDP, ICE and DTLS are those of the `webrtc` crate, a connection a call;
//! sockets, SRTP and reports are our own, one UDP port a thread ([shard](ShardId)). The two never share a packet: what is a check or a
//! handshake is the session's, what is media is the port's. Mixing, codecs and Matrix never live here.

mod candidate;
mod config;
mod packet;
mod peer;
mod random;
mod sdp;
mod session;
mod shard;

pub use confocal_rtp::NtpTime;
pub use confocal_video::{PictureCodec, PicturePacket};

pub use candidate::{CandidatePolicy, RemoteCandidate};
pub use config::{IceTimeouts, PortRange, PortRangeError, TransportConfig};
pub use packet::{
    AudioPacket, Incoming, LinkId, LinkStats, OutgoingAudio, OutgoingPicture, PacketPort, PictureStats,
    SendError, StreamKind,
};
pub use peer::{PeerSession, StartError, WebRtcTransport};
#[cfg(feature = "fuzzing")]
pub use sdp::fuzz;
pub use sdp::{
    AudioCodec, Direction, MAX_SDP_BYTES, MemoError, Offer, OfferError, PictureLine, PictureTerms, Voice,
};
pub use session::{
    AcceptError, Accepted, Answer, AnswerError, LocalOffer, OfferAgainError, OfferedSession, OpenError,
    OpenSession, RenegotiateError, Session, SessionEvent, ShardId, Transport,
};
pub use shard::{BindError, UdpPort};
