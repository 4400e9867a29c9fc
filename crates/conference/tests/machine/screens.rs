//! Shared screens: one at a time, and a second line of pictures for it in the calls of those who look.

use crate::pictures::{CAMERA, agree, camera, comes, name, room, say, seen, streams, told_to_see, view};
use crate::support::{GROUP, Run, direct, key, member};
use confocal_conference::{
    Agreed, Command, Config, Denial, Input, LegId, MediaCommand, MediaReport, Millis, Notice, Pictures,
    Reply, RequestFailure, ScreenNotice, ScreenShares, Sdp, SessionMemo, SignalRequest, TimerKind,
};

const SCREEN: Agreed = Agreed { held: false, camera: true, screen: true, pictures: true };

/// What those who share were told of it in their 1:1 rooms, since the last look.
fn told(run: &mut Run) -> Vec<(String, ScreenNotice)> {
    let told = run.sent.iter().filter_map(|(_, request)| match request {
        SignalRequest::Notice { room, notice: Notice::Screen { notice, .. }, .. } => {
            Some((room.as_str().to_owned(), notice.clone()))
        }
        _ => None,
    });
    let told = told.collect();
    run.sent.retain(|(_, request)| {
        !matches!(request, SignalRequest::Notice { notice: Notice::Screen { .. }, .. })
    });
    told
}

fn to(user: &str, notice: ScreenNotice) -> (String, ScreenNotice) {
    (direct(user).as_str().to_owned(), notice)
}

fn waits(by: &str) -> ScreenNotice {
    ScreenNotice::Waits { by: member(by) }
}

/// Anna, Bert and Carl with their cameras on.
fn three(config: Config) -> (Run, [LegId; 3]) {
    let mut run = room(config);
    let legs = ["anna", "bert", "carl"].map(|user| seen(&mut run, user));
    forget(&mut run);
    (run, legs)
}

/// Forgets what the engine was told, but for its sessions and the callers' offers.
fn forget(run: &mut Run) {
    run.media.retain(|command| {
        matches!(
            command,
            MediaCommand::Open { .. } | MediaCommand::Offer { .. } | MediaCommand::Renegotiate { .. }
        )
    });
}

/// The lines that the engine was to offer since the last look: whose, and whether for a screen.
fn offers(run: &Run) -> Vec<(LegId, bool)> {
    let offers = run.media.iter().filter_map(|command| match command {
        MediaCommand::OfferAgain { leg, screen, .. } => Some((*leg, *screen)),
        _ => None,
    });
    offers.collect()
}

/// The engine has made the offer that it was asked for last.
fn ready(run: &mut Run, leg: LegId) {
    let (generation, number, streams) = (run.generation(leg), run.number(leg), streams(false));
    let (offer, memo) = (Sdp("our offer".into()), SessionMemo("as offered".into()));
    run.tell(Input::Media(MediaReport::OfferReady { leg, generation, number, offer, streams, memo }));
}

fn is_offer(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::NegotiateOffer { .. })
}

fn answer(run: &mut Run, user: &str) {
    let (party, answer) = (Some("THEIRS".into()), Sdp("their answer".into()));
    run.tell(Input::CallNegotiateAnswered { key: key(user, "c"), party, answer, metadata: None });
}

fn accepted(run: &Run, wanted: LegId) -> usize {
    let is = |command: &&MediaCommand| matches!(command, MediaCommand::Accept { leg, .. } if *leg == wanted);
    run.media.iter().filter(is).count()
}

/// A line is offered and taken, or given back.
fn change_line(run: &mut Run, user: &str, leg: LegId) {
    ready(run, leg);
    run.done(is_offer);
    answer(run, user);
}

#[test]
fn of_several_screens_the_first_is_shown_until_it_ends_and_the_others_are_told_so() {
    let (mut run, [anna, bert, _]) = three(Config::default());
    agree(&mut run, "bert", bert, SCREEN);
    assert_eq!((view(&run).screen, told(&mut run)), (Some(bert), vec![]));
    assert_eq!(run.focus.roll(&GROUP.into()).unwrap().screen_of, Some(member("bert")));
    agree(&mut run, "anna", anna, SCREEN);
    assert_eq!((view(&run).screen, told(&mut run)), (Some(bert), vec![to("anna", waits("bert"))]));
    agree(&mut run, "anna", anna, SCREEN);
    assert_eq!(told(&mut run), [], "once");
    agree(&mut run, "bert", bert, CAMERA);
    assert_eq!((view(&run).screen, told(&mut run)), (Some(anna), vec![to("anna", ScreenNotice::Shown)]));
    run.hang_up("anna", "c");
    assert_eq!(view(&run).screen, None);
}

#[test]
fn by_the_other_policy_the_latest_screen_is_shown() {
    let pictures = Pictures { screen_shares: ScreenShares::TakeOver, ..Pictures::default() };
    let (mut run, [anna, bert, _]) = three(Config { pictures, ..Config::default() });
    agree(&mut run, "bert", bert, SCREEN);
    run.pass(Millis(1));
    agree(&mut run, "anna", anna, SCREEN);
    assert_eq!((view(&run).screen, told(&mut run)), (Some(anna), vec![to("bert", waits("anna"))]));
    agree(&mut run, "anna", anna, CAMERA);
    assert_eq!((view(&run).screen, told(&mut run)), (Some(bert), vec![to("bert", ScreenNotice::Shown)]));
}

#[test]
fn who_shares_keeps_it_over_a_restart_and_an_interruption_and_loses_it_on_hold() {
    let (mut run, [anna, bert, _]) = three(Config::default());
    for (user, leg) in [("bert", bert), ("anna", anna)] {
        agree(&mut run, user, leg, SCREEN);
    }
    let generation = run.generation(bert);
    run.tell(Input::Media(MediaReport::TransportLost { leg: bert, generation }));
    assert_eq!(view(&run).screen, Some(bert));
    run.restart();
    run.pass(Millis(300));
    assert_eq!(view(&run).screen, Some(bert));

    let (mut run, [_, bert, _]) = three(Config::default());
    agree(&mut run, "bert", bert, SCREEN);
    agree(&mut run, "bert", bert, Agreed { held: true, ..SCREEN });
    assert_eq!(view(&run).screen, None);
}

#[test]
fn moderators_stop_a_screen_which_can_be_shared_anew() {
    let (mut run, [anna, bert, _]) = three(Config::default());
    assert_eq!(say(&mut run, "anna", Command::StopScreen), Reply::Denied(Denial::NoScreen));
    agree(&mut run, "bert", bert, SCREEN);
    agree(&mut run, "anna", anna, SCREEN);
    told(&mut run);
    assert_eq!(say(&mut run, "bert", Command::StopScreen), Reply::Denied(Denial::NotAModerator));
    assert_eq!(say(&mut run, "anna", Command::StopScreen), Reply::Done);
    assert_eq!(view(&run).screen, Some(anna));
    assert_eq!(told(&mut run), [to("bert", ScreenNotice::Stopped), to("anna", ScreenNotice::Shown)]);
    agree(&mut run, "anna", anna, CAMERA);
    assert_eq!(view(&run).screen, None, "it stays stopped");
    for agreed in [CAMERA, SCREEN] {
        agree(&mut run, "bert", bert, agreed);
    }
    assert_eq!(view(&run).screen, Some(bert));
}

#[test]
fn before_an_audience_only_who_may_speak_may_share() {
    let (mut run, [_, bert, _]) = three(Config { audience: true, ..Config::default() });
    run.sent.clear();
    agree(&mut run, "bert", bert, SCREEN);
    assert_eq!(told(&mut run), [to("bert", ScreenNotice::Audience)]);
    assert_eq!(say(&mut run, "anna", Command::Grant(member("bert"))), Reply::Done);
    assert_eq!((view(&run).screen, told(&mut run)), (Some(bert), vec![to("bert", ScreenNotice::Shown)]));
    assert_eq!(say(&mut run, "anna", Command::Revoke(member("bert"))), Reply::Done);
    assert_eq!((view(&run).screen, told(&mut run)), (None, vec![to("bert", ScreenNotice::Audience)]));
}

#[test]
fn those_who_look_are_offered_a_second_line_and_give_it_back_at_the_end() {
    let (mut run, [anna, bert, carl]) = three(Config::default());
    agree(&mut run, "bert", bert, SCREEN);
    assert_eq!(offers(&run), [(anna, true), (carl, true)], "not the one who shares");
    ready(&mut run, anna);
    run.done(is_offer);
    answer(&mut run, "anna");
    assert_eq!(accepted(&run, anna), 1);
    answer(&mut run, "anna");
    assert_eq!(accepted(&run, anna), 1, "an answer counts once");
    change_line(&mut run, "carl", carl);
    forget(&mut run);
    agree(&mut run, "bert", bert, CAMERA);
    assert_eq!(offers(&run), [(anna, false), (carl, false)]);
    for (user, leg) in [("anna", anna), ("carl", carl)] {
        change_line(&mut run, user, leg);
    }
    forget(&mut run);
    agree(&mut run, "bert", bert, SCREEN);
    assert_eq!(offers(&run), [(anna, true), (carl, true)], "and is offered it again");
}

#[test]
fn beside_a_line_for_the_screen_there_is_nothing_to_see_but_cameras() {
    let mut run = room(Config::default());
    let [anna, bert, _] = ["anna", "bert", "carl"].map(|user| {
        assert!(!comes(&mut run, user, false), "they only talk");
        run.last_opened().0
    });
    run.pass(Millis::from_secs(60));
    agree(&mut run, "bert", bert, SCREEN);
    assert_eq!(told_to_see(&mut run), [(name("anna"), true), (name("carl"), true)], "the screen");
    change_line(&mut run, "anna", anna);
    assert_eq!(told_to_see(&mut run), [(name("anna"), false)], "she sees it elsewhere");
    run.pass(Millis::from_secs(60));
    camera(&mut run, "carl", true);
    assert_eq!(told_to_see(&mut run), [(name("anna"), true), (name("bert"), true)]);
    camera(&mut run, "carl", false);
    run.pass(Millis::from_secs(5));
    assert_eq!(told_to_see(&mut run), [(name("anna"), false), (name("bert"), false)]);
    agree(&mut run, "bert", bert, CAMERA);
    change_line(&mut run, "anna", anna);
    run.pass(Millis::from_secs(60));
    assert_eq!(told_to_see(&mut run), [(name("carl"), false)], "Anna knows that already");
}

#[test]
fn who_takes_the_line_while_a_camera_flickers_is_told_when_it_is_settled() {
    let mut run = room(Config::default());
    let [anna, bert, _] = ["anna", "bert", "carl"].map(|user| {
        comes(&mut run, user, false);
        run.last_opened().0
    });
    run.pass(Millis::from_secs(60));
    agree(&mut run, "bert", bert, SCREEN);
    assert_eq!(told_to_see(&mut run), [(name("anna"), true), (name("carl"), true)], "the screen");
    camera(&mut run, "carl", true);
    change_line(&mut run, "anna", anna);
    assert_eq!(told_to_see(&mut run), [], "it is too soon for the camera, with which she is right");
    camera(&mut run, "carl", false);
    assert_eq!(told_to_see(&mut run), [(name("anna"), false)], "without it she is not");
}

#[test]
fn who_comes_in_while_a_screen_is_shown_is_offered_the_line_when_connected() {
    let (mut run, [_, bert, _]) = three(Config::default());
    agree(&mut run, "bert", bert, SCREEN);
    forget(&mut run);
    let dora = run.in_call("dora", "c");
    assert_eq!(offers(&run), [], "a voice call stays one");
    agree(&mut run, "dora", dora, CAMERA);
    assert_eq!(offers(&run), [(dora, true)]);
}

#[test]
fn who_is_connected_before_its_answer_is_known_to_have_arrived_is_offered_the_line_then() {
    let (mut run, [_, bert, _]) = three(Config::default());
    agree(&mut run, "bert", bert, SCREEN);
    forget(&mut run);
    run.open_direct("dora");
    run.call("dora", "c");
    run.admit(true);
    run.answer_ready();
    let (dora, generation) = run.last_opened();
    run.tell(Input::Media(MediaReport::TransportUp { leg: dora, generation }));
    agree(&mut run, "dora", dora, CAMERA);
    assert_eq!(offers(&run), [], "an offer must not overtake the answer");
    run.done(crate::support::is_answer);
    assert_eq!(offers(&run), [(dora, true)]);
}

#[test]
fn only_clients_that_describe_their_streams_are_offered_it() {
    let (mut run, [_, bert, _]) = three(Config::default());
    agree(&mut run, "bert", bert, SCREEN);
    forget(&mut run);
    run.open_direct("dora");
    let mut invite = crate::support::invite("dora", "c");
    invite.metadata = None;
    run.tell(Input::CallInvited(invite));
    run.admit(true);
    let (dora, generation) = run.last_opened();
    run.answered(dora, CAMERA);
    run.tell(Input::Media(MediaReport::TransportUp { leg: dora, generation }));
    run.done(crate::support::is_answer);
    for agreed in [CAMERA, SCREEN] {
        agree(&mut run, "bert", bert, agreed);
    }
    assert!(!offers(&run).iter().any(|(leg, _)| *leg == dora));
}

#[test]
fn an_offer_of_ours_gives_way_to_the_callers_and_is_made_again_a_moment_later() {
    let (mut run, [anna, bert, _]) = three(Config::default());
    agree(&mut run, "bert", bert, SCREEN);
    ready(&mut run, anna);
    run.done(is_offer);
    let before = run.number(anna);
    forget(&mut run);
    agree(&mut run, "anna", anna, CAMERA);
    answer(&mut run, "anna");
    assert_eq!((offers(&run), accepted(&run, anna)), (vec![], 0));
    run.pass(Millis(999));
    assert_eq!(offers(&run), []);
    run.pass(Millis(1));
    assert_eq!(offers(&run), [(anna, true)]);
    assert!(run.number(anna) > before);
    ready(&mut run, anna);
    run.done(is_offer);
    answer(&mut run, "anna");
    assert_eq!(accepted(&run, anna), 1);
}

#[test]
fn a_client_that_does_not_answer_is_not_offered_again_and_its_late_answer_is_taken() {
    let (mut run, [anna, bert, carl]) = three(Config::default());
    agree(&mut run, "bert", bert, SCREEN);
    for leg in [anna, carl] {
        ready(&mut run, leg);
        run.done(is_offer);
    }
    run.pass(Millis::from_secs(31));
    forget(&mut run);
    answer(&mut run, "carl");
    assert_eq!(accepted(&run, carl), 1);
    agree(&mut run, "bert", bert, CAMERA);
    agree(&mut run, "anna", anna, CAMERA);
    assert_eq!(offers(&run), [(carl, false)], "who answered late gives it back");
    agree(&mut run, "bert", bert, SCREEN);
    run.pass(Millis::from_secs(60));
    assert!(!offers(&run).iter().any(|(leg, _)| *leg == anna));
    run.restart();
    run.pass(Millis::from_secs(60));
    assert!(!offers(&run).iter().any(|(leg, _)| *leg == anna), "nor after a restart");
}

#[test]
fn an_offer_that_can_not_be_made_or_sent_leaves_the_call_as_it_was() {
    let (mut run, [anna, bert, carl]) = three(Config::default());
    agree(&mut run, "bert", bert, SCREEN);
    let (generation, number) = (run.generation(anna), run.number(anna));
    // Until nothing else is due before.
    run.pass(Millis::from_secs(6));
    assert_eq!(run.waits_for(), Some(TimerKind::OfferAgain(anna)));
    run.tell(Input::Media(MediaReport::NoOffer { leg: anna, generation, number }));
    assert_eq!(run.waits_for(), Some(TimerKind::OfferAgain(carl)), "for Anna's no more");
    ready(&mut run, carl);
    run.fail(RequestFailure::Rejected, is_offer);
    answer(&mut run, "carl");
    assert_eq!(accepted(&run, carl), 0, "an answer to what was never sent");
    let before = run.media.len();
    run.pass(Millis::from_secs(20));
    assert!(run.media.len() == before && !run.has_sent(crate::support::is_hangup), "{:?}", run.media);
}

#[test]
fn no_line_is_offered_while_the_call_is_held_interrupted_or_being_changed() {
    let (mut run, [anna, bert, carl]) = three(Config::default());
    agree(&mut run, "anna", anna, Agreed { held: true, ..CAMERA });
    let generation = run.generation(carl);
    run.tell(Input::Media(MediaReport::TransportLost { leg: carl, generation }));
    agree(&mut run, "bert", bert, SCREEN);
    assert_eq!(offers(&run), []);
    let (party, offer, expires_in) = (Some("THEIRS".into()), Sdp("a change".into()), Millis::from_secs(10));
    run.tell(Input::CallNegotiated { key: key("carl", "c"), party, offer, expires_in, metadata: None });
    run.tell(Input::Media(MediaReport::TransportUp { leg: carl, generation }));
    assert_eq!(offers(&run), []);
    run.answered(carl, CAMERA);
    assert_eq!(offers(&run), [(carl, true)]);
    agree(&mut run, "anna", anna, CAMERA);
    assert_eq!(offers(&run), [(carl, true), (anna, true)]);
}

#[test]
fn the_line_is_offered_anew_in_a_session_that_takes_the_place_of_a_lost_one() {
    let (mut run, [anna, bert, _]) = three(Config::default());
    agree(&mut run, "bert", bert, SCREEN);
    change_line(&mut run, "anna", anna);
    run.restart();
    run.pass(Millis(300));
    ready(&mut run, anna);
    let is_hers = |request: &SignalRequest| is_offer(request) && *request.room() == direct("anna");
    run.done(is_hers);
    answer(&mut run, "anna");
    let generation = run.generation(anna);
    forget(&mut run);
    run.tell(Input::Media(MediaReport::TransportUp { leg: anna, generation }));
    assert_eq!(offers(&run), [(anna, true)]);
}
