//! What we write is read by the implementation that is in `webrtc`, and the other way round.

use confocal_rtp::rtcp::{
    Pli, ReceiverReport, ReportBlock, RtcpPacket, RtcpPackets, RtcpWriter, SenderReport,
    TransportFeedbackHead,
};
use confocal_rtp::{Extension, NtpTime, RtpHeader, RtpView};
use proptest::collection::vec;
use proptest::prelude::*;
use rtc_rtcp::packet::Packet;
use rtc_rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc_rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc_rtcp::transport_feedbacks::transport_layer_cc::{SymbolTypeTcc, TransportLayerCc};
use rtc_rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc_rtcp::{goodbye, receiver_report, reception_report, sender_report, source_description};
use rtc_shared::marshal::{Marshal, Unmarshal};

fn theirs<T: Packet + Clone + 'static>(bytes: &[u8]) -> T {
    let packets = rtc_rtcp::packet::unmarshal(&mut &bytes[..]).unwrap();
    assert_eq!(packets.len(), 1);
    packets[0].as_any().downcast_ref::<T>().unwrap().clone()
}

fn reception(block: &ReportBlock) -> reception_report::ReceptionReport {
    reception_report::ReceptionReport {
        ssrc: block.ssrc,
        fraction_lost: block.fraction_lost,
        total_lost: block.cumulative_lost as u32 & 0x00FF_FFFF,
        last_sequence_number: block.extended_highest,
        jitter: block.jitter,
        last_sender_report: block.last_sr,
        delay: block.delay_since_last_sr,
    }
}

fn block() -> impl Strategy<Value = ReportBlock> {
    (any::<(u32, u8)>(), 0..1 << 23, any::<(u32, u32, u32, u32)>()).prop_map(
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
    fn reports(numbers: (u32, u64, u32, u32, u32), blocks in vec(block(), 0..32)) {
        let (ssrc, ntp, rtp_timestamp, packets, octets) = numbers;
        let mut buffer = [0; 1500];
        let mut writer = RtcpWriter::new(&mut buffer);
        let report = SenderReport { ssrc, ntp: NtpTime(ntp), rtp_timestamp, packets, octets };
        writer.sender_report(&report, &blocks).unwrap();
        let len = writer.len();
        let expected = sender_report::SenderReport {
            ssrc,
            ntp_time: ntp,
            rtp_time: rtp_timestamp,
            packet_count: packets,
            octet_count: octets,
            reports: blocks.iter().map(reception).collect(),
            ..Default::default()
        };
        prop_assert_eq!(&theirs::<sender_report::SenderReport>(&buffer[..len]), &expected);
        prop_assert_eq!(&expected.marshal().unwrap()[..], &buffer[..len]);

        let mut writer = RtcpWriter::new(&mut buffer);
        writer.receiver_report(&ReceiverReport { ssrc }, &blocks).unwrap();
        let len = writer.len();
        let expected = receiver_report::ReceiverReport {
            ssrc,
            reports: blocks.iter().map(reception).collect(),
            ..Default::default()
        };
        prop_assert_eq!(&expected.marshal().unwrap()[..], &buffer[..len]);
    }

    #[test]
    fn names_and_ends(ssrc: u32, cname in "[a-z]{1,255}", ssrcs in vec(any::<u32>(), 0..32), reason in "[a-z]{1,20}") {
        let mut buffer = [0; 1500];
        let mut writer = RtcpWriter::new(&mut buffer);
        writer.cname(ssrc, &cname).unwrap();
        let len = writer.len();
        let expected = source_description::SourceDescription {
            chunks: vec![source_description::SourceDescriptionChunk {
                source: ssrc,
                items: vec![source_description::SourceDescriptionItem {
                    sdes_type: source_description::SdesType::SdesCname,
                    text: cname.clone().into(),
                }],
            }],
        };
        // They don't write the same: their last word ends in the number of its zeros.
        prop_assert_eq!(&theirs::<source_description::SourceDescription>(&buffer[..len]), &expected);
        match RtcpPackets::new(&expected.marshal().unwrap()).next() {
            Some(Ok(RtcpPacket::SourceDescription(read))) => {
                prop_assert_eq!(read.cnames().collect::<Vec<_>>(), [(ssrc, Some(cname.as_bytes()))]);
            }
            other => prop_assert!(false, "{:?}", other),
        }

        let expected = goodbye::Goodbye { sources: ssrcs.clone(), reason: reason.clone().into() };
        let bytes = expected.marshal().unwrap();
        match RtcpPackets::new(&bytes).next() {
            Some(Ok(RtcpPacket::Goodbye(read))) => {
                prop_assert_eq!(read.ssrcs().collect::<Vec<_>>(), ssrcs);
                prop_assert_eq!(read.reason(), Some(reason.as_bytes()));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn feedback_of_one_stream(sender_ssrc: u32, media_ssrc: u32, sequences in prop::collection::btree_set(any::<u16>(), 1..80),
        entries in vec(any::<(u32, u8)>(), 1..20), bitrate in 0_u64..1 << 40, ssrcs in vec(any::<u32>(), 1..10)) {
        let mut buffer = [0; 1500];
        let mut writer = RtcpWriter::new(&mut buffer);
        writer.nack(sender_ssrc, media_ssrc, sequences.iter().copied()).unwrap();
        let len = writer.len();
        let read = theirs::<TransportLayerNack>(&buffer[..len]);
        prop_assert_eq!((read.sender_ssrc, read.media_ssrc), (sender_ssrc, media_ssrc));
        let told: Vec<u16> = read.nacks.iter().flat_map(|pair| pair.packet_list()).collect();
        prop_assert_eq!(told, sequences.into_iter().collect::<Vec<_>>());

        let mut writer = RtcpWriter::new(&mut buffer);
        writer.pli(Pli { sender_ssrc, media_ssrc }).unwrap();
        let len = writer.len();
        prop_assert_eq!(theirs::<PictureLossIndication>(&buffer[..len]), PictureLossIndication { sender_ssrc, media_ssrc });

        let mut writer = RtcpWriter::new(&mut buffer);
        writer.fir(sender_ssrc, &entries).unwrap();
        let len = writer.len();
        let read = theirs::<FullIntraRequest>(&buffer[..len]);
        prop_assert_eq!((read.sender_ssrc, read.media_ssrc), (sender_ssrc, 0));
        prop_assert_eq!(read.fir.iter().map(|entry| (entry.ssrc, entry.sequence_number)).collect::<Vec<_>>(), entries);

        let mut writer = RtcpWriter::new(&mut buffer);
        writer.remb(sender_ssrc, bitrate, &ssrcs).unwrap();
        let len = writer.len();
        let read = theirs::<ReceiverEstimatedMaximumBitrate>(&buffer[..len]);
        prop_assert_eq!(&read.ssrcs, &ssrcs);
        match RtcpPackets::new(&buffer[..len]).next() {
            // 18 bits are fewer than an f32 has.
            Some(Ok(RtcpPacket::Remb(ours))) => prop_assert_eq!(read.bitrate, ours.bitrate as f32),
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn feedback_of_all_streams(
        numbers: (u32, u32, u16, u8), reference_time in 0..1 << 23,
        runs in vec((1_usize..20, prop_oneof![Just(None), (0_i16..256).prop_map(Some), any::<i16>().prop_map(Some)]), 1..40),
    ) {
        let deltas: Vec<Option<i16>> = runs.into_iter().flat_map(|(count, delta)| vec![delta; count]).collect();
        let head = TransportFeedbackHead {
            sender_ssrc: numbers.0,
            media_ssrc: numbers.1,
            base_sequence: numbers.2,
            reference_time,
            feedback_count: numbers.3,
        };
        let mut buffer = [0; 4000];
        let mut writer = RtcpWriter::new(&mut buffer);
        writer.transport_feedback(&head, &deltas).unwrap();
        let len = writer.len();
        let read = theirs::<TransportLayerCc>(&buffer[..len]);
        prop_assert_eq!(read.base_sequence_number, head.base_sequence);
        prop_assert_eq!(usize::from(read.packet_status_count), deltas.len());
        prop_assert_eq!(read.reference_time as i32, head.reference_time);
        prop_assert_eq!(read.fb_pkt_count, head.feedback_count);
        // They tell distances in microseconds.
        let came: Vec<i64> = deltas.iter().flatten().map(|delta| i64::from(*delta) * 250).collect();
        let told: Vec<i64> = read.recv_deltas.iter()
            .filter(|delta| delta.type_tcc_packet != SymbolTypeTcc::PacketNotReceived)
            .map(|delta| delta.delta)
            .collect();
        prop_assert_eq!(told, came);
    }

    #[test]
    fn rtp(
        marker: bool, payload_type in 0_u8..128, sequence: u16, timestamp: u32, ssrc: u32,
        csrc in vec(any::<u32>(), 0..16),
        extensions in prop::collection::btree_map(1_u8..15, vec(any::<u8>(), 1..17), 0..8),
        payload in vec(any::<u8>(), 0..200),
    ) {
        let header = RtpHeader { marker, payload_type, sequence, timestamp, ssrc };
        let list: Vec<Extension<'_>> = extensions.iter().map(|(id, data)| Extension { id: *id, data }).collect();
        let mut bytes = [0; 600];
        let header_len = header.write_with(&list, &mut bytes).unwrap();
        bytes[header_len..][..payload.len()].copy_from_slice(&payload);
        let bytes = &bytes[..header_len + payload.len()];
        let read = rtc_rtp::Packet::unmarshal(&mut &bytes[..]).unwrap();
        prop_assert_eq!(&read.payload[..], &payload[..]);
        prop_assert_eq!(read.header.sequence_number, sequence);
        prop_assert_eq!((read.header.marker, read.header.payload_type), (marker, payload_type));
        prop_assert_eq!((read.header.timestamp, read.header.ssrc), (timestamp, ssrc));
        for (id, data) in &extensions {
            prop_assert_eq!(read.header.get_extension(*id).unwrap(), &data[..]);
        }

        let mut packet = read;
        packet.header.csrc = csrc.clone();
        let bytes = packet.marshal().unwrap();
        let view = RtpView::parse(&bytes).unwrap();
        prop_assert_eq!(view.header(), header);
        prop_assert_eq!(view.payload(), &payload[..]);
        prop_assert_eq!(view.contributors().collect::<Vec<_>>(), csrc);
        for (id, data) in &extensions {
            prop_assert_eq!(view.extension(*id), Some(&data[..]));
        }
        prop_assert_eq!(view.extensions().count(), extensions.len());
    }
}
