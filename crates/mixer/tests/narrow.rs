//! Callers with G.711 among those with Opus, and packets that are no sound.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use common::{Caller, amplitude, db, tone};
use confocal_mixer::{
    Codec, LegKey, Micros, Mixer, MixerConfig, PacketKind, Profile, RtpAudio, SpeakerKey, TICK_MS,
};

/// A-law by its definition (G.711 table 1), the slow way: the byte whose sample is nearest.
fn a_law(sample: f64) -> u8 {
    (0..=u8::MAX).min_by_key(|&byte| (a_law_sample(byte) - sample).abs() as u32).unwrap()
}

fn a_law_sample(byte: u8) -> f64 {
    let bits = byte ^ 0x55;
    let (segment, step) = (i32::from(bits >> 4 & 7), f64::from(bits & 15));
    let magnitude =
        if segment == 0 { 16.0 * step + 8.0 } else { (16.0 * step + 264.0) * 2_f64.powi(segment - 1) };
    if bits & 0x80 == 0 { -magnitude } else { magnitude }
}

/// A G.711 client that says a tone of 8000.
struct Narrow {
    sequence: u16,
    timestamp: u32,
    heard: Vec<i16>,
}

impl Narrow {
    fn new() -> Self {
        // Both wrap soon.
        Self { sequence: 65_500, timestamp: u32::MAX - 8000, heard: Vec::new() }
    }

    fn push(&mut self, mixer: &mut Mixer, now: Micros, kind: PacketKind, payload: &[u8]) {
        let (sequence, timestamp) = (self.sequence, self.timestamp);
        let packet = RtpAudio { sequence, timestamp, marker: false, level: None, payload, arrival: now };
        mixer.push_packet_of(LegKey(0), kind, packet);
    }

    fn speech(&self, hz: f64, bytes: usize) -> Vec<u8> {
        let at = |n: usize| f64::from(self.timestamp.wrapping_add(8001)) + n as f64;
        (0..bytes).map(|n| a_law((at(n) * hz * core::f64::consts::TAU / 8000.0).sin() * 8000.0)).collect()
    }

    /// 20 ms in one packet.
    fn say(&mut self, mixer: &mut Mixer, now: Micros, hz: f64, lost: bool) {
        if !lost {
            self.push(mixer, now, PacketKind::Sound(Codec::Pcma), &self.speech(hz, 160));
        }
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(160);
    }
}

/// Leg 0 is narrow, leg 1 an Opus caller who says this, legs 2 and 3 only listen; 2 is narrow.
fn conference(hz: Option<f64>) -> (Mixer, Narrow, Vec<Caller>) {
    let mut mixer = Mixer::new(MixerConfig::default());
    for leg in 0..4 {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
    }
    for leg in [0, 2] {
        mixer.set_profile(LegKey(leg), Profile { codec: Codec::Pcma, ..Profile::default() }).unwrap();
    }
    (mixer, Narrow::new(), vec![Caller::new(1, hz), Caller::new(3, None)])
}

fn tick(mixer: &mut Mixer, now: Micros, narrow: &mut Narrow, callers: &mut [Caller]) {
    for caller in &mut *callers {
        caller.send(mixer, now, false);
    }
    mixer.tick(now, |leg, frame| match leg.0 {
        0 | 2 => {
            assert_eq!((frame.codec, frame.payload.len(), frame.samples), (Codec::Pcma, 160, 960));
            if leg.0 == 0 {
                let samples = frame.payload.iter().map(|&byte| a_law_sample(byte) as i16);
                narrow.heard.extend(samples);
            }
        }
        _ => {
            assert_eq!(frame.codec, Codec::Opus);
            callers.iter_mut().find(|caller| caller.leg == leg).unwrap().hear(frame.payload);
        }
    });
}

fn at(tick: u64) -> Micros {
    Micros::from_millis(tick * u64::from(TICK_MS))
}

#[test]
fn g711_and_opus_hear_one_another_and_not_themselves() {
    let (mut mixer, mut narrow, mut callers) = conference(Some(631.0));
    for n in 0..150 {
        narrow.say(&mut mixer, at(n), 437.0, false);
        tick(&mut mixer, at(n), &mut narrow, &mut callers);
    }
    for caller in &callers {
        let level = db(caller.hears(437.0, 500) / 8000.0);
        assert!(level.abs() < 1.0, "{level:.2} dB of G.711 in Opus");
    }
    // To samples at 48 kHz, as the measure wants them.
    let heard: Vec<i16> = narrow.heard.iter().flat_map(|&sample| [sample; 6]).collect();
    let (other, own) = (amplitude(&heard[24_000..], 631.0), amplitude(&heard[24_000..], 437.0));
    assert!(db(other / 8000.0).abs() < 1.0 && db(own / 8000.0) < -40.0, "{other} {own}");
    assert_eq!(mixer.encodings(), 4, "Opus and A-law for who listens, and one for each who speaks");
    let stats = mixer.stats(LegKey(0)).unwrap();
    assert_eq!((stats.received, stats.lost, stats.late, stats.malformed), (150, 0, 0, 0), "{stats:?}");
}

#[test]
fn lost_packets_of_g711_are_concealed() {
    let (mut mixer, mut narrow, mut callers) = conference(None);
    for n in 0..300 {
        narrow.say(&mut mixer, at(n), 437.0, n > 10 && n < 290 && n * 7919 % 101 < 5);
        tick(&mut mixer, at(n), &mut narrow, &mut callers);
    }
    let stats = mixer.stats(LegKey(0)).unwrap();
    assert!(stats.lost > 8 && stats.lost == stats.concealed, "{stats:?}");
    let level = db(callers[1].hears(437.0, 500) / 8000.0);
    assert!(level.abs() < 1.0, "{level:.2} dB");
    let quiet = common::every_10_ms(&callers[1].heard[50 * 960..250 * 960], 400.0);
    assert!(quiet.iter().all(|&amplitude| amplitude > 4000.0), "no hole: {quiet:?}");
}

#[test]
fn packets_of_g711_of_other_lengths_join_up() {
    for bytes in [80, 240, 320, 20] {
        let (mut mixer, mut narrow, mut callers) = conference(None);
        let mut sent = 0;
        for n in 0..150 {
            while sent + bytes <= (n as usize + 1) * 160 {
                let speech = narrow.speech(437.0, bytes);
                narrow.push(&mut mixer, at(n), PacketKind::Sound(Codec::Pcma), &speech);
                narrow.sequence = narrow.sequence.wrapping_add(1);
                narrow.timestamp = narrow.timestamp.wrapping_add(bytes as u32);
                sent += bytes;
            }
            tick(&mut mixer, at(n), &mut narrow, &mut callers);
        }
        let stats = mixer.stats(LegKey(0)).unwrap();
        assert_eq!((stats.lost, stats.late, stats.concealed), (0, 0, 0), "{bytes} bytes: {stats:?}");
        let level = db(callers[1].hears(437.0, 500) / 8000.0);
        assert!(level.abs() < 1.0, "{bytes} bytes: {level:.2} dB");
    }
}

#[test]
fn comfort_noise_is_silence_and_no_loss() {
    let (mut mixer, mut narrow, mut callers) = conference(None);
    for n in 0..200 {
        match n {
            // Its level, and nothing for a second and a half.
            75 => {
                narrow.push(&mut mixer, at(n), PacketKind::ComfortNoise, &[40]);
                narrow.sequence = narrow.sequence.wrapping_add(1);
                narrow.timestamp = narrow.timestamp.wrapping_add(160);
            }
            76..150 => narrow.timestamp = narrow.timestamp.wrapping_add(160),
            _ => narrow.say(&mut mixer, at(n), 437.0, false),
        }
        tick(&mut mixer, at(n), &mut narrow, &mut callers);
    }
    let stats = mixer.stats(LegKey(0)).unwrap();
    assert_eq!((stats.lost, stats.concealed, stats.dtx, stats.decode_errors), (0, 0, 1, 0), "{stats:?}");
    let heard = &callers[1].heard;
    let loud = common::every_10_ms(heard, 400.0).iter().filter(|&&amplitude| amplitude > 3000.0).count();
    assert!((230..=255).contains(&loud), "{loud} of 250 times 10 ms");
}

/// A key is pressed for 200 ms in the midst of speech (RFC 4733 section 2.2.1): every packet has the time of the first.
fn press_a_key(speaks_on: bool) -> (confocal_mixer::LegStats, Vec<f64>) {
    let (mut mixer, mut narrow, mut callers) = conference(None);
    let mut pressed_at = 0;
    for n in 0..150 {
        if n == 75 {
            pressed_at = narrow.timestamp;
        }
        if (75..88).contains(&n) {
            // The end comes three times.
            let end = n >= 85;
            let event = [5, if end { 0x8a } else { 0x0a }, 0, 160];
            let timestamp = core::mem::replace(&mut narrow.timestamp, pressed_at);
            narrow.push(&mut mixer, at(n), PacketKind::TelephoneEvent, &event);
            narrow.sequence = narrow.sequence.wrapping_add(1);
            narrow.timestamp = timestamp;
            if !speaks_on {
                narrow.timestamp = timestamp.wrapping_add(160);
            }
        }
        if speaks_on || !(75..88).contains(&n) {
            narrow.say(&mut mixer, at(n), 437.0, false);
        }
        tick(&mut mixer, at(n), &mut narrow, &mut callers);
    }
    let heard = common::every_10_ms(&callers[1].heard, 400.0);
    (mixer.stats(LegKey(0)).unwrap(), heard)
}

#[test]
fn a_key_is_not_heard_and_no_loss() {
    for speaks_on in [false, true] {
        let (stats, heard) = press_a_key(speaks_on);
        assert_eq!((stats.lost, stats.late, stats.decode_errors), (0, 0, 0), "{stats:?}");
        let loud = heard.iter().filter(|&&amplitude| amplitude > 3000.0).count();
        // 26 times 10 ms of key, and 40 ms of depth at the beginning.
        let expected = if speaks_on { 290..=300 } else { 264..=275 };
        assert!(expected.contains(&loud), "{loud}, speaks on: {speaks_on}");
        assert!(stats.depth_ms < 40, "the key's old time is no jitter: {} ms", stats.depth_ms);
    }
}

#[test]
fn a_sender_may_change_between_codecs() {
    let (mut mixer, mut narrow, mut callers) = conference(None);
    let mut encoder = confocal_mixer::Encoder::new(&confocal_mixer::EncoderSettings::default()).unwrap();
    let mut payload = [0; confocal_mixer::MAX_PAYLOAD_BYTES];
    for n in 0..300_u64 {
        if (100..200).contains(&n) {
            let bytes = encoder.encode(&tone(437.0, 8000.0, n as u32), &mut payload).unwrap();
            narrow.push(&mut mixer, at(n), PacketKind::Sound(Codec::Opus), &payload[..bytes]);
            narrow.sequence = narrow.sequence.wrapping_add(1);
            narrow.timestamp = narrow.timestamp.wrapping_add(960);
        } else {
            narrow.say(&mut mixer, at(n), 437.0, false);
        }
        tick(&mut mixer, at(n), &mut narrow, &mut callers);
    }
    for seconds in [0, 2, 4] {
        let level = db(amplitude(&callers[1].heard[seconds * 48_000 + 24_000..][..24_000], 437.0) / 8000.0);
        assert!(level.abs() < 1.5, "second {seconds}: {level:.2} dB");
    }
    assert_eq!(mixer.stats(LegKey(0)).unwrap().decode_errors, 0);
}

#[test]
fn g711_is_what_is_asked_for_even_where_opus_has_four_profiles() {
    use confocal_mixer::{Bandwidth, BitrateClass, Protection};
    let mut mixer = Mixer::new(MixerConfig::default());
    let usual = Profile::default();
    let profiles = [
        usual,
        Profile { bandwidth: Bandwidth::Narrow, ..usual },
        Profile { bitrate: BitrateClass::Thrifty, ..usual },
        Profile { protection: Protection::Lossy, ..usual },
        Profile { codec: Codec::Pcma, ..usual },
        Profile { codec: Codec::Pcmu, ..usual },
        Profile { codec: Codec::Pcmu, protection: Protection::Lossy, ..usual },
    ];
    for (leg, profile) in (0..).zip(profiles) {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
        mixer.set_profile(LegKey(leg), profile).unwrap();
    }
    let mut streams = Vec::new();
    mixer.tick(Micros(0), |leg, frame| {
        assert_eq!(frame.codec, profiles[leg.0 as usize].codec);
        streams.push(frame.stream);
    });
    assert_eq!(streams, [0, 1, 2, 3, 4, 5, 5]);
}
