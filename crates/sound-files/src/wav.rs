//! WAV files on their way in. Nothing in one is trusted.

use std::io::Read;

use hound::{SampleFormat, WavReader};

use crate::SAMPLES_MAX;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadWavError {
    /// It is no WAV file, damaged, or can't be read.
    #[error("the file is not readable as WAV")]
    Container(#[source] hound::Error),
    /// It has another format than 48 kHz, 16 bits, one or two channels.
    #[error(
        "the file is not 48 kHz with 16 bits and one or two channels but {rate} Hz, {bits} bits, {channels} channels"
    )]
    Format {
        /// Samples a second.
        rate: u32,
        /// Bits a sample.
        bits: u16,
        /// Channels.
        channels: u16,
    },
    /// It is longer than [`SAMPLES_MAX`].
    #[error("the file holds more than 30 minutes")]
    TooLong,
}

/// Reads all of a WAV file: mono samples at 48 kHz. Two channels are mixed.
///
/// # Errors
///
/// [`ReadWavError`].
pub fn read_wav<R: Read>(file: R) -> Result<Vec<i16>, ReadWavError> {
    let mut reader = WavReader::new(file).map_err(ReadWavError::Container)?;
    let format = reader.spec();
    let is_read = format.sample_rate == 48_000
        && format.bits_per_sample == 16
        && format.sample_format == SampleFormat::Int
        && (1..=2).contains(&format.channels);
    if !is_read {
        return Err(ReadWavError::Format {
            rate: format.sample_rate,
            bits: format.bits_per_sample,
            channels: format.channels,
        });
    }
    if reader.duration() as usize > SAMPLES_MAX {
        return Err(ReadWavError::TooLong);
    }
    let samples: Vec<i16> = reader.samples().collect::<Result<_, _>>().map_err(ReadWavError::Container)?;
    Ok(if format.channels == 1 {
        samples
    } else {
        samples.as_chunks().0.iter().map(|&[left, right]| i16::midpoint(left, right)).collect()
    })
}
