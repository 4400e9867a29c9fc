//! The two borders of a call's transport: [`Session`] for signalling, [`AudioLink`] for packets, and who makes them.
//!
//! How packets are carried never lives here.

use std::future::Future;
use std::time::Instant;

use bytes::Bytes;

use crate::candidate::RemoteCandidate;
use crate::sdp::{Direction, MemoError, OfferError};

/// Makes sessions.
pub trait Transport: Send + Sync + 'static {
    /// The signalling side of a call.
    type Session: Session;
    /// The packet side of a call.
    type Link: AudioLink;

    /// Sets up the transport of one call and answers an offer, an SDP (RFC 8866). The packet side may be used from then on; what
    /// is sent before the connection is up may be dropped. `memo` is that of the session whose place it takes, if that was lost:
    /// the caller then goes on with the stream that it knows.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when no transport could be set up; nothing of it is left then.
    fn open(
        &self,
        offer: &str,
        memo: Option<&str>,
    ) -> impl Future<Output = Result<OpenSession<Self::Session, Self::Link>, OpenError>> + Send;

    /// Sets up the transport of a call whose session was lost, as `memo` remembers it, and makes an offer that goes on with it:
    /// with a certificate and ICE credentials of its own, on the same lines. [`Session::accept`] takes the answer.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    fn offer(
        &self,
        memo: &str,
    ) -> impl Future<Output = Result<OfferedSession<Self::Session, Self::Link>, OpenError>> + Send;
}

/// A call's transport that was just set up.
#[derive(Debug)]
pub struct OpenSession<S, L> {
    /// The signalling side.
    pub session: S,
    /// The packet side.
    pub link: L,
    /// The answer to the first offer.
    pub answer: Answer,
}

/// A call's transport that was just set up, and waits for the caller's answer.
#[derive(Debug)]
pub struct OfferedSession<S, L> {
    /// The signalling side.
    pub session: S,
    /// The packet side.
    pub link: L,
    /// Our offer.
    pub offer: LocalOffer,
}

/// The transport of one call, as signalling sees it. Dropping it without [`Session::close`] leaves the clean-up to time-outs.
pub trait Session: Send + 'static {
    /// Answers a further offer of the same call: hold, resume, ICE restart, more media.
    ///
    /// # Errors
    ///
    /// [`RenegotiateError`]; the session goes on as it was.
    fn renegotiate(&mut self, offer: &str) -> impl Future<Output = Result<Answer, RenegotiateError>> + Send;

    /// Takes the caller's answer to the offer that the session was made with.
    ///
    /// # Errors
    ///
    /// [`AcceptError`]; nothing will connect then.
    fn accept(&mut self, answer: &str) -> impl Future<Output = Result<Accepted, AcceptError>> + Send;

    /// Takes candidates of the caller. Those that can't be used (end marks, TCP, `.local` names, addresses that the policy
    /// refuses, another media line's) are passed over.
    fn add_candidates(&mut self, candidates: &[RemoteCandidate]) -> impl Future<Output = ()> + Send;

    /// The next change of the connection; `None` after it was closed.
    fn next_event(&mut self) -> impl Future<Output = Option<SessionEvent>> + Send;

    /// Closes the connection and frees its port.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// A change of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// ICE and DTLS are up, for the first time or again.
    Up,
    /// Nothing has been heard for a time; it may come back.
    Lost,
    /// It will not come back.
    Failed,
}

/// An answer, complete with all candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The SDP (RFC 8866).
    pub sdp: String,
    /// The id of the one stream that it announces: the first token of `a=msid` (RFC 8830). The same over a session's life.
    pub stream_id: String,
    /// What flows from now on, as we see it.
    pub direction: Direction,
    /// The caller has put the call on hold (<https://spec.matrix.org/v1.15/client-server-api/#mcallnegotiate>; RFC 3264
    /// section 8.4): it listens no more, though it did before, or nothing flows at all.
    pub held: bool,
    /// The caller sends pictures, on a line that this answer takes.
    pub pictures: bool,
    /// What is to be kept to set up another session in place of this one, should it be lost: for [`Transport::offer`]. Replaces
    /// what was to be kept before.
    pub memo: String,
}

/// An offer of ours, complete with all candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalOffer {
    /// The SDP (RFC 8866).
    pub sdp: String,
    /// As [`Answer::stream_id`].
    pub stream_id: String,
    /// As [`Answer::memo`].
    pub memo: String,
}

/// What the caller's answer to our offer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// What flows from now on, as we see it.
    pub direction: Direction,
    /// As [`Answer::held`].
    pub held: bool,
}

/// Why no transport was set up.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The offer is one that can't be answered.
    #[error("the offer can't be answered")]
    Offer(#[from] OfferError),
    /// Every port of the configured range is in use.
    #[error("every port of the configured range is in use")]
    NoPort,
    /// No socket could be bound.
    #[error("no connection could be made")]
    Connection(#[source] webrtc::error::Error),
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers")]
    Random(#[from] getrandom::Error),
    /// The memo of the lost session is not one of ours.
    #[error(transparent)]
    Memo(#[from] MemoError),
    /// The first offer was not answered, or ours could not be made.
    #[error("the session could not be described")]
    Answer(#[from] AnswerError),
}

/// Why a further offer was not answered.
#[derive(Debug, thiserror::Error)]
pub enum RenegotiateError {
    /// The offer is one that can't be answered.
    #[error("the offer can't be answered")]
    Offer(#[from] OfferError),
    /// An offer of ours is not answered yet: a collision, which only a new session resolves.
    #[error("our own offer is not answered yet")]
    Offering,
    /// It was not answered although it could be read.
    #[error("the offer was not answered")]
    Answer(#[from] AnswerError),
}

/// Why an answer to an offer of ours is not taken.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// There is no offer of ours that is not answered yet.
    #[error("there is no offer to answer")]
    Unasked,
    /// It can't be read, or changes what an answer may not.
    #[error("the answer can't be taken")]
    Answer(#[from] OfferError),
    /// The WebRTC stack did not take the description that was made from it.
    #[error("the description was not taken")]
    NotTaken(#[source] webrtc::error::Error),
}

/// Why an offer was not answered although it could be read, or none was made.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The WebRTC stack did not take the description that was made from the offer.
    #[error("the description was not taken")]
    NotTaken(#[source] webrtc::error::Error),
    /// The WebRTC stack's own description lacks a part that an answer needs.
    #[error("the local description lacks {0}")]
    Incomplete(&'static str),
    /// There is no address at which the caller could reach us.
    #[error("no candidate was found")]
    NoCandidate,
}

/// The packets of one call, for the thread that mixes. Nothing in it blocks or awaits.
///
/// A packet path of our own (SRTP on a shared port, driven by the mixing thread itself) is meant to fit here.
pub trait AudioLink: Send + 'static {
    /// The next packet that was received and authenticated, in the order of arrival.
    fn receive(&mut self) -> Option<AudioPacket>;

    /// Sends one packet under the next sequence number. `timestamp` counts samples at 48 kHz (RFC 7587 section 4.1) from a
    /// start of the caller's choosing; the link adds the random offset that RFC 3550 section 5.1 asks for. `marker` is set on
    /// the first packet after a pause (RFC 3551 section 4.1).
    ///
    /// # Errors
    ///
    /// [`SendError`]: the packet was dropped.
    fn send(&mut self, payload: &Bytes, timestamp: u32, marker: bool) -> Result<(), SendError>;

    /// What has passed.
    fn stats(&self) -> LinkStats;
}

/// One received RTP packet (RFC 3550 section 5.1) with Opus in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioPacket {
    /// The payload type, as the offer numbered it.
    pub payload_type: u8,
    /// The sequence number.
    pub sequence: u16,
    /// The timestamp, in samples at 48 kHz.
    pub timestamp: u32,
    /// The first packet after a pause.
    pub marker: bool,
    /// What the sender claims as its level, in −dBov: 0 is the loudest, 127 is silence (RFC 6464).
    pub claimed_level: Option<u8>,
    /// The Opus packet.
    pub payload: Bytes,
    /// When it arrived.
    pub arrival: Instant,
}

/// Why a packet was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The queue to the network is full.
    #[error("the queue to the network is full")]
    Full,
    /// The connection is gone.
    #[error("the connection is closed")]
    Closed,
}

/// Packets of one call, counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Received and queued for the mixer.
    pub received: u64,
    /// Received and dropped, because the mixer did not take them in time.
    pub overrun: u64,
    /// Received and dropped, because their payload type is not the one that was agreed on.
    pub foreign: u64,
    /// Reports received (RTCP, RFC 3550 section 6), compound ones as one.
    pub reports: u64,
    /// Given to the network.
    pub sent: u64,
    /// Not sent, because the queue to the network was full.
    pub unsent: u64,
}

impl LinkStats {
    /// All that came from the caller, whatever became of it.
    #[must_use]
    pub const fn arrived(&self) -> u64 {
        self.received + self.overrun + self.foreign + self.reports
    }
}
