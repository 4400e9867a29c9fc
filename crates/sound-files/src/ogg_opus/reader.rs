//! An Ogg Opus file on its way in, decoded as a whole. Nothing in it is trusted.

use std::io::{Read, Seek};

use confocal_mixer::{CodecError, Decoder, MAX_PACKET_SAMPLES};
use ogg::OggReadError;
use ogg::reading::PacketReader;

use super::head::Head;
use crate::SAMPLES_MAX;

/// Why a file is not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadOggError {
    /// It is no Ogg file, damaged, or can't be read.
    #[error("the file is not readable as Ogg")]
    Container(#[source] OggReadError),
    /// It is not Opus, or has more than two channels.
    #[error("the file is not Ogg Opus with one or two channels")]
    NotOpus,
    /// A packet is damaged.
    #[error("a packet of the file is not readable as Opus")]
    Packet(#[source] CodecError),
    /// It is longer than [`SAMPLES_MAX`].
    #[error("the file holds more than 30 minutes")]
    TooLong,
}

/// Reads all of an Ogg Opus file: mono samples at 48 kHz. Two channels are mixed by the decoder. Of several streams in it the
/// first is read.
///
/// # Errors
///
/// [`ReadOggError`].
pub fn read_ogg_opus<R: Read + Seek>(file: R) -> Result<Vec<i16>, ReadOggError> {
    let mut packets = PacketReader::new(file);
    let first = packets.read_packet().map_err(ReadOggError::Container)?.ok_or(ReadOggError::NotOpus)?;
    let head = Head::read(&first.data).ok_or(ReadOggError::NotOpus)?;
    let serial = first.stream_serial();
    let mut decoder = Decoder::new().map_err(ReadOggError::Packet)?;
    let mut room = Box::new([0; MAX_PACKET_SAMPLES]);
    let mut samples = Vec::new();
    // The next is the comments, in which nothing is looked for (section 5.2).
    let mut tags_seen = false;
    while let Some(packet) = packets.read_packet().map_err(ReadOggError::Container)? {
        if packet.stream_serial() != serial {
            continue;
        }
        if !core::mem::replace(&mut tags_seen, true) {
            continue;
        }
        let decoded = decoder.decode(&packet.data, &mut room).map_err(ReadOggError::Packet)?;
        samples.extend_from_slice(&room[..decoded]);
        if samples.len() > SAMPLES_MAX {
            return Err(ReadOggError::TooLong);
        }
        if packet.last_in_stream() {
            // The end may lie within the last packet (section 4.4).
            let length = usize::try_from(packet.absgp_page()).unwrap_or(usize::MAX);
            samples.truncate(length);
            break;
        }
    }
    samples.drain(..usize::from(head.pre_skip).min(samples.len()));
    if head.gain != 0 {
        let factor = 10_f32.powf(f32::from(head.gain) / (20.0 * 256.0));
        for sample in &mut samples {
            // The conversion saturates.
            *sample = (f32::from(*sample) * factor).round() as i16;
        }
    }
    Ok(samples)
}
