//! How much memory a codec takes: there is one of them for each who is heard, and one for each who hears something else.
#![allow(clippy::unwrap_used, reason = "a failure here is a failed test")]

use confocal_opus::{Decoder, Encoder, EncoderSettings, StereoDecoder, StereoEncoder};
use confocal_testing::counting::{Counting, bytes};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What is allocated by making one, in bytes.
fn taken<T>(make: impl FnOnce() -> T) -> i64 {
    let before = bytes();
    let made = make();
    let taken = bytes() - before;
    drop(made);
    taken
}

/// libopus's feature `dred` brings the network of deep concealment, and an encoder of deep redundancy with it, which would take 77 kB
/// in each encoder of ours and is never used. `.cargo/config.toml` leaves it out, and ARCHITECTURE.md says how.
#[test]
fn no_encoder_has_one_of_deep_redundancy_in_it() {
    let settings = EncoderSettings::default();
    let mono = taken(|| Encoder::new(&settings).unwrap());
    let stereo = taken(|| StereoEncoder::new(&settings).unwrap());
    let advice = "is libopus built with HOST_CFLAGS and TARGET_CFLAGS of .cargo/config.toml? A build of before is still in use until \
                  `cargo clean -p opusic-sys`";
    // 31,668 bytes without it, by libopus itself, and 109 kB with it.
    assert!((25_000..40_000).contains(&mono), "{mono} bytes of an encoder: {advice}");
    assert!((mono..77_000).contains(&stereo), "{stereo} bytes of an encoder of two channels: {advice}");
}

/// The network's memory of what was heard is in each decoder: 69 kB, which is what deep concealment costs.
#[test]
fn a_decoder_has_the_network_and_little_else() {
    let mono = taken(|| Decoder::new().unwrap());
    let stereo = taken(|| StereoDecoder::new().unwrap());
    assert!((70_000..95_000).contains(&mono), "{mono} bytes of a decoder");
    assert!((mono..mono + 20_000).contains(&stereo), "{stereo} bytes of a decoder of two channels");
}
