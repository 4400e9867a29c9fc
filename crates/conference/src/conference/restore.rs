//! Taking up a conference from its records: tables and deadlines are made anew, and what there is is told as news, since who
//! watches knows nothing of the last run.
//!
//! What the loss of the sessions leads to never lives here, see `recovery.rs`.

use alloc::vec::Vec;

use super::{Comparison, Conference, people::Member};
use crate::core::Core;
use crate::door::{Door, DoorState};
use crate::effect::ConferenceEvent;
use crate::id::FocusUser;
use crate::leg::{Leg, LegState, Recovery};
use crate::legs::Legs;
use crate::routes::{Purpose, Routes};
use crate::second_line::Asking;
use crate::table::Table;
use crate::timer::TimerKind;

impl Conference {
    /// Takes up a conference and its legs. Nothing is done but what settings that differ from the last run's ask for.
    pub(crate) fn restored(mut self, legs: Vec<Leg>, core: &mut Core, routes: &mut Routes) -> Self {
        (self.members, self.legs) = (Table::new(core.seed), Legs::new(core.seed));
        if self.opened {
            core.notify(ConferenceEvent::Opened { conference: self.id, group: self.group.clone() });
        }
        core.staying += usize::from(self.stay);
        self.restore_announcing(core, routes);
        for (focus, door) in &self.doors {
            self.restore_door(focus, door, core, routes);
        }
        if let Some(until) = self.linger_until {
            core.timers.set(TimerKind::Linger(self.group.clone()), until);
        }
        for leg in legs {
            self.restore_leg(leg, core, routes);
        }
        match self.compare_at {
            Some(at) => core.timers.set(TimerKind::Compare(self.group.clone()), at),
            // As of a version that did not compare.
            None if !self.present.is_empty() => self.plan_comparison(core),
            None => {}
        }
        self.floor_news(core);
        self.restore_showing(core);
        self.set_alone_timer(core);
        if self.recording.is_some() {
            self.recording_news(core);
        }
        self.stay_as_configured_now(core);
        self
    }

    fn restore_door(&self, focus: &FocusUser, door: &Door, core: &mut Core, routes: &mut Routes) {
        let (group, focus) = (self.group.clone(), focus.clone());
        if let Some(Comparison { request, .. }) = door.comparing {
            let (group, focus) = (group.clone(), focus.clone());
            routes.requests.insert(request, Purpose::Compare { group, focus });
        }
        match door.state {
            DoorState::Joining { request, .. } => {
                routes.requests.insert(request, Purpose::JoinGroup { group, focus });
            }
            DoorState::Leaving { request } => {
                routes.requests.insert(request, Purpose::LeaveGroup { group, focus });
            }
            DoorState::Uninvited { until } => {
                core.timers.set(TimerKind::InvitationGrace(group, focus), until);
            }
            DoorState::Waiting { until: Some(until) } => {
                core.timers.set(TimerKind::Idle(group, focus), until)
            }
            DoorState::Waiting { until: None } | DoorState::Active => {}
        }
    }

    fn restore_leg(&mut self, mut leg: Leg, core: &mut Core, routes: &mut Routes) {
        if let Some(request) = leg.answer {
            routes.requests.insert(request, Purpose::Answer(leg.id));
        }
        if let Asking::Out { request, .. } = leg.second.asking {
            routes.requests.insert(request, Purpose::Offer(leg.id));
        }
        match leg.state {
            LegState::Ringing { admission: Some(request), .. } => {
                routes.requests.insert(request, Purpose::Admission(leg.id));
            }
            LegState::Recovering(Recovery::Offered { request, .. }) => {
                routes.requests.insert(request, Purpose::Offer(leg.id));
            }
            LegState::Ringing { admission: None, .. }
            | LegState::Answering { .. }
            | LegState::Connecting { .. }
            | LegState::Active
            | LegState::Reconnecting { .. }
            | LegState::Recovering(_) => {}
        }
        routes.insert_leg(&leg);
        let caller = leg.key.caller.clone();
        let member = self.members.get_or_insert_with(caller.clone(), || Member::new(leg.participant));
        member.legs.push(leg.id);
        if leg.is_admitted() && !member.present {
            member.present = true;
            member.silenced = self.floor.silenced(&caller);
            self.present.insert((leg.participant, caller.clone()));
            self.standing_news(&caller, core);
        }
        leg.heard = self.floor.silenced(&caller).is_none();
        let id = leg.id;
        self.legs.insert(leg);
        self.entered(id, core);
    }

    /// Rooms to stay in may be others than they were: R7 and R8 are switched off, or on, for a room that was waited in.
    pub(super) fn stay_as_configured_now(&mut self, core: &mut Core) {
        if self.stays(core) {
            for (focus, door) in &mut self.doors {
                if let DoorState::Waiting { until: until @ Some(_) } = &mut door.state {
                    *until = None;
                    core.timers.cancel(&TimerKind::Idle(self.group.clone(), focus.clone()));
                }
            }
            self.changed(core);
            return;
        }
        let for_good = |door: &Door| matches!(door.state, DoorState::Waiting { until: None });
        let stayed: Vec<FocusUser> =
            self.doors.iter().filter(|(_, door)| for_good(door)).map(|(focus, _)| focus.clone()).collect();
        for focus in stayed {
            self.start_idle(&focus, core);
        }
        self.linger_if_empty(core);
    }
}
