//! WebRTC sessions for a conference focus: offers in, answers out, offers where a session was lost, packets both ways.
//!
//! Here live the checks of an offer ([`Offer`]), the writing of an answer or offer, the choice of candidates, and two borders behind which
//! the way of carrying packets can be changed:
//!
//! - [`Session`]: what signalling asks of a call's transport (answer, answer again, offer, candidates, close) and what it reports
//!   ([`SessionEvent`]). It is asynchronous and may take its time.
//! - [`AudioLink`]: the packets of one call, as the thread that mixes sees them. It never blocks and never awaits.
//!
//! [`WebRtcTransport`] is the first implementation: ICE, DTLS, SRTP and sockets are those of the `webrtc` crate, one
//! connection a call. Mixing, codecs and Matrix never live here.

mod candidate;
mod config;
mod peer;
mod port;
mod random;
mod sdp;
mod session;

pub use candidate::{CandidatePolicy, RemoteCandidate};
pub use config::{IceTimeouts, PortRange, PortRangeError, TransportConfig};
pub use peer::{PeerLink, PeerSession, WebRtcTransport};
#[cfg(feature = "fuzzing")]
pub use sdp::fuzz;
pub use sdp::{Direction, MAX_SDP_BYTES, MemoError, Offer, OfferError};
pub use session::{
    AcceptError, Accepted, Answer, AnswerError, AudioLink, AudioPacket, LinkStats, LocalOffer,
    OfferedSession, OpenError, OpenSession, RenegotiateError, SendError, Session, SessionEvent, Transport,
};
