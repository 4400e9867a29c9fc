//! Rooms: the focus comes when it is wanted (R2), goes when it is not (R7, R8), stays where it shall, and says nothing where it
//! is not.
//!
//! Calls never live here.

use std::collections::BTreeMap;

use confocal_conference::{
    Command, Effect, EncryptedRooms, Input, Millis, Notice, RequestOutcome, RoomKey, SignalRequest,
};

use super::ensure;
use crate::reference::{asked, is_asked_of_bot, is_reply};
use crate::seen::{Cause, RoomFact, Seen, told_group};
use crate::setup::BOT;
use crate::view::{ConferenceView, DoorStateView, DoorView};

/// The least that R7 waits.
const SHORTEST_LINGER: Millis = Millis(100);

super::invariants! {
    r2_an_invitation_is_taken_or_declined: "R2: the focus user joins the room it is invited to",
    r2_a_removal_that_crosses_a_join_is_found: "R2: which of a removal and a join came last is asked by joining again",
    r7_nobody_waits_in_an_empty_room: "R7: when all users have left the focus leaves",
    r7_the_time_is_whole_again: "R7: an answered call ends the time in which the focus leaves",
    r7_the_time_is_as_set: "R7, design 4: as long as is set, and half a minute for those who were hung up by a loss of the sessions",
    r7_the_focus_leaves_at_its_time: "R7: by itself the focus leaves a conference when it has been empty for as long as is set",
    an_encrypted_room_is_told_of_once: "design 5: one notice that the 1:1 room can't be read",
    an_encrypted_group_room_is_told_of_once: "design 5: one notice that calls are decrypted here",
    r8_who_waits_for_a_call_has_a_deadline: "R8: a focus that gets no call within a time leaves",
    r7_a_room_with_calls_is_not_left: "R7: the focus leaves when all users have left, not before",
    a_room_to_stay_in_is_not_left: "design 1: stay = true switches R7 and R8 off",
    nothing_is_said_where_the_focus_is_not: "design 4: signalling is in order per room",
    r10_each_command_gets_one_reply: "R10: who asks is replied to where it was said",
    an_upgraded_room_is_told_of: "design 1: those who are in are told where to go on",
}

/// An invitation leads to a join, or is declined, or finds the join under way; one by someone whom the operator does not let
/// take part is passed over where the focus user is in the room.
fn r2_an_invitation_is_taken_or_declined(seen: &Seen) -> Result<(), String> {
    let (focus, room, group, allowed) = match &seen.turn.cause {
        Cause::Input(Input::FocusInvited { focus, room, group, by, .. }) => {
            (focus, room, Some(group), seen.setup.config.policy.allows(by))
        }
        Cause::Input(Input::NamedFocusInvited { focus, room, by, .. }) => {
            let name = seen.before.names.values().find(|name| name.focus == *focus);
            let allowed = name.is_none() || seen.setup.config.policy.allows(by);
            (focus, room, name.map(|name| &name.group), allowed)
        }
        Cause::Input(Input::BotInvited { bot, room, by, .. }) => {
            (bot, room, None, seen.setup.config.policy.allows(by))
        }
        Cause::Input(Input::NobodyInvited { focus, room }) => (focus, room, None, true),
        Cause::Input(_) | Cause::Time | Cause::Restored => return Ok(()),
    };
    let (mut joins, mut leaves) = (0, 0);
    for effect in &seen.turn.effects {
        let Effect::Send { request, .. } = effect else { continue };
        if request.focus() == focus && request.room() == room {
            joins += usize::from(matches!(
                request,
                SignalRequest::JoinGroup { .. }
                    | SignalRequest::JoinDirect { .. }
                    | SignalRequest::JoinAsBot { .. }
            ));
            leaves += usize::from(matches!(request, SignalRequest::Leave { .. }));
        }
    }
    let conference = group.and_then(|group| seen.before.conferences.get(group));
    let door = conference.and_then(|conference| conference.doors.get(focus));
    let under_way =
        group == Some(room) && door.is_some_and(|door| matches!(door.state, DoorStateView::Joining { .. }));
    let direct = seen.before.directs.get(room).is_some_and(|direct| direct.doors.contains_key(focus));
    let uninvited = |door: &&DoorView| matches!(door.state, DoorStateView::Uninvited { .. });
    let bot = focus.as_str() == BOT && seen.before.bots.contains_key(room);
    let is_there = direct || bot || (group == Some(room) && door.is_some_and(|door| !uninvited(&door)));
    let nothing = joins + leaves == 0;
    let taken = if nothing { under_way || (is_there && !allowed) } else { joins + leaves == 1 };
    ensure(taken, || format!("{joins} joins and {leaves} declines of {focus} in {room}"))
}

/// A join that is done after the focus user was said to be removed is made once more.
fn r2_a_removal_that_crosses_a_join_is_found(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::RequestDone { id, outcome: RequestOutcome::Done }) = &seen.turn.cause else {
        return Ok(());
    };
    let joining =
        |door: &DoorView| matches!(door.state, DoorStateView::Joining { request } if request == *id);
    for (room, conference) in seen.before.conferences.iter().filter(|_| seen.doubtful_joins.contains(id)) {
        for (focus, _) in conference.doors.iter().filter(|(_, door)| joining(door)) {
            let after = seen.after.conferences.get(room).and_then(|it| it.doors.get(focus));
            let again = after.is_some_and(|door| matches!(door.state, DoorStateView::Joining { .. }));
            ensure(again, || format!("{focus} was removed from {room} and believes to be in it"))?;
        }
    }
    Ok(())
}

fn stays(seen: &Seen, room: &RoomKey, conference: &ConferenceView) -> bool {
    conference.replaced_by.is_none() && (conference.stay || seen.setup.config.stay.contains(room))
}

/// In a conference without calls each focus user that is joined has a time by which it leaves.
fn r7_nobody_waits_in_an_empty_room(seen: &Seen) -> Result<(), String> {
    for (room, conference) in &seen.after.conferences {
        if stays(seen, room, conference) || seen.after.legs.values().any(|leg| leg.group == *room) {
            continue;
        }
        for (focus, door) in conference.doors.iter().filter(|(_, door)| door.is_joined()) {
            let waits = matches!(door.state, DoorStateView::Waiting { until: Some(_) });
            let lingers = conference.used && conference.linger_until.is_some();
            ensure(waits || lingers, || format!("{focus} sits in {room} for good: {conference:?}"))?;
        }
        let left = !conference.used || conference.linger_until.is_some() || conference.doors.is_empty();
        let leaving =
            conference.doors.values().all(|door| matches!(door.state, DoorStateView::Leaving { .. }));
        ensure(left || leaving, || format!("{room} was used and is empty, and is not left: {conference:?}"))?;
    }
    Ok(())
}

/// The time after which the focus leaves does not run while there is an answered call: the next one is whole again.
fn r7_the_time_is_whole_again(seen: &Seen) -> Result<(), String> {
    for (room, conference) in &seen.after.conferences {
        let answered = seen.after.legs.values().any(|leg| leg.group == *room && leg.is_answered());
        ensure(!answered || conference.linger_until.is_none(), || format!("{room} is left in a call"))?;
    }
    Ok(())
}

/// The time that begins when all have left is as long as is set; whoever was hung up for a loss of the sessions may call again for as long
/// as an interrupted call may take to recover, also where others left after them.
fn r7_the_time_is_as_set(seen: &Seen) -> Result<(), String> {
    let config = &seen.setup.config;
    for (room, conference) in &seen.after.conferences {
        let before = seen.before.conferences.get(room).filter(|before| before.id == conference.id);
        let Some(until) = conference.linger_until else { continue };
        if before.and_then(|before| before.linger_until) == Some(until) {
            continue;
        }
        let hung_up = seen.hung_up.get(&conference.id);
        let redial = hung_up.map(|hung_up| *hung_up + config.linger.max(config.reconnect_grace));
        let due = Some(seen.turn.now + config.linger.max(SHORTEST_LINGER)).max(redial);
        ensure(due == Some(until), || format!("{room} is left at {until:?}, not at {due:?}"))?;
    }
    Ok(())
}

/// Where there was a conference no time leads to a leave but that of R7.
fn r7_the_focus_leaves_at_its_time(seen: &Seen) -> Result<(), String> {
    for (focus, room) in leaves(seen).filter(|_| seen.turn.cause == Cause::Time) {
        let used = seen.before.conferences.get(room).filter(|before| before.used);
        let until = used.map(|before| before.linger_until);
        let due = until.is_none_or(|until| until.is_some_and(|until| until <= seen.turn.now));
        ensure(due, || format!("{focus} leaves {room} before its time: {until:?}"))?;
    }
    Ok(())
}

/// A 1:1 room that is encrypted is said to be, once, by one of the focus users in it.
fn an_encrypted_room_is_told_of_once(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::RoomEncrypted { room }) = &seen.turn.cause else { return Ok(()) };
    let known = seen.before.directs.contains_key(room) && !seen.encrypted.contains(room);
    let told = seen.turn.effects.iter().filter(|effect| {
        matches!(effect, Effect::Send { request: SignalRequest::Notice { room: said, notice, .. }, .. }
            if said == room && matches!(notice, Notice::Encrypted { .. }))
    });
    let (told, due) = (told.count(), usize::from(known));
    ensure(told == due, || format!("{room} is said to be encrypted {told} times, and should be {due} times"))
}

/// In a group room that is encrypted it is said once what that means, by a focus user in it, unless no calls are taken there.
fn an_encrypted_group_room_is_told_of_once(seen: &Seen) -> Result<(), String> {
    let due = match &seen.turn.cause {
        Cause::Input(Input::RoomEncrypted { room }) => {
            seen.before.conferences.get(room).filter(|conference| {
                conference.doors.values().any(DoorView::is_joined)
                    && !seen.told_groups.contains(&conference.id)
                    && seen.setup.config.encrypted_rooms == EncryptedRooms::Allow
            })
        }
        Cause::Input(_) | Cause::Time | Cause::Restored => None,
    };
    let (told, due) = (seen.turn.effects.iter().filter_map(told_group).count(), usize::from(due.is_some()));
    ensure(told == due, || format!("{told} group rooms are said to be encrypted, and {due} should be"))
}

/// A focus user that was not called yet has a deadline, unless it shall stay.
fn r8_who_waits_for_a_call_has_a_deadline(seen: &Seen) -> Result<(), String> {
    for (room, conference) in &seen.after.conferences {
        for (focus, door) in &conference.doors {
            let for_good = matches!(door.state, DoorStateView::Waiting { until: None });
            ensure(!for_good || stays(seen, room, conference), || {
                format!("{focus} waits in {room} for good")
            })?;
        }
    }
    Ok(())
}

/// The requests by which focus users leave group rooms of which they are doors.
fn leaves(seen: &Seen) -> impl Iterator<Item = (&confocal_conference::FocusUser, &RoomKey)> {
    seen.turn.effects.iter().filter_map(|effect| match effect {
        Effect::Send { request: SignalRequest::Leave { focus, room }, .. } => {
            let door = seen.before.conferences.get(room)?.doors.get(focus)?;
            door.is_joined().then_some((focus, room))
        }
        Effect::Send { .. } | Effect::Media(_) | Effect::Notify(_) => None,
    })
}

/// A focus user leaves the group room only without calls.
fn r7_a_room_with_calls_is_not_left(seen: &Seen) -> Result<(), String> {
    for (focus, room) in leaves(seen) {
        let call = seen.after.legs.values().find(|leg| leg.group == *room && leg.focus == *focus);
        let direct = seen.before.directs.get(room).is_some_and(|direct| direct.doors.contains_key(focus));
        ensure(call.is_none() || direct, || format!("{focus} leaves {room}, and {call:?} goes on"))?;
    }
    Ok(())
}

/// A room to stay in is left only when a moderator ends its use: by an upgrade.
fn a_room_to_stay_in_is_not_left(seen: &Seen) -> Result<(), String> {
    for (focus, room) in leaves(seen) {
        let Some(conference) = seen.before.conferences.get(room) else { continue };
        let replaced =
            matches!(&seen.turn.cause, Cause::Input(Input::RoomReplaced { room: old, .. }) if old == room);
        ensure(replaced || !stays(seen, room, conference), || format!("{focus} leaves {room}, to stay in"))?;
    }
    Ok(())
}

/// After a focus user has left a room, or was removed from it, it says nothing there until it has joined again. A command that
/// was heard before may be replied to in vain.
fn nothing_is_said_where_the_focus_is_not(seen: &Seen) -> Result<(), String> {
    let mut now_out: BTreeMap<_, bool> = BTreeMap::new();
    for (focus, room, fact) in &seen.room_facts {
        let place = (focus.clone(), room.clone());
        let was_out = seen.out.contains(&place);
        let out = now_out.entry(place).or_insert(was_out);
        match fact {
            RoomFact::Join => *out = false,
            RoomFact::Leave | RoomFact::Out => *out = true,
            RoomFact::Speak => ensure(!*out, || {
                format!("{focus} speaks in {room}, where it is not: {:?}", seen.turn.effects)
            })?,
            RoomFact::Reply => ensure(!*out || was_out, || {
                format!("{focus} leaves {room} and then replies there: {:?}", seen.turn.effects)
            })?,
        }
    }
    Ok(())
}

/// A command gets its reply in its room, unless its sender is too fast, which nobody is where bounds are not small.
fn r10_each_command_gets_one_reply(seen: &Seen) -> Result<(), String> {
    let replies: Vec<&SignalRequest> = seen
        .turn
        .effects
        .iter()
        .filter(|effect| is_reply(effect))
        .filter_map(|effect| match effect {
            Effect::Send { request, .. } => Some(request),
            Effect::Media(_) | Effect::Notify(_) => None,
        })
        .collect();
    if let Cause::Input(Input::RequestDone { id, .. }) = &seen.turn.cause
        && let Some((room, _)) = seen.before.bots.iter().find(|(_, bot)| bot.inviting == Some(*id))
    {
        let started = |reply: &&SignalRequest| {
            matches!(reply, SignalRequest::Notice { focus, notice: Notice::Reply { command: Command::Start, .. }, .. }
                if focus.as_str() == BOT && reply.room() == room)
        };
        let fits = replies.len() == 1 && replies.iter().all(started);
        return ensure(fits, || format!("{replies:?} when the invitation into {room} was done"));
    }
    let Cause::Input(Input::Commanded { room, command, .. }) = &seen.turn.cause else {
        return ensure(replies.is_empty(), || format!("replies to nothing: {replies:?}"));
    };
    let most = usize::from(asked(seen, room).is_some());
    // The bot replies when it knows whether the focus user could be invited.
    let later = is_asked_of_bot(seen, room) && *command == Command::Start;
    let least = if seen.setup.small || later { 0 } else { most };
    ensure((least..=most).contains(&replies.len()), || format!("{} replies to {command:?}", replies.len()))?;
    for reply in replies {
        let SignalRequest::Notice { focus, room: said, notice: Notice::Reply { command: heard, .. } } = reply
        else {
            continue;
        };
        // One that is on its way replies when it has come; which of several, is all the same.
        let coming = |door: &DoorView| matches!(door.state, DoorStateView::Joining { .. });
        let door = seen.before.conferences.get(room).and_then(|it| it.doors.get(focus));
        let is_there = door.is_some_and(|door| door.is_joined() || coming(door))
            || seen.before.directs.get(room).is_some_and(|it| it.doors.contains_key(focus))
            || (focus.as_str() == BOT && is_asked_of_bot(seen, room));
        let fits = is_there && said == room && heard == command;
        ensure(fits, || format!("{reply:?} to {command:?} in {room}"))?;
    }
    Ok(())
}

/// Everyone who is in the conference is told once, in each of their 1:1 rooms.
fn an_upgraded_room_is_told_of(seen: &Seen) -> Result<(), String> {
    let Cause::Input(Input::RoomReplaced { room, by }) = &seen.turn.cause else { return Ok(()) };
    let Some(conference) = seen.before.conferences.get(room) else { return Ok(()) };
    let known = conference.replaced_by.as_ref() == Some(by);
    for leg in seen.before.legs.values().filter(|leg| leg.group == *room && leg.is_admitted()) {
        let told = seen.turn.effects.iter().filter(|effect| {
            matches!(effect, Effect::Send { request: SignalRequest::Notice { focus, room, notice }, .. }
                if *focus == leg.focus && *room == leg.key.room && matches!(notice, Notice::RoomReplaced { .. }))
        });
        let (told, due) = (told.count(), usize::from(!known));
        ensure(told == due, || format!("{:?} is told {told} times of {by}", leg.key))?;
    }
    Ok(())
}
