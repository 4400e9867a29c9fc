//! What is told of a conference: it is so, in time and not too often, to those who should know, and taken back at the end.
//!
//! What the conference is never lives here.

use confocal_conference::{
    Announcement, CallVersion, Effect, FocusUser, LegId, Millis, Notice, RoomKey, SignalRequest, Timestamp,
};

use super::ensure;
use crate::seen::{Cause, Seen};
use crate::view::{DoorView, LegView, StateView};

super::invariants! {
    r9_announcements_are_apart: "R9: at most one announcement every 30 s",
    r9_what_is_announced_is_so: "R9: focus user, start and rounded count of the conference, names only where wanted",
    r9_every_change_is_announced_in_time: "R9: what stands in the room is right, or will be",
    r9_no_announcement_outlives_its_conference: "R9: cleared at the end",
    who_comes_in_is_told_once: "design 5: what a caller learns by sound stands in text",
    callers_learn_seldom_who_speaks: "MSC3086: at most once per leg and 10 s, in version 1, and not of oneself",
    the_room_reads_of_beginning_and_end: "R9: said when it begins and when it is over, where it is wanted",
}

/// The announcements of a turn.
fn announcements(seen: &Seen) -> impl Iterator<Item = (&FocusUser, &RoomKey, Option<&Announcement>)> {
    seen.turn.effects.iter().filter_map(|effect| match effect {
        Effect::Send { request: SignalRequest::Announce { focus, room, announcement }, .. } => {
            Some((focus, room, announcement.as_ref()))
        }
        Effect::Send { .. } | Effect::Media(_) | Effect::Notify(_) => None,
    })
}

/// Between an announcement and whatever was announced before in the same conference lie 30 s.
fn r9_announcements_are_apart(seen: &Seen) -> Result<(), String> {
    for (_, room, _) in announcements(seen).filter(|(.., announcement)| announcement.is_some()) {
        let last = seen.after.conferences.get(room).and_then(|conference| seen.announced.get(&conference.id));
        let ago = last.map(|last| seen.turn.now.since(*last));
        ensure(ago.is_none_or(|ago| ago >= Millis::from_secs(30)), || {
            format!("{room} is announced again after {ago:?}")
        })?;
    }
    Ok(())
}

/// About so many: what is told of a count.
const fn about(count: usize) -> usize {
    match count {
        0..=9 => count,
        10..=99 => count - count % 10,
        _ => count - count % 100,
    }
}

/// Of a caller who has the call on hold nothing is shown.
fn someone_sends_pictures(seen: &Seen, room: &RoomKey) -> bool {
    let shows = |leg: &LegView| !leg.agreed.held && (leg.agreed.camera || leg.agreed.screen);
    seen.after.legs.values().any(|leg| leg.group == *room && shows(leg))
}

/// An announcement is by a focus user who is in the room, of a conference with someone in it.
fn r9_what_is_announced_is_so(seen: &Seen) -> Result<(), String> {
    let (wanted, limits) = (seen.setup.config.discovery, &seen.setup.config.limits);
    for (focus, room, announcement) in announcements(seen) {
        let Some(announcement) = announcement else { continue };
        let (Some(conference), Some(roll)) = (seen.after.conferences.get(room), seen.turn.rolls.get(room))
        else {
            return Err(format!("{room} has no conference, and is announced"));
        };
        let named = roll.present.iter().map(|person| &person.member).take(announcement.names.len());
        let so = wanted.announce
            && conference.doors.get(focus).is_some_and(DoorView::is_joined)
            && conference.started == Some(announcement.started)
            && roll.total > 0
            && announcement.participants == about(roll.total)
            && announcement.pictures == someone_sends_pictures(seen, room)
            && announcement.names.len()
                == if wanted.names { roll.total.min(limits.announced_names) } else { 0 }
            && named.eq(announcement.names.iter());
        ensure(so, || format!("{focus} announces {announcement:?} in {room}: {roll:?}"))?;
    }
    Ok(())
}

/// A conference that goes on is announced as it is, or is about to be, unless the room does not let it.
fn r9_every_change_is_announced_in_time(seen: &Seen) -> Result<(), String> {
    // A restart, too, is only looked at when something happens next.
    if !seen.setup.config.discovery.announce || seen.turn.cause == Cause::Restored {
        return Ok(());
    }
    for (room, conference) in &seen.after.conferences {
        let Some(roll) = seen.turn.rolls.get(room).filter(|roll| roll.total > 0) else { continue };
        let it = &conference.announcing;
        let waits = it.request.is_some() || it.due.is_some() || it.refused;
        let nobody = !conference.doors.values().any(DoorView::is_joined);
        let pictures = someone_sends_pictures(seen, room);
        let right = |told: &Announcement| told.participants == about(roll.total) && told.pictures == pictures;
        let stands = it.standing.as_ref().is_some_and(|(_, told)| right(told));
        ensure(waits || nobody || stands || conference.started.is_none(), || {
            format!("{room} has {} and says {it:?}", roll.total)
        })?;
    }
    Ok(())
}

/// A focus user takes its announcement back before it leaves the room.
fn r9_no_announcement_outlives_its_conference(seen: &Seen) -> Result<(), String> {
    let mut standing = seen.standing_announcements.clone();
    for effect in &seen.turn.effects {
        let Effect::Send { request, .. } = effect else { continue };
        let place = (request.focus().clone(), request.room().clone());
        if let SignalRequest::Announce { announcement: Some(_), .. } = request {
            standing.insert(place);
        } else if matches!(request, SignalRequest::Announce { .. } | SignalRequest::JoinGroup { .. }) {
            standing.remove(&place);
        } else if let SignalRequest::Leave { focus, room } = request {
            ensure(!standing.contains(&place), || format!("{focus} leaves {room}, which is announced"))?;
        }
    }
    for (focus, room) in &standing {
        let over = seen.after.conferences.get(room).is_some_and(|conference| conference.started.is_none());
        let there = seen.after.conferences.get(room).and_then(|conference| conference.doors.get(focus));
        ensure(!over || !there.is_some_and(DoorView::is_joined), || {
            format!("{room} is announced by {focus}, and there is no conference")
        })?;
    }
    Ok(())
}

/// Whose media is up for the first time is told how many others there are and whether they are heard, and nobody else is.
fn who_comes_in_is_told_once(seen: &Seen) -> Result<(), String> {
    let greeted = |id: &LegId, leg: &LegView| {
        leg.greeted && seen.before.legs.get(id).is_some_and(|before| !before.greeted)
    };
    let mut due: Vec<(&LegId, &LegView)> =
        seen.after.legs.iter().filter(|(id, leg)| greeted(id, leg)).collect();
    for (id, leg) in &seen.after.legs {
        let told = leg.greeted || !matches!(leg.state, StateView::Active);
        ensure(told, || format!("leg {id} is up, and they were not told"))?;
    }
    for effect in &seen.turn.effects {
        let Effect::Send { request: SignalRequest::Notice { focus, room, notice }, .. } = effect else {
            continue;
        };
        let Notice::Joined { group, others, silenced, .. } = notice else { continue };
        let roll = seen.turn.rolls.get(group);
        let at = due
            .iter()
            .position(|(_, leg)| leg.focus == *focus && leg.key.room == *room && leg.group == *group);
        let Some(at) = at else { return Err(format!("{room} is told, of nobody: {notice:?}")) };
        let (_, leg) = due.remove(at);
        let person = roll.and_then(|roll| roll.present.iter().find(|person| person.member == leg.key.caller));
        let so = roll.is_some_and(|roll| roll.total == others + 1)
            && person.is_none_or(|person| person.silenced == *silenced);
        ensure(so, || format!("{notice:?} is told, and so it is: {roll:?}"))?;
    }
    ensure(due.is_empty(), || format!("not told that they are in: {due:?}"))
}

/// A caller of version 1 is told of another one, ten seconds after the last time at the soonest.
fn callers_learn_seldom_who_speaks(seen: &Seen) -> Result<(), String> {
    for effect in &seen.turn.effects {
        let Effect::Send { request: SignalRequest::AssertIdentity { to, member, .. }, .. } = effect else {
            continue;
        };
        let of =
            |leg: &LegView| leg.key.call == to.call && leg.key.room == to.room && leg.key.caller == to.caller;
        let leg = seen.after.legs.iter().find(|(_, leg)| of(leg));
        let last: Option<Timestamp> = leg.and_then(|(id, _)| seen.identified.get(id).copied());
        let so = seen.setup.config.discovery.identify
            && *member != to.caller
            && leg.is_some_and(|(_, leg)| leg.version == CallVersion::V1 && leg.is_live())
            && last.is_none_or(|last| seen.turn.now.since(last) >= Millis::from_secs(10));
        ensure(so, || format!("{to:?} is told of {member}, after {last:?}"))?;
    }
    Ok(())
}

/// Words in the group room: when the first call is answered, and when the conference is over while a focus user is there.
fn the_room_reads_of_beginning_and_end(seen: &Seen) -> Result<(), String> {
    let wanted = seen.setup.config.discovery.notices;
    let said = |room: &RoomKey, is_it: fn(&Notice) -> bool| {
        let notices = seen.turn.effects.iter().filter(|effect| {
            matches!(effect, Effect::Send { request: SignalRequest::Notice { room: said, notice, .. }, .. }
                if said == room && is_it(notice))
        });
        notices.count()
    };
    let rooms = seen.before.conferences.keys().chain(seen.after.conferences.keys());
    for room in rooms {
        let started = |conference: &crate::view::ConferenceView| conference.started.is_some();
        let before = seen.before.conferences.get(room);
        let (was, is) = (before.is_some_and(started), seen.after.conferences.get(room).is_some_and(started));
        let began = said(room, |notice| matches!(notice, Notice::Began { .. }));
        let over = said(room, |notice| matches!(notice, Notice::Over { .. }));
        // Who was removed, or is on its way in again, can't say it; who leaves, says it before.
        let after = seen.after.conferences.get(room);
        let remains = |focus: &FocusUser| after.is_some_and(|it| it.doors.contains_key(focus));
        let there = before
            .is_some_and(|it| it.doors.values().all(DoorView::is_joined) && it.doors.keys().any(remains));
        // Whoever calls by a focus user that is on its way in again begins without a word.
        let fits = (began == 0 || (wanted && !was && is && began == 1))
            && (over == 0 || (wanted && was && !is && over == 1))
            && (!wanted || !was || is || !there || over == 1);
        ensure(fits, || format!("{room}: {began} beginnings and {over} ends are said"))?;
    }
    Ok(())
}
