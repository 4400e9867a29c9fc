//! Who speaks, who keeps order, and what people are told who ask for it (rule R10).

use crate::support::{GROUP, Run, direct, is_hangup, is_join_group, is_leave_group, member, refusal};
use confocal_conference::{
    Command, ConferenceEvent, Config, Denial, EndReason, HangupReason, Input, LegId, LegLevel, LevelDbov,
    Limits, MediaCommand, MediaReport, MemberId, Millis, Notice, Refusal, Reply, Role, Roll, SignalRequest,
    Silenced, Whom,
};

/// A conference of Anna, who is its moderator, Bert and Carl.
fn three(config: Config) -> (Run, [LegId; 3]) {
    let mut run = Run::joined(config);
    roles(&mut run, &[("anna", Role::Moderator)]);
    let legs = [run.in_call("anna", "a1"), run.in_call("bert", "b1"), run.in_call("carl", "c1")];
    run.sent.clear();
    (run, legs)
}

fn roles(run: &mut Run, roles: &[(&str, Role)]) {
    let members = roles.iter().map(|(user, role)| (member(user), *role)).collect();
    run.tell(Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members });
}

/// Someone says something in their 1:1 room. What is replied there.
fn say(run: &mut Run, user: &str, command: Command) -> Reply {
    say_in(run, direct(user).as_str(), user, command)
}

fn say_in(run: &mut Run, room: &str, user: &str, command: Command) -> Reply {
    // Slowly enough not to be too fast.
    run.pass(Millis::from_secs(2));
    run.tell(Input::Commanded { room: room.into(), by: member(user), command });
    let is_reply = |request: &SignalRequest| {
        matches!(request, SignalRequest::Notice { notice: Notice::Reply { .. }, .. })
    };
    match run.take(is_reply).1 {
        SignalRequest::Notice { room: answered, notice: Notice::Reply { reply, group, .. }, .. } => {
            assert_eq!((answered.as_str(), group.as_str()), (room, GROUP));
            reply
        }
        other => panic!("not a reply: {other:?}"),
    }
}

fn who(run: &mut Run) -> Roll {
    match say_in(run, GROUP, "passer-by", Command::Who) {
        Reply::Who(roll) => roll,
        other => panic!("not a roll: {other:?}"),
    }
}

/// What someone is told in their 1:1 room about their voice.
fn told(run: &mut Run, user: &str) -> Option<Silenced> {
    let is_voice = |request: &SignalRequest| matches!(request, SignalRequest::Notice { room, notice: Notice::Voice { .. }, .. } if *room == direct(user));
    match run.take(is_voice).1 {
        SignalRequest::Notice { notice: Notice::Voice { silenced, .. }, .. } => silenced,
        other => panic!("not about a voice: {other:?}"),
    }
}

/// Whether the engine mixes a leg's sound, as it was told.
fn heard(run: &Run, wanted: LegId) -> bool {
    let last = run.media.iter().rev().find_map(|command| match command {
        MediaCommand::SetHeard { leg, heard, .. } if *leg == wanted => Some(*heard),
        _ => None,
    });
    last.unwrap_or(true)
}

fn other(user: &str) -> Whom {
    Whom::Member(member(user))
}

// ---- voice ---------------------------------------------------------------------------------------------------------

#[test]
fn a_moderator_mutes_a_member_and_only_a_moderator_unmutes() {
    let (mut run, [_, bert, carl]) = three(Config::default());
    assert_eq!(say(&mut run, "anna", Command::Mute(other("bert"))), Reply::Done);
    assert_eq!(told(&mut run, "bert"), Some(Silenced::ByModerator));
    assert!(!heard(&run, bert) && heard(&run, carl));
    assert_eq!(
        say(&mut run, "bert", Command::Unmute(Whom::Oneself)),
        Reply::Denied(Denial::MutedByModerator)
    );
    assert_eq!(say(&mut run, "bert", Command::Mute(Whom::Oneself)), Reply::Done);
    assert_eq!(
        say(&mut run, "bert", Command::Unmute(Whom::Oneself)),
        Reply::Denied(Denial::MutedByModerator)
    );
    assert!(!heard(&run, bert));
    assert_eq!(say(&mut run, "anna", Command::Unmute(other("bert"))), Reply::Done);
    assert_eq!(told(&mut run, "bert"), None);
    assert!(heard(&run, bert) && run.sent.is_empty(), "{:?}", run.sent);
}

#[test]
fn a_moderators_mute_outlives_a_new_call() {
    let (mut run, _) = three(Config::default());
    say(&mut run, "anna", Command::Mute(other("bert")));
    run.hang_up("bert", "b1");
    let again = run.in_call("bert", "b2");
    assert!(!heard(&run, again));
    assert_eq!(run.greeting("bert"), Some((2, Some(Silenced::ByModerator))));
}

#[test]
fn ones_own_mute_is_ones_own_and_ends_with_the_call() {
    let (mut run, [_, bert, _]) = three(Config::default());
    assert_eq!(say(&mut run, "bert", Command::Mute(Whom::Oneself)), Reply::Done);
    assert!(!heard(&run, bert));
    assert_eq!(who(&mut run).present[1].silenced, Some(Silenced::ByThemselves));
    assert_eq!(say(&mut run, "bert", Command::Unmute(Whom::Oneself)), Reply::Done);
    assert!(heard(&run, bert) && run.sent.is_empty(), "whoever did it themselves knows: {:?}", run.sent);
    say(&mut run, "bert", Command::Mute(Whom::Oneself));
    run.hang_up("bert", "b1");
    let again = run.in_call("bert", "b2");
    assert!(heard(&run, again));
}

#[test]
fn everyone_is_muted_but_moderators_and_so_is_who_comes_later() {
    let (mut run, [anna, bert, carl]) = three(Config::default());
    assert_eq!(say(&mut run, "anna", Command::Mute(Whom::Everyone)), Reply::Done);
    assert_eq!([anna, bert, carl].map(|leg| heard(&run, leg)), [true, false, false]);
    let dora = run.in_call("dora", "d1");
    assert!(!heard(&run, dora));
    assert_eq!(run.greeting("dora"), Some((3, Some(Silenced::ByModerator))));
    assert!(!run.has_sent(|request| *request.room() == direct("dora")), "said once, with all the rest");
    assert_eq!(say(&mut run, "anna", Command::Unmute(Whom::Everyone)), Reply::Done);
    assert!([anna, bert, carl, dora].iter().all(|leg| heard(&run, *leg)));
    let emil = run.in_call("emil", "e1");
    assert!(heard(&run, emil));
}

#[test]
fn before_an_audience_only_speakers_and_those_given_the_word_are_heard() {
    let (mut run, [anna, bert, carl]) = three(Config::default());
    roles(&mut run, &[("anna", Role::Moderator), ("carl", Role::Speaker)]);
    assert_eq!(say(&mut run, "anna", Command::StartAudience), Reply::Done);
    assert_eq!([anna, bert, carl].map(|leg| heard(&run, leg)), [true, false, true]);
    assert_eq!(told(&mut run, "bert"), Some(Silenced::Audience));
    assert_eq!(say(&mut run, "bert", Command::Unmute(Whom::Oneself)), Reply::Denied(Denial::Audience));
    assert_eq!(say(&mut run, "bert", Command::RaiseHand), Reply::Done);
    assert_eq!(who(&mut run).present[1].hand, Some(1));
    assert_eq!(say(&mut run, "anna", Command::Grant(member("bert"))), Reply::Done);
    assert_eq!(told(&mut run, "bert"), None);
    assert!(heard(&run, bert));
    assert_eq!(who(&mut run).present[1].hand, None, "who has the word needs no hand");
    assert_eq!(say(&mut run, "anna", Command::Revoke(member("bert"))), Reply::Done);
    assert_eq!(told(&mut run, "bert"), Some(Silenced::Audience));
    assert_eq!(say(&mut run, "anna", Command::EndAudience), Reply::Done);
    assert!(heard(&run, bert));
}

#[test]
fn a_role_that_changes_gives_and_takes_the_voice() {
    let (mut run, [_, bert, _]) = three(Config { audience: true, ..Config::default() });
    assert!(!heard(&run, bert), "this conference begins with an audience");
    roles(&mut run, &[("anna", Role::Moderator), ("bert", Role::Speaker)]);
    assert!(heard(&run, bert));
    roles(&mut run, &[("anna", Role::Moderator)]);
    assert!(!heard(&run, bert));
}

#[test]
fn a_new_session_of_someone_muted_is_not_heard_either() {
    let (mut run, [_, bert, _]) = three(Config::default());
    say(&mut run, "anna", Command::Mute(other("bert")));
    run.restart();
    assert!(run.media.is_empty());
    run.pass(Millis::from_secs(2));
    assert!(!heard(&run, bert));
}

// ---- the door ------------------------------------------------------------------------------------------------------

#[test]
fn who_is_kicked_is_hung_up_told_and_refused_until_the_time_is_over() {
    let (mut run, [_, bert, _]) = three(Config::default());
    assert_eq!(say(&mut run, "anna", Command::Kick(member("bert"))), Reply::Done);
    assert!(run.closed(bert));
    let (_, SignalRequest::Hangup { reason, .. }) = run.take(is_hangup) else { unreachable!() };
    assert_eq!(reason, HangupReason::UserHangup);
    run.take(|request| {
        matches!(request, SignalRequest::Notice { notice: Notice::Ended { why: EndReason::Kicked, .. }, .. })
    });
    run.call("bert", "b2");
    assert_eq!(refusal(&mut run), Refusal::Kicked);
    run.pass(Millis(599_999));
    run.call("bert", "b3");
    assert_eq!(refusal(&mut run), Refusal::Kicked);
    run.pass(Millis(1));
    run.call("bert", "b4");
    run.admit(true);
}

#[test]
fn a_kick_is_taken_back_by_unkick_and_by_the_end() {
    let (mut run, _) = three(Config::default());
    say(&mut run, "anna", Command::Kick(member("bert")));
    assert_eq!(say(&mut run, "anna", Command::Unkick(member("bert"))), Reply::Done);
    run.call("bert", "b2");
    run.admit(true);
    say(&mut run, "anna", Command::Kick(member("bert")));
    say(&mut run, "anna", Command::End);
    run.sent.clear();
    run.call("bert", "b3");
    run.done(is_join_group);
    run.admit(true);
}

#[test]
fn nobody_new_comes_into_a_locked_conference_but_moderators_and_those_within() {
    let (mut run, _) = three(Config::default());
    roles(&mut run, &[("anna", Role::Moderator), ("emil", Role::Moderator)]);
    assert_eq!(say(&mut run, "anna", Command::Lock), Reply::Done);
    for (user, comes_in) in [("dora", false), ("bert", true), ("emil", true)] {
        if user != "bert" {
            run.open_direct(user);
        }
        run.call(user, "new");
        run.admit(true);
        if comes_in {
            assert!(run.media.iter().any(|command| matches!(command, MediaCommand::Open { .. })), "{user}");
            run.sent.clear();
        } else {
            assert_eq!(refusal(&mut run), Refusal::Locked, "{user}");
        }
    }
    assert!(who(&mut run).locked);
    assert_eq!(say(&mut run, "anna", Command::Unlock), Reply::Done);
    run.call("dora", "again");
    run.admit(true);
    assert!(!who(&mut run).locked);
}

#[test]
fn the_end_is_the_end_for_everyone_and_the_focus_leaves_at_once() {
    let (mut run, legs) = three(Config::default());
    run.open_direct("dora");
    run.call("dora", "rings");
    assert_eq!(say(&mut run, "anna", Command::End), Reply::Done);
    assert!(legs.iter().all(|leg| run.closed(*leg)));
    assert_eq!(run.sent.iter().filter(|(_, request)| is_hangup(request)).count(), 3);
    run.take(|request| matches!(request, SignalRequest::Reject { .. }));
    run.done(is_leave_group);
    assert_eq!(run.focus.roll(&GROUP.into()), None);
}

#[test]
fn where_the_focus_stays_the_end_ends_the_conference_and_what_was_decided_in_it() {
    let config = Config { stay: [GROUP.into()].into(), ..Config::default() };
    let (mut run, _) = three(config);
    say(&mut run, "anna", Command::Lock);
    say(&mut run, "anna", Command::End);
    assert!(!run.has_sent(is_leave_group));
    run.sent.clear();
    run.call("bert", "b2");
    run.admit(true);
    assert!(run.sent.is_empty(), "not locked any more: {:?}", run.sent);
}

#[test]
fn what_was_decided_ends_when_all_have_left_also_where_the_focus_stays() {
    let config = Config { stay: [GROUP.into()].into(), ..Config::default() };
    let (mut run, _) = three(config);
    say(&mut run, "anna", Command::Lock);
    for (user, call) in [("anna", "a1"), ("bert", "b1"), ("carl", "c1")] {
        run.hang_up(user, call);
    }
    run.pass(Millis(9_999));
    assert!(run.focus.roll(&GROUP.into()).unwrap().locked);
    run.pass(Millis(1));
    assert!(!run.focus.roll(&GROUP.into()).unwrap().locked);
    assert!(!run.has_sent(is_leave_group));
}

// ---- who may -------------------------------------------------------------------------------------------------------

#[test]
fn only_moderators_keep_order_and_each_denial_has_its_reason() {
    let (mut run, _) = three(Config::default());
    let orders = [
        Command::Mute(other("carl")),
        Command::Mute(Whom::Everyone),
        Command::Unmute(other("carl")),
        Command::LowerHand(other("carl")),
        Command::Kick(member("carl")),
        Command::Unkick(member("carl")),
        Command::Lock,
        Command::Unlock,
        Command::StartAudience,
        Command::EndAudience,
        Command::Grant(member("carl")),
        Command::Revoke(member("carl")),
        Command::End,
    ];
    for command in orders {
        let reply = say(&mut run, "bert", command.clone());
        assert_eq!(reply, Reply::Denied(Denial::NotAModerator), "{command:?}");
    }
    assert_eq!(run.media.iter().filter(|it| matches!(it, MediaCommand::SetHeard { .. })).count(), 0);
    roles(&mut run, &[("anna", Role::Moderator), ("carl", Role::Moderator)]);
    for (command, why) in [
        (Command::Kick(member("carl")), Denial::TargetIsModerator),
        (Command::Kick(member("nobody")), Denial::NoSuchParticipant),
        (Command::Mute(other("nobody")), Denial::NoSuchParticipant),
        (Command::Unmute(other("nobody")), Denial::NoSuchParticipant),
        (Command::Grant(member("nobody")), Denial::NoSuchParticipant),
        (Command::LowerHand(other("nobody")), Denial::NoSuchParticipant),
    ] {
        assert_eq!(say(&mut run, "anna", command.clone()), Reply::Denied(why), "{command:?}");
    }
}

#[test]
fn in_a_private_room_only_participants_are_listened_to_in_the_group_room_all_members() {
    let (mut run, _) = three(Config::default());
    roles(&mut run, &[("anna", Role::Moderator), ("zoe", Role::Moderator)]);
    run.open_direct("zoe");
    let denied = Reply::Denied(Denial::NotInConference);
    assert_eq!(say(&mut run, "zoe", Command::Who), denied, "she may have left the group room since");
    assert_eq!(say(&mut run, "zoe", Command::Lock), denied);
    assert_eq!(say_in(&mut run, GROUP, "zoe", Command::RaiseHand), denied);
    assert_eq!(say_in(&mut run, GROUP, "zoe", Command::Mute(Whom::Oneself)), denied);
    assert_eq!(say_in(&mut run, GROUP, "zoe", Command::Lock), Reply::Done);
}

#[test]
fn without_a_conference_there_is_nothing_to_ask_for_but_help() {
    let mut run = Run::new(Config::default());
    run.tell(Input::Commanded { room: GROUP.into(), by: member("bert"), command: Command::Who });
    assert!(run.sent.is_empty(), "nobody of us is there who could reply");
    run.open_direct("bert");
    assert_eq!(say(&mut run, "bert", Command::Who), Reply::Denied(Denial::NoConference));
    assert_eq!(say(&mut run, "bert", Command::Help), Reply::Help);
    run.invite_to_group();
    run.done(is_join_group);
    assert_eq!(say(&mut run, "bert", Command::Help), Reply::Help);
    assert_eq!(say(&mut run, "bert", Command::Who), Reply::Denied(Denial::NotInConference));
    assert_eq!(say_in(&mut run, GROUP, "bert", Command::Help), Reply::Help);
}

#[test]
fn who_asks_too_often_is_not_replied_to() {
    let limits = Limits { commands_at_once: 2, ..Limits::default() };
    let (mut run, _) = three(Config { limits, ..Config::default() });
    for _ in 0..5 {
        let room = GROUP.into();
        run.tell(Input::Commanded { room, by: member("bert"), command: Command::Who });
    }
    assert_eq!(run.sent.len(), 2);
}

// ---- hands and the roll --------------------------------------------------------------------------------------------

#[test]
fn hands_stand_in_a_queue_and_go_down_with_their_owner() {
    let (mut run, _) = three(Config::default());
    let queue = |run: &mut Run| who(run).present.iter().map(|present| present.hand).collect::<Vec<_>>();
    say(&mut run, "carl", Command::RaiseHand);
    say(&mut run, "bert", Command::RaiseHand);
    assert_eq!(queue(&mut run), [None, Some(2), Some(1)]);
    say(&mut run, "carl", Command::LowerHand(Whom::Oneself));
    assert_eq!(queue(&mut run), [None, Some(1), None]);
    say(&mut run, "carl", Command::RaiseHand);
    say(&mut run, "anna", Command::LowerHand(other("bert")));
    assert_eq!(queue(&mut run), [None, None, Some(1)]);
    run.hang_up("carl", "c1");
    run.in_call("carl", "c2");
    assert_eq!(queue(&mut run), [None, None, None]);
    say(&mut run, "bert", Command::RaiseHand);
    say(&mut run, "carl", Command::RaiseHand);
    say(&mut run, "anna", Command::LowerHand(Whom::Everyone));
    assert_eq!(queue(&mut run), [None, None, None]);
    let up = |user: &str| {
        run.news.iter().rev().find_map(|event| match event {
            ConferenceEvent::Standing { member: who, hand, .. } if *who == member(user) => Some(*hand),
            _ => None,
        })
    };
    assert_eq!((up("bert"), up("carl")), (Some(false), Some(false)));
}

#[test]
fn the_roll_names_who_is_in_and_not_who_rings() {
    let limits = Limits { roll: 2, ..Limits::default() };
    let (mut run, _) = three(Config { limits, ..Config::default() });
    run.open_direct("dora");
    run.call("dora", "rings");
    let roll = who(&mut run);
    assert_eq!(roll.total, 3);
    let names: Vec<&MemberId> = roll.present.iter().map(|present| &present.member).collect();
    assert_eq!(names, [&member("anna"), &member("bert")]);
    assert_eq!(roll.present[0].role, Role::Moderator);
    assert_eq!(run.focus.roll(&GROUP.into()), Some(roll));
}

// ---- the active speaker --------------------------------------------------------------------------------------------

/// For so long these legs are so loud, reported five times a second.
fn talk(run: &mut Run, millis: u64, levels: &[(LegId, i8)]) {
    for _ in 0..millis / 200 {
        run.pass(Millis(200));
        let level = |(leg, level): &(LegId, i8)| LegLevel {
            leg: *leg,
            level: LevelDbov(*level),
            speaking: *level > -60,
        };
        run.tell(Input::Media(MediaReport::Levels(levels.iter().map(level).collect())));
    }
}

fn speaker(run: &mut Run) -> Option<MemberId> {
    let roll = who(run);
    let speaking = roll.present.into_iter().filter(|present| present.speaking).map(|present| present.member);
    let speaking: Vec<MemberId> = speaking.collect();
    assert!(speaking.len() <= 1);
    speaking.into_iter().next()
}

#[test]
fn who_speaks_has_the_word_until_another_speaks_is_muted_or_leaves() {
    let (mut run, [anna, bert, carl]) = three(Config::default());
    assert_eq!(speaker(&mut run), None);
    talk(&mut run, 1_000, &[(anna, -20), (bert, -90)]);
    assert_eq!(speaker(&mut run), Some(member("anna")));
    talk(&mut run, 2_000, &[(anna, -90), (bert, -20)]);
    assert_eq!(speaker(&mut run), Some(member("bert")));
    say(&mut run, "anna", Command::Mute(other("bert")));
    assert_eq!(speaker(&mut run), None);
    talk(&mut run, 2_000, &[(bert, -10)]);
    assert_eq!(speaker(&mut run), None, "who is not heard does not get the word");
    talk(&mut run, 2_000, &[(carl, -20)]);
    assert_eq!(speaker(&mut run), Some(member("carl")));
    let changes = run.news.iter().filter_map(|event| match event {
        ConferenceEvent::ActiveSpeaker { speaker, before, .. } => {
            Some((speaker.map(|it| it.0), before.len()))
        }
        _ => None,
    });
    assert_eq!(changes.collect::<Vec<_>>(), [(Some(1), 0), (Some(2), 1), (None, 1), (Some(3), 1)]);
    run.hang_up("carl", "c1");
    assert_eq!(speaker(&mut run), None);
}
