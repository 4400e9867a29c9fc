//! What must hold whatever comes in: plain functions of bytes.

use std::collections::BTreeMap;

use confocal_mixer::{
    Audience, Bandwidth, BitrateClass, Channels, Clip, Codec, JitterBuffer, JitterConfig, LegKey, LevelDbov,
    MAX_PAYLOAD_BYTES, Micros, Mixer, MixerConfig, PacketKind, Playout, Profile, Protection, RtpAudio,
    SpeakerKey, packet_samples,
};

/// Takes numbers off bytes; when they are used up it gives zeros.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    fn wide(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(bytes.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// The numbers of a sender who is sometimes mad.
#[derive(Default)]
struct Sender {
    sequence: u16,
    timestamp: u32,
}

impl Sender {
    /// A packet by the next bytes: mostly the next one, and with any payload.
    fn packet<'a>(&mut self, bytes: &mut Bytes<'a>, now: u64) -> (PacketKind, RtpAudio<'a>) {
        let how = bytes.byte();
        match how >> 5 {
            0 => self.sequence = bytes.wide(),
            1 => self.timestamp = u32::from(bytes.wide()) << 16 | u32::from(bytes.wide()),
            2 => self.sequence = self.sequence.wrapping_sub(u16::from(bytes.byte())),
            3 => self.sequence = self.sequence.wrapping_add(u16::from(bytes.byte() & 15)),
            _ => {}
        }
        let kind = match how & 15 {
            0 => PacketKind::ComfortNoise,
            1 => PacketKind::TelephoneEvent,
            2 | 3 => PacketKind::Sound(Codec::Pcmu),
            4 => PacketKind::Sound(Codec::Pcma),
            _ => PacketKind::Sound(Codec::Opus),
        };
        let length = usize::from(bytes.byte()) * if how & 16 == 0 { 1 } else { 7 };
        let payload = bytes.take(length);
        let (sequence, timestamp) = (self.sequence, self.timestamp);
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(960);
        let level = (how & 1 == 0).then(|| LevelDbov::from_claim(how >> 1));
        // Up to 255 ms before or after its time.
        let arrival = Micros::from_millis((now + u64::from(how)).saturating_sub(128));
        (kind, RtpAudio { sequence, timestamp, marker: false, level, payload, arrival })
    }
}

/// Bytes as what happens to a jitter buffer. What comes out was put in, in the order of its numbers, and no more of it waits than
/// the bounds say.
pub(crate) fn jitter_buffer(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut buffer = JitterBuffer::new(JitterConfig::default());
    let mut sender = Sender::default();
    let (mut now, mut pushed) = (0, 0_u64);
    while !bytes.is_empty() {
        match bytes.byte() % 8 {
            0 => now += u64::from(bytes.byte()),
            1 => buffer.reset(),
            2 => drop(buffer.pass(Micros::from_millis(now), 100)),
            3 | 4 => {
                now += 20;
                let mut samples = 0;
                for piece in 0.. {
                    match buffer.pop(Micros::from_millis(now)) {
                        Playout::Packet { codec, payload, samples: length } => {
                            let expected = match codec {
                                Codec::Opus => packet_samples(payload),
                                Codec::Pcmu | Codec::Pcma => Some(payload.len() as u32 * 6),
                            };
                            assert_eq!(expected, Some(length));
                            samples += length;
                        }
                        Playout::Lost { samples: length, .. } => {
                            assert!(length > 0);
                            samples += length;
                        }
                        Playout::Dtx { samples: length } => samples += length,
                        Playout::Silence => break,
                    }
                    if samples >= 960 {
                        break;
                    }
                    assert!(piece < 200, "a tick has an end");
                }
            }
            _ => {
                let (kind, packet) = sender.packet(&mut bytes, now);
                buffer.push_kind(kind, packet);
                pushed += 1;
            }
        }
        assert!(buffer.sounds().count() <= 32 && buffer.depth_ms() <= 200);
        let waiting: usize = buffer.sounds().map(|(_, payload)| payload.len()).sum();
        assert!(waiting <= 8192, "{waiting} bytes wait");
        let counts = buffer.counts();
        assert_eq!(counts.received, pushed);
        assert!(counts.late + counts.duplicate + counts.malformed + counts.discarded <= pushed);
    }
}

/// Bytes as what happens to a conference. Each leg is sent at most one frame a tick, of its codec, in order; and the mixer is given
/// back, so that its memory can be measured.
pub(crate) fn conference(bytes: &[u8]) -> Mixer {
    let mut bytes = Bytes(bytes);
    let mut mixer = Mixer::new(MixerConfig { legs_max: 6, ..MixerConfig::default() });
    let mut legs = BTreeMap::new();
    let mut profiles = BTreeMap::new();
    let mut now = 0;
    let mut sounds = Vec::new();
    while !bytes.is_empty() {
        let what = bytes.byte();
        let key = u64::from(what >> 5);
        let leg = LegKey(key);
        match what & 31 {
            0 => {
                if mixer.add_leg(leg, SpeakerKey(key / 2)).is_ok() {
                    legs.insert(leg, Sender::default());
                    profiles.insert(leg, Codec::Opus);
                }
            }
            1 => {
                mixer.remove_leg(leg);
                legs.remove(&leg);
                profiles.remove(&leg);
            }
            2 => mixer.set_receiving(leg, bytes.byte() & 1 == 0),
            3 => mixer.set_sending(leg, bytes.byte() & 1 == 0),
            4 => mixer.set_heard(leg, bytes.byte() & 1 == 0),
            5 => mixer.note_loss(leg, bytes.byte()).expect("an encoder can be made"),
            6 => mixer.set_complexity(bytes.byte()),
            7 => {
                let how = bytes.byte();
                let profile = Profile {
                    codec: [Codec::Opus, Codec::Opus, Codec::Pcmu, Codec::Pcma][usize::from(how & 3)],
                    bandwidth: if how & 4 == 0 { Bandwidth::Full } else { Bandwidth::Wide },
                    bitrate: if how & 8 == 0 { BitrateClass::Usual } else { BitrateClass::Thrifty },
                    protection: if how & 16 == 0 { Protection::Clean } else { Protection::Lossy },
                    channels: if how & 32 == 0 { Channels::Mono } else { Channels::Stereo },
                };
                mixer.set_profile(leg, profile).expect("an encoder can be made");
                profiles.entry(leg).and_modify(|codec| *codec = profile.codec);
            }
            8 => {
                let to = if bytes.byte() & 1 == 0 { Audience::All } else { Audience::Leg(leg) };
                sounds.extend(mixer.play(to, Box::new(Clip::join_tone())));
            }
            9 => {
                if let Some(sound) = sounds.pop() {
                    mixer.stop_playing(sound);
                }
            }
            16 => mixer.set_stereo(leg, bytes.byte() & 1 == 0).expect("a decoder can be made"),
            10..16 => {
                now += 20;
                let mut before = None;
                mixer.tick(Micros::from_millis(now), |leg, frame| {
                    assert!(before < Some(leg), "in the order of the legs");
                    before = Some(leg);
                    assert_eq!(Some(&frame.codec), profiles.get(&leg));
                    match frame.codec {
                        Codec::Opus => assert_eq!(packet_samples(frame.payload), Some(960)),
                        Codec::Pcmu | Codec::Pcma => assert_eq!(frame.payload.len(), 160),
                    }
                    assert!(frame.payload.len() <= MAX_PAYLOAD_BYTES);
                });
                assert_eq!(mixer.levels().count(), legs.len());
            }
            _ => {
                let mut unknown = Sender::default();
                let sender = legs.get_mut(&leg).unwrap_or(&mut unknown);
                let (kind, packet) = sender.packet(&mut bytes, now);
                mixer.push_packet_of(leg, kind, packet);
            }
        }
        assert_eq!(mixer.is_idle(), legs.is_empty());
    }
    mixer
}
