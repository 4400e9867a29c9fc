//! One call from its invite to its end: holding, changing, losing media, and what the caller is told.
//! The loss of all sessions never lives here.

use crate::support::{Run, candidate, invite, is_answer, is_hangup, key, metadata, refusal};
use confocal_conference::{
    Agreed, CallInvite, CallVersion, ConferenceEvent, Config, EndReason, Generation, HangupReason, Input,
    LegId, LegNews, MediaCommand, MediaReport, Millis, Notice, OfferNumber, OfferRefusal, Refusal,
    RequestFailure, RequestOutcome, Sdp, SecondDevice, SessionMemo, SignalRequest,
};

#[test]
fn the_same_party_calling_again_replaces_its_call_once_admitted() {
    let mut run = Run::joined(Config { second_device: SecondDevice::Add, ..Config::default() });
    let old = run.in_call("bob", "c1");
    run.call("bob", "c2");
    assert!(!run.closed(old), "a call that may be refused replaces nothing");
    run.admit(true);
    assert!(run.closed(old));
}

#[test]
fn an_offer_that_cannot_be_answered_is_refused_with_the_reason() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.admit(true);
    let (leg, generation) = run.last_opened();
    run.tell(Input::Media(MediaReport::OfferRefused {
        leg,
        generation,
        offer: OfferNumber(0),
        why: OfferRefusal::NoAudio,
    }));
    assert_eq!(refusal(&mut run), Refusal::Offer(OfferRefusal::NoAudio));
}

#[test]
fn a_hold_is_answered_by_negotiate() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.tell(Input::CallNegotiated {
        key: key("bob", "c1"),
        party: Some("THEIRS".into()),
        offer: Sdp("hold".into()),
        expires_in: Millis::from_secs(10),
        metadata: Some(metadata(true)),
    });
    assert!(run.media.iter().any(|command| matches!(command, MediaCommand::Renegotiate { .. })));
    let now = |run: &Run| match run.news.last().unwrap() {
        ConferenceEvent::Leg { leg: changed, state, .. } if *changed == leg => *state,
        other => panic!("not news of the leg: {other:?}"),
    };
    assert_eq!(now(&run), LegNews::Active { muted: true, camera: false, screen: false });
    run.answered(leg, Agreed { held: true, ..Agreed::default() });
    run.take(|request| matches!(request, SignalRequest::NegotiateAnswer { .. }));
    assert_eq!(now(&run), LegNews::Held);
}

#[test]
fn an_answered_call_that_never_connects_is_hung_up_with_the_reason() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.admit(true);
    run.answer_ready();
    run.done(is_answer);
    let (leg, _) = run.last_opened();
    run.pass(Millis(29_999));
    assert!(!run.closed(leg));
    run.pass(Millis(1));
    assert!(run.closed(leg));
    let (_, SignalRequest::Hangup { reason, .. }) = run.take(is_hangup) else { unreachable!() };
    assert_eq!(reason, HangupReason::IceTimeout);
    run.take(|request| matches!(request, SignalRequest::Notice { .. }));
}

#[test]
fn version_0_knows_no_negotiation() {
    let mut run = Run::joined(Config::default());
    run.open_direct("old");
    let (version, party, metadata) = (CallVersion::V0, None, None);
    run.tell(Input::CallInvited(CallInvite { version, party, metadata, ..invite("old", "c1") }));
    run.admit(true);
    run.answer_ready();
    run.done(is_answer);
    let (offer, expires_in) = (Sdp("hold".into()), Millis::from_secs(10));
    run.tell(Input::CallNegotiated { key: key("old", "c1"), party: None, offer, expires_in, metadata: None });
    assert!(!run.media.iter().any(|command| matches!(command, MediaCommand::Renegotiate { .. })));
}

#[test]
fn a_lost_transport_has_thirty_seconds_to_come_back() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    let generation = run.last_opened().1;
    run.tell(Input::Media(MediaReport::TransportLost { leg, generation }));
    run.pass(Millis::from_secs(29));
    run.tell(Input::Media(MediaReport::TransportUp { leg, generation }));
    run.pass(Millis::from_secs(60));
    assert!(!run.closed(leg));
    run.tell(Input::Media(MediaReport::TransportFailed { leg, generation }));
    run.pass(Millis::from_secs(30));
    assert!(run.closed(leg));
    let (_, SignalRequest::Hangup { reason, .. }) = run.take(is_hangup) else { unreachable!() };
    assert_eq!(reason, HangupReason::IceFailed);
}

#[test]
fn a_transport_that_never_came_up_is_given_up_when_it_says_so_and_not_before() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.admit(true);
    run.answer_ready();
    run.done(is_answer);
    let (leg, generation) = run.last_opened();
    run.tell(Input::Media(MediaReport::TransportLost { leg, generation }));
    assert!(!run.closed(leg));
    run.tell(Input::Media(MediaReport::TransportFailed { leg, generation }));
    assert!(run.closed(leg));
}

#[test]
fn events_of_another_party_of_the_caller_change_nothing() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.tell(Input::CallHungUp {
        key: key("bob", "c1"),
        party: Some("ANOTHER".into()),
        reason: HangupReason::UserHangup,
    });
    assert!(!run.closed(leg));
}

#[test]
fn a_room_with_a_third_person_is_no_place_for_a_call() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    let (id, _) = run.take(|request| matches!(request, SignalRequest::AskAdmission { .. }));
    let admission = confocal_conference::Admission { joined: true, direct_members: 3, name: None };
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Admission(admission) });
    assert_eq!(refusal(&mut run), Refusal::RoomNotDirect);
}

#[test]
fn a_full_conference_says_so() {
    let limits = confocal_conference::Limits { legs_per_conference: 1, ..Default::default() };
    let mut run = Run::joined(Config { limits, ..Config::default() });
    run.in_call("bob", "c1");
    run.open_direct("carol");
    run.call("carol", "c2");
    assert_eq!(refusal(&mut run), Refusal::Full);
}

// ---- changes of a running call -------------------------------------------------------------------------------------

/// The caller offers a change.
pub(crate) fn offer(run: &mut Run, user: &str, call: &str, sdp: &str) {
    run.tell(Input::CallNegotiated {
        key: key(user, call),
        party: Some("THEIRS".into()),
        offer: Sdp(sdp.into()),
        expires_in: Millis::from_secs(10),
        metadata: None,
    });
}

pub(crate) fn is_negotiate_answer(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::NegotiateAnswer { .. })
}

pub(crate) fn state(run: &Run, wanted: LegId) -> LegNews {
    let news = run.news.iter().rev().find_map(|event| match event {
        ConferenceEvent::Leg { leg, state, .. } if *leg == wanted => Some(*state),
        _ => None,
    });
    news.unwrap()
}

pub(crate) const ACTIVE: LegNews = LegNews::Active { muted: false, camera: false, screen: false };

#[test]
fn a_call_is_held_resumed_and_changed_as_often_as_its_caller_likes() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    for (agreed, then) in [
        (Agreed { held: true, ..Agreed::default() }, LegNews::Held),
        (Agreed::default(), ACTIVE),
        (
            Agreed { camera: true, ..Agreed::default() },
            LegNews::Active { muted: false, camera: true, screen: false },
        ),
        (
            Agreed { camera: true, screen: true, ..Agreed::default() },
            LegNews::Active { muted: false, camera: true, screen: true },
        ),
        (Agreed::default(), ACTIVE),
    ] {
        offer(&mut run, "bob", "c1", "another");
        run.answered(leg, agreed);
        run.done(is_negotiate_answer);
        assert_eq!(state(&run, leg), then);
    }
    assert!(run.sent.is_empty() && !run.closed(leg));
}

#[test]
fn of_two_offers_in_quick_succession_only_the_last_is_answered() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    offer(&mut run, "bob", "c1", "first");
    let first = run.last_offer(leg);
    offer(&mut run, "bob", "c1", "second");
    let report = |offer, agreed| {
        let (answer, streams) = (Sdp("answer".into()), metadata(false));
        let memo = SessionMemo::default();
        MediaReport::AnswerReady { leg, generation: Generation(0), offer, answer, streams, agreed, memo }
    };
    run.tell(Input::Media(report(first, Agreed { held: true, ..Agreed::default() })));
    assert!(run.sent.is_empty(), "the client has taken the first offer back: {:?}", run.sent);
    assert_eq!(state(&run, leg), ACTIVE);
    run.answered(leg, Agreed::default());
    run.done(is_negotiate_answer);
    run.answered(leg, Agreed::default());
    assert!(run.sent.is_empty(), "an offer is answered once");
}

#[test]
fn an_offer_before_the_answer_changes_nothing() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    offer(&mut run, "bob", "c1", "too early");
    run.admit(true);
    offer(&mut run, "bob", "c1", "too early");
    run.answer_ready();
    run.take(is_answer);
    assert!(run.sent.is_empty());
}

#[test]
fn candidates_of_a_new_offer_are_taken_though_the_old_one_had_all_it_may() {
    let limits = confocal_conference::Limits { candidates_per_call: 2, ..Default::default() };
    let mut run = Run::joined(Config { limits, ..Config::default() });
    run.in_call("bob", "c1");
    let send = |run: &mut Run, count: usize| {
        let before = run.media.len();
        let candidates = (0..count).map(|_| candidate("candidate")).collect();
        run.tell(Input::CallCandidates { key: key("bob", "c1"), party: None, candidates });
        match run.media.get(before) {
            Some(MediaCommand::AddCandidates { candidates, .. }) => candidates.len(),
            other => other.map_or(0, |_| panic!("{other:?}")),
        }
    };
    assert_eq!([send(&mut run, 1), send(&mut run, 3), send(&mut run, 1)], [1, 1, 0]);
    offer(&mut run, "bob", "c1", "an ICE restart");
    assert_eq!(send(&mut run, 3), 2);
}

// ---- media that stays away -----------------------------------------------------------------------------------------

fn flow(run: &mut Run, leg: LegId, flowing: bool) {
    run.tell(Input::Media(MediaReport::Flow { leg, generation: Generation(0), flowing }));
}

fn mute(run: &mut Run, user: &str, call: &str, muted: bool) {
    run.tell(Input::CallMetadataChanged { key: key(user, call), party: None, metadata: metadata(muted) });
}

#[test]
fn a_call_without_packets_ends_after_thirty_seconds_and_the_caller_is_told() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    flow(&mut run, leg, false);
    run.pass(Millis(29_999));
    assert!(!run.closed(leg));
    run.pass(Millis(1));
    assert!(run.closed(leg));
    let (_, SignalRequest::Hangup { reason, .. }) = run.take(is_hangup) else { unreachable!() };
    assert_eq!(reason, HangupReason::IceFailed);
    run.take(|request| {
        matches!(request, SignalRequest::Notice { notice: Notice::Ended { why: EndReason::NoMedia, .. }, .. })
    });
}

#[test]
fn packets_in_time_keep_the_call() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    flow(&mut run, leg, false);
    run.pass(Millis(29_999));
    flow(&mut run, leg, true);
    run.pass(Millis::from_secs(3600));
    assert!(!run.closed(leg));
    // The next silence has its whole time again.
    flow(&mut run, leg, false);
    run.pass(Millis(29_999));
    assert!(!run.closed(leg));
}

#[test]
fn who_is_muted_or_on_hold_need_not_send_anything() {
    let mut run = Run::joined(Config::default());
    let (muted, held) = (run.in_call("bob", "c1"), run.in_call("carol", "c2"));
    mute(&mut run, "bob", "c1", true);
    offer(&mut run, "carol", "c2", "hold");
    run.answered(held, Agreed { held: true, ..Agreed::default() });
    for leg in [muted, held] {
        flow(&mut run, leg, false);
    }
    run.pass(Millis::from_secs(3600));
    assert!(!run.closed(muted) && !run.closed(held));
    // Unmuted, it has to be heard of within the time.
    mute(&mut run, "bob", "c1", false);
    run.pass(Millis(29_999));
    assert!(!run.closed(muted));
    run.pass(Millis(1));
    assert!(run.closed(muted));
}

#[test]
fn a_caller_whose_answer_could_not_be_delivered_is_hung_up_on_and_told() {
    for failure in [RequestFailure::Forbidden, RequestFailure::Rejected, RequestFailure::Expired] {
        let mut run = Run::joined(Config::default());
        run.open_direct("bob");
        run.call("bob", "c1");
        run.admit(true);
        let (leg, _) = run.last_opened();
        run.answer_ready();
        run.fail(failure, is_answer);
        assert!(run.closed(leg));
        let (_, request) = run.take(is_hangup);
        assert!(matches!(request, SignalRequest::Hangup { reason: HangupReason::UnknownError, .. }));
        let why = EndReason::AnswerUndeliverable;
        run.take(|request| matches!(request, SignalRequest::Notice { notice: Notice::Ended { why: told, .. }, .. } if *told == why));
        assert!(run.sent.is_empty(), "{:?}", run.sent);
    }
}
