//! Rooms: invitations, 1:1 rooms, people and focus users leaving, and what is asked for in words.
//!
//! Calls never live here.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::Focus;
use crate::command::{Command, Denial, Reply};
use crate::conference::Conference;
use crate::direct::{DirectDoor, DirectRoom};
use crate::effect::{Notice, SignalRequest};
use crate::id::{FocusUser, MemberId, RequestId, RoomKey, ServerName};
use crate::input::RequestFailure;
use crate::rates::Deed;
use crate::record::RecordKey;
use crate::routes::Purpose;
use crate::time::Millis;
use crate::timer::TimerKind;

/// How exactly the end of a 1:1 room in which nobody calls is kept, at the most.
const DIRECT_IDLE_STEP: Millis = Millis::from_secs(24 * 3600);

impl Focus {
    pub(super) fn invited(
        &mut self,
        focus: FocusUser,
        group: RoomKey,
        room: RoomKey,
        by: MemberId,
        via: Vec<ServerName>,
    ) {
        // Who asked the bot for it was asked about then.
        let by_bot = self.routes.bots.get(&room).is_some_and(|it| it.bot.as_str() == by.as_str());
        if !by_bot && !self.core.config.policy.allows(&by) {
            // Whoever may not take part does not make us leave a room in which others do.
            let in_group = self.conferences.of(&room).is_some_and(|it| it.is_in_or_coming(&focus));
            let in_direct = self.routes.directs.get(&room).is_some_and(|it| it.doors.contains_key(&focus));
            if !in_group && !in_direct {
                self.core.send(SignalRequest::Leave { focus, room });
            }
        } else if room != group {
            self.invited_to_direct(focus, group, room, by, via);
        } else if let Some(id) = self.make_conference(&group) {
            self.with_conference_of(id, |it, core, routes| it.door_invited(focus, via, core, routes));
        } else {
            self.core.send(SignalRequest::Leave { focus, room });
        }
    }

    fn invited_to_direct(
        &mut self,
        focus: FocusUser,
        group: RoomKey,
        room: RoomKey,
        by: MemberId,
        via: Vec<ServerName>,
    ) {
        let (limits, directs) = (&self.core.config.limits, &mut self.routes.directs);
        let too_many = match directs.get(&room) {
            Some(direct) => {
                !direct.doors.contains_key(&focus) && direct.doors.len() >= limits.doors_per_direct_room
            }
            None => {
                directs.len() >= limits.direct_rooms
                    || directs.count_of(&by) >= limits.direct_rooms_per_member
            }
        };
        if too_many {
            self.core.send(SignalRequest::Leave { focus, room });
            return;
        }
        let until = self.core.now + self.core.config.direct_idle;
        if directs.get(&room).is_none() {
            let doors = BTreeMap::new();
            directs.insert(room.clone(), DirectRoom { with: by, doors, told_encrypted: false, until });
        }
        let request = self.core.send(SignalRequest::JoinDirect {
            focus: focus.clone(),
            group: group.clone(),
            room: room.clone(),
            via: via.clone(),
        });
        let purpose = Purpose::JoinDirect { room: room.clone(), focus: focus.clone() };
        self.routes.requests.insert(request, purpose);
        if let Some(direct) = directs.get_mut(&room) {
            direct.doors.insert(focus, DirectDoor { group, joining: Some(request), via });
        }
        self.keep_direct(&room);
    }

    /// Someone calls in a 1:1 room. Its time is not begun anew by each call of a day, which would write a record more each time.
    pub(super) fn used_direct(&mut self, room: &RoomKey) {
        let Some(direct) = self.routes.directs.get(room) else { return };
        let idle = self.core.config.direct_idle;
        let step = Millis(idle.0 / 8).min(DIRECT_IDLE_STEP);
        if (self.core.now + idle).since(direct.until) >= step {
            self.keep_direct(room);
        }
    }

    /// The time in which someone must call in a 1:1 room begins.
    fn keep_direct(&mut self, room: &RoomKey) {
        let Some(direct) = self.routes.directs.get_mut(room) else { return };
        direct.until = self.core.now + self.core.config.direct_idle;
        self.core.timers.set(TimerKind::DirectIdle(room.clone()), direct.until);
        self.core.changed(RecordKey::Direct(room.clone()));
    }

    /// Nobody has called in a 1:1 room for long. A call that goes on there keeps the focus in it.
    pub(super) fn direct_idle(&mut self, room: &RoomKey) {
        let Some(direct) = self.routes.directs.get(room) else { return };
        let doors: Vec<(FocusUser, RoomKey)> =
            direct.doors.iter().map(|(focus, door)| (focus.clone(), door.group.clone())).collect();
        let in_use = doors
            .iter()
            .filter_map(|(_, group)| self.conferences.of(group))
            .any(|it| it.legs.values().any(|leg| leg.key.room == *room));
        if in_use {
            self.keep_direct(room);
            return;
        }
        for (focus, _) in doors {
            self.core.send(SignalRequest::Leave { focus: focus.clone(), room: room.clone() });
            self.forget_direct_door(room, &focus);
        }
    }

    pub(super) fn direct_joined(
        &mut self,
        id: RequestId,
        room: &RoomKey,
        focus: &FocusUser,
        failure: Option<RequestFailure>,
    ) {
        let direct = self.routes.directs.get_mut(room);
        let Some(door) = direct.and_then(|direct| direct.doors.get_mut(focus)) else { return };
        if door.joining != Some(id) {
            return;
        }
        door.joining = None;
        let group = door.group.clone();
        self.core.changed(RecordKey::Direct(room.clone()));
        if failure.is_some() {
            // A call may have come already, pushed between an earlier join and its end.
            self.with_conference(&group, |it, core, routes| it.focus_left_direct(room, focus, core, routes));
            self.forget_direct_door(room, focus);
        }
    }

    fn forget_direct_door(&mut self, room: &RoomKey, focus: &FocusUser) {
        let Some(direct) = self.routes.directs.get_mut(room) else { return };
        direct.doors.remove(focus);
        if direct.doors.is_empty() {
            self.routes.directs.remove(room);
            self.core.timers.cancel(&TimerKind::DirectIdle(room.clone()));
        }
        self.core.changed(RecordKey::Direct(room.clone()));
    }

    /// A call placed in an encrypted 1:1 room would ring in vain, so whoever made the room is told, once.
    pub(super) fn room_encrypted(&mut self, room: RoomKey) {
        self.with_conference(&room, |it, core, _| it.group_encrypted(core));
        self.bot_room_encrypted(&room);
        let Some(direct) = self.routes.directs.get_mut(&room).filter(|direct| !direct.told_encrypted) else {
            return;
        };
        let Some((focus, door)) = direct.doors.first_key_value() else { return };
        let notice = Notice::Encrypted { group: door.group.clone() };
        let focus = focus.clone();
        direct.told_encrypted = true;
        self.core.changed(RecordKey::Direct(room.clone()));
        self.core.send(SignalRequest::Notice { focus, room, notice });
    }

    pub(super) fn focus_removed(&mut self, focus: &FocusUser, room: &RoomKey) {
        self.core.is_out(focus, room);
        self.bot_removed(focus, room);
        self.with_conference(room, |it, core, routes| it.door_removed(focus, core, routes));
        // Not an alternative: whoever invites another room's focus user into a group room makes it a 1:1 room to that one.
        let direct = self.routes.directs.get(room);
        let Some(door) = direct.and_then(|direct| direct.doors.get(focus)) else { return };
        let group = door.group.clone();
        self.with_conference(&group, |it, core, routes| it.focus_left_direct(room, focus, core, routes));
        self.forget_direct_door(room, focus);
    }

    pub(super) fn member_removed(&mut self, room: &RoomKey, member: &MemberId) {
        self.someone_left_the_bot(room);
        self.with_conference(room, |it, core, routes| it.member_left_group(member, core, routes));
        // A group room may be a 1:1 room too, see `focus_removed`.
        let Some(direct) = self.routes.directs.get(room) else { return };
        let ours = direct.with == *member;
        let doors: Vec<(FocusUser, RoomKey)> =
            direct.doors.iter().map(|(focus, door)| (focus.clone(), door.group.clone())).collect();
        for (focus, group) in doors {
            self.with_conference(&group, |it, core, routes| {
                it.member_left_direct(room, member, core, routes);
                if ours {
                    it.focus_left_direct(room, &focus, core, routes);
                }
            });
            // The room was theirs: without them it is of no more use, to nobody who is left in it either.
            if ours {
                self.core.send(SignalRequest::Leave { focus: focus.clone(), room: room.clone() });
                self.forget_direct_door(room, &focus);
            }
        }
    }

    /// Someone asks for something in words, and is replied to where it was said. Who asks too often is not heard.
    pub(super) fn commanded(&mut self, room: RoomKey, by: &MemberId, command: Command) {
        let Some((focus, group)) = self.asked(&room) else { return };
        if !self.core.may(by, Deed::Command) {
            return;
        }
        self.core.count(by, Deed::Command);
        let Some(reply) = self.replied(&focus, &room, &group, by, &command) else { return };
        let ends = command == Command::End && reply == Reply::Done;
        let notice = Notice::Reply { group: group.clone(), command, reply };
        self.core.send(SignalRequest::Notice { focus, room, notice });
        // Said before: a focus that has left the group room can reply there no more.
        if ends {
            self.with_conference(&group, Conference::end);
        }
    }

    /// What is replied to a command; `None`: that is known later.
    fn replied(
        &mut self,
        focus: &FocusUser,
        room: &RoomKey,
        group: &RoomKey,
        by: &MemberId,
        command: &Command,
    ) -> Option<Reply> {
        let by_bot = self.routes.bots.get(room).is_some_and(|it| it.bot == *focus);
        if by_bot && *command == Command::Start {
            return self.start(room, by);
        }
        let mut reply = if *command == Command::Help {
            Reply::Help
        } else if *command == Command::Start {
            // In a 1:1 room: the focus user is there, and to be called.
            Reply::Done
        } else {
            Reply::Denied(if by_bot { Denial::NotStarted } else { Denial::NoConference })
        };
        self.with_conference(group, |it, core, routes| {
            reply = it.command(by, room == group, command, core, routes);
        });
        Some(reply)
    }

    /// Who of us is in a room and can reply there, and which group room's conference is asked.
    fn asked(&self, room: &RoomKey) -> Option<(FocusUser, RoomKey)> {
        self.asked_there(room).or_else(|| self.asked_on_the_way(room))
    }

    fn asked_there(&self, room: &RoomKey) -> Option<(FocusUser, RoomKey)> {
        if let Some(focus) = self.conferences.of(room).and_then(Conference::joined_door) {
            return Some((focus.clone(), room.clone()));
        }
        let direct = self.routes.directs.get(room);
        let mut doors = direct.into_iter().flat_map(|direct| &direct.doors);
        if let Some((focus, door)) = doors.find(|(_, door)| door.joining.is_none()) {
            return Some((focus.clone(), door.group.clone()));
        }
        Some((self.hearing_bot(room)?.bot.clone(), room.clone()))
    }

    /// As [`asked_there`](Self::asked_there), of one whose join is under way: what is said in the moment of its coming is heard before
    /// it is known that it has come. The reply follows the join, as requests of one room do.
    fn asked_on_the_way(&self, room: &RoomKey) -> Option<(FocusUser, RoomKey)> {
        if let Some(focus) = self.conferences.of(room).and_then(Conference::coming_door) {
            return Some((focus.clone(), room.clone()));
        }
        if let Some((focus, door)) =
            self.routes.directs.get(room).and_then(|direct| direct.doors.first_key_value())
        {
            return Some((focus.clone(), door.group.clone()));
        }
        Some((self.routes.bots.get(room)?.bot.clone(), room.clone()))
    }
}
