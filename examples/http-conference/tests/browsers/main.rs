//! What Chromium sees: two callers of `swarm` send coloured, numbered pictures and take turns in talking, browsers look on.
//!
//! Everything is read from the pictures that the page shows (`eye.js`). How the conference decides what to show is tested in the crates.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, with what it found")]

mod figures;
mod onlookers;

use http_conference::Layout;

use figures::{Turns, report};
use onlookers::{Frame, Onlookers};

/// All senders, each in the part that is theirs.
fn all_in_place(frame: &Frame) -> bool {
    (0..).zip(&frame.seen).all(|(place, seen)| *seen == Some(place))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_look_on_see_whoever_talks() {
    let onlookers = Onlookers::join("browsers-speaker", Layout::Speaker, 2).await;
    let seen = onlookers.look(16, 0).await;
    for sight in &seen.sights {
        let turns = Turns::of(&sight.frames, seen.began_ms);
        assert!(turns.followed_ms.len() >= 2 && turns.unseen == 0 && turns.left == 0, "{turns:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_who_look_on_see_all_in_their_tiles() {
    let onlookers = Onlookers::join("browsers-four-grid", Layout::Grid, 4).await;
    for sight in onlookers.look(8, 0).await.sights {
        let mut frames = sight.frames.iter().skip_while(|frame| !all_in_place(frame));
        // Late they may be on a small machine, and now and then not to be read; but nobody is where another belongs.
        assert!(frames.clone().count() >= 10, "{sight:?}");
        let misplaced =
            |frame: &Frame| (0..).zip(&frame.seen).any(|(place, seen)| seen.is_some_and(|it| it != place));
        assert!(!frames.any(misplaced), "{sight:?}");
    }
}

#[ignore = "a measurement for a quiet machine: cargo test -p http-conference --features real-parts --test browsers -- --ignored --nocapture"]
#[tokio::test(flavor = "multi_thread")]
async fn a_minute_of_either_layout_flows_follows_and_begins_soon() {
    for layout in [Layout::Grid, Layout::Speaker] {
        let onlookers =
            Onlookers::join(&format!("browsers-minute-{layout:?}").to_lowercase(), layout, 2).await;
        let seen = onlookers.look(60, 5).await;
        report(layout, &seen);
        let mut first = seen.first_ms;
        first.sort_unstable_by(f64::total_cmp);
        assert!(first[first.len() / 2] <= 1_000.0, "{first:?}");
        for sight in &seen.sights {
            assert!(sight.seconds >= 59.0, "{} s", sight.seconds);
            assert!(sight.freezes == 0 && sight.rate >= 20.0, "{} freezes, {}/s", sight.freezes, sight.rate);
            if layout == Layout::Speaker {
                let turns = Turns::of(&sight.frames, seen.began_ms);
                let late = turns.followed_ms.iter().filter(|after| **after > 2_000.0).count();
                assert!(turns.followed_ms.len() >= 8 && turns.unseen == 0 && late == 0, "{turns:?}");
            } else {
                let right = sight.frames.iter().filter(|frame| all_in_place(frame)).count();
                assert!(right * 100 >= sight.frames.len() * 95, "{right} of {}", sight.frames.len());
            }
        }
    }
}
