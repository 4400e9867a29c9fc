//! Callers on a perfect or a lossy line, for the tests of whole conferences.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "only tests use it, and a failure here is a failed test")]

use core::ops::Range;

use confocal_mixer::{
    Decoder, Encoder, EncoderSettings, FRAME_SAMPLES, Frame, LegKey, LevelDbov, MAX_PACKET_SAMPLES,
    MAX_PAYLOAD_BYTES, Micros, Mixer, RtpAudio, SAMPLE_RATE, TICK_MS,
};

/// One client: it sends a tone (or nothing) and keeps what it hears.
pub(crate) struct Caller {
    pub(crate) leg: LegKey,
    hz: Option<f64>,
    pub(crate) amplitude: f64,
    /// What it claims as its level, in dBov.
    pub(crate) claim: Option<i8>,
    /// Ticks in a packet: 2 is 40 ms; 0 is two packets of 10 ms a tick.
    pub(crate) ticks: u32,
    encoder: Encoder,
    decoder: Decoder,
    sent: u32,
    packets: u32,
    timestamp: u32,
    /// What was said and is in no packet yet.
    waiting: Vec<i16>,
    pub(crate) heard: Vec<i16>,
    pub(crate) frames: u32,
}

impl Caller {
    pub(crate) fn new(leg: u64, hz: Option<f64>) -> Self {
        Self::with_profile(leg, hz, &EncoderSettings { bitrate: 48_000, ..EncoderSettings::default() })
    }

    pub(crate) fn with_profile(leg: u64, hz: Option<f64>, profile: &EncoderSettings) -> Self {
        Self {
            leg: LegKey(leg),
            hz,
            amplitude: 8000.0,
            claim: None,
            ticks: 1,
            encoder: Encoder::new(profile).unwrap(),
            decoder: Decoder::new().unwrap(),
            sent: 0,
            packets: 0,
            timestamp: 0,
            waiting: Vec::new(),
            heard: Vec::new(),
            frames: 0,
        }
    }

    /// Sends the next 20 ms, unless the network loses it, or nothing until the packet is full.
    pub(crate) fn send(&mut self, mixer: &mut Mixer, now: Micros, lost: bool) {
        let Some(hz) = self.hz else { return };
        self.waiting.extend(tone(hz, self.amplitude, self.sent));
        self.sent += 1;
        let samples = if self.ticks == 0 { FRAME_SAMPLES / 2 } else { FRAME_SAMPLES * self.ticks as usize };
        let mut payload = [0; MAX_PAYLOAD_BYTES];
        while self.waiting.len() >= samples {
            let bytes = self.encoder.encode(&self.waiting[..samples], &mut payload).unwrap();
            self.waiting.drain(..samples);
            let timestamp = self.timestamp;
            self.timestamp += samples as u32;
            if !lost {
                mixer.push_packet(
                    self.leg,
                    RtpAudio {
                        sequence: self.packets as u16,
                        timestamp,
                        marker: self.packets == 0,
                        level: self.claim.map(LevelDbov),
                        payload: &payload[..bytes],
                        arrival: now,
                    },
                );
            }
            self.packets += 1;
        }
    }

    pub(crate) fn hear(&mut self, payload: &[u8]) {
        let mut samples = [0; MAX_PACKET_SAMPLES];
        let decoded = self.decoder.decode(payload, &mut samples).unwrap();
        self.heard.extend_from_slice(&samples[..decoded]);
        self.frames += 1;
    }

    /// The amplitude at which it hears a tone, after the first `from_ms`.
    pub(crate) fn hears(&self, hz: f64, from_ms: usize) -> f64 {
        amplitude(&self.heard[from_ms * 48..], hz)
    }
}

/// Runs these ticks of a conference on a network that loses what `lost(leg, tick)` says.
pub(crate) fn run(
    mixer: &mut Mixer,
    callers: &mut [Caller],
    ticks: Range<u64>,
    mut lost: impl FnMut(LegKey, u64) -> bool,
) {
    for tick in ticks {
        let now = Micros::from_millis(tick * u64::from(TICK_MS));
        for caller in &mut *callers {
            let lost = lost(caller.leg, tick);
            caller.send(mixer, now, lost);
        }
        mixer.tick(now, |leg, frame| {
            assert_eq!(frame.samples, FRAME_SAMPLES as u32);
            callers.iter_mut().find(|caller| caller.leg == leg).unwrap().hear(frame.payload);
        });
    }
}

/// Frame number `frame` of a sine.
pub(crate) fn tone(hz: f64, amplitude: f64, frame: u32) -> Frame {
    core::array::from_fn(|n| {
        let t = (u64::from(frame) * FRAME_SAMPLES as u64 + n as u64) as f64 / f64::from(SAMPLE_RATE);
        ((t * hz * core::f64::consts::TAU).sin() * amplitude).round() as i16
    })
}

/// The amplitude of one frequency, a multiple of 100 Hz, in each 10 ms of some samples. Other such multiples are not in it.
pub(crate) fn every_10_ms(samples: &[i16], hz: f64) -> Vec<f64> {
    let turn = core::f64::consts::TAU * hz / f64::from(SAMPLE_RATE);
    let window = |samples: &[i16]| {
        let part = |function: fn(f64) -> f64| -> f64 {
            (0..).zip(samples).map(|(n, &sample)| f64::from(sample) * function(turn * f64::from(n))).sum()
        };
        part(f64::sin).hypot(part(f64::cos)) * 2.0 / samples.len() as f64
    };
    samples.chunks_exact(480).map(window).collect()
}

/// The amplitude of one frequency in some samples: the Goertzel algorithm over whole 100 ms under a Hann window, and the
/// root mean square of those, so that neither leakage of other tones nor a slow drift of phase spoils it.
pub(crate) fn amplitude(samples: &[i16], hz: f64) -> f64 {
    const WINDOW: usize = 4800;
    let windows = samples.chunks_exact(WINDOW);
    assert!(windows.len() >= 5, "too little sound to measure");
    let count = windows.len() as f64;
    let sum: f64 = windows.map(|window| goertzel(window, hz).powi(2)).sum();
    (sum / count).sqrt()
}

fn goertzel(samples: &[i16], hz: f64) -> f64 {
    let turn = core::f64::consts::TAU / samples.len() as f64;
    let step = hz * core::f64::consts::TAU / f64::from(SAMPLE_RATE);
    let (mut last, mut before, mut weight) = (0.0, 0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let hann = 0.5 - 0.5 * (n as f64 * turn).cos();
        weight += hann;
        let next = f64::from(sample) * hann + 2.0 * step.cos() * last - before;
        before = last;
        last = next;
    }
    let power = last * last + before * before - 2.0 * step.cos() * last * before;
    power.max(0.0).sqrt() * 2.0 / weight
}

/// A ratio of amplitudes in dB.
pub(crate) fn db(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}
