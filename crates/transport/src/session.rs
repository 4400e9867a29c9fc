//! A call's transport as signalling sees it, [`Session`], and who makes it. Packets never live here.

use std::future::Future;

use crate::candidate::RemoteCandidate;
use crate::packet::{LinkId, PacketPort};
use crate::sdp::{Direction, MemoError, OfferError, PictureTerms, Voice};

/// Makes sessions.
pub trait Transport: Send + Sync + 'static {
    /// The signalling side of a call.
    type Session: Session;
    /// The packet side of many calls.
    type Port: PacketPort;

    /// Sets up the transport of one call on a shard, for as long as it lives, and answers an offer, an SDP (RFC 8866). `memo` is that of the session whose place it takes, if that was lost:
    /// the caller then goes on with the stream that it knows.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when no transport could be set up; nothing of it is left then.
    fn open(
        &self,
        shard: ShardId,
        offer: &str,
        memo: Option<&str>,
    ) -> impl Future<Output = Result<OpenSession<Self::Session>, OpenError>> + Send;

    /// Sets up the transport of a call whose session was lost, as `memo` remembers it, and makes an offer that goes on with it:
    /// with a certificate and ICE credentials of its own, on the same lines. [`Session::accept`] takes the answer.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    fn offer(
        &self,
        shard: ShardId,
        memo: &str,
    ) -> impl Future<Output = Result<OfferedSession<Self::Session>, OpenError>> + Send;
}

/// One of a transport's shards, by the place of its port among those that the transport was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardId(pub usize);

/// A call's transport that was just set up.
#[derive(Debug)]
pub struct OpenSession<S> {
    /// The signalling side.
    pub session: S,
    /// Its packets' place on the shard's port.
    pub link: LinkId,
    /// The answer to the first offer.
    pub answer: Answer,
}

/// A call's transport that was just set up, and waits for the caller's answer.
#[derive(Debug)]
pub struct OfferedSession<S> {
    /// The signalling side.
    pub session: S,
    /// Its packets' place on the shard's port.
    pub link: LinkId,
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

    /// Offers a change of our own while the call goes on: with `screen`, a line on which a screen of ours is shown, a new one if
    /// there is none; without, that line with nothing of ours on it. [`accept`](Self::accept) takes the answer; an offer of the
    /// caller that comes first takes its place (<https://spec.matrix.org/v1.15/client-server-api/#mcallnegotiate>: the callee
    /// gives in).
    ///
    /// # Errors
    ///
    /// [`OfferAgainError`]; the session goes on as it was.
    fn offer_again(
        &mut self,
        screen: bool,
    ) -> impl Future<Output = Result<LocalOffer, OfferAgainError>> + Send;

    /// Takes the caller's answer to our last offer.
    ///
    /// # Errors
    ///
    /// [`AcceptError`]; after the offer that the session was made with nothing will connect then.
    fn accept(&mut self, answer: &str) -> impl Future<Output = Result<Accepted, AcceptError>> + Send;

    /// Takes candidates of the caller. Those that can't be used (end marks, TCP, `.local` names, addresses that the policy
    /// refuses, another media line's) are passed over.
    fn add_candidates(&mut self, candidates: &[RemoteCandidate]) -> impl Future<Output = ()> + Send;

    /// The next change of the connection; `None` after it was closed.
    fn next_event(&mut self) -> impl Future<Output = Option<SessionEvent>> + Send;

    /// Closes the connection; its link is gone from the port then.
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
    /// The id of the stream with our voice: the first token of `a=msid` (RFC 8830). The same over a session's life.
    pub stream_id: String,
    /// How sound is coded, both ways.
    pub voice: Voice,
    /// What flows from now on, as we see it.
    pub direction: Direction,
    /// The caller has put the call on hold (<https://spec.matrix.org/v1.15/client-server-api/#mcallnegotiate>; RFC 3264
    /// section 8.4): it listens no more, though it did before, or nothing flows at all.
    pub held: bool,
    /// What was agreed on the lines for pictures, in the order of [`PictureLine::ALL`](crate::PictureLine::ALL).
    pub pictures: [Option<PictureTerms>; 2],
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
    /// How sound was coded, which the answer has to keep.
    pub voice: Voice,
    /// What is offered on the lines for pictures; what the caller sends on them only its answer says.
    pub pictures: [Option<PictureTerms>; 2],
    /// As [`Answer::memo`].
    pub memo: String,
}

/// What the caller's answer to our offer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// As [`Answer::voice`].
    pub voice: Voice,
    /// What flows from now on, as we see it.
    pub direction: Direction,
    /// As [`Answer::held`].
    pub held: bool,
    /// As [`Answer::pictures`].
    pub pictures: [Option<PictureTerms>; 2],
    /// As [`Answer::memo`].
    pub memo: String,
}

/// Why no transport was set up.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The offer is one that can't be answered.
    #[error("the offer can't be answered")]
    Offer(#[from] OfferError),
    /// The transport has no such shard.
    #[error("there is no such shard")]
    NoShard,
    /// The WebRTC stack made no connection.
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

/// Why no offer was made while a call goes on.
#[derive(Debug, thiserror::Error)]
pub enum OfferAgainError {
    /// Our first offer is not answered yet.
    #[error("our own offer is not answered yet")]
    Offering,
    /// The caller does not bundle its lines, so none can be added.
    #[error("the caller's lines are not bundled")]
    NoBundle,
    /// There are as many lines as a description may have.
    #[error("there are too many media lines")]
    TooManyLines,
    /// The session could not be described.
    #[error("the session could not be described")]
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
    /// The same of an answer to an offer that was made while the call goes on, as it still does.
    #[error("the answer to a change can't be taken")]
    Again(#[source] OfferError),
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
    /// The operating system does not say which addresses there are.
    #[error("the addresses of this machine are not known")]
    Interfaces(#[source] std::io::Error),
    /// There is no address at which the caller could reach us.
    #[error("no candidate was found")]
    NoCandidate,
}
