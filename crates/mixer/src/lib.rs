//! The sound of a conference on a tick: packets of speech in, one personal mix a leg out.
//!
//! One [`Mixer`] is one conference. It is fed with [`RtpAudio`] (payloads of Opus or G.711 with their RTP numbers) as they arrive, and
//! every [`TICK_MS`] milliseconds [`Mixer::tick`] plays one frame of each leg out of its [`JitterBuffer`], adds them up on a
//! [`MixBus`], limits the sum ([`Limiter`]) and encodes it once for all who only listen, and once for each speaker with their own
//! voice taken out; each leg is handed its payload. A [`Source`] is played into it, and a [`Sink`] takes the mix as a whole.
//!
//! All sound inside is 16 bit at [`SAMPLE_RATE`], in frames of [`FRAME_SAMPLES`], and mono: half the sum of left and right. Where a
//! talker sends two channels ([`Mixer::set_stereo`]), half their difference goes beside it, for listeners who asked for two
//! ([`Profile::channels`]).
//!
//! What it adds in delay: the jitter buffer's depth (20 to 200 ms, as the network asks), up to one tick until the next mix,
//! and [`Limiter::DELAY_SAMPLES`] (5 ms); libopus looks ahead a further 6.5 ms.
//!
//! Sockets, clocks, threads, logging, WebRTC and Matrix never live here: time comes in as [`Micros`], and the same calls
//! give the same output. A tick neither allocates nor locks; what it is short of is made when the next packet comes in.
//!
//! ```
//! use confocal_mixer::{LegKey, Micros, Mixer, MixerConfig, SpeakerKey};
//!
//! let mut mixer = Mixer::new(MixerConfig::default());
//! mixer.add_leg(LegKey(1), SpeakerKey(1))?;
//! let mut frames = 0;
//! mixer.tick(Micros(0), |leg, frame| {
//!     assert_eq!(leg, LegKey(1));
//!     assert!(frame.silence);
//!     frames += 1;
//! });
//! assert_eq!(frames, 1);
//! # Ok::<(), confocal_mixer::AddLegError>(())
//! ```

mod codec;
mod coder;
mod config;
mod demand;
mod frame;
mod g711;
mod gate;
mod hot_set;
mod jitter_buffer;
mod key;
mod leg_input;
mod level;
mod levelling;
mod limiter;
mod listening;
mod load;
mod mix_bus;
mod mixer;
mod pace;
mod pcm_queue;
mod playing;
mod profile;
mod protection;
mod sequence;
mod sink;
mod sound;
mod source;
mod standing;
mod stats;
mod stereo;
mod stream;
mod streams;
mod time;
mod transit;
mod voice;
mod voices;

pub use codec::{
    Bandwidth, CodecError, Concealment, Decoder, Encoder, EncoderSettings, MAX_PACKET_SAMPLES,
    MAX_PAYLOAD_BYTES, Signal, StereoDecoder, StereoEncoder, packet_samples,
};
pub use config::{JitterConfig, MixerConfig, SpeechConfig};
pub use frame::{
    Codec, EncodedFrame, FRAME_SAMPLES, Frame, PacketKind, RtpAudio, SAMPLE_RATE, TICK, TICK_MS, WideFrame,
};
pub use jitter_buffer::{Arrival, JitterBuffer, JitterCounts, Playout};
pub use key::{LegKey, SpeakerKey};
pub use level::{LevelDbov, LevelMeter, SpeechDetector};
pub use limiter::Limiter;
pub use load::ComplexityByLoad;
pub use mix_bus::MixBus;
pub use mixer::{AddLegError, Mixer};
pub use playing::{Audience, PlayError, PlayKey};
pub use profile::{BitrateClass, Channels, Profile, Protection};
pub use sink::{Sink, SinkKey};
pub use source::{Clip, Source};
pub use stats::{LegMeasure, LegStats};
pub use time::Micros;
pub use voice::Probe;
