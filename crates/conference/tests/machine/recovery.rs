//! After the loss of all sessions: who goes on and how, who is hung up, and what a collision of offers leads to.

use confocal_conference::{
    Agreed, CallInvite, CallVersion, Command, Config, EndReason, Generation, Input, LegId, LegNews,
    MediaCommand, MediaReport, Millis, Notice, RequestFailure, RequestOutcome, Role, Sdp, SessionMemo,
    SignalRequest, TimerKind,
};

use crate::legs::{ACTIVE, is_negotiate_answer, offer, state};
use crate::support::{GROUP, Run, invite, is_answer, is_hangup, is_leave_group, key, member, metadata};

fn is_offer(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::NegotiateOffer { .. })
}

/// The engine makes the offer that it was asked for.
fn offer_ready(run: &mut Run, leg: LegId) {
    let (generation, offer, streams) = (run.generation(leg), Sdp("our offer".into()), metadata(false));
    let memo = SessionMemo("as offered".into());
    run.tell(Input::Media(MediaReport::OfferReady {
        leg,
        generation,
        number: run.number(leg),
        offer,
        streams,
        memo,
    }));
}

fn accept(run: &mut Run, user: &str, call: &str) {
    let (party, answer) = (Some("THEIRS".into()), Sdp("their answer".into()));
    run.tell(Input::CallNegotiateAnswered { key: key(user, call), party, answer, metadata: None });
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
    run.tell(Input::Media(MediaReport::NoOffer { leg, generation, number: run.number(leg) }));
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

/// A user in the conference whose client knows no negotiation, media flowing.
fn in_call_of_old(run: &mut Run, user: &str, call: &str) -> LegId {
    run.open_direct(user);
    let version = CallVersion::V0;
    run.tell(Input::CallInvited(CallInvite { version, metadata: None, ..invite(user, call) }));
    run.admit(true);
    run.answer_ready();
    run.done(is_answer);
    let (leg, _) = run.last_opened();
    up(run, leg);
    leg
}

/// An old client and one that can recover were in the conference when the process died and came back: the first was hung up, and the
/// focus is to stay for its call for thirty seconds from then on.
fn one_hung_up_and_one_recovering() -> Run {
    let mut run = Run::joined(Config::default());
    in_call_of_old(&mut run, "old", "c1");
    run.in_call("bob", "c1");
    run.restart();
    run.take(is_hangup);
    run.nobody_is_absent();
    run
}

#[test]
fn who_was_hung_up_has_half_a_minute_to_call_again_also_where_another_call_went_on_for_a_while() {
    let mut run = one_hung_up_and_one_recovering();
    run.pass(Millis::from_secs(1));
    run.hang_up("bob", "c1");
    run.pass(Millis(28_999));
    assert!(!run.has_sent(is_leave_group), "the focus is still there for who was told to call again");
    run.pass(Millis(1));
    run.take(is_leave_group);
}

#[test]
fn the_time_to_call_again_is_kept_over_another_restart() {
    let mut run = one_hung_up_and_one_recovering();
    run.pass(Millis(200));
    run.restart();
    run.pass(Millis(800));
    run.hang_up("bob", "c1");
    run.pass(Millis(28_999));
    assert!(!run.has_sent(is_leave_group));
    run.pass(Millis(1));
    run.take(is_leave_group);
}

#[test]
fn one_who_called_again_and_went_takes_no_time_from_the_others_and_leaves_no_more_than_theirs() {
    let mut run = one_hung_up_and_one_recovering();
    run.hang_up("bob", "c1");
    run.pass(Millis::from_secs(5));
    run.call("bob", "c2");
    run.admit(true);
    run.answer_ready();
    run.done(is_answer);
    run.hang_up("bob", "c2");
    run.pass(Millis(24_999));
    assert!(!run.has_sent(is_leave_group));
    run.pass(Millis(1));
    run.take(is_leave_group);

    let mut run = one_hung_up_and_one_recovering();
    run.hang_up("bob", "c1");
    run.pass(Millis::from_secs(9));
    run.call("old", "c2");
    run.admit(true);
    run.answer_ready();
    run.done(is_answer);
    run.pass(Millis::from_secs(20));
    run.hang_up("old", "c2");
    run.pass(Millis(9_999));
    assert!(!run.has_sent(is_leave_group));
    run.pass(Millis(1));
    run.take(is_leave_group);
}

#[test]
fn who_was_hung_up_when_the_recovery_had_failed_has_half_a_minute_from_then_on() {
    let mut run = Run::joined(Config::default());
    let leg = run.in_call("bob", "c1");
    run.restart();
    run.nobody_is_absent();
    run.pass(Millis::from_secs(2));
    let generation = run.generation(leg);
    run.tell(Input::Media(MediaReport::NoOffer { leg, generation, number: run.number(leg) }));
    run.take(is_hangup);
    run.pass(Millis(29_999));
    assert!(!run.has_sent(is_leave_group));
    run.pass(Millis(1));
    run.take(is_leave_group);
}

#[test]
fn a_moderator_who_ends_the_conference_ends_the_time_to_call_again_too() {
    let mut run = Run::joined(Config { stay: [GROUP.into()].into(), ..Config::default() });
    let members = [(member("bob"), Role::Moderator)].into();
    run.tell(Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members });
    in_call_of_old(&mut run, "old", "c1");
    run.in_call("bob", "c1");
    run.restart();
    run.pass(Millis::from_secs(1));
    run.tell(Input::Commanded { room: GROUP.into(), by: member("bob"), command: Command::End });
    run.in_call("bob", "c2");
    run.hang_up("bob", "c2");
    run.pass(Millis(9_999));
    assert_eq!(run.waits_for(), Some(TimerKind::Linger(GROUP.into())));
    run.pass(Millis(1));
    assert_eq!(run.waits_for(), None);
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
