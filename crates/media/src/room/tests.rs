//! Rooms without a port: packets are pushed and ticks counted by hand.

use std::time::Instant;

use confocal_mixer::{Encoder, EncoderSettings, FRAME_SAMPLES, MAX_PAYLOAD_BYTES, TICK_MS};

use super::*;

/// Someone who sends a tone of one unchanging loudness, or silence.
struct Talker {
    encoder: Encoder,
    sent: u32,
}

impl Talker {
    fn new() -> Self {
        Self { encoder: Encoder::new(&EncoderSettings::default()).unwrap(), sent: 0 }
    }

    /// Sends the next 20 ms as leg 1, and mixes.
    fn tick(&mut self, room: &mut Room, amplitude: f64) {
        let frame: [i16; FRAME_SAMPLES] = std::array::from_fn(|n| {
            let at = f64::from(self.sent * FRAME_SAMPLES as u32 + n as u32);
            ((at * 440.0 / 48_000.0 * std::f64::consts::TAU).sin() * amplitude) as i16
        });
        let mut payload = [0; MAX_PAYLOAD_BYTES];
        let bytes = self.encoder.encode(&frame, &mut payload).unwrap();
        let now = Micros::from_millis(u64::from(self.sent * TICK_MS));
        let packet = AudioPacket {
            codec: AudioCodec::Opus,
            sequence: self.sent as u16,
            timestamp: self.sent * FRAME_SAMPLES as u32,
            marker: self.sent == 0,
            claimed_level: None,
            payload: &payload[..bytes],
            arrival: Instant::now(),
        };
        room.push(LegId(1), &packet, now);
        room.mixer.tick(now, |_, _| ());
        self.sent += 1;
    }
}

fn voice() -> Voice {
    Voice {
        codec: AudioCodec::Opus,
        payload_type: 111,
        max_playback_rate: None,
        max_average_bitrate: None,
        wants_stereo: false,
        sends_stereo: false,
    }
}

/// A room with legs 1 and 2, of two people.
fn room() -> Room {
    let mut room = Room::new(MixerConfig::default(), None);
    for number in [1, 2] {
        let seat = Seat {
            leg: LegId(number),
            generation: Generation(0),
            participant: ParticipantId(number),
            name: Arc::from("someone"),
            terms: Terms { direction: Direction::SendRecv, voice: voice() },
            heard: Arc::new(AtomicBool::new(true)),
            link: LinkId(number),
            stats: Arc::default(),
            pictures: PictureLines::default(),
            view: Arc::default(),
        };
        room.seat(seat, 0, Duration::ZERO).unwrap();
    }
    room
}

/// What is told of leg 1; the other is silent and never told of.
fn told(room: &mut Room) -> Option<LegLevel> {
    let mut changed = room.changed_levels();
    assert!(changed.iter().all(|level| level.leg == LegId(1)), "{changed:?}");
    changed.pop()
}

#[test]
fn a_voice_of_one_loudness_is_told_while_it_speaks_and_once_more_when_it_stops_and_silence_is_not() {
    let (mut room, mut talker) = (room(), Talker::new());
    assert_eq!(told(&mut room), None, "nobody has said anything");
    // Until it is speech, and as loud as it will be.
    for _ in 0..100 {
        talker.tick(&mut room, 8000.0);
    }
    let first = told(&mut room).unwrap();
    assert!(first.speaking, "{first:?}");
    for _ in 0..20 {
        for _ in 0..10 {
            talker.tick(&mut room, 8000.0);
        }
        let again = told(&mut room);
        assert_eq!(again, Some(first), "the same again, since how long it speaks counts");
    }

    // Digital silence is speech for a moment more, and its level falls for longer than that: then it is told of no more.
    let mut after = Vec::new();
    for _ in 0..300 {
        talker.tick(&mut room, 0.0);
        after.extend(told(&mut room));
    }
    let ended = after.iter().position(|level| !level.speaking).unwrap();
    assert!(ended > 0 && after[..ended].iter().all(|level| level.speaking));
    assert!(after[ended..].iter().all(|level| !level.speaking), "{after:?}");
    assert!(ended <= 30, "told in every tick of the hang-over: {ended}");
    let level = after.last().unwrap().level;
    for _ in 0..100 {
        talker.tick(&mut room, 0.0);
        assert_eq!(told(&mut room), None, "silence, {level:?}");
    }
}

#[test]
fn who_stops_without_its_level_having_moved_is_told_of_once_more() {
    let mut room = room();
    // As the mixer's own hang-over has it: told as speaking, at the level of now.
    room.seated[0].told_speaking = true;
    room.seated[0].told_level = Some(LevelDbov::SILENCE.0);
    room.mixer.tick(Micros(0), |_, _| ());
    let once = told(&mut room).unwrap();
    assert!(!once.speaking, "{once:?}");
    room.mixer.tick(Micros(20_000), |_, _| ());
    assert_eq!(told(&mut room), None);
}

#[test]
fn what_could_not_be_told_is_told_again_also_where_nothing_goes_on() {
    let mut room = room();
    for tick in 0..100 {
        room.mixer.tick(Micros::from_millis(tick * u64::from(TICK_MS)), |_, _| ());
    }
    assert!(room.mixer.is_at_rest());
    for _ in 0..2 {
        assert_eq!(room.changed_levels(), []);
    }
    room.levels_not_told();
    assert_eq!(room.changed_levels().len(), 2);
    assert_eq!(room.changed_levels(), []);
}

#[test]
fn two_channels_are_sent_to_who_asks_for_them_and_takes_their_bits() {
    let asks = Voice { wants_stereo: true, ..voice() };
    let channels = |voice| profile(voice, 68_000).channels;
    assert_eq!(channels(voice()), Channels::Mono);
    assert_eq!(
        channels(Voice { sends_stereo: true, ..voice() }),
        Channels::Mono,
        "it sends two, and takes one"
    );
    assert_eq!(channels(asks), Channels::Stereo);
    for (most, expected) in [(102_000, Channels::Stereo), (101_999, Channels::Mono)] {
        assert_eq!(channels(Voice { max_average_bitrate: Some(most), ..asks }), expected, "{most} bit/s");
    }
}
