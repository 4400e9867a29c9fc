//! Sessions on the `webrtc` crate: its ICE, DTLS, SRTP and sockets, one connection and one port a call.
//!
//! What an offer may hold is decided in `sdp`, not here; sound is only passed on.

mod connection;
mod events;
mod link;
mod reports;

use std::sync::Arc;
use std::time::Duration;

use rtc::peer_connection::sdp::RTCSessionDescription;
use tokio::sync::{mpsc, watch};
use tracing::{debug, warn};
use webrtc::peer_connection::{PeerConnection, RTCIceCandidateInit, RTCPeerConnectionState};

pub use link::PeerLink;

use crate::candidate::{CandidatePolicy, MAX_CANDIDATES, RemoteCandidate, concerns_audio};
use crate::config::TransportConfig;
use crate::port::{Port, Ports};
use crate::random;
use crate::sdp::{AnswerLines, Kept, LocalTransport, Offer, reduced};
use crate::session::{
    Answer, AnswerError, OpenError, OpenSession, RenegotiateError, Session, SessionEvent, Transport,
};

/// How long local candidates are waited for. They are known at once, since no STUN or TURN server is asked.
const GATHERING: Duration = Duration::from_secs(3);

/// Makes sessions on `webrtc` connections. Needs to be used from within a tokio runtime.
#[derive(Clone, Debug)]
pub struct WebRtcTransport {
    config: Arc<TransportConfig>,
    ports: Option<Ports>,
}

impl WebRtcTransport {
    /// A transport with these settings. Nothing is bound before the first call.
    #[must_use]
    pub fn new(config: TransportConfig) -> Self {
        let ports = config.ports.map(Ports::new);
        Self { config: Arc::new(config), ports }
    }
}

impl Transport for WebRtcTransport {
    type Session = PeerSession;
    type Link = PeerLink;

    async fn open(&self, offer: &str) -> Result<OpenSession<PeerSession, PeerLink>, OpenError> {
        let offer = Offer::parse(offer)?;
        let lines = AnswerLines {
            session: u64::from_be_bytes(random::bytes()?) >> 1,
            version: 0,
            stream: format!("mix-{}", random::name()?),
            track: format!("voice-{}", random::name()?),
            ssrc: u32::from_be_bytes(random::bytes()?),
            cname: random::name()?,
            ice_lite: self.config.ice_lite,
        };
        let sequence = u16::from_be_bytes(random::bytes()?);
        let timestamp = u32::from_be_bytes(random::bytes()?);

        let (state_sender, states) = mpsc::unbounded_channel();
        let (gathered_sender, gathered) = watch::channel(0);
        let (link, ends) = link::link();
        let reports = ends.incoming.reports();
        let handler = events::Events::new(state_sender, gathered_sender, ends.incoming, &offer);
        let track = connection::track(&lines);
        let (pc, port) =
            connection::build(&self.config, self.ports.as_ref(), &offer, &track, Arc::new(handler), reports)
                .await?;
        tokio::spawn(link::send(
            track,
            ends.outgoing,
            link::First { ssrc: lines.ssrc, sequence, timestamp, payload_type: offer.opus },
        ));

        let mut session = PeerSession {
            pc,
            config: Arc::clone(&self.config),
            states,
            gathered,
            lines,
            kept: offer.kept(),
            has_listened: false,
            offer: offer.clone(),
            candidates: 0,
            up: false,
            failed: false,
            _port: port,
        };
        match session.answer(offer).await {
            Ok(answer) => Ok(OpenSession { session, link, answer }),
            Err(error) => {
                session.close().await;
                Err(error.into())
            }
        }
    }
}

/// The signalling side of a call on a `webrtc` connection.
pub struct PeerSession {
    pc: Arc<dyn PeerConnection>,
    config: Arc<TransportConfig>,
    states: mpsc::UnboundedReceiver<RTCPeerConnectionState>,
    /// Counts how often the candidates were complete.
    gathered: watch::Receiver<u64>,
    lines: AnswerLines,
    kept: Kept,
    /// The caller has listened in this session: not to listen any more is to hold.
    has_listened: bool,
    /// The offer that was answered last.
    offer: Offer,
    /// Candidates taken under the present ICE credentials.
    candidates: usize,
    up: bool,
    failed: bool,
    /// Taken as long as the session lives.
    _port: Option<Port>,
}

impl std::fmt::Debug for PeerSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerSession").field("up", &self.up).finish_non_exhaustive()
    }
}

impl PeerSession {
    async fn answer(&mut self, offer: Offer) -> Result<Answer, AnswerError> {
        let version = self.lines.version + 1;
        let complete = *self.gathered.borrow();
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
        self.wait_for_candidates(complete).await;

        let description =
            self.pc.local_description().await.ok_or(AnswerError::Incomplete("a description"))?;
        let local = LocalTransport::read(&description.sdp, self.config.advertise)?;
        self.lines.version = version;
        self.has_listened |= offer.direction.receives();
        let answer = Answer {
            sdp: self.lines.write(&offer, &local),
            stream_id: self.lines.stream.clone(),
            direction: offer.direction.reversed(),
            held: offer.direction.holds(self.has_listened),
            pictures: offer.pictures(|line| offer.takes(line)),
        };

        if self.offer.ice != offer.ice {
            self.candidates = 0;
        }
        let offered: Vec<String> = offer.candidates.clone();
        self.offer = offer;
        for line in offered {
            self.add_candidate(&line).await;
        }
        Ok(answer)
    }

    async fn roll_back(&self) {
        let rollback = async { self.pc.set_remote_description(RTCSessionDescription::rollback(None)?).await };
        if let Err(error) = rollback.await {
            warn!(%error, "an offer that could not be answered was not rolled back");
        }
    }

    async fn wait_for_candidates(&mut self, before: u64) {
        let complete = self.gathered.wait_for(|count| *count > before);
        if tokio::time::timeout(GATHERING, complete).await.is_err() {
            debug!("local candidates are not complete in time, answering with those there are");
        }
    }

    async fn add_candidate(&mut self, line: &str) {
        let policy = CandidatePolicy { allow_private: self.config.allow_private };
        let Some(candidate) = policy.usable(line, &self.offer.ice.ufrag) else { return };
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
        let offer = Offer::parse_again(offer, &self.kept)?;
        Ok(self.answer(offer).await?)
    }

    async fn add_candidates(&mut self, candidates: &[RemoteCandidate]) {
        for candidate in candidates {
            if concerns_audio(candidate, &self.offer) {
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
                RTCPeerConnectionState::Connected if !self.up => {
                    self.up = true;
                    return Some(SessionEvent::Up);
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
