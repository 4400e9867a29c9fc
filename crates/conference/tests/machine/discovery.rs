//! How a group room learns of its conference (rule R9): the announcement in its state, words, who is counted, who speaks; and
//! rooms in which moderators make the focus stay.

use crate::support::{DOOR, GROUP, Run, invite, is_join_group, is_leave_group, key, member};
use confocal_conference::{
    Agreed, Announcement, CallInvite, CallKey, CallVersion, Command, Config, Denial, Discovery, Input, LegId,
    LegLevel, LevelDbov, Limits, MediaReport, MemberId, Millis, Notice, Reply, RequestFailure, RequestId,
    RequestOutcome, Role, Sdp, SignalRequest, TimerKind, Timestamp,
};

/// Takes what was announced since the last time.
fn announced(run: &mut Run) -> Vec<(RequestId, Option<Announcement>)> {
    let mut found = Vec::new();
    run.telling.retain(|(id, request)| match request {
        SignalRequest::Announce { focus, room, announcement } => {
            assert_eq!((focus.as_str(), room.as_str()), (DOOR, GROUP));
            found.push((*id, announcement.clone()));
            false
        }
        _ => true,
    });
    found
}

/// As [`announced`], each one carried out.
fn told(run: &mut Run) -> Vec<Option<Announcement>> {
    let announced = announced(run);
    for (id, _) in &announced {
        run.tell(Input::RequestDone { id: *id, outcome: RequestOutcome::Done });
    }
    announced.into_iter().map(|(_, announcement)| announcement).collect()
}

fn counts(told: &[Option<Announcement>]) -> Vec<Option<usize>> {
    told.iter().map(|it| it.as_ref().map(|it| it.participants)).collect()
}

fn roles(run: &mut Run, moderators: &[&str]) {
    let members = moderators.iter().map(|user| (member(user), Role::Moderator)).collect();
    run.tell(Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members });
}

fn with(discovery: Discovery) -> Config {
    Config { discovery, ..Config::default() }
}

#[test]
fn a_conference_is_one_of_pictures_while_somebody_sends_some() {
    let kinds = |run: &mut Run| -> Vec<bool> {
        told(run).into_iter().flatten().map(|announcement| announcement.pictures).collect()
    };
    let mut run = Run::joined(Config::default());
    let anna = run.in_call("anna", "c1");
    assert_eq!(kinds(&mut run), [false]);
    let show = |run: &mut Run, agreed: Agreed| {
        run.tell(Input::CallNegotiated {
            key: key("anna", "c1"),
            party: Some("THEIRS".into()),
            offer: Sdp("another offer".into()),
            expires_in: Millis::from_secs(60),
            metadata: None,
        });
        run.answered(anna, agreed);
        run.pass(Millis::from_secs(30));
    };
    show(&mut run, Agreed { camera: true, ..Agreed::default() });
    assert_eq!(kinds(&mut run), [true]);
    show(&mut run, Agreed { screen: true, ..Agreed::default() });
    assert_eq!(kinds(&mut run), [] as [bool; 0], "it is what it was");
    show(&mut run, Agreed { held: true, camera: true, screen: true, pictures: true });
    assert_eq!(kinds(&mut run), [false], "who has the call on hold shows nothing");
    show(&mut run, Agreed { camera: true, ..Agreed::default() });
    assert_eq!(kinds(&mut run), [true]);
    run.in_call("bob", "c2");
    run.hang_up("anna", "c1");
    assert_eq!(kinds(&mut run), [true], "of two, one of whom shows something");
    run.pass(Millis::from_secs(30));
    assert_eq!(kinds(&mut run), [false], "who has left shows nothing");
}

// ---- the announcement ----------------------------------------------------------------------------------------------

#[test]
fn a_conference_is_announced_from_its_first_answer_to_its_end_and_changes_are_30_s_apart() {
    let mut run = Run::joined(Config::default());
    assert!(announced(&mut run).is_empty(), "nobody is there yet");
    let began = run.now;
    run.in_call("anna", "a1");
    let first =
        Announcement { started: began, participants: 1, pictures: false, recorded: false, names: vec![] };
    assert_eq!(told(&mut run), [Some(first.clone())]);
    run.pass(Millis(1_000));
    run.in_call("bert", "b1");
    run.in_call("carl", "c1");
    run.pass(Millis(28_999));
    assert!(announced(&mut run).is_empty());
    run.pass(Millis(1));
    assert_eq!(told(&mut run), [Some(Announcement { participants: 3, ..first })]);
    run.pass(Millis(60_000));
    assert!(announced(&mut run).is_empty(), "nothing has changed");
    for (user, call) in [("anna", "a1"), ("bert", "b1"), ("carl", "c1")] {
        run.hang_up(user, call);
    }
    assert_eq!(counts(&told(&mut run)), [Some(2)]);
    run.pass(Millis(9_999));
    assert!(announced(&mut run).is_empty(), "someone may come back");
    run.pass(Millis(1));
    let (left, _) = run.take(is_leave_group);
    let over = announced(&mut run);
    assert!(matches!(&over[..], [(id, None)] if *id < left), "{over:?}, and then {left}");
}

#[test]
fn who_comes_and_goes_in_between_is_not_announced() {
    let mut run = Run::joined(Config::default());
    run.in_call("anna", "a1");
    told(&mut run);
    run.in_call("bert", "b1");
    assert!(matches!(run.waits_for(), Some(TimerKind::Announce(_))));
    run.hang_up("bert", "b1");
    assert!(!matches!(run.waits_for(), Some(TimerKind::Announce(_))));
    run.pass(Millis(60_000));
    assert!(announced(&mut run).is_empty());
}

#[test]
fn the_end_is_announced_at_once_and_a_new_beginning_30_s_later() {
    let mut run = Run::joined(Config { stay: [GROUP.into()].into(), ..Config::default() });
    roles(&mut run, &["anna"]);
    run.in_call("anna", "a1");
    run.tell(Input::Commanded { room: GROUP.into(), by: member("anna"), command: Command::End });
    assert_eq!(counts(&told(&mut run)), [Some(1), None]);
    run.in_call("anna", "a2");
    run.pass(Millis(29_999));
    assert!(announced(&mut run).is_empty());
    run.pass(Millis(1));
    assert_eq!(counts(&told(&mut run)), [Some(1)]);
    // Where the focus stays, too, the conference is over some time after the last one has gone.
    run.hang_up("anna", "a2");
    run.pass(Millis(10_000));
    assert_eq!(counts(&told(&mut run)), [None]);
    assert!(!run.has_sent(is_leave_group));
}

#[test]
fn a_room_that_does_not_allow_it_is_left_alone_until_its_roles_change() {
    let mut run = Run::joined(Config::default());
    run.in_call("anna", "a1");
    let (id, _) = announced(&mut run)[0].clone();
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Failed(RequestFailure::Forbidden) });
    run.in_call("bert", "b1");
    run.pass(Millis(120_000));
    run.restart();
    assert!(announced(&mut run).is_empty());
    roles(&mut run, &["anna"]);
    assert_eq!(counts(&told(&mut run)), [Some(2)]);
}

#[test]
fn what_was_refused_is_not_taken_back() {
    let mut run = Run::joined(Config::default());
    run.in_call("anna", "a1");
    let (id, _) = announced(&mut run)[0].clone();
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Failed(RequestFailure::Forbidden) });
    run.hang_up("anna", "a1");
    run.pass(Millis(10_000));
    run.take(is_leave_group);
    assert!(announced(&mut run).is_empty());
}

#[test]
fn after_a_restart_it_is_taken_back_if_nobody_comes_again() {
    let mut run = Run::joined(Config { recover_calls: false, ..Config::default() });
    run.in_call("anna", "a1");
    told(&mut run);
    run.restart();
    assert!(announced(&mut run).is_empty());
    run.pass(Millis(30_000));
    assert_eq!(counts(&told(&mut run)), [None]);
    run.take(is_leave_group);
}

#[test]
fn a_change_that_waits_survives_a_restart() {
    let mut run = Run::joined(Config::default());
    run.in_call("anna", "a1");
    told(&mut run);
    run.in_call("bert", "b1");
    run.pass(Millis(29_000));
    run.focus =
        confocal_conference::Focus::restore(run.config.clone(), 8, run.now, run.records.clone()).unwrap();
    run.pass(Millis(1_000));
    assert_eq!(counts(&told(&mut run)), [Some(2)]);
}

#[test]
fn names_are_announced_only_where_the_operator_wants_them_and_no_more_than_the_limit() {
    let discovery = Discovery { names: true, ..Discovery::default() };
    let limits = Limits { announced_names: 2, ..Limits::default() };
    let mut run = Run::joined(Config { discovery, limits, ..Config::default() });
    let names = |told: Vec<Option<Announcement>>| -> Vec<Vec<MemberId>> {
        told.into_iter().map(|it| it.unwrap().names).collect()
    };
    run.in_call("bert", "b1");
    assert_eq!(names(told(&mut run)), [vec![member("bert")]]);
    run.in_call("anna", "a1");
    run.in_call("carl", "c1");
    run.pass(Millis(30_000));
    assert_eq!(
        names(told(&mut run)),
        [vec![member("bert"), member("anna")]],
        "in the order in which they came"
    );

    let mut run = Run::joined(with(Discovery { announce: false, ..Discovery::default() }));
    run.in_call("anna", "a1");
    run.pass(Millis(60_000));
    assert!(announced(&mut run).is_empty());
}

// ---- who is counted ------------------------------------------------------------------------------------------------

#[test]
fn a_focus_user_that_has_joined_is_not_counted_as_a_person_where_it_may_say_so() {
    let mut run = Run::joined(Config::default());
    let asked = |run: &Run| -> Vec<RequestId> {
        let is_it = |request: &SignalRequest| matches!(request, SignalRequest::CountOut { .. });
        run.telling.iter().filter(|(_, request)| is_it(request)).map(|(id, _)| *id).collect()
    };
    // Its rules are told after each join.
    roles(&mut run, &["anna"]);
    roles(&mut run, &["anna"]);
    let first = asked(&run);
    assert_eq!(first.len(), 1, "asked once");
    run.restart();
    run.tell(Input::RequestDone { id: first[0], outcome: RequestOutcome::Failed(RequestFailure::Forbidden) });
    roles(&mut run, &["anna"]);
    let second = asked(&run);
    assert_eq!(second.len(), 2, "asked again, since its power may have changed");
    run.tell(Input::RequestDone { id: second[1], outcome: RequestOutcome::Done });
    roles(&mut run, &[]);
    assert_eq!(asked(&run).len(), 2);

    let mut run = Run::joined(with(Discovery { count_out: false, ..Discovery::default() }));
    roles(&mut run, &["anna"]);
    assert!(asked(&run).is_empty());
}

// ---- words in the group room ---------------------------------------------------------------------------------------

#[test]
fn where_the_operator_wants_it_the_room_reads_of_the_beginning_and_of_the_end() {
    let said = |run: &Run| -> Vec<Notice> {
        let in_group = |request: &SignalRequest| match request {
            SignalRequest::Notice { room, notice, .. } if room.as_str() == GROUP => Some(notice.clone()),
            _ => None,
        };
        run.telling.iter().filter_map(|(_, request)| in_group(request)).collect()
    };
    for notices in [true, false] {
        let mut run = Run::joined(with(Discovery { notices, ..Discovery::default() }));
        run.in_call("anna", "a1");
        run.in_call("bert", "b1");
        run.hang_up("anna", "a1");
        run.pass(Millis(50_000));
        run.hang_up("bert", "b1");
        run.pass(Millis(10_000));
        let both = [
            Notice::Began { group: GROUP.into(), by: member("anna") },
            Notice::Over { group: GROUP.into(), lasted: Millis(60_000) },
        ];
        assert_eq!(said(&run), if notices { &both[..] } else { &[] });
    }
}

// ---- greetings -----------------------------------------------------------------------------------------------------

#[test]
fn who_comes_in_is_told_once_a_call_how_many_there_are() {
    let mut run = Run::joined(Config::default());
    run.in_call("anna", "a1");
    assert_eq!(run.greeting("anna"), Some((0, None)));
    let bert = run.in_call("bert", "b1");
    assert_eq!(run.greeting("bert"), Some((1, None)));
    run.telling.clear();
    let generation = run.generation(bert);
    run.tell(Input::Media(MediaReport::TransportLost { leg: bert, generation }));
    run.tell(Input::Media(MediaReport::TransportUp { leg: bert, generation }));
    assert_eq!(run.greeting("bert"), None, "the same call");
    run.in_call("bert", "b2");
    assert_eq!(run.greeting("bert"), Some((1, None)));
}

// ---- who speaks ----------------------------------------------------------------------------------------------------

/// Someone speaks for so long, measured five times a second.
fn speaks(run: &mut Run, leg: LegId, span: Millis) {
    for _ in 0..span.0 / 200 {
        run.pass(Millis(200));
        let level = LegLevel { leg, level: LevelDbov(-20), speaking: true };
        run.tell(Input::Media(MediaReport::Levels(vec![level])));
    }
}

/// Who was told of whom, and when the last of it is old; taken.
fn identified(run: &mut Run) -> Vec<(MemberId, MemberId, Timestamp)> {
    let mut found = Vec::new();
    run.telling.retain(|(_, request)| match request {
        SignalRequest::AssertIdentity { to, group, member, expires } => {
            assert_eq!(group.as_str(), GROUP);
            found.push((to.caller.clone(), member.clone(), *expires));
            false
        }
        _ => true,
    });
    found
}

#[test]
fn callers_who_can_know_are_told_who_speaks_each_once_in_ten_seconds() {
    let mut run = Run::joined(with(Discovery { identify: true, ..Discovery::default() }));
    let (anna, bert) = (run.in_call("anna", "a1"), run.in_call("bert", "b1"));
    run.open_direct("old");
    run.tell(Input::CallInvited(CallInvite { version: CallVersion::V0, party: None, ..invite("old", "o1") }));
    run.admit(true);
    run.answer_ready();
    let (leg, generation) = run.last_opened();
    run.tell(Input::Media(MediaReport::TransportUp { leg, generation }));
    speaks(&mut run, anna, Millis(1_000));
    let told = identified(&mut run);
    assert_eq!(told.len(), 1, "not of oneself, and not in version 0: {told:?}");
    assert_eq!((told[0].0.as_str(), told[0].1.as_str()), ("@bert", "@anna"));
    let carl = run.in_call("carl", "c1");
    let mut all = Vec::new();
    for leg in [bert, carl, anna].into_iter().cycle().take(30) {
        speaks(&mut run, leg, Millis(4_000));
        all.extend(identified(&mut run));
    }
    for who in ["anna", "bert", "carl"] {
        let of: Vec<_> = all.iter().filter(|(to, ..)| *to == member(who)).collect();
        assert!(of.len() >= 3 && of.iter().all(|(_, speaker, _)| *speaker != member(who)), "{who}: {of:?}");
        for pair in of.windows(2) {
            assert!(pair[1].2.since(pair[0].2) >= Millis(10_000), "{who} was told too soon: {pair:?}");
        }
    }

    let mut run = Run::joined(Config::default());
    let anna = run.in_call("anna", "a1");
    run.in_call("bert", "b1");
    speaks(&mut run, anna, Millis(2_000));
    assert!(identified(&mut run).is_empty(), "off unless it is wanted");
}

#[test]
fn one_may_be_told_again_when_ten_seconds_are_over_and_not_before() {
    let mut run = Run::joined(with(Discovery { identify: true, ..Discovery::default() }));
    let (anna, bert) = (run.in_call("anna", "a1"), run.in_call("bert", "b1"));
    run.in_call("carl", "c1");
    speaks(&mut run, anna, Millis(1_000));
    let first = identified(&mut run);
    let (_, _, expires) = first.iter().find(|(to, ..)| *to == member("carl")).unwrap().clone();
    speaks(&mut run, bert, Millis(30_000));
    let again = identified(&mut run);
    let to_carl: Vec<_> = again.iter().filter(|(to, ..)| *to == member("carl")).collect();
    assert_eq!(to_carl.len(), 1, "{again:?}");
    assert_eq!((to_carl[0].1.as_str(), to_carl[0].2), ("@bert", expires + Millis(10_000)));
}

#[test]
fn whose_announcement_stands_announces_on_and_another_one_when_it_is_gone() {
    let second = "@fs_group";
    let by = |run: &mut Run| {
        let mut found = Vec::new();
        run.telling.retain(|(id, request)| match request {
            SignalRequest::Announce { focus, announcement: Some(_), .. } => {
                found.push((*id, focus.as_str().to_owned()));
                false
            }
            _ => true,
        });
        for (id, _) in &found {
            run.tell(Input::RequestDone { id: *id, outcome: RequestOutcome::Done });
        }
        found.into_iter().map(|(_, focus)| focus).collect::<Vec<_>>()
    };
    for gone in [DOOR, second] {
        let mut run = Run::joined(Config::default());
        run.in_call("anna", "a1");
        let (group, room) = (GROUP.into(), "!second-bert".into());
        run.tell(Input::FocusInvited { focus: second.into(), group, room, by: member("bert"), via: vec![] });
        run.done(|request| matches!(request, SignalRequest::JoinDirect { .. }));
        let key = CallKey { room: "!second-bert".into(), ..key("bert", "b1") };
        run.tell(Input::CallInvited(CallInvite { key, ..invite("bert", "b1") }));
        run.done(is_join_group);
        run.admit(true);
        run.answer_ready();
        let (leg, generation) = run.last_opened();
        run.tell(Input::Media(MediaReport::TransportUp { leg, generation }));
        assert_eq!(by(&mut run), [DOOR]);
        run.pass(Millis::from_secs(30));
        assert_eq!(by(&mut run), [DOOR], "two are there");
        run.tell(Input::FocusRemoved { focus: gone.into(), room: GROUP.into() });
        run.pass(Millis::from_secs(30));
        let other = if gone == DOOR { second } else { DOOR };
        assert_eq!(by(&mut run), [other], "one is left");
        run.pass(Millis::from_secs(60));
        assert!(by(&mut run).is_empty());
    }
}

// ---- staying -------------------------------------------------------------------------------------------------------

fn say(run: &mut Run, user: &str, command: Command) -> Reply {
    run.pass(Millis::from_secs(2));
    run.tell(Input::Commanded { room: GROUP.into(), by: member(user), command });
    let is_reply = |request: &SignalRequest| {
        matches!(request, SignalRequest::Notice { notice: Notice::Reply { .. }, .. })
    };
    match run.take(is_reply).1 {
        SignalRequest::Notice { notice: Notice::Reply { reply, .. }, .. } => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_moderator_makes_the_focus_stay_over_restarts_until_it_is_told_otherwise() {
    let mut run = Run::joined(Config::default());
    roles(&mut run, &["anna"]);
    assert_eq!(say(&mut run, "bert", Command::Stay), Reply::Denied(Denial::NotAModerator));
    assert_eq!(say(&mut run, "anna", Command::Stay), Reply::Done);
    assert_eq!(say(&mut run, "anna", Command::Stay), Reply::Done);
    run.restart();
    run.pass(Millis::from_secs(3_600));
    run.in_call("bert", "b1");
    run.hang_up("bert", "b1");
    run.pass(Millis::from_secs(3_600));
    assert!(!run.has_sent(is_leave_group));
    assert_eq!(say(&mut run, "anna", Command::EndStay), Reply::Done);
    run.pass(Millis::from_secs(299));
    assert!(!run.has_sent(is_leave_group));
    run.pass(Millis::from_secs(1));
    run.done(is_leave_group);
}

#[test]
fn what_the_operator_configured_is_not_for_moderators_to_end() {
    let mut run = Run::joined(Config { stay: [GROUP.into()].into(), ..Config::default() });
    roles(&mut run, &["anna"]);
    assert_eq!(say(&mut run, "anna", Command::EndStay), Reply::Denied(Denial::StaysAnyhow));
    assert_eq!(say(&mut run, "anna", Command::Stay), Reply::Done);
}

#[test]
fn moderators_make_the_focus_stay_in_so_many_rooms_at_the_most() {
    let limits = Limits { stay_rooms: 1, ..Limits::default() };
    let mut run = Run::joined(Config { limits, ..Config::default() });
    roles(&mut run, &["anna"]);
    assert_eq!(say(&mut run, "anna", Command::Stay), Reply::Done);
    run.restart();
    let (other, door) = ("!other", "@conf_other");
    run.tell(Input::FocusInvited {
        focus: door.into(),
        group: other.into(),
        room: other.into(),
        by: member("anna"),
        via: vec![],
    });
    run.done(is_join_group);
    let members = || [(member("anna"), Role::Moderator)].into();
    run.tell(Input::RolesChanged { room: other.into(), everyone: Role::Member, members: members() });
    let stay_there = |run: &mut Run| {
        run.pass(Millis::from_secs(2));
        run.tell(Input::Commanded { room: other.into(), by: member("anna"), command: Command::Stay });
        let is_reply = |request: &SignalRequest| matches!(request, SignalRequest::Notice { .. });
        match run.take(is_reply).1 {
            SignalRequest::Notice { notice: Notice::Reply { reply, .. }, .. } => reply,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(stay_there(&mut run), Reply::Denied(Denial::TooManyStay));
    // A room that threw the focus out makes a place.
    run.tell(Input::FocusRemoved { focus: DOOR.into(), room: GROUP.into() });
    assert_eq!(stay_there(&mut run), Reply::Done);
}
