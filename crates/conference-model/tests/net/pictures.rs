//! Pictures that are not as they should be.
//!
//! How a turn is made up never lives here.

use crate::told_otherwise::*;
use confocal_conference::*;
use confocal_conference_model::action::Action;
use confocal_conference_model::seen::Seen;
use serde_json::json;

fn show(view: View) -> Effect {
    Effect::Media(MediaCommand::Show { conference: ConferenceId(1), view })
}

/// Anna is in the conference, with her camera on.
fn with_camera() -> Seen {
    let answered = Action::Engine { which: 0, report: 0, shade: 2 };
    after(0, &[ROOM, DONE, CALL, DONE, DONE, answered, DONE, UP, DONE])
}

fn shown(view: impl FnOnce(View) -> View) -> Vec<&'static str> {
    broken_by(with_camera(), |seen, turn| {
        let (as_before, _) = seen.views[&ConferenceId(1)].clone();
        turn.effects = vec![show(view(as_before))];
    })
}

/// The grid is too much.
const FALLS_BACK: Action = Action::Engine { which: 0, report: 11, shade: 0 };

/// The operator has chosen the grid, and Anna is in the conference.
fn grid(and_then: &[Action]) -> Seen {
    after(0b0100, &[&ACTIVE[..], and_then].concat())
}

/// The only leg is offered a line.
fn offered(seen: &Seen) -> Effect {
    let (leg, view) = the_leg(seen);
    let (generation, number) = (view.generation, OfferNumber(view.offer.0 + 1));
    Effect::Media(MediaCommand::OfferAgain { leg, generation, number, screen: true })
}

pub(crate) fn cases_of_pictures() -> Vec<Case> {
    let screen_of = |seen: &Seen, leg: Option<LegId>| {
        let sharer = leg.map(|_| the_leg(seen).1.participant);
        let sight = json!({ "any": false, "but": null, "screen": sharer });
        changed(seen, &conference_key(), |record| {
            record["showing"]["screen"] = json!(leg);
            record["sight"] = json!({ "told": sight, "at": 0, "seen": sight, "since": 0, "loose": false });
        })
    };
    let sharing = after_turn(active(), |seen, turn| {
        let (leg, _) = the_leg(seen);
        let shares = changed(seen, &leg_key(leg), |record| {
            record["leg"]["agreed"] = json!(Agreed { screen: true, ..Agreed::default() });
            record["leg"]["sharing"] = json!({ "since": 0, "stopped": false, "told": "Shown" });
        });
        turn.changes = vec![screen_of(seen, Some(leg)), shares];
        let (as_before, _) = seen.views[&ConferenceId(1)].clone();
        turn.effects = vec![show(View { screen: Some(leg), ..as_before })];
    });
    let silent = after_turn(active(), |seen, turn| {
        turn.changes = vec![changed(seen, &leg_key(the_leg(seen).0), |record| {
            record["leg"]["second"]["asking"] = json!("Never");
        })];
    });
    vec![
        ("what_is_shown_is_there", shown(|view| View { before: vec![ParticipantId(99)], ..view })),
        ("who_can_be_shown_is", shown(|view| View { speaker: None, ..view })),
        ("the_picture_is_held", shown(|view| View { speaker: None, ..view })),
        ("one_screen_is_shown_of_those_who_may", shown(|view| View { screen: Some(LegId(99)), ..view })),
        (
            "who_speaks_has_the_picture",
            broken_by(with_camera(), |_, turn| {
                turn.effects = vec![show(View::default())];
                present(turn).speaking = true;
            }),
        ),
        (
            "the_screen_is_the_first_or_the_latest",
            broken_by(sharing, |seen, turn| turn.changes = vec![screen_of(seen, None)]),
        ),
        ("what_is_shown_is_told_first_and_on_change", shown(|view| view)),
        ("the_grid_is_for_few", shown(|view| View { layout: Layout::Grid, ..view })),
        (
            "only_moderators_choose_a_layout",
            broken_by(active(), |seen, turn| {
                turn.changes = vec![changed(seen, &conference_key(), |record| {
                    record["showing"]["chosen"] = json!("Grid");
                })];
            }),
        ),
        (
            "a_grid_that_is_too_much_rests",
            broken_by(grid(&[]), |_, turn| {
                turn.cause = told(Input::Media(MediaReport::FellBack { conference: ConferenceId(1) }));
            }),
        ),
        (
            "a_rest_ends_in_its_time",
            broken_by(grid(&[FALLS_BACK]), |seen, turn| {
                turn.changes = vec![changed(seen, &conference_key(), |record| {
                    record["showing"]["rests_until"] = serde_json::Value::Null;
                })];
            }),
        ),
        (
            "a_layout_that_was_granted_is_chosen",
            broken_by(active(), |seen, turn| {
                let (command, reply) = (Command::Layout(LayoutChoice::Grid), Reply::Done);
                let notice = Notice::Reply { group: GROUP.into(), command, reply };
                let focus = the_leg(seen).1.focus.clone();
                turn.effects = vec![send(SignalRequest::Notice { focus, room: GROUP.into(), notice })];
            }),
        ),
        (
            "lines_are_offered_to_clients_that_can",
            broken_by(active(), |seen, turn| {
                turn.effects = vec![offered(seen)];
                turn.changes = vec![changed(seen, &leg_key(the_leg(seen).0), |record| {
                    record["leg"]["wants_metadata"] = json!(false);
                })];
            }),
        ),
        (
            "no_silence_is_offered_to_twice",
            broken_by(silent, |seen, turn| turn.effects = vec![offered(seen)]),
        ),
        (
            "what_there_is_to_see_is_known",
            broken_by(with_camera(), |seen, turn| {
                turn.changes = vec![changed(seen, &conference_key(), |record| {
                    record["sight"]["seen"] = json!({ "any": false, "but": null, "screen": null });
                })];
            }),
        ),
        (
            "who_can_see_is_told_so",
            broken_by(with_camera(), |seen, turn| {
                let (_, leg) = the_leg(seen);
                let CallKey { room, caller, call } = leg.key.clone();
                let to = CallAddress {
                    focus: leg.focus.clone(),
                    room,
                    caller,
                    call,
                    version: leg.version,
                    party: leg.party.clone(),
                };
                let lit =
                    StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted: false, video_muted: false };
                let (streams, expires) = ([("stream".into(), lit)].into(), turn.now);
                turn.effects = vec![send(SignalRequest::DescribeStreams { to, streams, expires })];
            }),
        ),
        (
            "what_there_is_to_see_is_told_in_time",
            broken_by(with_camera(), |seen, turn| {
                turn.changes = vec![changed(seen, &conference_key(), |record| {
                    record["sight"]["told"] = json!({ "any": false, "but": null, "screen": null });
                    record["sight"]["since"] = json!(0);
                })];
            }),
        ),
        (
            "who_should_have_a_line_is_offered_one",
            broken_by(active(), |seen, turn| {
                turn.changes = vec![changed(seen, &leg_key(the_leg(seen).0), |record| {
                    record["leg"]["second"]["on"] = json!(true);
                })];
            }),
        ),
    ]
}
