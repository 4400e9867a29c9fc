//! Sends WAV files (48 kHz, mono, 16 bit) over lines that lose packets, once through a conference and twice through plain Opus, and
//! writes what is heard at the other end: `cargo xtask sound` scores it.
//!
//! ```text
//! cargo run -p lossy-lines -- OUTPUT_FOLDER PATTERNS ANNA.wav BEN.wav …
//! ```
//!
//! For each file, each rate of loss and each of that many patterns of loss by chance it writes three files, and a line about
//! them into `index.tsv`: the original, what was heard of plain Opus, the same encoded and decoded once more, what was heard in the
//! conference, where packets were lost, percent lost, and whether there were copies (FEC) in packets of that line.
//!
//! *Plain Opus* is what two people have without a conference: encoded at 32 kbit/s, lost on the way, decoded by libopus as receivers run
//! it that set nothing: complexity 0, so without its network, in copies and packets that have none as well. A lost packet is recovered
//! from the next one where that is there, and else concealed.
//!
//! Packets are lost on the way *in*, between a talker and the conference, or on the way *out*, between the conference and a listener; the
//! other line is a good one. On the way out the conference puts copies into its packets where the listener has told that it misses some,
//! and the listener is the receiver that plain Opus has.
//!
//! *Once more* is encoded as a conference encodes its mix, which no mixer is spared: what differs from that is the conference's own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use confocal_mixer::{
    CodecError, Concealment, Decoder, Encoder, EncoderSettings, FRAME_SAMPLES, LegKey, MAX_PACKET_SAMPLES,
    MAX_PAYLOAD_BYTES, Micros, Mixer, MixerConfig, Profile, Protection, RtpAudio, SAMPLE_RATE, SpeakerKey,
    TICK_MS,
};

const FORMAT: hound::WavSpec = hound::WavSpec {
    channels: 1,
    sample_rate: SAMPLE_RATE,
    bits_per_sample: 16,
    sample_format: hound::SampleFormat::Int,
};

/// Packets that are never lost at the beginning: 60 ms.
const SPARED: usize = 3;

/// Receivers on a line with copies are taken to lose so many packets in a hundred.
const EXPECTED_PERCENT: i32 = 10;

/// Packets of a stream in their order.
type Packets = Vec<Vec<u8>>;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), Some(patterns)) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        bail!("usage: lossy-lines OUTPUT_FOLDER PATTERNS FILE.wav …");
    };
    let patterns: u32 = patterns.to_string_lossy().parse().context("PATTERNS is a number")?;
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    let mut index = String::new();
    for (file, original) in arguments.map(PathBuf::from).enumerate() {
        let speech = read(&original)?;
        let good = encode(&speech, &talker(false))?;
        for copies in [false, true] {
            let packets = encode(&speech, &talker(copies))?;
            for percent in [0, 5, 10] {
                for pattern in 0..if percent == 0 { 1 } else { patterns } {
                    let mut chance = Chance(u64::from(pattern) << 32 | u64::from(percent) << 8 | file as u64);
                    let lost: Vec<bool> =
                        (0..packets.len()).map(|n| n >= SPARED && chance.is_below(percent)).collect();
                    let heard = |packets: &Packets| receive(packets, &lost, copies);
                    let name = format!("{file}-{percent}-{pattern}-{copies}");
                    let plain = folder.join(format!("{name}-plain.wav"));
                    let plainly = heard(&packets)?;
                    write(&plain, &plainly)?;
                    // On the way in, which is where there is nothing to tell apart if nothing is lost.
                    let again = receive(&encode(&plainly, &mix(false))?, &[], false)?;
                    let mixed = receive(&through_mixer(&packets, &lost, false)?, &[], false)?;
                    let mut ways = vec![("in", again, mixed)];
                    // On the way out.
                    if percent > 0 || copies {
                        let again = heard(&encode(&receive(&good, &[], false)?, &mix(copies))?)?;
                        let mixed = heard(&through_mixer(&good, &[], copies)?)?;
                        ways.push(("out", again, mixed));
                    }
                    for (way, again, mixed) in ways {
                        write!(index, "{}\t{}", original.display(), plain.display())?;
                        for (what, heard) in [("again", again), ("mixed", mixed)] {
                            let file = folder.join(format!("{name}-{way}-{what}.wav"));
                            write(&file, &heard)?;
                            write!(index, "\t{}", file.display())?;
                        }
                        writeln!(index, "\t{way}\t{percent}\t{copies}")?;
                    }
                }
            }
        }
    }
    fs::write(folder.join("index.tsv"), index).context("can't write the index")
}

/// The same chance in every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn is_below(&mut self, percent: u32) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % 100 < u64::from(percent)
    }
}

/// How people's clients encode.
fn talker(copies: bool) -> EncoderSettings {
    protected(EncoderSettings { complexity: 9, ..EncoderSettings::default() }, copies)
}

/// How a conference encodes its mix.
fn mix(copies: bool) -> EncoderSettings {
    protected(MixerConfig::default().encoder, copies)
}

fn protected(settings: EncoderSettings, copies: bool) -> EncoderSettings {
    let expected_loss_percent = if copies { EXPECTED_PERCENT } else { 0 };
    EncoderSettings { inband_fec: copies, expected_loss_percent, ..settings }
}

fn encode(speech: &[i16], settings: &EncoderSettings) -> Result<Packets, CodecError> {
    let mut encoder = Encoder::new(settings)?;
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let one = |frame: &[i16]| {
        let bytes = encoder.encode(frame, &mut payload)?;
        Ok(payload[..bytes].to_vec())
    };
    speech.chunks_exact(FRAME_SAMPLES).map(one).collect()
}

/// What a client hears that receives these packets, but those that are lost. What `lost` does not tell of is not lost.
fn receive(packets: &Packets, lost: &[bool], copies: bool) -> Result<Vec<i16>, CodecError> {
    let is_lost = |n: usize| lost.get(n) == Some(&true);
    let mut decoder = Decoder::classic()?;
    let mut room = Box::new([0; MAX_PACKET_SAMPLES]);
    let mut heard = Vec::new();
    for (n, packet) in packets.iter().enumerate() {
        match packets.get(n + 1).filter(|_| copies && !is_lost(n + 1)) {
            _ if !is_lost(n) => drop(decoder.decode(packet, &mut room)?),
            Some(next) => decoder.recover(next, &mut room[..FRAME_SAMPLES])?,
            None => decoder.conceal(&mut room[..FRAME_SAMPLES], Concealment::Classic)?,
        }
        heard.extend_from_slice(&room[..FRAME_SAMPLES]);
    }
    Ok(heard)
}

/// What a listener of a conference is sent whose one talker sends these packets, but those that are lost; protected from loss if that is
/// what its line needs.
fn through_mixer(packets: &Packets, lost: &[bool], protect: bool) -> anyhow::Result<Packets> {
    let mut mixer = Mixer::new(MixerConfig::default());
    for leg in 0..2 {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg))?;
    }
    if protect {
        mixer.set_profile(LegKey(1), Profile { protection: Protection::Lossy, ..Profile::default() })?;
    }
    let mut sent = Packets::new();
    // Some ticks more, so that nothing stays in a buffer.
    for n in 0..packets.len() + 15 {
        let now = Micros::from_millis(n as u64 * u64::from(TICK_MS));
        if let Some(payload) = packets.get(n).filter(|_| lost.get(n) != Some(&true)) {
            let (sequence, timestamp) = (n as u16, (n * FRAME_SAMPLES) as u32);
            mixer.push_packet(
                LegKey(0),
                RtpAudio { sequence, timestamp, marker: n == 0, level: None, payload, arrival: now },
            );
        }
        mixer.tick(now, |leg, frame| {
            if leg == LegKey(1) {
                sent.push(frame.payload.to_vec());
            }
        });
        // The clips have some noise in them, so that there is never lasting silence, in which there is not a frame in every tick.
        ensure!(sent.len() == n + 1, "nothing is sent in tick {n}");
    }
    Ok(sent)
}

fn read(file: &Path) -> anyhow::Result<Vec<i16>> {
    let named = || format!("can't read {}", file.display());
    let mut reader = hound::WavReader::open(file).with_context(named)?;
    let format = reader.spec();
    ensure!(format == FORMAT, "{} is not 48 kHz mono 16 bit but {format:?}", file.display());
    reader.samples().collect::<Result<_, _>>().with_context(named)
}

fn write(file: &Path, samples: &[i16]) -> anyhow::Result<()> {
    let named = || format!("can't write {}", file.display());
    let mut writer = hound::WavWriter::create(file, FORMAT).with_context(named)?;
    for &sample in samples {
        writer.write_sample(sample).with_context(named)?;
    }
    writer.finalize().with_context(named)
}
