//! Real calls over loopback: WebRTC connections as callers, against the engine behind its port.
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one report among all")]

mod bench;
mod caller;
mod quality;
mod recording;
mod recovery;
mod sounds;
mod tone;

use std::time::Duration;

use confocal::conference::{Agreed, Candidate, LegId, MediaReport, OfferRefusal};

use bench::{Bench, until};
use caller::{Caller, Coding};

/// A tone that is there: sent with an amplitude of 0.25, through two codecs and a limiter.
const LOUD: f64 = 0.1;
/// A tone that is not.
const FAINT: f64 = 0.01;

/// Tones that are no harmonics of each other.
const TONES: [f64; 3] = [440.0, 1_000.0, 1_700.0];

#[tokio::test(flavor = "multi_thread")]
async fn everyone_hears_the_others_and_not_themselves() {
    let mut bench = Bench::new();
    let mut callers = Vec::new();
    for (number, tone) in TONES.into_iter().enumerate() {
        let mut caller = Caller::new(tone).await;
        bench.call(number as u64, number as u64, &mut caller).await;
        callers.push(caller);
    }
    hear_each_other(&callers).await;

    let loud = bench.wait_for("levels", |report| match report {
        MediaReport::Levels(levels) => levels.iter().find(|level| level.speaking).copied(),
        _ => None,
    });
    let loud = loud.await;
    assert!((-30..=-9).contains(&loud.level.0), "{loud:?}");

    // One leaves: the others stay, and don't hear it any more.
    bench.close(2);
    callers.pop().unwrap().close().await;
    until("the one who left is not heard", || callers.iter().all(|caller| caller.hears(TONES[2]) < FAINT))
        .await;
    hear_each_other(&callers).await;
    assert!(bench.engine.leg_stats(LegId(2)).is_none());
    until("stats are published", || {
        bench.engine.leg_stats(LegId(0)).is_some_and(|stats| stats.link.received > 50 && stats.link.sent > 50)
    })
    .await;
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_knows_only_g711_hears_and_is_heard() {
    let mut bench = Bench::new();
    let mut telephone = Caller::with(Coding::Pcmu, TONES[0]).await;
    let (mut one, mut other) = (Caller::new(TONES[1]).await, Caller::new(TONES[2]).await);
    bench.call(1, 1, &mut telephone).await;
    bench.call(2, 2, &mut one).await;
    bench.call(3, 3, &mut other).await;
    hear_each_other(&[telephone, one, other]).await;
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_of_one_person_do_not_hear_each_other() {
    let mut bench = Bench::new();
    let (mut phone, mut laptop, mut other) =
        (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await, Caller::new(TONES[2]).await);
    bench.call(1, 7, &mut phone).await;
    bench.call(2, 7, &mut laptop).await;
    bench.call(3, 8, &mut other).await;
    until("both devices hear the other", || phone.hears(TONES[2]) > LOUD && laptop.hears(TONES[2]) > LOUD)
        .await;
    until("the other hears both", || other.hears(TONES[0]) > LOUD && other.hears(TONES[1]) > LOUD).await;
    assert!(phone.hears(TONES[1]) < FAINT && laptop.hears(TONES[0]) < FAINT);
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_caller_gets_packets_at_once() {
    let mut bench = Bench::new();
    let mut caller = Caller::new(TONES[0]).await;
    bench.call(1, 1, &mut caller).await;
    until("silence comes", || caller.packets() > 20).await;
    assert!(caller.hears(TONES[0]) < FAINT);
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_may_come_in_any_shape_and_later() {
    let mut bench = Bench::new();
    let mut caller = Caller::new(TONES[0]).await;
    let offer = caller.offer().await;
    let (lines, rest): (Vec<&str>, Vec<&str>) = offer
        .split_inclusive("\r\n")
        .partition(|line| line.starts_with("a=candidate") || line.starts_with("a=end-of"));
    let bare = |line: &str| Candidate { line: line.to_owned(), mid: None, line_index: None };
    bench.open(1, 1, &rest.concat());
    // In the same breath as the offer, and after nonsense.
    bench.add_candidates(
        1,
        vec![
            bare(""),
            bare("candidate:1 1 udp 2122194687 7f4c7b56-2a0e.local 4000 typ host"),
            bare("candidate:1 1 tcp 1518214911 127.0.0.1 9 typ host tcptype active"),
            bare("not a candidate"),
            Candidate { line: String::new(), mid: Some("0".to_owned()), line_index: Some(0) },
        ],
    );
    let answer = bench.answer(1).await;
    assert!(answer.contains("a=end-of-candidates\r\n"), "{answer}");
    caller.take_answer(&answer).await;
    let real = lines.iter().filter_map(|line| line.trim().strip_prefix("a=")).map(bare).collect();
    bench.add_candidates(1, real);
    bench.up(1).await;
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hold_and_resume() {
    let mut bench = Bench::new();
    let (mut held, mut other) = (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await);
    bench.call(1, 1, &mut held).await;
    bench.call(2, 2, &mut other).await;
    until("they hear each other", || held.hears(TONES[1]) > LOUD && other.hears(TONES[0]) > LOUD).await;

    // The caller's own stack is told nothing of the hold and goes on sending: what stops, stops at the engine.
    for (asked, answered) in [("inactive", "inactive"), ("sendonly", "recvonly")] {
        let offer = held.offer().await;
        bench.renegotiate(1, &offer.replace("a=sendrecv", &format!("a={asked}")));
        let (answer, agreed) = bench.agreement(1).await;
        assert!(answer.contains(&format!("a={answered}\r\n")), "{answer}");
        assert_eq!(agreed, Agreed { held: true, ..Agreed::default() });
        held.take_answer(&answer.replace(&format!("a={answered}\r\n"), "a=sendrecv\r\n")).await;

        until("one on hold is not heard", || other.hears(TONES[0]) < FAINT).await;
        // What is on its way arrives within half a second; in a further one nothing may.
        let (mut last, mut since) = (held.packets(), std::time::Instant::now());
        until("nothing is sent to one on hold", || {
            if held.packets() != last {
                (last, since) = (held.packets(), std::time::Instant::now());
            }
            since.elapsed().as_millis() > 500
        })
        .await;

        let offer = held.offer().await;
        bench.renegotiate(1, &offer);
        let (answer, agreed) = bench.agreement(1).await;
        assert!(answer.contains("a=sendrecv\r\n") && answer.contains("a=msid:mix-"), "{answer}");
        assert_eq!(agreed, Agreed::default());
        held.take_answer(&answer).await;
        held.forget();
        other.forget();
        until("resumed", || held.hears(TONES[1]) > LOUD && other.hears(TONES[0]) > LOUD).await;
    }
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_muted_caller_is_not_heard_until_it_may_speak_again() {
    let mut bench = Bench::new();
    let (mut muted, mut other) = (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await);
    bench.call(1, 1, &mut muted).await;
    bench.call(2, 2, &mut other).await;
    until("they hear each other", || muted.hears(TONES[1]) > LOUD && other.hears(TONES[0]) > LOUD).await;

    bench.rest();
    bench.set_heard(1, false);
    until("it is not heard", || other.hears(TONES[0]) < FAINT).await;
    let silent = |report: &MediaReport| match report {
        MediaReport::Levels(levels) => levels.iter().find(|level| level.leg == LegId(1)).copied(),
        _ => None,
    };
    let level = bench.wait_for("its level", silent).await;
    assert!(!level.speaking && level.level.0 > -40, "it is measured: {level:?}");
    muted.forget();
    until("it hears", || muted.hears(TONES[1]) > LOUD).await;

    bench.set_heard(1, true);
    until("it is heard again", || other.hears(TONES[0]) > LOUD).await;
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_is_muted_before_it_connects_is_never_heard() {
    let mut bench = Bench::new();
    let (mut muted, mut other) = (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await);
    bench.call(2, 2, &mut other).await;
    let offer = muted.offer().await;
    bench.open(1, 1, &offer);
    bench.set_heard(1, false);
    let answer = bench.answer(1).await;
    muted.take_answer(&answer).await;
    bench.up(1).await;
    until("its sound arrives", || {
        bench.engine.leg_stats(LegId(1)).is_some_and(|stats| stats.mixer.received > 25)
    })
    .await;
    assert!(muted.hears(TONES[1]) > LOUD && other.hears(TONES[0]) < FAINT);
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_a_sign_of_life_and_their_end_is_told() {
    // So patient with the connection that only the packets can be missed.
    let mut bench = Bench::with(|config| config.transport.timeouts.lost = Duration::from_secs(120));
    let mut caller = Caller::new(TONES[0]).await;
    bench.call(1, 1, &mut caller).await;
    caller.fall_silent();
    // Other reports than sound's: none of it comes any more.
    let mut last = None;
    until("no sound comes", || {
        let received = bench.engine.leg_stats(LegId(1)).map(|stats| stats.link.received);
        let stopped = received.is_some_and(|count| count > 0) && received == last;
        last = received;
        stopped
    })
    .await;
    let reports = |bench: &Bench| bench.engine.leg_stats(LegId(1)).map_or(0, |stats| stats.link.reports);
    let before = reports(&bench);
    until("reports come", || reports(&bench) > before + 1).await;
    let flow = |report: &MediaReport| match report {
        MediaReport::Flow { leg, flowing, .. } => Some((*leg, *flowing)),
        _ => None,
    };
    assert!(!bench.rest().iter().any(|report| flow(report).is_some()), "reports are packets too");
    caller.close().await;
    assert_eq!(bench.wait_for("the end of packets", flow).await, (LegId(1), false));
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ice_restart_keeps_the_call() {
    let mut bench = Bench::new();
    let (mut roaming, mut other) = (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await);
    bench.call(1, 1, &mut roaming).await;
    bench.call(2, 2, &mut other).await;
    until("they hear each other", || roaming.hears(TONES[1]) > LOUD && other.hears(TONES[0]) > LOUD).await;

    let before = ufrag(&roaming.offer().await);
    // That offer is answered too, so that the next one is made in a settled state.
    bench.renegotiate(1, &roaming.offer().await);
    let first = bench.answer(1).await;
    roaming.take_answer(&first).await;

    roaming.restart_ice().await;
    let offer = roaming.offer().await;
    assert_ne!(ufrag(&offer), before);
    bench.renegotiate(1, &offer);
    let second = bench.answer(1).await;
    assert_ne!(ufrag(&second), ufrag(&first));
    let id = |sdp: &str| sdp.lines().find(|line| line.starts_with("a=msid:")).map(str::to_owned);
    assert_eq!(id(&second), id(&first));
    roaming.take_answer(&second).await;
    roaming.forget();
    other.forget();
    until("they hear each other again", || roaming.hears(TONES[1]) > LOUD && other.hears(TONES[0]) > LOUD)
        .await;
    let failed = |report: &MediaReport| matches!(report, MediaReport::TransportFailed { .. });
    assert!(!bench.rest().iter().any(failed));
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_answered_is_refused_by_name_and_changes_nothing() {
    let mut bench = Bench::new();
    bench.open(9, 9, "garbage");
    assert_eq!(refusal(&mut bench, 9).await, OfferRefusal::Malformed);
    bench.open(10, 9, &"x".repeat(70_000));
    assert_eq!(refusal(&mut bench, 10).await, OfferRefusal::TooLarge);

    let (mut caller, mut other) = (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await);
    bench.call(1, 1, &mut caller).await;
    bench.call(2, 2, &mut other).await;
    let offer = caller.offer().await;
    for (broken, why) in [
        ("garbage".to_owned(), OfferRefusal::Malformed),
        (offer.replace("m=audio", "m=video"), OfferRefusal::NoAudio),
        (offer.replace("opus", "speex"), OfferRefusal::NoCommonCodec),
    ] {
        bench.renegotiate(1, &broken);
        assert_eq!(refusal(&mut bench, 1).await, why);
    }
    until("the call goes on", || caller.hears(TONES[1]) > LOUD && other.hears(TONES[0]) > LOUD).await;
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_legs_than_allowed_are_refused() {
    let mut bench = Bench::with(|config| config.legs_max = 1);
    let mut caller = Caller::new(TONES[0]).await;
    bench.call(1, 1, &mut caller).await;
    let offer = Caller::new(TONES[1]).await.offer().await;
    bench.open(2, 2, &offer);
    assert_eq!(refusal(&mut bench, 2).await, OfferRefusal::Overloaded);
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_vanishes_is_lost_and_then_failed() {
    let mut bench = Bench::with(|config| {
        let timeouts = &mut config.transport.timeouts;
        timeouts.lost = Duration::from_millis(500);
        timeouts.failed = Duration::from_millis(500);
        timeouts.keepalive = Duration::from_millis(100);
    });
    let mut caller = Caller::new(TONES[0]).await;
    bench.call(1, 1, &mut caller).await;
    caller.close().await;
    let lost = |report: &MediaReport| matches!(report, MediaReport::TransportLost { .. }).then_some(());
    bench.wait_for("a lost connection", lost).await;
    let failed = |report: &MediaReport| matches!(report, MediaReport::TransportFailed { .. }).then_some(());
    bench.wait_for("a failed connection", failed).await;
    until("the mix is left", || bench.engine.stats().legs == 0).await;
    bench.close(1);
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ice_lite_is_enough_for_a_caller_that_checks() {
    let mut bench = Bench::with(|config| config.transport.ice_lite = true);
    let mut callers = Vec::new();
    for (leg, tone) in [(1, TONES[0]), (2, TONES[1])] {
        let mut caller = Caller::new(tone).await;
        bench.call(leg, leg, &mut caller).await;
        callers.push(caller);
    }
    hear_each_other(&callers).await;
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_hundred_calls() {
    const OFFER: &str =
        include_str!("../../../transport/tests/fixtures/js-sdk-chromium/voice-0-invite-offer.sdp");
    let metrics = tokio::runtime::Handle::current().metrics();
    let mut bench = Bench::new();
    let (tasks, files) = (metrics.num_alive_tasks(), open_files());
    for leg in 0..100 {
        bench.open(leg, leg, OFFER);
        // Some hang up before they are answered.
        if leg % 4 != 0 {
            bench.answer(leg).await;
        }
        bench.close(leg);
        bench.close(leg);
        // What came before the closing came rightly.
        bench.rest();
    }
    until("every leg's task ends", || bench.engine.running() == 0).await;
    until("every connection's task ends", || metrics.num_alive_tasks() <= tasks).await;
    until("every socket is closed", || open_files() <= files).await;
    assert_eq!(bench.rest(), [], "a closed leg reported");
    bench.engine.shutdown().await;
}

async fn hear_each_other(callers: &[Caller]) {
    until("each hears all others", || {
        callers.iter().all(|caller| {
            callers.iter().all(|other| caller.tone == other.tone || caller.hears(other.tone) > LOUD)
        })
    })
    .await;
    for caller in callers {
        assert!(caller.hears(caller.tone) < FAINT, "a caller hears itself at {}", caller.hears(caller.tone));
    }
}

async fn refusal(bench: &mut Bench, leg: u64) -> OfferRefusal {
    bench
        .wait_for("a refusal", |report| match report {
            MediaReport::OfferRefused { leg: of, why, .. } if of.0 == leg => Some(*why),
            _ => None,
        })
        .await
}

fn ufrag(sdp: &str) -> String {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).expect("ICE credentials").to_owned()
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or_default()
}
