//! Recordings and sounds: what was said is in a file, and what is played is heard.

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;

use confocal::conference::{
    Audience, LegId, MediaCommand, MediaReport, RecordingFailure, RecordingId, Sound,
};
use confocal::ports::MediaEngine as _;
use confocal_media::RecordingConfig;
use confocal_sound_files::read_ogg_opus;

use crate::bench::{Bench, CONFERENCE, FIRST, until};
use crate::caller::Caller;
use crate::tone::amplitude;
use crate::{FAINT, LOUD, TONES};

const RECORD: MediaCommand = MediaCommand::Record { conference: CONFERENCE, recording: RecordingId(1) };
const STOP: MediaCommand = MediaCommand::StopRecording { conference: CONFERENCE, recording: RecordingId(1) };

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_is_in_a_file_that_only_its_owner_reads() {
    let directory = tempfile::tempdir().unwrap();
    let recordings = RecordingConfig { directory: directory.path().to_owned(), keep: None };
    let mut bench = Bench::with(|config| config.recordings = Some(recordings));
    let mut caller = Caller::new(TONES[0]).await;
    bench.call(1, 1, &mut caller).await;
    let received = |bench: &Bench| bench.engine.leg_stats(LegId(1)).map_or(0, |stats| stats.link.received);
    until("sound comes", || received(&bench) > 0).await;
    bench.engine.execute(RECORD);
    let before = received(&bench);
    until("two seconds are recorded", || received(&bench) > before + 100).await;
    bench.engine.execute(STOP);
    assert!(bench.rest().iter().all(|report| !matches!(report, MediaReport::RecordingFailed { .. })));
    bench.engine.shutdown().await;
    let files: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(std::fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let samples = read_ogg_opus(File::open(&files[0]).unwrap()).unwrap();
    assert!(samples.len() > 48_000, "{} samples", samples.len());
    let second = &samples[samples.len() - 48_000..];
    assert!(amplitude(second, TONES[0]) > LOUD && amplitude(second, TONES[1]) < FAINT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_without_a_place_fails_and_says_so() {
    let mut bench = Bench::new();
    bench.engine.execute(RECORD);
    let why = bench.wait_for("the failure", |report| match report {
        MediaReport::RecordingFailed { recording: RecordingId(1), why, .. } => Some(*why),
        _ => None,
    });
    assert_eq!(why.await, RecordingFailure::NoPlace);
    bench.engine.execute(STOP);
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_is_heard_by_whom_it_is_for() {
    let mut bench = Bench::new();
    let (mut one, mut other) = (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await);
    bench.call(1, 1, &mut one).await;
    bench.call(2, 2, &mut other).await;
    // The highest note of those for recordings, twice: 240 ms.
    const NOTE: f64 = 1174.66;
    let play = |to| MediaCommand::Play { conference: CONFERENCE, to, sound: Sound::Recording };
    until("they hear each other", || one.hears(TONES[1]) > LOUD && other.hears(TONES[0]) > LOUD).await;
    bench.engine.execute(play(Audience::Leg { leg: LegId(1), generation: FIRST }));
    until("the one hears it", || one.hears(NOTE) > FAINT / 2.0).await;
    assert!(other.hears(NOTE) < FAINT / 2.0, "{}", other.hears(NOTE));
    bench.engine.execute(play(Audience::Everyone));
    until("the other hears it", || other.hears(NOTE) > FAINT / 2.0).await;
    bench.engine.shutdown().await;
}
