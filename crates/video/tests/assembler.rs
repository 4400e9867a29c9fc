//! What a decoder is given, step by step.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

mod support;

use confocal_video::{Assembler, PayloadError, PictureCodec, Refused};
use support::{Ids, PPS, SPS, Sent, Source, ms};

const CODECS: [PictureCodec; 2] = [PictureCodec::Vp8, PictureCodec::H264];

/// A frame that came out: data, timestamp, whether it is a key frame.
type Whole = (Vec<u8>, u32, bool);

struct Bench {
    assembler: Assembler,
    source: Source,
}

impl Bench {
    /// Waits for 100 ms.
    fn new(codec: PictureCodec) -> Self {
        Self { assembler: Assembler::with_wait(codec, ms(100)), source: Source::new(codec, 1) }
    }

    /// One key frame in.
    fn begun(codec: PictureCodec) -> Self {
        let mut bench = Self::new(codec);
        let packets = bench.frame(true);
        assert_eq!(bench.push_all(&packets, 0).len(), 1);
        bench
    }

    fn frame(&mut self, key_frame: bool) -> Vec<Sent> {
        self.source.frame(key_frame, 1000, ms(0))
    }

    fn poll(&mut self, now: u64) -> Vec<Whole> {
        let mut out = Vec::new();
        while let Some(frame) = self.assembler.poll(ms(now)) {
            out.push((frame.data.to_vec(), frame.timestamp, frame.key_frame));
        }
        out
    }

    fn push(&mut self, packet: &Sent, now: u64) -> Vec<Whole> {
        assert_eq!(self.assembler.push(&packet.at(ms(now))), Ok(()));
        self.poll(now)
    }

    fn push_all(&mut self, packets: &[Sent], now: u64) -> Vec<Whole> {
        packets.iter().flat_map(|packet| self.push(packet, now)).collect()
    }

    /// What the frame of this number comes out as.
    fn whole(&self, packets: &[Sent], key_frame: bool) -> Whole {
        (self.source.content(packets[0].frame, key_frame, 1000), packets[0].timestamp, key_frame)
    }
}

#[test]
fn frames_come_out_whole_as_their_last_packet_comes() {
    for codec in CODECS {
        let mut bench = Bench::new(codec);
        bench.source.sequence = 65_530;
        for number in 0..10 {
            let packets = bench.frame(number == 0);
            let (last, rest) = packets.split_last().unwrap();
            assert!(rest.len() > 1);
            assert_eq!(bench.push_all(rest, 0), []);
            assert_eq!(bench.push(last, 0), [bench.whole(&packets, number == 0)]);
        }
    }
}

#[test]
fn nothing_comes_before_a_key_frame() {
    for codec in CODECS {
        let mut bench = Bench::new(codec);
        assert!(bench.assembler.key_frame_wanted());
        let packets = bench.frame(false);
        assert_eq!(bench.push_all(&packets, 0), []);
        assert!(bench.assembler.key_frame_wanted());
        let packets = bench.frame(true);
        assert_eq!(bench.push_all(&packets[..1], 0), []);
        assert!(!bench.assembler.key_frame_wanted(), "one is on its way");
        assert_eq!(bench.push_all(&packets[1..], 0), [bench.whole(&packets, true)]);
    }
}

#[test]
fn a_key_frame_tells_its_size() {
    for (codec, size) in CODECS.into_iter().zip([(640, 360), (1280, 720)]) {
        let mut bench = Bench::new(codec);
        for (key_frame, size) in [(true, Some(size)), (false, None)] {
            let packets = bench.frame(key_frame);
            for packet in &packets {
                bench.assembler.push(&packet.view()).unwrap();
            }
            assert_eq!(bench.assembler.poll(ms(0)).unwrap().size, size);
        }
    }
}

#[test]
fn packets_may_come_in_any_order() {
    for codec in CODECS {
        let mut bench = Bench::new(codec);
        let frames: Vec<Vec<Sent>> = (0..4).map(|number| bench.frame(number == 0)).collect();
        let all: Vec<Sent> = frames.iter().flatten().rev().cloned().collect();
        let (last, rest) = all.split_last().unwrap();
        assert_eq!(bench.push_all(rest, 0), []);
        let out = bench.push(last, 0);
        let expected: Vec<Whole> =
            frames.iter().enumerate().map(|(number, packets)| bench.whole(packets, number == 0)).collect();
        assert_eq!(out, expected);
    }
}

#[test]
fn what_is_missing_is_waited_for_and_then_given_up_until_a_key_frame() {
    for codec in CODECS {
        let mut bench = Bench::begun(codec);
        let cut = bench.frame(false);
        let next = bench.frame(false);
        let (missing, rest) = cut.split_last().unwrap();
        assert_eq!(bench.push_all(rest, 10), []);
        assert_eq!(bench.push_all(&next, 20), []);
        assert_eq!(bench.poll(119), []);
        assert!(!bench.assembler.key_frame_wanted());
        let mut patient = Bench { assembler: bench.assembler.clone(), source: bench.source.clone() };
        assert_eq!(patient.push(missing, 119), [patient.whole(&cut, false), patient.whole(&next, false)]);

        assert_eq!(bench.poll(120), []);
        assert!(bench.assembler.key_frame_wanted());
        let packets = bench.frame(false);
        assert_eq!(bench.push_all(&packets, 130), []);
        let packets = bench.frame(true);
        assert_eq!(bench.push_all(&packets, 140), [bench.whole(&packets, true)]);
        assert_eq!(bench.assembler.push(&missing.view()), Err(Refused::Late));
    }
}

#[test]
fn a_whole_key_frame_ends_the_waiting() {
    for codec in CODECS {
        let mut bench = Bench::begun(codec);
        let lost = bench.frame(false);
        let key = bench.frame(true);
        assert_eq!(bench.push_all(&lost[1..], 0), []);
        assert_eq!(bench.push_all(&key, 1), [bench.whole(&key, true)]);
        assert_eq!(bench.assembler.push(&lost[0].view()), Err(Refused::Late));
    }
}

#[test]
fn a_key_frame_that_is_not_made_whole_is_wanted_again() {
    for codec in CODECS {
        let mut bench = Bench::new(codec);
        let mut packets = bench.frame(true);
        packets.remove(1);
        assert_eq!(bench.push_all(&packets, 0), []);
        bench.poll(99);
        assert!(!bench.assembler.key_frame_wanted());
        bench.poll(100);
        assert!(bench.assembler.key_frame_wanted());
    }
}

#[test]
fn a_frame_without_an_end_or_a_beginning_is_none() {
    for codec in CODECS {
        let mut bench = Bench::begun(codec);
        let mut packets = bench.frame(false);
        packets.last_mut().unwrap().marker = false;
        assert_eq!(bench.push_all(&packets, 0), []);
        let packets = bench.frame(false);
        assert_eq!(bench.push_all(&packets, 0), []);
        assert!(bench.assembler.key_frame_wanted());
    }
    let mut bench = Bench::begun(PictureCodec::Vp8);
    let mut packets = bench.frame(false);
    packets[0].payload[0] &= !0x10;
    assert_eq!(bench.push_all(&packets, 0), []);
    assert!(bench.assembler.key_frame_wanted());
}

#[test]
fn doubles_and_late_ones_are_refused() {
    let mut bench = Bench::begun(PictureCodec::Vp8);
    let packets = bench.frame(false);
    assert_eq!(bench.push(&packets[0], 0), []);
    assert_eq!(bench.assembler.push(&packets[0].view()), Err(Refused::Late));
    assert_eq!(bench.push_all(&packets[1..], 0).len(), 1);
    assert_eq!(bench.assembler.push(&packets[0].view()), Err(Refused::Late));
}

#[test]
fn a_source_that_begins_anew_begins_with_a_key_frame() {
    for codec in CODECS {
        let mut bench = Bench::begun(codec);
        bench.source.restart();
        let packets = bench.frame(false);
        assert_eq!(bench.push_all(&packets, 0), []);
        assert!(bench.assembler.key_frame_wanted());
        // And one that goes back.
        bench.source.sequence = bench.source.sequence.wrapping_sub(20_000);
        let packets = bench.frame(true);
        let refused = packets.iter().filter(|packet| bench.assembler.push(&packet.view()).is_err()).count();
        assert_eq!(refused, 2, "those may have been long on the way");
        let packets = bench.frame(true);
        assert_eq!(bench.push_all(&packets, 0), [bench.whole(&packets, true)]);
    }
}

#[test]
fn padding_is_passed_over_between_frames_and_within_them() {
    for codec in CODECS {
        let mut bench = Bench::begun(codec);
        let mut padding = vec![bench.source.packet(Vec::new(), false, ms(0))];
        assert_eq!(bench.push_all(&padding, 0), []);
        let mut packets = bench.frame(false);
        padding[0].sequence = packets[1].sequence;
        for packet in &mut packets[1..] {
            packet.sequence += 1;
        }
        bench.source.sequence += 1;
        packets.insert(1, padding.remove(0));
        assert_eq!(bench.push_all(&packets, 0), [bench.whole(&packets, false)]);
    }
}

#[test]
fn what_can_not_be_read_is_refused_and_missed() {
    let mut bench = Bench::begun(PictureCodec::H264);
    let mut packets = bench.frame(false);
    packets[1].payload[0] = 0x7D;
    assert_eq!(bench.push(&packets[0], 0), []);
    let refused = Err(Refused::Payload(PayloadError::Kind(29)));
    assert_eq!(bench.assembler.push(&packets[1].view()), refused);
    assert_eq!(bench.push_all(&packets[2..], 0), []);
    packets[1].codec = PictureCodec::Vp8;
    assert_eq!(bench.assembler.push(&packets[1].view()), Err(Refused::Codec));
    packets[1].codec = PictureCodec::H264;
    packets[1].payload = vec![0x41; 2049];
    assert_eq!(bench.assembler.push(&packets[1].view()), Err(Refused::TooLong));
    bench.poll(100);
    assert!(bench.assembler.key_frame_wanted());
}

#[test]
fn fragments_that_do_not_belong_together_make_no_frame() {
    let broken: [&[&[u8]]; 4] = [
        &[&[0x5C, 0x01, 1], &[0x5C, 0x41, 2]],             // no first one
        &[&[0x5C, 0x81, 1], &[0x5C, 0x01, 2]],             // no last one
        &[&[0x5C, 0x81, 1], &[0x41, 1], &[0x5C, 0x41, 2]], // a unit between
        &[&[0x5C, 0x81, 1], &[0x5C, 0x42, 2]],             // of another unit
    ];
    for payloads in broken {
        let mut bench = Bench::begun(PictureCodec::H264);
        bench.source.timestamp += 3000;
        for (at, payload) in payloads.iter().enumerate() {
            let packet = bench.source.packet(payload.to_vec(), at == payloads.len() - 1, ms(0));
            assert_eq!(bench.push(&packet, 0), [], "{payloads:02x?}");
        }
        assert!(bench.assembler.key_frame_wanted(), "{payloads:02x?}");
    }
}

#[test]
fn parameter_sets_that_came_once_are_given_with_each_key_frame() {
    let mut bench = Bench::new(PictureCodec::H264);
    let sets = [SPS.to_vec(), PPS.to_vec()].map(|set| bench.source.packet(set, false, ms(0)));
    assert_eq!(bench.push_all(&sets, 0), []);
    let mut idr = Vec::new();
    for set in [&SPS[..], &PPS, &[0x65, 0x88, 1]] {
        idr.extend([0, 0, 0, 1]);
        idr.extend(set);
    }
    let packet = bench.source.packet(vec![0x65, 0x88, 1], true, ms(0));
    assert_eq!(bench.push(&packet, 0), [(idr.clone(), packet.timestamp, true)]);
    bench.source.timestamp += 3000;
    let packet = bench.source.packet(vec![0x65, 0x88, 1], true, ms(0));
    bench.assembler.push(&packet.view()).unwrap();
    let frame = bench.assembler.poll(ms(0)).unwrap();
    assert_eq!((frame.data, frame.key_frame, frame.size), (&idr[..], true, Some((1280, 720))));
}

#[test]
fn what_begins_with_parameter_sets_and_is_no_key_frame_is_none_to_begin_with() {
    let mut bench = Bench::new(PictureCodec::H264);
    // A slice that needs frames before it; it and one of a key frame in one access unit, which no encoder makes.
    for slices in [&[&[0x61, 0x88, 1][..]][..], &[&[0x65, 0x88, 1], &[0x61, 0x08, 1]]] {
        let sets = [SPS.to_vec(), PPS.to_vec()].map(|set| bench.source.packet(set, false, ms(0)));
        assert_eq!(bench.push_all(&sets, 0), []);
        for (at, slice) in slices.iter().enumerate() {
            let packet = bench.source.packet(slice.to_vec(), at == slices.len() - 1, ms(0));
            assert_eq!(bench.push(&packet, 0), [], "{slices:02x?}");
        }
        assert!(bench.assembler.key_frame_wanted(), "{slices:02x?}");
        bench.source.timestamp += 3000;
    }
    let sets = [SPS.to_vec(), PPS.to_vec()].map(|set| bench.source.packet(set, false, ms(0)));
    assert_eq!(bench.push_all(&sets, 0), []);
    let packet = bench.source.packet(vec![0x65, 0x88, 1], true, ms(0));
    assert!(matches!(&bench.push(&packet, 0)[..], [(_, _, true)]), "the key frame that was wanted");
}

#[test]
fn a_key_frame_whose_parameter_sets_are_lost_is_not_given_older_ones() {
    let mut bench = Bench::begun(PictureCodec::H264);
    let lost = bench.frame(false);
    let packets = bench.frame(true);
    assert_eq!(bench.push_all(&lost[1..], 0), []);
    assert_eq!(bench.push_all(&packets[1..], 0), []);
    assert_eq!(bench.push(&packets[0], 1), [bench.whole(&packets, true)]);
}

#[test]
fn an_access_unit_of_parameter_sets_is_no_frame_and_does_no_harm() {
    let mut bench = Bench::begun(PictureCodec::H264);
    bench.source.timestamp += 3000;
    let sets = bench.source.packet(PPS.to_vec(), true, ms(0));
    assert_eq!(bench.push(&sets, 0), []);
    let packets = bench.frame(false);
    assert_eq!(bench.push_all(&packets, 0), [bench.whole(&packets, false)]);
}

#[test]
fn a_key_frame_without_parameter_sets_is_none() {
    let mut bench = Bench::new(PictureCodec::H264);
    let idr = bench.source.packet(vec![0x65, 0x88, 1], true, ms(0));
    assert_eq!(bench.push(&idr, 0), []);
    assert!(bench.assembler.key_frame_wanted());
}

#[test]
fn more_packets_than_are_held_are_given_up() {
    for ids in [Ids::None, Ids::All] {
        let mut bench = Bench::begun(PictureCodec::Vp8);
        bench.source.ids = ids;
        bench.frame(false);
        for _ in 0..400 {
            let packets = bench.frame(false);
            assert_eq!(bench.push_all(&packets, 0), []);
        }
        assert!(bench.assembler.key_frame_wanted(), "though no time has gone by");
        let packets = bench.frame(true);
        assert_eq!(bench.push_all(&packets, 0), [bench.whole(&packets, true)]);
    }
}

#[test]
fn a_frame_that_is_too_long_is_given_up() {
    let mut bench = Bench::begun(PictureCodec::Vp8);
    bench.source.max_payload = 1500;
    let long = bench.source.frame(false, 525_000, ms(0));
    assert_eq!(bench.push_all(&long, 0), []);
    assert!(bench.assembler.key_frame_wanted());
    let most = bench.source.frame(true, 524_000, ms(0));
    assert_eq!(bench.push_all(&most, 0).len(), 1);
}
