//! One group room's conference: who is let in, who must go, and when the focus leaves.
//!
//! Routing between conferences never lives here (`focus.rs`), nor the shapes of doors and legs (`door.rs`, `leg.rs`).

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

mod admission;
mod calls;
mod doors;
mod ejection;

use crate::core::Core;
use crate::door::{Door, DoorState};
use crate::effect::ConferenceEvent;
use crate::id::{ConferenceId, FocusUser, LegId, MemberId, ParticipantId, RoomKey};
use crate::leg::{Leg, LegState};
use crate::record::RecordKey;
use crate::routes::{Purpose, Routes};
use crate::time::Timestamp;
use crate::timer::TimerKind;

/// The conference of one group room.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Conference {
    pub(crate) id: ConferenceId,
    pub(crate) group: RoomKey,
    pub(crate) doors: BTreeMap<FocusUser, Door>,
    /// Someone has been in it, so that its being empty means that all have left (rule R7).
    used: bool,
    /// When the focus leaves because it is empty.
    linger_until: Option<Timestamp>,
    /// Told to the world as open.
    opened: bool,
    /// Each leg is a record of its own.
    #[serde(skip)]
    pub(crate) legs: BTreeMap<LegId, Leg>,
    #[serde(skip)]
    members: BTreeMap<MemberId, Member>,
}

/// A participant: one user with all their legs.
#[derive(Debug)]
struct Member {
    participant: ParticipantId,
    legs: BTreeSet<LegId>,
}

impl Conference {
    pub(crate) fn new(group: RoomKey, core: &mut Core) -> Self {
        Self {
            id: core.new_conference(),
            group,
            doors: BTreeMap::new(),
            used: false,
            linger_until: None,
            opened: false,
            legs: BTreeMap::new(),
            members: BTreeMap::new(),
        }
    }

    /// It is over: its record goes, its watchers are told.
    pub(crate) fn close(&self, core: &mut Core) {
        core.timers.cancel(&TimerKind::Linger(self.group.clone()));
        core.changed(RecordKey::Conference(self.group.clone()));
        if self.opened {
            core.notify(ConferenceEvent::Closed { conference: self.id });
        }
    }

    /// Nothing is left of it.
    pub(crate) fn is_over(&self) -> bool {
        self.doors.is_empty() && self.legs.is_empty()
    }

    /// A leg has entered a state: its deadline, its record, its news.
    fn entered(&self, id: LegId, core: &mut Core) {
        let Some(leg) = self.legs.get(&id) else { return };
        for kind in
            [TimerKind::InviteExpires(id), TimerKind::ConnectTimeout(id), TimerKind::ReconnectGrace(id)]
        {
            core.timers.cancel(&kind);
        }
        if let Some((kind, at)) = leg.deadline() {
            core.timers.set(kind, at);
        }
        core.changed(RecordKey::Leg(id));
        self.news(id, core);
    }

    fn news(&self, id: LegId, core: &mut Core) {
        let Some(leg) = self.legs.get(&id) else { return };
        core.notify(ConferenceEvent::Leg {
            conference: self.id,
            participant: leg.participant,
            member: leg.key.caller.clone(),
            leg: id,
            state: leg.news(),
        });
    }

    /// Takes up a conference and its legs from the records: tables and deadlines are made anew and what there is is told as
    /// news, since who watches knows nothing of the last run. Nothing is done.
    pub(crate) fn restored(mut self, legs: Vec<Leg>, core: &mut Core, routes: &mut Routes) -> Self {
        if self.opened {
            core.notify(ConferenceEvent::Opened { conference: self.id, group: self.group.clone() });
        }
        for (focus, door) in &self.doors {
            let (group, focus) = (self.group.clone(), focus.clone());
            match door.state {
                DoorState::Joining { request, .. } => {
                    routes.requests.insert(request, Purpose::JoinGroup { group, focus });
                }
                DoorState::Leaving { request } => {
                    routes.requests.insert(request, Purpose::LeaveGroup { group, focus });
                }
                DoorState::Uninvited { until } => {
                    core.timers.set(TimerKind::InvitationGrace(group, focus), until)
                }
                DoorState::Waiting { until: Some(until) } => {
                    core.timers.set(TimerKind::Idle(group, focus), until)
                }
                DoorState::Waiting { until: None } | DoorState::Active => {}
            }
        }
        if let Some(until) = self.linger_until {
            core.timers.set(TimerKind::Linger(self.group.clone()), until);
        }
        for leg in legs {
            match leg.state {
                LegState::Ringing { admission: Some(request), .. } => {
                    routes.requests.insert(request, Purpose::Admission(leg.id));
                }
                LegState::Connecting { answer, .. } => {
                    routes.requests.insert(answer, Purpose::Answer(leg.id));
                }
                LegState::Ringing { admission: None, .. }
                | LegState::Answering { .. }
                | LegState::Active { .. }
                | LegState::Reconnecting { .. } => {}
            }
            if let Some((kind, at)) = leg.deadline() {
                core.timers.set(kind, at);
            }
            routes.legs.insert(leg.id, self.group.clone());
            routes.calls.insert(leg.key.clone(), leg.id);
            self.members
                .entry(leg.key.caller.clone())
                .or_insert_with(|| Member { participant: leg.participant, legs: BTreeSet::new() })
                .legs
                .insert(leg.id);
            let id = leg.id;
            self.legs.insert(id, leg);
            self.news(id, core);
        }
        self.stay_as_configured_now(core);
        self
    }

    /// Rooms to stay in may be others than in the last run: R7 and R8 are switched off, or on, for a room that was waited in.
    fn stay_as_configured_now(&mut self, core: &mut Core) {
        if core.config.stay.contains(&self.group) {
            self.cancel_linger(core);
            for (focus, door) in &mut self.doors {
                if let DoorState::Waiting { until: until @ Some(_) } = &mut door.state {
                    *until = None;
                    core.timers.cancel(&TimerKind::Idle(self.group.clone(), focus.clone()));
                    core.changed(RecordKey::Conference(self.group.clone()));
                }
            }
            return;
        }
        let for_good = |door: &Door| matches!(door.state, DoorState::Waiting { until: None });
        let stayed: Vec<FocusUser> =
            self.doors.iter().filter(|(_, door)| for_good(door)).map(|(focus, _)| focus.clone()).collect();
        for focus in stayed {
            self.start_idle(&focus, core);
            core.changed(RecordKey::Conference(self.group.clone()));
        }
        if self.linger_until.is_none() {
            self.linger_if_empty(core);
        }
    }
}
