//! Mixes WAV files (48 kHz, mono, 16 bit) as if each were a participant, and writes what each of them, and a silent listener,
//! would hear: `heard-by-0.wav` and so on in the order of the files, the listener last.
//!
//! ```text
//! cargo run -p mix-wav-files -- OUTPUT_FOLDER ANNA.wav BEN.wav …
//! ```
//!
//! It shows the whole way through the mixer: encode as a client, push packets, tick, decode as a client.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use confocal_mixer::{
    Decoder, Encoder, EncoderSettings, FRAME_SAMPLES, LegKey, MAX_PACKET_SAMPLES, MAX_PAYLOAD_BYTES, Micros,
    Mixer, MixerConfig, RtpAudio, SAMPLE_RATE, SpeakerKey, TICK_MS,
};

const FORMAT: hound::WavSpec = hound::WavSpec {
    channels: 1,
    sample_rate: SAMPLE_RATE,
    bits_per_sample: 16,
    sample_format: hound::SampleFormat::Int,
};

/// Ticks after the end of the longest file, so that nothing stays in a buffer.
const TAIL: usize = 10;

/// One participant's client.
struct Client {
    speech: Vec<i16>,
    encoder: Encoder,
    decoder: Decoder,
    heard: Vec<i16>,
}

impl Client {
    fn new(speech: Vec<i16>) -> anyhow::Result<Self> {
        let encoder = Encoder::new(&EncoderSettings::default())?;
        Ok(Self { speech, encoder, decoder: Decoder::new()?, heard: Vec::new() })
    }
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), files) = (arguments.next(), arguments.collect::<Vec<_>>()) else {
        bail!("usage: mix-wav-files OUTPUT_FOLDER FILE.wav …");
    };
    ensure!(!files.is_empty(), "usage: mix-wav-files OUTPUT_FOLDER FILE.wav …");

    let mut clients =
        files.iter().map(|file| Client::new(read(file)?)).collect::<anyhow::Result<Vec<_>>>()?;
    clients.push(Client::new(Vec::new())?);
    mix(&mut clients)?;

    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    for (n, client) in clients.iter().enumerate() {
        write(&folder.join(format!("heard-by-{n}.wav")), &client.heard)?;
    }
    Ok(())
}

fn mix(clients: &mut [Client]) -> anyhow::Result<()> {
    let mut mixer = Mixer::new(MixerConfig::default());
    for leg in 0..clients.len() as u64 {
        mixer.add_leg(LegKey(leg), SpeakerKey(leg))?;
    }
    let longest = clients.iter().map(|client| client.speech.len().div_ceil(FRAME_SAMPLES)).max().unwrap_or(0);
    for tick in 0..longest + TAIL {
        let now = Micros::from_millis(tick as u64 * u64::from(TICK_MS));
        for (leg, client) in (0..).zip(&mut *clients) {
            let Some(speech) = client.speech.chunks(FRAME_SAMPLES).nth(tick) else { continue };
            let mut frame = [0; FRAME_SAMPLES];
            frame[..speech.len()].copy_from_slice(speech);
            let mut payload = [0; MAX_PAYLOAD_BYTES];
            let bytes = client.encoder.encode(&frame, &mut payload)?;
            mixer.push_packet(
                LegKey(leg),
                RtpAudio {
                    // Both wrap in a long call, as in RTP.
                    sequence: tick as u16,
                    timestamp: (tick * FRAME_SAMPLES) as u32,
                    marker: tick == 0,
                    level: None,
                    payload: &payload[..bytes],
                    arrival: now,
                },
            );
        }
        let mut failed = None;
        mixer.tick(now, |LegKey(leg), frame| {
            let client = &mut clients[leg as usize];
            let mut samples = [0; MAX_PACKET_SAMPLES];
            match client.decoder.decode(frame.payload, &mut samples) {
                Ok(decoded) => client.heard.extend_from_slice(&samples[..decoded]),
                Err(error) => failed = Some(error),
            }
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        // In lasting silence there is not a frame in every tick.
        for client in &mut *clients {
            client.heard.resize((tick + 1) * FRAME_SAMPLES, 0);
        }
    }
    Ok(())
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
