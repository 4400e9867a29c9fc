//! RTP: whatever is written is read again, and what is broken is told by name.

use confocal_rtp::{Extension, RTP_HEADER_BYTES, RtpError, RtpHeader, RtpView, WriteRtpError};
use proptest::collection::vec;
use proptest::prelude::*;

const HEADER: RtpHeader = RtpHeader {
    marker: true,
    payload_type: 111,
    sequence: 0x1234,
    timestamp: 0x5678_9ABC,
    ssrc: 0xDEF0_1234,
};

#[test]
fn a_header_by_hand() {
    let mut bytes = [0xEE; 20];
    let level = Extension { id: 1, data: &[0x7F] };
    let mid = Extension { id: 4, data: b"0" };
    assert_eq!(HEADER.write_with(&[level, mid], &mut bytes), Ok(20));
    let expected = [
        0x90, 0xEF, 0x12, 0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE, 0xF0, 0x12, 0x34, 0xBE, 0xDE, 0, 1, 0x10, 0x7F,
        0x40, b'0',
    ];
    assert_eq!(bytes, expected);
    assert_eq!(HEADER.write(&mut bytes), Ok(RTP_HEADER_BYTES));
    assert_eq!(bytes[0], 0x80);
}

#[test]
fn contributors_extensions_and_padding_are_not_payload() {
    let mut bytes = vec![0xB2, 111, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5];
    bytes.extend([0x10, 0x00, 0, 1, 9, 2, 0xAA, 0xBB]);
    bytes.extend(b"payload");
    bytes.extend([0, 0, 3]);
    let view = RtpView::parse(&bytes).unwrap();
    assert_eq!(view.header_len(), 28);
    assert_eq!(view.payload(), b"payload");
    assert_eq!(view.contributors().collect::<Vec<u32>>(), [4, 5]);
    assert_eq!(view.extension(9), Some(&[0xAA, 0xBB][..]));
    assert_eq!(view.extension(1), None);
}

#[test]
fn what_is_broken_is_told_by_name() {
    let parse = |bytes: &[u8]| RtpView::parse(bytes).map(|_| ());
    assert_eq!(parse(&[]), Err(RtpError::TooShort));
    assert_eq!(parse(&[0x80; 11]), Err(RtpError::TooShort));
    assert_eq!(parse(&[0x40; 12]), Err(RtpError::Version));
    assert_eq!(parse(&[0x80; 12]), Ok(()));
    assert_eq!(parse(&[0x81; 15]), Err(RtpError::TooShort), "a contributor that is cut off");
    let mut extended = [0x90; 20];
    extended[14..16].copy_from_slice(&[0, 1]);
    assert_eq!(parse(&extended[..15]), Err(RtpError::TooShort), "an extension's head that is cut off");
    assert_eq!(parse(&extended[..19]), Err(RtpError::TooShort), "an extension that is cut off");
    assert_eq!(parse(&extended), Ok(()));
    let mut padded = [0xA0; 14];
    for (last, expected) in
        [(0, Err(RtpError::Padding)), (1, Ok(())), (2, Ok(())), (3, Err(RtpError::Padding))]
    {
        padded[13] = last;
        assert_eq!(parse(&padded), expected, "{last} bytes of padding, of 2");
    }
    assert_eq!(parse(&[0xA0; 12]), Err(RtpError::Padding), "the header is no padding");
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut out = [0; 60];
    let level = Extension { id: 1, data: &[1] };
    for room in 0..20 {
        let refused = HEADER.write_with(&[level], &mut out[..room]);
        assert_eq!(refused, Err(WriteRtpError::NoRoom), "{room} bytes");
    }
    assert_eq!(HEADER.write_with(&[level], &mut out[..20]), Ok(20));
    assert_eq!(HEADER.write(&mut out[..11]), Err(WriteRtpError::NoRoom));
    assert_eq!(HEADER.write_with(&[], &mut out[..12]), Ok(12));
}

proptest! {
    #[test]
    fn headers_are_read_as_written(
        marker: bool, payload_type in 0_u8..128, sequence: u16, timestamp: u32, ssrc: u32,
        extensions in vec((1_u8..15, vec(any::<u8>(), 1..17)), 0..8),
        payload in vec(any::<u8>(), 0..200), padding in 0_u8..50,
    ) {
        let header = RtpHeader { marker, payload_type, sequence, timestamp, ssrc };
        let list: Vec<Extension<'_>> = extensions.iter().map(|(id, data)| Extension { id: *id, data }).collect();
        let mut bytes = vec![0; 600];
        let header_len = header.write_with(&list, &mut bytes).unwrap();
        bytes.truncate(header_len);
        bytes.extend(&payload);
        if padding > 0 {
            bytes[0] |= 0x20;
            bytes.resize(bytes.len() + usize::from(padding), 0);
            *bytes.last_mut().unwrap() = padding;
        }
        let view = RtpView::parse(&bytes).unwrap();
        prop_assert_eq!(view.header(), header);
        prop_assert_eq!(view.header_len(), header_len);
        prop_assert_eq!(view.extensions().collect::<Vec<_>>(), list);
        prop_assert_eq!(view.payload(), &payload[..]);
    }
}
