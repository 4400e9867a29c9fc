//! One session on a `webrtc` connection: its descriptions, its candidates, its state.
//!
//! How it is made never lives here, nor its packets.

use std::sync::Arc;

use rtc::peer_connection::sdp::RTCSessionDescription;
use tokio::sync::mpsc;
use tracing::{debug, error, warn};
use webrtc::peer_connection::{PeerConnection, RTCIceCandidateInit, RTCPeerConnectionState};

use super::keys::{self, KeysError, Noted};
use crate::candidate::{self, CandidatePolicy, MAX_CANDIDATES, RemoteCandidate, concerns_audio};
use crate::config::TransportConfig;
use crate::packet::LinkId;
use crate::sdp::{Direction, Kept, LocalTransport, Memo, Offer, OwnLines, Shape, reduced, reduced_answer};
use crate::session::{
    AcceptError, Accepted, Answer, AnswerError, LocalOffer, RenegotiateError, Session, SessionEvent,
};
use crate::shard::{Order, ShardHandle};

/// The signalling side of a call on a `webrtc` connection.
pub struct PeerSession {
    pub(super) pc: Arc<dyn PeerConnection>,
    pub(super) config: Arc<TransportConfig>,
    pub(super) states: mpsc::UnboundedReceiver<RTCPeerConnectionState>,
    /// Its packets' place.
    pub(super) link: OwnLink,
    pub(super) noted: Noted,
    pub(super) has_keys: bool,
    pub(super) lines: OwnLines,
    /// The lines as they were described last.
    pub(super) shape: Shape,
    /// The caller has listened in this call: not to listen any more is to hold.
    pub(super) has_listened: bool,
    /// What the caller described last; nothing as long as our offer is not answered.
    pub(super) remote: Option<Remote>,
    /// Candidates taken under the present ICE credentials.
    pub(super) candidates: usize,
    pub(super) up: bool,
    pub(super) failed: bool,
}

/// A session's link, which goes with it.
pub(super) struct OwnLink {
    pub(super) id: LinkId,
    pub(super) shard: ShardHandle,
}

impl Drop for OwnLink {
    fn drop(&mut self) {
        self.shard.order(Order::Close { link: self.id });
    }
}

/// The caller's side.
pub(super) struct Remote {
    /// Its last offer, or answer.
    described: Offer,
    /// What its further offers have to keep.
    kept: Kept,
}

impl std::fmt::Debug for PeerSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerSession").field("up", &self.up).finish_non_exhaustive()
    }
}

impl PeerSession {
    pub(super) async fn answer(&mut self, offer: Offer) -> Result<Answer, AnswerError> {
        let version = self.lines.version + 1;
        let remote = RTCSessionDescription::offer(reduced(&offer, version)).map_err(AnswerError::NotTaken)?;
        self.pc.set_remote_description(remote).await.map_err(AnswerError::NotTaken)?;
        let answered = async {
            let local = self.pc.create_answer(None).await?;
            self.pc.set_local_description(local).await
        };
        if let Err(error) = answered.await {
            self.roll_back().await;
            return Err(AnswerError::NotTaken(error));
        }
        let local = self.local().await?;
        self.lines.version = version;
        self.shape = offer.shape.clone();
        let (direction, held) = (offer.direction.reversed(), self.is_held(offer.direction));
        let answer = Answer {
            sdp: self.lines.write(&self.shape, direction, &local),
            stream_id: self.lines.stream.clone(),
            voice: offer.shape.voice,
            direction,
            held,
            pictures: offer.pictures(|line| offer.shape.takes(line)),
            memo: self.memo(),
        };
        self.take(offer).await;
        Ok(answer)
    }

    /// Describes itself first, in a call whose lines are known.
    pub(super) async fn offer(&mut self) -> Result<LocalOffer, AnswerError> {
        let offered = async {
            let local = self.pc.create_offer(None).await?;
            self.pc.set_local_description(local).await
        };
        offered.await.map_err(AnswerError::NotTaken)?;
        let local = self.local().await?;
        self.lines.version += 1;
        // All that there may be: a client that is on hold, or only listens, says so in its answer.
        let sdp = self.lines.write(&self.shape, Direction::SendRecv, &local);
        Ok(LocalOffer {
            sdp,
            stream_id: self.lines.stream.clone(),
            voice: self.shape.voice,
            memo: self.memo(),
        })
    }

    /// What our side is: by the stack's own description, at the shard's addresses. Checks that call it by its name find it from
    /// now on.
    async fn local(&self) -> Result<LocalTransport, AnswerError> {
        let description =
            self.pc.local_description().await.ok_or(AnswerError::Incomplete("a description"))?;
        let wire = self.link.shard.wire();
        let candidates = candidate::ours(wire.bound(), wire.takes_tcp(), self.config.advertise)
            .map_err(AnswerError::Interfaces)?;
        let local = LocalTransport::read(&description.sdp, candidates)?;
        let ufrag = local.ufrag().to_owned();
        self.link.shard.order(Order::Named { link: self.link.id, ufrag });
        Ok(local)
    }

    /// Whether the caller, describing its audio line so, has the call on hold.
    const fn is_held(&mut self, direction: Direction) -> bool {
        self.has_listened |= direction.receives();
        direction.holds(self.has_listened)
    }

    fn memo(&self) -> String {
        Memo::of(&self.lines, &self.shape, self.has_listened).to_text()
    }

    /// The caller's side is now as it has described it.
    async fn take(&mut self, described: Offer) {
        if self.remote.as_ref().is_none_or(|remote| remote.described.ice != described.ice) {
            self.candidates = 0;
        }
        let candidates = described.candidates.clone();
        let kept = self.remote.take().map_or_else(|| described.kept(), |remote| remote.kept);
        self.remote = Some(Remote { described, kept });
        for line in candidates {
            self.add_candidate(&line).await;
        }
    }

    async fn roll_back(&self) {
        let rollback = async { self.pc.set_remote_description(RTCSessionDescription::rollback(None)?).await };
        if let Err(error) = rollback.await {
            warn!(%error, "an offer that could not be answered was not rolled back");
        }
    }

    /// Gives the shard the keys of the handshake that has just ended.
    async fn take_keys(&mut self) -> Result<(), KeysError> {
        if let Some(keys) = keys::take(&self.noted, self.has_keys, &*self.pc).await? {
            self.has_keys = true;
            self.link.shard.order(Order::Keys { link: self.link.id, keys: Box::new(keys) });
        }
        Ok(())
    }

    async fn add_candidate(&mut self, line: &str) {
        let policy = CandidatePolicy { allow_private: self.config.allow_private };
        let Some(Remote { described, .. }) = &self.remote else { return };
        let Some(candidate) = policy.usable(line, &described.ice.ufrag) else { return };
        if self.candidates >= MAX_CANDIDATES {
            debug!("a candidate beyond the limit is passed over");
            return;
        }
        self.candidates += 1;
        let init = RTCIceCandidateInit { candidate, ..RTCIceCandidateInit::default() };
        if let Err(error) = self.pc.add_ice_candidate(init).await {
            debug!(%error, "a candidate was not taken");
        }
    }
}

impl Session for PeerSession {
    async fn renegotiate(&mut self, offer: &str) -> Result<Answer, RenegotiateError> {
        let Some(Remote { kept, .. }) = &self.remote else { return Err(RenegotiateError::Offering) };
        let offer = Offer::parse_again(offer, kept)?;
        Ok(self.answer(offer).await?)
    }

    async fn accept(&mut self, answer: &str) -> Result<Accepted, AcceptError> {
        if self.remote.is_some() {
            return Err(AcceptError::Unasked);
        }
        let answer = Offer::parse_answer(answer, &self.shape.audio_line())?;
        let remote = RTCSessionDescription::answer(reduced_answer(&answer, self.lines.version))
            .map_err(AcceptError::NotTaken)?;
        self.pc.set_remote_description(remote).await.map_err(AcceptError::NotTaken)?;
        let accepted = Accepted {
            voice: answer.shape.voice,
            direction: answer.direction.reversed(),
            held: self.is_held(answer.direction),
        };
        self.take(answer).await;
        Ok(accepted)
    }

    async fn add_candidates(&mut self, candidates: &[RemoteCandidate]) {
        for candidate in candidates {
            // Before our offer is answered none can be used; the caller's own checks make up for them.
            let concerns_us = |remote: &Remote| concerns_audio(candidate, &remote.described);
            if self.remote.as_ref().is_some_and(concerns_us) {
                self.add_candidate(&candidate.line).await;
            }
        }
    }

    async fn next_event(&mut self) -> Option<SessionEvent> {
        loop {
            #[expect(
                clippy::wildcard_enum_match_arm,
                reason = "the enum is open, and says no other state is of use"
            )]
            match self.states.recv().await? {
                RTCPeerConnectionState::Connected => {
                    if let Err(error) = self.take_keys().await {
                        error!(error = &error as &dyn std::error::Error, "a connection is of no use");
                        self.up = false;
                        self.failed = true;
                        return Some(SessionEvent::Failed);
                    }
                    if !self.up {
                        self.up = true;
                        return Some(SessionEvent::Up);
                    }
                }
                RTCPeerConnectionState::Disconnected if self.up => {
                    self.up = false;
                    return Some(SessionEvent::Lost);
                }
                RTCPeerConnectionState::Failed if !self.failed => {
                    self.up = false;
                    self.failed = true;
                    return Some(SessionEvent::Failed);
                }
                RTCPeerConnectionState::Closed => return None,
                // An ICE restart passes through `Connecting` while media goes on; the others are repetitions.
                _ => {}
            }
        }
    }

    async fn close(self) {
        if let Err(error) = self.pc.close().await {
            debug!(%error, "a connection did not close cleanly");
        }
    }
}
