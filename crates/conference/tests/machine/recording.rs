//! Recordings, and what is heard of those who come and go.

use crate::support::{DOOR, GROUP, Run, direct, member};
use confocal_conference::{
    Announcement, Audience, Command, ConferenceEvent, Config, Denial, Generation, Input, LegId, MediaCommand,
    MediaReport, Millis, Notice, RecordingEnd, RecordingFailure, RecordingId, Reply, Role, SignalRequest,
    Sound, Tones,
};

fn recording() -> Config {
    Config { recordings: true, ..Config::default() }
}

/// A conference of Anna, who is its moderator, and Bert.
fn two(config: Config) -> (Run, [LegId; 2]) {
    let mut run = Run::joined(config);
    let members = [(member("anna"), Role::Moderator)].into();
    run.tell(Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members });
    let legs = [run.in_call("anna", "a1"), run.in_call("bert", "b1")];
    run.sent.clear();
    run.media.clear();
    (run, legs)
}

fn say(run: &mut Run, user: &str, command: Command) -> Reply {
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

/// In which rooms something was said, in order.
fn said(run: &mut Run, wanted: &Notice) -> Vec<String> {
    let is =
        |request: &SignalRequest| matches!(request, SignalRequest::Notice { notice, .. } if notice == wanted);
    let rooms = run.sent.iter().filter(|(_, request)| is(request));
    let rooms = rooms.map(|(_, request)| request.room().as_str().to_owned()).collect();
    run.sent.retain(|(_, request)| !is(request));
    rooms
}

fn started() -> Notice {
    Notice::RecordingStarted { group: GROUP.into(), by: member("anna") }
}

fn stopped(why: RecordingEnd) -> Notice {
    Notice::RecordingStopped { group: GROUP.into(), why }
}

/// What the engine was told to play, since the last look.
fn played(run: &mut Run) -> Vec<(Audience, Sound)> {
    let played = run.media.iter().filter_map(|command| match command {
        MediaCommand::Play { to, sound, .. } => Some((*to, *sound)),
        _ => None,
    });
    let played = played.collect();
    run.media.retain(|command| !matches!(command, MediaCommand::Play { .. }));
    played
}

/// The recordings that were started and stopped, in order.
fn recordings(run: &Run) -> Vec<(u64, bool)> {
    let recordings = run.media.iter().filter_map(|command| match command {
        MediaCommand::Record { recording, .. } => Some((recording.0, true)),
        MediaCommand::StopRecording { recording, .. } => Some((recording.0, false)),
        _ => None,
    });
    recordings.collect()
}

const ALL: Audience = Audience::Everyone;

fn everywhere() -> [String; 3] {
    [GROUP.to_owned(), direct("anna").as_str().to_owned(), direct("bert").as_str().to_owned()]
}

#[test]
fn a_moderator_records_and_everyone_is_told_who_does() {
    let (mut run, _) = two(recording());
    assert_eq!(say(&mut run, "bert", Command::Record), Reply::Denied(Denial::NotAModerator));
    assert!(recordings(&run).is_empty() && run.focus.roll(&GROUP.into()).unwrap().recorded_by.is_none());
    assert_eq!(say(&mut run, "anna", Command::Record), Reply::Done);
    assert_eq!(said(&mut run, &started()), everywhere());
    // It is heard before it is recorded.
    assert!(matches!(
        &run.media[..],
        [
            MediaCommand::Play { to: Audience::Everyone, sound: Sound::RecordingStarted, .. },
            MediaCommand::Record { .. }
        ]
    ));
    assert_eq!(run.focus.roll(&GROUP.into()).unwrap().recorded_by, Some(member("anna")));
    played(&mut run);
    // Once more is once.
    assert_eq!(say(&mut run, "anna", Command::Record), Reply::Done);
    assert!(recordings(&run) == [(1, true)] && played(&mut run).is_empty() && run.sent.is_empty());
    assert_eq!(say(&mut run, "bert", Command::StopRecording), Reply::Denied(Denial::NotAModerator));
    assert_eq!(say(&mut run, "anna", Command::StopRecording), Reply::Done);
    assert_eq!(recordings(&run), [(1, true), (1, false)]);
    assert_eq!(said(&mut run, &stopped(RecordingEnd::StoppedBy(member("anna")))), everywhere());
    assert_eq!(played(&mut run), [(ALL, Sound::RecordingStopped)]);
    assert_eq!(say(&mut run, "anna", Command::StopRecording), Reply::Done);
    assert!(run.sent.is_empty(), "nothing is said of what was not: {:?}", run.sent);
    let news = run.news.iter().filter_map(|event| match event {
        ConferenceEvent::Recording { by, .. } => Some(by.clone()),
        _ => None,
    });
    assert_eq!(news.collect::<Vec<_>>(), [Some(member("anna")), None]);
    // The next one has a number of its own.
    say(&mut run, "anna", Command::Record);
    assert_eq!(recordings(&run).last(), Some(&(2, true)));
}

#[test]
fn where_the_operator_has_no_place_for_them_there_are_no_recordings() {
    let (mut run, _) = two(Config::default());
    assert_eq!(say(&mut run, "anna", Command::Record), Reply::Denied(Denial::NoRecordings));
    assert!(run.media.is_empty() && run.sent.is_empty());
}

#[test]
fn nobody_is_not_recorded() {
    let mut run = Run::joined(recording());
    let members = [(member("anna"), Role::Moderator)].into();
    run.tell(Input::RolesChanged { room: GROUP.into(), everyone: Role::Member, members });
    run.tell(Input::Commanded { room: GROUP.into(), by: member("anna"), command: Command::Record });
    assert!(run.has_sent(|request| matches!(
        request,
        SignalRequest::Notice {
            notice: Notice::Reply { reply: Reply::Denied(Denial::NobodyToRecord), .. },
            ..
        }
    )));
    assert!(run.media.is_empty());
}

#[test]
fn who_comes_later_is_told_with_the_greeting_and_hears_it() {
    let (mut run, _) = two(recording());
    say(&mut run, "anna", Command::Record);
    run.sent.clear();
    played(&mut run);
    let carl = run.in_call("carl", "c1");
    assert_eq!(
        played(&mut run),
        [(Audience::Leg { leg: carl, generation: Generation(0) }, Sound::Recording)]
    );
    let greeting = run.telling.iter().rev().find_map(|(_, request)| match request {
        SignalRequest::Notice { room, notice: Notice::Joined { recorded_by, .. }, .. }
            if *room == direct("carl") =>
        {
            Some(recorded_by.clone())
        }
        _ => None,
    });
    assert_eq!(greeting, Some(Some(member("anna"))));
    assert!(said(&mut run, &started()).is_empty(), "it is said once");
}

#[test]
fn a_recording_ends_with_the_last_participant_and_is_told_while_the_focus_is_there() {
    let (mut run, _) = two(recording());
    say(&mut run, "anna", Command::Record);
    run.sent.clear();
    run.hang_up("anna", "a1");
    assert_eq!(recordings(&run), [(1, true)], "who started it may leave");
    run.hang_up("bert", "b1");
    assert_eq!(recordings(&run), [(1, true), (1, false)]);
    assert_eq!(said(&mut run, &stopped(RecordingEnd::Empty)), [GROUP]);
}

#[test]
fn the_end_of_the_conference_is_the_end_of_its_recording() {
    let (mut run, _) = two(recording());
    say(&mut run, "anna", Command::Record);
    run.sent.clear();
    say(&mut run, "anna", Command::End);
    let at = |wanted: fn(&SignalRequest) -> bool| run.sent.iter().position(|(_, request)| wanted(request));
    let told = at(
        |request| matches!(request, SignalRequest::Notice { notice: Notice::RecordingStopped { .. }, room, .. } if room.as_str() == GROUP),
    );
    let left = at(|request| matches!(request, SignalRequest::Leave { room, .. } if room.as_str() == GROUP));
    assert!(told.is_some() && told < left, "{:?}", run.sent);
    assert_eq!(recordings(&run), [(1, true), (1, false)]);
}

#[test]
fn a_focus_user_that_was_thrown_out_says_nothing_more_in_the_group_room() {
    let (mut run, _) = two(recording());
    say(&mut run, "anna", Command::Record);
    run.sent.clear();
    run.tell(Input::FocusRemoved { focus: DOOR.into(), room: GROUP.into() });
    assert_eq!(recordings(&run), [(1, true), (1, false)]);
    assert!(!run.has_sent(|request| request.room().as_str() == GROUP), "{:?}", run.sent);
}

#[test]
fn a_recording_that_fails_is_over_and_everyone_is_told_why() {
    let (mut run, _) = two(recording());
    say(&mut run, "anna", Command::Record);
    run.sent.clear();
    played(&mut run);
    let conference = match run.media.last() {
        Some(MediaCommand::Record { conference, .. }) => *conference,
        other => panic!("not recorded: {other:?}"),
    };
    let failed = |recording| {
        let why = RecordingFailure::DiskFull;
        Input::Media(MediaReport::RecordingFailed { conference, recording: RecordingId(recording), why })
    };
    run.tell(failed(7));
    assert!(run.sent.is_empty(), "of another recording");
    run.tell(failed(1));
    let over = stopped(RecordingEnd::Failed(RecordingFailure::DiskFull));
    assert_eq!(said(&mut run, &over), everywhere());
    assert_eq!(recordings(&run), [(1, true), (1, false)], "what is left of it is let go of");
    assert_eq!(played(&mut run), [(ALL, Sound::RecordingStopped)]);
    run.tell(failed(1));
    assert!(run.sent.is_empty() && run.focus.roll(&GROUP.into()).unwrap().recorded_by.is_none());
}

#[test]
fn a_restart_is_the_end_of_a_recording_and_it_is_told() {
    let (mut run, _) = two(recording());
    say(&mut run, "anna", Command::Record);
    run.sent.clear();
    run.restart();
    assert_eq!(said(&mut run, &stopped(RecordingEnd::Restarted)), everywhere());
    assert!(recordings(&run).is_empty() && played(&mut run).is_empty(), "{:?}", run.media);
    assert!(run.focus.roll(&GROUP.into()).unwrap().recorded_by.is_none());
}

#[test]
fn the_rooms_state_says_that_it_is_recorded() {
    let (mut run, _) = two(recording());
    run.pass(Millis::from_secs(60));
    say(&mut run, "anna", Command::Record);
    let announced = run.telling.iter().rev().find_map(|(_, request)| match request {
        SignalRequest::Announce { focus, announcement: Some(Announcement { recorded, .. }), .. } => {
            assert_eq!(focus.as_str(), DOOR);
            Some(*recorded)
        }
        _ => None,
    });
    // The one before is under way still; its fate is waited for.
    assert_ne!(announced, Some(true));
    let (id, _) = run
        .telling
        .iter()
        .rev()
        .find(|(_, request)| matches!(request, SignalRequest::Announce { .. }))
        .unwrap();
    run.tell(Input::RequestDone { id: *id, outcome: confocal_conference::RequestOutcome::Done });
    run.pass(Millis::from_secs(30));
    assert!(run.telling.iter().any(|(_, request)| matches!(
        request,
        SignalRequest::Announce { announcement: Some(Announcement { recorded: true, .. }), .. }
    )));
}

// ---- tones ---------------------------------------------------------------------------------------------------------

fn tones() -> Config {
    let tones = Tones { on: true, alone_after: Some(Millis::from_secs(5)), ..Tones::default() };
    Config { tones, ..Config::default() }
}

#[test]
fn coming_and_going_is_heard_where_it_is_wished_for() {
    let mut run = Run::joined(tones());
    run.in_call("anna", "a1");
    assert!(played(&mut run).is_empty(), "nobody else is there to hear it");
    run.in_call("bert", "b1");
    assert_eq!(played(&mut run), [(ALL, Sound::Joined)]);
    run.pass(Millis::from_secs(2));
    run.hang_up("bert", "b1");
    assert_eq!(played(&mut run), [(ALL, Sound::Left)]);
    let (mut run, _) = two(Config::default());
    run.hang_up("bert", "b1");
    assert!(played(&mut run).is_empty());
}

#[test]
fn a_crowd_that_comes_at_once_is_heard_once_and_a_large_conference_not_at_all() {
    let mut run = Run::joined(tones());
    for user in 0..30 {
        run.in_call(&format!("user{user}"), "c");
    }
    assert_eq!(played(&mut run), [(ALL, Sound::Joined)], "all in one moment");
    for user in 0..15 {
        run.pass(Millis::from_secs(3));
        run.hang_up(&format!("user{user}"), "c");
    }
    // From the one on whose leaving leaves twenty.
    assert_eq!(played(&mut run), [(ALL, Sound::Left); 6]);
}

#[test]
fn one_who_calls_by_another_device_does_not_come_again() {
    let mut run = Run::joined(Config { second_device: confocal_conference::SecondDevice::Add, ..tones() });
    run.in_call("anna", "a1");
    run.in_call("bert", "b1");
    played(&mut run);
    run.pass(Millis::from_secs(3));
    run.tell(Input::CallInvited(confocal_conference::CallInvite {
        party: Some("OTHER".into()),
        ..crate::support::invite("bert", "b2")
    }));
    run.admit(true);
    run.answer_ready();
    let (leg, generation) = run.last_opened();
    run.tell(Input::Media(MediaReport::TransportUp { leg, generation }));
    assert!(played(&mut run).is_empty());
    run.hang_up("bert", "b1");
    assert!(played(&mut run).is_empty(), "still in by the other one");
}

#[test]
fn who_is_alone_is_told_once_after_a_time() {
    let mut run = Run::joined(tones());
    run.in_call("anna", "a1");
    run.pass(Millis(4_999));
    assert!(played(&mut run).is_empty());
    run.restart();
    run.pass(Millis(1));
    assert_eq!(played(&mut run), [(ALL, Sound::Alone)]);
    run.pass(Millis::from_secs(3));
    assert!(played(&mut run).is_empty());
    let mut run = Run::joined(tones());
    run.in_call("anna", "a1");
    run.pass(Millis::from_secs(3));
    run.in_call("bert", "b1");
    run.pass(Millis::from_secs(10));
    assert_eq!(played(&mut run), [(ALL, Sound::Joined)]);
    run.hang_up("bert", "b1");
    run.pass(Millis::from_secs(5));
    assert_eq!(played(&mut run), [(ALL, Sound::Left), (ALL, Sound::Alone)]);
}

#[test]
fn whoever_comes_in_is_welcomed_and_the_first_one_otherwise() {
    let to = |leg| Audience::Leg { leg, generation: Generation(0) };
    let welcomed = |opening, welcome| {
        let tones = Tones { opening, welcome, ..Tones::default() };
        let mut run = Run::joined(Config { tones, ..recording() });
        let legs = [run.in_call("anna", "a1"), run.in_call("bert", "b1")];
        (played(&mut run), legs)
    };
    let (heard, [anna, bert]) = welcomed(true, true);
    assert_eq!(heard, [(to(anna), Sound::Opening), (to(bert), Sound::Welcome)]);
    let (heard, [anna, bert]) = welcomed(false, true);
    assert_eq!(heard, [(to(anna), Sound::Welcome), (to(bert), Sound::Welcome)]);
    let (heard, [anna, _]) = welcomed(true, false);
    assert_eq!(heard, [(to(anna), Sound::Opening)]);
    assert_eq!(welcomed(false, false).0, []);
}

#[test]
fn a_welcome_does_not_drown_that_it_is_recorded() {
    let tones = Tones { welcome: true, ..Tones::default() };
    let (mut run, _) = two(Config { tones, ..recording() });
    say(&mut run, "anna", Command::Record);
    played(&mut run);
    let carl = run.in_call("carl", "c1");
    assert_eq!(
        played(&mut run),
        [(Audience::Leg { leg: carl, generation: Generation(0) }, Sound::Recording)]
    );
}

#[test]
fn who_is_in_already_is_not_welcomed_by_another_device() {
    let tones = Tones { opening: true, welcome: true, ..Tones::default() };
    let second_device = confocal_conference::SecondDevice::Add;
    let mut run = Run::joined(Config { tones, second_device, ..Config::default() });
    run.in_call("anna", "a1");
    assert_eq!(played(&mut run).len(), 1);
    run.tell(Input::CallInvited(confocal_conference::CallInvite {
        party: Some("OTHER".into()),
        ..crate::support::invite("anna", "a2")
    }));
    run.admit(true);
    run.answer_ready();
    let (leg, generation) = run.last_opened();
    run.tell(Input::Media(MediaReport::TransportUp { leg, generation }));
    assert_eq!(played(&mut run), []);
}
