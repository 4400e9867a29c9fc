//! What one receiver is sent, step by step.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

mod support;

use std::time::Duration;

use confocal_video::{Forwarder, PictureCodec, SourceKey};
use support::{Ids, Out, PPS, SPS, Sent, Source, ms};

const A: SourceKey = SourceKey(1);
const B: SourceKey = SourceKey(2);
const CODECS: [PictureCodec; 2] = [PictureCodec::Vp8, PictureCodec::H264];

struct Bench {
    forwarder: Forwarder,
    a: Source,
    b: Source,
    now: u64,
}

impl Bench {
    fn new(codec: PictureCodec) -> Self {
        Self { forwarder: Forwarder::new(codec), a: Source::new(codec, 1), b: Source::new(codec, 2), now: 0 }
    }

    /// With A shown, one key frame in.
    fn showing_a(codec: PictureCodec) -> Self {
        let mut bench = Self::new(codec);
        bench.wants(Some(A));
        assert!(!bench.a_frame(true).is_empty());
        bench
    }

    fn wants(&mut self, source: Option<SourceKey>) {
        self.forwarder.wants(source, ms(self.now));
    }

    fn push(&mut self, packet: &Sent) -> Option<Out> {
        self.forwarder.push(packet.source, &packet.at(ms(self.now))).as_ref().map(Out::of)
    }

    fn push_all(&mut self, packets: &[Sent]) -> Vec<Out> {
        packets.iter().filter_map(|packet| self.push(packet)).collect()
    }

    /// The packets of A's next frame, a thirtieth of a second later.
    fn a_packets(&mut self, key_frame: bool) -> Vec<Sent> {
        self.now += 33;
        self.a.frame(key_frame, 1000, ms(self.now))
    }

    fn a_frame(&mut self, key_frame: bool) -> Vec<Out> {
        let packets = self.a_packets(key_frame);
        self.push_all(&packets)
    }

    fn b_packets(&mut self, key_frame: bool) -> Vec<Sent> {
        self.now += 33;
        self.b.frame(key_frame, 1000, ms(self.now))
    }

    fn b_frame(&mut self, key_frame: bool) -> Vec<Out> {
        let packets = self.b_packets(key_frame);
        self.push_all(&packets)
    }
}

fn sequences(out: &[Out]) -> Vec<u16> {
    out.iter().map(|packet| packet.sequence).collect()
}

#[test]
fn it_begins_with_a_key_frame_and_with_zero() {
    for codec in CODECS {
        let mut bench = Bench::new(codec);
        bench.wants(Some(A));
        assert_eq!((bench.forwarder.key_frame_wanted(), bench.forwarder.shown()), (Some(A), None));
        assert_eq!(bench.forwarder.clock(), None);
        assert_eq!(bench.a_frame(false), []);
        let out = bench.a_frame(true);
        assert_eq!(sequences(&out), (0..out.len() as u16).collect::<Vec<_>>());
        assert!(out.iter().all(|packet| packet.timestamp == 0));
        assert_eq!(out.iter().filter(|packet| packet.key_frame_starts).count(), 1);
        assert!(out[0].key_frame_starts && out[out.len() - 1].marker);
        assert_eq!((bench.forwarder.key_frame_wanted(), bench.forwarder.shown()), (None, Some(A)));
        let next = bench.a_frame(false);
        assert_eq!(next[0].sequence, out.len() as u16);
        assert_eq!(next[0].timestamp, 3000);
        assert_eq!(bench.forwarder.clock(), Some((bench.a.timestamp, 3000)));
    }
}

#[test]
fn payloads_go_on_as_they_came_but_for_the_numbers_of_vp8() {
    let mut bench = Bench::showing_a(PictureCodec::H264);
    let packets = bench.a_packets(true);
    let out = bench.push_all(&packets);
    assert!(packets.iter().map(|packet| &packet.payload).eq(out.iter().map(|packet| &packet.payload)));

    let mut bench = Bench::showing_a(PictureCodec::Vp8);
    for number in 1..300_u16 {
        let packets = bench.a_packets(number % 10 == 0);
        for (packet, out) in packets.iter().zip(bench.push_all(&packets)) {
            assert_eq!(packet.payload[6..], out.payload[6..]);
            assert_eq!(packet.payload[..2], out.payload[..2]);
            assert_eq!(out.vp8_numbers(), (number, number as u8, (number / 10) as u8 & 0x1F));
        }
    }
}

#[test]
fn whoever_is_shown_goes_on_until_the_key_frame_of_who_is_wanted() {
    for codec in CODECS {
        let mut bench = Bench::showing_a(codec);
        bench.wants(Some(B));
        assert_eq!((bench.forwarder.key_frame_wanted(), bench.forwarder.shown()), (Some(B), Some(A)));
        assert_eq!(bench.forwarder.waiting_since(), Some(ms(bench.now)));
        assert!(!bench.a_frame(false).is_empty());
        assert_eq!(bench.b_frame(false), []);
        let last = bench.a_frame(false).pop().unwrap();
        bench.now += 100;
        let first = &bench.b_frame(true)[0];
        assert!(first.key_frame_starts);
        assert_eq!(first.sequence, last.sequence + 1);
        assert_eq!(first.timestamp, last.timestamp + 133 * 90);
        if codec == PictureCodec::Vp8 {
            let (id, tl0, key_index) = last.vp8_numbers();
            assert_eq!(first.vp8_numbers(), (id + 1, tl0 + 1, key_index + 1));
        }
        assert_eq!(bench.a_frame(true), []);
        assert_eq!((bench.forwarder.key_frame_wanted(), bench.forwarder.shown()), (None, Some(B)));
        assert_eq!(bench.forwarder.waiting_since(), None);
    }
}

#[test]
fn timestamps_go_on_by_the_time_that_has_gone_by_and_a_millisecond_at_the_least() {
    let mut bench = Bench::showing_a(PictureCodec::Vp8);
    bench.wants(Some(B));
    let packets = bench.b.frame(true, 100, ms(bench.now));
    assert_eq!(bench.push_all(&packets)[0].timestamp, 90, "at the same moment");
    for _ in 0..100 {
        let packets = bench.b.frame(false, 100, ms(bench.now));
        let before = bench.push_all(&packets)[0].timestamp;
        bench.now += 5;
        bench.wants(Some(A));
        let packets = bench.a.frame(true, 100, ms(bench.now));
        assert_eq!(bench.push_all(&packets)[0].timestamp, before + 5 * 90, "however soon the next one comes");
        bench.now += 33;
        bench.wants(Some(B));
        let packets = bench.b.frame(true, 100, ms(bench.now));
        bench.push_all(&packets);
        bench.now += 33;
    }
}

#[test]
fn a_frame_that_the_switch_cuts_short_is_followed_by_a_gap() {
    for codec in CODECS {
        let mut bench = Bench::showing_a(codec);
        bench.wants(Some(B));
        let cut = bench.a_packets(false);
        let last = bench.push(&cut[0]).unwrap();
        let first = &bench.b_frame(true)[0];
        assert_eq!(first.sequence, last.sequence + 2);
        assert_eq!(bench.push_all(&cut[1..]), [], "the rest of it is not sent any more");
    }
}

#[test]
fn who_is_wanted_again_before_another_was_shown_goes_on_without_a_key_frame() {
    let mut bench = Bench::showing_a(PictureCodec::Vp8);
    bench.wants(Some(B));
    bench.wants(Some(A));
    assert_eq!(bench.forwarder.key_frame_wanted(), None);
    assert_eq!(bench.b_frame(true), []);
    assert!(!bench.a_frame(false).is_empty());
}

#[test]
fn nobody_is_shown_at_once_and_whoever_comes_back_begins_with_a_key_frame() {
    for codec in CODECS {
        let mut bench = Bench::showing_a(codec);
        let last = bench.a_frame(false).pop().unwrap();
        bench.wants(None);
        assert_eq!((bench.forwarder.key_frame_wanted(), bench.forwarder.shown()), (None, None));
        assert_eq!(bench.a_frame(true), []);
        bench.now += 10_000;
        bench.wants(Some(A));
        assert_eq!(bench.forwarder.key_frame_wanted(), Some(A));
        assert_eq!(bench.a_frame(false), []);
        let first = &bench.a_frame(true)[0];
        assert_eq!(first.sequence, last.sequence + 1);
        assert_eq!(first.timestamp, last.timestamp + (10_000 + 99) * 90);
    }
}

#[test]
fn gaps_stay_and_are_filled_by_what_comes_late() {
    for codec in CODECS {
        let mut bench = Bench::showing_a(codec);
        let packets: Vec<Sent> = (0..4).flat_map(|_| bench.a_packets(false)).collect();
        let all =
            Bench::push_all(&mut Bench { forwarder: bench.forwarder.clone(), ..Bench::new(codec) }, &packets);
        let (late, soon): (Vec<_>, Vec<_>) =
            packets.iter().cloned().enumerate().partition(|(at, _)| at % 3 == 1);
        let mut out = Vec::new();
        for (at, packet) in soon.into_iter().chain(late) {
            out.push((at, bench.push(&packet).unwrap()));
        }
        out.sort_by_key(|(at, _)| *at);
        assert!(out.into_iter().map(|(_, packet)| packet).eq(all));
    }
}

#[test]
fn doubles_and_what_is_far_too_late_are_not_sent() {
    let mut bench = Bench::showing_a(PictureCodec::Vp8);
    let packets = bench.a_packets(false);
    let (missing, rest) = packets.split_first().unwrap();
    bench.push_all(rest);
    assert_eq!(bench.push_all(rest), []);
    assert_eq!(bench.forwarder.refused(), rest.len() as u64);
    for _ in 0..400 {
        bench.a_frame(false);
    }
    assert_eq!(bench.push(missing), None);
}

#[test]
fn a_key_frame_whose_beginning_comes_late_is_no_place_to_switch() {
    for codec in CODECS {
        let mut bench = Bench::showing_a(codec);
        bench.wants(Some(B));
        let packets = bench.b_packets(true);
        assert_eq!(bench.push_all(&packets[1..]), []);
        assert_eq!(bench.push(&packets[0]), None, "what came before it is not sent, and will not be");
        assert_eq!(bench.forwarder.key_frame_wanted(), Some(B));
        assert!(!bench.b_frame(true).is_empty());
    }
}

#[test]
fn all_numbers_wrap() {
    let mut bench = Bench::new(PictureCodec::Vp8);
    bench.a.sequence = 65_530;
    bench.a.timestamp = u32::MAX - 5000;
    bench.a.picture_id = 0x7FFA;
    (bench.a.tl0, bench.a.key_index) = (250, 29);
    bench.wants(Some(A));
    let mut last: Option<Out> = None;
    let mut count = 0_u32;
    for number in 0..40_000_u32 {
        for out in bench.a_frame(number % 7 == 0) {
            assert_eq!(out.sequence, count as u16);
            assert_eq!(out.timestamp, number * 3000);
            let keys = (number / 7) as u8 & 0x1F;
            assert_eq!(out.vp8_numbers(), ((number & 0x7FFF) as u16, number as u8, keys));
            count += 1;
            last = Some(out);
        }
    }
    assert!(count > 100_000);
    bench.wants(Some(B));
    let first = &bench.b_frame(true)[0];
    let last = last.unwrap();
    assert_eq!(first.sequence, last.sequence.wrapping_add(1));
    let (id, tl0, key_index) = last.vp8_numbers();
    assert_eq!(first.vp8_numbers(), ((id + 1) & 0x7FFF, tl0.wrapping_add(1), (key_index + 1) & 0x1F));
}

#[test]
fn picture_ids_of_7_bits_become_15_and_none_stay_none() {
    let mut bench = Bench::new(PictureCodec::Vp8);
    bench.a.ids = Ids::Short;
    bench.b.ids = Ids::None;
    bench.wants(Some(A));
    let mut out = Vec::new();
    for number in 0..300_u16 {
        out = bench.a_frame(number == 0);
        let [high, low] = number.to_be_bytes();
        assert_eq!(out[0].payload[..4], [0x90, 0x80, high | 0x80, low]);
    }
    bench.wants(Some(B));
    let first = bench.b_frame(true).remove(0);
    assert_eq!(first.sequence, out[out.len() - 1].sequence + 1);
    assert_eq!(first.payload[0], 0x10);
    // And who has them goes on where they ended.
    bench.wants(Some(A));
    assert_eq!(bench.a_frame(true)[0].payload[..4], [0x90, 0x80, 0x81, 0x2C]);
}

#[test]
fn a_source_that_begins_anew_goes_on_with_its_key_frame() {
    for codec in CODECS {
        let mut bench = Bench::showing_a(codec);
        let last = bench.a_frame(false).pop().unwrap();
        bench.a.restart();
        assert_eq!(bench.a_frame(false), []);
        assert_eq!(bench.forwarder.key_frame_wanted(), Some(A));
        assert_eq!(bench.forwarder.waiting_since(), Some(ms(bench.now)));
        assert_eq!(bench.a_frame(false), []);
        let first = bench.a_frame(true).remove(0);
        assert!(first.key_frame_starts);
        assert_eq!(first.sequence, last.sequence + 1);
        assert_eq!(first.timestamp, last.timestamp + 99 * 90);
        assert_eq!(bench.forwarder.key_frame_wanted(), None);
    }
}

#[test]
fn a_source_that_begins_anew_with_a_key_frame_goes_on_at_once() {
    for codec in CODECS {
        let mut bench = Bench::showing_a(codec);
        let last = bench.a_frame(false).pop().unwrap();
        bench.a.restart();
        let out = bench.a_frame(true);
        assert_eq!(out[0].sequence, last.sequence + 1);
        assert!(out[0].key_frame_starts && out[out.len() - 1].marker);
        assert!(!bench.a_frame(false).is_empty());
    }
}

#[test]
fn a_key_frame_that_comes_again_is_nothing_to_begin_with() {
    for codec in CODECS {
        // After a leap, after nobody was shown, after another was, after it began anew, and after two leaps.
        for case in 0..5 {
            let mut bench = Bench::new(codec);
            bench.wants(Some(A));
            let key_frame = bench.a_packets(true);
            bench.push_all(&key_frame);
            bench.a_frame(false);
            match case {
                0 => {
                    bench.a.timestamp = bench.a.timestamp.wrapping_add(1 << 29);
                    let frame = bench.a_packets(false);
                    assert_eq!(bench.push_all(&frame[1..]), []);
                }
                1 => bench.wants(None),
                2 => {
                    bench.wants(Some(B));
                    bench.b_frame(true);
                }
                3 => {
                    for _ in 0..2 {
                        bench.a.timestamp = bench.a.timestamp.wrapping_add(1 << 29);
                        assert!(!bench.a_frame(false).is_empty());
                    }
                    assert_eq!(bench.push_all(&key_frame), []);
                    assert!(!bench.a_frame(false).is_empty());
                    continue;
                }
                _ => {
                    bench.a.restart();
                    bench.a_frame(true);
                    assert_eq!(bench.push_all(&key_frame), []);
                    assert!(!bench.a_frame(false).is_empty());
                    continue;
                }
            }
            bench.wants(Some(A));
            assert_eq!(bench.forwarder.key_frame_wanted(), Some(A));
            assert_eq!(bench.push_all(&key_frame), [], "{case}");
            assert!(!bench.a_frame(true).is_empty());
        }
    }
}

#[test]
fn one_stray_packet_does_no_harm() {
    let mut bench = Bench::showing_a(PictureCodec::Vp8);
    for _ in 0..10 {
        let mut stray = bench.a.clone();
        stray.restart();
        let stray = stray.frame(false, 10, Duration::ZERO).remove(0);
        assert_eq!(bench.push(&stray), None);
        assert!(!bench.a_frame(false).is_empty());
    }
}

#[test]
fn timestamps_that_leap_go_on_by_the_time_that_has_gone_by() {
    for codec in CODECS {
        for leap in [1 << 29, 1 << 31, u32::MAX - 20_000] {
            let mut bench = Bench::showing_a(codec);
            let before = bench.a_packets(false);
            let last = bench.push_all(&before[..before.len() - 1]).pop().unwrap();
            bench.a.timestamp = bench.a.timestamp.wrapping_add(leap);
            let late = &before[before.len() - 1];
            let frame = bench.a_packets(false);
            // The last one of the former frame is still on the way: its sequence number is missing, so both leap.
            assert_eq!(bench.push_all(&frame), []);
            assert_eq!(bench.forwarder.key_frame_wanted(), Some(A));
            assert_eq!(bench.push(late), None);
            let first = bench.a_frame(true).remove(0);
            assert_eq!(first.timestamp, last.timestamp + 66 * 90);

            // Nothing is missing.
            bench.a_frame(false);
            bench.a.timestamp = bench.a.timestamp.wrapping_add(leap);
            let frame = bench.a_packets(false);
            let out = bench.push_all(&frame[..1]);
            assert_eq!(out[0].timestamp, first.timestamp + 3000 + 33 * 90);
            // What was overtaken by the first one of the new time is of it.
            let frame = bench.push_all(&frame[1..]);
            assert!(frame.iter().all(|packet| packet.timestamp == out[0].timestamp), "{frame:?}");
        }
    }
}

#[test]
fn picture_ids_that_leap_at_a_key_frame_go_on() {
    let mut bench = Bench::showing_a(PictureCodec::Vp8);
    let last = bench.a_frame(false).pop().unwrap();
    bench.a.picture_id = 30_000;
    let first = bench.a_frame(true).remove(0);
    assert_eq!(first.vp8_numbers().0, last.vp8_numbers().0 + 1);
    assert_eq!(first.sequence, last.sequence + 1);
    assert_eq!(bench.a_frame(false)[0].vp8_numbers().0, last.vp8_numbers().0 + 2);
}

#[test]
fn a_pause_of_the_source_is_one_of_the_stream() {
    let mut bench = Bench::showing_a(PictureCodec::Vp8);
    let last = bench.a_frame(false).pop().unwrap();
    bench.now += 60_000;
    bench.a.timestamp += 60_000 * 90;
    assert_eq!(bench.a_frame(false)[0].timestamp, last.timestamp + 60_000 * 90 + 3000);
}

#[test]
fn packets_of_padding_keep_their_place() {
    for codec in CODECS {
        let mut bench = Bench::showing_a(codec);
        let last = bench.a_frame(false).pop().unwrap();
        let padding = bench.a.packet(Vec::new(), false, Duration::ZERO);
        let out = bench.push(&padding).unwrap();
        assert_eq!((out.sequence, out.timestamp, out.payload.len()), (last.sequence + 1, last.timestamp, 0));
        bench.wants(Some(B));
        assert_eq!(bench.b_frame(true)[0].sequence, last.sequence + 2, "the frame before it was whole");
    }
}

#[test]
fn what_can_not_be_read_is_not_sent() {
    let mut bench = Bench::showing_a(PictureCodec::H264);
    let stap_b = bench.a.packet(vec![0x79, 0, 0, 0, 1, 0x41], false, Duration::ZERO);
    assert_eq!(bench.push(&stap_b), None);
    let mut other = bench.a.clone();
    other.codec = PictureCodec::Vp8;
    assert_eq!(bench.push(&other.frame(true, 10, Duration::ZERO)[0]), None);
    assert_eq!(bench.forwarder.refused(), 2);
}

#[test]
fn no_h264_is_shown_without_parameter_sets() {
    let mut bench = Bench::showing_a(PictureCodec::H264);
    bench.wants(Some(B));
    let idr = bench.b.packet(vec![0x65, 0x88, 1], true, Duration::ZERO);
    assert_eq!(bench.push(&idr), None);
    assert_eq!(bench.forwarder.key_frame_wanted(), Some(B));
    assert!(!bench.b_frame(true).is_empty());
    // Whose sets are known goes on without.
    bench.b.timestamp += 3000;
    let idr = bench.b.packet(vec![0x65, 0x88, 1], true, Duration::ZERO);
    assert!(bench.push(&idr).unwrap().key_frame_starts);
}

#[test]
fn who_tells_parameter_sets_only_once_can_come_back_but_not_where_some_may_be_missing() {
    let mut bench = Bench::showing_a(PictureCodec::H264);
    bench.wants(None);
    bench.wants(Some(A));
    let mut idr = || {
        bench.a.timestamp += 3000;
        bench.a.packet(vec![0x65, 0x88, 1], true, Duration::ZERO)
    };
    let (first, lost, second, third) = (idr(), idr(), idr(), idr());
    assert_eq!(bench.push(&first), None, "what was before it?");
    let _ = lost;
    assert_eq!(bench.push(&second), None);
    assert!(bench.push(&third).unwrap().key_frame_starts);
}

#[test]
fn parameter_sets_in_packets_of_their_own_begin_one_key_frame() {
    let mut bench = Bench::new(PictureCodec::H264);
    bench.wants(Some(A));
    for _ in 0..2 {
        bench.a.timestamp += 3000;
        let units = [SPS.to_vec(), PPS.to_vec(), vec![0x65, 0x88, 1]];
        let packets: Vec<Sent> =
            units.into_iter().map(|unit| bench.a.packet(unit, false, Duration::ZERO)).collect();
        let starts: Vec<bool> =
            bench.push_all(&packets).iter().map(|packet| packet.key_frame_starts).collect();
        assert_eq!(starts, [true, false, false]);
    }
}

#[test]
fn parameter_sets_before_a_picture_that_is_no_key_frame_do_not_make_it_one() {
    let mut bench = Bench::showing_a(PictureCodec::H264);
    bench.wants(Some(B));
    bench.b.timestamp += 3000;
    let sps = bench.b.packet(SPS.to_vec(), false, Duration::ZERO);
    let slice = bench.b.packet(vec![0x41, 0x9A, 1], true, Duration::ZERO);
    assert!(bench.push(&sps).is_some(), "it can't be told yet");
    assert_eq!(bench.push(&slice), None);
    assert_eq!(bench.forwarder.key_frame_wanted(), Some(B));
    assert_eq!(bench.b_frame(false), []);
    assert!(bench.b_frame(true)[0].key_frame_starts);
    assert!(!bench.b_frame(false).is_empty());
}
