//! Of a STUN message what says whose datagram it is and whether it picks an address. It is not checked for integrity here, and
//! never answered: that is ICE's.

/// The bytes of a STUN header (RFC 8489 section 5).
const HEADER_BYTES: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const BINDING: u16 = 0x001;
const USERNAME: u16 = 0x0006;
/// RFC 8445 section 16.1.
const USE_CANDIDATE: u16 = 0x0025;

/// What a STUN message is for (RFC 8489 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StunClass {
    /// It asks.
    Request,
    /// It tells, and is not answered.
    Indication,
    /// It answers, and all is well.
    Success,
    /// It answers that something is not well.
    Error,
}

/// A STUN message where it lies.
#[derive(Clone, Copy, Debug)]
pub struct StunView<'a> {
    message_type: u16,
    transaction_id: [u8; 12],
    attributes: &'a [u8],
}

impl<'a> StunView<'a> {
    /// Reads a datagram; `None` unless it is [`Kind::Stun`](crate::Kind::Stun), one whole message and has the magic cookie. What its attributes hold is looked at
    /// when they are asked for.
    #[must_use]
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (header, attributes) = datagram.split_first_chunk::<HEADER_BYTES>()?;
        let [t0, t1, l0, l1, c0, c1, c2, c3, id @ ..] = *header;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        // Of the types that STUN has, those that share a port keep to the lowest (RFC 7983 section 7).
        let whole = t0 <= 3
            && [c0, c1, c2, c3] == MAGIC_COOKIE
            && length == attributes.len()
            && length.is_multiple_of(4);
        whole.then_some(Self { message_type: u16::from_be_bytes([t0, t1]), transaction_id: id, attributes })
    }

    /// What the message is for.
    #[must_use]
    pub const fn class(&self) -> StunClass {
        match (self.message_type & 0x0100 != 0, self.message_type & 0x0010 != 0) {
            (false, false) => StunClass::Request,
            (false, true) => StunClass::Indication,
            (true, false) => StunClass::Success,
            (true, true) => StunClass::Error,
        }
    }

    /// Whether its method is Binding, the only one of ICE (RFC 8445 section 7).
    #[must_use]
    pub const fn is_binding(&self) -> bool {
        self.message_type & !0x0110 == BINDING
    }

    /// What an answer repeats of its request.
    #[must_use]
    pub const fn transaction_id(&self) -> [u8; 12] {
        self.transaction_id
    }

    /// The two fragments of the username of a request that came to us: ours and theirs (RFC 8445 section 7.2.2: that of the one
    /// who is asked comes first). `None` where there is no such username, or it is no UTF-8.
    #[must_use]
    pub fn username(&self) -> Option<(&'a str, &'a str)> {
        let username = self.attribute(USERNAME)?;
        core::str::from_utf8(username).ok()?.split_once(':')
    }

    /// Whether the request picks the pair of addresses that it came by (RFC 8445 section 7.1.2).
    #[must_use]
    pub fn use_candidate(&self) -> bool {
        self.attribute(USE_CANDIDATE).is_some()
    }

    fn attribute(&self, wanted: u16) -> Option<&'a [u8]> {
        let mut rest = self.attributes;
        while let Some((&[t0, t1, l0, l1], after)) = rest.split_first_chunk::<4>() {
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let value = after.get(..length)?;
            if u16::from_be_bytes([t0, t1]) == wanted {
                return Some(value);
            }
            // Values are padded to four bytes, and the padding is not counted (RFC 8489 section 14).
            rest = after.get(length.next_multiple_of(4)..)?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(message_type: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, value) in attributes {
            body.extend(kind.to_be_bytes());
            body.extend((value.len() as u16).to_be_bytes());
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let mut bytes = message_type.to_be_bytes().to_vec();
        bytes.extend((body.len() as u16).to_be_bytes());
        bytes.extend(MAGIC_COOKIE);
        bytes.extend(*b"transaction!");
        bytes.extend(body);
        bytes
    }

    #[test]
    fn a_connectivity_check_says_whose_it_is() {
        let bytes = message(0x0001, &[(0x8022, b"x"), (USERNAME, b"ours1:theirs"), (USE_CANDIDATE, b"")]);
        let view = StunView::parse(&bytes).unwrap();
        assert_eq!(view.class(), StunClass::Request);
        assert!(view.is_binding());
        assert_eq!(&view.transaction_id(), b"transaction!");
        assert_eq!(view.username(), Some(("ours1", "theirs")));
        assert!(view.use_candidate());
    }

    #[test]
    fn the_class_is_in_two_bits_of_the_type() {
        let class = |message_type| StunView::parse(&message(message_type, &[])).unwrap().class();
        assert_eq!(class(0x0001), StunClass::Request);
        assert_eq!(class(0x0011), StunClass::Indication);
        assert_eq!(class(0x0101), StunClass::Success);
        assert_eq!(class(0x0111), StunClass::Error);
        assert!(StunView::parse(&message(0x0111, &[])).unwrap().is_binding());
        assert!(!StunView::parse(&message(0x0003, &[])).unwrap().is_binding(), "Allocate, of TURN");
    }

    #[test]
    fn what_is_no_whole_message_is_none() {
        let good = message(0x0001, &[(USERNAME, b"a:b")]);
        for length in 0..good.len() {
            assert!(StunView::parse(&good[..length]).is_none(), "{length} bytes");
        }
        let mut longer = good.clone();
        longer.push(0);
        assert!(StunView::parse(&longer).is_none());
        let mut other = good.clone();
        other[4] ^= 1;
        assert!(StunView::parse(&other).is_none(), "without the cookie");
        for first in [4, 22, 0x80] {
            let mut other = good.clone();
            other[0] |= first;
            assert!(StunView::parse(&other).is_none(), "first byte {first}: another protocol");
        }
    }

    #[test]
    fn an_attribute_that_is_longer_than_the_message_is_none() {
        let mut bytes = message(0x0001, &[(USERNAME, b"a:b"), (USE_CANDIDATE, b"")]);
        bytes[23] = 200;
        let view = StunView::parse(&bytes).unwrap();
        assert_eq!(view.username(), None);
        assert!(!view.use_candidate());
    }

    #[test]
    fn a_username_without_a_colon_or_in_no_utf_8_is_none() {
        assert_eq!(StunView::parse(&message(1, &[(USERNAME, b"ab")])).unwrap().username(), None);
        assert_eq!(StunView::parse(&message(1, &[(USERNAME, b"\xff:b")])).unwrap().username(), None);
    }
}
