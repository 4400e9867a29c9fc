//! Offers as the callers write them, and what they need of the answers. Written for this one purpose: a caller with one audio line, and one
//! for pictures if it has any.

use std::net::SocketAddr;

/// What an offer says.
#[derive(Clone, Debug)]
pub struct Offer<'a> {
    /// ICE credentials (RFC 8839 section 5.4).
    pub ufrag: &'a str,
    /// As above.
    pub password: &'a str,
    /// SHA-256 of the certificate, as hex pairs with colons (RFC 8122 section 5).
    pub fingerprint: &'a str,
    /// The only candidate.
    pub address: SocketAddr,
    /// What the packets will carry.
    pub ssrc: u32,
    /// Offer the header extension that tells levels (RFC 6464), under [`LEVEL_EXTENSION`].
    pub levels: bool,
    /// A line for pictures.
    pub pictures: Option<OfferedPictures>,
}

/// What an offer says of its line for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfferedPictures {
    /// What the packets of pictures will carry, and those that are sent again; `None`: they are only received.
    pub sources: Option<(u32, u32)>,
}

/// The id of the level extension.
pub const LEVEL_EXTENSION: u8 = 1;
/// What the level extension is called (RFC 6464 section 5).
const LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
/// The payload type of Opus.
pub const OPUS: u8 = 111;
/// The payload type of VP8.
pub const VP8: u8 = 96;
/// The payload type of packets of VP8 that are sent again (RFC 4588).
pub const VP8_AGAIN: u8 = 97;

impl Offer<'_> {
    /// The text (RFC 8866; for WebRTC RFC 8829).
    #[must_use]
    pub fn write(&self) -> String {
        let Self { ufrag, password, fingerprint, address, ssrc, levels, pictures } = self;
        let (ip, port) = (address.ip(), address.port());
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let extension =
            if *levels { format!("a=extmap:{LEVEL_EXTENSION} {LEVEL_URI}\r\n") } else { String::new() };
        let (group, pictures) = match pictures {
            Some(pictures) => ("0 1", self.picture_line(pictures)),
            None => ("0", String::new()),
        };
        format!(
            "v=0\r\no=- {ssrc} 1 IN {family} {ip}\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {group}\r\na=msid-semantic: WMS *\r\n\
             m=audio {port} UDP/TLS/RTP/SAVPF {OPUS}\r\nc=IN {family} {ip}\r\na=rtcp:{port} IN {family} {ip}\r\n\
             a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n\
             a=mid:0\r\n{extension}a=sendrecv\r\na=msid:caller microphone\r\na=rtcp-mux\r\n\
             a=rtpmap:{OPUS} opus/48000/2\r\na=fmtp:{OPUS} minptime=10;useinbandfec=1\r\na=ssrc:{ssrc} cname:caller{ssrc}\r\n\
             a=candidate:1 1 udp 2130706431 {ip} {port} typ host\r\na=end-of-candidates\r\n{pictures}"
        )
    }

    /// As Chromium's, without the codecs that are not spoken here.
    fn picture_line(&self, pictures: &OfferedPictures) -> String {
        let Self { ufrag, password, fingerprint, address, ssrc, .. } = self;
        let ip = address.ip();
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let (direction, sources) = match pictures.sources {
            Some((first, again)) => (
                "sendrecv\r\na=msid:caller camera",
                format!(
                    "a=ssrc-group:FID {first} {again}\r\na=ssrc:{first} cname:caller{ssrc}\r\na=ssrc:{again} cname:caller{ssrc}\r\n"
                ),
            ),
            None => ("recvonly", String::new()),
        };
        format!(
            "m=video 9 UDP/TLS/RTP/SAVPF {VP8} {VP8_AGAIN}\r\nc=IN {family} {ip}\r\na=rtcp:9 IN {family} {ip}\r\n\
             a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n\
             a=mid:1\r\na=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
             a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
             a=rtpmap:{VP8} VP8/90000\r\na=rtcp-fb:{VP8} goog-remb\r\na=rtcp-fb:{VP8} ccm fir\r\na=rtcp-fb:{VP8} nack\r\n\
             a=rtcp-fb:{VP8} nack pli\r\na=rtpmap:{VP8_AGAIN} rtx/90000\r\na=fmtp:{VP8_AGAIN} apt={VP8}\r\n{sources}"
        )
    }
}

/// What a caller needs of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// ICE credentials.
    pub ufrag: String,
    /// As above.
    pub password: String,
    /// SHA-256 of the certificate that DTLS must show.
    pub fingerprint: String,
    /// The other side begins DTLS (`a=setup:active`), else the caller does.
    pub active: bool,
    /// Candidates for RTP over UDP, as they stand after `a=`.
    pub candidates: Vec<String>,
    /// The payload type of Opus, which an answer may number anew.
    pub payload_type: u8,
    /// Levels are taken under [`LEVEL_EXTENSION`].
    pub levels: bool,
    /// What it says of the line for pictures; `None` where there is none, or it is refused.
    pub pictures: Option<AgreedPictures>,
}

/// What a caller needs of an answer's line for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgreedPictures {
    /// The payload type of VP8.
    pub payload_type: u8,
    /// The payload type of packets that are sent again (RFC 4588).
    pub again: Option<u8>,
    /// What the packets will carry that come, if it is told.
    pub ssrc: Option<u32>,
}

/// Why an answer is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer has no {0}")]
pub struct Lacking(&'static str);

impl Answer {
    /// Reads an answer to an [`Offer`].
    ///
    /// # Errors
    ///
    /// [`Lacking`] names what is missing.
    pub fn read(sdp: &str) -> Result<Self, Lacking> {
        let lines = || sdp.lines().map(str::trim_end);
        let value = |name: &'static str| {
            let found =
                lines().find_map(|line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'));
            found.map(str::to_owned).ok_or(Lacking(name))
        };
        let media = lines().find(|line| line.starts_with("m=audio ")).ok_or(Lacking("audio line"))?;
        if media.split(' ').nth(1) == Some("0") {
            return Err(Lacking("audio line that is not refused"));
        }
        let payload_type = lines()
            .filter_map(|line| line.strip_prefix("a=rtpmap:")?.split_once(' '))
            .find(|(_, codec)| codec.to_ascii_lowercase().starts_with("opus/"))
            .and_then(|(number, _)| number.parse().ok())
            .ok_or(Lacking("Opus"))?;
        let fingerprint = value("fingerprint")?;
        let fingerprint = fingerprint
            .split_once(' ')
            .filter(|(hash, _)| hash.eq_ignore_ascii_case("sha-256"))
            .map(|(_, digest)| digest.to_ascii_uppercase())
            .ok_or(Lacking("fingerprint by SHA-256"))?;
        // Each line of a bundle may have them.
        let mut candidates: Vec<String> = Vec::new();
        for candidate in lines().filter_map(|line| line.strip_prefix("a=")).filter(|line| {
            let mut words = line.split_ascii_whitespace();
            line.starts_with("candidate:")
                && words.nth(1) == Some("1")
                && words.next().is_some_and(|transport| transport.eq_ignore_ascii_case("udp"))
        }) {
            if !candidates.iter().any(|known| known == candidate) {
                candidates.push(candidate.to_owned());
            }
        }
        if candidates.is_empty() {
            return Err(Lacking("candidate"));
        }
        let levels = lines().any(is_level_extension);
        Ok(Self {
            ufrag: value("ice-ufrag")?,
            password: value("ice-pwd")?,
            fingerprint,
            active: value("setup")? == "active",
            candidates,
            payload_type,
            levels,
            pictures: AgreedPictures::read(sdp),
        })
    }
}

/// Whether a line gives the level extension its number (RFC 8285 section 5).
fn is_level_extension(line: &str) -> bool {
    let mut words = line.strip_prefix("a=extmap:").into_iter().flat_map(|rest| rest.split(' '));
    let number = words.next().and_then(|word| word.split('/').next()?.parse().ok());
    number == Some(LEVEL_EXTENSION) && words.next() == Some(LEVEL_URI)
}

impl AgreedPictures {
    fn read(sdp: &str) -> Option<Self> {
        let mut lines = sdp.lines().map(str::trim_end).skip_while(|line| !line.starts_with("m=video "));
        if lines.next()?.split(' ').nth(1) == Some("0") {
            return None;
        }
        let lines: Vec<&str> = lines.take_while(|line| !line.starts_with("m=")).collect();
        let all = |name: &'static str| lines.iter().filter_map(move |line| line.strip_prefix(name));
        let codec = |wanted: &'static str| {
            let mut maps = all("a=rtpmap:").filter_map(|map| map.split_once(' '));
            maps.find(|(_, codec)| codec.eq_ignore_ascii_case(wanted))?.0.parse::<u8>().ok()
        };
        let payload_type = codec("VP8/90000")?;
        let again = codec("rtx/90000")
            .filter(|again| all("a=fmtp:").any(|fmtp| fmtp == format!("{again} apt={payload_type}")));
        // The first of a group (RFC 5576), or of those that are named.
        let ssrc = all("a=ssrc-group:FID ")
            .chain(all("a=ssrc:"))
            .find_map(|value| value.split(' ').next()?.parse().ok());
        Some(Self { payload_type, again, ssrc })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> String {
        offer_with(None)
    }

    fn offer_with(pictures: Option<OfferedPictures>) -> String {
        Offer {
            ufrag: "abcd",
            password: "0123456789012345678901",
            fingerprint: "AB:CD",
            address: SocketAddr::from(([127, 0, 0, 1], 4_000)),
            ssrc: 7,
            levels: true,
            pictures,
        }
        .write()
    }

    #[test]
    fn what_is_written_can_be_read() {
        let read = Answer::read(&offer().replace("actpass", "active")).expect("an answer");
        assert_eq!(
            read,
            Answer {
                ufrag: "abcd".into(),
                password: "0123456789012345678901".into(),
                fingerprint: "AB:CD".into(),
                active: true,
                candidates: vec!["candidate:1 1 udp 2130706431 127.0.0.1 4000 typ host".into()],
                payload_type: OPUS,
                levels: true,
                pictures: None,
            }
        );
    }

    #[test]
    fn levels_are_agreed_by_the_name_that_the_rfc_gives_them() {
        let levels =
            |offer: &str| Answer::read(&offer.replace("actpass", "active")).expect("an answer").levels;
        let offer = offer();
        assert!(offer.contains("a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"));
        assert!(levels(&offer.replace("extmap:1 ", "extmap:1/recvonly ")));
        assert!(!levels(&offer.replace("extmap:1 ", "extmap:2 ")));
        assert!(!levels(&offer.replace("rtp-hdrext", "xml:ns")));
    }

    #[test]
    fn a_line_for_pictures_is_read_with_what_it_sends() {
        let sends = offer_with(Some(OfferedPictures { sources: Some((8, 9)) }));
        let agreed =
            |offer: &str| Answer::read(&offer.replace("actpass", "active")).expect("an answer").pictures;
        let whole = AgreedPictures { payload_type: VP8, again: Some(VP8_AGAIN), ssrc: Some(8) };
        assert_eq!(agreed(&sends), Some(whole));
        let receives = offer_with(Some(OfferedPictures { sources: None }));
        assert_eq!(agreed(&receives), Some(AgreedPictures { ssrc: None, ..whole }), "not those of the sound");
        assert!(receives.contains("a=group:BUNDLE 0 1\r\n") && receives.contains("a=recvonly\r\n"));
        assert_eq!(agreed(&sends.replace("m=video 9", "m=video 0")), None);
        assert_eq!(agreed(&sends.replace("apt=96", "apt=95")), Some(AgreedPictures { again: None, ..whole }));
        assert_eq!(agreed(&sends.replace("VP8/90000", "H264/90000")), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let lacks = |from: &str, to: &str| {
            Answer::read(&offer().replace(from, to)).expect_err("not whole").to_string()
        };
        assert_eq!(lacks("m=audio 4000", "m=audio 0"), "the answer has no audio line that is not refused");
        assert_eq!(lacks("opus/48000", "PCMU/8000"), "the answer has no Opus");
        assert_eq!(lacks("a=ice-pwd", "a=x"), "the answer has no ice-pwd");
        assert_eq!(lacks("1 1 udp", "1 2 udp"), "the answer has no candidate");
        assert_eq!(lacks("sha-256", "sha-1"), "the answer has no fingerprint by SHA-256");
    }
}
