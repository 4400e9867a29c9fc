//! Offers as browsers write them, offers that are broken on purpose, and the answers to them.

use proptest::prelude::*;
use rtc::sdp::SessionDescription;

use super::*;

mod pictures;

const CHROMIUM_VOICE: &str = include_str!("../../tests/fixtures/js-sdk-chromium/voice-0-invite-offer.sdp");
const CHROMIUM_VIDEO: &str = include_str!("../../tests/fixtures/js-sdk-chromium/video-0-invite-offer.sdp");
const CHROMIUM_HOLD: &str = include_str!("../../tests/fixtures/js-sdk-chromium/video-7-negotiate-offer.sdp");
const CHROMIUM_RESUME: &str =
    include_str!("../../tests/fixtures/js-sdk-chromium/video-10-negotiate-offer.sdp");
const FIREFOX_VOICE: &str = include_str!("../../tests/fixtures/firefox/voice-offer.sdp");
const FIREFOX_VIDEO: &str = include_str!("../../tests/fixtures/firefox/video-offer.sdp");
const FIREFOX_TRANSCEIVERS: &str = include_str!("../../tests/fixtures/firefox/transceivers-offer.sdp");

const ALL: [&str; 6] =
    [CHROMIUM_VOICE, CHROMIUM_VIDEO, CHROMIUM_HOLD, FIREFOX_VOICE, FIREFOX_VIDEO, FIREFOX_TRANSCEIVERS];

/// The stack's own description, as far as it is read.
const LOCAL: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA:BB\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=setup:active\r\na=ice-ufrag:ourufrag\r\na=ice-pwd:ourpassword\r\n\
    a=candidate:9 1 udp 1 127.0.0.1 9 typ host\r\n\
    a=end-of-candidates\r\n";

#[test]
fn browsers_offers_are_read() {
    for (sdp, opus, level, bundled) in [
        (CHROMIUM_VOICE, 111, Some(1), true),
        (CHROMIUM_VIDEO, 111, Some(1), true),
        (FIREFOX_VOICE, 109, Some(1), true),
        (FIREFOX_VIDEO, 109, Some(1), true),
        (FIREFOX_TRANSCEIVERS, 109, Some(1), true),
    ] {
        let offer = Offer::parse(sdp).unwrap();
        assert_eq!(
            (offer.shape.voice.payload_type, offer.shape.level_extension, offer.shape.bundled),
            (opus, level, bundled)
        );
        assert_eq!(offer.direction, Direction::SendRecv);
        assert_eq!(offer.shape.audio_mid(), Some("0"));
        assert!(offer.fingerprint.starts_with("sha-256 "));
    }
    assert_eq!(Offer::parse(CHROMIUM_HOLD).unwrap().direction, Direction::SendOnly);
    assert!(Offer::parse(FIREFOX_VOICE).unwrap().candidates.len() > 1);
}

#[test]
fn lines_may_end_in_a_bare_line_feed() {
    assert_eq!(Offer::parse(&CHROMIUM_VOICE.replace("\r\n", "\n")), Offer::parse(CHROMIUM_VOICE));
}

#[test]
fn each_fault_has_its_name() {
    let without = |start: &str| -> String {
        CHROMIUM_VIDEO.split_inclusive("\r\n").filter(|line| !line.starts_with(start)).collect()
    };
    let refused = |sdp: &str| Offer::parse(sdp).unwrap_err();

    assert_eq!(refused(&"v".repeat(MAX_SDP_BYTES + 1)), OfferError::TooLarge);
    assert!(matches!(refused(""), OfferError::Malformed(_)));
    assert!(matches!(refused("hello"), OfferError::Malformed(_)));
    assert_eq!(refused("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"), OfferError::NoAudio);
    assert_eq!(refused(&CHROMIUM_VOICE.replace("m=audio 9", "m=audio 0")), OfferError::NoAudio);
    assert_eq!(refused(&CHROMIUM_VOICE.replace("m=audio", "m=video")), OfferError::NoAudio);
    assert_eq!(refused(&CHROMIUM_VOICE.replace("SAVPF 111 63 9 0 8 ", "SAVPF 63 9 ")), OfferError::NoCodec);
    assert_eq!(refused(&without("a=fingerprint")), OfferError::NoFingerprint);
    assert_eq!(refused(&CHROMIUM_VOICE.replace("sha-256 29:CD", "sha-256 29:XX")), OfferError::NoFingerprint);
    assert_eq!(refused(&CHROMIUM_VOICE.replace("sha-256 29:", "sha-256 ")), OfferError::NoFingerprint);
    assert_eq!(refused(&without("a=group")), OfferError::NoBundle);
    assert_eq!(refused(&CHROMIUM_VIDEO.replace("BUNDLE 0 1", "BUNDLE 1")), OfferError::NoBundle);
    assert_eq!(refused(&without("a=ice-pwd")), OfferError::Malformed("ice-pwd"));
    assert_eq!(refused(&CHROMIUM_VIDEO.replace("a=mid:1", "a=mid:0")), OfferError::Malformed("mid"));
}

#[test]
fn without_opus_g711_is_answered() {
    let offer = Offer::parse(&CHROMIUM_VOICE.replace("SAVPF 111 ", "SAVPF ")).unwrap();
    assert_eq!((offer.shape.voice.codec, offer.shape.voice.payload_type), (AudioCodec::Pcmu, 0));
    let answer = answer_to(&offer);
    assert!(answer.contains("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"), "{answer}");
    assert!(answer.contains("a=rtpmap:0 PCMU/8000\r\n") && !answer.contains("a=fmtp"), "{answer}");
    let again = Offer::parse_again(CHROMIUM_VOICE, &offer.kept()).unwrap();
    assert_eq!(again.shape.voice.codec, AudioCodec::Pcmu, "what was agreed on stays");
}

#[test]
fn one_line_needs_no_bundle_and_no_name() {
    let sdp: String = CHROMIUM_VOICE
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("a=group") && !line.starts_with("a=mid"))
        .collect();
    let offer = Offer::parse(&sdp).unwrap();
    let answer = answer_to(&offer);
    assert!(!answer.contains("a=group") && !answer.contains("a=mid"), "{answer}");
}

#[test]
fn what_is_said_for_the_session_holds_for_its_lines() {
    let (session, media) = CHROMIUM_VOICE.split_once("m=audio").unwrap();
    let moved = ["a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup", "a=sendrecv"];
    let (up, stay): (Vec<&str>, Vec<&str>) =
        media.split_inclusive("\r\n").partition(|line| moved.iter().any(|start| line.starts_with(start)));
    let sdp = format!("{session}{}m=audio{}", up.concat().replace("sendrecv", "recvonly"), stay.concat());
    let offer = Offer::parse(&sdp).unwrap();
    let usual = Offer::parse(CHROMIUM_VOICE).unwrap();
    assert_eq!((offer.ice, offer.fingerprint), (usual.ice, usual.fingerprint));
    assert_eq!(offer.direction, Direction::RecvOnly);
}

#[test]
fn a_further_offer_keeps_line_codec_and_certificate() {
    let first = Offer::parse(CHROMIUM_VIDEO).unwrap();
    let again = |sdp: &str| Offer::parse_again(sdp, &first.kept());
    assert_eq!(again(CHROMIUM_VIDEO).unwrap(), first);
    assert_eq!(again(CHROMIUM_VOICE).unwrap_err(), OfferError::FingerprintChanged);
    assert_eq!(
        again(&CHROMIUM_VIDEO.replace("a=mid:0", "a=mid:7").replace("BUNDLE 0", "BUNDLE 7")).unwrap_err(),
        OfferError::NoAudio
    );
    let renumbered = CHROMIUM_VIDEO.replace(":111 ", ":112 ").replace("SAVPF 111", "SAVPF 112");
    assert_eq!(again(&renumbered).unwrap_err(), OfferError::CodecChanged);
}

#[test]
fn the_answer_keeps_the_offers_lines() {
    for sdp in ALL {
        let offer = Offer::parse(sdp).unwrap();
        let answer = answer_to(&offer);
        let parsed = parse(&answer);
        let offered = parse(sdp);
        assert_eq!(parsed.media_descriptions.len(), offered.media_descriptions.len());
        for (ours, theirs) in parsed.media_descriptions.iter().zip(&offered.media_descriptions) {
            assert_eq!(ours.media_name.media, theirs.media_name.media);
            assert_eq!(ours.media_name.protos, theirs.media_name.protos);
            assert_eq!(ours.attribute("mid"), theirs.attribute("mid"));
            assert_ne!(ours.media_name.port.value, 0, "voice and pictures are taken");
            assert_eq!(ours.has_attribute("msid"), offer.direction.reversed().sends());
        }
        let bundle = parse(sdp).attribute("group").cloned();
        assert_eq!(parsed.attribute("group").cloned(), bundle);
    }
}

#[test]
fn the_answer_says_all_that_a_client_needs() {
    let answer = answer_to(&Offer::parse(FIREFOX_TRANSCEIVERS).unwrap());
    for line in [
        "m=audio 9 UDP/TLS/RTP/SAVPF 109",
        "a=candidate:1 1 udp 2130706431 10.0.0.5 4000 typ host",
        "a=candidate:2 1 udp 2130706175 fd00::5 4000 typ host",
        "a=end-of-candidates",
        "a=ice-ufrag:ourufrag",
        "a=ice-pwd:ourpassword",
        "a=fingerprint:sha-256 AA:BB",
        "a=setup:active",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "a=sendrecv",
        "a=msid:stream track",
        "a=rtcp-mux",
        "a=rtpmap:109 opus/48000/2",
        // Firefox asks for two channels.
        "a=fmtp:109 minptime=10;useinbandfec=1;sprop-stereo=1",
        "a=ssrc:77 cname:name",
        "m=video 9 UDP/TLS/RTP/SAVPF 120 124",
    ] {
        assert!(answer.contains(&format!("{line}\r\n")), "{line} is missing in\n{answer}");
    }
    // RTCP has no port of its own.
    assert_eq!(answer.matches("a=candidate").count(), 2);
}

#[test]
fn hold_is_answered_and_kept_from_the_stack() {
    for (offered, answered) in [
        ("sendonly", "recvonly"),
        ("inactive", "inactive"),
        ("recvonly", "sendonly"),
        ("sendrecv", "sendrecv"),
    ] {
        let sdp = CHROMIUM_VOICE.replace("a=sendrecv", &format!("a={offered}"));
        let offer = Offer::parse(&sdp).unwrap();
        let answer = answer_to(&offer);
        assert!(answer.contains(&format!("a={answered}\r\n")), "{answer}");
        assert_eq!(answer.contains("a=msid:"), matches!(answered, "sendrecv" | "sendonly"));
        assert!(reduced(&offer, 1).contains("a=sendrecv\r\n"));
    }
}

#[test]
fn a_caller_holds_by_listening_no_more() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let direction = |sdp: &str| Offer::parse(sdp).unwrap().direction;
    // Recorded: js-sdk sets every line to `sendonly` to hold, and to `sendrecv` to resume.
    assert!(direction(CHROMIUM_HOLD).holds(true));
    assert!(!direction(CHROMIUM_RESUME).holds(true));
    for (way, before, held) in [
        (SendRecv, true, false),
        (SendRecv, false, false),
        // One who never listened is a speaker by design.
        (SendOnly, false, false),
        (SendOnly, true, true),
        (RecvOnly, true, false),
        (RecvOnly, false, false),
        (Inactive, true, true),
        (Inactive, false, true),
    ] {
        assert_eq!(way.holds(before), held, "{way} {before}");
    }
}

#[test]
fn the_stack_is_shown_one_line_with_opus() {
    for sdp in ALL {
        let offer = Offer::parse(sdp).unwrap();
        let shown = parse(&reduced(&offer, 3));
        assert_eq!(shown.media_descriptions.len(), 1);
        assert_eq!(shown.media_descriptions[0].media_name.formats, ["111"]);
        assert!(!shown.media_descriptions[0].has_attribute("ssrc"));
        assert!(!shown.media_descriptions[0].has_attribute("candidate"));
    }
}

/// A fixture with something done to it.
fn damaged() -> impl Strategy<Value = String> {
    let change = prop_oneof![
        (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Overwrite(at, byte)),
        (any::<prop::sample::Index>(), 0_usize..200).prop_map(|(at, length)| Damage::Cut(at, length)),
        any::<prop::sample::Index>().prop_map(Damage::End),
        (any::<prop::sample::Index>(), any::<prop::sample::Index>())
            .prop_map(|(a, b)| Damage::SwapLines(a, b)),
        (any::<prop::sample::Index>(), "[ -~]{0,20}").prop_map(|(at, text)| Damage::Insert(at, text)),
        (any::<prop::sample::Index>(), "[a-z]=[ -~]{0,30}")
            .prop_map(|(at, line)| Damage::InsertLine(at, line)),
        any::<prop::sample::Index>().prop_map(Damage::RepeatLine),
    ];
    (prop::sample::select(ALL.to_vec()), prop::collection::vec(change, 0..6))
        .prop_map(|(sdp, changes)| changes.iter().fold(sdp.to_owned(), |sdp, change| change.apply(&sdp)))
}

#[derive(Clone, Debug)]
enum Damage {
    Overwrite(prop::sample::Index, u8),
    Cut(prop::sample::Index, usize),
    End(prop::sample::Index),
    SwapLines(prop::sample::Index, prop::sample::Index),
    Insert(prop::sample::Index, String),
    InsertLine(prop::sample::Index, String),
    RepeatLine(prop::sample::Index),
}

impl Damage {
    fn apply(&self, sdp: &str) -> String {
        if sdp.is_empty() {
            return String::new();
        }
        let mut bytes = sdp.as_bytes().to_vec();
        let mut lines: Vec<&str> = sdp.split_inclusive('\n').collect();
        match self {
            Self::Overwrite(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Cut(at, length) => {
                let at = at.index(bytes.len());
                let end = (at + length).min(bytes.len());
                bytes.drain(at..end);
            }
            Self::End(at) => bytes.truncate(at.index(bytes.len())),
            Self::Insert(at, text) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, text.bytes());
            }
            Self::SwapLines(a, b) => {
                lines.swap(a.index(sdp.lines().count()), b.index(sdp.lines().count()));
                return lines.concat();
            }
            Self::InsertLine(at, line) => {
                let line = format!("{line}\r\n");
                lines.insert(at.index(lines.len()), &line);
                return lines.concat();
            }
            Self::RepeatLine(at) => {
                let at = at.index(lines.len());
                lines.insert(at, lines[at]);
                return lines.concat();
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_that_is_done_to_an_offer_makes_us_panic(sdp in damaged()) {
        // What is still taken must lead to descriptions that can be read.
        if let Ok(offer) = Offer::parse(&sdp) {
            let shown = SessionDescription::unmarshal(&mut std::io::Cursor::new(reduced(&offer, 1)));
            prop_assert!(shown.is_ok(), "{:?}", shown);
            let answer = answer_to(&offer);
            let parsed = SessionDescription::unmarshal(&mut std::io::Cursor::new(&answer));
            prop_assert!(parsed.is_ok_and(|parsed| parsed.media_descriptions.len() == offer.shape.lines.len()), "{}", answer);
        }
    }

    #[test]
    fn no_text_makes_us_panic(sdp in "(v=0\r\n)?([a-z]=[ -~]{0,40}(\r\n|\n)){0,20}\\PC{0,40}") {
        let _ = Offer::parse(&sdp);
    }
}

fn answer_to(offer: &Offer) -> String {
    lines().write(&offer.shape, &offer.directions(), &local())
}

fn lines() -> OwnLines {
    OwnLines {
        session: 1,
        version: 1,
        stream: "stream".to_owned(),
        track: "track".to_owned(),
        ssrc: 77,
        cname: "name".to_owned(),
        ice_lite: false,
        pictures: own::numbered(),
    }
}

fn local() -> LocalTransport {
    let candidates =
        ["1 1 udp 2130706431 10.0.0.5 4000 typ host", "2 1 udp 2130706175 fd00::5 4000 typ host"];
    LocalTransport::read(LOCAL, candidates.map(str::to_owned).to_vec()).unwrap()
}

fn parse(sdp: &str) -> SessionDescription {
    SessionDescription::unmarshal(&mut std::io::Cursor::new(sdp)).unwrap()
}
