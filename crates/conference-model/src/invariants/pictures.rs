//! Pictures: whose is shown, how, since when, and who is offered a line for a screen.
//!
//! What becomes of a picture never lives here.

use std::collections::BTreeMap;

use confocal_conference::{
    CallVersion, Command, ConferenceId, Effect, Input, Layout, LayoutChoice, MediaCommand, ParticipantId,
    ScreenShares, View,
};

use super::ensure;
use crate::seen::{Cause, Seen};
use crate::view::{AskingView, ConferenceView, LegView, StateView};

super::invariants! {
    what_is_shown_is_there: "video: the picture is that of a participant whose camera is on, and so are the four next",
    the_picture_is_held: "video: whoever has the picture keeps it two seconds at the least, unless they leave or switch it off",
    one_screen_is_shown_of_those_who_may: "video: one screen at a time, shared by one who may, and not stopped",
    the_first_screen_goes_on: "video: by the policy `one` a screen is shown until it ends",
    what_is_shown_is_told_first_and_on_change: "video: Show comes before the first session, and only when something changed",
    the_grid_is_for_few: "video: `auto` is the grid for as many as are set, and comes back when two fewer are there",
    only_moderators_choose_a_layout: "R10: nobody but a moderator chooses a layout",
    lines_are_offered_to_clients_that_can: "video: OfferAgain only to version 1 with stream metadata, in a running call",
    no_silence_is_offered_to_twice: "video: who left an offer unanswered is offered none again",
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

fn camera_is_on(seen: &Seen, conference: ConferenceId, who: ParticipantId) -> bool {
    seen.after.legs.values().any(|leg| {
        let there = seen.after.conferences.get(&leg.group).is_some_and(|it| it.id == conference);
        there && leg.participant == who && leg.shows_camera()
    })
}

fn what_is_shown_is_there(seen: &Seen) -> Result<(), String> {
    for (_, id, view) in last_shows(seen) {
        let mut named: Vec<ParticipantId> = view.speaker.iter().chain(&view.before).copied().collect();
        ensure(named.iter().all(|who| camera_is_on(seen, id, *who)), || {
            format!("{view:?} in {id} names one who can't be shown")
        })?;
        let count = named.len();
        named.sort_unstable();
        named.dedup();
        ensure(named.len() == count && view.before.len() <= 4, || format!("{view:?}"))?;
        ensure(view.speaker.is_some() || view.before.is_empty(), || format!("{view:?} has no speaker"))?;
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

/// Why a screen of a leg may not be shown; `None`: it may.
fn shares(seen: &Seen, leg: &LegView) -> bool {
    let may = seen.reference.groups.get(&leg.group).is_none_or(|group| group.has_the_word(&leg.key.caller));
    // Roles beyond the bound are forgotten, which the reference does not know.
    (may || seen.setup.small)
        && leg.agreed.screen
        && !leg.agreed.held
        && leg.sharing.as_ref().is_some_and(|sharing| !sharing.stopped)
}

fn one_screen_is_shown_of_those_who_may(seen: &Seen) -> Result<(), String> {
    for (conference, id, view) in last_shows(seen) {
        ensure(conference.showing.screen == view.screen, || format!("{view:?} in {id}, {conference:?}"))?;
        let Some(screen) = view.screen else { continue };
        let leg = seen.after.legs.get(&screen);
        let there = leg.and_then(|leg| seen.after.conferences.get(&leg.group)).is_some_and(|it| it.id == id);
        ensure(there && leg.is_some_and(|leg| shares(seen, leg)), || format!("{view:?} in {id}: {leg:?}"))?;
    }
    Ok(())
}

fn the_first_screen_goes_on(seen: &Seen) -> Result<(), String> {
    if seen.setup.config.pictures.screen_shares != ScreenShares::One || seen.setup.small {
        return Ok(());
    }
    for (room, after) in &seen.after.conferences {
        let before = seen.before.conferences.get(room).filter(|before| before.id == after.id);
        let Some(screen) = before.and_then(|before| before.showing.screen) else { continue };
        let goes_on = seen.after.legs.get(&screen).is_some_and(|leg| shares(seen, leg));
        ensure(!goes_on || after.showing.screen == Some(screen), || {
            format!("{screen} in {room} gave way to {:?}", after.showing.screen)
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

fn the_grid_is_for_few(seen: &Seen) -> Result<(), String> {
    let settings = &seen.setup.config.pictures;
    for (conference, id, view) in last_shows(seen) {
        let showing = &conference.showing;
        let wanted = showing.chosen.unwrap_or(settings.layout);
        let few = match wanted {
            LayoutChoice::Speaker => false,
            LayoutChoice::Grid => true,
            LayoutChoice::Auto => {
                let room = seen.after.conferences.iter().find(|(_, it)| it.id == id).map(|(room, _)| room);
                let count = room.and_then(|room| seen.turn.rolls.get(room)).map_or(0, |roll| roll.total);
                let limit = settings.grid_participants;
                if count > limit {
                    false
                } else if count <= limit.saturating_sub(2).max(1) {
                    true
                } else {
                    !showing.crowded
                }
            }
        };
        let grid = few && showing.rests_until.is_none();
        ensure((view.layout == Layout::Grid) == grid, || {
            format!("{view:?} in {id}: {showing:?}, {wanted:?}")
        })?;
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
