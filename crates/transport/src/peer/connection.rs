//! Building a `webrtc` connection: codec, extensions, ICE settings.
//!
//! Offers and answers never live here.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use rtc::crypto::RTCCryptoProvider;
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::transport::RTCDtlsRole;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use webrtc::error::Error;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, Registry, SettingEngineBuilder,
};

use super::events::Events;
use super::runtime::OwnRuntime;
use crate::config::TransportConfig;
use crate::sdp::{AUDIO_LEVEL_URI, OPUS_PARAMETERS, OwnLines, STACK_OPUS};

/// The track that stands for the mix in the stack's descriptions. Nothing is ever written to it.
fn track(lines: &OwnLines) -> Arc<TrackLocalStaticRTP> {
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
    /// What is ours in its descriptions.
    pub(super) lines: &'a OwnLines,
    /// Ours if it is for us to choose, as answerer.
    pub(super) role: RTCDtlsRole,
    /// Who is told what happens.
    pub(super) events: Arc<Events>,
    /// What it runs on.
    pub(super) runtime: Arc<OwnRuntime>,
    /// Its cryptography.
    pub(super) crypto: Arc<dyn RTCCryptoProvider>,
    /// Whether it needs to reach IPv6 addresses.
    pub(super) ipv6: bool,
    /// Whether it needs to reach IPv4 addresses.
    pub(super) ipv4: bool,
}

/// A connection for checks and handshakes, in whose descriptions there is one track.
pub(super) async fn connect(
    config: &TransportConfig,
    connecting: Connecting<'_>,
) -> Result<Arc<dyn PeerConnection>, Error> {
    let Connecting { lines, role, events, runtime, crypto, ipv6, ipv4 } = connecting;
    let mut media = MediaEngine::default();
    let codec = RTCRtpCodecParameters { rtp_codec: opus(), payload_type: STACK_OPUS };
    media.register_codec(codec, RtpCodecKind::Audio)?;
    let level = RTCRtpHeaderExtensionCapability { uri: AUDIO_LEVEL_URI.to_owned() };
    media.register_header_extension(level, RtpCodecKind::Audio, None)?;

    let timeouts = config.timeouts;
    let settings = SettingEngineBuilder::new()
        .with_crypto_provider(crypto)
        // The first costs least; the second every client has (RFC 8827 section 6.5).
        .with_srtp_protection_profiles(vec![
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
        ])
        .with_lite(config.ice_lite)
        .with_answering_dtls_role(role)
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(true)
        .with_ice_timeouts(Some(timeouts.lost), Some(timeouts.failed), Some(timeouts.keepalive))
        .build();

    // Addresses that only the stack itself knows of: its sockets are not real, and callers are told the shard's.
    let mut addresses = Vec::new();
    if ipv4 {
        addresses.push(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    }
    if ipv6 {
        addresses.push(SocketAddr::from((Ipv6Addr::LOCALHOST, 0)));
    }
    let pc = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_setting_engine(settings)
        // Empty: reports, too, are the shard's to send. The stack must encrypt nothing under keys that we use.
        .with_interceptor_registry(Registry::new())
        .with_runtime(runtime)
        .with_handler(events)
        .with_udp_addrs(addresses)
        .build()
        .await?;
    let pc: Arc<dyn PeerConnection> = Arc::new(pc);
    let track: Arc<dyn TrackLocal> = track(lines);
    if let Err(error) = pc.add_track(track).await {
        // What is left behind frees itself on closing; the error that counts is the first.
        let _ = pc.close().await;
        return Err(error);
    }
    Ok(pc)
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
