//! A copied encoder goes on to the last bit as the one it was copied from.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod common;

use common::{Frame, voice};
use confocal_opus::{Bandwidth, CodecError, Encoder, EncoderSettings, MAX_PAYLOAD_BYTES};

fn encode(encoder: &mut Encoder, frames: &[Frame]) -> Vec<Vec<u8>> {
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    let one = |frame: &Frame| {
        let bytes = encoder.encode(frame, &mut payload).unwrap();
        payload[..bytes].to_vec()
    };
    frames.iter().map(one).collect()
}

#[test]
fn a_copy_encodes_the_same_bits_wherever_it_is_taken_and_outlives_its_source() {
    let frames = voice(120.0, 150);
    for settings in [
        EncoderSettings::default(),
        EncoderSettings {
            inband_fec: true,
            expected_loss_percent: 10,
            complexity: 10,
            ..EncoderSettings::default()
        },
        EncoderSettings { bitrate: 96_000, complexity: 0, ..EncoderSettings::default() },
    ] {
        let whole = encode(&mut Encoder::new(&settings).unwrap(), &frames);
        for at in [1, 7, 20, 33, 100] {
            let mut source = Encoder::new(&settings).unwrap();
            encode(&mut source, &frames[..at]);
            // One that was busy with something else, under other settings.
            let mut copy =
                Encoder::new(&EncoderSettings { bitrate: 16_000, ..EncoderSettings::default() }).unwrap();
            encode(&mut copy, &voice(200.0, 10));
            copy.copy_from(&source);
            // What the source does next, and that it is gone, is nothing to the copy.
            encode(&mut source, &voice(90.0, 5));
            drop(source);
            assert!(
                encode(&mut copy, &frames[at..]) == whole[at..],
                "copied at frame {at} with {settings:?}"
            );
        }
        let fresh = encode(&mut Encoder::new(&settings).unwrap(), &frames[100..]);
        assert!(fresh != whole[100..], "which a fresh encoder does not");
    }
}

#[test]
fn settings_can_change_on_the_way() {
    let frames = voice(120.0, 100);
    let mut encoder = Encoder::new(&EncoderSettings::default()).unwrap();
    let bytes = |payloads: Vec<Vec<u8>>| payloads.iter().map(Vec::len).sum::<usize>();
    let usual = bytes(encode(&mut encoder, &frames[..50]));
    encoder.configure(&EncoderSettings { bitrate: 12_000, ..EncoderSettings::default() }).unwrap();
    let less = bytes(encode(&mut encoder, &frames[50..]));
    assert!(less * 2 < usual, "{usual} bytes, then {less}");

    encoder.reset().unwrap();
    encoder
        .configure(&EncoderSettings { bandwidth: Bandwidth::Narrow, ..EncoderSettings::default() })
        .unwrap();
    let narrow = encode(&mut encoder, &frames);
    // RFC 6716 section 3.1, table 2: configurations 0 to 3 are SILK narrowband.
    assert!(narrow.iter().skip(5).all(|payload| payload[0] >> 3 <= 3), "narrowband");
}

#[test]
fn what_is_out_of_range_is_refused() {
    let settings = EncoderSettings { complexity: 11, ..EncoderSettings::default() };
    assert!(matches!(Encoder::new(&settings), Err(CodecError::Setup(_))));
    let mut encoder = Encoder::new(&EncoderSettings::default()).unwrap();
    let mut payload = [0; MAX_PAYLOAD_BYTES];
    assert!(matches!(encoder.encode(&[0; 961], &mut payload), Err(CodecError::Encode(_))));
    assert!(matches!(encoder.encode(&[], &mut payload), Err(CodecError::Encode(_))));
}
