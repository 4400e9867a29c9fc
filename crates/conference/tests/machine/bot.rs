//! The service's bot: comes when it is invited, explains once, brings the focus user in, is silent where that is, and goes.

use crate::support::{DOOR, GROUP, Run, member};
use confocal_conference::{
    Command, Config, Denial, FocusName, FocusUser, Input, Limits, Millis, Notice, Pattern, Policy, Reply,
    RequestFailure, RequestOutcome, Role, SignalRequest,
};

const BOT: &str = "@conference";

fn invite_bot(run: &mut Run, room: &str, by: &str) {
    run.tell(Input::BotInvited {
        bot: BOT.into(),
        focus: FocusName::Id(DOOR.into()),
        room: room.into(),
        by: member(by),
        via: vec!["one.example".into()],
    });
}

fn is_bot_join(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::JoinAsBot { .. })
}

fn is_look(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::LeaveIfAlone { .. })
}

fn outcome(run: &mut Run, wanted: impl Fn(&SignalRequest) -> bool, outcome: RequestOutcome) {
    let (id, _) = run.take(wanted);
    run.tell(Input::RequestDone { id, outcome });
}

/// The bot is in the group room.
fn with_bot(config: Config) -> Run {
    let mut run = Run::new(config);
    invite_bot(&mut run, GROUP, "anna");
    outcome(&mut run, is_bot_join, RequestOutcome::Joined { encrypted: false });
    run
}

fn said(run: &mut Run) -> (FocusUser, Notice) {
    match run.take(|request| matches!(request, SignalRequest::Notice { .. })).1 {
        SignalRequest::Notice { focus, notice, .. } => (focus, notice),
        other => panic!("{other:?}"),
    }
}

fn command(run: &mut Run, user: &str, command: Command) {
    run.pass(Millis::from_secs(2));
    run.tell(Input::Commanded { room: GROUP.into(), by: member(user), command });
}

/// What the bot, and nobody else, replies.
fn asked(run: &mut Run, user: &str, asking: Command) -> Reply {
    command(run, user, asking);
    reply(run)
}

fn reply(run: &mut Run) -> Reply {
    match said(run) {
        (who, Notice::Reply { reply, .. }) => {
            assert_eq!(who.as_str(), BOT);
            reply
        }
        other => panic!("{other:?}"),
    }
}

fn leaves(run: &Run) -> usize {
    run.sent.iter().filter(|(_, request)| matches!(request, SignalRequest::Leave { .. })).count()
}

#[test]
fn it_joins_where_it_is_invited_and_explains_in_one_message() {
    let mut run = with_bot(Config::default());
    let welcome = Notice::Welcome { group: GROUP.into(), focus: Some(DOOR.into()), encrypted: false };
    assert_eq!(said(&mut run), (BOT.into(), welcome));
    assert!(run.sent.is_empty(), "{:?}", run.sent);
    // An echo of the invitation that comes late does no more than ask whether it is in.
    assert_eq!(asked(&mut run, "anna", Command::Help), Reply::Help);
    assert_eq!(asked(&mut run, "anna", Command::Who), Reply::Denied(Denial::NotStarted));
}

#[test]
fn in_an_encrypted_room_it_says_so_once_and_in_the_same_message() {
    let mut run = Run::new(Config::default());
    invite_bot(&mut run, GROUP, "anna");
    outcome(&mut run, is_bot_join, RequestOutcome::Joined { encrypted: true });
    run.tell(Input::RoomEncrypted { room: GROUP.into() });
    assert!(matches!(said(&mut run).1, Notice::Welcome { encrypted: true, .. }));
    assert!(run.sent.is_empty(), "{:?}", run.sent);

    let mut run = with_bot(Config::default());
    said(&mut run);
    for _ in 0..2 {
        run.tell(Input::RoomEncrypted { room: GROUP.into() });
    }
    assert_eq!(said(&mut run).1, Notice::Deaf { group: GROUP.into() });
    assert!(run.sent.is_empty(), "{:?}", run.sent);
}

#[test]
fn it_invites_the_focus_user_and_replies_when_that_is_done() {
    let mut run = with_bot(Config::default());
    said(&mut run);
    command(&mut run, "anna", Command::Start);
    let is_invite = |request: &SignalRequest| matches!(request, SignalRequest::InviteFocus { .. });
    assert!(!run.has_sent(|request| matches!(request, SignalRequest::Notice { .. })), "not yet");
    // Who asks again meanwhile is told so, and nobody is invited twice.
    assert_eq!(asked(&mut run, "bert", Command::Start), Reply::Invited { focus: DOOR.into() });
    run.restart();
    run.done(is_invite);
    assert_eq!(reply(&mut run), Reply::Invited { focus: DOOR.into() });
    assert!(run.sent.is_empty(), "{:?}", run.sent);
}

#[test]
fn where_it_may_not_invite_it_says_who_may() {
    let mut run = with_bot(Config::default());
    said(&mut run);
    let is_invite = |request: &SignalRequest| matches!(request, SignalRequest::InviteFocus { .. });
    let cases = [
        (
            RequestOutcome::NotAllowed { ask: vec![member("anna")] },
            Reply::MayNotInvite { focus: DOOR.into(), ask: vec![member("anna")] },
        ),
        (
            RequestOutcome::Failed(RequestFailure::Forbidden),
            Reply::MayNotInvite { focus: DOOR.into(), ask: vec![] },
        ),
        (RequestOutcome::Failed(RequestFailure::Expired), Reply::Denied(Denial::NotNow)),
    ];
    for (came, told) in cases {
        command(&mut run, "bert", Command::Start);
        outcome(&mut run, is_invite, came);
        assert_eq!(reply(&mut run), told);
    }
}

#[test]
fn it_brings_the_focus_user_in_only_for_those_who_may_take_part_and_where_there_can_be_one() {
    let policy = Policy { allow: vec![], deny: vec![Pattern::new("@eve*")] };
    let mut run = with_bot(Config { policy, ..Config::default() });
    said(&mut run);
    assert_eq!(asked(&mut run, "eve", Command::Start), Reply::Denied(Denial::NotAllowed));

    let mut run = Run::new(Config::default());
    let room = GROUP.into();
    run.tell(Input::BotInvited {
        bot: BOT.into(),
        focus: FocusName::Nobody,
        room,
        by: member("anna"),
        via: vec![],
    });
    run.done(is_bot_join);
    assert!(matches!(said(&mut run).1, Notice::Welcome { focus: None, .. }));
    assert_eq!(asked(&mut run, "anna", Command::Start), Reply::Denied(Denial::NoFocusUser));
}

#[test]
fn a_focus_user_takes_its_invitation_also_where_a_list_does_not_name_the_bot() {
    let policy = Policy { allow: vec![Pattern::new("@anna")], deny: vec![] };
    let mut run = with_bot(Config { policy, ..Config::default() });
    let invited = |by: &str| Input::FocusInvited {
        focus: DOOR.into(),
        group: GROUP.into(),
        room: GROUP.into(),
        by: by.into(),
        via: vec![],
    };
    run.tell(invited("@bert"));
    assert_eq!(leaves(&run), 1);
    run.tell(invited(BOT));
    run.take(crate::support::is_join_group);
}

#[test]
fn where_a_focus_user_is_the_bot_is_silent() {
    let mut run = with_bot(Config::default());
    said(&mut run);
    run.invite_to_group();
    // As long as it has not come, the bot is the one who hears.
    assert_eq!(asked(&mut run, "anna", Command::RaiseHand), Reply::Denied(Denial::NotInConference));
    run.done(crate::support::is_join_group);
    command(&mut run, "anna", Command::Start);
    let (who, notice) = said(&mut run);
    assert_eq!(who.as_str(), DOOR);
    assert!(
        matches!(notice, Notice::Reply { command: Command::Start, reply: Reply::Done, .. }),
        "{notice:?}"
    );
    assert!(run.sent.is_empty(), "one reply: {:?}", run.sent);
}

#[test]
fn it_goes_when_everybody_else_has_gone() {
    let mut run = with_bot(Config::default());
    said(&mut run);
    let left = |run: &mut Run, user: &str| {
        run.tell(Input::MemberRemoved { room: GROUP.into(), member: member(user) });
    };
    left(&mut run, "bert");
    run.pass(Millis(5_000));
    left(&mut run, "carl");
    run.pass(Millis(4_999));
    assert!(run.sent.is_empty(), "both are one question: {:?}", run.sent);
    run.restart();
    run.pass(Millis(1));
    outcome(&mut run, is_look, RequestOutcome::Alone(false));
    assert_eq!(asked(&mut run, "anna", Command::Help), Reply::Help);
    left(&mut run, "anna");
    run.pass(Millis::from_secs(10));
    outcome(&mut run, is_look, RequestOutcome::Alone(true));
    assert!(run.sent.is_empty() && !run.records.contains_key("bot/!group"), "{:?}", run.records.keys());
    run.pass(Millis::from_secs(2));
    run.tell(Input::Commanded { room: GROUP.into(), by: member("anna"), command: Command::Help });
    assert!(run.sent.is_empty(), "{:?}", run.sent);
}

#[test]
fn a_flood_of_invitations_costs_what_the_limits_say() {
    let limits = Limits { bot_rooms: 4, bot_rooms_per_member: 3, commands_at_once: 100, ..Limits::default() };
    let mut run = Run::new(Config { limits, ..Config::default() });
    for room in 0..5 {
        invite_bot(&mut run, &format!("!anna-{room}"), "anna");
        invite_bot(&mut run, &format!("!bert-{room}"), "bert");
    }
    assert_eq!((run.sent.len() - leaves(&run), leaves(&run)), (4, 6));
    assert_eq!(run.records.keys().filter(|key| key.starts_with("bot/")).count(), 4);

    // One may have as many rooms as one may have, whatever the others have.
    let limits = Limits { bot_rooms_per_member: 1, ..Limits::default() };
    let mut run = Run::new(Config { limits, ..Config::default() });
    for (room, user, declined) in [("!one", "anna", 0), ("!two", "bert", 0), ("!three", "anna", 1)] {
        invite_bot(&mut run, room, user);
        assert_eq!(leaves(&run), declined, "{room}");
    }

    // Whoever invites and throws out again is held to the rate of commands.
    let limits = Limits { commands_at_once: 3, ..Limits::default() };
    let mut run = Run::new(Config { limits, ..Config::default() });
    for _ in 0..5 {
        invite_bot(&mut run, GROUP, "anna");
        run.tell(Input::FocusRemoved { focus: BOT.into(), room: GROUP.into() });
    }
    assert_eq!((run.sent.len() - leaves(&run), leaves(&run)), (3, 2));
}

#[test]
fn whoever_may_not_take_part_neither_brings_it_in_nor_throws_it_out() {
    let policy = Policy { allow: vec![], deny: vec![Pattern::new("@eve")] };
    let mut run = with_bot(Config { policy, ..Config::default() });
    said(&mut run);
    invite_bot(&mut run, GROUP, "eve");
    assert!(run.sent.is_empty(), "{:?}", run.sent);
    invite_bot(&mut run, "!other", "eve");
    assert_eq!(leaves(&run), 1);
}

#[test]
fn a_join_that_fails_leaves_nothing_and_one_that_is_thrown_out_neither() {
    let mut run = Run::new(Config::default());
    invite_bot(&mut run, GROUP, "anna");
    run.fail(RequestFailure::Forbidden, is_bot_join);
    assert!(!run.records.contains_key("bot/!group"));
    invite_bot(&mut run, GROUP, "anna");
    run.tell(Input::FocusRemoved { focus: BOT.into(), room: GROUP.into() });
    outcome(&mut run, is_bot_join, RequestOutcome::Joined { encrypted: false });
    assert!(run.sent.is_empty() && !run.records.contains_key("bot/!group"), "{:?}", run.sent);
}

#[test]
fn it_is_not_counted_as_a_person_where_it_may_say_so() {
    let mut run = with_bot(Config::default());
    let ask = |run: &mut Run| {
        let asked = |(_, request): &(_, SignalRequest)| matches!(request, SignalRequest::CountOut { .. });
        let at = run.telling.iter().position(asked)?;
        Some(run.telling.remove(at).0)
    };
    let roles = || Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members: [].into() };
    let id = ask(&mut run).unwrap();
    run.tell(roles());
    assert_eq!(ask(&mut run), None, "it is asked already");
    run.restart();
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Failed(RequestFailure::Forbidden) });
    run.tell(roles());
    let id = ask(&mut run).unwrap();
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Done });
    run.tell(roles());
    assert_eq!(ask(&mut run), None);
}

#[test]
fn it_looks_around_once_after_coming_in_for_whoever_left_meanwhile() {
    let mut run = with_bot(Config::default());
    run.pass(Millis(9_999));
    assert!(!run.has_sent(is_look));
    run.pass(Millis(1));
    outcome(&mut run, is_look, RequestOutcome::Alone(false));
    run.pass(Millis::from_secs(600));
    assert!(!run.has_sent(is_look), "and then when somebody leaves");
}

#[test]
fn what_is_said_in_the_moment_of_its_coming_is_heard_and_replied_to_after_it() {
    let mut run = Run::new(Config::default());
    invite_bot(&mut run, GROUP, "anna");
    command(&mut run, "anna", Command::Start);
    let order: Vec<_> = run.sent.iter().map(|(id, _)| *id).collect();
    outcome(&mut run, is_bot_join, RequestOutcome::Joined { encrypted: false });
    assert!(matches!(said(&mut run), (_, Notice::Welcome { .. })));
    let is_invitation = |request: &SignalRequest| matches!(request, SignalRequest::InviteFocus { .. });
    let (id, _) = run.take(is_invitation);
    assert_eq!(order.last(), Some(&id), "it waits behind the join");
    run.tell(Input::RequestDone { id, outcome: RequestOutcome::Done });
    assert_eq!(reply(&mut run), Reply::Invited { focus: DOOR.into() });
}

#[test]
fn a_focus_user_hears_what_is_said_in_the_moment_of_its_coming() {
    let mut run = Run::new(Config::default());
    run.invite_to_group();
    for (asking, replied) in [(Command::Help, Reply::Help), (Command::Lock, Reply::Denied(Denial::NotNow))] {
        command(&mut run, "anna", asking);
        let (who, notice) = said(&mut run);
        assert_eq!(who.as_str(), DOOR);
        assert!(matches!(notice, Notice::Reply { reply, .. } if reply == replied));
    }
    run.done(crate::support::is_join_group);
    run.tell(Input::RolesChanged {
        room: GROUP.into(),
        everyone: Role::Member,
        members: [(member("anna"), Role::Moderator)].into(),
    });
    command(&mut run, "anna", Command::Lock);
    assert!(matches!(said(&mut run).1, Notice::Reply { reply: Reply::Done, .. }));
}

/// The bot is invited into a room whose id is too long, and is told that it is in: whom it says to call there.
fn named_in(run: &mut Run, room: &str) -> Option<FocusUser> {
    run.pass(Millis::from_secs(60));
    let focus = FocusName::MadeUp { before: "@conf_x".into(), after: ":hs".into() };
    run.tell(Input::BotInvited {
        bot: BOT.into(),
        focus,
        room: room.into(),
        by: member("anna"),
        via: vec![],
    });
    outcome(run, is_bot_join, RequestOutcome::Joined { encrypted: false });
    match said(run).1 {
        Notice::Welcome { focus, .. } => focus,
        other => panic!("{other:?}"),
    }
}

fn invited_by_name(run: &mut Run, focus: &FocusUser, room: &str) {
    let (focus, room, by) = (focus.clone(), room.into(), member("anna"));
    run.tell(Input::NamedFocusInvited { focus, room, by, via: vec![] });
}

fn is_join(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::JoinGroup { .. } | SignalRequest::JoinDirect { .. })
}

#[test]
fn a_room_whose_id_is_too_long_has_a_focus_user_by_a_name_that_is_made_up_and_kept() {
    let mut run = Run::new(Config::default());
    let name = named_in(&mut run, "!long").unwrap();
    let chance = name.as_str().strip_prefix("@conf_x").and_then(|rest| rest.strip_suffix(":hs")).unwrap();
    assert!(chance.len() == 20 && chance.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
    assert_ne!(named_in(&mut run, "!longer").unwrap(), name);
    assert_eq!(named_in(&mut run, "!long"), Some(name.clone()), "the same when the bot comes again");
    run.restart();
    assert_eq!(named_in(&mut run, "!long"), Some(name.clone()));
    run.sent.clear();

    // It is found by its name: in the room that it stands for, and in a 1:1 room.
    for (room, joins_group) in [("!long", true), ("!anna-and-focus", false)] {
        invited_by_name(&mut run, &name, room);
        let (_, join) = run.take(is_join);
        assert_eq!((join.focus(), join.room().as_str()), (&name, room));
        assert_eq!(matches!(join, SignalRequest::JoinGroup { .. }), joins_group);
        if let SignalRequest::JoinDirect { group, .. } = join {
            assert_eq!(group.as_str(), "!long");
        }
    }
    invited_by_name(&mut run, &"@conf_xnobody:hs".into(), "!long");
    assert_eq!(leaves(&run), 1, "nobody's name is declined");
}

#[test]
fn of_too_many_names_the_oldest_is_forgotten_that_is_not_in_use() {
    let limits = Limits { made_up_names: 2, ..Limits::default() };
    let mut run = Run::new(Config { limits, ..Config::default() });
    let [one, two] = ["!one", "!two"].map(|room| named_in(&mut run, room).unwrap());
    assert_eq!(named_in(&mut run, "!three"), None, "the bot is in both rooms");
    run.tell(Input::FocusRemoved { focus: BOT.into(), room: "!two".into() });
    let three = named_in(&mut run, "!three").unwrap();
    assert_eq!(named_in(&mut run, "!one"), Some(one));
    run.restart();
    run.sent.clear();
    for (name, known) in [(two, false), (three, true)] {
        invited_by_name(&mut run, &name, "!anna-and-focus");
        assert_eq!(run.has_sent(is_join), known, "{name}");
    }
}
