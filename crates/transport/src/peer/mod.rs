//! Sessions on the `webrtc` crate: its ICE, DTLS, SRTP and sockets, one connection and one port a call.
//!
//! What an offer may hold is decided in `sdp`, not here; sound is only passed on. What a session does once it is made is in
//! `session`.

mod connection;
mod events;
mod link;
mod reports;
mod session;

use std::sync::Arc;

use rtc::peer_connection::transport::RTCDtlsRole;
use tokio::sync::{mpsc, watch};
use tracing::debug;

pub use link::PeerLink;
pub use session::PeerSession;

use crate::config::TransportConfig;
use crate::port::Ports;
use crate::random;
use crate::sdp::{Memo, Offer, OwnLines, Shape};
use crate::session::{OfferedSession, OpenError, OpenSession, Session, Transport};

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

    /// What is ours in the descriptions of a new session: of one that takes the place of another, what clients know of that.
    fn own_lines(&self, memo: Option<&Memo>) -> Result<OwnLines, OpenError> {
        // A new source of packets all the same, which begins with new numbers (RFC 3550 section 8.1).
        let (ssrc, cname) = (u32::from_be_bytes(random::bytes()?), random::name()?);
        let ice_lite = self.config.ice_lite;
        Ok(match memo {
            Some(Memo { session, version, stream, track, .. }) => OwnLines {
                session: *session,
                version: *version,
                stream: stream.clone(),
                track: track.clone(),
                ssrc,
                cname,
                ice_lite,
            },
            None => OwnLines {
                session: u64::from_be_bytes(random::bytes()?) >> 1,
                version: 0,
                stream: format!("mix-{}", random::name()?),
                track: format!("voice-{}", random::name()?),
                ssrc,
                cname,
                ice_lite,
            },
        })
    }

    /// A session with its connection, that has not described itself yet.
    async fn make(
        &self,
        lines: OwnLines,
        shape: Shape,
        role: RTCDtlsRole,
        has_listened: bool,
    ) -> Result<(PeerSession, PeerLink), OpenError> {
        let sequence = u16::from_be_bytes(random::bytes()?);
        let timestamp = u32::from_be_bytes(random::bytes()?);
        let (state_sender, states) = mpsc::unbounded_channel();
        let (gathered_sender, gathered) = watch::channel(0);
        let (link, ends) = link::link();
        let reports = ends.incoming.reports();
        let handler = events::Events::new(state_sender, gathered_sender, ends.incoming, &shape);
        let track = connection::track(&lines);
        let connecting = connection::Connecting {
            opus: shape.opus,
            role,
            track: &track,
            events: Arc::new(handler),
            counter: reports,
        };
        let (pc, port) = connection::build(&self.config, self.ports.as_ref(), connecting).await?;
        tokio::spawn(link::send(
            track,
            ends.outgoing,
            link::First { ssrc: lines.ssrc, sequence, timestamp, payload_type: shape.opus },
        ));
        let session = PeerSession {
            pc,
            config: Arc::clone(&self.config),
            states,
            gathered,
            lines,
            shape,
            has_listened,
            remote: None,
            candidates: 0,
            up: false,
            failed: false,
            _port: port,
        };
        Ok((session, link))
    }
}

impl Transport for WebRtcTransport {
    type Session = PeerSession;
    type Link = PeerLink;

    async fn open(
        &self,
        offer: &str,
        memo: Option<&str>,
    ) -> Result<OpenSession<PeerSession, PeerLink>, OpenError> {
        let offer = Offer::parse(offer)?;
        let memo = memo.and_then(|text| {
            // It makes things smoother, no more: the offer says all that must be known.
            Memo::parse(text).inspect_err(|error| debug!(%error, "a memo is passed over")).ok()
        });
        let role = if offer.dtls_client { RTCDtlsRole::Server } else { RTCDtlsRole::Client };
        let has_listened = memo.as_ref().is_some_and(|memo| memo.has_listened);
        let lines = self.own_lines(memo.as_ref())?;
        let (mut session, link) = self.make(lines, offer.shape.clone(), role, has_listened).await?;
        match session.answer(offer).await {
            Ok(answer) => Ok(OpenSession { session, link, answer }),
            Err(error) => {
                session.close().await;
                Err(error.into())
            }
        }
    }

    async fn offer(&self, memo: &str) -> Result<OfferedSession<PeerSession, PeerLink>, OpenError> {
        let memo = Memo::parse(memo)?;
        let lines = self.own_lines(Some(&memo))?;
        // The caller's answer decides who begins (RFC 8842 section 5.3).
        let (mut session, link) = self.make(lines, memo.shape, RTCDtlsRole::Auto, memo.has_listened).await?;
        match session.offer().await {
            Ok(offer) => Ok(OfferedSession { session, link, offer }),
            Err(error) => {
                session.close().await;
                Err(error.into())
            }
        }
    }
}
