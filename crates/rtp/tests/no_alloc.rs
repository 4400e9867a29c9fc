//! Once keys are set up, no packet allocates, whether good or bad. Shown by counting, in a process of its own.

use std::time::Duration;

use confocal_rtp::rtcp::{
    Pli, ReceiverReport, ReportBlock, RtcpPacket, RtcpPackets, RtcpWriter, TransportFeedbackHead,
};
use confocal_rtp::srtp::{MasterKey, Profile, Receiver, Sender};
use confocal_rtp::{
    Arrivals, Extension, Kind, Missing, NtpTime, Reception, RtpHeader, RtpView, Sent, SentConfig, StunView,
    Transmission, kind,
};
use confocal_testing::counting::{Counting, calls};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PACKETS: u16 = 2000;

/// As many as there is room for.
const STREAMS: u16 = confocal_rtp::srtp::MAX_STREAMS as u16;

#[test]
fn packets_do_not_allocate() {
    for profile in Profile::ALL {
        let key = MasterKey::new(profile, &[1; 32][..profile.key_len()], &[2; 14][..profile.salt_len()]);
        let key = key.unwrap();
        let (mut sender, mut receiver) = (Sender::new(&key), Receiver::new(&key));
        let (mut reception, mut transmission) = (Reception::new(48_000), Transmission::new(48_000));
        let (mut missing, mut sent) = (Missing::new(), Sent::new(SentConfig::default()));
        let mut arrivals = Arrivals::new();
        let mut buffer = [0; 1500];
        let (mut packets, mut asked, mut repeated, mut told) = (0, 0, 0, 0);

        let mut before = calls();
        for n in 0..PACKETS {
            if n == STREAMS {
                // Each stream has begun, for which there is memory to be had.
                before = calls();
            }
            let now = Duration::from_millis(20 * u64::from(n));
            let header = RtpHeader {
                marker: false,
                payload_type: 111,
                sequence: n,
                timestamp: u32::from(n) * 960,
                ssrc: u32::from(n % STREAMS),
            };
            let level = Extension { id: 1, data: &[30] };
            let len = sender.protect_rtp_from(&header, &[level], &[3; 100], &mut buffer).unwrap();
            transmission.on_packet(header.timestamp, 100, now);
            let packet = &mut buffer[..len];
            packets += u32::from(kind(packet) == Kind::Rtp);
            let mut forged = [0; 200];
            forged[..len].copy_from_slice(packet);
            forged[30] ^= 1;
            assert!(receiver.unprotect_rtp(&mut forged[..len]).is_err());
            let len = receiver.unprotect_rtp(packet).unwrap();
            let view = RtpView::parse(&packet[..len]).unwrap();
            assert_eq!(view.extension(1), Some(&[30][..]));
            reception.on_packet(view.sequence(), view.timestamp(), now);
            assert!(StunView::parse(&packet[..len]).is_none());

            sent.keep(n, &packet[..len], now);
            if n % 50 > 20 {
                missing.on_packet(n, now);
                arrivals.on_packet(n, now);
            }
            let mut due = [0; 10];
            let count = missing.due(now, Duration::from_millis(50), &mut due);
            for sequence in &due[..count] {
                asked += 1;
                repeated += u32::from(sent.again(*sequence, now, Duration::from_millis(50)).is_some());
            }
            let mut writer = RtcpWriter::new(&mut buffer);
            told += u32::from(arrivals.write_feedback(1, 2, &mut writer).unwrap());

            let mut writer = RtcpWriter::new(&mut buffer);
            let report = transmission.sender_report(1, NtpTime(7), now).unwrap();
            let block = reception.report_block(2, now).unwrap();
            writer.sender_report(&report, &[block]).unwrap();
            writer.receiver_report(&ReceiverReport { ssrc: 1 }, &[ReportBlock::default(); 31]).unwrap();
            writer.cname(1, "somebody").unwrap();
            writer.nack(1, 2, [n, n.wrapping_add(3)]).unwrap();
            writer.pli(Pli { sender_ssrc: 1, media_ssrc: 2 }).unwrap();
            writer.fir(1, &[(2, 3)]).unwrap();
            writer.remb(1, 1_000_000, &[2]).unwrap();
            let head = TransportFeedbackHead {
                sender_ssrc: 1,
                media_ssrc: 2,
                base_sequence: n,
                reference_time: 1,
                feedback_count: 2,
            };
            writer.transport_feedback(&head, &[Some(1), None, Some(-1), Some(300)]).unwrap();
            writer.goodbye(&[1]).unwrap();
            let len = writer.len();
            let len = sender.protect_rtcp(&mut buffer, len).unwrap();
            let len = receiver.unprotect_rtcp(&mut buffer[..len]).unwrap();
            let mut told = 0;
            for packet in RtcpPackets::new(&buffer[..len]) {
                told += match packet.unwrap() {
                    RtcpPacket::SenderReport(_, blocks) | RtcpPacket::ReceiverReport(_, blocks) => {
                        blocks.count()
                    }
                    RtcpPacket::SourceDescription(description) => description.cnames().count(),
                    RtcpPacket::Goodbye(goodbye) => goodbye.ssrcs().count(),
                    RtcpPacket::Nack(nack) => nack.sequences().count(),
                    RtcpPacket::Pli(_) => 1,
                    RtcpPacket::Fir(fir) => fir.entries().count(),
                    RtcpPacket::Remb(remb) => remb.ssrcs().count(),
                    RtcpPacket::TransportFeedback(feedback) => feedback.statuses().count(),
                };
            }
            assert_eq!(told, 1 + 31 + 1 + 2 + 1 + 1 + 1 + 4 + 1);
        }
        assert_eq!(calls() - before, 0, "{profile:?}");
        assert_eq!(packets, u32::from(PACKETS));
        assert!(asked > 1000 && repeated > 1000 && told > 1000, "{asked}, {repeated}, {told}");
    }
}
