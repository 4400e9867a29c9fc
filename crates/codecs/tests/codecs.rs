//! Encoders and decoders together: how good pictures are, when key frames come, what bitrates do, and what hostile frames do not do.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use confocal_codecs::{CodecError, EncoderConfig, PictureDecoder, PictureEncoder, Vp8Decoder, Vp8Encoder};
#[cfg(feature = "h264")]
use confocal_codecs::{H264Decoder, H264Encoder};
use confocal_pictures::quality::psnr;
use confocal_pictures::test_picture::moving;
use confocal_pictures::{Canvas, Fit, I420, Layout, Shown, TestPicture, Tile, arrange};

const FRAME_RATE: u32 = 25;
const STEP: u32 = 90_000 / FRAME_RATE;

type Codec = (&'static str, fn(EncoderConfig) -> Box<dyn PictureEncoder>, fn() -> Box<dyn PictureDecoder>);

const CODECS: &[Codec] = &[
    ("VP8", |config| Box::new(Vp8Encoder::new(config).unwrap()), || Box::new(Vp8Decoder::new().unwrap())),
    #[cfg(feature = "h264")]
    ("H.264", |config| Box::new(H264Encoder::new(config).unwrap()), || Box::new(H264Decoder::new().unwrap())),
];

const fn config(width: u32, height: u32, bitrate: u32) -> EncoderConfig {
    EncoderConfig { width, height, bitrate, frame_rate: FRAME_RATE }
}

/// The first frames of the moving clip, encoded; key frames are asked for at those numbers.
fn clip(codec: &Codec, config: EncoderConfig, frames: u32, key_frames: &[u32]) -> Vec<(Vec<u8>, bool)> {
    let mut encoder = codec.1(config);
    let mut picture = I420::new(config.width, config.height).unwrap();
    let mut encoded = Vec::new();
    for number in 0..frames {
        moving(&mut picture, number);
        let made = encoder.encode(&picture, number.wrapping_mul(STEP), key_frames.contains(&number)).unwrap();
        if let Some(made) = made {
            encoded.push((made.data.to_vec(), made.key_frame));
        }
    }
    encoded
}

#[test]
fn every_tier_is_good_on_a_moving_clip_and_keeps_its_bitrate() {
    for codec in CODECS {
        // 2 dB below what VP8 was measured to have, which is below H.264 each time.
        for (width, height, bitrate, least) in
            [(320, 180, 140_000, 41.5), (640, 360, 500_000, 43.5), (1280, 720, 1_200_000, 43.5)]
        {
            let config = config(width, height, bitrate);
            let (mut encoder, mut decoder) = (codec.1(config), codec.2());
            let (mut picture, mut back) = (I420::new(width, height).unwrap(), I420::new(2, 2).unwrap());
            let (mut sum, mut shown, mut bytes) = (0.0, 0, 0);
            for number in 0..50 {
                moving(&mut picture, number);
                let Some(made) = encoder.encode(&picture, number * STEP, false).unwrap() else { continue };
                bytes += made.data.len();
                assert!(decoder.decode(made.data, &mut back).unwrap(), "{}", codec.0);
                assert_eq!(back.size(), (width, height));
                sum += psnr(&picture, &back).unwrap();
                shown += 1;
            }
            let (mean, bits) = (sum / f64::from(shown), bytes * 8 / 2);
            println!("{} {width}x{height}: {mean:.1} dB, {bits} bit/s, {shown} of 50 pictures", codec.0);
            assert!(mean >= least, "{} {width}x{height}: {mean} dB", codec.0);
            // The first key frame may cost as much as a third of a second.
            assert!(bits <= bitrate as usize * 4 / 3, "{} {width}x{height}: {bits} bit/s", codec.0);
            assert!(shown >= 45, "{} {width}x{height}: {shown} pictures", codec.0);
        }
    }
}

#[test]
fn key_frames_come_first_and_where_they_are_asked_for_and_nowhere_else() {
    for codec in CODECS {
        let mut encoder = codec.1(config(320, 180, 300_000));
        let mut picture = I420::new(320, 180).unwrap();
        let mut came = Vec::new();
        for number in 0..40_u32 {
            // A new scene at 20, which is no reason for one.
            moving(&mut picture, number + number / 20 * 5000);
            if number >= 20 {
                picture.planes_mut()[0].0.iter_mut().for_each(|pixel| *pixel = 251 - *pixel);
            }
            let made = encoder.encode(&picture, number * STEP, [7, 30].contains(&number)).unwrap();
            if made.is_some_and(|made| made.key_frame) {
                came.push(number);
            }
        }
        assert_eq!(came, [0, 7, 30], "{}", codec.0);
    }
}

#[test]
fn the_bitrate_follows_down_and_up_without_a_key_frame() {
    for codec in CODECS {
        let mut encoder = codec.1(config(640, 360, 600_000));
        let mut picture = I420::new(640, 360).unwrap();
        let mut noise = 1_u32;
        let mut measured = Vec::new();
        for (phase, bitrate) in [(0, 600_000), (1, 200_000), (2, 1_000_000)] {
            encoder.set_bitrate(bitrate).unwrap();
            let mut bytes = 0;
            for number in phase * 75..phase * 75 + 75 {
                moving(&mut picture, number * 2);
                // Something that takes all bits that there are.
                for pixel in picture.planes_mut()[0].0.iter_mut().step_by(3) {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *pixel = pixel.saturating_add((noise >> 28) as u8);
                }
                let made = encoder.encode(&picture, number * STEP, false).unwrap();
                if let Some(made) = made {
                    assert_eq!(made.key_frame, number == 0, "{}", codec.0);
                    // The second after the change may be of both.
                    bytes += if number % 75 >= 25 { made.data.len() } else { 0 };
                }
            }
            measured.push((f64::from(bitrate), bytes as f64 * 8.0 / 2.0));
        }
        println!("{}: {measured:?}", codec.0);
        for (wanted, got) in &measured {
            assert!((wanted * 0.6..wanted * 1.3).contains(got), "{}: {measured:?}", codec.0);
        }
    }
}

#[test]
fn settings_and_pictures_out_of_bounds_are_refused_by_name() {
    for (config, wanted) in [
        (config(321, 180, 100_000), None),
        (config(1922, 2, 100_000), None),
        (config(320, 180, 9_999), Some(CodecError::Bitrate(9_999))),
        (config(320, 180, 10_000_001), Some(CodecError::Bitrate(10_000_001))),
        (EncoderConfig { frame_rate: 0, ..config(320, 180, 100_000) }, Some(CodecError::FrameRate(0))),
    ] {
        let error = Vp8Encoder::new(config).err().unwrap();
        assert!(wanted.map_or(matches!(error, CodecError::Size(_)), |wanted| error == wanted), "{error}");
    }
    for codec in CODECS {
        let mut encoder = codec.1(config(320, 180, 100_000));
        let other = I420::new(322, 180).unwrap();
        let error = encoder.encode(&other, 0, false).unwrap_err();
        assert_eq!(error, CodecError::OtherSize { wanted: (320, 180), got: (322, 180) });
        assert_eq!(encoder.set_bitrate(1), Err(CodecError::Bitrate(1)));
    }
}

#[test]
fn a_decoder_begins_with_a_key_frame_and_again_after_an_error() {
    for codec in CODECS {
        let frames = clip(codec, config(320, 180, 300_000), 12, &[8]);
        let (mut decoder, mut picture) = (codec.2(), I420::new(2, 2).unwrap());
        assert_eq!(
            decoder.decode(&frames[1].0, &mut picture),
            Err(CodecError::KeyFrameWanted),
            "{}",
            codec.0
        );
        assert_eq!(picture.size(), (2, 2));
        assert!(decoder.decode(&frames[0].0, &mut picture).unwrap());
        assert!(decoder.decode(&frames[1].0, &mut picture).unwrap());
        assert!(matches!(decoder.decode(&[], &mut picture), Err(CodecError::Malformed(_))));
        assert_eq!(
            decoder.decode(&frames[2].0, &mut picture),
            Err(CodecError::KeyFrameWanted),
            "{}",
            codec.0
        );
        let key_frame = frames.iter().rposition(|(_, key_frame)| *key_frame).unwrap();
        assert!(key_frame > 0 && decoder.decode(&frames[key_frame].0, &mut picture).unwrap());
    }
}

#[test]
fn a_picture_that_is_too_large_never_reaches_libvpx() {
    let mut frame = clip(&CODECS[0], config(320, 180, 300_000), 1, &[])[0].0.clone();
    let mut picture = I420::new(2, 2).unwrap();
    for (width, height) in [(16_383, 16_383), (1920, 1090), (1922, 16), (0, 180), (1, 1)] {
        frame[6..8].copy_from_slice(&u16::to_le_bytes(width));
        frame[8..10].copy_from_slice(&u16::to_le_bytes(height));
        let refused = Vp8Decoder::new().unwrap().decode(&frame, &mut picture);
        assert!(matches!(refused, Err(CodecError::Size(_))), "{width}x{height}: {refused:?}");
    }
}

#[test]
fn a_stream_may_change_its_size_at_a_key_frame() {
    for codec in CODECS {
        let (mut decoder, mut picture) = (codec.2(), I420::new(2, 2).unwrap());
        for (width, height) in [(320, 180), (640, 360), (180, 320), (322, 182)] {
            for (frame, _) in clip(codec, config(width, height, 500_000), 3, &[]) {
                assert!(decoder.decode(&frame, &mut picture).unwrap(), "{} {width}x{height}", codec.0);
                assert_eq!(picture.size(), (width, height));
            }
        }
    }
}

#[test]
fn broken_frames_are_errors_or_pictures_and_nothing_worse() {
    for codec in CODECS {
        let frames = clip(codec, config(320, 180, 300_000), 6, &[]);
        let mut state = 0x9e37_79b9_u32;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as usize % below.max(1)
        };
        let mut picture = I420::new(2, 2).unwrap();
        let mut refused = 0;
        for _ in 0..300 {
            let mut decoder = codec.2();
            for (frame, _) in &frames {
                let mut frame = frame.clone();
                for _ in 0..random(4) {
                    match random(4) {
                        0 => frame.truncate(random(frame.len())),
                        1 => frame.extend_from_within(..random(frame.len())),
                        // The headers are where it hurts.
                        2 if frame.len() > 1 => {
                            let at = random(frame.len().min(40));
                            frame[at] = random(256) as u8;
                        }
                        _ if frame.len() > 1 => {
                            let at = random(frame.len());
                            frame[at] ^= 1 << random(8);
                        }
                        _ => {}
                    }
                }
                refused += u32::from(decoder.decode(&frame, &mut picture).is_err());
            }
        }
        println!("{}: {refused} of 1800 refused", codec.0);
        assert!(refused > 300, "{}: {refused}", codec.0);
    }
}

#[test]
fn test_pictures_are_read_from_small_tiles_at_low_bitrates() {
    for codec in CODECS {
        // Tiles of 160x90 both times: four of them at 140 kbit/s, sixteen at 500.
        for (people, width, height, bitrate) in [(4_u8, 320, 180, 140_000), (16, 640, 360, 500_000)] {
            let ids: Vec<u8> = (0..people).collect();
            let mut places = Vec::new();
            arrange(Layout::Grid, &ids, &[], (width, height), &mut places);
            let (mut encoder, mut decoder) = (codec.1(config(width, height, bitrate)), codec.2());
            let mut canvas = Canvas::new(width, height).unwrap();
            let mut pictures = vec![I420::new(320, 180).unwrap(); usize::from(people)];
            let mut back = I420::new(2, 2).unwrap();
            let (mut read, mut all) = (0, 0);
            for number in 0..50_u16 {
                for (id, picture) in ids.iter().zip(&mut pictures) {
                    TestPicture { colour: *id, number: number * 16 + u16::from(*id) }.draw(picture);
                }
                let tiles: Vec<Tile<'_>> = places
                    .iter()
                    .zip(&pictures)
                    .map(|(place, picture)| {
                        let Shown::Person(id) = place.shown else { unreachable!("no screen") };
                        let (rect, picture) = (place.rect, Some((picture, u64::from(number))));
                        let (muted, speaking) = (id % 3 == 0, id % 3 == 1);
                        Tile {
                            id: id.into(),
                            rect,
                            picture,
                            fit: Fit::Crop,
                            name: "Ann Lee",
                            muted,
                            speaking,
                        }
                    })
                    .collect();
                canvas.compose(&tiles);
                let Some(made) = encoder.encode(canvas.picture(), u32::from(number) * STEP, false).unwrap()
                else {
                    continue;
                };
                assert!(decoder.decode(made.data, &mut back).unwrap());
                for tile in &tiles {
                    let wanted =
                        TestPicture { colour: tile.id as u8 % 12, number: number * 16 + tile.id as u16 };
                    let got = TestPicture::read(&back, tile.rect);
                    assert!(got.is_none() || got == Some(wanted), "{}: {got:?} for {wanted:?}", codec.0);
                    read += u32::from(got.is_some());
                    all += 1;
                }
            }
            println!("{} {people} tiles of {width}x{height}: {read} of {all} read", codec.0);
            assert!(read * 100 >= all * 95, "{} {people} tiles: {read} of {all} read", codec.0);
        }
    }
}

#[cfg(feature = "h264")]
#[test]
fn h264_is_constrained_baseline_of_level_3_1_with_its_parameter_sets_in_each_key_frame() {
    for (frame, key_frame) in clip(&CODECS[1], config(1280, 720, 1_200_000), 6, &[3]) {
        let sets = frame.windows(4).position(|window| window[..3] == [0, 0, 1] && window[3] & 0x1f == 7);
        assert_eq!(sets.is_some(), key_frame);
        if let Some(at) = sets {
            // profile_idc, constraint_set1_flag (section A.2.1), level_idc.
            assert_eq!((frame[at + 4], frame[at + 5] & 0x40, frame[at + 6]), (0x42, 0x40, 0x1f));
        }
    }
}
