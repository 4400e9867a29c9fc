//! Once buffers have grown to what the streams need, no packet allocates. Shown by counting, in a process of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

mod support;

use std::time::Duration;

use confocal_testing::counting::{Counting, calls};
use confocal_video::{
    Assembler, Forwarder, KeyFrameRequests, PayloadState, PictureCodec, SourceKey, Tier, TierChoice,
    packetise,
};
use support::{Sent, Source, ms};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn packets_do_not_allocate() {
    for codec in [PictureCodec::Vp8, PictureCodec::H264] {
        let mut sources = [Source::new(codec, 1), Source::new(codec, 2)];
        let frames: Vec<Vec<Sent>> = (0..1200_u64)
            .flat_map(|number| {
                let at = ms(number * 33);
                let key_frame = number % 30 == 0;
                let len = if key_frame { 8000 } else { 2000 };
                sources.each_mut().map(|source| source.frame(key_frame, len, at))
            })
            .collect();
        let content = sources[0].content(0, true, 8000);
        let mut forwarder = Forwarder::new(codec);
        let mut requests = KeyFrameRequests::new();
        let mut choice = TierChoice::new(Tier::Medium);
        let mut assembler = Assembler::new(codec);
        let mut state = PayloadState::new(0);
        let (mut forwarded, mut whole, mut payloads, mut asked) = (0, 0, 0, 0);
        let mut before = 0;
        for (number, packets) in frames.iter().enumerate() {
            // By then as many packets were held at a time as ever are.
            if number == 1200 {
                before = calls();
                (forwarded, whole) = (0, 0);
            }
            let now = packets[0].at;
            if number % 100 == 0 {
                let source = SourceKey(1 + (number as u64 / 100) % 2);
                forwarder.wants(Some(source), now);
                requests.want(now, true);
            }
            // One packet in ten comes after the next one, one in fifty never.
            for (at, packet) in packets.iter().enumerate() {
                let place = number + at;
                let packet = match place % 10 {
                    4 => packets.get(at + 1).unwrap_or(packet),
                    5 if at > 0 => &packets[at - 1],
                    _ if place % 50 == 9 => continue,
                    _ => packet,
                };
                if let Some(out) = forwarder.push(packet.source, &packet.view()) {
                    forwarded += usize::from(!out.payload.is_empty());
                    requests.came(now);
                }
                if packet.source == SourceKey(1) {
                    let _ = assembler.push(&packet.view());
                    while let Some(frame) = assembler.poll(now) {
                        whole += usize::from(!frame.data.is_empty());
                    }
                }
            }
            asked += usize::from(requests.due(now + Duration::from_millis(1)));
            choice.estimated(700_000, 500_000, now);
            packetise(codec, &content, 1200, &mut state, |_, _| payloads += 1);
        }
        assert_eq!(calls() - before, 0, "{codec:?}");
        assert!(
            forwarded > 1000 && whole > 100 && payloads > 1000 && asked > 1,
            "{forwarded} {whole} {asked}"
        );
    }
}
