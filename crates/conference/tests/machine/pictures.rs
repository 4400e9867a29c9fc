//! Whose picture is shown, and how: the layout, the speaker's camera, what the engine is told of streams and names.

use crate::support::{DOOR, GROUP, Run, direct, invite, key, member, metadata};
use confocal_conference::{
    Admission, Agreed, CallInvite, CallVersion, Command, ConferenceEvent, Config, Denial, Effect, Input,
    Layout, LayoutChoice, LegId, LegLevel, LevelDbov, MediaCommand, MediaReport, Millis, Notice,
    ParticipantId, Pictures, Reply, RequestOutcome, Role, SignalRequest, StreamInfo, StreamMetadata,
    StreamPurpose, TimerKind, View,
};

pub(crate) const CAMERA: Agreed = Agreed { held: false, camera: true, screen: false, pictures: true };

fn with(pictures: Pictures) -> Config {
    Config { pictures, ..Config::default() }
}

/// A group room in which Anna is the moderator.
pub(crate) fn room(config: Config) -> Run {
    let mut run = Run::joined(config);
    let members = [(member("anna"), Role::Moderator)].into();
    run.tell(Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members });
    run
}

pub(crate) fn streams(video_muted: bool) -> StreamMetadata {
    let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted: false, video_muted };
    [("stream".into(), info)].into()
}

/// Switches the camera of a call on or off, as its client says.
pub(crate) fn camera(run: &mut Run, user: &str, on: bool) {
    let (party, metadata) = (Some("THEIRS".into()), streams(!on));
    run.tell(Input::CallMetadataChanged { key: key(user, "c"), party, metadata });
}

/// A user in the conference whose camera is on.
pub(crate) fn seen(run: &mut Run, user: &str) -> LegId {
    let leg = run.in_call(user, "c");
    agree(run, user, leg, CAMERA);
    camera(run, user, true);
    leg
}

/// The caller offers a change of the call, and this is what it comes to.
pub(crate) fn agree(run: &mut Run, user: &str, leg: LegId, agreed: Agreed) {
    let party = Some("THEIRS".into());
    let (offer, expires_in) = (confocal_conference::Sdp("a change".into()), Millis::from_secs(10));
    run.tell(Input::CallNegotiated { key: key(user, "c"), party, offer, expires_in, metadata: None });
    run.answered(leg, agreed);
    run.done(|request| matches!(request, SignalRequest::NegotiateAnswer { .. }));
}

/// One speaks alone for so long.
fn speaks(run: &mut Run, leg: LegId, millis: u64) {
    for _ in 0..millis / 100 {
        run.pass(Millis(100));
        let levels = vec![LegLevel { leg, level: LevelDbov(-20), speaking: true }];
        run.tell(Input::Media(MediaReport::Levels(levels)));
    }
}

/// What the engine was told to show, in order.
pub(crate) fn views(run: &Run) -> Vec<View> {
    let views = run.media.iter().filter_map(|command| match command {
        MediaCommand::Show { view, .. } => Some(view.clone()),
        _ => None,
    });
    views.collect()
}

pub(crate) fn view(run: &Run) -> View {
    views(run).pop().unwrap()
}

fn layout(run: &Run) -> Layout {
    view(run).layout
}

pub(crate) fn say(run: &mut Run, user: &str, command: Command) -> Reply {
    run.pass(Millis::from_secs(2));
    run.tell(Input::Commanded { room: direct(user), by: member(user), command });
    let is_reply = |request: &SignalRequest| {
        matches!(request, SignalRequest::Notice { notice: Notice::Reply { .. }, .. })
    };
    match run.take(is_reply).1 {
        SignalRequest::Notice { notice: Notice::Reply { reply, .. }, .. } => reply,
        other => panic!("not a reply: {other:?}"),
    }
}

const ANNA: ParticipantId = ParticipantId(1);
const BERT: ParticipantId = ParticipantId(2);
const CARL: ParticipantId = ParticipantId(3);

#[test]
fn what_is_shown_is_told_before_the_first_session_and_only_when_it_changes() {
    let mut run = room(Config::default());
    run.open_direct("anna");
    run.call("anna", "c");
    run.admit(true);
    assert!(
        matches!(run.media[..], [MediaCommand::Show { .. }, MediaCommand::Open { .. }]),
        "{:?}",
        run.media
    );
    run.answer_ready();
    run.in_call("bert", "c");
    assert_eq!(views(&run), [View::default()]);
}

#[test]
fn what_is_shown_is_told_anew_when_the_sessions_are_lost_and_when_all_have_left() {
    let mut run = room(Config::default());
    seen(&mut run, "anna");
    assert_eq!(view(&run).speaker, Some(ANNA));
    run.restart();
    run.pass(Millis(300));
    assert!(
        matches!(run.media[..], [MediaCommand::Show { .. }, MediaCommand::Offer { .. }]),
        "{:?}",
        run.media
    );
    assert_eq!(view(&run), View::default(), "nobody is back yet");
    run.hang_up("anna", "c");
    run.media.clear();
    run.in_call("bert", "c");
    assert!(matches!(run.media[0], MediaCommand::Show { .. }));
}

#[test]
fn who_speaks_has_the_picture_for_two_seconds_at_the_least() {
    let mut run = room(Config::default());
    let [_, bert] = ["anna", "bert"].map(|user| seen(&mut run, user));
    assert_eq!((view(&run).speaker, view(&run).before), (Some(ANNA), vec![BERT]), "whoever came first");
    let since = run.now;
    run.media.clear();
    speaks(&mut run, bert, 1_900);
    assert!(views(&run).is_empty() && run.waits_for() == Some(TimerKind::Picture(GROUP.into())));
    run.pass(Millis(100));
    assert_eq!(run.now.since(since), Millis(2_000));
    assert_eq!((view(&run).speaker, view(&run).before), (Some(BERT), vec![ANNA]));
    assert_eq!(views(&run).len(), 1);
}

#[test]
fn who_has_no_camera_never_takes_the_picture() {
    let mut run = room(Config::default());
    seen(&mut run, "anna");
    let bert = run.in_call("bert", "c");
    run.media.clear();
    speaks(&mut run, bert, 5_000);
    assert!(views(&run).is_empty());
}

#[test]
fn when_the_speaker_leaves_or_switches_the_camera_off_the_last_one_takes_over_at_once() {
    let mut run = room(Config::default());
    let [_, bert, carl] = ["anna", "bert", "carl"].map(|user| seen(&mut run, user));
    speaks(&mut run, bert, 3_000);
    speaks(&mut run, carl, 4_000);
    assert_eq!((view(&run).speaker, view(&run).before), (Some(CARL), vec![BERT, ANNA]));
    run.media.clear();
    camera(&mut run, "carl", false);
    assert_eq!((view(&run).speaker, view(&run).before), (Some(BERT), vec![ANNA]));
    run.hang_up("bert", "c");
    assert_eq!((view(&run).speaker, view(&run).before), (Some(ANNA), vec![]));
    camera(&mut run, "carl", true);
    camera(&mut run, "anna", false);
    assert_eq!((view(&run).speaker, view(&run).before), (Some(CARL), vec![]));
}

#[test]
fn one_on_hold_or_interrupted_has_no_picture() {
    let mut run = room(Config::default());
    let [anna, bert] = ["anna", "bert"].map(|user| seen(&mut run, user));
    agree(&mut run, "anna", anna, Agreed { held: true, ..CAMERA });
    assert_eq!((view(&run).speaker, view(&run).before), (Some(BERT), vec![]));
    let generation = run.generation(bert);
    run.tell(Input::Media(MediaReport::TransportLost { leg: bert, generation }));
    assert_eq!(view(&run).speaker, None);
    run.tell(Input::Media(MediaReport::TransportUp { leg: bert, generation }));
    assert_eq!(view(&run).speaker, Some(BERT));
}

#[test]
fn a_call_becomes_one_with_pictures_and_without_them_again() {
    let mut run = room(Config::default());
    let anna = run.in_call("anna", "c");
    camera(&mut run, "anna", true);
    assert_eq!(view(&run).speaker, None, "nothing was agreed");
    agree(&mut run, "anna", anna, CAMERA);
    assert_eq!(view(&run).speaker, Some(ANNA));
    agree(&mut run, "anna", anna, Agreed::default());
    assert_eq!(view(&run).speaker, None);
}

#[test]
fn what_a_caller_says_of_its_streams_goes_to_the_engine_once() {
    let mut run = room(Config::default());
    let anna = run.in_call("anna", "c");
    let [MediaCommand::Open { theirs, .. }] = &run.media[1..2] else { panic!("{:?}", run.media) };
    assert_eq!(*theirs, Some(metadata(false)));
    run.media.clear();
    for _ in 0..2 {
        camera(&mut run, "anna", true);
    }
    let generation = confocal_conference::Generation(0);
    let described = MediaCommand::Describe { leg: anna, generation, theirs: streams(false) };
    assert_eq!(run.media[0], described);
    assert_eq!(run.media.len(), 1);
    let (party, offer) = (Some("THEIRS".into()), confocal_conference::Sdp("a change".into()));
    let (expires_in, metadata) = (Millis::from_secs(10), Some(streams(true)));
    run.tell(Input::CallNegotiated { key: key("anna", "c"), party, offer, expires_in, metadata });
    let [_, MediaCommand::Renegotiate { theirs, .. }] = &run.media[..] else { panic!("{:?}", run.media) };
    assert_eq!(*theirs, Some(streams(true)));
}

#[test]
fn a_participant_is_called_by_the_display_name_or_else_the_local_part() {
    for (told, called) in [(Some("Anna\u{202e} B\n"), "Anna B"), (None, "anna")] {
        let mut run = room(Config::default());
        run.open_direct("anna");
        run.call("anna", "c");
        let (id, _) = run.take(|request| matches!(request, SignalRequest::AskAdmission { .. }));
        let admission = Admission { joined: true, direct_members: 2, name: told.map(str::to_owned) };
        run.tell(Input::RequestDone { id, outcome: RequestOutcome::Admission(admission) });
        let name = |run: &Run| match run.media.last() {
            Some(MediaCommand::Open { name, .. } | MediaCommand::Offer { name, .. }) => name.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(name(&run), called);
        run.restart();
        assert_eq!(name(&run), called);
        run.hang_up("anna", "c");
        let kept = |text: &[u8]| String::from_utf8_lossy(text).contains("Anna B");
        assert!(!run.records.values().any(|record| kept(record)), "it leaves with the call");
    }
}

#[test]
fn moderators_choose_the_layout_until_the_conference_is_over() {
    let mut run = room(Config::default());
    seen(&mut run, "anna");
    run.in_call("bert", "c");
    let grid = || Command::Layout(LayoutChoice::Grid);
    assert_eq!(say(&mut run, "bert", grid()), Reply::Denied(Denial::NotAModerator));
    assert_eq!(layout(&run), Layout::Speaker);
    assert_eq!(say(&mut run, "anna", grid()), Reply::Done);
    assert_eq!(layout(&run), Layout::Grid);
    let roll = run.focus.roll(&GROUP.into()).unwrap();
    assert_eq!((roll.layout, roll.layout_wanted), (Layout::Grid, LayoutChoice::Grid));
    assert!(roll.present[0].camera && !roll.present[1].camera);
    run.restart();
    run.pass(Millis(300));
    assert_eq!(layout(&run), Layout::Grid, "it is kept in the record");
    run.config.stay = [GROUP.into()].into();
    run.restart();
    for user in ["anna", "bert"] {
        run.hang_up(user, "c");
    }
    run.pass(Millis::from_secs(60));
    run.sent.clear();
    run.media.clear();
    run.in_call("bert", "d");
    assert_eq!(layout(&run), Layout::Speaker);
}

#[test]
fn the_operator_sets_the_layout_that_conferences_begin_with() {
    for (layout, begins) in [
        (LayoutChoice::Speaker, Layout::Speaker),
        (LayoutChoice::Grid, Layout::Grid),
        (LayoutChoice::Auto, Layout::Grid),
    ] {
        let mut run = room(with(Pictures { layout, ..Pictures::default() }));
        run.in_call("anna", "c");
        assert_eq!(view(&run).layout, begins, "{layout:?}");
    }
}

fn auto(grid_participants: usize) -> Config {
    with(Pictures { layout: LayoutChoice::Auto, grid_participants, ..Pictures::default() })
}

#[test]
fn the_grid_is_for_few_and_comes_back_when_two_fewer_are_there() {
    let mut run = room(auto(3));
    for user in ["anna", "bert", "carl"] {
        run.in_call(user, "c");
    }
    assert_eq!(layout(&run), Layout::Grid);
    run.in_call("dora", "c");
    assert_eq!(layout(&run), Layout::Speaker);
    run.media.clear();
    for _ in 0..3 {
        run.hang_up("dora", "c");
        run.tell(Input::CallHungUp { key: key("dora", "d"), party: None, reason: hung_up() });
    }
    run.hang_up("carl", "c");
    assert!(views(&run).is_empty(), "one or two who come and go do not make it flap");
    run.restart();
    run.hang_up("bert", "c");
    run.pass(Millis(300));
    assert_eq!(layout(&run), Layout::Grid);
}

fn hung_up() -> confocal_conference::HangupReason {
    confocal_conference::HangupReason::UserHangup
}

fn fall_back(run: &mut Run) {
    let conference = run.media.iter().rev().find_map(|command| match command {
        MediaCommand::Show { conference, .. } => Some(*conference),
        _ => None,
    });
    run.tell(Input::Media(MediaReport::FellBack { conference: conference.unwrap() }));
}

fn told_of_fall(run: &mut Run) -> usize {
    let is = |request: &SignalRequest| {
        matches!(request, SignalRequest::Notice { room, notice: Notice::FellBack { .. }, focus } if
            room.as_str() == GROUP && focus.as_str() == DOOR)
    };
    let told = run.sent.iter().filter(|(_, request)| is(request)).count();
    run.sent.retain(|(_, request)| !is(request));
    told
}

#[test]
fn a_grid_that_is_too_much_gives_way_to_the_speaker_for_five_minutes_and_longer_the_next_time() {
    let mut run = room(auto(9));
    seen(&mut run, "anna");
    fall_back(&mut run);
    assert_eq!((layout(&run), told_of_fall(&mut run)), (Layout::Speaker, 1));
    fall_back(&mut run);
    assert_eq!(told_of_fall(&mut run), 0, "it is known");
    run.pass(Millis(299_999));
    assert_eq!(layout(&run), Layout::Speaker);
    run.pass(Millis(1));
    assert_eq!(layout(&run), Layout::Grid);
    fall_back(&mut run);
    run.pass(Millis(599_999));
    assert_eq!(layout(&run), Layout::Speaker);
    run.restart();
    run.pass(Millis(1));
    run.pass(Millis(300));
    assert_eq!(layout(&run), Layout::Grid, "the moment is kept in the record");
}

#[test]
fn a_grid_that_was_too_much_is_not_asked_for_again_at_once() {
    let mut run = room(with(Pictures { layout: LayoutChoice::Grid, ..Pictures::default() }));
    seen(&mut run, "anna");
    let grid = || Command::Layout(LayoutChoice::Grid);
    fall_back(&mut run);
    assert_eq!(say(&mut run, "anna", grid()), Reply::Denied(Denial::GridTooMuch));
    run.pass(Millis::from_secs(400));
    assert_eq!(layout(&run), Layout::Speaker, "only a moderator asks for it again");
    assert_eq!(say(&mut run, "anna", grid()), Reply::Done);
    assert_eq!(layout(&run), Layout::Grid);
}

#[test]
fn a_grid_may_be_asked_for_again_at_the_very_moment_when_it_has_rested() {
    let mut run = room(with(Pictures { layout: LayoutChoice::Grid, ..Pictures::default() }));
    seen(&mut run, "anna");
    fall_back(&mut run);
    let until = run.now + Millis::from_secs(300);
    let grid = |run: &mut Run| {
        let command = Command::Layout(LayoutChoice::Grid);
        run.tell(Input::Commanded { room: direct("anna"), by: member("anna"), command });
        layout(run)
    };
    run.pass(Millis(299_999));
    assert_eq!(grid(&mut run), Layout::Speaker);
    // The time was not told yet.
    run.now = until;
    assert_eq!(grid(&mut run), Layout::Grid);
    run.pass(Millis::from_secs(1));
    assert_eq!(layout(&run), Layout::Grid);
}

#[test]
fn what_was_too_much_is_forgotten_with_the_conference() {
    for rests in [0, 290, 300] {
        let mut run = room(Config { stay: [GROUP.into()].into(), ..auto(9) });
        run.in_call("anna", "c");
        fall_back(&mut run);
        run.pass(Millis::from_secs(rests));
        run.hang_up("anna", "c");
        run.pass(Millis::from_secs(10));
        run.in_call("anna", "d");
        assert_eq!(layout(&run), Layout::Grid, "after {rests} s");
        fall_back(&mut run);
        run.pass(Millis(299_999));
        assert_eq!(layout(&run), Layout::Speaker, "after {rests} s");
        run.pass(Millis(1));
        assert_eq!(layout(&run), Layout::Grid, "after {rests} s");
    }
}

#[test]
fn who_watches_is_told_of_each_choice_once_also_where_it_shows_nothing_else() {
    let mut run = room(Config::default());
    run.in_call("anna", "c");
    let told = |run: &mut Run| -> Vec<LayoutChoice> {
        let told = run.news.drain(..).filter_map(|event| match event {
            ConferenceEvent::Pictures { choice, .. } => Some(choice),
            _ => None,
        });
        told.collect()
    };
    told(&mut run);
    for (choice, news) in [
        (LayoutChoice::Speaker, &[LayoutChoice::Speaker][..]),
        (LayoutChoice::Speaker, &[]),
        (LayoutChoice::Auto, &[LayoutChoice::Auto, LayoutChoice::Auto]),
        (LayoutChoice::Auto, &[]),
        (LayoutChoice::Grid, &[LayoutChoice::Grid]),
    ] {
        assert_eq!(say(&mut run, "anna", Command::Layout(choice)), Reply::Done);
        assert_eq!(told(&mut run), news, "{choice:?}");
    }
}

#[test]
fn equal_runs_show_the_same() {
    let run = || {
        let mut run = room(auto(2));
        let legs = ["anna", "bert", "carl"].map(|user| seen(&mut run, user));
        for leg in legs {
            speaks(&mut run, leg, 2_000);
        }
        run.media.into_iter().map(Effect::Media).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}

// ---- what callers are told of it ----------------------------------------------------------------------------------------

/// Who was told anew whether there is something to see, in order; taken.
pub(crate) fn told_to_see(run: &mut Run) -> Vec<(String, bool)> {
    let mut told = Vec::new();
    run.telling.retain(|(_, request)| {
        let SignalRequest::DescribeStreams { to, streams, .. } = request else { return true };
        told.push((to.caller.as_str().to_owned(), streams.values().any(|stream| !stream.video_muted)));
        false
    });
    told
}

/// A user comes in with a camera that is on or off. Whether they are told at once that there is something to see is given back.
pub(crate) fn comes(run: &mut Run, user: &str, on: bool) -> bool {
    let leg = run.in_call(user, "c");
    let party = Some("THEIRS".into());
    let (offer, expires_in) = (confocal_conference::Sdp("a change".into()), Millis::from_secs(10));
    let metadata = Some(streams(!on));
    run.tell(Input::CallNegotiated { key: key(user, "c"), party, offer, expires_in, metadata });
    run.answered(leg, CAMERA);
    let (_, request) = run.take(|request| matches!(request, SignalRequest::NegotiateAnswer { .. }));
    let SignalRequest::NegotiateAnswer { streams: Some(streams), .. } = request else {
        panic!("{request:?} describes no stream");
    };
    streams.values().any(|stream| !stream.video_muted)
}

pub(crate) fn name(user: &str) -> String {
    member(user).as_str().to_owned()
}

#[test]
fn callers_are_told_whether_there_is_something_to_see_for_them() {
    let mut run = room(Config::default());
    assert!(!comes(&mut run, "anna", true), "there is nobody else");
    assert!(comes(&mut run, "bert", false), "there is Anna");
    run.pass(Millis::from_secs(60));
    assert_eq!(told_to_see(&mut run), [], "nothing has changed for anyone");
    camera(&mut run, "bert", true);
    assert_eq!(told_to_see(&mut run), [(name("anna"), true)], "Bert, at once");
    run.pass(Millis::from_secs(60));
    camera(&mut run, "anna", false);
    run.pass(Millis(4_999));
    assert_eq!(told_to_see(&mut run), [], "she may be back at once");
    run.pass(Millis(1));
    assert_eq!(told_to_see(&mut run), [(name("bert"), false)]);
}

#[test]
fn a_camera_that_flickers_is_not_told_of_each_time() {
    let mut run = room(Config::default());
    comes(&mut run, "anna", true);
    comes(&mut run, "bert", false);
    run.pass(Millis::from_secs(60));
    for _ in 0..10 {
        camera(&mut run, "anna", false);
        run.pass(Millis(900));
        camera(&mut run, "anna", true);
        run.pass(Millis(100));
    }
    assert_eq!(told_to_see(&mut run), [], "it was never gone for long");
    camera(&mut run, "anna", false);
    run.pass(Millis::from_secs(5));
    assert_eq!(told_to_see(&mut run), [(name("bert"), false)]);
    camera(&mut run, "anna", true);
    run.pass(Millis(4_999));
    assert_eq!(told_to_see(&mut run), [], "he was told just now");
    run.pass(Millis(1));
    assert_eq!(told_to_see(&mut run), [(name("bert"), true)]);
}

#[test]
fn in_the_grid_there_is_always_something_to_see() {
    let pictures = Pictures { layout: LayoutChoice::Grid, ..Pictures::default() };
    let mut run = room(with(pictures));
    assert!(comes(&mut run, "anna", false));
    assert!(comes(&mut run, "bert", true));
    camera(&mut run, "bert", false);
    run.pass(Millis::from_secs(60));
    assert_eq!(told_to_see(&mut run), [], "there are names and faces");
}

#[test]
fn who_could_not_know_what_it_means_is_not_told() {
    let mut run = room(Config::default());
    let leg = run.in_call("anna", "c");
    agree(&mut run, "anna", leg, Agreed { pictures: false, ..CAMERA });
    // One of the old version, and one that says nothing of its streams, who both can be sent pictures.
    for (user, version, metadata) in
        [("old", CallVersion::V0, Some(streams(true))), ("plain", CallVersion::V1, None)]
    {
        run.open_direct(user);
        run.tell(Input::CallInvited(CallInvite { version, metadata, ..invite(user, "c") }));
        run.admit(true);
        let (leg, generation) = run.last_opened();
        run.answered(leg, Agreed { camera: false, ..CAMERA });
        run.done(|request| matches!(request, SignalRequest::Answer { .. }));
        run.tell(Input::Media(MediaReport::TransportUp { leg, generation }));
    }
    run.pass(Millis::from_secs(60));
    comes(&mut run, "bert", true);
    run.pass(Millis::from_secs(60));
    assert_eq!(told_to_see(&mut run), [], "Anna takes no pictures, Bert sees nobody");
}
