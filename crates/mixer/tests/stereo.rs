//! Two channels, for those who send two and those who ask for two; for all others nothing is different.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use std::sync::{Arc, Mutex};

use common::{Caller, amplitude, db};
use confocal_mixer::{
    BitrateClass, Channels, Codec, EncoderSettings, FRAME_SAMPLES, LegKey, LevelDbov, MAX_PACKET_SAMPLES,
    MAX_PAYLOAD_BYTES, Micros, Mixer, MixerConfig, Profile, RtpAudio, SAMPLE_RATE, Sink, SpeakerKey,
    StereoDecoder, StereoEncoder, TICK_MS,
};

const STEREO: Profile = Profile {
    codec: Codec::Opus,
    bandwidth: confocal_mixer::Bandwidth::Full,
    bitrate: BitrateClass::Usual,
    protection: confocal_mixer::Protection::Clean,
    channels: Channels::Stereo,
};

/// What is said on the left and on the right by who sends two channels, and by who sends one; Hz, multiples of none another.
const LEFT: f64 = 437.0;
const RIGHT: f64 = 631.0;
const BOTH: f64 = 1013.0;

/// Of which amplitude each of them is.
const SAID: f64 = 8000.0;

/// Who sends two channels.
struct Wide {
    leg: LegKey,
    encoder: StereoEncoder,
    sent: u32,
}

impl Wide {
    fn new(leg: u64) -> Self {
        let settings = EncoderSettings { bitrate: 128_000, ..EncoderSettings::default() };
        Self { leg: LegKey(leg), encoder: StereoEncoder::new(&settings).unwrap(), sent: 0 }
    }

    fn send(&mut self, mixer: &mut Mixer, now: Micros, lost: bool) {
        let sine = |n: usize, hz: f64| {
            let at = f64::from(self.sent * FRAME_SAMPLES as u32 + n as u32) / f64::from(SAMPLE_RATE);
            ((at * hz * core::f64::consts::TAU).sin() * SAID) as i16
        };
        let pairs: [[i16; 2]; FRAME_SAMPLES] = core::array::from_fn(|n| [sine(n, LEFT), sine(n, RIGHT)]);
        let mut payload = [0; MAX_PAYLOAD_BYTES];
        let bytes = self.encoder.encode(&pairs, &mut payload).unwrap();
        let (sequence, timestamp) = (self.sent as u16, self.sent * FRAME_SAMPLES as u32);
        self.sent += 1;
        if !lost {
            let payload = &payload[..bytes];
            let packet = RtpAudio {
                sequence,
                timestamp,
                marker: false,
                level: Some(LevelDbov(-14)),
                payload,
                arrival: now,
            };
            mixer.push_packet(self.leg, packet);
        }
    }
}

/// What a leg hears, decoded to two channels as clients do that asked for two, and how many channels its last packet had.
struct Ears {
    leg: LegKey,
    decoder: StereoDecoder,
    left: Vec<i16>,
    right: Vec<i16>,
    channels: u8,
}

impl Ears {
    fn new(leg: u64) -> Self {
        let decoder = StereoDecoder::new().unwrap();
        Self { leg: LegKey(leg), decoder, left: Vec::new(), right: Vec::new(), channels: 0 }
    }

    fn hear(&mut self, payload: &[u8]) {
        let mut pairs = Box::new([[0; 2]; MAX_PACKET_SAMPLES]);
        let decoded = self.decoder.decode(payload, &mut pairs).unwrap();
        self.left.extend(pairs[..decoded].iter().map(|pair| pair[0]));
        self.right.extend(pairs[..decoded].iter().map(|pair| pair[1]));
        // RFC 6716 section 3.1, the bit `s`.
        self.channels = 1 + (payload[0] >> 2 & 1);
    }

    fn forget(&mut self) {
        self.left.clear();
        self.right.clear();
    }

    /// At how many dB it hears a tone on the left and on the right, after the first second.
    fn hears(&self, hz: f64) -> [f64; 2] {
        [&self.left, &self.right].map(|side| db(amplitude(&side[SAMPLE_RATE as usize..], hz).max(0.1) / SAID))
    }
}

/// A conference: leg 0 sends two channels, leg 1 one, the others listen.
struct Conference {
    mixer: Mixer,
    wide: Wide,
    narrow: Caller,
    ears: Vec<Ears>,
    tick: u64,
    encodings: usize,
}

impl Conference {
    fn new(legs: u64) -> Self {
        let mut mixer = Mixer::new(MixerConfig::default());
        for leg in 0..legs {
            mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
        }
        let ears = (0..legs).map(Ears::new).collect();
        Self { mixer, wide: Wide::new(0), narrow: Caller::new(1, Some(BOTH)), ears, tick: 0, encodings: 0 }
    }

    fn run(&mut self, ticks: u64, lost: impl Fn(u64) -> bool) {
        for _ in 0..ticks {
            let now = Micros::from_millis(self.tick * u64::from(TICK_MS));
            self.wide.send(&mut self.mixer, now, lost(self.tick));
            self.narrow.send(&mut self.mixer, now, false);
            self.mixer.tick(now, |leg, frame| {
                let ears = self.ears.iter_mut().find(|ears| ears.leg == leg).unwrap();
                ears.hear(frame.payload);
            });
            self.tick += 1;
        }
        self.encodings = self.mixer.encodings();
    }
}

/// Of two tones made up by libopus for what was lost a part is missing.
fn is_nearly(level: f64, expected: f64, percent: u64) -> bool {
    (level - expected).abs() < if percent == 0 { 1.5 } else { 3.0 }
}

fn is_about(level: f64, expected: f64) -> bool {
    (level - expected).abs() < 1.5
}

#[test]
fn the_left_stays_left_for_who_asks_for_two_and_the_others_hear_the_middle() {
    for percent in [0, 5] {
        let mut conference = Conference::new(5);
        conference.mixer.set_stereo(LegKey(0), true).unwrap();
        for leg in [0, 1, 2] {
            conference.mixer.set_profile(LegKey(leg), STEREO).unwrap();
        }
        conference.run(250, |tick| tick > 30 && (tick * 7919 + tick * tick * 31) % 101 < percent);
        assert_eq!(conference.encodings, 4, "each of two talkers, and listeners of one and of two channels");
        let heard = |leg: usize, hz| conference.ears[leg].hears(hz);

        // Who talks in one channel and who only listens, both of whom asked for two.
        for leg in [1, 2] {
            assert_eq!(conference.ears[leg].channels, 2);
            let ([left, away], [other, right]) = (heard(leg, LEFT), heard(leg, RIGHT));
            assert!(
                is_nearly(left, 0.0, percent) && is_nearly(right, 0.0, percent),
                "leg {leg}: {left:.1} and {right:.1} dB with {percent} % lost"
            );
            assert!(left - away >= 20.0, "leg {leg}: the left at {left:.1}, and {away:.1} dB on the right");
            assert!(
                right - other >= 20.0,
                "leg {leg}: the right at {right:.1}, and {other:.1} dB on the left"
            );
        }
        let both = heard(2, BOTH);
        assert!(both.iter().all(|&level| is_about(level, 0.0)), "one channel is heard on both: {both:.1?}");
        let own = heard(1, BOTH);
        assert!(own.iter().all(|&level| level < -30.0), "nobody hears themselves: {own:.1?}");

        // Who sends two hears two, without their own.
        let (both, [left, _], [_, right]) = (heard(0, BOTH), heard(0, LEFT), heard(0, RIGHT));
        assert!(both.iter().all(|&level| is_about(level, 0.0)), "{both:.1?}");
        assert!(left < -30.0 && right < -30.0, "nobody hears themselves: {left:.1} and {right:.1} dB");

        // Who asked for nothing: half the sum, which of a tone on one side is half of it.
        for leg in [3, 4] {
            assert_eq!(conference.ears[leg].channels, 1);
            for (hz, expected) in [(LEFT, -6.0), (RIGHT, -6.0), (BOTH, 0.0)] {
                let [left, right] = heard(leg, hz);
                assert!(
                    is_nearly(left, expected, percent) && is_nearly(right, expected, percent),
                    "{hz} Hz at {left:.1} dB with {percent} % lost"
                );
            }
        }
    }
}

#[derive(Debug)]
struct Kept(Arc<Mutex<Vec<Vec<u8>>>>);

impl Sink for Kept {
    fn take(&mut self, packet: Option<&[u8]>) {
        self.0.lock().unwrap().extend(packet.map(<[u8]>::to_vec));
    }
}

#[test]
fn two_channels_cost_nothing_where_only_one_side_wants_them_and_a_recording_has_one() {
    // Who sends two, and who of the others asks for two: what they are sent, and how many encodings that takes.
    let sent = |sends: bool, asks: &[u64]| {
        let mut conference = Conference::new(4);
        conference.mixer.set_stereo(LegKey(0), sends).unwrap();
        for &leg in asks {
            conference.mixer.set_profile(LegKey(leg), STEREO).unwrap();
        }
        let kept = Arc::new(Mutex::new(Vec::new()));
        conference.mixer.record(Box::new(Kept(Arc::clone(&kept)))).unwrap();
        conference.run(100, |_| false);
        let channels: Vec<u8> = conference.ears.iter().map(|ears| ears.channels).collect();
        let recorded = std::mem::take(&mut *kept.lock().unwrap());
        assert!(recorded.len() >= 90);
        (channels, conference.encodings, recorded)
    };
    let (mono, three, recorded) = sent(false, &[]);
    assert_eq!((mono, three), (vec![1; 4], 3), "two talkers, and the others");
    for asks in [&[2_u64, 3][..], &[0, 1, 2, 3]] {
        let (channels, encodings, same) = sent(false, asks);
        assert_eq!((channels, encodings), (vec![1; 4], 3), "nobody sends two");
        assert!(same == recorded, "to the last bit");
    }
    let (channels, encodings, same) = sent(true, &[]);
    assert_eq!((channels, encodings), (vec![1; 4], 3), "nobody asks for two");
    assert!(same.iter().all(|packet| packet[0] & 4 == 0));
    let (channels, encodings, _) = sent(true, &[0]);
    assert_eq!((channels, encodings), (vec![1; 4], 3), "who asks is the only one who sends");
    let (channels, encodings, same) = sent(true, &[2]);
    assert_eq!((channels, encodings), (vec![1, 1, 2, 1], 4));
    assert!(same.iter().all(|packet| packet[0] & 4 == 0), "a recording is of one channel");
    // Who takes fewer bits is served better with one.
    let mut conference = Conference::new(4);
    conference.mixer.set_stereo(LegKey(0), true).unwrap();
    let moderate = Profile { bitrate: BitrateClass::Moderate, ..STEREO };
    conference.mixer.set_profile(LegKey(2), moderate).unwrap();
    conference.run(50, |_| false);
    assert_eq!(conference.ears[2].channels, 1);
}

#[test]
fn who_sends_two_comes_and_goes_and_nobody_misses_anything() {
    let mut conference = Conference::new(4);
    for leg in [1, 2] {
        conference.mixer.set_profile(LegKey(leg), STEREO).unwrap();
    }
    for (sends, channels) in [(true, 2), (false, 1), (true, 2)] {
        conference.mixer.set_stereo(LegKey(0), sends).unwrap();
        conference.ears.iter_mut().for_each(Ears::forget);
        conference.run(160, |_| false);
        for leg in [1, 2] {
            let ears = &conference.ears[leg];
            assert_eq!(ears.channels, channels, "leg {leg}");
            let ([left, away], expected) = (ears.hears(LEFT), if sends { 0.0 } else { -6.0 });
            assert!(is_about(left, expected), "leg {leg}: {left:.1} dB");
            assert!(
                if sends { left - away >= 20.0 } else { is_about(away, -6.0) },
                "leg {leg}: {away:.1} dB"
            );
        }
        // One who talks all the while is heard through it, in each tenth of a second.
        let listener = &conference.ears[2];
        for at in (4800..listener.left.len() - 24_000).step_by(4800) {
            let level = db(amplitude(&listener.left[at..at + 24_000], BOTH) / SAID);
            assert!(level.abs() < 2.0, "{level:.1} dB, {} ms after the change", at / 48);
        }
    }
    // It leaves altogether, in the midst of a word.
    conference.mixer.remove_leg(LegKey(0));
    conference.ears.iter_mut().for_each(Ears::forget);
    conference.run(120, |_| false);
    assert_eq!(
        (conference.ears[2].channels, conference.encodings),
        (1, 1),
        "who talks is alone, and hears silence"
    );
    assert!(is_about(conference.ears[2].hears(BOTH)[0], 0.0));
    assert!(conference.ears[2].hears(LEFT)[0] < -40.0);
}

#[test]
fn two_loud_channels_are_neither_wrapped_nor_clipped() {
    let fine = EncoderSettings { bitrate: 340_000, complexity: 10, ..EncoderSettings::default() };
    let config = MixerConfig { encoder: fine, levelling: false, ..MixerConfig::default() };
    let mut conference = Conference::new(4);
    conference.mixer = Mixer::new(config);
    for leg in 0..4 {
        conference.mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
    }
    conference.mixer.set_stereo(LegKey(0), true).unwrap();
    conference.mixer.set_profile(LegKey(2), STEREO).unwrap();
    conference.narrow = Caller::with_profile(1, Some(BOTH), &fine);
    // With 8000 on each side that is more than fits.
    conference.narrow.amplitude = 32_000.0;
    conference.run(200, |_| false);
    let ears = &conference.ears[2];
    let ([left, away], [other, right]) = (ears.hears(LEFT), ears.hears(RIGHT));
    assert!(left < -1.0 && (left - right).abs() < 0.5, "turned down alike: {left:.1} and {right:.1} dB");
    assert!(left - away >= 20.0 && right - other >= 20.0, "{away:.1} and {other:.1} dB aside");
    for (side, own) in [(&ears.left, LEFT), (&ears.right, RIGHT)] {
        let side = &side[SAMPLE_RATE as usize..];
        let power = side.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / side.len() as f64;
        let tones: f64 = [own, BOTH].iter().map(|&hz| amplitude(side, hz).powi(2) / 2.0).sum();
        let rest = 10.0 * ((power - tones).abs() / power).log10();
        assert!(rest < -25.0, "{rest:.1} dB of the sound is not in the tones");
    }
}
