//! What a fuzzer may throw at what reads packets, as plain functions of bytes: each panics where something holds no more.
//!
//! Where bytes come from never lives here.

use confocal_rtp::rtcp::{RtcpPacket, RtcpPackets, RtcpWriter};
use confocal_rtp::srtp::{MasterKey, Profile, Receiver, Sender, UnprotectError};
use confocal_rtp::{Extension, Kind, RtpHeader, RtpView, StunView, kind};

/// Bytes as what came in at a port: whatever is STUN is taken for it, and what it names is of its own bytes.
///
/// # Panics
///
/// When one of these does not hold.
pub(crate) fn datagram(bytes: &[u8]) {
    let kind = kind(bytes);
    if let Some(stun) = StunView::parse(bytes) {
        assert_eq!(kind, Kind::Stun);
        assert_eq!(stun.transaction_id(), bytes[8..20]);
        let _ = (stun.class(), stun.is_binding(), stun.use_candidate());
        if let Some((ours, theirs)) = stun.username() {
            assert!(ours.len() + theirs.len() + 1 + 24 <= bytes.len());
            assert!(!ours.contains(':'));
        }
    }
    if RtpView::parse(bytes).is_ok() {
        assert!(matches!(kind, Kind::Rtp | Kind::Rtcp));
    }
}

/// Bytes as an RTP packet: header, payload and padding are all of it, and what can be written is read again.
///
/// # Panics
///
/// When one of these does not hold.
pub(crate) fn rtp(bytes: &[u8]) {
    let Ok(view) = RtpView::parse(bytes) else {
        return;
    };
    let whole = view.header_len() + view.payload().len();
    let padding = if bytes[0] & 0x20 == 0 { 0 } else { usize::from(bytes[bytes.len() - 1]) };
    assert_eq!(whole + padding, bytes.len());
    assert_eq!(view.contributors().count(), usize::from(bytes[0] & 0x0F));
    let extensions: Vec<Extension<'_>> = view.extensions().collect();
    for extension in &extensions {
        assert!(view.extension(extension.id).is_some());
    }
    let mut written = vec![0; bytes.len() + 100];
    if let Ok(len) = view.header().write_with(&extensions, &mut written) {
        let again = RtpView::parse(&written[..len]).expect("what we wrote");
        assert_eq!(again.header(), view.header());
        assert!(again.extensions().eq(extensions));
    }
}

/// Bytes as a compound RTCP packet: what is read can be written, and is read again as the same.
///
/// # Panics
///
/// When one of these does not hold.
pub(crate) fn rtcp(bytes: &[u8]) {
    let mut packets = 0;
    // One for all of them: a fuzzer's time would go into its pages.
    let mut buffer = vec![0; 2 * bytes.len() + (1 << 18)];
    for packet in RtcpPackets::new(bytes) {
        packets += 1;
        let Ok(packet) = packet else {
            continue;
        };
        let told = told(&packet);
        let mut writer = RtcpWriter::new(&mut buffer);
        if !write(&packet, &mut writer) {
            continue;
        }
        let len = writer.len();
        let mut again = RtcpPackets::new(&buffer[..len]);
        let read = again.next().expect("what we wrote").expect("what we wrote");
        assert!(again.next().is_none());
        assert_eq!(self::told(&read), told);
    }
    assert!(packets <= bytes.len() / 4 + 1, "{packets} packets");
}

/// All that a packet says, but for the text of an ending's reason, which we don't write.
fn told(packet: &RtcpPacket<'_>) -> String {
    match packet {
        RtcpPacket::SenderReport(report, blocks) => format!("{report:?} {:?}", blocks.collect::<Vec<_>>()),
        RtcpPacket::ReceiverReport(report, blocks) => format!("{report:?} {:?}", blocks.collect::<Vec<_>>()),
        RtcpPacket::SourceDescription(names) => format!("names {:?}", names.cnames().collect::<Vec<_>>()),
        RtcpPacket::Goodbye(goodbye) => format!("goodbye {:?}", goodbye.ssrcs().collect::<Vec<_>>()),
        RtcpPacket::Nack(nack) => {
            let mut missed = nack.sequences().collect::<Vec<_>>();
            missed.sort_unstable();
            missed.dedup();
            format!("nack {} {} {missed:?}", nack.sender_ssrc, nack.media_ssrc)
        }
        RtcpPacket::Pli(pli) => format!("{pli:?}"),
        RtcpPacket::Fir(fir) => format!("fir {} {:?}", fir.sender_ssrc, fir.entries().collect::<Vec<_>>()),
        RtcpPacket::Remb(remb) => {
            format!("remb {} {} {:?}", remb.sender_ssrc, remb.bitrate, remb.ssrcs().collect::<Vec<_>>())
        }
        RtcpPacket::TransportFeedback(feedback) => {
            format!("{:?} {:?}", feedback.head(), feedback.statuses().collect::<Vec<_>>())
        }
    }
}

/// Whether we write packets that say the same.
fn write(packet: &RtcpPacket<'_>, writer: &mut RtcpWriter<'_>) -> bool {
    match packet {
        RtcpPacket::SenderReport(report, blocks) => {
            writer.sender_report(report, &blocks.collect::<Vec<_>>()).expect("as many as were read");
        }
        RtcpPacket::ReceiverReport(report, blocks) => {
            writer.receiver_report(report, &blocks.collect::<Vec<_>>()).expect("as many as were read");
        }
        RtcpPacket::SourceDescription(names) => {
            let mut names = names.cnames();
            match (names.next(), names.next()) {
                (Some((ssrc, Some(cname))), None) if let Ok(cname) = core::str::from_utf8(cname) => {
                    writer.cname(ssrc, cname).expect("no longer than was read");
                }
                _ => return false,
            }
        }
        RtcpPacket::Goodbye(goodbye) => {
            writer.goodbye(&goodbye.ssrcs().collect::<Vec<_>>()).expect("as many as were read");
        }
        RtcpPacket::Nack(nack) => {
            writer.nack(nack.sender_ssrc, nack.media_ssrc, nack.sequences()).expect("there is one at least");
        }
        RtcpPacket::Pli(pli) => writer.pli(*pli).expect("there is room"),
        RtcpPacket::Fir(fir) => {
            writer.fir(fir.sender_ssrc, &fir.entries().collect::<Vec<_>>()).expect("there is one at least");
        }
        // A bitrate beyond all numbers is told as the greatest, and that one is rounded.
        RtcpPacket::Remb(remb) if remb.bitrate == u64::MAX => return false,
        RtcpPacket::Remb(remb) => {
            let ssrcs = remb.ssrcs().collect::<Vec<_>>();
            writer.remb(remb.sender_ssrc, remb.bitrate, &ssrcs).expect("as many as were read");
        }
        RtcpPacket::TransportFeedback(feedback) => {
            let deltas = feedback.statuses().map(|(_, delta)| delta).collect::<Vec<_>>();
            if deltas.is_empty() {
                return false;
            }
            writer.transport_feedback(&feedback.head(), &deltas).expect("as many as were read");
        }
    }
    true
}

/// Bytes as SRTP and SRTCP, and as a packet to protect: what was not made with the key is refused and leaves no trace, what was is
/// read as it was, once.
///
/// # Panics
///
/// When one of these does not hold.
pub(crate) fn srtp(bytes: &[u8]) {
    for profile in Profile::ALL {
        let key = MasterKey::new(profile, &[5; 32][..profile.key_len()], &[6; 14][..profile.salt_len()])
            .expect("lengths of the profile");
        let (mut sender, mut receiver) = (Sender::new(&key), Receiver::new(&key));
        assert!(receiver.unprotect_rtp(&mut bytes.to_vec()).is_err());
        assert!(receiver.unprotect_rtcp(&mut bytes.to_vec()).is_err());

        let mut packet = bytes.to_vec();
        packet.resize(bytes.len() + 20, 0xEE);
        if let Ok(len) = sender.protect_rtp(&mut packet, bytes.len()) {
            assert_eq!(len, bytes.len() + profile.rtp_overhead());
            let mut again = packet[..len].to_vec();
            assert_eq!(receiver.unprotect_rtp(&mut packet[..len]), Ok(bytes.len()));
            assert_eq!(&packet[..bytes.len()], bytes);
            assert_eq!(receiver.unprotect_rtp(&mut again), Err(UnprotectError::Replayed));
        }
        let mut packet = bytes.to_vec();
        packet.resize(bytes.len() + 20, 0xEE);
        if let Ok(len) = sender.protect_rtcp(&mut packet, bytes.len()) {
            assert_eq!(len, bytes.len() + profile.rtcp_overhead());
            let mut again = packet[..len].to_vec();
            assert_eq!(receiver.unprotect_rtcp(&mut packet[..len]), Ok(bytes.len()));
            assert_eq!(&packet[..bytes.len()], bytes);
            assert_eq!(receiver.unprotect_rtcp(&mut again), Err(UnprotectError::Replayed));
        }
        parts(&mut sender, &mut receiver, bytes);
    }
}

/// The same from parts: the first bytes are the header, the others the payload.
fn parts(sender: &mut Sender, receiver: &mut Receiver, bytes: &[u8]) {
    let Some((&[first, s0, s1, level, t @ ..], payload)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    let header = RtpHeader {
        marker: first & 0x80 != 0,
        payload_type: first & 0x7F,
        sequence: u16::from_be_bytes([s0, s1]),
        timestamp: u32::from_be_bytes(t),
        ssrc: 0x5555_5555,
    };
    let mut packet = vec![0; bytes.len() + 60];
    let extensions = [Extension { id: 1, data: &[level] }];
    // Other bytes may have used the number up.
    if let Ok(len) = sender.protect_rtp_from(&header, &extensions, payload, &mut packet) {
        let len = receiver.unprotect_rtp(&mut packet[..len]).expect("what we protected");
        let view = RtpView::parse(&packet[..len]).expect("what we wrote");
        assert_eq!((view.header(), view.payload()), (header, payload));
        assert_eq!(view.extension(1), Some(&[level][..]));
    }
}
