//! Building a `webrtc` connection: codec, extensions, reports, ICE settings, sockets.
//!
//! Offers and answers never live here.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use rtc::ice::mdns::MulticastDnsMode;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::transport::RTCDtlsRole;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use tracing::debug;
use webrtc::error::Error;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{MediaEngine, PeerConnection, PeerConnectionBuilder, SettingEngineBuilder};

use super::events::Events;
use super::link::ReportCounter;
use super::reports;
use crate::config::TransportConfig;
use crate::port::{Port, Ports};
use crate::sdp::{AUDIO_LEVEL_URI, OPUS_PARAMETERS, OwnLines};
use crate::session::OpenError;

/// How many ports of the range are tried when other programs sit on some.
const PORT_ATTEMPTS: usize = 32;

/// The track that carries the mix to the caller.
pub(super) fn track(lines: &OwnLines) -> Arc<TrackLocalStaticRTP> {
    Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
        lines.stream.clone(),
        lines.track.clone(),
        lines.track.clone(),
        RtpCodecKind::Audio,
        vec![RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                ssrc: Some(lines.ssrc),
                ..RTCRtpCodingParameters::default()
            },
            codec: opus(),
            ..RTCRtpEncodingParameters::default()
        }],
    )))
}

/// What a connection is made for.
pub(super) struct Connecting<'a> {
    /// The payload type of Opus.
    pub(super) opus: u8,
    /// Ours if it is for us to choose, as answerer.
    pub(super) role: RTCDtlsRole,
    /// What is sent.
    pub(super) track: &'a Arc<TrackLocalStaticRTP>,
    /// Who is told what happens.
    pub(super) events: Arc<Events>,
    /// Counts received reports.
    pub(super) counter: ReportCounter,
}

/// A connection that sends a track, on a port of the range if there is one.
pub(super) async fn build(
    config: &TransportConfig,
    ports: Option<&Ports>,
    connecting: Connecting<'_>,
) -> Result<(Arc<dyn PeerConnection>, Option<Port>), OpenError> {
    let port = ports.map(|ports| free_port(config, ports)).transpose()?;
    let number = port.as_ref().map_or(0, Port::number);
    let addresses: Vec<SocketAddr> =
        config.listen.iter().map(|address| SocketAddr::new(*address, number)).collect();
    let pc = connect(config, connecting, addresses).await.map_err(OpenError::Connection)?;
    Ok((pc, port))
}

async fn connect(
    config: &TransportConfig,
    connecting: Connecting<'_>,
    addresses: Vec<SocketAddr>,
) -> Result<Arc<dyn PeerConnection>, Error> {
    let Connecting { opus: payload_type, role, track, events, counter } = connecting;
    let mut media = MediaEngine::default();
    let codec = RTCRtpCodecParameters { rtp_codec: opus(), payload_type };
    media.register_codec(codec, RtpCodecKind::Audio)?;
    let level = RTCRtpHeaderExtensionCapability { uri: AUDIO_LEVEL_URI.to_owned() };
    media.register_header_extension(level, RtpCodecKind::Audio, None)?;

    let timeouts = config.timeouts;
    let settings = SettingEngineBuilder::new()
        .with_lite(config.ice_lite)
        .with_answering_dtls_role(role)
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(config.listen.iter().any(|address| address.is_loopback()))
        .with_ice_timeouts(Some(timeouts.lost), Some(timeouts.failed), Some(timeouts.keepalive))
        .build();

    let pc = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_setting_engine(settings)
        // Sender and receiver reports only: a lost voice packet is concealed, not sent again.
        .with_interceptor_registry(reports::interceptors(counter))
        .with_handler(events)
        .with_udp_addrs(addresses)
        .build()
        .await?;
    let pc: Arc<dyn PeerConnection> = Arc::new(pc);
    let track: Arc<dyn TrackLocal> = Arc::clone(track) as Arc<dyn TrackLocal>;
    if let Err(error) = pc.add_track(track).await {
        // What is left behind frees itself on closing; the error that counts is the first.
        let _ = pc.close().await;
        return Err(error);
    }
    Ok(pc)
}

/// A port of the range on which every listening address can be bound. Between this check and the binding another program could
/// still take it; the call is refused then.
fn free_port(config: &TransportConfig, ports: &Ports) -> Result<Port, OpenError> {
    // Kept until one is found, so that the same one isn't handed out again.
    let mut busy = Vec::new();
    for _ in 0..PORT_ATTEMPTS.min(ports.size()) {
        let port = ports.take().ok_or(OpenError::NoPort)?;
        let bindable = |address| UdpSocket::bind(SocketAddr::new(address, port.number())).is_ok();
        if config.listen.iter().copied().all(bindable) {
            return Ok(port);
        }
        debug!(port = port.number(), "a port of the range is in use by someone else");
        busy.push(port);
    }
    Err(OpenError::NoPort)
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: "audio/opus".to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: OPUS_PARAMETERS.to_owned(),
        rtcp_feedback: Vec::new(),
    }
}
