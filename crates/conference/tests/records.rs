//! What a restart keeps: machines made of records, of this format and of older ones.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

mod support;

use std::collections::BTreeMap;

use confocal_conference::{
    Agreed, Config, EndReason, Focus, Input, MediaReport, Millis, Notice, OfferNumber, RestoreError, Sdp,
    SignalRequest,
};
use support::{GROUP, Run, is_answer, is_hangup, is_leave_group, metadata};

#[test]
fn after_a_restart_a_running_call_is_hung_up_once_and_told() {
    let mut run = Run::joined(Config { recover_calls: false, ..Config::default() });
    run.in_call("bob", "c1");
    run.restart();
    run.take(is_hangup);
    run.take(|request| {
        matches!(
            request,
            SignalRequest::Notice { notice: Notice::Ended { why: EndReason::Restarted, .. }, .. }
        )
    });
    assert!(run.sent.is_empty());
    run.call("bob", "c1");
    assert!(run.sent.is_empty(), "the ended call is remembered over the restart");
    run.call("bob", "c2");
    run.admit(true);
}

#[test]
fn after_a_restart_the_focus_waits_longer_for_people_to_call_again() {
    let mut run = Run::joined(Config { recover_calls: false, ..Config::default() });
    run.in_call("bob", "c1");
    run.restart();
    run.pass(Millis::from_secs(29));
    assert!(!run.has_sent(is_leave_group));
    run.pass(Millis::from_secs(1));
    run.take(is_leave_group);
}

#[test]
fn after_a_restart_a_call_whose_answer_was_being_made_is_answered() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.admit(true);
    let (leg, old) = run.last_opened();
    run.restart();
    let (again, new) = run.last_opened();
    assert_eq!(leg, again);
    assert!(new > old);
    run.tell(Input::Media(MediaReport::AnswerReady {
        leg,
        generation: old,
        offer: OfferNumber(0),
        agreed: Agreed::default(),
        answer: Sdp("stale".into()),
        streams: metadata(false),
    }));
    assert!(!run.has_sent(is_answer), "a report of the old session counts for nothing");
    run.answer_ready();
    run.take(is_answer);
}

#[test]
fn a_restart_changes_no_deadline() {
    let mut run = Run::joined(Config::default());
    run.pass(Millis::from_secs(100));
    let before = run.focus.poll_timeout();
    run.restart();
    assert_eq!(run.focus.poll_timeout(), before);
}

#[test]
fn records_of_a_newer_format_are_refused_by_name() {
    let run = Run::joined(Config::default());
    let mut records = run.records.clone();
    let text = String::from_utf8(records["focus"].clone()).unwrap().replace("\"format\":2", "\"format\":3");
    records.insert("focus".into(), text.into_bytes());
    let error = confocal_conference::Focus::restore(Config::default(), 1, run.now, records).unwrap_err();
    assert!(matches!(error, confocal_conference::RestoreError::Newer { found: 3, known: 2 }), "{error}");
}

#[test]
fn nothing_is_left_of_a_conference_that_is_over() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    run.hang_up("bob", "c1");
    run.pass(Millis::from_secs(10));
    run.done(is_leave_group);
    let kept_a_while = |key: &str| ["ended/", "direct/", "deeds/"].iter().any(|kind| key.starts_with(kind));
    let left: Vec<&String> = run.records.keys().filter(|key| !kept_a_while(key)).collect();
    assert_eq!(left, ["focus"]);
    let sdp = run.records.values().any(|value| String::from_utf8_lossy(value).contains("the offer"));
    assert!(!sdp, "no SDP outlives its call");
}
