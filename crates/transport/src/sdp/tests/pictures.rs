//! Lines for pictures: which are taken, how they are answered, how they come and go.

use confocal_video::PictureCodec;

use super::super::pictures::{Feedback, PictureNow, PictureShape};
use super::super::shape::Directions;
use super::*;

/// What a memo was like when only voice was taken.
const OLD_MEMO: &str = r#"{"session":5,"version":2,"stream":"mix-1","track":"voice-1","has_listened":true,
    "shape":{"lines":[{"media":"audio","proto":"UDP/TLS/RTP/SAVPF","format":"111","mid":"0"}],
    "audio":0,"opus":111,"level_extension":1,"bundled":true}}"#;

fn first(offer: &Offer) -> (&PictureShape, &PictureNow) {
    (offer.shape.pictures[0].as_ref().unwrap(), offer.pictures[0].as_ref().unwrap())
}

/// The video line of Chromium's offer, changed, in that offer.
fn with_video(change: impl Fn(&str) -> String) -> String {
    let (audio, video) = CHROMIUM_VIDEO.split_once("m=video").unwrap();
    format!("{audio}{}", change(&format!("m=video{video}")))
}

/// Chromium's offer with its video line once more, as when a screen is shared.
fn with_screen() -> String {
    let again = |video: &str| {
        let screen = video
            .replace("a=mid:1", "a=mid:2")
            .replace("a=msid:91a8bfaa", "a=msid:5c4ee")
            .replace("515755407", "11")
            .replace("875031109", "12");
        format!("{video}{screen}")
    };
    with_video(again).replace("BUNDLE 0 1", "BUNDLE 0 1 2")
}

#[test]
fn browsers_lines_for_pictures_are_read() {
    for (sdp, numbers, extensions, stream, sources) in [
        (
            CHROMIUM_VIDEO,
            (96, 97),
            (2, 4),
            Some("91a8bfaa-2515-4274-abab-11e76b785ea4"),
            (515_755_407, 875_031_109),
        ),
        (
            FIREFOX_VIDEO,
            (120, 124),
            (4, 3),
            Some("{248b94ae-7ac0-4025-bf27-cace72208ad7}"),
            (2_459_825_309, 2_244_410_045),
        ),
        // In no stream: clients take no track from it either.
        (FIREFOX_TRANSCEIVERS, (120, 124), (4, 3), None, (2_627_936_394, 3_516_837_537)),
    ] {
        let offer = Offer::parse(sdp).unwrap();
        let (shape, now) = first(&offer);
        assert_eq!((shape.line, shape.codec), (1, PictureCodec::Vp8));
        assert_eq!((shape.payload_type, shape.rtx), (numbers.0, Some(numbers.1)));
        assert_eq!((shape.send_time, shape.mid), (Some(extensions.0), Some(extensions.1)));
        assert_eq!(shape.feedback, Feedback::ALL);
        assert_eq!((now.direction, now.stream.as_deref()), (Direction::SendRecv, stream));
        assert_eq!(now.sources, Some((sources.0, Some(sources.1))));
        assert_eq!(offer.shape.pictures[1], None);
    }
    for sdp in [CHROMIUM_VOICE, FIREFOX_VOICE] {
        assert_eq!(Offer::parse(sdp).unwrap().shape.pictures, [None, None]);
    }
}

#[test]
fn h264_is_taken_where_there_is_no_vp8_if_it_is_what_everybody_has() {
    let sdp = CHROMIUM_VIDEO.replace("VP8/90000", "x/90000");
    let offer = Offer::parse(&sdp).unwrap();
    let (shape, _) = first(&offer);
    assert_eq!((shape.codec, shape.payload_type, shape.rtx), (PictureCodec::H264, 108, Some(109)));
    let answer = answer_to(&offer);
    for line in [
        "m=video 9 UDP/TLS/RTP/SAVPF 108 109",
        "a=rtpmap:108 H264/90000",
        "a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "a=fmtp:109 apt=108",
    ] {
        assert!(answer.contains(&format!("{line}\r\n")), "{line} is missing in\n{answer}");
    }
    // Nothing else of it is spoken: neither another packetization mode nor a higher profile.
    let offer = Offer::parse(&sdp.replace("packetization-mode=1;profile-level-id=42e01f", "x=1")).unwrap();
    assert_eq!(offer.shape.pictures, [None, None]);
    assert!(answer_to(&offer).contains("m=video 0 "));
    let higher = sdp.replace(
        "packetization-mode=1;profile-level-id=42e01f",
        "packetization-mode=1;profile-level-id=42E034",
    );
    assert_eq!(first(&Offer::parse(&higher).unwrap()).0.payload_type, 108, "another level is no matter");
}

#[test]
fn the_answer_says_all_that_is_needed_for_pictures() {
    let answer = answer_to(&Offer::parse(CHROMIUM_VIDEO).unwrap());
    let (_, video) = answer.split_once("m=video").unwrap();
    for line in [
        "a=ice-ufrag:ourufrag",
        "a=fingerprint:sha-256 AA:BB",
        "a=setup:active",
        "a=mid:1",
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=sendrecv",
        "a=msid:stream camera",
        "a=rtcp-mux",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 goog-remb",
        "a=rtcp-fb:96 ccm fir",
        "a=rtcp-fb:96 nack",
        "a=rtcp-fb:96 nack pli",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=ssrc-group:FID 78 79",
        "a=ssrc:78 cname:name",
        "a=ssrc:79 cname:name",
    ] {
        assert!(video.contains(&format!("{line}\r\n")), "{line} is missing in\n{video}");
    }
    assert!(video.starts_with(" 9 UDP/TLS/RTP/SAVPF 96 97\r\n"), "{video}");
    // By it browsers would estimate the path for us, and send no REMB.
    assert!(!video.contains("transport-cc") && !video.contains("candidate"), "{video}");
    assert!(answer.contains("a=group:BUNDLE 0 1\r\n"));
}

#[test]
fn only_feedback_that_was_offered_is_answered() {
    let sdp =
        CHROMIUM_VIDEO.replace("a=rtcp-fb:96 nack pli\r\n", "").replace("a=rtcp-fb:96 goog-remb\r\n", "");
    let answer = answer_to(&Offer::parse(&sdp).unwrap());
    assert!(answer.contains("a=rtcp-fb:96 nack\r\n") && answer.contains("a=rtcp-fb:96 ccm fir\r\n"));
    assert!(!answer.contains("pli") && !answer.contains("remb"), "{answer}");
    let for_all = CHROMIUM_VIDEO.replace("a=rtcp-fb:96 ", "a=rtcp-fb:* ");
    assert_eq!(first(&Offer::parse(&for_all).unwrap()).0.feedback, Feedback::ALL);
}

#[test]
fn pictures_flow_as_the_caller_wants() {
    for (offered, answered) in [
        ("sendonly", "recvonly"),
        ("recvonly", "sendonly"),
        ("inactive", "inactive"),
        ("sendrecv", "sendrecv"),
    ] {
        let sdp = with_video(|video| video.replace("a=sendrecv", &format!("a={offered}")));
        let answer = answer_to(&Offer::parse(&sdp).unwrap());
        let (audio, video) = answer.split_once("m=video").unwrap();
        assert!(video.contains(&format!("a={answered}\r\n")), "{video}");
        assert!(audio.contains("a=sendrecv\r\n"));
        assert_eq!(video.contains("a=msid:"), answered.contains("send"));
        assert_eq!(video.contains("a=ssrc"), answered.contains("send"));
    }
    // Recorded: js-sdk holds by all lines.
    let directions = Offer::parse(CHROMIUM_HOLD).unwrap().directions();
    assert_eq!((directions.audio, directions.pictures[0]), (Direction::RecvOnly, Direction::RecvOnly));
}

#[test]
fn a_call_becomes_one_with_pictures_and_one_without() {
    let voice = Offer::parse(CHROMIUM_VIDEO.split_once("m=video").unwrap().0).unwrap();
    assert_eq!(voice.shape.pictures, [None, None]);
    let video = Offer::parse_again(CHROMIUM_VIDEO, &voice.kept()).unwrap();
    assert_eq!(first(&video).0.line, 1);
    for gone in [
        with_video(|video| video.replacen(" 9 ", " 0 ", 1)),
        with_video(|video| video.replace("m=video 9", "m=video 0")).replace("BUNDLE 0 1", "BUNDLE 0"),
    ] {
        let gone = Offer::parse_again(&gone, &video.kept()).unwrap();
        assert_eq!(gone.shape.pictures, [None, None]);
        assert!(answer_to(&gone).contains("m=video 0 "));
    }
    // Not bundled, so not to be reached: but lines in use have to be, or the whole offer is refused.
    let apart = CHROMIUM_VIDEO.replace("BUNDLE 0 1", "BUNDLE 0");
    assert_eq!(Offer::parse(&apart).unwrap().shape.pictures, [None, None]);
}

#[test]
fn the_codec_is_kept_for_as_long_as_the_line_is() {
    let h264 = Offer::parse(&CHROMIUM_VIDEO.replace("VP8/90000", "x/90000")).unwrap();
    let again = Offer::parse_again(CHROMIUM_VIDEO, &h264.kept()).unwrap();
    assert_eq!(first(&again).0.codec, PictureCodec::H264);
    let anew = with_video(|video| video.replace("a=mid:1", "a=mid:7")).replace("BUNDLE 0 1", "BUNDLE 0 7");
    let other = Offer::parse_again(&anew, &h264.kept()).unwrap();
    assert_eq!(first(&other).0.codec, PictureCodec::Vp8, "under another name it is another line");
}

#[test]
fn a_second_line_is_for_screens_and_sends_only_while_there_is_one() {
    let video = Offer::parse(CHROMIUM_VIDEO).unwrap();
    let both = Offer::parse_again(&with_screen(), &video.kept()).unwrap();
    assert_eq!(both.shape.pictures.each_ref().map(|shape| shape.as_ref().unwrap().line), [1, 2]);
    let theirs = both.pictures.each_ref().map(|now| now.as_ref().unwrap().sources.unwrap().0);
    assert_eq!(theirs, [515_755_407, 11]);
    assert_eq!(both.directions().pictures, [Direction::SendRecv, Direction::RecvOnly]);
    let answer = answer_to(&both);
    assert!(answer.contains("a=group:BUNDLE 0 1 2\r\n") && !answer.contains("a=msid:screen"), "{answer}");

    let mut kept = both.kept();
    kept.shape.screen = true;
    let shown = Offer::parse_again(&with_screen(), &kept).unwrap();
    let answer = answer_to(&shown);
    for line in ["a=msid:screen shown", "a=ssrc-group:FID 80 81", "a=ssrc:80 cname:name"] {
        assert!(answer.contains(&format!("{line}\r\n")), "{line} is missing in\n{answer}");
    }

    // The first one goes, the second stays what it is.
    let sdp = with_screen().replacen("m=video 9", "m=video 0", 1);
    let one = Offer::parse_again(&sdp, &kept).unwrap();
    assert_eq!(one.shape.pictures[0], None);
    assert_eq!(one.shape.pictures[1].as_ref().unwrap().line, 2);
    // A third one is not taken.
    let (_, video) = CHROMIUM_VIDEO.split_once("m=video").unwrap();
    let third = format!("{}m=video{}", with_screen(), video.replace("a=mid:1", "a=mid:3"));
    let three = Offer::parse(&third.replace("BUNDLE 0 1 2", "BUNDLE 0 1 2 3")).unwrap();
    assert!(three.shape.takes(2) && !three.shape.takes(3));
}

#[test]
fn a_line_is_added_for_a_screen_and_taken_from_the_callers_camera_when_it_is_free() {
    let mut shape = Offer::parse(CHROMIUM_VOICE).unwrap().shape;
    shape.screen = true;
    shape.add_screen_line();
    shape.add_screen_line();
    assert_eq!(shape.lines.len(), 2, "there is one for all screens");
    let ours = write(&shape, shape.offered());
    for line in
        ["a=group:BUNDLE 0 s0", "m=video 9 UDP/TLS/RTP/SAVPF 96 97", "a=mid:s0", "a=msid:screen shown"]
    {
        assert!(ours.contains(&format!("{line}\r\n")), "{line} is missing in\n{ours}");
    }
    // The caller takes it, then begins to send on it.
    let kept = |shape: &Shape| Kept { shape: shape.clone(), ..Offer::parse(CHROMIUM_VOICE).unwrap().kept() };
    let answer = |direction: &str| {
        let line = format!(
            "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:s0\r\na={direction}\r\n\
             a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
        );
        format!("{CHROMIUM_VOICE}{line}").replace("BUNDLE 0", "BUNDLE 0 s0")
    };
    let taken = Offer::parse_again(&answer("recvonly"), &kept(&shape)).unwrap();
    assert_eq!(taken.directions().pictures[1], Direction::SendOnly);
    let sends = Offer::parse_again(&answer("sendrecv"), &kept(&shape)).unwrap();
    assert_eq!(sends.directions().pictures[1], Direction::SendRecv, "a screen is shown on it");
    shape.screen = false;
    let free = Offer::parse_again(&answer("sendrecv"), &kept(&shape)).unwrap();
    assert_eq!((free.shape.pictures[0].is_some(), free.shape.pictures[1].is_some()), (true, false));
    assert_eq!(free.directions().pictures[0], Direction::SendRecv);

    let mut alone = Offer::parse(CHROMIUM_VIDEO).unwrap().shape;
    alone.add_screen_line();
    let screen = alone.pictures[1].as_ref().unwrap();
    let camera = alone.pictures[0].as_ref().unwrap();
    assert_eq!(*screen, PictureShape { line: 2, ..camera.clone() }, "coded alike, under the same numbers");
    alone.bundled = false;
    alone.pictures[1] = None;
    alone.add_screen_line();
    assert_eq!(alone.pictures[1], None);
}

#[test]
fn memos_keep_lines_for_pictures_and_older_ones_are_read() {
    let old = Memo::parse(OLD_MEMO).unwrap();
    assert_eq!((old.shape.pictures, old.shape.screen, old.pictures), ([None, None], false, None));
    for sdp in [CHROMIUM_VIDEO.to_owned(), with_screen(), CHROMIUM_VIDEO.replace("VP8/90000", "x/90000")] {
        let offer = Offer::parse(&sdp).unwrap();
        let memo = Memo::of(&lines(), &offer.shape, true);
        assert_eq!(Memo::parse(&memo.to_text()).unwrap(), memo);
        assert_eq!(memo.shape, offer.shape);
        let names = memo.pictures.unwrap();
        assert_eq!((names[0].track.as_str(), names[1].stream.as_str()), ("camera", "screen"));
        // What is offered after a crash is answered on the same lines.
        let ours = write(&offer.shape, offer.shape.offered());
        let ours = ours.replace("AA:BB", &["AA"; 32].join(":"));
        let answer = Offer::parse_answer(&ours, &offer.shape).unwrap();
        assert_eq!(answer.shape.pictures, offer.shape.pictures);
    }
    assert!(
        Memo::parse(
            &OLD_MEMO.replace("\"bundled\":true", "\"bundled\":true,\"pictures\":[{\"codec\":\"vp9\"},null]")
        )
        .is_err()
    );
}

fn write(shape: &Shape, directions: Directions) -> String {
    lines().write(shape, &directions, &local())
}
