//! A moderator has a conference recorded: everyone is told, and what was said is in a file.

use std::f64::consts::TAU;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;

use confocal_sound_files::read_ogg_opus;
use confocal_testing::parts::Levels;

use crate::world::{SOON, World, direct_room_of, eventually, notice};

const OWNER: f64 = 437.0;
const GUEST: f64 = 631.0;

#[tokio::test]
async fn a_moderator_records_and_what_was_said_is_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let settings = format!("[recording]\ndirectory = {:?}", directory.path().to_str().unwrap());
    let world = World::start("recording", &settings).await;
    let (owner, guest) = (world.user("owner").await, world.user("guest").await);
    let room = world.group_room(&[&owner, &guest]).await;
    let mut owners = world.caller(&owner, &room, OWNER, &[GUEST]).await;
    let audible = |levels: &Levels| levels.tone(GUEST) > -45.0;

    guest.say(&room, "!conference record").await.unwrap();
    notice(&guest, &room, "Only moderators").await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    owner.say(&room, "!conference record").await.unwrap();
    notice(&owner, &room, &format!("recorded from now on: {}", owner.user_id)).await;
    // Who comes later is told, too.
    let _guests = world.caller(&guest, &room, GUEST, &[OWNER]).await;
    notice(&guest, &direct_room_of(&guest, &room).await, "recorded, you too").await;
    owners.hears("the guest", SOON, audible).await.unwrap();
    guest.say(&room, "!conference who").await.unwrap();
    notice(&guest, &room, "has it recorded").await;
    let file = || fs::read_dir(directory.path()).unwrap().next().map(|entry| entry.unwrap().path());
    let long_enough =
        || file().and_then(|path| fs::metadata(path).ok()).is_some_and(|file| file.len() > 12_000);
    eventually("something is in the file", SOON, async || long_enough()).await;
    owner.say(&room, "!conference record stop").await.unwrap();
    notice(&guest, &room, &format!("{} has stopped it", owner.user_id)).await;

    let path = file().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let read = || read_ogg_opus(File::open(&path).unwrap()).unwrap();
    eventually("both are heard in the file", SOON, async || {
        let samples = read();
        let last = samples.len().saturating_sub(48_000);
        [OWNER, GUEST].iter().all(|&tone| amplitude(&samples[last..], tone) > 0.02)
    })
    .await;
    let samples = read();
    assert!(amplitude(&samples[samples.len() - 48_000..], 1013.0) < 0.005);
}

/// The amplitude of a frequency in samples at 48 kHz, 1 being full scale (Goertzel's algorithm).
fn amplitude(samples: &[i16], hertz: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hertz / 48_000.0).cos();
    let (mut before, mut last) = (0.0, 0.0);
    for sample in samples {
        let next = f64::from(*sample) / 32_768.0 + coefficient * last - before;
        (before, last) = (last, next);
    }
    let power = last * last + before * before - coefficient * last * before;
    2.0 * power.max(0.0).sqrt() / samples.len().max(1) as f64
}
