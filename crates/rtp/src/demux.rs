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

/// The SSRC of who sent an RTP or RTCP packet, which SRTP and SRTCP leave in the clear; `None` for anything else, and for what is
/// too short. It is whatever the sender of the datagram likes until the packet was unprotected.
#[must_use]
pub fn claimed_ssrc(datagram: &[u8]) -> Option<u32> {
    let at = match kind(datagram) {
        Kind::Rtp => 8,
        Kind::Rtcp => 4,
        Kind::Stun | Kind::Dtls | Kind::Other => return None,
    };
    datagram.get(at..)?.first_chunk::<4>().map(|ssrc| u32::from_be_bytes(*ssrc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ssrc_is_where_either_has_it() {
        let mut datagram = [0x80, 111, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(claimed_ssrc(&datagram), Some(0x0506_0708));
        assert_eq!(claimed_ssrc(&datagram[..11]), None);
        datagram[1] = 201;
        assert_eq!(claimed_ssrc(&datagram), Some(0x0102_0304));
        assert_eq!(claimed_ssrc(&datagram[..7]), None);
        datagram[0] = 20;
        assert_eq!(claimed_ssrc(&datagram), None);
    }

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
