//! What a fuzzer may throw at the reading of an offer, as a plain function of bytes: it panics where something holds no more.
//!
//! Where bytes come from never lives here: the tests below replay kept and random ones in every run, `crates/transport/fuzz` has
//! the same for cargo-fuzz.

use std::io::Cursor;

use rtc::sdp::SessionDescription;

use super::{LocalTransport, Offer, OwnLines, reduced};
use crate::candidate::{CandidatePolicy, RemoteCandidate, concerns_audio};

/// The most bytes an answer may have, so that with its escapes and the rest of its event it is within the 65,536 of a Matrix event.
const MAX_ANSWER_BYTES: usize = 48 * 1024;

/// The stack's own description, as far as it is read.
const LOCAL: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=fingerprint:sha-256 AA:BB\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=setup:active\r\na=ice-ufrag:ourufrag\r\na=ice-pwd:ourpassword\r\n\
    a=candidate:9 1 udp 1 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n";

/// Bytes as an offer, as the offer that follows it, and each line of them as a candidate.
///
/// An offer is refused, or leads to a description for the stack and to an answer that can be read: with the offer's lines in its
/// order, those of them taken that can be, no line in it that we did not write, and small enough to be sent.
///
/// # Panics
///
/// When one of these does not hold.
pub fn offer(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let policy = CandidatePolicy { allow_private: true };
    let Ok(offer) = Offer::parse(&text) else {
        for line in text.lines() {
            let _ = policy.usable(line, "ufrag");
        }
        return;
    };
    assert_eq!(Offer::parse_again(&text, &offer.kept()).as_ref(), Ok(&offer), "its repetition is refused");
    for line in text.lines() {
        let candidate =
            RemoteCandidate { line: line.to_owned(), mid: Some(line.to_owned()), line_index: Some(0) };
        let _ = concerns_audio(&candidate, &offer);
        if let Some(usable) = policy.usable(line, &offer.ice.ufrag) {
            assert!(!usable.contains(['\r', '\n']), "{usable:?}");
        }
    }

    let shown = parse(&reduced(&offer, 1));
    assert_eq!(shown.media_descriptions.len(), 1);

    let answer = answer_to(&offer);
    assert!(answer.len() <= MAX_ANSWER_BYTES, "an answer of {} bytes", answer.len());
    for line in answer.split_terminator("\r\n") {
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
    }
    let answered = parse(&answer);
    assert_eq!(answered.media_descriptions.len(), offer.shape.lines.len());
    for (index, (line, media)) in offer.shape.lines.iter().zip(&answered.media_descriptions).enumerate() {
        assert_eq!(media.media_name.media, line.media);
        assert_eq!(media.attribute("mid").flatten(), line.mid.as_deref());
        assert_eq!(media.media_name.port.value != 0, offer.shape.takes(index));
    }
}

fn parse(sdp: &str) -> SessionDescription {
    match SessionDescription::unmarshal(&mut Cursor::new(sdp)) {
        Ok(session) => session,
        Err(error) => panic!("{error}: {sdp}"),
    }
}

fn answer_to(offer: &Offer) -> String {
    let lines = OwnLines {
        session: 1,
        version: 1,
        stream: "stream".to_owned(),
        track: "track".to_owned(),
        ssrc: 77,
        cname: "name".to_owned(),
        ice_lite: false,
        pictures: super::own::numbered(),
    };
    match LocalTransport::read(LOCAL, vec!["1 1 udp 2130706431 10.0.0.5 4000 typ host".to_owned()]) {
        Ok(local) => lines.write(&offer.shape, &offer.directions(), &local),
        Err(error) => panic!("{error}"),
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;
    use std::time::{SystemTime, UNIX_EPOCH};

    use confocal_testing::damage::{Damage, corpus};

    /// How many broken offers are made from each seed.
    const INPUTS: usize = 3000;

    /// What makes a difference in an offer.
    const WORDS: [&str; 24] = [
        "\r\n",
        "\n",
        "\r",
        "\0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n",
        "m=audio 0 x 0\r\n",
        "m=video 9 x\r\n",
        "a=mid:0\r\n",
        "a=mid:\r\n",
        "a=group:BUNDLE 0 1\r\n",
        "a=group:BUNDLE\r\n",
        "a=bundle-only\r\n",
        "a=rtpmap:111 opus/48000/2\r\n",
        "a=rtpmap:111 OPUS/48000\r\n",
        "a=ice-ufrag:x\r\n",
        "a=ice-pwd:y\r\n",
        "a=setup:active\r\n",
        "a=inactive\r\n",
        "a=sendonly\r\n",
        "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n",
        "a=candidate:1 1 udp 1 192.0.2.1 4000 typ host\r\n",
        "99999999999999999999",
        " ",
        "é",
    ];

    /// What was kept, what browsers wrote, and thousands of broken offers from two seeds, one of them new each time.
    #[test]
    fn whatever_is_offered_is_refused_or_answered_well() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut kept = corpus(&here.join("corpus/offers"));
        assert!(kept.len() >= 5, "{} kept", kept.len());
        for browser in ["js-sdk-chromium", "firefox"] {
            kept.extend(corpus(&here.join("tests/fixtures").join(browser)));
        }
        for (file, input) in &kept {
            stands(input, file);
        }
        let this_run = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        for seed in [1, this_run] {
            let mut damage = Damage::new(seed);
            for number in 0..INPUTS {
                let (_, good) = damage.one_of(&kept).clone();
                let input = damage.of(&good, &WORDS);
                stands(&input, &format!("seed {seed}, input {number}"));
            }
        }
    }

    fn stands(input: &[u8], from: &str) {
        if catch_unwind(AssertUnwindSafe(|| super::offer(input))).is_err() {
            panic!("{from} did not stand it:\n{}", String::from_utf8_lossy(input));
        }
    }
}
