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
use crate::sdp::{Memo, Offer, OwnLines, OwnPictures, PictureNames, Shape};
use crate::session::{OfferedSession, OpenError, OpenSession, Session, ShardId, Transport};
use crate::shard::{BindError, LinkSetup, Order, PictureStream, ShardHandle, Stream, UdpPort};

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
        // New sources of packets all the same, which begin with new numbers (RFC 3550 section 8.1).
        let (ssrcs, cname) = (ssrcs()?, random::name()?);
        let ice_lite = self.0.config.ice_lite;
        let [ssrc, camera, camera_rtx, screen, screen_rtx] = ssrcs;
        let (session, version) = match memo {
            Some(memo) => (memo.session, memo.version),
            None => (u64::from_be_bytes(random::bytes()?) >> 1, 0),
        };
        let stream = match memo {
            Some(memo) => memo.stream.clone(),
            None => format!("mix-{}", random::name()?),
        };
        let track = match memo {
            Some(memo) => memo.track.clone(),
            None => format!("voice-{}", random::name()?),
        };
        let names = match memo.and_then(|memo| memo.pictures.clone()) {
            Some(names) => names,
            None => [
                PictureNames { stream: stream.clone(), track: format!("camera-{}", random::name()?) },
                PictureNames {
                    stream: format!("screen-{}", random::name()?),
                    track: format!("shown-{}", random::name()?),
                },
            ],
        };
        let mut sources = [(camera, camera_rtx), (screen, screen_rtx)].into_iter();
        let pictures = names.map(|PictureNames { stream, track }| {
            let (ssrc, rtx) = sources.next().unwrap_or_default();
            OwnPictures { stream, track, ssrc, rtx }
        });
        Ok(OwnLines { session, version, stream, track, ssrc, cname, ice_lite, pictures })
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
        let [camera, screen] = &lines.pictures;
        let pictures = [picture_stream(camera)?, picture_stream(screen)?];
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
        shard.order(Order::Open { link, setup: Box::new(LinkSetup { inlet, stream, pictures }) });
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
            offered: None,
            candidates: 0,
            up: false,
            failed: false,
        })
    }
}

/// What begins anew on a line for pictures; as with sound, in the lower half.
fn picture_stream(own: &OwnPictures) -> Result<PictureStream, getrandom::Error> {
    Ok(PictureStream {
        ssrc: own.ssrc,
        rtx: own.rtx,
        sequence: u16::from_be_bytes(random::bytes()?) >> 1,
        rtx_sequence: u16::from_be_bytes(random::bytes()?) >> 1,
        timestamp: u32::from_be_bytes(random::bytes()?),
    })
}

/// Numbers for our sources of packets, no two alike.
fn ssrcs() -> Result<[u32; 5], getrandom::Error> {
    loop {
        let bytes: [u8; 20] = random::bytes()?;
        let mut words = bytes.chunks_exact(4);
        let ssrcs: [u32; 5] = std::array::from_fn(|_| {
            words.next().and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes)
        });
        let doubled = (1..ssrcs.len()).any(|at| ssrcs[..at].contains(&ssrcs[at]));
        if !doubled {
            return Ok(ssrcs);
        }
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
