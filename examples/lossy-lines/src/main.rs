//! Sends WAV files (48 kHz, mono, 16 bit) over lines that lose packets, once through a conference and twice through plain Opus, and
//! writes what is heard at the other end: `cargo xtask sound` scores it.
//!
//! ```text
//! cargo run -p lossy-lines -- OUTPUT_FOLDER PATTERNS ANNA.wav BEN.wav …
//! ```
//!
//! For each file, each rate of loss and each of that many patterns of loss by chance it writes three files, and a line about
//! them into `index.tsv`: the original, what was heard of plain Opus, the same encoded and decoded once more, what was heard in the
//! conference, percent lost, and whether the sender put copies (FEC) into its packets. Senders encode at 32 kbit/s; plain Opus
//! recovers from copies and else conceals as libopus does by default. Once more is encoded as a conference encodes its mix, which no
//! mixer is spared: what differs from that is the conference's own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use confocal_mixer::{
    CodecError, Concealment, Decoder, Encoder, EncoderSettings, FRAME_SAMPLES, LegKey, MAX_PACKET_SAMPLES,
    MAX_PAYLOAD_BYTES, Micros, Mixer, MixerConfig, RtpAudio, SAMPLE_RATE, SpeakerKey, TICK_MS,
};

const FORMAT: hound::WavSpec = hound::WavSpec {
    channels: 1,
    sample_rate: SAMPLE_RATE,
    bits_per_sample: 16,
    sample_format: hound::SampleFormat::Int,
};

/// Packets that are never lost at the beginning: 60 ms.
const SPARED: usize = 3;

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
        for copies in [false, true] {
            let packets = encode(&speech, copies)?;
            for percent in [0, 5, 10] {
                for pattern in 0..if percent == 0 { 1 } else { patterns } {
                    let mut chance = Chance(u64::from(pattern) << 32 | u64::from(percent) << 8 | file as u64);
                    let lost: Vec<bool> =
                        (0..packets.len()).map(|n| n >= SPARED && chance.is_below(percent)).collect();
                    let name = format!("{file}-{percent}-{pattern}-{copies}");
                    let plain = heard_plain(&packets, &lost, copies)?;
                    let again = again(&plain)?;
                    let mixed = heard_mixed(&packets, &lost)?;
                    let mut line = original.display().to_string();
                    for (way, heard) in [("plain", plain), ("again", again), ("mixed", mixed)] {
                        let file = folder.join(format!("{name}-{way}.wav"));
                        write(&file, &heard)?;
                        write!(line, "\t{}", file.display())?;
                    }
                    writeln!(index, "{line}\t{percent}\t{copies}")?;
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

fn encode(speech: &[i16], copies: bool) -> Result<Vec<Vec<u8>>, CodecError> {
    let settings = EncoderSettings {
        complexity: 9,
        inband_fec: copies,
        expected_loss_percent: if copies { 10 } else { 0 },
        ..EncoderSettings::default()
    };
    let mut encoder = Encoder::new(&settings)?;
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let one = |frame: &[i16]| {
        let bytes = encoder.encode(frame, &mut payload)?;
        Ok(payload[..bytes].to_vec())
    };
    speech.chunks_exact(FRAME_SAMPLES).map(one).collect()
}

fn heard_plain(packets: &[Vec<u8>], lost: &[bool], copies: bool) -> Result<Vec<i16>, CodecError> {
    let mut decoder = Decoder::new()?;
    let mut room = Box::new([0; MAX_PACKET_SAMPLES]);
    let mut heard = Vec::new();
    for (n, packet) in packets.iter().enumerate() {
        let next = packets.get(n + 1).filter(|_| copies && lost.get(n + 1) == Some(&false));
        match next {
            _ if !lost[n] => drop(decoder.decode(packet, &mut room)?),
            Some(next) => decoder.recover(next, &mut room[..FRAME_SAMPLES])?,
            None => decoder.conceal(&mut room[..FRAME_SAMPLES], Concealment::Classic)?,
        }
        heard.extend_from_slice(&room[..FRAME_SAMPLES]);
    }
    Ok(heard)
}

/// What is left of sound that is encoded and decoded once more, as a mix is.
fn again(heard: &[i16]) -> Result<Vec<i16>, CodecError> {
    let mut encoder = Encoder::new(&MixerConfig::default().encoder)?;
    let mut decoder = Decoder::new()?;
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let mut room = Box::new([0; MAX_PACKET_SAMPLES]);
    let mut again = Vec::new();
    for frame in heard.chunks_exact(FRAME_SAMPLES) {
        let bytes = encoder.encode(frame, &mut payload)?;
        let decoded = decoder.decode(&payload[..bytes], &mut room)?;
        again.extend_from_slice(&room[..decoded]);
    }
    Ok(again)
}

fn heard_mixed(packets: &[Vec<u8>], lost: &[bool]) -> anyhow::Result<Vec<i16>> {
    let mut mixer = Mixer::new(MixerConfig::default());
    for leg in 0..2 {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg))?;
    }
    let mut decoder = Decoder::new()?;
    let mut room = Box::new([0; MAX_PACKET_SAMPLES]);
    let mut heard = Vec::new();
    // Some ticks more, so that nothing stays in a buffer.
    for n in 0..packets.len() + 15 {
        let now = Micros::from_millis(n as u64 * u64::from(TICK_MS));
        if let (Some(payload), Some(false)) = (packets.get(n), lost.get(n)) {
            let (sequence, timestamp) = (n as u16, (n * FRAME_SAMPLES) as u32);
            mixer.push_packet(
                LegKey(0),
                RtpAudio { sequence, timestamp, marker: n == 0, level: None, payload, arrival: now },
            );
        }
        let mut decoded = Ok(0);
        mixer.tick(now, |leg, frame| {
            if leg == LegKey(1) {
                decoded = decoder.decode(frame.payload, &mut room);
            }
        });
        // In lasting silence there is not a frame in every tick.
        let from = heard.len();
        heard.extend_from_slice(&room[..decoded?]);
        heard.resize(from + FRAME_SAMPLES, 0);
    }
    Ok(heard)
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
