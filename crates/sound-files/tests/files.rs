//! Recordings and what is played, written and read again.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::io::Cursor;

use confocal_mixer::{Encoder, EncoderSettings, FRAME_SAMPLES, MAX_PAYLOAD_BYTES, Sink as _};
use confocal_sound_files::{
    Drained, OggOpusWriter, ReadOggError, ReadWavError, queue, read_ogg_opus, read_wav,
};

fn tone(tick: usize) -> Vec<i16> {
    (tick * FRAME_SAMPLES..(tick + 1) * FRAME_SAMPLES)
        .map(|n| ((n as f64 * 440.0 * core::f64::consts::TAU / 48_000.0).sin() * 8000.0) as i16)
        .collect()
}

/// Packets of a tone.
fn packets(ticks: usize) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(&EncoderSettings::default()).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    (0..ticks)
        .map(|tick| {
            let bytes = encoder.encode(&tone(tick), &mut payload).unwrap();
            payload[..bytes].to_vec()
        })
        .collect()
}

fn rms(samples: &[i16]) -> f64 {
    (samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>() / samples.len() as f64).sqrt()
}

/// The pages of an Ogg file as RFC 3533 section 6 has them: flags, position, segment table, and the payload.
fn pages(mut file: &[u8]) -> Vec<(u8, u64, Vec<u8>, Vec<u8>)> {
    let mut pages = Vec::new();
    let mut number = 0;
    while !file.is_empty() {
        assert_eq!((&file[..4], file[4]), (b"OggS".as_slice(), 0));
        assert_eq!(u32::from_le_bytes(file[14..18].try_into().unwrap()), 77, "the serial");
        assert_eq!(u32::from_le_bytes(file[18..22].try_into().unwrap()), number);
        number += 1;
        let segments = usize::from(file[26]);
        let table = file[27..27 + segments].to_vec();
        let bytes: usize = table.iter().map(|&bytes| usize::from(bytes)).sum();
        let (page, rest) = file.split_at(27 + segments + bytes);
        assert_eq!(u32::from_le_bytes(page[22..26].try_into().unwrap()), crc(page));
        let position = u64::from_le_bytes(page[6..14].try_into().unwrap());
        pages.push((page[5], position, table, page[27 + segments..].to_vec()));
        file = rest;
    }
    pages
}

/// RFC 3533 section 6, field 7: polynomial 0x04c11db7, over the page with this field zero.
fn crc(page: &[u8]) -> u32 {
    let mut crc = 0_u32;
    for (n, &byte) in page.iter().enumerate() {
        crc ^= u32::from(if (22..26).contains(&n) { 0 } else { byte }) << 24;
        for _ in 0..8 {
            crc = if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 };
        }
    }
    crc
}

#[test]
fn a_recording_has_the_pages_of_the_standard() {
    let mut writer = OggOpusWriter::new(Vec::new(), 77).unwrap();
    for packet in packets(120) {
        writer.write(Some(&packet)).unwrap();
    }
    assert_eq!(writer.samples(), 120 * 960);
    let file = writer.finish().unwrap();
    let pages = pages(&file);
    let (flags, position, _, head) = &pages[0];
    assert_eq!((*flags, *position), (2, 0), "the first page alone begins the stream");
    // RFC 7845 section 5.1: version, channels, pre-skip, rate, gain, family.
    assert_eq!(head, b"OpusHead\x01\x01\x00\x0f\x80\xbb\x00\x00\x00\x00\x00");
    assert!(pages[1].3.starts_with(b"OpusTags\x08\0\0\0confocal\0\0\0\0") && pages[1].1 == 0);
    let ends: Vec<_> = pages[2..].iter().map(|(flags, position, ..)| (*flags, *position)).collect();
    assert_eq!(ends, [(0, 48_000), (0, 96_000), (4, 115_200)], "a second a page, and the end marked");
}

#[test]
fn what_is_written_is_read_again() {
    let mut writer = OggOpusWriter::new(Vec::new(), 77).unwrap();
    for packet in packets(150) {
        writer.write(Some(&packet)).unwrap();
    }
    let samples = read_ogg_opus(Cursor::new(writer.finish().unwrap())).unwrap();
    assert_eq!(samples.len(), 150 * 960 - 3840);
    assert!((rms(&samples) - 8000.0 / 2_f64.sqrt()).abs() < 300.0, "{}", rms(&samples));
}

#[test]
fn silence_is_written_as_time() {
    let mut writer = OggOpusWriter::new(Vec::new(), 77).unwrap();
    writer.write(None).unwrap();
    for (tick, packet) in packets(200).iter().enumerate() {
        writer.write(Some(packet).filter(|_| !(60..140).contains(&tick)).map(Vec::as_slice)).unwrap();
    }
    let samples = read_ogg_opus(Cursor::new(writer.finish().unwrap())).unwrap();
    assert_eq!(samples.len(), 201 * 960 - 3840);
    assert!(rms(&samples[20 * 960..50 * 960]) > 5000.0 && rms(&samples[160 * 960..]) > 5000.0);
    assert!(samples[65 * 960..130 * 960].iter().all(|sample| sample.abs() < 3), "silence itself");
}

#[test]
fn a_file_that_was_cut_off_is_read_as_far_as_it_goes_and_nonsense_refused() {
    let mut writer = OggOpusWriter::new(Vec::new(), 77).unwrap();
    for packet in packets(150) {
        writer.write(Some(&packet)).unwrap();
    }
    let file = writer.finish().unwrap();
    let second = pages(&file)[..4].iter().map(|(_, _, table, data)| 27 + table.len() + data.len()).sum();
    let samples = read_ogg_opus(Cursor::new(&file[..second])).unwrap();
    assert_eq!(samples.len(), 100 * 960 - 3840);
    assert!(matches!(
        read_ogg_opus(Cursor::new(b"")),
        Err(ReadOggError::NotOpus | ReadOggError::Container(_))
    ));
    assert!(matches!(read_ogg_opus(Cursor::new([7; 5000])), Err(ReadOggError::Container(_))));
    let mut damaged = file.clone();
    damaged[second / 2] ^= 1;
    assert!(matches!(read_ogg_opus(Cursor::new(&damaged)), Err(ReadOggError::Container(_))));
}

#[test]
fn the_sink_never_waits_and_what_finds_no_room_becomes_silence() {
    let (mut sink, mut recording) = queue(50);
    let mut writer = OggOpusWriter::new(Vec::new(), 77).unwrap();
    for (tick, packet) in packets(200).iter().enumerate() {
        sink.take(Some(packet).filter(|_| tick != 5).map(Vec::as_slice));
        // The writer is away from tick 40 to 120, which is more than there is room for.
        if !(40..120).contains(&tick) {
            assert_eq!(recording.drain(&mut writer).unwrap(), Drained::Open);
        }
    }
    // The sink goes first, so of the 81 ticks up to the next look 31 find no room.
    assert_eq!(recording.left_out(), 31);
    drop(sink);
    assert_eq!(recording.drain(&mut writer).unwrap(), Drained::Ended);
    let samples = read_ogg_opus(Cursor::new(writer.finish().unwrap())).unwrap();
    assert_eq!(samples.len(), 200 * 960 - 3840);
    // From tick 89 on there was no room; 80 ms less are in the file.
    assert!(samples[90 * 960..115 * 960].iter().all(|sample| sample.abs() < 3), "silence itself");
    assert!(rms(&samples[60 * 960..80 * 960]) > 5000.0 && rms(&samples[125 * 960..]) > 5000.0);
}

#[test]
fn wav_files_are_read_if_they_are_of_the_mixers_rate() {
    let write = |channels, sample_rate, samples: &[i16]| {
        let mut file = Cursor::new(Vec::new());
        let spec = hound::WavSpec {
            channels,
            sample_rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
        samples.iter().for_each(|&sample| writer.write_sample(sample).unwrap());
        writer.finalize().unwrap();
        file.into_inner()
    };
    assert_eq!(read_wav(&*write(1, 48_000, &[1, -2, 3])).unwrap(), [1, -2, 3]);
    assert_eq!(read_wav(&*write(2, 48_000, &[10, 20, i16::MAX, i16::MAX])).unwrap(), [15, i16::MAX]);
    assert!(matches!(
        read_wav(&*write(1, 44_100, &[1])),
        Err(ReadWavError::Format { rate: 44_100, bits: 16, channels: 1 })
    ));
    assert!(matches!(read_wav(b"RIFF".as_slice()), Err(ReadWavError::Container(_))));
}
