//! Comparing the rooms that our users are in with the records, after a time away.
//!
//! The homeserver keeps for us what happens while we are away, and brings it in order, so this finds what no event tells: a leave that
//! was given up, a membership that another homeserver's version of the room took away, a store or a homeserver that was set back.
//! Who else is in a room never lives here.

use alloc::collections::{BTreeMap, BTreeSet};

use super::Focus;
use crate::effect::SignalRequest;
use crate::id::{FocusUser, RoomKey};
use crate::routes::Purpose;

/// Where a user of ours is, as far as the records know.
struct Believed {
    group: RoomKey,
    rooms: BTreeSet<RoomKey>,
    /// It is in no room but for us: a focus user, not the bot, which may be a bridge's own user too.
    strays: bool,
}

impl Focus {
    /// Asks for the rooms of each focus user that there is, and of the bot.
    pub(super) fn came_back(&mut self) {
        for (focus, Believed { group, rooms, strays }) in self.believed() {
            let request = self.core.send(SignalRequest::AskRooms { focus: focus.clone(), group });
            self.routes.requests.insert(request, Purpose::Rooms { focus, believed: rooms, strays });
        }
    }

    fn believed(&self) -> BTreeMap<FocusUser, Believed> {
        let mut all: BTreeMap<FocusUser, Believed> = BTreeMap::new();
        let mut add = |focus: &FocusUser, group: &RoomKey, room: &RoomKey, joined: bool, strays: bool| {
            let believed = all.entry(focus.clone()).or_insert_with(|| Believed {
                group: group.clone(),
                rooms: BTreeSet::new(),
                strays,
            });
            if joined {
                believed.rooms.insert(room.clone());
            }
        };
        for conference in self.conferences.ids().into_iter().filter_map(|id| self.conferences.get(id)) {
            for (focus, door) in &conference.doors {
                add(focus, &conference.group, &conference.group, door.is_joined(), true);
            }
        }
        for room in self.routes.directs.keys() {
            for (focus, door) in self.routes.directs.get(&room).into_iter().flat_map(|it| &it.doors) {
                add(focus, &door.group, &room, door.joining.is_none(), true);
            }
        }
        for room in self.routes.bots.keys() {
            if let Some(it) = self.routes.bots.get(&room) {
                add(&it.bot, &room, &room, it.joining.is_none(), false);
            }
        }
        all
    }

    /// The homeserver has told the rooms of a user of ours, which was `believed` to be in some when it was asked. What has changed since
    /// then is told by events, or was done by ourselves.
    pub(super) fn rooms_told(
        &mut self,
        focus: &FocusUser,
        believed: &BTreeSet<RoomKey>,
        rooms: &BTreeSet<RoomKey>,
        strays: bool,
    ) {
        for room in believed.difference(rooms) {
            self.focus_removed(focus, room);
        }
        for room in rooms.difference(believed).filter(|_| strays) {
            let in_group = self.conferences.of(room).is_some_and(|it| it.doors.contains_key(focus));
            let in_direct = self.routes.directs.get(room).is_some_and(|it| it.doors.contains_key(focus));
            if !in_group && !in_direct {
                self.core.send(SignalRequest::Leave { focus: focus.clone(), room: room.clone() });
            }
        }
    }
}
