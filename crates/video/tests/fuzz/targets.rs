//! What a fuzzer may throw at what reads payloads, as plain functions of bytes: each panics where something holds no more.
//!
//! Where bytes come from never lives here.

use std::time::Duration;

use confocal_video::{
    Assembler, Forwarder, PayloadState, PictureCodec, PicturePacket, SourceKey, glance, packetise,
};

const A: SourceKey = SourceKey(1);

/// Bytes as a payload of VP8.
///
/// # Panics
///
/// When what is forwarded says anything else than what came, but for its numbers.
pub(crate) fn vp8(bytes: &[u8]) {
    payload(PictureCodec::Vp8, bytes);
    packetised(PictureCodec::Vp8, bytes);
}

/// Bytes as a payload of H.264, and as an access unit.
///
/// # Panics
///
/// When what is forwarded is not what came.
pub(crate) fn h264(bytes: &[u8]) {
    payload(PictureCodec::H264, bytes);
    packetised(PictureCodec::H264, bytes);
}

/// Bytes as packets of both codecs, each with a head of 6 bytes: whose it is, how many bytes it has, and its numbers.
///
/// # Panics
///
/// When a number is sent twice, or nobody asked for what is sent.
pub(crate) fn packets(bytes: &[u8]) {
    for codec in [PictureCodec::Vp8, PictureCodec::H264] {
        let mut forwarder = Forwarder::new(codec);
        let mut assembler = Assembler::new(codec);
        let mut sent = std::collections::HashSet::new();
        let (mut wanted, mut shown) = (None, None);
        let (mut rest, mut now) = (bytes, Duration::ZERO);
        let (mut sequence, mut timestamp) = (0_u16, 0_u32);
        while let Some((head, after)) = rest.split_first_chunk::<6>() {
            let (payload, after) = after.split_at(usize::from(head[1]).min(after.len()));
            rest = after;
            now += Duration::from_millis(u64::from(head[2]));
            // Small steps mostly, so that there are streams at all.
            sequence = sequence.wrapping_add_signed(i16::from(head[3] as i8));
            timestamp = timestamp.wrapping_add(u32::from(head[4]) << (head[5] & 31));
            if head[0] & 0x30 == 0x30 {
                wanted = (head[0] & 0x40 == 0).then_some(SourceKey(u64::from(head[0] & 1)));
                forwarder.wants(wanted, now);
                shown = forwarder.shown();
            }
            let marker = head[0] & 0x80 != 0;
            let packet = PicturePacket { codec, sequence, timestamp, marker, payload, arrival: now };
            let source = SourceKey(u64::from(head[0] & 1));
            if let Some(out) = forwarder.push(source, &packet) {
                assert!(wanted == Some(source) || shown == Some(source));
                assert!(shown.is_some() || out.key_frame_starts);
                assert!(glance(codec, payload).is_ok() || payload.is_empty());
                // 65,536 packets are more than fit into these bytes with these steps before a number may come again.
                assert!(sent.insert(out.sequence) || sent.len() > 10_000);
            }
            shown = forwarder.shown();
            let _ = (forwarder.clock(), forwarder.key_frame_wanted(), forwarder.waiting_since());
            let taken = assembler.push(&packet);
            assert!(taken.is_err() || payload.is_empty() || glance(codec, payload).is_ok());
            while let Some(frame) = assembler.poll(now) {
                assert!(!frame.data.is_empty() && frame.data.len() <= 512 * 1024);
                assert!(frame.key_frame || frame.size.is_none());
            }
        }
    }
}

/// One payload: what a glance says is what forwarder and assembler make of it.
fn payload(codec: PictureCodec, bytes: &[u8]) {
    let packet = PicturePacket {
        codec,
        sequence: 65_535,
        timestamp: 7,
        marker: true,
        payload: bytes,
        arrival: Duration::ZERO,
    };
    let glance = glance(codec, bytes);
    let mut forwarder = Forwarder::new(codec);
    forwarder.wants(Some(A), Duration::ZERO);
    if let Some(out) = forwarder.push(A, &packet) {
        assert!(out.key_frame_starts && out.head.len() <= 6);
        let whole = [out.head, out.payload].concat();
        assert!(bytes.ends_with(out.payload));
        assert_eq!(confocal_video::glance(codec, &whole), glance);
        let again = PicturePacket { sequence: 9, payload: &whole, ..packet };
        let mut second = Forwarder::new(codec);
        second.wants(Some(A), Duration::ZERO);
        let twice = second.push(A, &again).expect("it was a key frame");
        assert_eq!([twice.head, twice.payload].concat(), whole, "what was numbered from 0 stays so");
    } else if codec == PictureCodec::Vp8 {
        assert!(!glance.is_ok_and(|glance| glance.key_frame_starts));
    }
    let mut assembler = Assembler::new(codec);
    let taken = assembler.push(&packet);
    if !bytes.is_empty() && bytes.len() <= 2048 {
        assert_eq!(taken.is_ok(), glance.is_ok());
    }
    if let Some(frame) = assembler.poll(Duration::ZERO) {
        assert!(frame.key_frame && glance.is_ok_and(|glance| glance.key_frame_starts));
    }
}

/// Bytes as a frame of an encoder: all payloads can be read, and the last one has the marker.
fn packetised(codec: PictureCodec, bytes: &[u8]) {
    let mut state = PayloadState::new(0);
    let mut markers = Vec::new();
    let max = 128 + bytes.len() % 200;
    let count = packetise(codec, bytes, max, &mut state, |payload, marker| {
        assert!(!payload.is_empty() && payload.len() <= max);
        markers.push(marker);
    });
    assert_eq!(count, markers.len());
    assert_eq!(markers.iter().position(|marker| *marker), count.checked_sub(1));
}
