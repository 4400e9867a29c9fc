//! Whether a picture is seen when its sound is heard, forwarded and composed: by a flash and a beep at a time, through Chromium.

use std::time::Duration;

use confocal_testing::parts::{MediaLine, free_port};
use serde_json::{Value, json};

use crate::people::People;
use crate::pictures::{BLUE, join_with, mute, sees};

/// Flashes and beeps that are measured, one a second; and in a test of every run.
const MOMENTS: usize = 30;
const FEW: usize = 15;

/// Flashes and beeps that come before those of a measurement: in so many seconds Chromium has moved sound and picture to where they
/// belong, by a few hundredths of a second each.
const SETTLING: usize = 15;

/// How far from its sound a picture may be, in ms either way: half of them, and nearly all.
const HALF: f64 = 60.0;
const NEARLY_ALL: f64 = 100.0;

/// The middle of the picture, and that of the left one of two.
const MIDDLE: [f64; 2] = [0.5, 0.5];
const LEFT: [f64; 2] = [0.25, 0.5];

/// For how long packets of sound are held up at the most, where they are.
const JITTER: Duration = Duration::from_millis(100);

/// One who flashes and beeps, and one who looks and listens.
async fn people(name: &str, settings: &str) -> People {
    let sender = json!({ "colour": "rgb(16 48 224)", "flashes": true });
    let people = People::in_room_with(name, settings, &[sender, Value::Null]).await;
    join_with(&people, 0, json!({ "camera": true })).await;
    join_with(&people, 1, json!({ "watch": true })).await;
    mute(&people, 1, true).await;
    sees(&people, 1, BLUE).await;
    people
}

/// Measures how much later than heard so many flashes at a point of the picture are seen, in ms.
async fn lips(people: &People, count: usize, point: [f64; 2]) -> Vec<f64> {
    let what = json!({ "count": count, "point": point });
    let patience = Duration::from_secs(3 * count as u64);
    let skews = people.people[1].page.run("return person.lips(args)", &what, patience).await.unwrap();
    let skews: Vec<f64> = skews.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert_eq!(skews.len(), count);
    skews
}

/// How far off half of them are at the most, and 95 %, in ms; written down, with what the browser itself thinks of the last one.
async fn off(people: &People, skews: &[f64], layout: &str) -> (f64, f64) {
    let mut off: Vec<f64> = skews.iter().map(|skew| skew.abs()).collect();
    off.sort_unstable_by(f64::total_cmp);
    let (half, nearly_all) = (off[off.len() / 2], off[off.len() * 95 / 100]);
    let believed = people.ask(1, "return await person.skew()", Value::Null).await;
    let figures = format!(
        "half within {half} ms, 95 % within {nearly_all} ms: {skews:?}; the browser says: {believed} ms\n"
    );
    std::fs::write(people.world.directory.join(format!("lips-{layout}.txt")), figures).unwrap();
    (half, nearly_all)
}

#[tokio::test]
async fn a_flash_is_seen_when_its_beep_is_heard() {
    let people = people("lips", "").await;
    let skews = lips(&people, FEW, MIDDLE).await;
    // On two cores the browsers that send and see may be late themselves now and then.
    let (half, _) = off(&people, &skews, "speaker").await;
    assert!(half <= HALF, "{half} ms: {skews:?}");
}

/// Measures either layout.
async fn measure(people: &People) {
    for (layout, point) in [("speaker", MIDDLE), ("grid", LEFT)] {
        people.users[0].say(&people.room, &format!("!conference layout {layout}")).await.unwrap();
        let skews = lips(people, SETTLING + MOMENTS, point).await.split_off(SETTLING);
        let (half, nearly_all) = off(people, &skews, layout).await;
        assert!(half <= HALF && nearly_all <= NEARLY_ALL, "{layout}: {half} ms, {nearly_all} ms: {skews:?}");
    }
}

#[ignore = "a measurement for a quiet machine: cargo test ... --test real -- --ignored lips"]
#[tokio::test]
async fn nearly_each_flash_is_seen_when_its_beep_is_heard_in_either_layout() {
    measure(&people("lips-measured", "").await).await;
}

#[ignore = "a measurement for a quiet machine: cargo test ... --test real -- --ignored lips"]
#[tokio::test]
async fn so_it_is_where_sound_is_held_up_on_its_way_and_pictures_are_not() {
    let port = free_port().unwrap();
    // The focus is behind an address that is not its own, and goes no other way.
    let settings = format!(
        "[media]\nlisten = [\"{}\"]\nports = [{port}, {port}]\nadvertise_address = \"{}\"\nice_lite = true\n",
        MediaLine::BACK,
        MediaLine::FRONT
    );
    let _line = MediaLine::start(port, JITTER).await.unwrap();
    measure(&people("lips-jitter", &settings).await).await;
}
