use proptest::prelude::*;

use super::*;

fn frame(value: i16) -> Frame {
    [value; FRAME_SAMPLES]
}

fn heard_by(bus: &MixBus, listener: u64) -> (bool, i32) {
    let mut mix = [i32::MAX; FRAME_SAMPLES];
    let audible = bus.mix_for(SpeakerKey(listener), &mut mix);
    assert!(mix.iter().all(|&sample| sample == mix[0]));
    (audible, mix[0])
}

#[test]
fn nothing_is_clamped_before_the_subtraction() {
    let mut bus = MixBus::new();
    for speaker in 0..3 {
        bus.add(SpeakerKey(speaker));
    }
    bus.contribute(SpeakerKey(0), &frame(30_000));
    bus.contribute(SpeakerKey(1), &frame(30_000));
    assert_eq!(heard_by(&bus, 0), (true, 30_000));
    assert_eq!(heard_by(&bus, 2), (true, 60_000));
    assert_eq!(heard_by(&bus, 77), (true, 60_000), "a listener who is no speaker hears all");
}

#[test]
fn all_legs_of_a_speaker_are_taken_out() {
    let mut bus = MixBus::new();
    bus.add(SpeakerKey(0));
    bus.add(SpeakerKey(0));
    bus.add(SpeakerKey(1));
    bus.contribute(SpeakerKey(0), &frame(100));
    bus.contribute(SpeakerKey(0), &frame(10));
    assert_eq!(heard_by(&bus, 0), (false, 0));
    assert_eq!(heard_by(&bus, 1), (true, 110));
    bus.remove(SpeakerKey(0));
    assert_eq!(heard_by(&bus, 1), (true, 110), "one leg is left");
    bus.remove(SpeakerKey(0));
    assert_eq!(heard_by(&bus, 1), (false, 0));
}

#[test]
fn no_more_have_a_voice_than_may_and_who_goes_takes_only_their_own() {
    let mut bus = MixBus::with_voices(3);
    for speaker in 0..5 {
        bus.add(SpeakerKey(speaker));
    }
    for (speaker, value) in [(4, 1), (0, 10), (2, 100), (3, 1000)] {
        bus.contribute(SpeakerKey(speaker), &frame(value));
    }
    assert_eq!(heard_by(&bus, 1), (true, 111), "the fourth is not heard");
    bus.remove(SpeakerKey(4));
    assert_eq!([0, 1, 2, 3].map(|listener| heard_by(&bus, listener).1), [100, 110, 10, 110]);
    bus.contribute(SpeakerKey(3), &frame(1000));
    assert_eq!([0, 1, 2, 3].map(|listener| heard_by(&bus, listener).1), [1100, 1110, 1010, 110]);
}

#[test]
fn as_many_have_a_voice_as_may_by_now_and_who_has_one_keeps_it() {
    let mut bus = MixBus::with_voices(0);
    for speaker in 0..3 {
        bus.add(SpeakerKey(speaker));
    }
    let say = |bus: &mut MixBus| {
        bus.clear();
        for (speaker, value) in [(0, 1), (1, 10), (2, 100)] {
            bus.contribute(SpeakerKey(speaker), &frame(value));
        }
        heard_by(bus, 77).1
    };
    let heard = [0, 1, 3, 2].map(|voices| {
        bus.clear();
        bus.set_voices(voices);
        say(&mut bus)
    });
    assert_eq!(heard, [0, 1, 111, 11]);
    bus.set_voices(0);
    assert_eq!([0, 1, 2].map(|listener| heard_by(&bus, listener).1), [10, 1, 11]);
    bus.remove(SpeakerKey(1));
    assert_eq!(heard_by(&bus, 77).1, 1);
    bus.clear();
    bus.set_voices(0);
    assert_eq!(say(&mut bus), 0);
}

#[test]
fn what_is_for_all_is_heard_by_those_too_who_speak() {
    let mut bus = MixBus::new();
    bus.add(SpeakerKey(0));
    bus.contribute_to_all(&frame(7));
    assert_eq!((heard_by(&bus, 0), heard_by(&bus, 1)), ((true, 7), (true, 7)));
    bus.contribute(SpeakerKey(0), &frame(100));
    assert_eq!((heard_by(&bus, 0), heard_by(&bus, 1)), ((true, 7), (true, 107)));
    bus.clear();
    assert_eq!((heard_by(&bus, 0), heard_by(&bus, 1)), ((false, 0), (false, 0)));
}

#[test]
fn a_cleared_bus_is_silent() {
    let mut bus = MixBus::new();
    bus.add(SpeakerKey(0));
    bus.contribute(SpeakerKey(0), &frame(5));
    bus.clear();
    assert_eq!(heard_by(&bus, 1), (false, 0));
    bus.contribute(SpeakerKey(0), &frame(7));
    assert_eq!(heard_by(&bus, 1), (true, 7), "nothing is left of the tick before");
}

proptest! {
    /// Against the definition: the sum of what all others say, in whatever order it is added.
    #[test]
    fn each_hears_the_sum_of_the_others(
        voices in prop::collection::vec((0_u64..6, any::<i16>()), 0..40),
        seed in any::<u64>(),
    ) {
        let mut bus = MixBus::new();
        let mut shuffled = voices.clone();
        shuffled.sort_by_key(|&(speaker, value)| (speaker ^ seed).wrapping_mul(value as u64 | 1));
        for &(speaker, _) in &voices {
            bus.add(SpeakerKey(speaker));
        }
        for &(speaker, value) in &shuffled {
            bus.contribute(SpeakerKey(speaker), &frame(value));
        }
        for listener in 0..7 {
            let others: Vec<_> = voices.iter().filter(|voice| voice.0 != listener).collect();
            let sum = others.iter().map(|voice| i32::from(voice.1)).sum();
            prop_assert_eq!(heard_by(&bus, listener), (!others.is_empty(), sum));
        }
    }
}
