//! What a datagram is, by its first two bytes. Whose it is, and whether it is well formed, is not told here.

/// What a datagram on a shared port is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// STUN (RFC 8489).
    Stun,
    /// DTLS (RFC 6347, RFC 9147).
    Dtls,
    /// RTP, or SRTP.
    Rtp,
    /// RTCP, or SRTCP.
    Rtcp,
    /// None of them: ZRTP, TURN channels, QUIC, and what is nothing.
    Other,
}

/// What a datagram is: by its first byte (RFC 7983 section 7), RTP and RTCP by their second (RFC 5761 section 4: no payload type of
/// ours is from 64 to 95).
#[must_use]
pub const fn kind(datagram: &[u8]) -> Kind {
    match datagram {
        [0..=3, ..] => Kind::Stun,
        [20..=63, ..] => Kind::Dtls,
        [128..=191, 192..=223, ..] => Kind::Rtcp,
        [128..=191, _, ..] => Kind::Rtp,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_decides_but_for_rtcp() {
        for first in 0..=255 {
            let expected = match first {
                0..=3 => Kind::Stun,
                20..=63 => Kind::Dtls,
                128..=191 => Kind::Rtp,
                _ => Kind::Other,
            };
            assert_eq!(kind(&[first, 111, 0, 0]), expected, "{first}");
        }
    }

    #[test]
    fn the_second_byte_tells_rtcp_from_rtp() {
        for second in 0..=255 {
            let expected = if (192..=223).contains(&second) { Kind::Rtcp } else { Kind::Rtp };
            assert_eq!(kind(&[0x80, second]), expected, "{second}");
        }
    }

    #[test]
    fn too_short_is_nothing() {
        assert_eq!(kind(&[]), Kind::Other);
        assert_eq!(kind(&[0x80]), Kind::Other);
    }
}
