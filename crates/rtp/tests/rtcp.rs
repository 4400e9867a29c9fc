//! RTCP: bytes by hand, whatever is written is read again, and what is broken is told by name.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

use confocal_rtp::NtpTime;
use confocal_rtp::rtcp::{
    Pli, ReceiverReport, ReportBlock, RtcpError, RtcpPacket, RtcpPackets, RtcpWriter, SenderReport,
    TransportFeedbackHead, WriteRtcpError,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn written(write: impl FnOnce(&mut RtcpWriter<'_>) -> Result<(), WriteRtcpError>) -> Vec<u8> {
    let mut buffer = vec![0xEE; 1 << 18];
    let mut writer = RtcpWriter::new(&mut buffer);
    write(&mut writer).unwrap();
    let len = writer.len();
    buffer.truncate(len);
    buffer
}

/// The one packet that these bytes are.
fn one(bytes: &[u8]) -> RtcpPacket<'_> {
    let mut packets = RtcpPackets::new(bytes);
    let packet = packets.next().unwrap().unwrap();
    assert!(packets.next().is_none());
    packet
}

macro_rules! expect {
    ($bytes:expr, $kind:ident $(, $more:ident)*) => {
        match one($bytes) {
            RtcpPacket::$kind(packet $(, $more)*) => (packet $(, $more)*),
            other => panic!("{other:?}"),
        }
    };
}

#[test]
fn a_sender_report_by_hand() {
    let bytes = written(|writer| {
        let report = SenderReport {
            ssrc: 0x0102_0304,
            ntp: NtpTime(0x1111_1111_2222_2222),
            rtp_timestamp: 3,
            packets: 4,
            octets: 5,
        };
        let block = ReportBlock {
            ssrc: 0x0A0B_0C0D,
            fraction_lost: 0x80,
            cumulative_lost: -2,
            extended_highest: 0x0001_0002,
            jitter: 7,
            last_sr: 8,
            delay_since_last_sr: 9,
        };
        writer.sender_report(&report, &[block])
    });
    let expected: Vec<u8> = [
        0x81C8_000C_u32,
        0x0102_0304,
        0x1111_1111,
        0x2222_2222,
        3,
        4,
        5,
        0x0A0B_0C0D,
        0x80FF_FFFE,
        0x0001_0002,
        7,
        8,
        9,
    ]
    .into_iter()
    .flat_map(u32::to_be_bytes)
    .collect();
    assert_eq!(bytes, expected);
}

#[test]
fn losses_beyond_24_bits_are_told_as_the_nearest() {
    for (told, read) in [(i32::MAX, (1 << 23) - 1), (i32::MIN, -(1 << 23)), (-1, -1)] {
        let block = ReportBlock { cumulative_lost: told, ..ReportBlock::default() };
        let bytes = written(|writer| writer.receiver_report(&ReceiverReport { ssrc: 1 }, &[block]));
        let (_, mut blocks) = expect!(&bytes, ReceiverReport, blocks);
        assert_eq!(blocks.next().unwrap().cumulative_lost, read);
    }
}

/// The example of RFC 4585 section 6.2.1's form: one number and a mask of those that follow.
#[test]
fn a_nack_by_hand() {
    let bytes = written(|writer| writer.nack(1, 2, [65_535, 0, 15, 16]));
    let expected = [0x81CD_0004_u32, 1, 2, 0xFFFF_8001, 0x0010_0000];
    assert_eq!(bytes, expected.into_iter().flat_map(u32::to_be_bytes).collect::<Vec<u8>>());
}

#[test]
fn a_remb_by_hand() {
    // 1,000,000 = 250,000 << 2.
    let bytes = written(|writer| writer.remb(1, 1_000_000, &[7]));
    let mut expected = [0x8FCE_0005_u32, 1, 0].into_iter().flat_map(u32::to_be_bytes).collect::<Vec<u8>>();
    expected.extend(b"REMB");
    expected.extend((1 << 24 | 2 << 18 | 250_000_u32).to_be_bytes());
    expected.extend([0, 0, 0, 7]);
    assert_eq!(bytes, expected);
}

#[test]
fn a_bitrate_that_no_number_holds_is_the_greatest() {
    let mut bytes = written(|writer| writer.remb(1, u64::MAX, &[]));
    assert_eq!(expect!(&bytes, Remb).bitrate, 0x3_FFFF << 46);
    bytes[17] = 0xFF;
    assert_eq!(expect!(&bytes, Remb).bitrate, u64::MAX);
}

/// A run as in the example of the draft's section 3.1.3, and both forms of vectors of section 3.1.4.
#[test]
fn transport_feedback_by_hand() {
    let head = TransportFeedbackHead {
        sender_ssrc: 1,
        media_ssrc: 2,
        base_sequence: 65_530,
        reference_time: -2,
        feedback_count: 9,
    };
    let mut deltas = vec![None; 221];
    // One bit, 14 of them.
    for bit in "11111000111001".chars() {
        deltas.push((bit == '1').then_some(4));
    }
    // Two bits, 7 of them.
    deltas.extend([None, Some(-1), Some(255), Some(0), Some(1), None, None]);
    let bytes = written(|writer| writer.transport_feedback(&head, &deltas));
    let mut expected = [0x8FCD_0009_u32, 1, 2, 0xFFFA_00F2, 0xFFFF_FE09]
        .into_iter()
        .flat_map(u32::to_be_bytes)
        .collect::<Vec<u8>>();
    expected.extend([0x00, 221, 0b1011_1110, 0b0011_1001, 0b1100_1001, 0b0101_0000]);
    expected.extend([4; 9]);
    expected.extend([0xFF, 0xFF, 255, 0, 1]);
    assert_eq!(bytes, expected);
    let read = expect!(&bytes, TransportFeedback);
    assert_eq!(read.head(), head);
    let statuses: Vec<(u16, Option<i16>)> = read.statuses().collect();
    assert_eq!(statuses.len(), deltas.len());
    for (n, (status, delta)) in statuses.into_iter().zip(deltas).enumerate() {
        assert_eq!(status, (65_530_u16.wrapping_add(n as u16), delta));
    }
}

/// What is between 0 and 255 has one byte, all other distances two; a last vector need not be full.
#[test]
fn distances_have_a_byte_or_two() {
    let head = TransportFeedbackHead {
        sender_ssrc: 1,
        media_ssrc: 2,
        base_sequence: 0,
        reference_time: 0,
        feedback_count: 0,
    };
    for (delta, delta_bytes) in [(-32_768, 2_usize), (-1, 2), (0, 1), (255, 1), (256, 2), (32_767, 2)] {
        let deltas = [Some(delta); 8];
        let bytes = written(|writer| writer.transport_feedback(&head, &deltas));
        assert_eq!(bytes.len(), (20 + 2 + 8 * delta_bytes).next_multiple_of(4), "{delta}");
        let told: Vec<_> = expect!(&bytes, TransportFeedback).statuses().map(|(_, delta)| delta).collect();
        assert_eq!(told, deltas);
    }
    let deltas = [Some(1), None, Some(2), None, Some(3), None, Some(4), None, Some(5), Some(6)];
    let bytes = written(|writer| writer.transport_feedback(&head, &deltas));
    assert_eq!(bytes.len(), 20 + 2 + 6, "one chunk of one bit each");
}

#[test]
fn a_long_silence_is_few_bytes_of_feedback() {
    let head = TransportFeedbackHead {
        sender_ssrc: 1,
        media_ssrc: 2,
        base_sequence: 0,
        reference_time: 0,
        feedback_count: 0,
    };
    let mut deltas = vec![None; 65_535];
    deltas[0] = Some(1);
    let bytes = written(|writer| writer.transport_feedback(&head, &deltas));
    assert!(bytes.len() < 60, "{} bytes", bytes.len());
    assert_eq!(expect!(&bytes, TransportFeedback).statuses().count(), 65_535);
}

#[test]
fn a_goodbye_with_a_reason_and_padding() {
    let mut bytes = vec![0xA1, 203, 0, 4, 0, 0, 0, 5, 3];
    bytes.extend(b"bye");
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 8]);
    let goodbye = expect!(&bytes, Goodbye);
    assert_eq!(goodbye.ssrcs().collect::<Vec<u32>>(), [5]);
    assert_eq!(goodbye.reason(), Some(&b"bye"[..]));
}

#[test]
fn other_items_of_a_description_are_passed_over() {
    // A NAME before the CNAME, then a chunk without one.
    let mut bytes = vec![0x82, 202, 0, 6, 0, 0, 0, 1, 2, 2, b'x', b'y', 1, 3];
    bytes.extend(b"who\0\0\0");
    bytes.extend([0, 0, 0, 2, 0, 0, 0, 0]);
    let cnames: Vec<_> = expect!(&bytes, SourceDescription).cnames().collect();
    assert_eq!(cnames, [(1, Some(&b"who"[..])), (2, None)]);
}

/// Where the items fill their last word the zero that ends them takes another one.
#[test]
fn each_chunk_begins_behind_the_end_of_the_one_before() {
    let mut bytes = vec![0x82, 202, 0, 6, 0, 0, 0, 1, 1, 2, b'a', b'b', 0, 0, 0, 0];
    bytes.extend([0, 0, 0, 2, 1, 1, b'c', 1, 1, b'd', 0, 0]);
    let cnames: Vec<_> = expect!(&bytes, SourceDescription).cnames().collect();
    assert_eq!(cnames, [(1, Some(&b"ab"[..])), (2, Some(&b"c"[..]))], "and the first name counts");
}

#[test]
fn what_we_do_not_have_is_passed_over() {
    let mut bytes = vec![0x80, 204, 0, 2, 0, 0, 0, 1, b'n', b'a', b'm', b'e'];
    // An XR, an application's feedback that is no REMB, and a format of transport layer feedback that nobody knows.
    bytes.extend([0x80, 207, 0, 1, 0, 0, 0, 1]);
    bytes.extend([0x8F, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, b'x', b'x', b'x', b'x']);
    bytes.extend([0x9E, 205, 0, 0]);
    bytes.extend(written(|writer| writer.pli(Pli { sender_ssrc: 1, media_ssrc: 2 })));
    assert_eq!(expect!(&bytes, Pli), Pli { sender_ssrc: 1, media_ssrc: 2 });
}

fn errors(bytes: &[u8]) -> Vec<RtcpError> {
    RtcpPackets::new(bytes).filter_map(Result::err).collect()
}

#[test]
fn what_is_broken_is_told_by_name() {
    assert_eq!(errors(&[0x80, 201, 0]), [RtcpError::Head(3)]);
    assert_eq!(errors(&[0x40, 201, 0, 1, 0, 0, 0, 1]), [RtcpError::Version]);
    assert_eq!(errors(&[0x80, 201, 0, 2, 0, 0, 0, 1]), [RtcpError::Length { packet_type: 201 }]);
    assert_eq!(errors(&[0xA0, 201, 0, 1, 0, 0, 0, 0]), [RtcpError::Padding { packet_type: 201 }]);
    assert_eq!(errors(&[0xA0, 201, 0, 1, 0, 0, 0, 9]), [RtcpError::Padding { packet_type: 201 }]);
    assert_eq!(errors(&[0xA0, 201, 0, 0]), [RtcpError::Padding { packet_type: 201 }]);
    let content = |packet_type| [RtcpError::Content { packet_type }];
    assert_eq!(errors(&[0x81, 201, 0, 1, 0, 0, 0, 1]), content(201), "a report without its block");
    assert_eq!(errors(&[0x80, 200, 0, 1, 0, 0, 0, 1]), content(200), "half a sender report");
    assert_eq!(errors(&[0x82, 203, 0, 1, 0, 0, 0, 1]), content(203), "one SSRC of two");
    assert_eq!(errors(&[0x80, 203, 0, 1, 9, b'x', 0, 0]), content(203), "a reason that is cut off");
    assert_eq!(errors(&[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 9, 0, 0]), content(202), "a name that is cut off");
    assert_eq!(errors(&[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 0, 0]), content(202), "items without an end");
    assert_eq!(errors(&[0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]), content(205), "a NACK of nothing");
    assert_eq!(errors(&[0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0]), content(206), "an FIR of nothing");
}

#[test]
fn feedback_that_holds_less_than_it_says_is_refused() {
    let head = TransportFeedbackHead {
        sender_ssrc: 1,
        media_ssrc: 2,
        base_sequence: 0,
        reference_time: 0,
        feedback_count: 0,
    };
    let good = written(|writer| writer.transport_feedback(&head, &[Some(1), Some(500), None]));
    let content = [RtcpError::Content { packet_type: 205 }];
    let mut more = written(|writer| writer.transport_feedback(&head, &[None, None]));
    more[15] = 3;
    assert_eq!(errors(&more), content, "three statuses in a run of two");
    let mut reserved = good.clone();
    reserved[20] |= 0b0011_0000;
    assert_eq!(errors(&reserved), content, "the reserved symbol");
    let mut without_deltas = good;
    without_deltas.truncate(20);
    without_deltas.extend([0x20, 100, 0, 0]);
    without_deltas[0] &= !0x20;
    without_deltas[3] = 5;
    without_deltas[15] = 100;
    assert_eq!(errors(&without_deltas), content, "a hundred came, with two distances");
}

#[test]
fn after_one_that_can_not_be_read_comes_the_next() {
    let mut bytes = vec![0x81, 201, 0, 1, 0, 0, 0, 1];
    bytes.extend(written(|writer| writer.goodbye(&[7])));
    let mut packets = RtcpPackets::new(&bytes);
    assert!(packets.next().unwrap().is_err());
    assert!(matches!(packets.next(), Some(Ok(RtcpPacket::Goodbye(_)))));
    assert!(packets.next().is_none());
}

#[test]
fn what_does_not_fit_leaves_what_was_there() {
    let mut buffer = [0; 24];
    let mut writer = RtcpWriter::new(&mut buffer);
    writer.receiver_report(&ReceiverReport { ssrc: 1 }, &[]).unwrap();
    assert_eq!(writer.cname(1, "twelve bytes"), Err(WriteRtcpError::NoRoom));
    assert_eq!(writer.sender_report(&report(), &[]), Err(WriteRtcpError::NoRoom));
    assert_eq!(writer.len(), 8);
    writer.cname(1, "four").unwrap();
    assert_eq!(writer.len(), 24);
    assert_eq!(writer.goodbye(&[]), Err(WriteRtcpError::NoRoom));
    assert_eq!(RtcpPackets::new(&buffer).filter(Result::is_ok).count(), 2);
}

#[test]
fn what_no_packet_can_say_is_refused() {
    let mut buffer = [0; 4000];
    let mut writer = RtcpWriter::new(&mut buffer);
    assert_eq!(writer.goodbye(&[1; 32]), Err(WriteRtcpError::TooMany));
    assert_eq!(writer.sender_report(&report(), &[ReportBlock::default(); 32]), Err(WriteRtcpError::TooMany));
    assert_eq!(writer.cname(1, &"x".repeat(256)), Err(WriteRtcpError::TooMany));
    assert_eq!(writer.remb(1, 1, &[1; 256]), Err(WriteRtcpError::TooMany));
    assert_eq!(writer.nack(1, 2, []), Err(WriteRtcpError::Nothing));
    assert_eq!(writer.fir(1, &[]), Err(WriteRtcpError::Nothing));
    assert!(writer.is_empty());
}

fn report() -> SenderReport {
    SenderReport { ssrc: 1, ntp: NtpTime(2), rtp_timestamp: 3, packets: 4, octets: 5 }
}

fn block() -> impl Strategy<Value = ReportBlock> {
    (any::<(u32, u8)>(), -(1 << 23)..1 << 23, any::<(u32, u32, u32, u32)>()).prop_map(
        |((ssrc, fraction_lost), cumulative_lost, rest)| ReportBlock {
            ssrc,
            fraction_lost,
            cumulative_lost,
            extended_highest: rest.0,
            jitter: rest.1,
            last_sr: rest.2,
            delay_since_last_sr: rest.3,
        },
    )
}

proptest! {
    #[test]
    fn reports_are_read_as_written(numbers: (u32, u64, u32, u32, u32), blocks in vec(block(), 0..32)) {
        let (ssrc, ntp, rtp_timestamp, packets, octets) = numbers;
        let report = SenderReport { ssrc, ntp: NtpTime(ntp), rtp_timestamp, packets, octets };
        let bytes = written(|writer| writer.sender_report(&report, &blocks));
        let (read, read_blocks) = expect!(&bytes, SenderReport, blocks);
        prop_assert_eq!(read, report);
        prop_assert_eq!(read_blocks.collect::<Vec<_>>(), blocks.clone());
        let bytes = written(|writer| writer.receiver_report(&ReceiverReport { ssrc }, &blocks));
        let (read, read_blocks) = expect!(&bytes, ReceiverReport, blocks);
        prop_assert_eq!(read, ReceiverReport { ssrc });
        prop_assert_eq!(read_blocks.collect::<Vec<_>>(), blocks);
    }

    #[test]
    fn names_and_ends_are_read_as_written(ssrc: u32, cname in "[ -~]{0,255}", ssrcs in vec(any::<u32>(), 0..32)) {
        let bytes = written(|writer| writer.cname(ssrc, &cname));
        let read: Vec<_> = expect!(&bytes, SourceDescription).cnames().collect();
        prop_assert_eq!(read, [(ssrc, Some(cname.as_bytes()))]);
        let bytes = written(|writer| writer.goodbye(&ssrcs));
        let read = expect!(&bytes, Goodbye);
        prop_assert_eq!(read.ssrcs().collect::<Vec<_>>(), ssrcs);
        prop_assert_eq!(read.reason(), None);
    }

    #[test]
    fn nacks_are_read_as_written(numbers: (u32, u32), first: u16, steps in vec(1_u16..40, 0..60)) {
        let mut sequences = vec![first];
        for step in steps {
            sequences.push(sequences[sequences.len() - 1].wrapping_add(step));
        }
        let bytes = written(|writer| writer.nack(numbers.0, numbers.1, sequences.iter().copied()));
        let read = expect!(&bytes, Nack);
        prop_assert_eq!((read.sender_ssrc, read.media_ssrc), numbers);
        prop_assert_eq!(read.sequences().collect::<Vec<_>>(), sequences);
    }

    #[test]
    fn wishes_are_read_as_written(
        sender_ssrc: u32, media_ssrc: u32, entries in vec(any::<(u32, u8)>(), 1..20),
        bitrate: u64, ssrcs in vec(any::<u32>(), 0..256),
    ) {
        let pli = Pli { sender_ssrc, media_ssrc };
        prop_assert_eq!(expect!(&written(|writer| writer.pli(pli)), Pli), pli);
        let bytes = written(|writer| writer.fir(sender_ssrc, &entries));
        let read = expect!(&bytes, Fir);
        prop_assert_eq!(read.sender_ssrc, sender_ssrc);
        prop_assert_eq!(read.entries().collect::<Vec<_>>(), entries);
        let bytes = written(|writer| writer.remb(sender_ssrc, bitrate, &ssrcs));
        let read = expect!(&bytes, Remb);
        prop_assert_eq!(read.ssrcs().collect::<Vec<_>>(), ssrcs);
        prop_assert!(read.bitrate <= bitrate && bitrate - read.bitrate <= bitrate >> 17);
    }

    #[test]
    fn feedback_is_read_as_written(
        numbers: (u32, u32, u16, u8), reference_time in -(1 << 23)..1 << 23,
        runs in vec((1_usize..20, prop_oneof![Just(None), (0_i16..256).prop_map(Some), any::<i16>().prop_map(Some)]), 1..40),
    ) {
        let head = TransportFeedbackHead {
            sender_ssrc: numbers.0,
            media_ssrc: numbers.1,
            base_sequence: numbers.2,
            reference_time,
            feedback_count: numbers.3,
        };
        let deltas: Vec<Option<i16>> = runs.into_iter().flat_map(|(count, delta)| vec![delta; count]).collect();
        let bytes = written(|writer| writer.transport_feedback(&head, &deltas));
        let read = expect!(&bytes, TransportFeedback);
        prop_assert_eq!(read.head(), head);
        for (n, (sequence, delta)) in read.statuses().enumerate() {
            prop_assert_eq!(sequence, head.base_sequence.wrapping_add(n as u16));
            prop_assert_eq!(delta, deltas[n]);
        }
        prop_assert_eq!(read.statuses().count(), deltas.len());
    }
}
