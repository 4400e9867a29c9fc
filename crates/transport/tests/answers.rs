//! Recorded browsers' offers, answered by real sessions: nobody connects, but sockets are bound and answers are whole.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::num::NonZeroUsize;

use confocal_transport::{
    AcceptError, BindError, Direction, OfferAgainError, OpenError, OpenSession, PictureCodec, PortRange,
    RenegotiateError, Session, ShardId, StartError, Transport, TransportConfig, UdpPort, WebRtcTransport,
};

const ONLY: ShardId = ShardId(0);

const CHROMIUM: [&str; 4] = [
    include_str!("fixtures/js-sdk-chromium/video-0-invite-offer.sdp"),
    include_str!("fixtures/js-sdk-chromium/video-12-negotiate-offer.sdp"),
    include_str!("fixtures/js-sdk-chromium/voice-0-invite-offer.sdp"),
    include_str!("fixtures/js-sdk-chromium/voice-13-negotiate-offer.sdp"),
];
const FIREFOX: [&str; 3] = [
    include_str!("fixtures/firefox/transceivers-offer.sdp"),
    include_str!("fixtures/firefox/video-offer.sdp"),
    include_str!("fixtures/firefox/voice-offer.sdp"),
];
const VOICE: &str = CHROMIUM[2];
/// Offers of one connection: talk, hold, resume.
const CALL: [(&str, &str); 3] = [
    (include_str!("fixtures/js-sdk-chromium/voice-13-negotiate-offer.sdp"), "sendrecv"),
    (include_str!("fixtures/js-sdk-chromium/voice-10-negotiate-offer.sdp"), "recvonly"),
    (include_str!("fixtures/js-sdk-chromium/voice-13-negotiate-offer.sdp"), "sendrecv"),
];

#[tokio::test]
async fn browsers_offers_are_answered() {
    let (transport, _ports) = transport(local(None));
    for offer in CHROMIUM.into_iter().chain(FIREFOX) {
        let OpenSession { session, answer, .. } = transport.open(ONLY, offer, None).await.unwrap();
        let lines = |sdp: &str| sdp.matches("\nm=").count();
        assert_eq!(lines(&answer.sdp), lines(offer));
        assert!(answer.sdp.contains("a=candidate:") && answer.sdp.contains("a=end-of-candidates\r\n"));
        assert!(answer.sdp.contains("a=setup:active\r\n"));
        // One stream with a track of a kind: Element Android ends a call with more, and shows none without its name.
        let streams: Vec<&str> =
            answer.sdp.lines().filter_map(|line| line.strip_prefix("a=msid:")?.split(' ').next()).collect();
        assert_eq!(streams, vec![answer.stream_id.as_str(); lines(offer)]);
        let [camera, screen] = answer.pictures;
        assert_eq!((camera.is_some(), screen), (lines(offer) == 2, None));
        if let Some(camera) = camera {
            assert_eq!((camera.codec, camera.ours), (PictureCodec::Vp8, answer.stream_id));
            assert_eq!(camera.theirs.is_some(), camera.direction.receives() && !offer.contains("msid:- "));
        }
        assert!(!answer.held);
        session.close().await;
    }
}

#[tokio::test]
async fn a_recorded_call_is_followed_through_hold_and_resume() {
    let (transport, _ports) = transport(local(None));
    let OpenSession { mut session, answer: mut before, .. } =
        transport.open(ONLY, CALL[0].0, None).await.unwrap();
    for (version, (offer, direction)) in CALL.into_iter().enumerate().skip(1) {
        let answer = session.renegotiate(offer).await.unwrap();
        assert_eq!(answer.direction.as_str(), direction);
        assert_eq!(answer.held, direction == "recvonly");
        assert_eq!(answer.stream_id, before.stream_id);
        assert_eq!(line(&answer.sdp, "a=fingerprint:"), line(&before.sdp, "a=fingerprint:"));
        assert_eq!(line(&answer.sdp, "a=setup:"), line(&before.sdp, "a=setup:"));
        // RFC 3264 section 8: the same session, one version on.
        let origin: Vec<&str> = line(&answer.sdp, "o=").split(' ').collect();
        assert_eq!(origin[1], line(&before.sdp, "o=").split(' ').nth(1).unwrap());
        assert_eq!(origin[2], (version + 1).to_string());
        before = answer;
    }
    let foreign = session.renegotiate(FIREFOX[0]).await;
    assert!(matches!(foreign, Err(RenegotiateError::Offer(_))), "{foreign:?}");
    assert!(session.renegotiate(CALL[1].0).await.is_ok());
    session.close().await;
}

#[tokio::test]
async fn a_line_for_a_screen_is_offered_while_the_call_goes_on() {
    let (transport, _ports) = transport(local(None));
    let OpenSession { mut session, answer: before, .. } = transport.open(ONLY, VOICE, None).await.unwrap();
    let offer = session.offer_again(true).await.unwrap();
    let [camera, screen] = offer.pictures;
    let screen = screen.unwrap();
    assert_eq!((camera, screen.direction), (None, Direction::SendRecv));
    assert_ne!(screen.ours, before.stream_id);
    assert!(offer.sdp.contains("a=setup:actpass\r\n") && offer.sdp.contains("a=group:BUNDLE 0 s0\r\n"));
    assert_eq!(line(&offer.sdp, "a=ice-ufrag:"), line(&before.sdp, "a=ice-ufrag:"), "no restart");
    assert_eq!(line(&offer.sdp, "o=").split(' ').nth(2), Some("2"));
    let theirs = format!(
        "{VOICE}m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:s0\r\na=recvonly\r\n\
         a=rtpmap:96 VP8/90000\r\n"
    )
    .replace("BUNDLE 0", "BUNDLE 0 s0");
    let accepted = session.accept(&theirs).await.unwrap();
    assert_eq!(accepted.pictures[1].as_ref().unwrap().direction, Direction::SendOnly);
    assert!(matches!(session.accept(&theirs).await, Err(AcceptError::Unasked)), "it is answered");

    // An offer of the caller takes the place of ours.
    session.offer_again(false).await.unwrap();
    let answer = session.renegotiate(&theirs).await.unwrap();
    assert_eq!(
        answer.pictures[1].as_ref().unwrap().direction,
        Direction::SendOnly,
        "the screen is still shown"
    );
    assert!(matches!(session.accept(&theirs).await, Err(AcceptError::Unasked)));
    let off = session.offer_again(false).await.unwrap();
    assert!(!off.sdp.contains("a=msid:screen") && off.sdp.contains("a=mid:s0\r\n"), "{}", off.sdp);
    let accepted = session.accept(&theirs.replace("a=recvonly", "a=inactive")).await.unwrap();
    assert_eq!(accepted.pictures[1].as_ref().unwrap().direction, Direction::Inactive);

    // After a crash the lines are offered as they were.
    let lost = transport.offer(ONLY, &accepted.memo).await.unwrap();
    assert!(lost.offer.sdp.contains("a=group:BUNDLE 0 s0\r\n"), "{}", lost.offer.sdp);
    let mut lost = lost.session;
    assert!(matches!(lost.offer_again(true).await, Err(OfferAgainError::Offering)));
    lost.close().await;
    session.close().await;
    let unbundled = VOICE.replace("a=group:BUNDLE 0\r\n", "");
    let OpenSession { mut session, .. } = transport.open(ONLY, &unbundled, None).await.unwrap();
    assert!(matches!(session.offer_again(true).await, Err(OfferAgainError::NoBundle)));
    session.close().await;
}

#[tokio::test]
async fn one_who_only_ever_sends_holds_nothing() {
    let (transport, _ports) = transport(local(None));
    let OpenSession { mut session, answer, .. } = transport.open(ONLY, CALL[1].0, None).await.unwrap();
    assert_eq!((answer.direction.as_str(), answer.held), ("recvonly", false));
    assert!(!session.renegotiate(CALL[0].0).await.unwrap().held);
    assert!(session.renegotiate(CALL[1].0).await.unwrap().held, "now it listened before");
    session.close().await;
}

#[tokio::test]
async fn a_caller_that_wants_to_be_the_dtls_client_is_let() {
    let (transport, _ports) = transport(local(None));
    let offer = CHROMIUM[2].replace("a=setup:actpass", "a=setup:active");
    let OpenSession { session, answer, .. } = transport.open(ONLY, &offer, None).await.unwrap();
    assert!(answer.sdp.contains("a=setup:passive\r\n"), "{}", answer.sdp);
    session.close().await;
}

#[tokio::test]
async fn all_calls_of_a_shard_share_a_port_of_the_range() {
    // Two ports that are free now; one of them is taken by someone else.
    let (range, taken) = free_pair();
    let config = TransportConfig { advertise: Some("203.0.113.9".parse().unwrap()), ..local(Some(range)) };
    let (transport, ports) = transport(config.clone());
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let OpenSession { session, answer, .. } = transport.open(ONLY, CHROMIUM[0], None).await.unwrap();
        let candidate = line(&answer.sdp, "a=candidate:");
        assert!(candidate.contains(&format!(" 203.0.113.9 {} typ host", range.last())), "{candidate}");
        sessions.push(session);
    }
    let full = WebRtcTransport::start(config.clone(), NonZeroUsize::MIN);
    assert!(matches!(full, Err(StartError::Bind(BindError::Range { .. }))), "{full:?}");
    for session in sessions {
        session.close().await;
    }
    drop((transport, ports, taken));
    let two = NonZeroUsize::new(2).unwrap();
    let (transport, _ports) = WebRtcTransport::start(config, two).unwrap();
    for (shard, port) in [(ShardId(0), range.first()), (ShardId(1), range.last())] {
        let OpenSession { session, answer, .. } = transport.open(shard, CHROMIUM[0], None).await.unwrap();
        assert!(line(&answer.sdp, "a=candidate:").contains(&format!(" {port} typ host")));
        session.close().await;
    }
    let nowhere = transport.open(ShardId(2), CHROMIUM[0], None).await;
    assert!(matches!(nowhere, Err(OpenError::NoShard)), "{nowhere:?}");
}

fn transport(config: TransportConfig) -> (WebRtcTransport, Vec<UdpPort>) {
    WebRtcTransport::start(config, NonZeroUsize::MIN).unwrap()
}

fn local(ports: Option<PortRange>) -> TransportConfig {
    TransportConfig { listen: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], ports, ..TransportConfig::default() }
}

/// Two neighbouring ports, the lower one bound.
fn free_pair() -> (PortRange, UdpSocket) {
    for _ in 0..100 {
        let lower = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = lower.local_addr().unwrap().port();
        if port < u16::MAX && UdpSocket::bind(("127.0.0.1", port + 1)).is_ok() {
            return (PortRange::new(port, port + 1).unwrap(), lower);
        }
    }
    panic!("no two neighbouring ports are free");
}

fn line<'a>(sdp: &'a str, start: &str) -> &'a str {
    sdp.lines().find(|line| line.starts_with(start)).unwrap()
}
