//! What a restart keeps: machines made of records, of this format and of older ones.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{GROUP, Run, is_answer, is_hangup, is_leave_group, member, metadata};
use confocal_conference::{
    Agreed, Command, Config, Discovery, EndReason, Focus, Input, LegId, MediaCommand, MediaReport, Millis,
    Notice, OfferNumber, RequestId, RequestOutcome, RestoreError, Role, Sdp, SessionMemo, SignalRequest,
    Whom,
};

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
        memo: SessionMemo::default(),
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
    let text = String::from_utf8(records["focus"].clone()).unwrap().replace("\"format\":3", "\"format\":4");
    records.insert("focus".into(), text.into_bytes());
    let error = Focus::restore(Config::default(), 1, run.now, records).unwrap_err();
    assert!(matches!(error, RestoreError::Newer { found: 4, known: 3 }), "{error}");
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

#[test]
fn records_of_no_format_without_their_first_or_not_ours_are_refused_by_name() {
    let format_0 = |records: &mut BTreeMap<String, Vec<u8>>| {
        let text =
            String::from_utf8(records["focus"].clone()).unwrap().replace("\"format\":3", "\"format\":0");
        records.insert("focus".into(), text.into_bytes());
    };
    assert!(refused(format_0).contains("format 0"));
    assert!(refused(|records| drop(records.remove("focus"))).contains("`focus` is missing"));
    assert!(refused(|records| drop(records.insert("odd".into(), vec![]))).contains("`odd`"));
    assert!(refused(|records| drop(records.insert("leg/x".into(), vec![]))).contains("`leg/x`"));
    let name = format!("conf/{GROUP}");
    assert!(refused(|records| drop(records.insert(name.clone(), vec![]))).contains(&name));
}

/// What is said of the records of a conference after a change that makes them unreadable.
fn refused(change: impl FnOnce(&mut BTreeMap<String, Vec<u8>>)) -> String {
    let run = Run::joined(Config::default());
    let mut records = run.records.clone();
    change(&mut records);
    Focus::restore(Config::default(), 1, run.now, records).unwrap_err().to_string()
}

/// A machine that has taken up records of an older version, whose engine is lost; and these records.
fn taken_up(json: &str) -> (Run, BTreeMap<String, Vec<u8>>) {
    let records: BTreeMap<String, serde_json::Value> = serde_json::from_str(json).unwrap();
    let records: BTreeMap<String, Vec<u8>> =
        records.into_iter().map(|(key, value)| (key, serde_json::to_vec(&value).unwrap())).collect();
    let mut run = Run::new(Config::default());
    run.records = records.clone();
    run.restart();
    (run, records)
}

/// A moderator and one whom she has muted are in a locked conference, another's call rings.
#[test]
fn records_of_format_2_are_taken_up_and_written_anew() {
    let (mut run, records) = taken_up(include_str!("format-2.json"));
    let roll = run.focus.roll(&GROUP.into()).unwrap();
    let [anna, bert] = &roll.present[..] else { panic!("{roll:?}") };
    assert!(roll.locked && anna.role == Role::Moderator && anna.hand == Some(1));
    assert!(bert.role == Role::Member && bert.silenced.is_some());
    run.nobody_is_absent();
    assert!(records.iter().all(|(key, before)| run.records.get(key) != Some(before)), "{:?}", run.records);
    let again = Focus::restore(Config::default(), 9, run.now, run.records.clone()).unwrap();
    assert_eq!(again.roll(&GROUP.into()).unwrap().total, 2);
}

/// What is as usual is not written: a call's record is rewritten with each step of it.
#[test]
fn the_record_of_a_running_call_says_what_is_of_this_call() {
    let mut run = Run::joined(Config::default());
    run.in_call("bob", "c1");
    let fields = |kind: &str| {
        let (_, bytes) = run.records.iter().find(|(key, _)| key.starts_with(kind)).unwrap();
        let record: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let fields = record.get("leg").unwrap_or(&record).as_object().unwrap();
        fields.keys().cloned().collect::<Vec<_>>().join(" ")
    };
    let leg = "caller_party focus generation greeted id key memo name offer ours participant party state theirs \
               version wants_metadata";
    assert_eq!(fields("leg/"), leg);
    assert_eq!(fields("conf/"), "announcing compare_at doors group id opened sight started used");
}

/// Nor is what has not changed.
#[test]
fn one_more_call_is_no_news_to_the_record_of_its_conference() {
    // An announcement says how many there are, and is part of the record.
    let discovery = Discovery { announce: false, ..Discovery::default() };
    let mut run = Run::joined(Config { discovery, ..Config::default() });
    for name in ["bob", "carl"] {
        run.written.clear();
        run.in_call(name, "c1");
    }
    run.hang_up("carl", "c1");
    let kinds: BTreeSet<&str> =
        run.written.iter().map(|key| key.split_once('/').map_or(&**key, |it| it.0)).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["deeds", "direct", "ended", "focus", "leg"]);
}

#[test]
fn records_of_format_1_are_taken_up() {
    let (mut run, _) = taken_up(include_str!("format-1.json"));
    run.nobody_is_absent();
    // Anna's and Bert's calls go on, Carl's still waits to be let in, Dora's gets a new answer, Emil's is delivered first.
    run.pass(Millis::from_secs(2));
    let offered = run.media.iter().filter_map(|command| match command {
        MediaCommand::Offer { leg, .. } => Some(leg.0),
        _ => None,
    });
    assert_eq!(offered.collect::<Vec<u64>>(), [1, 2]);
    assert_eq!(run.last_opened().0.0, 4);
    run.tell(Input::RequestDone { id: RequestId(14), outcome: RequestOutcome::Done });
    run.pass(Millis::from_secs(2));
    assert_eq!(run.generation(LegId(5)).0, 1);
    run.call("fred", "f1");
    assert!(run.sent.is_empty(), "an ended call stays ended: {:?}", run.sent);
    // All of it is of today's format from now on.
    let again = Focus::restore(Config::default(), 9, run.now, run.records.clone()).unwrap();
    assert_eq!(again.roll(&GROUP.into()).unwrap().total, 4);
}

#[test]
fn what_was_decided_and_who_has_which_role_outlives_a_restart() {
    let mut run = Run::joined(Config::default());
    let members = [(member("anna"), Role::Moderator)].into();
    run.tell(Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members });
    run.in_call("anna", "a1");
    run.in_call("bert", "b1");
    for command in [Command::Lock, Command::Mute(Whom::Member(member("bert"))), Command::RaiseHand] {
        run.tell(Input::Commanded { room: GROUP.into(), by: member("anna"), command });
    }
    let before = run.focus.roll(&GROUP.into()).unwrap();
    run.restart();
    assert_eq!(run.focus.roll(&GROUP.into()).unwrap(), before);
    assert!(before.locked && before.present[1].silenced.is_some() && before.present[0].hand == Some(1));
}

#[test]
fn who_keeps_no_records_can_drop_what_changed() {
    let mut run = Run::joined(Config::default());
    run.focus.handle(Input::RoomEncrypted { room: GROUP.into() }, run.now);
    run.focus.discard_changes();
    assert_eq!(run.focus.poll_change(), None);
}
