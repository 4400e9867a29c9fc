//! Sounds that are played to all or to one, and the mix as a sink takes it.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use std::sync::{Arc, Mutex};

use common::{Caller, db, run, tone};
use confocal_mixer::{
    Audience, Clip, Decoder, FRAME_SAMPLES, LegKey, MAX_PACKET_SAMPLES, Mixer, MixerConfig, PlayError, Sink,
    SpeakerKey,
};

/// So many legs, of which the first say a tone of their own.
fn conference(legs: u64, talking: u64) -> (Mixer, Vec<Caller>) {
    let mut mixer = Mixer::new(MixerConfig::default());
    for leg in 0..legs {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
    }
    let hz = |leg| (leg < talking).then_some(437.0 + 194.0 * leg as f64);
    (mixer, (0..legs).map(|leg| Caller::new(leg, hz(leg))).collect())
}

/// Some seconds of a tone of 1013 Hz, as from a file.
fn prompt(seconds: usize) -> Clip {
    let samples: Vec<i16> = (0..seconds as u32 * 50).flat_map(|frame| tone(1013.0, 4000.0, frame)).collect();
    Clip::once(Arc::from(samples))
}

fn prompt_db(caller: &Caller, from: usize) -> f64 {
    db(common::amplitude(&caller.heard[from..from + 48_000], 1013.0) / 4000.0)
}

/// The largest step of the slope from one sample to the next: a click is one.
fn roughness(samples: &[i16]) -> i32 {
    let bend = |three: &[i16]| i32::from(three[0]) - 2 * i32::from(three[1]) + i32::from(three[2]);
    samples.windows(3).map(|three| bend(three).abs()).max().unwrap()
}

#[test]
fn a_sound_for_all_is_heard_by_all_and_takes_no_encoding() {
    let (mut mixer, mut callers) = conference(4, 1);
    // Beyond the first second, in which who speaks is sent silence too.
    run(&mut mixer, &mut callers, 0..61, |_, _| false);
    let before = mixer.encodings();
    let sound = mixer.play(Audience::All, Box::new(prompt(2))).unwrap();
    run(&mut mixer, &mut callers, 61..100, |_, _| false);
    assert_eq!((before, mixer.encodings()), (1, 2), "who speaks heard silence before");
    assert!(mixer.is_playing(sound));
    run(&mut mixer, &mut callers, 100..165, |_, _| false);
    assert!(!mixer.is_playing(sound));
    for caller in &callers {
        let from = caller.heard.len() - 100 * FRAME_SAMPLES;
        assert!(prompt_db(caller, from).abs() < 1.5, "{:?}", caller.leg);
    }
}

#[test]
fn a_sound_for_one_is_heard_by_that_one_alone_beside_all_else() {
    for (leg, talking) in [(3, 1), (0, 1), (1, 2)] {
        let (mut mixer, mut callers) = conference(4, talking);
        run(&mut mixer, &mut callers, 0..60, |_, _| false);
        let clip = Box::new(prompt(3));
        mixer.play(Audience::Leg(LegKey(leg)), clip).unwrap();
        callers.iter_mut().for_each(|caller| caller.heard.clear());
        run(&mut mixer, &mut callers, 60..180, |_, _| false);
        for caller in &callers {
            if caller.heard.len() < 100 * FRAME_SAMPLES {
                assert!(caller.leg != LegKey(leg), "it is not sent to");
                continue;
            }
            let level = prompt_db(caller, 48_000);
            let hears = caller.leg == LegKey(leg);
            assert!(if hears { level.abs() < 1.5 } else { level < -40.0 }, "{:?}: {level:.1} dB", caller.leg);
        }
        let talker = if leg == 0 { 631.0 } else { 437.0 };
        let level = db(callers[leg as usize].hears(talker, 500) / 8000.0);
        let expected = leg != 0;
        assert!(if expected { level.abs() < 1.5 } else { level < -40.0 }, "leg {leg} hears at {level:.1} dB");
    }
}

#[test]
fn coming_to_a_sound_of_ones_own_and_back_makes_no_click() {
    let hears = |plays: bool| {
        let (mut mixer, mut callers) = conference(3, 1);
        run(&mut mixer, &mut callers, 0..60, |_, _| false);
        if plays {
            // Silence, so that all that could be heard of it is the change of streams.
            let clip = Clip::once(Arc::from(vec![0; 48_000]));
            mixer.play(Audience::Leg(LegKey(1)), Box::new(clip)).unwrap();
        }
        run(&mut mixer, &mut callers, 60..61, |_, _| false);
        assert_eq!(mixer.encodings(), 1 + usize::from(plays));
        run(&mut mixer, &mut callers, 61..300, |_, _| false);
        assert_eq!(mixer.encodings(), 1, "together again");
        callers.swap_remove(1).heard
    };
    let (reference, played) = (hears(false), hears(true));
    assert_eq!(reference.len(), played.len());
    let changes = (0..reference.len() / FRAME_SAMPLES).find(|tick| {
        reference[tick * FRAME_SAMPLES..][..FRAME_SAMPLES] != played[tick * FRAME_SAMPLES..][..FRAME_SAMPLES]
    });
    // The same sound is encoded from the same state, so that even the way back is to the bit.
    assert_eq!(changes, None);
    assert!(roughness(&played[48_000..]) < 200);
}

#[test]
fn a_sound_that_is_stopped_dies_away_at_once() {
    let (mut mixer, mut callers) = conference(2, 0);
    let sound = mixer
        .play(Audience::All, Box::new(Clip::repeated(Arc::from(tone(1000.0, 4000.0, 0).to_vec()))))
        .unwrap();
    run(&mut mixer, &mut callers, 0..100, |_, _| false);
    assert!(mixer.is_playing(sound));
    mixer.stop_playing(sound);
    callers[1].heard.clear();
    run(&mut mixer, &mut callers, 100..110, |_, _| false);
    assert!(!mixer.is_playing(sound));
    let heard = &callers[1].heard;
    assert!(heard[3 * FRAME_SAMPLES..].iter().all(|sample| sample.abs() < 5));
    assert!(heard[..FRAME_SAMPLES].iter().any(|sample| sample.abs() > 3000) && roughness(heard) < 300);
}

#[test]
fn so_many_sounds_are_played_and_no_more() {
    let (mut mixer, mut callers) = conference(2, 0);
    assert_eq!(mixer.play(Audience::Leg(LegKey(7)), Box::new(prompt(1))), Err(PlayError::NoSuchLeg));
    let mut sounds = Vec::new();
    for _ in 0..8 {
        sounds.push(mixer.play(Audience::Leg(LegKey(1)), Box::new(prompt(1))).unwrap());
    }
    assert_eq!(mixer.play(Audience::All, Box::new(prompt(1))), Err(PlayError::TooMany));
    run(&mut mixer, &mut callers, 0..52, |_, _| false);
    assert!(sounds.iter().all(|&sound| !mixer.is_playing(sound)));
    mixer.play(Audience::Leg(LegKey(1)), Box::new(prompt(1))).unwrap();
    mixer.remove_leg(LegKey(1));
    mixer.play(Audience::All, Box::new(Clip::join_tone())).unwrap();
}

/// Keeps what it is given.
#[derive(Debug, Default)]
struct Kept(Arc<Mutex<Vec<Option<Vec<u8>>>>>);

impl Sink for Kept {
    fn take(&mut self, packet: Option<&[u8]>) {
        self.0.lock().unwrap().push(packet.map(<[u8]>::to_vec));
    }
}

#[test]
fn a_sink_takes_the_voices_of_all_in_every_tick() {
    let (mut mixer, mut callers) = conference(2, 2);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let sink = mixer.record(Box::new(Kept(Arc::clone(&kept)))).unwrap();
    run(&mut mixer, &mut callers, 0..150, |_, _| false);
    mixer.play(Audience::All, Box::new(prompt(2))).unwrap();
    run(&mut mixer, &mut callers, 150..250, |_, _| false);
    assert_eq!(mixer.encodings(), 3, "one for each who speaks, and one for the sink");
    assert!(mixer.stop_recording(sink).is_some() && mixer.stop_recording(sink).is_none());
    run(&mut mixer, &mut callers, 250..260, |_, _| false);
    assert_eq!(mixer.encodings(), 2);

    let kept = kept.lock().unwrap();
    assert_eq!(kept.len(), 250);
    let mut decoder = Decoder::new().unwrap();
    let mut room = [0; MAX_PACKET_SAMPLES];
    let mut heard = Vec::new();
    for packet in kept.iter().flatten() {
        decoder.decode(packet, &mut room).unwrap();
        heard.extend_from_slice(&room[..FRAME_SAMPLES]);
    }
    for hz in [437.0, 631.0] {
        let level = db(common::amplitude(&heard[24_000..], hz) / 8000.0);
        assert!(level.abs() < 1.5, "{hz} Hz at {level:.1} dB");
    }
    assert!(db(common::amplitude(&heard[heard.len() - 72_000..], 1013.0) / 4000.0).abs() < 1.5);
}

#[test]
fn a_sink_costs_nothing_where_someone_only_listens_and_is_told_of_silence() {
    let (mut mixer, mut callers) = conference(3, 1);
    run(&mut mixer, &mut callers, 0..60, |_, _| false);
    let before = mixer.encodings();
    let kept = Arc::new(Mutex::new(Vec::new()));
    mixer.record(Box::new(Kept(Arc::clone(&kept)))).unwrap();
    run(&mut mixer, &mut callers, 60..100, |_, _| false);
    assert_eq!(mixer.encodings(), before);
    run(&mut mixer, &mut callers, 100..250, |_, _| true);
    // When the last leg leaves, it is told of silence on.
    for leg in 0..3 {
        mixer.remove_leg(LegKey(leg));
    }
    run(&mut mixer, &mut [], 250..300, |_, _| true);
    let kept = kept.lock().unwrap();
    assert_eq!(kept.len(), 240);
    assert!(kept[..40].iter().all(Option::is_some));
    assert!(kept[150..].iter().filter(|packet| packet.is_some()).count() <= 6, "lasting silence");
}
