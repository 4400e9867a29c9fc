//! How much memory a participant takes, and that it does not grow: bytes are counted, not guessed.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use common::tone;
use confocal_mixer::{
    Encoder, EncoderSettings, LegKey, LevelDbov, MAX_PAYLOAD_BYTES, Micros, Mixer, MixerConfig, Probe,
    RtpAudio, SpeakerKey,
};
use confocal_testing::counting::{Counting, bytes};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A conference whose first legs talk and whose others send silence, and claim to.
struct Conference {
    mixer: Mixer,
    /// Shared with other conferences, where it is.
    probe: Option<Probe>,
    talk: Encoder,
    silence: Encoder,
    tick: u32,
}

impl Conference {
    fn new() -> Self {
        let encoder = || Encoder::new(&EncoderSettings::default()).unwrap();
        let mixer = Mixer::new(MixerConfig::default());
        Self { mixer, probe: None, talk: encoder(), silence: encoder(), tick: 0 }
    }

    fn add(&mut self, leg: u64) {
        self.mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
    }

    fn remove(&mut self, leg: u64) {
        self.mixer.remove_leg(LegKey(leg));
    }

    fn run(&mut self, seconds: f64, legs: core::ops::Range<u64>, talking: u64) {
        for _ in 0..(seconds * 50.0) as u32 {
            let now = Micros::from_millis(u64::from(self.tick) * 20);
            let (mut talk, mut silence) = ([0; MAX_PAYLOAD_BYTES], [0; MAX_PAYLOAD_BYTES]);
            let talk_bytes = self.talk.encode(&tone(440.0, 9000.0, self.tick), &mut talk).unwrap();
            let silence_bytes = self.silence.encode(&[0; 960], &mut silence).unwrap();
            for leg in legs.clone() {
                let talks = leg - legs.start < talking;
                let (payload, level) =
                    if talks { (&talk[..talk_bytes], -14) } else { (&silence[..silence_bytes], -127) };
                let packet = RtpAudio {
                    sequence: self.tick as u16,
                    timestamp: self.tick * 960,
                    marker: false,
                    level: Some(LevelDbov(level)),
                    payload,
                    arrival: now,
                };
                self.mixer.push_packet(LegKey(leg), packet);
            }
            match &mut self.probe {
                Some(probe) => self.mixer.tick_with(probe, now, |_, _| ()),
                None => self.mixer.tick(now, |_, _| ()),
            }
            self.tick += 1;
        }
    }
}

/// What a participant of a conference of so many takes when so many of them have talked for 25 s, in bytes, beside the probe if there is one.
fn per_participant(probe: Option<Probe>, legs: u64, talking: u64) -> i64 {
    let mut conference = Conference { probe, ..Conference::new() };
    let before = bytes();
    for leg in 0..legs {
        conference.add(leg);
    }
    conference.run(25.0, 0..legs, talking);
    (bytes() - before) / legs as i64
}

#[test]
fn a_participant_takes_little() {
    for (legs, talking, most) in [
        (4, 0, 49_000),
        (4, 1, 86_000),
        (4, 2, 121_000),
        (4, 4, 166_000),
        (1000, 0, 13_000),
        (1000, 4, 13_000),
    ] {
        let each = per_participant(None, legs, talking);
        assert!(each <= most, "{each} bytes for each of {legs}, {talking} talking");
    }
}

#[test]
fn with_a_probe_in_common_nobody_who_is_silent_takes_a_decoder() {
    for (legs, talking, most) in [(4, 0, 21_500), (4, 1, 58_500), (4, 4, 166_000), (1000, 0, 13_000)] {
        let each = per_participant(Some(Probe::new().unwrap()), legs, talking);
        assert!(each <= most, "{each} bytes for each of {legs}, {talking} talking");
    }
}

#[test]
fn what_many_talkers_needed_is_given_back_when_few_talk() {
    let before = bytes();
    let mut conference = Conference::new();
    for leg in 0..4 {
        conference.add(leg);
    }
    conference.run(3.0, 0..4, 4);
    let many = bytes() - before;
    conference.run(21.0, 0..4, 1);
    let few = bytes() - before;
    // Three decoders and three encoders.
    assert!(few < many - 3 * 100_000, "{many} bytes, then {few}");
    // Others come to talk again.
    conference.run(3.0, 0..4, 4);
    assert_eq!(bytes() - before, many);
}

#[test]
fn ten_thousand_joins_and_leaves_leave_nothing_behind() {
    let mut conference = Conference::new();
    let empty = bytes();
    conference.add(0);
    let mut after_some = 0;
    for round in 0..10_000 {
        let leg = round + 1;
        conference.add(leg);
        conference.run(if round % 500 == 0 { 0.2 } else { 0.02 }, leg..leg + 1, 1);
        conference.remove(leg);
        if round == 1000 {
            after_some = bytes();
        }
    }
    assert!(
        bytes() <= after_some,
        "{} bytes after 1,000, {} after 10,000",
        after_some - empty,
        bytes() - empty
    );
    conference.remove(0);
    assert_eq!(bytes(), empty, "all is given back with the last");
}
