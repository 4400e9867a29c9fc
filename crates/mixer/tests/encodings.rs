//! One encoding for all who hear the same: how many there are, and that nobody hears when theirs changes.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use common::{Caller, db, run};
use confocal_mixer::{
    Bandwidth, BitrateClass, Encoder, EncoderSettings, Frame, LegKey, MAX_PAYLOAD_BYTES, Micros, Mixer,
    MixerConfig, Profile, Protection, RtpAudio, SpeakerKey, TICK_MS,
};

fn mixer(legs: u64) -> Mixer {
    let mut mixer = Mixer::new(MixerConfig::default());
    for leg in 0..legs {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
    }
    mixer
}

#[test]
fn those_who_only_listen_share_one_encoding() {
    let mut mixer = mixer(30);
    let mut callers: Vec<_> =
        (0..30).map(|leg| Caller::new(leg, (leg < 3).then_some(400.0 + 170.0 * leg as f64))).collect();
    run(&mut mixer, &mut callers, 0..100, |_, _| false);
    assert_eq!(mixer.encodings(), 4, "three speakers, and all others");
    for caller in &callers[3..] {
        assert_eq!(caller.frames, 100);
        for speaker in 0..3 {
            let level = db(caller.hears(400.0 + 170.0 * f64::from(speaker), 500) / 8000.0);
            assert!(level.abs() < 2.0, "{:?} hears {speaker} at {level:.1} dB", caller.leg);
        }
    }
}

#[test]
fn each_profile_has_an_encoding_and_there_are_four_at_most() {
    let mut mixer = mixer(8);
    let mut callers: Vec<_> = (0..8).map(|leg| Caller::new(leg, (leg == 0).then_some(437.0))).collect();
    let lossy = Profile { protection: Protection::Lossy, ..Profile::default() };
    let thrifty = Profile { bitrate: BitrateClass::Thrifty, ..Profile::default() };
    let narrow = Profile { bandwidth: Bandwidth::Narrow, ..Profile::default() };
    for (leg, profile) in [(1, lossy), (2, lossy), (3, thrifty), (4, narrow)] {
        mixer.set_profile(LegKey(leg), profile).unwrap();
    }
    let payloads = |mixer: &mut Mixer, callers: &mut [Caller], ticks: core::ops::Range<u64>| {
        let mut last = vec![Vec::new(); 8];
        let mut bytes = [0; 8];
        for tick in ticks {
            let now = Micros::from_millis(tick * u64::from(TICK_MS));
            callers.iter_mut().for_each(|caller| caller.send(mixer, now, false));
            mixer.tick(now, |leg, frame| {
                bytes[leg.0 as usize] += frame.payload.len();
                last[leg.0 as usize] = frame.payload.to_vec();
            });
        }
        (last, bytes)
    };
    let (last, bytes) = payloads(&mut mixer, &mut callers, 0..100);
    assert_eq!(mixer.encodings(), 4, "the speaker hears silence");
    assert_eq!(last[1], last[2]);
    assert_eq!(last[5], last[6]);
    assert!(last[1] != last[5] && last[3] != last[5] && last[4] != last[5]);
    assert!(bytes[3] * 3 < bytes[5] * 2, "{bytes:?}");
    assert!(matches!(last[4][0] >> 3, 0..=3 | 16..=19), "narrowband, RFC 6716 table 2");

    // A fifth wish is given the nearest: its rate counts most.
    let fifth = Profile { bandwidth: Bandwidth::Wide, bitrate: BitrateClass::Thrifty, ..lossy };
    mixer.set_profile(LegKey(5), fifth).unwrap();
    let (last, _) = payloads(&mut mixer, &mut callers, 100..150);
    assert_eq!(last[5], last[3]);
    // When a profile is given up, there is room for another.
    mixer.set_profile(LegKey(4), Profile::default()).unwrap();
    mixer.set_profile(LegKey(5), fifth).unwrap();
    let (last, _) = payloads(&mut mixer, &mut callers, 150..200);
    assert!(last[5] != last[3] && last[4] == last[6]);
}

/// What listener 1 hears of speaker 0 when it speaks itself from tick 50 to tick 75, if at all, beside `others` who listen.
fn heard(speaks: bool, others: u64) -> Vec<i16> {
    let mut mixer = mixer(2 + others);
    let mut callers = vec![Caller::new(0, Some(437.0))];
    callers.push(Caller::new(1, speaks.then_some(631.0)));
    callers.extend((2..2 + others).map(|leg| Caller::new(leg, None)));
    run(&mut mixer, &mut callers, 0..240, |leg, tick| leg == LegKey(1) && !(50..75).contains(&tick));
    assert_eq!(mixer.encodings(), 1, "all are together again, and who speaks is sent nothing now");
    callers.swap_remove(1).heard
}

/// The energy of what differs, against that of what is heard, in dB.
fn error(heard: &[i16], reference: &[i16]) -> f64 {
    let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|sample| sample * sample).sum::<f64>();
    let differs = power(&mut heard.iter().zip(reference).map(|(&a, &b)| f64::from(a) - f64::from(b)));
    10.0 * (differs / power(&mut reference.iter().map(|&sample| f64::from(sample)))).log10()
}

/// The largest step of the slope from one sample to the next: a click is one.
fn roughness(samples: &[i16]) -> i32 {
    let bend = |three: &[i16]| i32::from(three[0]) - 2 * i32::from(three[1]) + i32::from(three[2]);
    samples.windows(3).map(|three| bend(three).abs()).max().unwrap()
}

#[test]
fn speaking_up_changes_nothing_of_what_is_heard_and_falling_silent_makes_no_click() {
    let (reference, changing) = (heard(false, 3), heard(true, 3));
    assert_eq!(reference.len(), changing.len());
    // The speaker's packets end at tick 75, and 2 s after they were played out it joins the others, whatever is heard.
    let joins = (0..reference.len() / 960)
        .find(|tick| reference[tick * 960..][..960] != changing[tick * 960..][..960])
        .unwrap();
    assert!((175..190).contains(&joins), "to the last bit until it joins the others, in tick {joins}");
    let (before, after) = (&reference[(joins - 50) * 960..joins * 960], &changing[joins * 960..]);
    assert!(roughness(&after[..960]) <= roughness(before) * 3 / 2, "a click");
    let seam = error(&after[..960], &reference[joins * 960..]);
    let steady = error(&after[4800..], &reference[joins * 960 + 4800..]);
    assert!(seam < -10.0 && seam < steady.max(-20.0) + 6.0, "{seam:.1} dB at the seam, {steady:.1} dB later");
}

#[test]
fn who_comes_back_to_an_empty_place_brings_the_sound_along() {
    // The only other one speaks too, so that nobody listens to the whole mix in the meantime.
    assert!(heard(false, 0) == heard(true, 0), "to the last bit");
}

#[test]
fn who_reports_losses_is_protected_and_the_others_are_not() {
    let mut mixer = mixer(4);
    let mut callers: Vec<_> = (0..4).map(|leg| Caller::new(leg, (leg == 0).then_some(437.0))).collect();
    run(&mut mixer, &mut callers, 0..60, |_, _| false);
    for leg in [1, 2] {
        mixer.note_loss(LegKey(leg), 30).unwrap();
    }
    mixer.note_loss(LegKey(3), 2).unwrap();
    run(&mut mixer, &mut callers, 60..83, |_, _| false);
    assert_eq!(mixer.encodings(), 2);
    for _ in 0..30 {
        mixer.note_loss(LegKey(1), 0).unwrap();
        mixer.note_loss(LegKey(2), 0).unwrap();
    }
    run(&mut mixer, &mut callers, 83..103, |_, _| false);
    assert_eq!(mixer.encodings(), 1, "together again");
}

#[test]
fn those_on_lossy_lines_are_sent_copies_and_nobody_else() {
    let mut mixer = mixer(3);
    // Something like a voice: of a sine there is nothing worth copying.
    let mut encoder = Encoder::new(&EncoderSettings::default()).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let (mut copies, mut bytes) = ([0; 3], [0; 3]);
    for tick in 0..200_u32 {
        let now = Micros::from_millis(u64::from(tick * TICK_MS));
        let voice: Frame = core::array::from_fn(|n| {
            let turn = f64::from(tick * 960 + n as u32) / 48_000.0 * core::f64::consts::TAU;
            let part = |k: i32| (turn * 130.0 * f64::from(k)).sin() / f64::from(k);
            ((1..20).map(part).sum::<f64>() * 5000.0 * (turn * 2.0).sin().max(0.0)) as i16
        });
        let length = encoder.encode(&voice, &mut payload).unwrap();
        mixer.push_packet(
            LegKey(0),
            RtpAudio {
                sequence: tick as u16,
                timestamp: tick * 960,
                marker: false,
                level: None,
                payload: &payload[..length],
                arrival: now,
            },
        );
        // Reports of 8 in a hundred, and of none, alternating: the line stays lossy.
        if tick >= 50 && tick % 10 == 0 {
            mixer.note_loss(LegKey(1), if tick % 20 == 0 { 0 } else { 20 }).unwrap();
        }
        mixer.tick(now, |leg, frame| {
            if tick >= 100 {
                copies[leg.0 as usize] += u32::from(confocal_opus::packet_has_copy(frame.payload));
                bytes[leg.0 as usize] += frame.payload.len();
            }
        });
    }
    assert!(copies[1] > 50 && copies[2] == 0, "{copies:?} of 100 packets");
    assert!(bytes[1] < bytes[2] * 5 / 4, "the copies are taken from the same bits: {bytes:?}");
}

#[test]
fn reports_around_the_bounds_do_not_change_the_protection_to_and_fro() {
    let mut mixer = mixer(3);
    let mut callers: Vec<_> = (0..3).map(|leg| Caller::new(leg, (leg == 0).then_some(437.0))).collect();
    let mut changes = 0;
    let mut before = 1;
    for report in 0..200_u64 {
        // 0 to 6 in a hundred, in no order.
        mixer.note_loss(LegKey(1), (report * 7919 % 16) as u8).unwrap();
        run(&mut mixer, &mut callers, report * 2..report * 2 + 2, |_, _| false);
        // Beside who listens, there is the stream of the one who talks at times.
        let mut streams = Vec::new();
        mixer.tick(Micros::from_millis(report * 40 + 30), |leg, frame| {
            if leg.0 > 0 {
                streams.push(frame.stream);
            }
        });
        streams.dedup();
        changes += u32::from(streams.len() != before);
        before = streams.len();
    }
    assert!(changes <= 1, "{changes} changes in 200 reports");
}

#[test]
fn encoders_work_as_hard_as_they_are_told() {
    let payloads = |complexity: u8| {
        let mut mixer = mixer(2);
        let mut callers = vec![Caller::new(0, Some(437.0)), Caller::new(1, None)];
        run(&mut mixer, &mut callers, 0..20, |_, _| false);
        mixer.set_complexity(complexity);
        run(&mut mixer, &mut callers, 20..60, |_, _| false);
        callers.swap_remove(1).heard
    };
    let [usual, cheap] = [payloads(5), payloads(0)];
    assert!(usual[..20 * 960] == cheap[..20 * 960] && usual != cheap);
}

#[test]
fn a_change_of_protection_makes_no_click() {
    let hears = |changes: bool| {
        let mut mixer = mixer(3);
        let mut callers = vec![Caller::new(0, Some(437.0)), Caller::new(1, None), Caller::new(2, None)];
        run(&mut mixer, &mut callers, 0..60, |_, _| false);
        if changes {
            let lossy = Profile { protection: Protection::Lossy, ..Profile::default() };
            mixer.set_profile(LegKey(1), lossy).unwrap();
        }
        run(&mut mixer, &mut callers, 60..120, |_, _| false);
        assert_eq!(mixer.encodings(), 1 + usize::from(changes));
        callers.swap_remove(1).heard
    };
    let (reference, changing) = (hears(false), hears(true));
    assert!(reference[..60 * 960] == changing[..60 * 960]);
    assert!(reference[60 * 960..] != changing[60 * 960..]);
    let seam = error(&changing[60 * 960..61 * 960], &reference[60 * 960..]);
    assert!(seam < -15.0, "{seam:.1} dB");
}
