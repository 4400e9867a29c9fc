//! Who is heard when more speak than are mixed, and what they claim about it.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use common::{Caller, db, every_10_ms, run};
use confocal_mixer::{
    EncodedFrame, Encoder, EncoderSettings, FRAME_SAMPLES, LegKey, LevelDbov, MAX_PAYLOAD_BYTES, Micros,
    Mixer, MixerConfig, Probe, RtpAudio, SpeakerKey,
};

/// Callers who each send a tone of their own at these amplitudes, then one who only listens, in one conference.
fn conference(amplitudes: &[f64]) -> (Mixer, Vec<Caller>) {
    let mut mixer = Mixer::new(MixerConfig::default());
    let mut callers = Vec::new();
    for (leg, &amplitude) in (0..).zip(amplitudes) {
        let mut caller = Caller::new(leg, Some(hz(leg)));
        caller.amplitude = amplitude;
        callers.push(caller);
    }
    callers.push(Caller::new(amplitudes.len() as u64, None));
    for caller in &callers {
        mixer.add_leg(caller.leg, SpeakerKey(caller.leg.0)).unwrap();
    }
    (mixer, callers)
}

fn hz(leg: u64) -> f64 {
    300.0 + 100.0 * (leg % 30) as f64
}

/// Whom the last caller heard in the last second, and how loud against what was sent, in dB.
fn heard(callers: &[Caller]) -> Vec<(u64, f64)> {
    let listener = callers.last().unwrap();
    let from = listener.heard.len() / 48 - 1000;
    let level = |caller: &Caller| db(listener.hears(hz(caller.leg.0), from) / caller.amplitude.max(500.0));
    callers.iter().map(|caller| (caller.leg.0, level(caller))).filter(|&(_, level)| level > -12.0).collect()
}

fn who(callers: &[Caller]) -> Vec<u64> {
    heard(callers).into_iter().map(|(leg, _)| leg).collect()
}

#[test]
fn the_loudest_four_are_heard_in_whatever_order_they_came() {
    let (mut mixer, mut callers) = conference(&[700.0, 4000.0, 600.0, 3500.0, 5000.0, 4500.0]);
    run(&mut mixer, &mut callers, 0..150, |_, _| false);
    assert_eq!(who(&callers), [1, 3, 4, 5], "{:?}", heard(&callers));
    // When one falls silent, the next is heard.
    run(&mut mixer, &mut callers, 150..300, |leg, _| leg == LegKey(4));
    assert_eq!(who(&callers), [0, 1, 3, 5], "{:?}", heard(&callers));
}

#[test]
fn two_who_are_as_loud_do_not_take_turns() {
    let (mut mixer, mut callers) = conference(&[4000.0, 4000.0, 4000.0, 4000.0, 5000.0, 5000.0]);
    run(&mut mixer, &mut callers, 0..50, |_, _| false);
    let before = who(&callers);
    run(&mut mixer, &mut callers, 50..300, |_, _| false);
    assert_eq!((who(&callers), before.len()), (before, 4));
}

#[test]
fn who_lies_about_its_level_is_heard_or_not_as_it_should_be() {
    let (mut mixer, mut callers) = conference(&[1000.0, 1200.0, 1100.0, 450.0, 0.0, 5000.0]);
    for (caller, claim) in callers.iter_mut().zip([-33, -31, -32, -40, 0, -127]) {
        caller.claim = Some(claim);
    }
    run(&mut mixer, &mut callers, 0..100, |_, _| false);
    assert_eq!(who(&callers), [0, 1, 2, 5], "{:?}", heard(&callers));
}

#[test]
fn who_claims_nothing_is_found_among_many_who_are_silent() {
    let mut amplitudes = vec![0.0; 150];
    amplitudes[140] = 3000.0;
    let (mut mixer, mut callers) = conference(&amplitudes);
    // Two of three claim, and truly.
    for caller in callers.iter_mut().filter(|caller| caller.leg.0 % 3 > 0 && caller.leg.0 != 140) {
        caller.claim = Some(-127);
    }
    run(&mut mixer, &mut callers, 0..50, |leg, _| leg == LegKey(140));
    run(&mut mixer, &mut callers, 50..100, |_, _| false);
    let listener = callers.last().unwrap();
    let heard = every_10_ms(&listener.heard, hz(140));
    let began = heard.iter().position(|&amplitude| amplitude > 1500.0).unwrap();
    assert!(began < 200, "heard {} ms after it began", began as i64 * 10 - 1000);
}

#[test]
fn who_was_as_quiet_as_it_claimed_is_heard_at_once_when_it_says_that_it_talks_and_else_within_a_second() {
    for (claim, unheard_ms) in [(-20, 40), (-127, 1100)] {
        let (mut mixer, mut callers) = conference(&[20.0]);
        callers[0].claim = Some(-127);
        run(&mut mixer, &mut callers, 0..150, |_, _| false);
        (callers[0].amplitude, callers[0].claim) = (5000.0, Some(claim));
        run(&mut mixer, &mut callers, 150..300, |_, _| false);
        let loud = |amplitude: &&f64| **amplitude > 2500.0;
        let loud_ms = every_10_ms(&callers[1].heard, hz(0)).iter().filter(loud).count() * 10;
        // The last of it waits to be played.
        assert!(
            loud_ms + unheard_ms + 100 >= 3000,
            "claiming {claim} dBov it is heard for {loud_ms} of 3000 ms"
        );
    }
}

#[test]
fn one_who_claims_nothing_is_found_at_once_among_a_thousand() {
    found_among_a_thousand(None);
    found_among_a_thousand(Some(Probe::new().unwrap()));
}

fn found_among_a_thousand(mut probe: Option<Probe>) {
    let mut mixer = Mixer::new(MixerConfig::default());
    for leg in 0..1000 {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
    }
    // All send; of a hundred nothing is known by their own claims, and one of those talks from tick 300 on.
    let mut silence = Encoder::new(&EncoderSettings::default()).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let mut talker = Caller::new(555, Some(hz(555)));
    let mut listener = Caller::new(0, None);
    for tick in 0..350_u64 {
        let now = Micros::from_millis(tick * 20);
        let bytes = silence.encode(&[0; FRAME_SAMPLES], &mut payload).unwrap();
        for leg in (1..1000).filter(|&leg| leg != 555 || tick < 300) {
            let packet = RtpAudio {
                sequence: tick as u16,
                timestamp: tick as u32 * 960,
                marker: false,
                level: (leg % 10 != 5).then_some(LevelDbov::SILENCE),
                payload: &payload[..bytes],
                arrival: now,
            };
            mixer.push_packet(LegKey(leg), packet);
        }
        talker.send(&mut mixer, now, tick < 300);
        if tick == 300 {
            listener.heard.clear();
        }
        let hear = |leg, frame: EncodedFrame<'_>| {
            if leg == LegKey(0) {
                listener.hear(frame.payload);
            }
        };
        match &mut probe {
            Some(probe) => mixer.tick_with(probe, now, hear),
            None => mixer.tick(now, hear),
        }
    }
    // In silence it is not sent to in every tick, so it is counted from the end.
    let heard = every_10_ms(&listener.heard, hz(555));
    let loud = heard.iter().filter(|&&amplitude| amplitude > 4000.0).count() as i64 * 10;
    assert!(loud > 850, "of a second {loud} ms are heard");
}

#[test]
fn many_who_claim_to_be_loud_do_not_keep_out_one_who_claims_nothing() {
    let mut amplitudes = vec![1000.0; 11];
    amplitudes[10] = 5000.0;
    let (mut mixer, mut callers) = conference(&amplitudes);
    for caller in &mut callers[..10] {
        caller.claim = Some(-33);
    }
    run(&mut mixer, &mut callers, 0..100, |leg, tick| leg == LegKey(10) && tick < 40);
    let heard = every_10_ms(&callers.last().unwrap().heard, hz(10));
    let began = heard.iter().position(|&amplitude| amplitude > 2500.0).unwrap();
    assert!(began < 105, "heard {} ms after it began", began as i64 * 10 - 800);
}

/// For how long a burst of 300 ms by leg 4 is heard, ms, and after how long it begins, while others talk at this amplitude.
fn burst(claim: Option<i8>, others: f64) -> (usize, i64) {
    let (mut mixer, mut callers) = conference(&[others, others, others, others, 9000.0]);
    callers[4].claim = claim;
    let silent =
        |leg, tick| leg == LegKey(4) && !(100..115).contains(&tick) || others == 0.0 && leg != LegKey(4);
    run(&mut mixer, &mut callers, 0..165, silent);
    let listener = callers.last().unwrap();
    // In lasting silence there is not a frame in every tick: it is counted from the end.
    let heard = every_10_ms(&listener.heard, hz(4));
    let loud = |amplitude: &&f64| **amplitude > 4500.0;
    let begins = heard.iter().position(|amplitude| loud(&amplitude)).unwrap() as i64;
    (heard.iter().filter(loud).count() * 10, if others > 0.0 { begins * 10 - 2000 } else { 0 })
}

#[test]
fn the_first_syllable_of_one_who_takes_a_place_is_whole() {
    for claim in [None, Some(-14), Some(-127)] {
        let (alone, _) = burst(claim, 0.0);
        let (long, after) = burst(claim, 1000.0);
        assert_eq!(long, alone, "ms are heard, with {claim:?}");
        assert!((40..=160).contains(&after), "{after} ms after it began, with {claim:?}");
    }
}

#[test]
fn the_delay_of_a_late_beginning_is_paid_back_in_a_pause() {
    // The last is sampled now and then, so the first look at the one before comes at once, when next to nothing of it is there.
    let (mut mixer, mut callers) = conference(&[1000.0, 1200.0, 1100.0, 900.0, 9000.0, 300.0]);
    run(&mut mixer, &mut callers, 0..100, |leg, _| leg == LegKey(4));
    run(&mut mixer, &mut callers, 100..150, |_, _| false);
    let waiting = mixer.stats(LegKey(4)).unwrap().buffered_ms;
    callers[4].amplitude = 0.0;
    run(&mut mixer, &mut callers, 150..180, |_, _| false);
    let stats = mixer.stats(LegKey(4)).unwrap();
    assert!(waiting >= 80, "{waiting} ms: it was found late");
    assert!(stats.buffered_ms <= 40 && stats.concealed == 0, "{stats:?}");
}

#[test]
fn the_noise_of_a_quiet_room_is_not_heard_and_who_whispers_is() {
    // A sine of these amplitudes has −60 and −50 dBov: one of full scale has −3.
    const AMPLITUDES: [f64; 2] = [46.0, 146.0];
    let (mut mixer, mut callers) = conference(&AMPLITUDES);
    // Who comes in is heard until it is known that there is nothing to hear.
    run(&mut mixer, &mut callers, 0..200, |_, _| false);
    let listener = callers.last().unwrap();
    let from = listener.heard.len() / 48 - 1000;
    let [noise, whisper] = [0, 1].map(|leg| db(listener.hears(hz(leg), from) / AMPLITUDES[leg as usize]));
    assert!(noise < -12.0, "{noise:.1} dB");
    assert!(whisper > -3.0, "{whisper:.1} dB");
}
