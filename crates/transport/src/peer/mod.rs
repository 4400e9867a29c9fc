//! Sessions on the `webrtc` crate: its SDP, ICE and DTLS, on sockets that are the shard's.
//!
//! What an offer may hold is decided in `sdp`, not here; packets pass by, in `shard`. What a session does once it is made is in
//! `session`.

mod connection;
mod events;
mod keys;
mod runtime;
mod session;
mod socket;
mod watch;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use rtc::crypto::RTCCryptoProvider;
use rtc::peer_connection::transport::RTCDtlsRole;
use tokio::sync::mpsc;
use tracing::debug;

pub use session::PeerSession;

use crate::config::TransportConfig;
use crate::packet::LinkId;
use crate::random;
use crate::sdp::{Memo, Offer, OwnLines, Shape};
use crate::session::{OfferedSession, OpenError, OpenSession, Session, ShardId, Transport};
use crate::shard::{BindError, LinkSetup, Order, ShardHandle, Stream, UdpPort};

/// Makes sessions on `webrtc` connections. Needs to be used from within a tokio runtime.
#[derive(Clone)]
pub struct WebRtcTransport(Arc<Parts>);

struct Parts {
    config: Arc<TransportConfig>,
    shards: Vec<ShardHandle>,
    crypto: Arc<dyn RTCCryptoProvider>,
    next_link: AtomicU64,
    origin: Instant,
}

impl std::fmt::Debug for WebRtcTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebRtcTransport").field("shards", &self.0.shards).finish_non_exhaustive()
    }
}

/// Why a transport did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No port was bound.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// There is no cryptography.
    #[error("the WebRTC stack has no cryptography")]
    Crypto(#[source] rtc::crypto::CryptoError),
}

impl WebRtcTransport {
    /// A transport of so many shards, and their ports: each is to be driven by a thread of its own, from before the first call on.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn start(config: TransportConfig, shards: NonZeroUsize) -> Result<(Self, Vec<UdpPort>), StartError> {
        let crypto = rtc::crypto::default_provider().map_err(StartError::Crypto)?;
        let mut next = config.ports.map(crate::config::PortRange::first);
        let (mut ports, mut handles) = (Vec::new(), Vec::new());
        for _ in 0..shards.get() {
            let (port, handle) = UdpPort::bind(&config.listen, config.ports, config.tcp, &mut next)?;
            ports.push(port);
            handles.push(handle);
        }
        let (config, next_link) = (Arc::new(config), AtomicU64::new(1));
        Ok((
            Self(Arc::new(Parts { config, shards: handles, crypto, next_link, origin: Instant::now() })),
            ports,
        ))
    }

    /// What is ours in the descriptions of a new session: of one that takes the place of another, what clients know of that.
    fn own_lines(&self, memo: Option<&Memo>) -> Result<OwnLines, OpenError> {
        // A new source of packets all the same, which begins with new numbers (RFC 3550 section 8.1).
        let (ssrc, cname) = (u32::from_be_bytes(random::bytes()?), random::name()?);
        let ice_lite = self.0.config.ice_lite;
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
        shard: ShardId,
        lines: OwnLines,
        shape: Shape,
        role: RTCDtlsRole,
        has_listened: bool,
    ) -> Result<PeerSession, OpenError> {
        let shard = self.0.shards.get(shard.0).ok_or(OpenError::NoShard)?.clone();
        let link = LinkId(self.0.next_link.fetch_add(1, Ordering::Relaxed));
        let stream = Stream {
            ssrc: lines.ssrc,
            cname: lines.cname.clone(),
            // In the lower half: who misses packets before the first wrap can't know of it (RFC 3711 section 3.3.1).
            sequence: u16::from_be_bytes(random::bytes()?) >> 1,
            timestamp: u32::from_be_bytes(random::bytes()?),
            voice: shape.voice,
            level_extension: shape.level_extension,
        };
        let (sockets, inlet) = socket::Sockets::new(link, shard.clone(), self.0.origin);
        let (state_sender, states) = mpsc::unbounded_channel();
        let (idle, noted) = (Arc::new(AtomicBool::new(false)), keys::Noted::default());
        let connecting = connection::Connecting {
            lines: &lines,
            role,
            events: Arc::new(events::Events::new(state_sender, Arc::clone(&idle))),
            runtime: Arc::new(runtime::OwnRuntime::new(sockets, idle, self.0.config.timeouts, self.0.origin)),
            crypto: Arc::new(keys::Listening::new(Arc::clone(&self.0.crypto), noted.clone())),
            ipv4: shard.wire().reaches(true),
            ipv6: shard.wire().reaches(false),
        };
        let pc = connection::connect(&self.0.config, connecting).await.map_err(OpenError::Connection)?;
        shard.order(Order::Open { link, setup: Box::new(LinkSetup { inlet, stream }) });
        Ok(PeerSession {
            pc,
            config: Arc::clone(&self.0.config),
            link: session::OwnLink { id: link, shard },
            states,
            noted,
            has_keys: false,
            lines,
            shape,
            has_listened,
            remote: None,
            candidates: 0,
            up: false,
            failed: false,
        })
    }
}

impl Transport for WebRtcTransport {
    type Session = PeerSession;
    type Port = UdpPort;

    async fn open(
        &self,
        shard: ShardId,
        offer: &str,
        memo: Option<&str>,
    ) -> Result<OpenSession<PeerSession>, OpenError> {
        let offer = Offer::parse(offer)?;
        let memo = memo.and_then(|text| {
            // It makes things smoother, no more: the offer says all that must be known.
            Memo::parse(text).inspect_err(|error| debug!(%error, "a memo is passed over")).ok()
        });
        let role = if offer.dtls_client { RTCDtlsRole::Server } else { RTCDtlsRole::Client };
        let has_listened = memo.as_ref().is_some_and(|memo| memo.has_listened);
        let lines = self.own_lines(memo.as_ref())?;
        let mut session = self.make(shard, lines, offer.shape.clone(), role, has_listened).await?;
        match session.answer(offer).await {
            Ok(answer) => Ok(OpenSession { link: session.link.id, session, answer }),
            Err(error) => {
                session.close().await;
                Err(error.into())
            }
        }
    }

    async fn offer(&self, shard: ShardId, memo: &str) -> Result<OfferedSession<PeerSession>, OpenError> {
        let memo = Memo::parse(memo)?;
        let lines = self.own_lines(Some(&memo))?;
        // The caller's answer decides who begins (RFC 8842 section 5.3).
        let mut session = self.make(shard, lines, memo.shape, RTCDtlsRole::Auto, memo.has_listened).await?;
        match session.offer().await {
            Ok(offer) => Ok(OfferedSession { link: session.link.id, session, offer }),
            Err(error) => {
                session.close().await;
                Err(error.into())
            }
        }
    }
}
