//! Focus users coming into the group room and going out of it (rules R2, R7, R8).
//!
//! Calls never live here.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::Conference;
use crate::config::EncryptedRooms;
use crate::core::Core;
use crate::door::{CountedOut, Door, DoorState};
use crate::effect::{ConferenceEvent, EndReason, Notice, Refusal, SignalRequest};
use crate::id::{FocusUser, LegId, RoomKey, ServerName};
use crate::input::RequestFailure;
use crate::record::RecordKey;
use crate::routes::{Purpose, Routes};
use crate::time::Millis;
use crate::timer::TimerKind;

/// The least that rule R8 waits.
const SHORTEST_IDLE: Millis = Millis::from_secs(1);

impl Conference {
    /// A focus user was invited into the group room (rule R2).
    pub(crate) fn door_invited(
        &mut self,
        focus: FocusUser,
        via: Vec<ServerName>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        if let Some(Door { state: DoorState::Joining { invited_since, .. }, invited, via: known, .. }) =
            self.doors.get_mut(&focus)
        {
            *invited_since = true;
            *invited = true;
            *known = via;
            self.changed(core);
            return;
        }
        if !self.doors.contains_key(&focus) && self.doors.len() >= core.config.limits.doors_per_conference {
            core.send(SignalRequest::Leave { focus, room: self.group.clone() });
            return;
        }
        // From any other state: whatever we believed, an invitation says that we are not joined.
        self.join(focus, true, via, core, routes);
    }

    pub(super) fn join(
        &mut self,
        focus: FocusUser,
        invited: bool,
        via: Vec<ServerName>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        self.cancel_door_timers(&focus, core);
        self.announcer_gone(&focus);
        let request = core.send(SignalRequest::JoinGroup {
            focus: focus.clone(),
            room: self.group.clone(),
            via: via.clone(),
        });
        routes
            .requests
            .insert(request, Purpose::JoinGroup { group: self.group.clone(), focus: focus.clone() });
        let state = DoorState::Joining { request, invited_since: false, removed_since: false };
        self.doors.insert(focus, Door { invited, via, state, comparing: None, counted_out: CountedOut::Not });
        self.changed(core);
    }

    /// A focus user is in the group room, is coming, or is about to leave: an invitation is none that could be declined.
    pub(crate) fn is_in_or_coming(&self, focus: &FocusUser) -> bool {
        self.doors.get(focus).is_some_and(|door| !matches!(door.state, DoorState::Uninvited { .. }))
    }

    /// A focus user that has joined the group room.
    pub(crate) fn joined_door(&self) -> Option<&FocusUser> {
        self.doors.iter().find(|(_, door)| door.is_joined()).map(|(focus, _)| focus)
    }

    /// A focus user that is about to join the group room, where none has.
    pub(crate) fn coming_door(&self) -> Option<&FocusUser> {
        if self.joined_door().is_some() {
            return None;
        }
        self.doors.iter().find(|(_, door)| door.is_joining()).map(|(focus, _)| focus)
    }

    /// The join of a door is done, or has failed for good.
    pub(crate) fn door_joined(
        &mut self,
        focus: &FocusUser,
        failure: Option<RequestFailure>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(door) = self.doors.get_mut(focus) else { return };
        let DoorState::Joining { invited_since, removed_since, .. } = door.state else { return };
        core.changed(RecordKey::Conference(self.group.clone()));
        match failure {
            None if removed_since => {
                let (invited, via) = (door.invited, door.via.clone());
                self.join(focus.clone(), invited, via, core, routes);
            }
            None => {
                door.state = DoorState::Waiting { until: None };
                if !self.opened {
                    self.opened = true;
                    core.notify(ConferenceEvent::Opened { conference: self.id, group: self.group.clone() });
                    self.floor_news(core);
                }
                self.start_idle(focus, core);
                let ringing: Vec<LegId> = self.legs_by(|leg| leg.focus == *focus);
                for leg in ringing {
                    self.ask_admission(leg, core, routes);
                }
            }
            Some(_) if invited_since => {
                let via = door.via.clone();
                self.join(focus.clone(), true, via, core, routes);
            }
            Some(RequestFailure::Forbidden) => {
                let until = core.now + core.config.invitation_grace;
                door.state = DoorState::Uninvited { until };
                core.timers.set(TimerKind::InvitationGrace(self.group.clone(), focus.clone()), until);
            }
            Some(RequestFailure::NotFound | RequestFailure::Rejected | RequestFailure::Expired) => {
                self.door_refused(focus, core, routes);
            }
        }
    }

    /// The door will not get into the group room: its callers are told.
    pub(crate) fn door_refused(&mut self, focus: &FocusUser, core: &mut Core, routes: &mut Routes) {
        self.end_legs(|leg| leg.focus == *focus, EndReason::Refused(Refusal::FocusNotInvited), core, routes);
        self.remove_door(focus, core);
    }

    /// The focus user was kicked or banned from the group room, or its invitation was withdrawn.
    pub(crate) fn door_removed(&mut self, focus: &FocusUser, core: &mut Core, routes: &mut Routes) {
        let Some(door) = self.doors.get_mut(focus) else { return };
        match door.state {
            // A withdrawn invitation makes the join that is under way fail; a kick that follows it is found by joining again.
            DoorState::Joining { ref mut removed_since, .. } => {
                *removed_since = true;
                door.invited = false;
            }
            DoorState::Uninvited { .. } => door.invited = false,
            DoorState::Waiting { .. } | DoorState::Active | DoorState::Leaving { .. } => {
                // First: it has no voice in the room for what comes of it.
                self.remove_door(focus, core);
                self.end_legs(|leg| leg.focus == *focus, EndReason::FocusRemoved, core, routes);
            }
        }
        self.changed(core);
    }

    pub(super) fn remove_door(&mut self, focus: &FocusUser, core: &mut Core) {
        self.cancel_door_timers(focus, core);
        self.announcer_gone(focus);
        self.doors.remove(focus);
        self.changed(core);
    }

    pub(super) fn cancel_door_timers(&self, focus: &FocusUser, core: &mut Core) {
        core.timers.cancel(&TimerKind::Idle(self.group.clone(), focus.clone()));
        core.timers.cancel(&TimerKind::InvitationGrace(self.group.clone(), focus.clone()));
    }

    /// Rule R8: the time in which a call must come begins.
    pub(super) fn start_idle(&mut self, focus: &FocusUser, core: &mut Core) {
        if self.stays(core) {
            return;
        }
        // Not at once: the call that is waited for would find nobody, and a ringing one is asked after again at this rate.
        let until = core.now + core.config.idle.max(SHORTEST_IDLE);
        if let Some(Door { state: state @ DoorState::Waiting { .. }, .. }) = self.doors.get_mut(focus) {
            *state = DoorState::Waiting { until: Some(until) };
            core.changed(RecordKey::Conference(self.group.clone()));
            core.timers.set(TimerKind::Idle(self.group.clone(), focus.clone()), until);
        }
    }

    /// Rule R8: nobody called in time. A call that rings is given its time; and where there was a conference rule R7 says when it is
    /// over, also for a focus user that came in anew meanwhile.
    pub(crate) fn idle_over(&mut self, focus: &FocusUser, core: &mut Core, routes: &mut Routes) {
        if self.used || self.legs.values().any(|leg| leg.focus == *focus) {
            self.start_idle(focus, core);
        } else {
            self.leave(focus, core, routes);
        }
    }

    /// Rule R7: it has been empty for long enough. All doors leave, unless a call rings: that one is given its time.
    pub(crate) fn linger_over(&mut self, core: &mut Core, routes: &mut Routes) {
        self.linger_until = None;
        if !self.legs.is_empty() {
            self.linger(core);
            return;
        }
        self.all_over(core);
        if !self.stays(core) {
            self.leave_all(core, routes);
        }
    }

    /// The conference is over, whether the focus stays or not: what moderators decided ends with it.
    pub(super) fn all_over(&mut self, core: &mut Core) {
        self.used = false;
        self.redial_until = None;
        self.cancel_linger(core);
        for door in self.doors.values_mut().filter(|door| door.is_joined()) {
            door.state = DoorState::Waiting { until: None };
        }
        self.say_it_is_over(core);
        if !self.floor.is_fresh(core.config.audience) {
            self.floor.end(core.config.audience);
            self.floor_news(core);
        }
        self.end_showing(core);
        self.changed(core);
    }

    /// All focus users that have joined leave.
    pub(super) fn leave_all(&mut self, core: &mut Core, routes: &mut Routes) {
        let joined: Vec<FocusUser> =
            self.doors.iter().filter(|(_, door)| door.is_joined()).map(|(focus, _)| focus.clone()).collect();
        for focus in joined {
            self.leave(&focus, core, routes);
        }
    }

    /// The group room was upgraded: nobody new comes in here, those who are in are told where to go on, and the focus leaves
    /// when they have gone, also where it was to stay.
    pub(crate) fn replaced(&mut self, by: RoomKey, core: &mut Core, routes: &mut Routes) {
        if self.replaced_by.as_ref() == Some(&by) {
            return;
        }
        self.replaced_by = Some(by.clone());
        self.changed(core);
        let rooms: BTreeSet<(FocusUser, RoomKey)> = self
            .legs
            .values()
            .filter(|leg| leg.is_admitted())
            .map(|leg| (leg.focus.clone(), leg.key.room.clone()))
            .collect();
        for (focus, room) in rooms {
            let notice = Notice::RoomReplaced { group: self.group.clone(), by: by.clone() };
            core.send(SignalRequest::Notice { focus, room, notice });
        }
        if self.legs.is_empty() {
            self.all_over(core);
            self.leave_all(core, routes);
        } else {
            self.stay_as_configured_now(core);
        }
    }

    /// The group room is encrypted: by policy nobody is let in any more, or everyone in the room is told once.
    pub(crate) fn group_encrypted(&mut self, core: &mut Core) {
        if !self.encrypted {
            self.encrypted = true;
            self.changed(core);
        }
        if self.told_encrypted || core.config.encrypted_rooms == EncryptedRooms::Refuse {
            return;
        }
        let Some(focus) = self.joined_door().cloned() else { return };
        let (room, notice) = (self.group.clone(), Notice::GroupEncrypted { group: self.group.clone() });
        core.send(SignalRequest::Notice { focus, room, notice });
        self.told_encrypted = true;
        self.changed(core);
    }

    pub(super) fn leave(&mut self, focus: &FocusUser, core: &mut Core, routes: &mut Routes) {
        self.cancel_door_timers(focus, core);
        let Some(door) = self.doors.get_mut(focus) else { return };
        let request = core.send(SignalRequest::Leave { focus: focus.clone(), room: self.group.clone() });
        routes
            .requests
            .insert(request, Purpose::LeaveGroup { group: self.group.clone(), focus: focus.clone() });
        door.state = DoorState::Leaving { request };
        self.changed(core);
    }

    /// The leave is done; should it have failed, it is tried again where there is something to leave (`departures.rs`), and the conference
    /// is over all the same.
    pub(crate) fn door_left(&mut self, focus: &FocusUser, core: &mut Core) {
        self.remove_door(focus, core);
    }
}
