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
use crate::sdp::{
    Direction, Directions, Kept, LocalTransport, MAX_LINES, Memo, Offer, OwnLines, PICTURE_LINES,
    PictureTerms, Shape, reduced, reduced_answer,
};
use crate::session::{
    AcceptError, Accepted, Answer, AnswerError, LocalOffer, OfferAgainError, RenegotiateError, Session,
    SessionEvent,
};
use crate::shard::{AgreedPictures, Order, ShardHandle};

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
    /// What the caller described last; nothing as long as our first offer is not answered.
    pub(super) remote: Option<Offer>,
    /// The lines of an offer that we made while the call goes on, until it is answered.
    pub(super) offered: Option<Shape>,
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
        let (directions, held) = (offer.directions(), self.is_held(offer.direction));
        let answer = Answer {
            sdp: self.lines.write(&self.shape, &directions, &local),
            stream_id: self.lines.stream.clone(),
            voice: offer.shape.voice,
            direction: directions.audio,
            held,
            pictures: self.terms(&self.shape, &directions, Some(&offer)),
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
        let shape = self.shape.clone();
        Ok(self.describe(&shape, &local))
    }

    /// Our offer of lines.
    fn describe(&mut self, shape: &Shape, local: &LocalTransport) -> LocalOffer {
        self.lines.version += 1;
        let directions = shape.offered();
        LocalOffer {
            sdp: self.lines.write(shape, &directions, local),
            stream_id: self.lines.stream.clone(),
            voice: shape.voice,
            pictures: self.terms(shape, &directions, None),
            memo: Memo::of(&self.lines, shape, self.has_listened).to_text(),
        }
    }

    /// What is agreed on the lines for pictures, or offered.
    fn terms(
        &self,
        shape: &Shape,
        directions: &Directions,
        said: Option<&Offer>,
    ) -> [Option<PictureTerms>; PICTURE_LINES] {
        std::array::from_fn(|place| {
            let now = said.and_then(|said| said.pictures[place].as_ref());
            shape.pictures[place].as_ref().map(|picture| PictureTerms {
                codec: picture.codec,
                direction: directions.pictures[place],
                theirs: now.and_then(|now| now.stream.clone()),
                ours: self.lines.pictures[place].stream.clone(),
            })
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
        if self.remote.as_ref().is_none_or(|remote| remote.ice != described.ice) {
            self.candidates = 0;
        }
        let candidates = described.candidates.clone();
        let agreed = std::array::from_fn(|place| {
            let shape = described.shape.pictures[place].clone()?;
            let mid = described.shape.lines.get(shape.line).and_then(|line| line.mid.clone());
            let theirs = described.pictures[place].as_ref().and_then(|now| now.sources);
            Some(AgreedPictures { shape, mid: mid.unwrap_or_default(), theirs })
        });
        self.link.shard.order(Order::Pictures { link: self.link.id, agreed: Box::new(agreed) });
        self.remote = Some(described);
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
        let Some(remote) = &self.remote else { return };
        let Some(candidate) = policy.usable(line, &remote.ice.ufrag) else { return };
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
        let Some(remote) = &self.remote else { return Err(RenegotiateError::Offering) };
        let kept = Kept { shape: self.shape.clone(), ..remote.kept() };
        let offer = Offer::parse_again(offer, &kept)?;
        self.offered = None;
        Ok(self.answer(offer).await?)
    }

    async fn offer_again(&mut self, screen: bool) -> Result<LocalOffer, OfferAgainError> {
        if self.remote.is_none() {
            return Err(OfferAgainError::Offering);
        }
        let mut shape = Shape { screen, ..self.shape.clone() };
        if screen {
            shape.add_screen_line();
            if shape.pictures[1].is_none() {
                return Err(OfferAgainError::NoBundle);
            }
            if shape.lines.len() > MAX_LINES {
                return Err(OfferAgainError::TooManyLines);
            }
        }
        // The stack knows of no lines for pictures, so it has nothing to do with this.
        let local = self.local().await?.offering();
        let offer = self.describe(&shape, &local);
        self.offered = Some(shape);
        Ok(offer)
    }

    async fn accept(&mut self, answer: &str) -> Result<Accepted, AcceptError> {
        let answer = match (&self.remote, self.offered.take()) {
            (None, _) => {
                let answer = Offer::parse_answer(answer, &self.shape)?;
                let remote = RTCSessionDescription::answer(reduced_answer(&answer, self.lines.version))
                    .map_err(AcceptError::NotTaken)?;
                self.pc.set_remote_description(remote).await.map_err(AcceptError::NotTaken)?;
                answer
            }
            (Some(remote), Some(shape)) => {
                let kept = Kept { shape, ..remote.kept() };
                Offer::parse_again(answer, &kept).map_err(AcceptError::Again)?
            }
            (Some(_), None) => return Err(AcceptError::Unasked),
        };
        self.shape = answer.shape.clone();
        let (directions, held) = (answer.directions(), self.is_held(answer.direction));
        let accepted = Accepted {
            voice: answer.shape.voice,
            direction: directions.audio,
            held,
            pictures: self.terms(&self.shape, &directions, Some(&answer)),
            memo: self.memo(),
        };
        self.take(answer).await;
        Ok(accepted)
    }

    async fn add_candidates(&mut self, candidates: &[RemoteCandidate]) {
        for candidate in candidates {
            // Before our offer is answered none can be used; the caller's own checks make up for them.
            let concerns_us = |remote: &Offer| concerns_audio(candidate, remote);
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
