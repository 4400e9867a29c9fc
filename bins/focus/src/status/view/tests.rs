//! What news add up to, as JSON and as counts.

use confocal::conference::{EndReason, LayoutChoice, Millis, PerMille, Quality, View};
use serde_json::{Value, json};

use super::*;

fn opened(conference: u64) -> ConferenceEvent {
    ConferenceEvent::Opened { conference: ConferenceId(conference), group: RoomKey::from("!g:a.org") }
}

fn leg(participant: u64, member: &str, leg: u64, state: LegNews) -> ConferenceEvent {
    ConferenceEvent::Leg {
        conference: ConferenceId(1),
        participant: ParticipantId(participant),
        member: MemberId::from(member),
        leg: LegId(leg),
        state,
    }
}

fn standing(participant: u64, member: &str) -> ConferenceEvent {
    ConferenceEvent::Standing {
        conference: ConferenceId(1),
        participant: ParticipantId(participant),
        member: MemberId::from(member),
        role: Role::Speaker,
        silenced: Some(Silenced::ByModerator),
        hand: true,
    }
}

const fn active(muted: bool) -> LegNews {
    LegNews::Active { muted, camera: false, screen: false }
}

fn level(leg: u64, level: i8, speaking: bool) -> ConferenceEvent {
    ConferenceEvent::Level { conference: ConferenceId(1), leg: LegId(leg), level: LevelDbov(level), speaking }
}

fn connection(leg: u64, loss: Option<u16>, round_trip: Option<u64>, poor: bool) -> ConferenceEvent {
    let quality = Quality {
        incoming_loss: loss.map(PerMille),
        outgoing_loss: None,
        jitter: Some(Millis(3)),
        round_trip: round_trip.map(Millis),
    };
    ConferenceEvent::Quality { conference: ConferenceId(1), leg: LegId(leg), quality, poor }
}

/// The JSON after this news.
fn told(news: &[ConferenceEvent]) -> Value {
    let mut view = StatusView::default();
    news.iter().for_each(|event| view.apply(event));
    serde_json::to_value(view.conferences()).unwrap()
}

#[test]
fn the_json_names_everyone_and_everything() {
    let found = told(&[
        opened(1),
        opened(2),
        leg(5, "@a:a.org", 11, LegNews::Active { muted: false, camera: true, screen: false }),
        leg(4, "@b:b.org", 12, LegNews::Ringing),
        leg(5, "@a:a.org", 13, active(true)),
        level(11, -23, true),
        connection(11, Some(12), Some(40), false),
        connection(11, None, None, true),
        standing(5, "@a:a.org"),
        ConferenceEvent::Floor { conference: ConferenceId(1), locked: true, audience: false },
        ConferenceEvent::Recording { conference: ConferenceId(1), by: Some("@a:a.org".into()) },
        ConferenceEvent::ActiveSpeaker {
            conference: ConferenceId(1),
            speaker: Some(ParticipantId(5)),
            before: vec![ParticipantId(4)],
        },
        ConferenceEvent::Pictures {
            conference: ConferenceId(1),
            choice: LayoutChoice::Auto,
            view: View {
                layout: Layout::Grid,
                speaker: Some(ParticipantId(5)),
                before: vec![],
                screen: Some(LegId(11)),
            },
        },
    ]);
    assert_eq!(
        found,
        json!([
            { "conference": 1, "group": "!g:a.org", "locked": true, "audience": false, "recorded": true, "active_speaker": 5,
              "layout": "grid", "picture": 5, "screen": 11,
              "participants": [
                { "participant": 4, "member": "@b:b.org", "role": "member", "silenced": null, "hand": false,
                  "legs": [
                    { "leg": 12, "state": "ringing", "muted": false, "camera": false, "screen": false,
                      "level": null, "speaking": false, "connection": null },
                ]},
                { "participant": 5, "member": "@a:a.org", "role": "speaker", "silenced": "moderator",
                  "hand": true, "legs": [
                    { "leg": 11, "state": "active", "muted": false, "camera": true, "screen": false,
                      "level": -23, "speaking": true,
                      "connection": { "incoming_loss_permille": 12, "outgoing_loss_permille": null, "jitter_ms": 3,
                        "round_trip_ms": 40, "poor": true } },
                    { "leg": 13, "state": "active", "muted": true, "camera": false, "screen": false,
                      "level": null, "speaking": false, "connection": null },
                ]},
            ]},
            { "conference": 2, "group": "!g:a.org", "locked": false, "audience": false, "recorded": false,
              "active_speaker": null, "layout": "speaker", "picture": null, "screen": null, "participants": [] },
        ])
    );
}

#[test]
fn every_state_has_its_word() {
    let words = [
        (LegNews::Ringing, "ringing"),
        (LegNews::Answering, "answering"),
        (LegNews::Connecting, "connecting"),
        (active(false), "active"),
        (LegNews::Held, "held"),
        (LegNews::Reconnecting, "reconnecting"),
    ];
    for (news, word) in words {
        let found = told(&[opened(1), leg(1, "@a:a.org", 1, news)]);
        assert_eq!(found[0]["participants"][0]["legs"][0]["state"], word);
    }
}

#[test]
fn who_has_left_is_gone_leg_by_leg() {
    let mut news = vec![
        opened(1),
        leg(5, "@a:a.org", 11, active(false)),
        leg(5, "@a:a.org", 13, LegNews::Ringing),
        leg(5, "@a:a.org", 11, LegNews::Left(EndReason::CallerHungUp)),
    ];
    let found = told(&news);
    assert_eq!(found[0]["participants"][0]["legs"].as_array().unwrap().len(), 1);
    assert_eq!(found[0]["participants"][0]["legs"][0]["leg"], 13);

    news.push(leg(5, "@a:a.org", 13, LegNews::Left(EndReason::LeftGroup)));
    assert_eq!(told(&news)[0]["participants"], json!([]));
    // The end of what was never there.
    news.push(leg(5, "@a:a.org", 13, LegNews::Left(EndReason::LeftGroup)));
    news.push(level(13, -10, true));
    assert_eq!(told(&news)[0]["participants"], json!([]));
}

#[test]
fn an_interrupted_leg_stays_muted_and_has_no_level() {
    let found = told(&[
        opened(1),
        leg(1, "@a:a.org", 1, active(true)),
        level(1, -20, true),
        leg(1, "@a:a.org", 1, LegNews::Reconnecting),
    ]);
    let expected = json!({ "leg": 1, "state": "reconnecting", "muted": true, "camera": false, "screen": false,
            "level": null, "speaking": false, "connection": null });
    assert_eq!(found[0]["participants"][0]["legs"][0], expected);
}

#[test]
fn a_leg_that_mutes_itself_keeps_its_level_until_the_next() {
    let found = told(&[
        opened(1),
        leg(1, "@a:a.org", 1, active(false)),
        level(1, -20, true),
        leg(1, "@a:a.org", 1, active(true)),
    ]);
    let expected = json!({ "leg": 1, "state": "active", "muted": true, "camera": false, "screen": false,
        "level": -20, "speaking": true, "connection": null });
    assert_eq!(found[0]["participants"][0]["legs"][0], expected);
}

#[test]
fn a_closed_conference_is_gone_and_news_of_unknown_ones_add_nothing() {
    let ended = ConferenceEvent::Closed { conference: ConferenceId(1) };
    let late = leg(1, "@a:a.org", 1, LegNews::Ringing);
    assert_eq!(told(&[opened(1), late.clone(), ended, late, level(1, -3, true)]), json!([]));
}

#[test]
fn a_conference_told_again_keeps_its_participants() {
    let found = told(&[opened(1), leg(1, "@a:a.org", 1, LegNews::Ringing), opened(1)]);
    assert_eq!(found[0]["participants"].as_array().unwrap().len(), 1);
}

#[test]
fn roles_and_silences_have_their_words() {
    for (role, word) in [(Role::Member, "member"), (Role::Speaker, "speaker"), (Role::Moderator, "moderator")]
    {
        assert_eq!(serde_json::to_value(RoleWord::from(role)).unwrap(), word);
    }
    for (silenced, word) in [
        (Silenced::ByThemselves, "themselves"),
        (Silenced::ByModerator, "moderator"),
        (Silenced::Audience, "audience"),
    ] {
        assert_eq!(serde_json::to_value(SilencedWord::from(silenced)).unwrap(), word);
    }
}

#[test]
fn a_standing_told_before_the_calls_is_kept() {
    let found = told(&[opened(1), standing(1, "@a:a.org"), leg(1, "@a:a.org", 1, LegNews::Reconnecting)]);
    assert_eq!(found[0]["participants"][0]["role"], "speaker");
    assert_eq!(found[0]["participants"][0]["legs"].as_array().unwrap().len(), 1);
}

#[test]
fn an_interrupted_leg_has_no_connection_to_tell_of_and_one_that_is_gone_neither() {
    let mut news = vec![
        opened(1),
        leg(1, "@a:a.org", 1, active(false)),
        connection(1, Some(90), None, true),
        leg(1, "@a:a.org", 1, LegNews::Reconnecting),
    ];
    assert_eq!(told(&news)[0]["participants"][0]["legs"][0]["connection"], Value::Null);
    news.push(leg(1, "@a:a.org", 1, LegNews::Left(EndReason::MediaLost)));
    news.push(connection(1, Some(90), None, true));
    assert_eq!(told(&news)[0]["participants"], json!([]));
}

#[test]
fn what_is_there_is_counted() {
    let mut view = StatusView::default();
    let recording = |by: Option<&str>| ConferenceEvent::Recording {
        conference: ConferenceId(1),
        by: by.map(MemberId::from),
    };
    for event in [
        opened(1),
        opened(2),
        recording(Some("@a:a.org")),
        leg(5, "@a:a.org", 11, active(false)),
        leg(5, "@a:a.org", 13, LegNews::Held),
        leg(4, "@b:b.org", 12, LegNews::Ringing),
        level(11, -23, true),
        connection(11, Some(90), None, true),
    ] {
        view.apply(&event);
    }
    let legs = [
        ("ringing", 1),
        ("answering", 0),
        ("connecting", 0),
        ("active", 1),
        ("held", 1),
        ("reconnecting", 0),
    ];
    let expected = Present { conferences: 2, recorded: 1, participants: 2, legs, speaking: 1, poor: 1 };
    assert_eq!(view.present(), expected);
    for state in LegState::ALL {
        assert_eq!(serde_json::to_value(state).unwrap(), state.word());
    }
}
