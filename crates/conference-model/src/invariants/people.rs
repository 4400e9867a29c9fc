//! People: who is in, who is heard, whose hand is up, who speaks: the roll, the engine and the news against the reference.
//!
//! What ought to be never lives here, see `reference.rs`.

use std::collections::BTreeSet;

use confocal_conference::{
    Audience, ConferenceEvent, ConferenceId, Effect, Input, LegId, LegNews, MediaCommand, MemberId, Notice,
    Present, Reply, Roll, RoomKey, SignalRequest, Sound,
};

use super::ensure;
use crate::reference::Group;
use crate::seen::{Cause, Seen};
use crate::view::LegView;

super::invariants! {
    there_is_a_roll_for_each_conference: "R9: whoever watches can ask who is in a conference",
    participants_are_those_let_in: "R3, R4: who was let in and has not gone is in the conference, and nobody else",
    nobody_is_let_in_against_the_rules: "R4, R10: membership, lock, upgrade and limit decide who comes in",
    who_was_kicked_does_not_ring: "R10: a kicked member is refused until unkick, end, or the time is over",
    voices_are_as_decided: "R10: mute, audience, the word and roles decide who is heard",
    roles_are_those_of_the_room: "R10: roles are the group room's",
    hands_are_in_order: "R10: hands in the order in which they were raised",
    the_floor_is_as_decided: "R10: lock and audience",
    microphones_are_as_told: "design 3: muted as the clients say",
    calls_are_counted: "R3: a participant may have several legs",
    the_roll_is_in_order: "command: who came first is first",
    r10_replies_are_as_expected: "R10: who may ask for what",
    the_engine_hears_whom_the_roll_says: "design 6: server-muted legs are out first",
    one_speaks_who_is_heard: "design 6: at most one active speaker, present and heard",
    speakers_are_news: "R9: the speaker that was told is the one of the roll",
    standings_are_news: "R9: what was told of a participant is what the roll says",
    the_floor_is_news: "R9: what was told of the floor is what the roll says",
    who_comes_in_is_welcomed: "sounds: the operator's own are heard once by whoever comes in",
}

/// Conferences and what there is of them.
fn conferences(seen: &Seen) -> impl Iterator<Item = (&RoomKey, ConferenceId, &Roll, &Group)> {
    seen.turn.rolls.iter().filter_map(|(room, roll)| {
        let id = seen.after.conferences.get(room)?.id;
        Some((room, id, roll, seen.reference.groups.get(room)?))
    })
}

/// As [`conferences`], with each person on the roll; under small bounds people are forgotten, and nothing is expected of them.
fn present(seen: &Seen) -> impl Iterator<Item = (&RoomKey, ConferenceId, &Present, &Group)> {
    let small = seen.setup.small;
    conferences(seen)
        .filter(move |_| !small)
        .flat_map(|(room, id, roll, group)| roll.present.iter().map(move |person| (room, id, person, group)))
}

/// `Focus::roll` knows the conferences that have a record, and no others.
fn there_is_a_roll_for_each_conference(seen: &Seen) -> Result<(), String> {
    let (rolls, records): (BTreeSet<_>, BTreeSet<_>) =
        (seen.turn.rolls.keys().collect(), seen.after.conferences.keys().collect());
    ensure(rolls == records, || format!("rolls of {rolls:?}, records of {records:?}"))
}

/// The participants on the roll are those of the reference.
fn participants_are_those_let_in(seen: &Seen) -> Result<(), String> {
    for (room, _, roll, group) in conferences(seen) {
        let listed: BTreeSet<&MemberId> = roll.present.iter().map(|person| &person.member).collect();
        let expected: BTreeSet<&MemberId> = group.present.keys().collect();
        let all = listed.len() == roll.present.len()
            && roll.total == expected.len()
            && listed.is_subset(&expected)
            && listed.len() == roll.total.min(seen.setup.config.limits.roll);
        ensure(all, || format!("in {room}: {listed:?} of {}, expected {expected:?}", roll.total))?;
    }
    Ok(())
}

/// What came of the homeserver's word on a caller: let in, or refused for the reason that comes first.
fn nobody_is_let_in_against_the_rules(seen: &Seen) -> Result<(), String> {
    let Some((leg, expected)) = seen.reference.admission else { return Ok(()) };
    let refused = seen.turn.effects.iter().find_map(|effect| match effect {
        Effect::Notify(ConferenceEvent::Leg { leg: gone, state: LegNews::Left(reason), .. })
            if *gone == leg =>
        {
            Some(*reason)
        }
        Effect::Notify(_) | Effect::Send { .. } | Effect::Media(_) => None,
    });
    let as_expected = match expected {
        Ok(()) => refused.is_none() && seen.after.legs.get(&leg).is_some_and(LegView::is_admitted),
        Err(why) => refused == Some(confocal_conference::EndReason::Refused(why)),
    };
    ensure(as_expected, || format!("leg {leg}: expected {expected:?}, seen {refused:?}"))
}

/// A call of someone whose removal stands is refused at once.
fn who_was_kicked_does_not_ring(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::CallInvited(invite)) = &seen.turn.cause else { return Ok(()) };
    let Some((id, leg)) = seen.after.leg_of(&invite.key) else { return Ok(()) };
    if seen.setup.small || seen.before.legs.contains_key(&id) {
        return Ok(());
    }
    let kicked = |group: &Group| group.is_kicked(&invite.key.caller, seen.turn.now);
    let kicked = seen.reference.groups.get(&leg.group).is_some_and(kicked);
    ensure(!kicked, || format!("{} was kicked from {}, and rings", invite.key.caller, leg.group))
}

/// Why each is not heard, or that they are.
fn voices_are_as_decided(seen: &Seen) -> Result<(), String> {
    for (room, _, person, group) in present(seen) {
        let expected = group.silenced(&person.member);
        ensure(person.silenced == expected, || format!("in {room}: {person:?}, expected {expected:?}"))?;
    }
    Ok(())
}

/// What each is allowed.
fn roles_are_those_of_the_room(seen: &Seen) -> Result<(), String> {
    for (room, _, person, group) in present(seen) {
        let expected = group.role(&person.member);
        ensure(person.role == expected, || format!("in {room}: {person:?}, expected {expected:?}"))?;
    }
    Ok(())
}

/// Where each stands in the queue of hands.
fn hands_are_in_order(seen: &Seen) -> Result<(), String> {
    for (room, _, person, group) in present(seen) {
        let expected = group.hands.iter().position(|hand| *hand == person.member).map(|at| at + 1);
        ensure(person.hand == expected, || format!("in {room}: {person:?}, expected {:?}", group.hands))?;
    }
    Ok(())
}

/// Locked or not, an audience or not.
fn the_floor_is_as_decided(seen: &Seen) -> Result<(), String> {
    for (room, _, roll, group) in conferences(seen).filter(|_| !seen.setup.small) {
        let (is, expected) = ((roll.locked, roll.audience), (group.locked, group.audience));
        ensure(is == expected, || format!("{room} is {is:?}, expected {expected:?}"))?;
    }
    Ok(())
}

/// Someone is muted when all their microphones in the conference are off, as their clients said last.
fn microphones_are_as_told(seen: &Seen) -> Result<(), String> {
    for (room, _, person, group) in present(seen) {
        let legs = group.present.get(&person.member);
        let expected = legs.is_some_and(|legs| legs.is_subset(&group.microphones_off));
        ensure(person.muted == expected, || format!("in {room}: {person:?}, expected {expected:?}"))?;
    }
    Ok(())
}

/// How many calls someone is in with.
fn calls_are_counted(seen: &Seen) -> Result<(), String> {
    for (room, _, person, group) in present(seen) {
        let expected = group.present.get(&person.member).map_or(0, BTreeSet::len);
        ensure(person.calls == expected, || format!("in {room}: {person:?}, expected {expected}"))?;
    }
    Ok(())
}

/// Participants are listed in the order of their ids.
fn the_roll_is_in_order(seen: &Seen) -> Result<(), String> {
    for (room, _, roll, _) in conferences(seen) {
        let ids: Vec<_> = roll.present.iter().map(|person| person.participant).collect();
        ensure(ids.is_sorted(), || format!("in {room}: {ids:?}"))?;
    }
    Ok(())
}

/// The reply to a command is what the reference expects.
fn r10_replies_are_as_expected(seen: &Seen) -> Result<(), String> {
    let Some(expected) = seen.reference.reply else { return Ok(()) };
    for effect in &seen.turn.effects {
        let Effect::Send { request: SignalRequest::Notice { notice, .. }, .. } = effect else { continue };
        let Notice::Reply { command, reply, group } = notice else { continue };
        ensure(expected.fits(reply) || seen.setup.small, || {
            format!("{command:?}: expected {expected:?}, replied {reply:?}")
        })?;
        if let Reply::Who(roll) = reply {
            let is = seen.turn.rolls.get(group);
            ensure(Some(roll) == is, || format!("who: replied {roll:?}, is {is:?}"))?;
        }
    }
    Ok(())
}

/// What the engine was told of each session is what the roll says of its participant.
fn the_engine_hears_whom_the_roll_says(seen: &Seen) -> Result<(), String> {
    for (room, _, roll, _) in conferences(seen) {
        for (id, leg) in seen.after.legs.iter().filter(|(_, leg)| leg.group == *room) {
            let Some((_, heard)) = seen.session(*id) else { continue };
            let Some(person) = roll.present.iter().find(|person| person.member == leg.key.caller) else {
                continue;
            };
            ensure(heard == person.silenced.is_none(), || {
                format!("leg {id} of {person:?} is heard: {heard}")
            })?;
        }
    }
    Ok(())
}

/// At most one speaks: someone present who is not silenced and has a leg whose sound comes.
fn one_speaks_who_is_heard(seen: &Seen) -> Result<(), String> {
    for (room, _, roll, _) in conferences(seen) {
        let speaking: Vec<&Present> = roll.present.iter().filter(|person| person.speaking).collect();
        ensure(speaking.len() <= 1, || format!("in {room} several speak: {speaking:?}"))?;
        let Some(person) = speaking.first() else { continue };
        ensure(person.silenced.is_none(), || format!("in {room} speaks who is silenced: {person:?}"))?;
        let live: Vec<&LegId> = seen
            .after
            .legs
            .iter()
            .filter(|(_, leg)| leg.group == *room && leg.key.caller == person.member && leg.is_live())
            .map(|(id, _)| id)
            .collect();
        ensure(!live.is_empty(), || format!("in {room} speaks who has no leg that is live: {person:?}"))?;
    }
    Ok(())
}

/// The last news of the speaker is what the roll says.
fn speakers_are_news(seen: &Seen) -> Result<(), String> {
    for (room, id, roll, _) in conferences(seen) {
        if roll.total > roll.present.len() {
            continue;
        }
        let is = roll.present.iter().find(|person| person.speaking).map(|person| person.participant);
        let told = seen.speakers.get(&id).copied().flatten();
        ensure(is == told, || format!("in {room} speaks {is:?}, told {told:?}"))?;
    }
    Ok(())
}

/// The last news of each participant's standing is what the roll says.
fn standings_are_news(seen: &Seen) -> Result<(), String> {
    for (room, id, roll, _) in conferences(seen) {
        for person in &roll.present {
            let told = seen.standing.get(&(id, person.member.clone()));
            let is = (person.role, person.silenced, person.hand.is_some());
            ensure(told == Some(&is), || format!("in {room}: {person:?}, told {told:?}"))?;
        }
    }
    Ok(())
}

/// The last news of the floor is what the roll says.
fn the_floor_is_news(seen: &Seen) -> Result<(), String> {
    for (room, id, roll, _) in conferences(seen) {
        let Some(told) = seen.floors.get(&id) else { continue };
        let is = (roll.locked, roll.audience);
        ensure(*told == is, || format!("the floor of {room} is {is:?}, told {told:?}"))?;
    }
    Ok(())
}

/// Whoever is greeted hears what the operator has for them, and nobody else does; where it is recorded, that comes first.
fn who_comes_in_is_welcomed(seen: &Seen) -> Result<(), String> {
    let tones = seen.setup.config.tones;
    let heard: Vec<(LegId, Sound)> = seen
        .turn
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Media(MediaCommand::Play {
                to: Audience::Leg { leg, .. },
                sound: sound @ (Sound::Opening | Sound::Welcome),
                ..
            }) => Some((*leg, *sound)),
            Effect::Media(_) | Effect::Send { .. } | Effect::Notify(_) => None,
        })
        .collect();
    let greeted = |id: &LegId, leg: &LegView| {
        let before = |id| seen.before.legs.get(id).is_some_and(|leg: &LegView| leg.greeted);
        let mut all = seen.after.legs.iter();
        let by_another = all.any(|(other, theirs)| {
            other != id && theirs.key.caller == leg.key.caller && theirs.group == leg.group && theirs.greeted
        });
        leg.greeted && !before(id) && !by_another
    };
    let mut expected = Vec::new();
    for (room, _, roll, _) in conferences(seen) {
        let sound = match roll.total {
            ..=1 if tones.opening => Sound::Opening,
            _ if tones.welcome => Sound::Welcome,
            _ => continue,
        };
        let comes = seen.after.legs.iter().filter(|(id, leg)| leg.group == *room && greeted(id, leg));
        expected.extend(comes.filter(|_| roll.recorded_by.is_none()).map(|(id, _)| (*id, sound)));
    }
    ensure(heard == expected, || format!("heard is {heard:?}, expected {expected:?}"))
}
