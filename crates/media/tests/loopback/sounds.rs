//! Sounds of the operator's own: read from a file, and heard by whom they are for.

use std::io::Cursor;
use std::sync::Arc;

use confocal::conference::{Audience, LegId, MediaCommand, Sound};
use confocal::ports::MediaEngine as _;
use confocal_media::OwnSounds;
use confocal_mixer::{Encoder, EncoderSettings, MAX_PAYLOAD_BYTES};
use confocal_sound_files::{OggOpusWriter, read_ogg_opus};

use crate::bench::{Bench, CONFERENCE, FIRST, until};
use crate::caller::Caller;
use crate::{FAINT, LOUD, TONES, tone};

/// What is in a file that holds a tone for so many seconds.
fn file(tone: f64, seconds: u64) -> Arc<[i16]> {
    let mut encoder = Encoder::new(&EncoderSettings::default()).unwrap();
    let mut file = OggOpusWriter::new(Vec::new(), 1).unwrap();
    let mut room = [0; MAX_PAYLOAD_BYTES];
    for tick in 0..seconds * 50 {
        let bytes = encoder.encode(&tone::sine(tone, tick * 960), &mut room).unwrap();
        file.write(Some(&room[..bytes])).unwrap();
    }
    read_ogg_opus(Cursor::new(file.finish().unwrap())).unwrap().into()
}

fn play(to: Audience, sound: Sound) -> MediaCommand {
    MediaCommand::Play { conference: CONFERENCE, to, sound }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_caller_hears_the_operators_file() {
    let alone = Some(file(TONES[1], 2));
    let mut bench = Bench::with(|config| config.sounds = OwnSounds { alone, ..OwnSounds::default() });
    let mut caller = Caller::new(TONES[0]).await;
    bench.call(1, 1, &mut caller).await;
    until("silence comes", || caller.packets() > 20).await;
    assert!(caller.hears(TONES[1]) < FAINT);
    bench.engine.execute(play(Audience::Everyone, Sound::Alone));
    until("the file is heard", || caller.hears(TONES[1]) > LOUD).await;
    until("it is over", || caller.hears(TONES[1]) < FAINT).await;
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_caller_hears_music_until_someone_comes_and_again_when_they_have_gone() {
    // Shorter than what is waited for: it is played again and again.
    let (music, welcome) = (Some(file(TONES[2], 1)), Some(file(700.0, 2)));
    let sounds = OwnSounds { music, welcome, ..OwnSounds::default() };
    let mut bench = Bench::with(|config| config.sounds = sounds);
    let (mut lone, mut other) = (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await);
    bench.call(1, 1, &mut lone).await;
    until("music is heard", || lone.hears(TONES[2]) > LOUD).await;

    let to = Audience::Leg { leg: LegId(1), generation: FIRST };
    bench.engine.execute(play(to, Sound::Welcome));
    until("the welcome is heard, and no music", || lone.hears(700.0) > LOUD && lone.hears(TONES[2]) < FAINT)
        .await;
    until("music goes on", || lone.hears(700.0) < FAINT && lone.hears(TONES[2]) > LOUD).await;

    bench.call(2, 2, &mut other).await;
    until("the other is heard, and no music", || lone.hears(TONES[1]) > LOUD && lone.hears(TONES[2]) < FAINT)
        .await;
    assert!(other.hears(TONES[2]) < FAINT, "{}", other.hears(TONES[2]));
    bench.close(2);
    other.close().await;
    until("music is heard again", || lone.hears(TONES[2]) > LOUD).await;
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_welcome_that_there_is_none_of_is_silence() {
    let mut bench = Bench::new();
    let mut caller = Caller::new(TONES[0]).await;
    bench.call(1, 1, &mut caller).await;
    bench.engine.execute(play(Audience::Everyone, Sound::Welcome));
    bench.engine.execute(play(Audience::Everyone, Sound::Alone));
    // The lower note of the alone tone, which comes after it.
    const NOTE: f64 = 659.26;
    until("what comes after it is heard", || caller.hears(NOTE) > FAINT / 2.0).await;
    bench.engine.shutdown().await;
}
