//! A tick allocates nothing, whatever happens in it, and neither does a packet that arrives, but where more talk at a time than
//! before. Shown by counting, in a process of its own.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use std::sync::Arc;

use common::tone;
use confocal_mixer::{
    Audience, Channels, Clip, Codec, Encoder, EncoderSettings, LegKey, LevelDbov, MAX_PAYLOAD_BYTES, Micros,
    Mixer, MixerConfig, PacketKind, Profile, Protection, RtpAudio, Sink, SpeakerKey, StereoEncoder,
};
use confocal_testing::counting::{Counting, calls};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const LEGS: u64 = 12;
const TICKS: u64 = 300;

#[test]
fn a_tick_does_not_allocate() {
    // Fewer decoded than speak, so that choosing runs too.
    let mut mixer = Mixer::new(MixerConfig { hot_max: 4, ..MixerConfig::default() });
    for leg in 0..LEGS {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg / 2)).unwrap();
    }
    let mut encoder = Encoder::new(&EncoderSettings::default()).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let mut frames = 0_u64;
    let (mut in_ticks, mut by_packets) = (0, 0);

    for tick in 0..TICKS {
        let now = Micros::from_millis(tick * 20);
        let bytes = encoder.encode(&tone(440.0, 9000.0, tick as u32), &mut payload).unwrap();
        let before = calls();
        for leg in 0..LEGS {
            // Loss, jitter, silence by announcement, doubles, and packets that are none.
            let payload = match (tick * 31 + leg * 17) % 23 {
                0 => continue,
                1 => &payload[..1],
                2 => &[0xff, 0xff, 0xff],
                _ => &payload[..bytes],
            };
            for _ in 0..=u64::from(leg == 3) {
                let arrival = Micros::from_millis(tick * 20 + (tick * 7 + leg) % 30);
                let (sequence, timestamp) = (tick as u16, tick as u32 * 960);
                mixer.push_packet(
                    LegKey(leg),
                    RtpAudio { sequence, timestamp, marker: false, level: None, payload, arrival },
                );
            }
        }
        if tick % 50 == 0 {
            mixer.set_receiving(LegKey(5), tick % 100 == 0);
            mixer.set_sending(LegKey(6), tick % 100 == 0);
        }
        // The first ticks find out how many talk at a time.
        if tick >= 50 {
            by_packets += calls() - before;
        }
        let before = calls();
        mixer.tick(now, |_, frame| frames += u64::from(!frame.payload.is_empty()));
        frames += mixer.levels().filter(|measure| measure.speaking).count() as u64;
        assert!(mixer.stats(LegKey(0)).is_some());
        in_ticks += calls() - before;
    }

    assert!(frames > TICKS * (LEGS - 1), "the mixer worked: {frames} frames");
    assert_eq!((in_ticks, by_packets), (0, 0), "calls of the allocator in {TICKS} ticks");

    // The counter counts: what is allowed to allocate does.
    let before = calls();
    mixer.add_leg(LegKey(99), SpeakerKey(99)).unwrap();
    assert!(calls() > before);
}

#[derive(Debug)]
struct Counted(u64);

impl Sink for Counted {
    fn take(&mut self, packet: Option<&[u8]>) {
        self.0 += u64::from(packet.is_some());
    }
}

#[test]
fn neither_g711_nor_sounds_nor_sinks_allocate() {
    let mut mixer = Mixer::new(MixerConfig::default());
    for leg in 0..4 {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
    }
    for leg in [0, 3] {
        mixer.set_profile(LegKey(leg), Profile { codec: Codec::Pcmu, ..Profile::default() }).unwrap();
    }
    mixer.record(Box::new(Counted(0))).unwrap();
    // Some of them end on the way, and one is stopped.
    mixer.play(Audience::All, Box::new(Clip::join_tone())).unwrap();
    mixer.play(Audience::Leg(LegKey(1)), Box::new(Clip::repeated(Arc::from(vec![500; 1000])))).unwrap();
    mixer.play(Audience::Leg(LegKey(0)), Box::new(Clip::leave_tone())).unwrap();
    let stopped =
        mixer.play(Audience::Leg(LegKey(2)), Box::new(Clip::repeated(Arc::from(vec![500; 1000])))).unwrap();
    let (mut frames, mut in_ticks) = (0, 0);
    for tick in 0..400_u64 {
        let now = Micros::from_millis(tick * 20);
        let kind = match tick % 50 {
            7 => PacketKind::ComfortNoise,
            9..12 => PacketKind::TelephoneEvent,
            _ => PacketKind::Sound(Codec::Pcmu),
        };
        let (sequence, timestamp) = (tick as u16, tick as u32 * 160);
        let payload = &[0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e].repeat(20);
        if tick % 13 != 5 {
            let packet = RtpAudio { sequence, timestamp, marker: false, level: None, payload, arrival: now };
            mixer.push_packet_of(LegKey(0), kind, packet);
        }
        if tick == 300 {
            mixer.stop_playing(stopped);
        }
        let before = calls();
        mixer.tick(now, |_, _| frames += 1);
        in_ticks += calls() - before;
    }
    assert!(frames > 1200 && !mixer.is_playing(stopped), "{frames}");
    assert_eq!(in_ticks, 0, "calls of the allocator");
}

#[test]
fn talkers_who_take_turns_need_no_new_memory() {
    let mut mixer = Mixer::new(MixerConfig::default());
    for leg in 0..8 {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
    }
    // Two profiles, so that there is more than one stream to leave and to join.
    for leg in 4..8 {
        let profile = Profile { protection: Protection::Lossy, ..Profile::default() };
        mixer.set_profile(LegKey(leg), profile).unwrap();
    }
    let settings =
        EncoderSettings { inband_fec: true, expected_loss_percent: 10, ..EncoderSettings::default() };
    let mut encoder = Encoder::new(&settings).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let (mut in_ticks, mut by_packets) = (0, 0);
    let (mut heard, mut stats) = ([0_u32; 8], 0);
    for tick in 0..2600_u64 {
        let now = Micros::from_millis(tick * 20);
        let bytes = encoder.encode(&tone(300.0, 9000.0, tick as u32), &mut payload).unwrap();
        let before = calls();
        for leg in 0..8 {
            // Two talk for two seconds each, overlapping; the others have announced silence and say so every 400 ms.
            let turn = tick / 50;
            let talks = turn % 8 == leg || (turn + 1) % 8 == leg;
            let claim = if talks { -14 } else { -127 };
            let payload = if talks { &payload[..bytes] } else { &payload[..1] };
            if (talks && (tick * 7919 + leg * 31) % 20 == 0) || (!talks && tick % 20 != 0) {
                continue;
            }
            let (sequence, timestamp) = (tick as u16, tick as u32 * 960);
            let level = Some(LevelDbov(claim));
            mixer.push_packet(
                LegKey(leg),
                RtpAudio { sequence, timestamp, marker: false, level, payload, arrival: now },
            );
        }
        // Three rounds in which it is found out how many talk at a time.
        if tick >= 1200 {
            by_packets += calls() - before;
        }
        let before = calls();
        mixer.tick(now, |_, _| ());
        for measure in mixer.levels() {
            heard[measure.leg.0 as usize] += u32::from(measure.speaking);
        }
        stats += mixer.stats(LegKey(tick % 8)).unwrap().concealed;
        in_ticks += calls() - before;
    }
    assert!(heard.iter().all(|&ticks| ticks > 300) && stats > 0, "{heard:?}");
    assert_eq!((in_ticks, by_packets), (0, 0), "calls of the allocator");
}

#[test]
fn two_channels_take_turns_without_new_memory() {
    let mut mixer = Mixer::new(MixerConfig::default());
    for leg in 0..6 {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
        // All but two ask for two channels, and half send two.
        mixer.set_stereo(LegKey(leg), leg % 2 == 0).unwrap();
        if leg < 4 {
            let profile = Profile { channels: Channels::Stereo, ..Profile::default() };
            mixer.set_profile(LegKey(leg), profile).unwrap();
        }
    }
    mixer.record(Box::new(Counted(0))).unwrap();
    let settings = EncoderSettings { bitrate: 96_000, ..EncoderSettings::default() };
    let mut encoder = StereoEncoder::new(&settings).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let (mut in_ticks, mut by_packets, mut wide) = (0, 0, 0_u32);
    for tick in 0..1600_u64 {
        let now = Micros::from_millis(tick * 20);
        let tone = tone(300.0, 9000.0, tick as u32);
        let pairs: Vec<[i16; 2]> = tone.iter().map(|&sample| [sample, sample / 4]).collect();
        let bytes = encoder.encode(&pairs, &mut payload).unwrap();
        let before = calls();
        for leg in 0..6 {
            let turn = tick / 50;
            let talks = turn % 6 == leg || (turn + 1) % 6 == leg;
            let claim = if talks { -14 } else { -127 };
            let payload = if talks { &payload[..bytes] } else { &payload[..1] };
            if (talks && (tick * 7919 + leg * 31) % 20 == 0) || (!talks && tick % 20 != 0) {
                continue;
            }
            let (sequence, timestamp) = (tick as u16, tick as u32 * 960);
            let level = Some(LevelDbov(claim));
            let packet = RtpAudio { sequence, timestamp, marker: false, level, payload, arrival: now };
            mixer.push_packet(LegKey(leg), packet);
        }
        // Two rounds in which it is found out how many talk at a time.
        if tick >= 700 {
            by_packets += calls() - before;
        }
        let before = calls();
        mixer.tick(now, |_, frame| wide += u32::from(frame.payload[0] & 4 != 0));
        in_ticks += calls() - before;
    }
    assert!(wide > 3000, "{wide} packets of two channels");
    assert_eq!((in_ticks, by_packets), (0, 0), "calls of the allocator");
}
