//! A conference in which nothing goes on: its ticks do next to nothing, and nobody hears a difference.

mod common;

use common::{Caller, run};
use confocal_mixer::{LegKey, Micros, Mixer, MixerConfig, SpeakerKey, TICK_MS};

/// A conference of four legs; the last has the speaker of the one before.
fn four() -> Mixer {
    let mut mixer = Mixer::new(MixerConfig::default());
    for (leg, speaker) in [(0, 0), (1, 1), (2, 2), (3, 2)] {
        mixer.add_leg(LegKey(leg), SpeakerKey(speaker)).expect("a new leg");
    }
    mixer
}

/// Ticks without packets: what was sent in each, and to whom.
fn silent(mixer: &mut Mixer, ticks: core::ops::Range<u64>, kept_awake: bool) -> Vec<(u64, LegKey, Vec<u8>)> {
    let mut sent = Vec::new();
    for tick in ticks {
        if kept_awake {
            mixer.set_heard(LegKey(0), true);
        }
        mixer.tick(Micros::from_millis(tick * u64::from(TICK_MS)), |leg, frame| {
            sent.push((tick, leg, frame.payload.to_vec()));
        });
    }
    sent
}

#[test]
fn a_conference_comes_to_rest_when_nobody_is_heard_any_more_and_is_woken_by_a_packet() {
    let mut mixer = four();
    assert!(!mixer.is_at_rest());
    silent(&mut mixer, 0..60, false);
    assert!(mixer.is_at_rest(), "newcomers have had their first second");
    let mut callers: Vec<Caller> = (0..4).map(|leg| Caller::new(leg, (leg == 1).then_some(700.0))).collect();
    for tick in 60..160 {
        run(&mut mixer, &mut callers, tick..tick + 1, |_, _| false);
        assert!(!mixer.is_at_rest(), "tick {tick}");
    }
    silent(&mut mixer, 160..400, false);
    assert!(mixer.is_at_rest());
    assert!(mixer.levels().all(|measure| measure.level.0 == -127 && !measure.speaking));
    for change in [
        |mixer: &mut Mixer| mixer.add_leg(LegKey(9), SpeakerKey(9)).expect("a new leg"),
        |mixer: &mut Mixer| mixer.remove_leg(LegKey(9)),
        |mixer: &mut Mixer| mixer.set_sending(LegKey(2), false),
        |mixer: &mut Mixer| mixer.set_receiving(LegKey(2), false),
    ] {
        silent(&mut mixer, 400..500, false);
        assert!(mixer.is_at_rest());
        change(&mut mixer);
        assert!(!mixer.is_at_rest());
    }
}

#[test]
fn what_is_sent_at_rest_is_what_would_be_sent_else() {
    let (mut resting, mut awake) = (four(), four());
    let talk = |mixer: &mut Mixer, ticks: core::ops::Range<u64>| {
        let mut callers: Vec<Caller> =
            (0..4).map(|leg| Caller::new(leg, (leg == 1).then_some(700.0))).collect();
        run(mixer, &mut callers, ticks, |_, _| false);
        callers.into_iter().map(|caller| caller.heard).collect::<Vec<_>>()
    };
    let mut rested = 0;
    for from in [0, 1_000, 2_000] {
        let talked = talk(&mut resting, from..from + 200);
        assert_eq!(talked, talk(&mut awake, from..from + 200), "what is said after a rest is heard alike");
        for tick in from + 200..from + 1_000 {
            rested += u64::from(resting.is_at_rest());
            let sent = silent(&mut resting, tick..tick + 1, false);
            assert_eq!(sent, silent(&mut awake, tick..tick + 1, true), "tick {tick}");
        }
    }
    assert!(rested > 1_000, "{rested}");
}
