//! Pictures: whose is shown, how, since when, and who is offered a line for a screen.
//!
//! What becomes of a picture never lives here.

use std::collections::{BTreeMap, BTreeSet};

use confocal_conference::{
    CallVersion, Command, ConferenceId, Effect, Input, Layout, LayoutChoice, LegId, MediaCommand,
    MediaReport, Millis, Notice, ParticipantId, Reply, RoomKey, ScreenShares, SignalRequest, Timestamp, View,
};

use super::ensure;
use crate::reference::asked;
use crate::seen::{Cause, Seen};
use crate::view::{AskingView, ConferenceView, DoorView, LegView, ShowingView, StateView};

/// How many are named to be shown next, at the most.
const NEXT: usize = 4;

/// How long a grid that was too much rests for the first time.
const REST: Millis = Millis::from_secs(300);

super::invariants! {
    what_is_shown_is_there: "video: the picture is that of a participant whose camera is on, and so are the four next",
    who_can_be_shown_is: "video: while a camera is on someone has the picture, and the others are next",
    the_picture_is_held: "video: whoever has the picture keeps it two seconds at the least, unless they leave or switch it off",
    who_speaks_has_the_picture: "video: who speaks with a camera has the picture, as soon as the last one has had it for two seconds",
    one_screen_is_shown_of_those_who_may: "video: one screen at a time, shared by one who may, and not stopped",
    the_screen_is_the_first_or_the_latest: "video: a screen that may be shown is: the first one's until it ends, or the latest one's",
    what_is_shown_is_told_first_and_on_change: "video: Show comes before the first session, and only when something changed",
    the_grid_is_for_few: "video: `auto` is the grid for as many as are set, and comes back when two fewer are there",
    a_grid_that_is_too_much_rests: "video: a grid gives way for five minutes, twice as long each time, and the room is told once",
    a_rest_ends_in_its_time: "video: a grid comes back when it has rested, or a moderator asks for it then, or with the next conference",
    only_moderators_choose_a_layout: "R10: nobody but a moderator chooses a layout",
    a_layout_that_was_granted_is_chosen: "R10: a moderator chooses a layout for the rest of the conference",
    lines_are_offered_to_clients_that_can: "video: OfferAgain only to version 1 with stream metadata, in a running call",
    no_silence_is_offered_to_twice: "video: who left an offer unanswered is offered none again",
    who_should_have_a_line_is_offered_one: "video: whoever takes pictures has a line for another's screen, and gives it back at its end",
}

/// What the engine is told to show in this turn, in order.
fn shows(seen: &Seen) -> impl Iterator<Item = (ConferenceId, &View)> {
    seen.turn.effects.iter().filter_map(|effect| match effect {
        Effect::Media(MediaCommand::Show { conference, view }) => Some((*conference, view)),
        Effect::Media(_) | Effect::Send { .. } | Effect::Notify(_) => None,
    })
}

/// The last of it, where the conference goes on.
fn last_shows(seen: &Seen) -> impl Iterator<Item = (&ConferenceView, ConferenceId, View)> {
    let last: BTreeMap<ConferenceId, View> = shows(seen).map(|(id, view)| (id, view.clone())).collect();
    last.into_iter().filter_map(|(id, view)| {
        let conference = seen.after.conferences.values().find(|conference| conference.id == id)?;
        Some((conference, id, view))
    })
}

/// What is shown in a conference now.
struct Shown<'a> {
    room: &'a RoomKey,
    conference: &'a ConferenceView,
    id: ConferenceId,
    view: View,
    /// Since when the picture is whose it is.
    since: Timestamp,
}

/// What the engine was told to show last, in this turn or before, where somebody is who sees it: where all have left the engine has
/// forgotten it.
fn shown(seen: &Seen) -> impl Iterator<Item = Shown<'_>> {
    seen.after.conferences.iter().filter_map(|(room, conference)| {
        let id = conference.id;
        let mut now = seen.views.get(&id).cloned();
        for (_, view) in shows(seen).filter(|(of, _)| *of == id) {
            let same = now.filter(|(before, _)| before.speaker == view.speaker);
            now = Some((view.clone(), same.map_or(seen.turn.now, |(_, since)| since)));
        }
        let (view, since) = now.filter(|_| legs_in(seen, room).any(|(_, leg)| leg.is_admitted()))?;
        Some(Shown { room, conference, id, view, since })
    })
}

fn legs_in<'a>(seen: &'a Seen, room: &'a RoomKey) -> impl Iterator<Item = (LegId, &'a LegView)> {
    seen.after.legs.iter().filter(move |(_, leg)| leg.group == *room).map(|(id, leg)| (*id, leg))
}

/// When the picture of a room's conference is free for another one.
pub(super) fn picture_is_free(seen: &Seen, room: &RoomKey) -> Option<Timestamp> {
    let shown = shown(seen).find(|shown| shown.room == room)?;
    Some(shown.since + seen.setup.config.pictures.hold)
}

fn camera_is_on(seen: &Seen, conference: ConferenceId, who: ParticipantId) -> bool {
    seen.after.legs.values().any(|leg| {
        let there = seen.after.conferences.get(&leg.group).is_some_and(|it| it.id == conference);
        there && leg.participant == who && leg.shows_camera()
    })
}

fn what_is_shown_is_there(seen: &Seen) -> Result<(), String> {
    for Shown { id, view, .. } in shown(seen) {
        let mut named: Vec<ParticipantId> = view.speaker.iter().chain(&view.before).copied().collect();
        ensure(named.iter().all(|who| camera_is_on(seen, id, *who)), || {
            format!("{view:?} in {id} names one who can't be shown")
        })?;
        let count = named.len();
        named.sort_unstable();
        named.dedup();
        ensure(named.len() == count && view.before.len() <= NEXT, || format!("{view:?}"))?;
        ensure(view.speaker.is_some() || view.before.is_empty(), || format!("{view:?} has no speaker"))?;
    }
    Ok(())
}

fn who_can_be_shown_is(seen: &Seen) -> Result<(), String> {
    for Shown { room, id, view, .. } in shown(seen) {
        let on = legs_in(seen, room).filter(|(_, leg)| leg.shows_camera()).map(|(_, leg)| leg.participant);
        let on: BTreeSet<ParticipantId> = on.collect();
        let next = on.len().saturating_sub(1).min(NEXT);
        ensure(view.speaker.is_some() != on.is_empty() && view.before.len() == next, || {
            format!("{view:?} in {id}, and the cameras of {on:?} are on")
        })?;
    }
    Ok(())
}

fn the_picture_is_held(seen: &Seen) -> Result<(), String> {
    let hold = seen.setup.config.pictures.hold;
    for (_, id, view) in last_shows(seen) {
        let Some((before, since)) = seen.views.get(&id) else { continue };
        let Some(holder) = before.speaker.filter(|holder| view.speaker != Some(*holder)) else { continue };
        let held = seen.turn.now.since(*since);
        ensure(held >= hold || !camera_is_on(seen, id, holder), || {
            format!("{holder} had the picture in {id} for {held} only, and could have kept it")
        })?;
    }
    Ok(())
}

fn who_speaks_has_the_picture(seen: &Seen) -> Result<(), String> {
    for Shown { room, id, view, since, .. } in shown(seen) {
        let roll = seen.turn.rolls.get(room);
        let speaks = roll.and_then(|roll| roll.present.iter().find(|it| it.speaking && it.camera));
        let Some(speaks) = speaks.filter(|speaks| view.speaker != Some(speaks.participant)) else { continue };
        let free = since + seen.setup.config.pictures.hold;
        // Time may have passed that the machine was not told.
        let waits = seen.turn.deadline.as_ref().is_some_and(|deadline| deadline.at <= free);
        ensure(waits && (free > seen.turn.now || seen.turn.cause != Cause::Time), || {
            format!("{speaks:?} speaks in {id}, and the picture is {view:?} since {since:?}")
        })?;
    }
    Ok(())
}

/// Whether the screen of a leg may be shown.
fn shares(seen: &Seen, leg: &LegView) -> bool {
    let may = seen.reference.groups.get(&leg.group).is_none_or(|group| group.has_the_word(&leg.key.caller));
    // Roles beyond the bound are forgotten, which the reference does not know.
    (may || seen.setup.small)
        && leg.agreed.screen
        && !leg.agreed.held
        && leg.sharing.as_ref().is_some_and(|sharing| !sharing.stopped)
}

fn one_screen_is_shown_of_those_who_may(seen: &Seen) -> Result<(), String> {
    for Shown { conference, id, view, .. } in shown(seen) {
        ensure(conference.showing.screen == view.screen, || format!("{view:?} in {id}, {conference:?}"))?;
    }
    for (room, conference) in &seen.after.conferences {
        let Some(screen) = conference.showing.screen else { continue };
        let leg = seen.after.legs.get(&screen).filter(|leg| leg.group == *room);
        ensure(leg.is_some_and(|leg| shares(seen, leg)), || format!("{screen} in {room}: {leg:?}"))?;
    }
    Ok(())
}

fn the_screen_is_the_first_or_the_latest(seen: &Seen) -> Result<(), String> {
    if seen.setup.small {
        return Ok(());
    }
    for (room, after) in &seen.after.conferences {
        let sharing = || {
            let sharing = legs_in(seen, room).filter(|(_, leg)| shares(seen, leg));
            sharing.map(|(id, leg)| (leg.sharing.as_ref().map(|sharing| sharing.since), id))
        };
        let before = seen.before.conferences.get(room).filter(|before| before.id == after.id);
        let before = before.and_then(|before| before.showing.screen);
        let due = match seen.setup.config.pictures.screen_shares {
            ScreenShares::One => {
                let goes_on = sharing().find(|(_, id)| Some(*id) == before);
                goes_on.or_else(|| sharing().min())
            }
            ScreenShares::TakeOver => sharing().max(),
        };
        let due = due.map(|(_, id)| id);
        ensure(after.showing.screen == due, || {
            format!("the screen of {due:?} should be shown in {room}, not of {:?}", after.showing.screen)
        })?;
    }
    Ok(())
}

fn what_is_shown_is_told_first_and_on_change(seen: &Seen) -> Result<(), String> {
    let mut known: BTreeMap<ConferenceId, View> =
        seen.views.iter().map(|(id, (view, _))| (*id, view.clone())).collect();
    for effect in &seen.turn.effects {
        match effect {
            Effect::Media(MediaCommand::Show { conference, view }) => {
                let before = known.insert(*conference, view.clone());
                // Where all have left the engine has forgotten it, and so has the machine.
                let empty = !seen.before.legs.values().any(|leg| {
                    leg.is_admitted()
                        && seen.before.conferences.get(&leg.group).is_some_and(|it| it.id == *conference)
                });
                let anew = empty || seen.turn.cause == Cause::Input(Input::EngineLost);
                ensure(before.as_ref() != Some(view) || anew, || {
                    format!("{view:?} is told twice in {conference}")
                })?;
            }
            Effect::Media(
                MediaCommand::Open { conference, leg, .. } | MediaCommand::Offer { conference, leg, .. },
            ) => {
                ensure(known.contains_key(conference), || {
                    format!("leg {leg} is opened, and what is shown in {conference} was not told")
                })?;
            }
            Effect::Media(_) | Effect::Send { .. } | Effect::Notify(_) => {}
        }
    }
    Ok(())
}

/// How it was shown in a conference before this turn; of a new one nothing was chosen.
fn before<'a>(seen: &'a Seen, room: &RoomKey, now: &ConferenceView) -> Option<&'a ShowingView> {
    let before = seen.before.conferences.get(room).filter(|before| before.id == now.id);
    before.map(|before| &before.showing)
}

/// Whether a conference ought to be shown as a grid.
pub(super) fn grid_is_due(seen: &Seen, showing: &ShowingView) -> bool {
    let fits = match showing.chosen.unwrap_or(seen.setup.config.pictures.layout) {
        LayoutChoice::Speaker => false,
        LayoutChoice::Grid => true,
        LayoutChoice::Auto => !showing.crowded,
    };
    fits && showing.rests_until.is_none()
}

fn the_grid_is_for_few(seen: &Seen) -> Result<(), String> {
    let settings = &seen.setup.config.pictures;
    let limit = settings.grid_participants;
    for (room, conference) in &seen.after.conferences {
        let Some(roll) = seen.turn.rolls.get(room) else { continue };
        let crowded = match roll.total {
            count if count > limit => true,
            count if count <= limit.saturating_sub(2).max(1) => false,
            _ => before(seen, room, conference).is_some_and(|before| before.crowded),
        };
        ensure(conference.showing.crowded == crowded, || {
            format!("{} are in {room}: {:?}", roll.total, conference.showing)
        })?;
    }
    for Shown { conference, id, view, .. } in shown(seen) {
        let showing = &conference.showing;
        ensure((view.layout == Layout::Grid) == grid_is_due(seen, showing), || {
            format!("{view:?} in {id}: {showing:?}")
        })?;
    }
    Ok(())
}

/// The conference whose grid is too much, as the engine says in this turn: one that shows it still.
fn falls_back(seen: &Seen) -> Option<ConferenceId> {
    let Cause::Input(Input::Media(MediaReport::FellBack { conference })) = &seen.turn.cause else {
        return None;
    };
    let (view, _) = seen.views.get(conference)?;
    let (room, _) = seen.before.conferences.iter().find(|(_, it)| it.id == *conference)?;
    let seen_by = seen.before.legs.values().any(|leg| leg.group == *room && leg.is_admitted());
    (view.layout == Layout::Grid && seen_by).then_some(*conference)
}

fn a_grid_that_is_too_much_rests(seen: &Seen) -> Result<(), String> {
    let falls = falls_back(seen);
    for (room, conference) in &seen.after.conferences {
        let (falls, joined) =
            (falls == Some(conference.id), conference.doors.values().any(DoorView::is_joined));
        let told = seen.turn.effects.iter().filter(|effect| {
            matches!(effect, Effect::Send { request: SignalRequest::Notice { room: said, notice, .. }, .. }
                if said == room && matches!(notice, Notice::FellBack { .. }))
        });
        let (told, due) = (told.count(), usize::from(falls && joined));
        ensure(told == due, || format!("{room} is told {told} times that the grid is too much"))?;
        let rests = before(seen, room, conference).map_or(0, |before| before.rests);
        let showing = &conference.showing;
        if falls {
            let until = seen.turn.now + Millis(REST.0 << rests.min(4));
            let rests = showing.rests_until == Some(until) && !showing.rested && showing.rests == rests + 1;
            ensure(rests, || format!("{showing:?} in {room}, of which the grid was too much"))?;
        } else {
            let anew = showing.rests == 0 && is_over(seen, room, conference);
            ensure(showing.rests == rests || anew, || {
                format!("{showing:?} in {room}, of which no grid was too much")
            })?;
        }
    }
    Ok(())
}

/// The conference has ended in this turn, or was ended before it had begun.
fn is_over(seen: &Seen, room: &RoomKey, now: &ConferenceView) -> bool {
    let before = seen.before.conferences.get(room).filter(|before| before.id == now.id);
    let by_word = match &seen.turn.cause {
        Cause::Input(Input::Commanded { room: said, command: Command::End, .. }) => {
            asked(seen, said).is_some_and(|(group, _)| group == *room)
        }
        Cause::Input(Input::RoomReplaced { room: old, .. }) => old == room,
        Cause::Input(_) | Cause::Time | Cause::Restored => false,
    };
    before.is_some_and(|before| before.used && !now.used) || by_word
}

fn a_rest_ends_in_its_time(seen: &Seen) -> Result<(), String> {
    for (room, conference) in &seen.after.conferences {
        let (showing, over) = (&conference.showing, is_over(seen, room, conference));
        let in_time = |until: Option<Timestamp>| until.is_some_and(|until| until <= seen.turn.now);
        ensure(!showing.rested || in_time(showing.rests_until), || format!("{showing:?} in {room}"))?;
        let Some(before) = before(seen, room, conference) else { continue };
        let goes_on = showing.rests_until == before.rests_until || falls_back(seen) == Some(conference.id);
        let ends = showing.rests_until.is_none() && (in_time(before.rests_until) || over);
        ensure(goes_on || ends, || format!("{before:?} in {room} has become {showing:?}"))?;
        // Of a grid that a moderator or the operator has chosen there is no end without a word.
        let chosen = before.chosen.unwrap_or(seen.setup.config.pictures.layout);
        let by_itself = seen.turn.cause == Cause::Time && ends && before.rests_until.is_some() && !over;
        ensure(!by_itself || chosen != LayoutChoice::Grid, || format!("{before:?} in {room} came back"))?;
    }
    Ok(())
}

fn only_moderators_choose_a_layout(seen: &Seen) -> Result<(), String> {
    for (room, after) in &seen.after.conferences {
        let before = seen.before.conferences.get(room).filter(|before| before.id == after.id);
        let chosen = before.and_then(|before| before.showing.chosen);
        if after.showing.chosen == chosen || after.showing.chosen.is_none() {
            continue;
        }
        let by = match &seen.turn.cause {
            Cause::Input(Input::Commanded { by, command: Command::Layout(choice), .. })
                if after.showing.chosen == Some(*choice) =>
            {
                Some(by)
            }
            Cause::Input(_) | Cause::Time | Cause::Restored => None,
        };
        let moderator = by.is_some_and(|by| {
            seen.setup.small || seen.reference.groups.get(room).is_some_and(|group| group.is_moderator(by))
        });
        ensure(moderator, || format!("{:?} in {room}, asked for by {by:?}", after.showing))?;
    }
    Ok(())
}

fn a_layout_that_was_granted_is_chosen(seen: &Seen) -> Result<(), String> {
    for (room, after) in &seen.after.conferences {
        let granted = seen.turn.effects.iter().find_map(|effect| {
            let Effect::Send { request: SignalRequest::Notice { notice, .. }, .. } = effect else {
                return None;
            };
            let Notice::Reply { group, command: Command::Layout(choice), reply: Reply::Done } = notice else {
                return None;
            };
            (group == room).then_some(*choice)
        });
        let over = seen.before.conferences.get(room).is_some_and(|before| before.used && !after.used);
        let as_before = before(seen, room, after).and_then(|before| before.chosen);
        let due = if over { None } else { granted.or(as_before) };
        let may_end = is_over(seen, room, after) && after.showing.chosen.is_none();
        ensure(after.showing.chosen == due || may_end, || {
            format!("{:?} in {room}, and {due:?} should be chosen", after.showing)
        })?;
    }
    Ok(())
}

/// The legs that are offered a line in this turn, as they were before and are after it.
fn offered(seen: &Seen) -> impl Iterator<Item = (Option<&LegView>, &LegView)> {
    seen.turn.effects.iter().filter_map(|effect| match effect {
        Effect::Media(MediaCommand::OfferAgain { leg, .. }) => {
            Some((seen.before.legs.get(leg), seen.after.legs.get(leg)?))
        }
        Effect::Media(_) | Effect::Send { .. } | Effect::Notify(_) => None,
    })
}

fn lines_are_offered_to_clients_that_can(seen: &Seen) -> Result<(), String> {
    for (_, leg) in offered(seen) {
        let can = leg.version == CallVersion::V1 && leg.wants_metadata;
        let runs = matches!(leg.state, StateView::Active) && !leg.agreed.held && leg.negotiating.is_none();
        ensure(can && runs, || format!("{leg:?} is offered a line"))?;
    }
    Ok(())
}

fn no_silence_is_offered_to_twice(seen: &Seen) -> Result<(), String> {
    for (before, leg) in offered(seen) {
        let answered = matches!(seen.turn.cause, Cause::Input(Input::CallNegotiateAnswered { .. }));
        let silent = match before.map(|before| &before.second.asking) {
            Some(AskingView::Never) => true,
            Some(AskingView::Late { .. }) => !answered,
            Some(AskingView::Out { .. } | AskingView::Making { .. }) => !answered,
            Some(AskingView::Quiet | AskingView::Pausing { .. }) | None => false,
        };
        ensure(!silent, || format!("{leg:?} is offered a line again"))?;
    }
    Ok(())
}

fn who_should_have_a_line_is_offered_one(seen: &Seen) -> Result<(), String> {
    for (id, leg) in &seen.after.legs {
        let Some(conference) = seen.after.conferences.get(&leg.group) else { continue };
        let sharer = conference.showing.screen.and_then(|screen| seen.after.legs.get(&screen));
        let screen = sharer.is_some_and(|sharer| sharer.participant != leg.participant);
        let can = leg.version == CallVersion::V1 && leg.wants_metadata;
        let free = matches!(leg.state, StateView::Active)
            && !leg.agreed.held
            && leg.negotiating.is_none()
            && leg.answer.is_none()
            && leg.second.asking == AskingView::Quiet;
        let wants = leg.second.on != screen && (!screen || leg.agreed.pictures);
        ensure(!(can && free && wants), || {
            format!("leg {id} is offered no line, and {:?} is shown: {leg:?}", conference.showing.screen)
        })?;
    }
    Ok(())
}
