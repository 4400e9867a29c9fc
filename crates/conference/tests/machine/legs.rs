//! One call from its invite to its end: holding, changing, losing and finding media again, and what the caller is told.

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
fn an_answer_that_cannot_be_delivered_ends_the_call_without_a_word() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.admit(true);
    run.answer_ready();
    run.fail(RequestFailure::Expired, is_answer);
    assert!(run.closed(run.last_opened().0));
    assert!(run.sent.is_empty(), "the client has given the call up: {:?}", run.sent);
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
    let admission = confocal_conference::Admission { joined: true, direct_members: 3 };
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
fn offer(run: &mut Run, user: &str, call: &str, sdp: &str) {
    run.tell(Input::CallNegotiated {
        key: key(user, call),
        party: Some("THEIRS".into()),
        offer: Sdp(sdp.into()),
        expires_in: Millis::from_secs(10),
        metadata: None,
    });
}

fn is_negotiate_answer(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::NegotiateAnswer { .. })
}

fn state(run: &Run, wanted: LegId) -> LegNews {
    let news = run.news.iter().rev().find_map(|event| match event {
        ConferenceEvent::Leg { leg, state, .. } if *leg == wanted => Some(*state),
        _ => None,
    });
    news.unwrap()
}

const ACTIVE: LegNews = LegNews::Active { muted: false, camera: false, screen: false };

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

// ---- after the loss of all sessions --------------------------------------------------------------------------------

fn is_offer(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::NegotiateOffer { .. })
}

/// The engine makes the offer that it was asked for.
fn offer_ready(run: &mut Run, leg: LegId) {
    let (generation, offer, streams) = (run.generation(leg), Sdp("our offer".into()), metadata(false));
    let memo = SessionMemo("as offered".into());
    run.tell(Input::Media(MediaReport::OfferReady { leg, generation, offer, streams, memo }));
}

fn accept(run: &mut Run, user: &str, call: &str) {
    let (party, answer) = (Some("THEIRS".into()), Sdp("their answer".into()));
    run.tell(Input::CallNegotiateAnswered { key: key(user, call), party, answer });
}

fn up(run: &mut Run, leg: LegId) {
    let generation = run.generation(leg);
    run.tell(Input::Media(MediaReport::TransportUp { leg, generation }));
}

fn offers_asked(run: &Run) -> usize {
    run.media.iter().filter(|command| matches!(command, MediaCommand::Offer { .. })).count()
}

#[test]
fn after_a_restart_a_running_call_goes_on_by_an_offer_of_ours() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.restart();
    run.nobody_is_absent();
    run.pass(Millis(299));
    assert!(
        run.media.is_empty() && run.sent.is_empty(),
        "what the client offered by itself would be here by now"
    );
    assert_eq!(state(&run, leg), LegNews::Reconnecting);
    run.pass(Millis(1));
    assert_eq!((offers_asked(&run), run.generation(leg)), (1, Generation(1)));
    offer_ready(&mut run, leg);
    run.done(is_offer);
    accept(&mut run, "bob", "c1");
    assert!(run.media.iter().any(|command| matches!(command, MediaCommand::Accept { .. })));
    up(&mut run, leg);
    assert_eq!(state(&run, leg), ACTIVE);
    run.pass(Millis::from_secs(50));
    assert!(run.sent.is_empty() && !run.closed(leg), "nobody was hung up, nothing was said: {:?}", run.sent);
}

#[test]
fn a_recovery_whose_transport_fails_is_over_at_once_and_one_that_is_interrupted_is_not() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.restart();
    run.pass(Millis::from_secs(2));
    offer_ready(&mut run, leg);
    run.done(is_offer);
    accept(&mut run, "bob", "c1");
    let generation = run.generation(leg);
    run.tell(Input::Media(MediaReport::TransportLost { leg, generation }));
    assert!(!run.closed(leg));
    run.tell(Input::Media(MediaReport::TransportFailed { leg, generation }));
    assert!(run.closed(leg));
    run.take(is_hangup);
}

#[test]
fn the_engine_is_given_back_what_it_wanted_kept_of_the_lost_session() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    let given = |run: &Run| {
        let memo = run.media.iter().rev().find_map(|command| match command {
            MediaCommand::Open { memo, .. } | MediaCommand::Offer { memo, .. } => Some(memo.clone()),
            _ => None,
        });
        memo.unwrap().map(|memo| memo.0)
    };
    assert_eq!(given(&run), None, "a first session follows none");
    run.restart();
    run.pass(Millis::from_secs(2));
    assert_eq!(given(&run).as_deref(), Some("as answered"));
    offer_ready(&mut run, leg);
    run.done(is_offer);
    // The caller's own offer gets another session, which follows the one that was lost and described itself last.
    offer(&mut run, "bob", "c1", "their ICE restart");
    assert_eq!(given(&run).as_deref(), Some("as offered"));
}

#[test]
fn a_client_that_was_just_answered_gets_a_moment_before_it_is_offered_to() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.admit(true);
    run.answer_ready();
    run.done(is_answer);
    run.restart();
    run.pass(Millis(1_999));
    assert_eq!(offers_asked(&run), 0);
    run.pass(Millis(1));
    assert_eq!(offers_asked(&run), 1);
}

#[test]
fn a_recovery_that_stays_without_media_for_five_seconds_is_hung_up_and_told() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.restart();
    run.pass(Millis::from_secs(2));
    offer_ready(&mut run, leg);
    run.done(is_offer);
    accept(&mut run, "bob", "c1");
    run.pass(Millis(4_999));
    assert!(!run.closed(leg));
    run.pass(Millis(1));
    assert!(run.closed(leg));
    run.take(is_hangup);
    run.take(|request| {
        matches!(
            request,
            SignalRequest::Notice { notice: Notice::Ended { why: EndReason::Restarted, .. }, .. }
        )
    });
}

#[test]
fn a_client_that_does_not_answer_our_offer_is_hung_up() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.restart();
    run.pass(Millis::from_secs(2));
    offer_ready(&mut run, leg);
    run.done(is_offer);
    run.pass(Millis::from_secs(10));
    assert!(run.closed(leg));
    run.take(is_hangup);
}

#[test]
fn an_engine_that_can_make_no_offer_leads_to_a_hangup() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.restart();
    run.pass(Millis::from_secs(2));
    let generation = run.generation(leg);
    run.tell(Input::Media(MediaReport::NoOffer { leg, generation }));
    run.take(is_hangup);
    assert!(run.closed(leg));
}

#[test]
fn an_offer_that_cannot_be_delivered_leads_to_a_hangup() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.restart();
    run.pass(Millis::from_secs(2));
    offer_ready(&mut run, leg);
    run.fail(RequestFailure::Expired, is_offer);
    run.take(is_hangup);
    assert!(run.closed(leg));
}

#[test]
fn we_are_polite_the_callers_offer_counts_and_ours_is_forgotten() {
    for step in ["pausing", "offering", "offered"] {
        let mut run = Run::joined(Config::default());
        let leg = run.in_call("bob", "c1");
        run.restart();
        if step != "pausing" {
            run.pass(Millis::from_secs(2));
        }
        if step == "offered" {
            offer_ready(&mut run, leg);
            run.done(is_offer);
        }
        let ours = run.media.len();
        offer(&mut run, "bob", "c1", "their ICE restart");
        let after: Vec<_> = run.media.drain(ours..).collect();
        let closed = after.iter().any(|command| matches!(command, MediaCommand::Close { .. }));
        assert_eq!(closed, step != "pausing", "a session that was opened for our offer ends: {after:?}");
        let Some(MediaCommand::Open { offer: Sdp(sdp), .. }) = after.last() else {
            panic!("{step}: {after:?}")
        };
        assert_eq!(sdp, "their ICE restart");
        run.media.extend(after);
        accept(&mut run, "bob", "c1");
        run.answered(leg, Agreed::default());
        run.done(is_negotiate_answer);
        up(&mut run, leg);
        assert_eq!(state(&run, leg), ACTIVE, "{step}");
        assert!(!run.media.iter().any(|command| matches!(command, MediaCommand::Accept { .. })));
        run.nobody_is_absent();
        run.pass(Millis::from_secs(50));
        assert!(run.sent.is_empty(), "{step}: {:?}", run.sent);
    }
}

#[test]
fn an_offer_that_was_being_answered_when_the_sessions_were_lost_is_answered_by_a_new_one() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    offer(&mut run, "bob", "c1", "their ICE restart");
    run.restart();
    let Some(MediaCommand::Open { offer: Sdp(sdp), number, .. }) = run.media.last() else { panic!() };
    assert_eq!((sdp.as_str(), number.0), ("their ICE restart", 1));
    run.answered(leg, Agreed::default());
    run.take(is_negotiate_answer);
    assert!(
        !run.records.values().any(|record| String::from_utf8_lossy(record).contains("their ICE restart"))
    );
}

#[test]
fn our_offer_does_not_overtake_an_answer_that_is_still_on_its_way() {
    let mut run = Run::joined(Config::default());
    run.open_direct("bob");
    run.call("bob", "c1");
    run.admit(true);
    run.answer_ready();
    run.restart();
    run.pass(Millis::from_secs(30));
    assert_eq!(offers_asked(&run), 0);
    run.done(is_answer);
    run.pass(Millis(1_999));
    assert_eq!(offers_asked(&run), 0);
    run.pass(Millis(1));
    assert_eq!(offers_asked(&run), 1);
}

#[test]
fn clients_that_know_no_negotiation_are_hung_up_after_a_loss() {
    for (version, described) in [(CallVersion::V0, false), (CallVersion::V1, false)] {
        let mut run = Run::joined(Config::default());
        run.open_direct("old");
        let metadata = described.then(|| metadata(false));
        run.tell(Input::CallInvited(CallInvite { version, metadata, ..invite("old", "c1") }));
        run.admit(true);
        run.answer_ready();
        run.done(is_answer);
        run.restart();
        run.take(is_hangup);
    }
}

#[test]
fn a_second_loss_begins_the_recovery_again() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.restart();
    run.pass(Millis::from_secs(2));
    offer_ready(&mut run, leg);
    run.done(is_offer);
    run.restart();
    accept(&mut run, "bob", "c1");
    assert!(run.media.is_empty(), "an answer to an offer of a session that is gone: {:?}", run.media);
    run.pass(Millis::from_secs(2));
    assert_eq!(run.generation(leg), Generation(2));
}

#[test]
fn the_fate_of_an_older_offer_of_ours_counts_no_more() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    let mut offered = Vec::new();
    for _ in 0..2 {
        run.restart();
        run.pass(Millis::from_secs(2));
        offer_ready(&mut run, leg);
        offered.push(run.take(is_offer).0);
    }
    let failed = |id| Input::RequestDone { id, outcome: RequestOutcome::Failed(RequestFailure::Expired) };
    run.tell(failed(offered[0]));
    assert!(!run.closed(leg));
    run.tell(failed(offered[1]));
    assert!(run.closed(leg));
}
