//! How well packets get through, as it is reported: what was lost on purpose, and what callers say.

use confocal::conference::{LegId, LegQuality, MediaReport, Millis, Quality};

use crate::bench::{Bench, FIRST};
use crate::caller::Caller;
use crate::{TONES, hear_each_other};

/// The next report that says of a leg what is asked of it.
async fn told<R>(bench: &mut Bench, what: &str, leg: u64, wanted: impl Fn(&Quality) -> Option<R>) -> R {
    bench
        .wait_for(what, |report| match report {
            MediaReport::Quality(measured) => measured.iter().find_map(|measured| {
                assert_eq!(measured.generation, FIRST);
                if measured.leg == LegId(leg) { wanted(&measured.quality) } else { None }
            }),
            _ => None,
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_lost_is_reported_both_ways_with_jitter_and_round_trip() {
    let mut bench = Bench::new();
    let mut callers = Vec::new();
    for (leg, tone) in [(1, TONES[0]), (2, TONES[1])] {
        let mut caller = Caller::new(tone).await;
        bench.call(leg, leg, &mut caller).await;
        callers.push(caller);
    }
    hear_each_other(&callers).await;
    callers[0].lose_one_of(10);
    // A whole interval of it, at one in ten; the other loses nothing.
    let lost = told(&mut bench, "a tenth lost", 1, |quality| {
        quality.incoming_loss.filter(|loss| (80..=120).contains(&loss.0))
    });
    lost.await;
    bench.rest();
    let (loss, jitter) =
        told(&mut bench, "nothing lost", 2, |quality| Some((quality.incoming_loss?, quality.jitter?))).await;
    assert!(loss.0 <= 10 && jitter < Millis(500), "{loss:?} {jitter}");
    let told = told(&mut bench, "the caller's own report", 2, |quality| {
        Some((quality.outgoing_loss?, quality.round_trip?))
    });
    let (loss, round_trip) = told.await;
    assert!(loss.0 <= 10 && round_trip < Millis(500), "{loss:?} {round_trip}");
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_legs_of_a_conference_are_in_one_report() {
    let mut bench = Bench::new();
    let mut callers = Vec::new();
    for (leg, tone) in [(1, TONES[0]), (2, TONES[1]), (3, TONES[2])] {
        let mut caller = Caller::new(tone).await;
        bench.call(leg, leg, &mut caller).await;
        callers.push(caller);
    }
    let all = |report: &MediaReport| match report {
        MediaReport::Quality(measured) => {
            let legs: Vec<u64> = measured.iter().map(|LegQuality { leg, .. }| leg.0).collect();
            (legs == [1, 2, 3]).then_some(())
        }
        _ => None,
    };
    bench.wait_for("one of three", all).await;
    bench.engine.shutdown().await;
}
