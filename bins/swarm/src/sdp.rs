//! Offers as the callers write them, and what they need of the answers. Written for this one purpose: a caller with one audio line.

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
}

/// The id of the level extension.
pub const LEVEL_EXTENSION: u8 = 1;
/// The payload type of Opus.
pub const OPUS: u8 = 111;

impl Offer<'_> {
    /// The text (RFC 8866; for WebRTC RFC 8829).
    #[must_use]
    pub fn write(&self) -> String {
        let Self { ufrag, password, fingerprint, address, ssrc, levels } = self;
        let (ip, port) = (address.ip(), address.port());
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let extension = if *levels {
            format!("a=extmap:{LEVEL_EXTENSION} urn:ietf:params:xml:ns:ssrc-audio-level\r\n")
        } else {
            String::new()
        };
        format!(
            "v=0\r\no=- {ssrc} 1 IN {family} {ip}\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS *\r\n\
             m=audio {port} UDP/TLS/RTP/SAVPF {OPUS}\r\nc=IN {family} {ip}\r\na=rtcp:{port} IN {family} {ip}\r\n\
             a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\na=fingerprint:sha-256 {fingerprint}\r\na=setup:actpass\r\n\
             a=mid:0\r\n{extension}a=sendrecv\r\na=msid:caller microphone\r\na=rtcp-mux\r\n\
             a=rtpmap:{OPUS} opus/48000/2\r\na=fmtp:{OPUS} minptime=10;useinbandfec=1\r\na=ssrc:{ssrc} cname:caller{ssrc}\r\n\
             a=candidate:1 1 udp 2130706431 {ip} {port} typ host\r\na=end-of-candidates\r\n"
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
        let candidates: Vec<String> = lines()
            .filter_map(|line| line.strip_prefix("a="))
            .filter(|line| {
                let mut words = line.split_ascii_whitespace();
                line.starts_with("candidate:")
                    && words.nth(1) == Some("1")
                    && words.next().is_some_and(|transport| transport.eq_ignore_ascii_case("udp"))
            })
            .map(str::to_owned)
            .collect();
        if candidates.is_empty() {
            return Err(Lacking("candidate"));
        }
        let level = format!("a=extmap:{LEVEL_EXTENSION}");
        let levels = lines().any(|line| line.starts_with(&level) && line.ends_with("ssrc-audio-level"));
        Ok(Self {
            ufrag: value("ice-ufrag")?,
            password: value("ice-pwd")?,
            fingerprint,
            active: value("setup")? == "active",
            candidates,
            payload_type,
            levels,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> String {
        Offer {
            ufrag: "abcd",
            password: "0123456789012345678901",
            fingerprint: "AB:CD",
            address: SocketAddr::from(([127, 0, 0, 1], 4_000)),
            ssrc: 7,
            levels: true,
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
            }
        );
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
