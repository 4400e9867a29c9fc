//! Whole conferences through real Opus: who hears whom, and how loud.

mod common;

use common::{Caller, db, run};
use confocal_mixer::{
    AddLegError, Bandwidth, EncoderSettings, LegKey, LevelDbov, Micros, Mixer, MixerConfig, RtpAudio, Signal,
    SpeakerKey,
};

const TONES: [f64; 3] = [437.0, 631.0, 1013.0];
const SENT: f64 = 8000.0;

/// Adds a leg for each caller; the n-th belongs to the n-th speaker.
fn mixer(config: MixerConfig, speakers: &[u64]) -> Mixer {
    let mut mixer = Mixer::new(config);
    for (leg, &speaker) in (0..).zip(speakers) {
        mixer.add_leg(LegKey(leg), SpeakerKey(speaker)).expect("a new leg");
    }
    mixer
}

/// So fine that the noise of the codec between the tones is below what is measured.
const FINE: EncoderSettings = EncoderSettings {
    bitrate: 510_000,
    complexity: 10,
    inband_fec: false,
    expected_loss_percent: 0,
    bandwidth: Bandwidth::Full,
    signal: Signal::Unknown,
};

fn fine() -> MixerConfig {
    MixerConfig { encoder: FINE, ..MixerConfig::default() }
}

fn callers() -> Vec<Caller> {
    (0..).zip(TONES).map(|(leg, hz)| Caller::with_profile(leg, Some(hz), &FINE)).collect()
}

#[test]
fn each_hears_the_others_and_not_itself() {
    let mut mixer = mixer(fine(), &[0, 1, 2]);
    let mut callers = callers();
    callers.push(Caller::new(3, None));
    mixer.add_leg(LegKey(3), SpeakerKey(3)).unwrap();
    run(&mut mixer, &mut callers, 0..150, |_, _| false);

    for (n, caller) in callers.iter().enumerate() {
        for (m, hz) in TONES.into_iter().enumerate() {
            let level = db(caller.hears(hz, 500) / SENT);
            if n == m {
                assert!(level < -70.0, "{n} hears itself at {level:.1} dB");
            } else {
                assert!(level.abs() < 1.5, "{n} hears {m} at {level:.2} dB");
            }
        }
    }
    for measure in mixer.levels().take(3) {
        // A sine of 8000 is 15.3 dB below one of full scale, which is −3 dBov.
        assert!(measure.speaking && (-17..=-14).contains(&measure.level.0), "{measure:?}");
    }
    let silent = mixer.levels().nth(3).unwrap();
    assert!(!silent.speaking && silent.level == LevelDbov::SILENCE);
    for leg in 0..3 {
        let stats = mixer.stats(LegKey(leg)).unwrap();
        assert_eq!((stats.received, stats.late, stats.lost, stats.concealed), (150, 0, 0, 0), "{stats:?}");
    }
}

/// The bytes that each leg is sent, when leg 0 says `own`.
fn sent_to_each(own: Option<f64>) -> [Vec<Vec<u8>>; 2] {
    let mut mixer = mixer(MixerConfig::default(), &[0, 1, 2]);
    let mut callers = [own, Some(TONES[1]), Some(TONES[2])];
    let mut callers: Vec<_> = (0..).zip(&mut callers).map(|(leg, hz)| Caller::new(leg, hz.take())).collect();
    let mut sent = [Vec::new(), Vec::new()];
    for tick in 0..100 {
        let now = Micros::from_millis(tick * 20);
        for caller in &mut callers {
            caller.send(&mut mixer, now, false);
        }
        mixer.tick(now, |leg, frame| {
            if let Some(sent) = sent.get_mut(leg.0 as usize) {
                sent.push(frame.payload.to_vec());
            }
        });
    }
    sent
}

#[test]
fn what_one_hears_does_not_depend_on_what_one_says() {
    let [silent, speaking] = [sent_to_each(None), sent_to_each(Some(TONES[0]))];
    assert_eq!(silent[0].len(), 100);
    assert!(silent[0] == speaking[0], "to the last bit");
    assert!(silent[1] != speaking[1], "while others hear it");
}

#[test]
fn two_legs_of_one_speaker_do_not_hear_one_another() {
    let mut mixer = mixer(fine(), &[7, 7, 8]);
    let mut callers = callers();
    run(&mut mixer, &mut callers, 0..150, |_, _| false);
    for leg in [0, 1] {
        assert!(db(callers[leg].hears(TONES[0], 500) / SENT) < -70.0);
        assert!(db(callers[leg].hears(TONES[1], 500) / SENT) < -70.0);
        assert!(db(callers[leg].hears(TONES[2], 500) / SENT).abs() < 1.5);
    }
    assert!(db(callers[2].hears(TONES[0], 500) / SENT).abs() < 1.5);
    assert!(db(callers[2].hears(TONES[1], 500) / SENT).abs() < 1.5);
}

#[test]
fn one_packet_in_twenty_lost_does_not_change_the_level() {
    for profile in [
        EncoderSettings { bitrate: 48_000, ..EncoderSettings::default() },
        EncoderSettings { inband_fec: true, expected_loss_percent: 10, ..EncoderSettings::default() },
    ] {
        let mut mixer = mixer(MixerConfig::default(), &[0, 1]);
        let mut callers =
            vec![Caller::with_profile(0, Some(TONES[0]), &profile), Caller::with_profile(1, None, &profile)];
        // A multiplicative sequence: scattered losses, the same in every run.
        run(&mut mixer, &mut callers, 0..500, |_, tick| (1..480).contains(&tick) && tick * 7919 % 101 < 5);
        let level = db(callers[1].hears(TONES[0], 500) / SENT);
        assert!(level.abs() < 2.0, "{level:.2} dB with {profile:?}");
        let stats = mixer.stats(LegKey(0)).unwrap();
        assert!(
            stats.lost > 15 && stats.lost == 500 - stats.received && stats.concealed == stats.lost,
            "{stats:?}"
        );
    }
}

#[test]
fn packets_of_any_usual_length_are_heard_and_their_losses_too() {
    for ticks in [0, 1, 2, 3] {
        for loses in [false, true] {
            let mut mixer = mixer(MixerConfig::default(), &[0, 1]);
            let mut callers = vec![Caller::new(0, Some(TONES[0])), Caller::new(1, None)];
            callers[0].ticks = ticks;
            run(&mut mixer, &mut callers, 0..500, |_, tick| {
                loses && (1..480).contains(&tick) && tick * 7919 % 101 < 5
            });
            let level = db(callers[1].hears(TONES[0], 500) / SENT);
            assert!(level.abs() < 2.0, "{level:.2} dB with packets of {ticks} ticks, {loses}");
            let stats = mixer.stats(LegKey(0)).unwrap();
            assert!(
                if loses { stats.lost > 5 } else { (stats.lost, stats.concealed) == (0, 0) },
                "{stats:?}"
            );
        }
    }
}

#[test]
fn packets_may_change_their_length_and_are_heard_through_losses() {
    for loses in [false, true] {
        let mut mixer = mixer(MixerConfig::default(), &[0, 1]);
        let mut callers = vec![Caller::new(0, Some(TONES[0])), Caller::new(1, None)];
        // 20, 60, 10, 40 ms and so on, a second each: longer ones come with a delay that grows, shorter ones with less.
        for (second, ticks) in (0..12).zip([1, 3, 0, 2].into_iter().cycle()) {
            callers[0].ticks = ticks;
            run(&mut mixer, &mut callers, second * 50..second * 50 + 50, |_, tick| {
                loses && (60..580).contains(&tick) && tick * 7919 % 101 < 5
            });
        }
        let level = db(callers[1].hears(TONES[0], 500) / SENT);
        assert!(level.abs() < 2.0, "{level:.2} dB, {loses}");
        let stats = mixer.stats(LegKey(0)).unwrap();
        assert!(if loses { stats.lost > 5 } else { stats.lost == 0 }, "{stats:?}");
        assert_eq!((stats.malformed, stats.decode_errors), (0, 0));
    }
}

#[test]
fn a_leg_on_hold_is_not_heard_and_is_heard_again() {
    let mut mixer = mixer(MixerConfig::default(), &[0, 1]);
    let mut callers = vec![Caller::new(0, Some(TONES[0])), Caller::new(1, None)];
    mixer.set_receiving(LegKey(0), false);
    run(&mut mixer, &mut callers, 0..60, |_, _| false);
    assert!(callers[1].heard.iter().all(|&sample| sample.abs() < 5));
    assert_eq!(mixer.stats(LegKey(0)).unwrap().received, 0);
    mixer.set_receiving(LegKey(0), true);
    callers[1].heard.clear();
    run(&mut mixer, &mut callers, 60..160, |_, _| false);
    assert!(db(callers[1].hears(TONES[0], 500) / SENT).abs() < 1.5);
}

#[test]
fn a_muted_leg_is_measured_but_neither_heard_nor_speaking() {
    let mut mixer = mixer(MixerConfig::default(), &[0, 1]);
    let mut callers = vec![Caller::new(0, Some(TONES[0])), Caller::new(1, None)];
    run(&mut mixer, &mut callers, 0..60, |_, _| false);
    assert!(mixer.levels().next().unwrap().speaking);
    mixer.set_heard(LegKey(0), false);
    assert!(!mixer.levels().next().unwrap().speaking, "at once");
    callers[1].heard.clear();
    run(&mut mixer, &mut callers, 60..160, |_, _| false);
    // What the encoder held back, 6.5 ms, and the first 2.5 ms, dying away.
    assert!(callers[1].heard[2 * 960..].iter().all(|&sample| sample.abs() < 5));
    let measure = mixer.levels().next().unwrap();
    assert!(!measure.speaking && (-17..=-14).contains(&measure.level.0), "{measure:?}");
    let stats = mixer.stats(LegKey(0)).unwrap();
    assert_eq!((stats.received, stats.discarded), (160, 0), "its decoder goes on: {stats:?}");

    mixer.set_heard(LegKey(0), true);
    assert!(mixer.levels().next().unwrap().speaking);
    callers[1].heard.clear();
    run(&mut mixer, &mut callers, 160..220, |_, _| false);
    assert!(db(callers[1].hears(TONES[0], 100) / SENT).abs() < 1.5);
}

#[test]
fn a_muted_leg_takes_nobody_the_place_of_being_decoded() {
    let mut mixer = mixer(MixerConfig { hot_max: 2, ..fine() }, &[0, 1, 2, 3]);
    mixer.set_heard(LegKey(0), false);
    let mut callers = callers();
    callers.push(Caller::new(3, None));
    run(&mut mixer, &mut callers, 0..150, |_, _| false);
    for (hz, heard) in TONES.into_iter().zip([false, true, true]) {
        let level = db(callers[3].hears(hz, 500) / SENT);
        assert!(if heard { level.abs() < 1.5 } else { level < -70.0 }, "{hz} Hz at {level:.1} dB");
    }
}

#[test]
fn a_leg_that_is_not_sent_to_gets_nothing() {
    let mut mixer = mixer(MixerConfig::default(), &[0, 1]);
    mixer.set_sending(LegKey(1), false);
    let mut callers = vec![Caller::new(0, Some(TONES[0])), Caller::new(1, None)];
    run(&mut mixer, &mut callers, 0..80, |_, _| false);
    assert_eq!((callers[0].frames, callers[1].frames), (50 + 1, 0), "a second, then one in 400 ms");
    mixer.set_sending(LegKey(1), true);
    run(&mut mixer, &mut callers, 80..140, |_, _| false);
    assert_eq!(callers[1].frames, 60);
}

#[test]
fn misuse_is_named_and_the_unknown_ignored() {
    let mut mixer = Mixer::new(MixerConfig { legs_max: 1, ..MixerConfig::default() });
    assert!(mixer.is_idle());
    mixer.remove_leg(LegKey(5));
    let packet = RtpAudio {
        sequence: 0,
        timestamp: 0,
        marker: false,
        level: None,
        payload: &[0; 4],
        arrival: Micros(0),
    };
    mixer.push_packet(LegKey(5), packet);
    assert!(mixer.stats(LegKey(5)).is_none());
    mixer.add_leg(LegKey(5), SpeakerKey(5)).unwrap();
    assert!(!mixer.is_idle());
    assert!(matches!(mixer.add_leg(LegKey(5), SpeakerKey(6)), Err(AddLegError::AlreadyPresent)));
    assert!(matches!(mixer.add_leg(LegKey(6), SpeakerKey(6)), Err(AddLegError::Full)));
    mixer.remove_leg(LegKey(5));
    assert!(mixer.is_idle() && mixer.levels().next().is_none());

    let encoder = EncoderSettings { complexity: 11, ..EncoderSettings::default() };
    let mut mixer = Mixer::new(MixerConfig { encoder, ..MixerConfig::default() });
    assert!(matches!(mixer.add_leg(LegKey(5), SpeakerKey(5)), Err(AddLegError::Codec(_))));
    assert!(mixer.is_idle());
}

#[test]
fn when_too_many_speak_the_loudest_are_heard() {
    let config = MixerConfig { hot_max: 2, ..MixerConfig::default() };
    let mut mixer = mixer(config, &[0, 1, 2, 3]);
    let mut callers = callers();
    callers.push(Caller::new(3, None));
    // The third begins last, when the first two are known to be loud.
    run(&mut mixer, &mut callers, 0..200, |leg, tick| leg == LegKey(2) && tick < 10);
    for (hz, heard) in TONES.into_iter().zip([true, true, false]) {
        let level = db(callers[3].hears(hz, 500) / SENT);
        assert!(if heard { level.abs() < 1.5 } else { level < -50.0 }, "{hz} Hz at {level:.1} dB");
    }
    assert!(mixer.stats(LegKey(2)).unwrap().discarded > 150);
    // When one of the two falls silent, the third is heard.
    mixer.set_receiving(LegKey(0), false);
    callers[3].heard.clear();
    run(&mut mixer, &mut callers, 200..350, |_, _| false);
    assert!(db(callers[3].hears(TONES[2], 1500) / SENT).abs() < 1.5);
    assert!(db(callers[3].hears(TONES[1], 1500) / SENT).abs() < 1.5);
}
