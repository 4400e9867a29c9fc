//! Sessions in place of lost ones: an engine that died, and another one that goes on with what was kept of its sessions.
//!
//! The callers' own connections are new ones here too, since the `webrtc` crate can't begin DTLS anew in an old one; browsers that
//! do are in the tests of the focus.

use confocal::conference::{Agreed, MediaReport, SessionMemo};

use crate::bench::{Bench, until};
use crate::caller::Caller;
use crate::{FAINT, LOUD, TONES};

/// What was kept of a call, on hold or not, of an engine that is gone.
async fn lost(tone: f64, hold: bool) -> SessionMemo {
    let mut bench = Bench::new();
    let mut caller = Caller::new(tone).await;
    let mut memo = bench.call(1, 1, &mut caller).await;
    if hold {
        let offer = caller.offer().await;
        bench.renegotiate(1, &offer.replace("a=sendrecv", "a=sendonly"));
        let newer = bench.wait_for("an answer", |report| match report {
            MediaReport::AnswerReady { memo, agreed, .. } => agreed.held.then(|| memo.clone()),
            _ => None,
        });
        memo = newer.await;
    }
    bench.engine.shutdown().await;
    memo
}

/// Takes a leg up again by an offer of ours; returns the offer.
async fn recover(bench: &mut Bench, leg: u64, memo: SessionMemo, caller: &mut Caller) -> String {
    bench.ask_for_offer(leg, Some(memo));
    let (offer, _) = bench.offer(leg).await;
    let answer = caller.answer(&offer).await;
    bench.accept(leg, &answer);
    bench.up(leg).await;
    offer
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_in_a_new_engine_by_its_offers() {
    go_on_by_offers(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_in_a_new_engine_that_only_answers_checks() {
    go_on_by_offers(true).await;
}

async fn go_on_by_offers(ice_lite: bool) {
    let mut before = Bench::new();
    let (mut phone, mut laptop) = (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await);
    let memos = [before.call(1, 1, &mut phone).await, before.call(2, 2, &mut laptop).await];
    before.engine.shutdown().await;

    let mut bench = Bench::with(|config| config.transport.ice_lite = ice_lite);
    let (mut one, mut two) = (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await);
    let [first, second] = memos;
    let known = |field: &str| first.0.split(&format!("\"{field}\":")).nth(1).unwrap().to_owned();
    let (stream, version) = (known("stream"), known("version"));
    let offer = recover(&mut bench, 1, first, &mut one).await;
    let stream = stream.split('"').nth(1).unwrap();
    assert!(offer.contains(&format!("a=msid:{stream} ")), "the client knows the stream: {offer}");
    assert!(version.starts_with("1,") && offer.lines().nth(1).unwrap().contains(" 2 IN "), "{offer}");
    for line in ["a=setup:actpass", "a=sendrecv", "a=candidate:", "a=end-of-candidates", "a=mid:0"] {
        assert!(offer.contains(line), "{line} is missing in {offer}");
    }
    recover(&mut bench, 2, second, &mut two).await;
    until("they hear each other", || one.hears(TONES[1]) > LOUD && two.hears(TONES[0]) > LOUD).await;
    assert!(one.hears(TONES[0]) < FAINT && two.hears(TONES[1]) < FAINT);

    // Such a session is renegotiated like any other.
    one.forget();
    two.forget();
    let again = one.offer().await;
    bench.renegotiate(1, &again);
    let (answer, agreed) = bench.agreement(1).await;
    assert_eq!(agreed, Agreed::default());
    one.take_answer(&answer).await;
    until("they hear each other still", || one.hears(TONES[1]) > LOUD && two.hears(TONES[0]) > LOUD).await;
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_lost_on_hold_is_on_hold_again_whoever_offers() {
    let memo = lost(TONES[0], true).await;
    for ours in [true, false] {
        let mut bench = Bench::new();
        let (mut held, mut other) = (Caller::new(TONES[0]).await, Caller::new(TONES[1]).await);
        bench.call(2, 2, &mut other).await;
        if ours {
            bench.ask_for_offer(1, Some(memo.clone()));
            let (offer, _) = bench.offer(1).await;
            // Its own stack is told nothing of the hold and goes on sending.
            let answer = held.answer(&offer).await;
            bench.accept(1, &answer.replace("a=sendrecv", "a=sendonly"));
        } else {
            let offer = held.offer().await;
            bench.open_after(1, 1, &offer.replace("a=sendrecv", "a=sendonly"), Some(memo.clone()));
            let (answer, agreed) = bench.agreement(1).await;
            assert!(agreed.held, "one who listened before the loss holds by sending only");
            held.take_answer(&answer.replace("a=recvonly\r\n", "a=sendrecv\r\n")).await;
        }
        bench.up(1).await;
        until("its sound arrives", || {
            let stats = bench.engine.leg_stats(confocal::conference::LegId(1));
            stats.is_some_and(|stats| stats.link.received > 25)
        })
        .await;
        assert!(
            other.hears(TONES[0]) < FAINT && held.packets() == 0,
            "on hold it is neither heard nor sent to"
        );

        let resume = held.offer().await;
        bench.renegotiate(1, &resume);
        let (answer, agreed) = bench.agreement(1).await;
        assert!(!agreed.held);
        held.take_answer(&answer).await;
        until("resumed", || held.hears(TONES[1]) > LOUD && other.hears(TONES[0]) > LOUD).await;
        bench.engine.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_offers_first_keeps_the_stream_that_it_knows() {
    let memo = lost(TONES[0], false).await;
    let mut bench = Bench::new();
    let mut caller = Caller::new(TONES[0]).await;
    let offer = caller.offer().await;
    bench.open_after(1, 1, &offer, Some(memo.clone()));
    let answer = bench.answer(1).await;
    let stream = memo.0.split("\"stream\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(answer.contains(&format!("a=msid:{stream} ")), "{answer}");
    // What can't be read does no harm here.
    bench.open_after(2, 2, &Caller::new(TONES[1]).await.offer().await, Some(SessionMemo("?".into())));
    bench.answer(2).await;
    bench.engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_cannot_be_made_is_said_so_and_an_answer_that_cannot_be_taken_fails() {
    let mut bench = Bench::new();
    for (leg, memo) in [(1, None), (2, Some(SessionMemo("of another engine".into())))] {
        bench.ask_for_offer(leg, memo);
        let said = |report: &MediaReport| match report {
            MediaReport::NoOffer { leg: of, .. } if of.0 == leg => Some(()),
            _ => None,
        };
        bench.wait_for("that there is none", said).await;
    }
    let memo = lost(TONES[0], false).await;
    for (leg, answer) in [(3, "garbage".to_owned()), (4, Caller::new(TONES[0]).await.offer().await)] {
        bench.ask_for_offer(leg, Some(memo.clone()));
        bench.offer(leg).await;
        // Of another line than was offered.
        bench.accept(leg, &answer.replace("a=mid:0", "a=mid:9").replace("BUNDLE 0", "BUNDLE 9"));
        let failed = |report: &MediaReport| match report {
            MediaReport::TransportFailed { leg: of, .. } if of.0 == leg => Some(()),
            _ => None,
        };
        bench.wait_for("the failure", failed).await;
    }
    bench.engine.shutdown().await;
}
