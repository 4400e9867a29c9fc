//! Which of a leg's sound was in a tick, by its timestamp.

use confocal_mixer::{
    Decoder, Encoder, EncoderSettings, FRAME_SAMPLES, LegKey, MAX_PACKET_SAMPLES, MAX_PAYLOAD_BYTES, Micros,
    Mixer, MixerConfig, RtpAudio, SpeakerKey,
};

/// The first timestamp: soon it wraps.
const FIRST: u32 = u32::MAX - 10_000;

/// A steady tone becomes six times as loud with this packet.
const LOUD: u32 = 60;

fn amplitude(sound: &[i16]) -> i32 {
    sound.iter().map(|sample| i32::from(*sample).abs()).max().unwrap_or(0)
}

#[test]
fn what_was_played_is_told_by_its_timestamp() {
    let mut mixer = Mixer::new(MixerConfig { levelling: false, ..MixerConfig::default() });
    for leg in [1, 2] {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg)).unwrap();
    }
    let mut encoder =
        Encoder::new(&EncoderSettings { bitrate: 48_000, ..EncoderSettings::default() }).unwrap();
    let (mut decoder, mut heard) = (Decoder::new().unwrap(), Box::new([0; MAX_PACKET_SAMPLES]));
    let (mut payload, mut before, mut loud_at) = ([0; MAX_PAYLOAD_BYTES], None, None);
    for number in 0..100_u32 {
        let scale = if number < LOUD { 2_000.0 } else { 12_000.0 };
        let tone: [i16; FRAME_SAMPLES] = core::array::from_fn(|n| {
            let at = (number as usize * FRAME_SAMPLES + n) as f64 / 48_000.0;
            ((at * 500.0 * core::f64::consts::TAU).sin() * scale) as i16
        });
        let bytes = encoder.encode(&tone, &mut payload).unwrap();
        let now = u64::from(number) * 20_000;
        mixer.push_packet(
            LegKey(1),
            RtpAudio {
                sequence: number as u16,
                timestamp: FIRST.wrapping_add(number * 960),
                marker: number == 0,
                level: None,
                payload: &payload[..bytes],
                arrival: Micros(now),
            },
        );
        let mut amplitude_now = 0;
        mixer.tick(Micros(now + 1_000), |leg, frame| {
            if leg == LegKey(2) {
                let samples = decoder.decode(frame.payload, &mut heard).unwrap();
                amplitude_now = amplitude(&heard[..samples]);
            }
        });
        assert_eq!(mixer.played(LegKey(2)), None, "nothing came of it");
        let played = mixer.played(LegKey(1));
        if number >= 20 {
            let played = played.unwrap();
            assert_eq!(before.map(|before| played.wrapping_sub(before)), before.map(|_| 960));
            before = Some(played);
            if amplitude_now > 6_000 && loud_at.is_none() {
                loud_at = Some(played);
            }
        }
    }
    // Limiter and coder are late by less than a tick: it is heard in the tick in which it is played, or in the next.
    let behind = loud_at.unwrap().wrapping_sub(FIRST.wrapping_add(LOUD * 960)) as i32;
    assert!((0..=960).contains(&behind), "{behind}");
}
