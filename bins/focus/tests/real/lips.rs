//! Whether a picture is seen when its sound is heard, forwarded and composed: by a flash and a beep at a time, through Chromium.

use std::time::Duration;

use serde_json::{Value, json};

use crate::people::People;
use crate::pictures::{BLUE, join_with, mute, sees};

/// Flashes and beeps, one a second.
const MOMENTS: usize = 30;

/// How far from its sound a picture may be, in ms either way: half of them, and nearly all.
const HALF: f64 = 60.0;
const NEARLY_ALL: f64 = 100.0;

/// Measures how much later than heard the flashes at a point of the picture are seen, one after the other, in ms.
async fn lips(people: &People, eyes: usize, point: [f64; 2]) -> Vec<f64> {
    let what = json!({ "count": MOMENTS, "point": point });
    let patience = Duration::from_secs(3 * MOMENTS as u64);
    let skews = people.people[eyes].page.run("return person.lips(args)", &what, patience).await.unwrap();
    let skews: Vec<f64> = skews.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert_eq!(skews.len(), MOMENTS);
    skews
}

/// Writes down how far they are off, and that it is not too much.
fn together(people: &People, skews: &[f64], layout: &str) {
    let mut off: Vec<f64> = skews.iter().map(|skew| skew.abs()).collect();
    off.sort_unstable_by(f64::total_cmp);
    let (half, nearly_all) = (off[MOMENTS / 2], off[MOMENTS * 95 / 100]);
    let figures = format!("half within {half} ms, 95 % within {nearly_all} ms: {skews:?}\n");
    std::fs::write(people.world.directory.join(format!("lips-{layout}.txt")), figures).unwrap();
    assert!(half <= HALF && nearly_all <= NEARLY_ALL, "{layout}: {half} ms, {nearly_all} ms: {skews:?}");
}

// On two cores the browsers that send and see are late themselves whenever anything else runs: no gate for every run.
#[ignore = "a measurement for a quiet machine: cargo test ... --test real -- --ignored lips"]
#[tokio::test]
async fn a_flash_is_seen_when_its_beep_is_heard_in_either_layout() {
    let sender = json!({ "colour": "rgb(16 48 224)", "flashes": true });
    let people = People::in_room_with("lips", "", &[sender, Value::Null]).await;
    join_with(&people, 0, json!({ "camera": true })).await;
    join_with(&people, 1, json!({ "watch": true })).await;
    mute(&people, 1, true).await;
    sees(&people, 1, BLUE).await;
    together(&people, &lips(&people, 1, [0.5, 0.5]).await, "speaker");

    people.users[0].say(&people.room, "!conference layout grid").await.unwrap();
    // Two are side by side.
    let left = [0.25, 0.5];
    together(&people, &lips(&people, 1, left).await, "grid");
}
