//! Which conference an input belongs to, found without looking at the others; and what each user and server has.
//!
//! Rules never live here.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

use crate::bots::Bots;
use crate::calls::Calls;
use crate::core::Core;
use crate::direct::Directs;
use crate::early::EarlyCandidates;
use crate::id::{CallKey, FocusUser, LegId, MemberId, RequestId, RoomKey};
use crate::leg::Leg;
use crate::names::Names;
use crate::tally::Tally;

/// What a request was made for, so that its outcome finds the way home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A door joins its group room.
    JoinGroup { group: RoomKey, focus: FocusUser },
    /// A door joins a 1:1 room.
    JoinDirect { room: RoomKey, focus: FocusUser },
    /// A door leaves its group room.
    LeaveGroup { group: RoomKey, focus: FocusUser },
    /// A door asks whether its callers are joined to the group room.
    Compare { group: RoomKey, focus: FocusUser },
    /// A conference is announced in its group room.
    Announce { group: RoomKey },
    /// One of us is not to be counted as a person in a room.
    CountOut { room: RoomKey, focus: FocusUser },
    /// The bot joins a room, looks whether it is alone there, or invites the room's focus user.
    Bot { room: RoomKey },
    /// A leg asks to be admitted.
    Admission(LegId),
    /// A leg is answered.
    Answer(LegId),
    /// A leg is offered to go on.
    Offer(LegId),
    /// Rooms of a user of ours are compared with those that it was believed to be in when they were asked for. Not taken up after a
    /// restart, since they are asked for again then. `strays`: it leaves rooms in which it has no business.
    Rooms { focus: FocusUser, believed: BTreeSet<RoomKey>, strays: bool },
}

/// The tables.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    pub(crate) requests: BTreeMap<RequestId, Purpose>,
    pub(crate) directs: Directs,
    pub(crate) bots: Bots,
    pub(crate) names: Names,
    pub(crate) early: EarlyCandidates,
    pub(crate) calls: Calls,
    calls_of_member: Tally<MemberId>,
    calls_of_server: Tally<String>,
}

impl Routes {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            requests: BTreeMap::new(),
            directs: Directs::new(seed),
            bots: Bots::new(seed),
            names: Names::new(seed),
            early: EarlyCandidates::default(),
            calls: Calls::new(seed),
            calls_of_member: Tally::new(seed),
            calls_of_server: Tally::new(seed),
        }
    }

    /// A call is over, or will never be: what came ahead of it goes, and an invite of it gets no word.
    pub(crate) fn call_is_over(&mut self, key: CallKey, core: &mut Core) {
        drop(self.early.take(&key, None, core));
        self.calls.end(key, core);
    }

    /// A leg begins, or is taken up from its record.
    pub(crate) fn insert_leg(&mut self, leg: &Leg) {
        self.calls.begin(leg.key.clone(), leg.id);
        self.calls_of_member.add(&leg.key.caller);
        self.calls_of_server.add(leg.key.caller.server());
    }

    /// A leg has ended; that its call is over is told by [`call_is_over`](Self::call_is_over).
    pub(crate) fn remove_leg(&mut self, leg: &Leg) {
        self.calls_of_member.take(&leg.key.caller);
        self.calls_of_server.take(leg.key.caller.server());
    }

    /// How many calls a user is in, over all conferences, ringing ones included.
    pub(crate) fn calls_of_member(&self, member: &MemberId) -> usize {
        self.calls_of_member.of(member)
    }

    /// How many calls the users of a homeserver are in.
    pub(crate) fn calls_of_server(&self, server: &str) -> usize {
        self.calls_of_server.of(server)
    }
}
