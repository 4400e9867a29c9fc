//! The whole machine: takes inputs, finds the conference that each belongs to, gives effects, deadlines and records.
//!
//! The rules of a conference never live here, see `conference.rs`.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::call::CallAddress;
use crate::conference::Conference;
use crate::config::Config;
use crate::core::Core;
use crate::effect::{Effect, EndReason, Notice, Refusal, SignalRequest};
use crate::id::{CallKey, FocusUser, Generation, LegId, MemberId, RequestId, RoomKey, ServerName};
use crate::input::{CallInvite, Input, MediaReport, RequestFailure, RequestOutcome};
use crate::leg::Leg;
use crate::record::{Change, FORMAT, FocusRecord, RecordKey, RestoreError};
use crate::routes::{DirectDoor, DirectRoom, Ended, Purpose, Routes};
use crate::time::Timestamp;
use crate::timer::{Deadline, TimerKind};

/// All conferences of one service.
///
/// Four kinds of method: [`handle`](Self::handle) and [`handle_timeout`](Self::handle_timeout) tell what happened,
/// [`poll_effect`](Self::poll_effect) gives what is to be done (drain it after each), [`poll_change`](Self::poll_change) what is
/// to be stored (drain it before doing anything), [`poll_timeout`](Self::poll_timeout) when to tell the time next. Time never
/// decreases; an earlier one is taken for the last one. The same inputs, times and seed give the same effects in the same order.
#[derive(Debug)]
pub struct Focus {
    core: Core,
    routes: Routes,
    conferences: BTreeMap<RoomKey, Conference>,
}

impl Focus {
    /// A machine that knows nothing yet. `seed` is where its names come from; give it from a source of real chance.
    #[must_use]
    pub fn new(config: Config, seed: u64, now: Timestamp) -> Self {
        let mut core = Core::new(config, seed, now);
        core.changed(RecordKey::Focus);
        Self { core, routes: Routes::default(), conferences: BTreeMap::new() }
    }

    /// A machine that goes on where the one went that wrote these records; a new one if there are none. Afterwards tell it
    /// [`Input::EngineLost`], unless the media engine lived on.
    ///
    /// # Errors
    ///
    /// When the records are of a newer format, or damaged; see [`RestoreError`].
    pub fn restore(
        config: Config,
        seed: u64,
        now: Timestamp,
        records: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Self, RestoreError> {
        let mut machine = Self::new(config, seed, now);
        let mut parsed = Vec::new();
        for (name, bytes) in records {
            let key = RecordKey::parse(&name).ok_or_else(|| RestoreError::Unknown { key: name.clone() })?;
            parsed.push((key, name, bytes));
        }
        if parsed.is_empty() {
            return Ok(machine);
        }
        parsed.sort_by(|a, b| a.0.cmp(&b.0));
        let mut legs: BTreeMap<RoomKey, Vec<Leg>> = BTreeMap::new();
        let mut conferences = Vec::new();
        let mut known = false;
        for (key, name, bytes) in parsed {
            match key {
                RecordKey::Focus => {
                    let record: FocusRecord = read(&name, &bytes)?;
                    if record.format > FORMAT {
                        return Err(RestoreError::Newer { found: record.format, known: FORMAT });
                    }
                    machine.core.now = machine.core.now.max(record.now);
                    machine.core.counters = record.counters;
                    known = true;
                }
                RecordKey::Conference(_) => conferences.push(read::<Conference>(&name, &bytes)?),
                RecordKey::Direct(room) => machine.restore_direct(room, read(&name, &bytes)?),
                RecordKey::Ended(number) => {
                    machine.routes.restore_ended(number, read::<Ended>(&name, &bytes)?)
                }
                RecordKey::Leg(_) => {
                    let StoredLeg { group, leg } = read(&name, &bytes)?;
                    legs.entry(group).or_default().push(leg);
                }
            }
        }
        if !known {
            return Err(RestoreError::NoFocus);
        }
        for conference in conferences {
            let group = conference.group.clone();
            let legs = legs.remove(&group).unwrap_or_default();
            let conference = conference.restored(legs, &mut machine.core, &mut machine.routes);
            machine.conferences.insert(group, conference);
        }
        Ok(machine)
    }

    fn restore_direct(&mut self, room: RoomKey, direct: DirectRoom) {
        for (focus, door) in &direct.doors {
            if let Some(request) = door.joining {
                let purpose = Purpose::JoinDirect { room: room.clone(), focus: focus.clone() };
                self.routes.requests.insert(request, purpose);
            }
        }
        self.routes.directs.insert(room, direct);
    }

    /// The time as it was last told; after [`restore`](Self::restore) it may be ahead of the one given, if the wall clock went
    /// back since. A driver must not tell an earlier one: to the machine time would stand still.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.core.now
    }

    /// Tells the machine what happened. Whatever a peer sent, it neither blocks nor panics.
    pub fn handle(&mut self, input: Input, now: Timestamp) {
        self.core.now = self.core.now.max(now);
        match input {
            Input::FocusInvited { focus, group, room, by, via } => self.invited(focus, group, room, by, via),
            Input::NobodyInvited { focus, room } => {
                self.core.send(SignalRequest::Leave { focus, room });
            }
            Input::RoomEncrypted { room } => self.room_encrypted(room),
            Input::FocusRemoved { focus, room } => self.focus_removed(&focus, &room),
            Input::MemberRemoved { room, member } => self.member_removed(&room, &member),
            Input::CallInvited(invite) => self.call_invited(invite),
            Input::CallCandidates { key, party, candidates } => match self.routes.calls.get(&key).copied() {
                Some(leg) => {
                    self.with_leg(leg, |it, core, _| it.candidates(leg, party.as_ref(), candidates, core));
                }
                None if self.routes.directs.contains_key(&key.room) && !self.routes.has_ended(&key) => {
                    let (limits, now) = (self.core.config.limits, self.core.now);
                    self.routes.keep_early(key, party, candidates, &limits, now);
                }
                None => {}
            },
            Input::CallSelected { key, selected } => {
                self.with_call(&key, |it, leg, core, routes| it.selected(leg, &selected, core, routes));
            }
            Input::CallHungUp { key, party, reason: _ } => {
                if self.routes.calls.contains_key(&key) {
                    self.with_call(&key, |it, leg, core, routes| {
                        it.hung_up(leg, party.as_ref(), core, routes)
                    });
                } else if self.routes.directs.contains_key(&key.room) {
                    // It may have overtaken its invite, which is then not answered.
                    self.routes.remember_ended(key, &mut self.core);
                }
            }
            Input::CallNegotiated { key, party, offer, expires_in, metadata } => {
                self.with_call(&key, |it, leg, core, _| {
                    it.negotiated(leg, party.as_ref(), offer, expires_in, metadata.as_ref(), core);
                });
            }
            Input::CallMetadataChanged { key, party, metadata } => {
                self.with_call(&key, |it, leg, core, _| it.metadata(leg, party.as_ref(), &metadata, core));
            }
            Input::RequestDone { id, outcome } => self.request_done(id, &outcome),
            Input::Media(report) => self.media(report),
            Input::EngineLost => {
                let groups: Vec<RoomKey> = self.conferences.keys().cloned().collect();
                for group in groups {
                    self.with_conference(&group, Conference::engine_lost);
                }
            }
        }
    }

    /// Tells the machine the time. Nothing happens before the deadline that [`poll_timeout`](Self::poll_timeout) names.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.core.now = self.core.now.max(now);
        while let Some(kind) = self.core.timers.pop_due(self.core.now) {
            match kind {
                TimerKind::InviteExpires(leg) => self.end_leg(leg, EndReason::Expired),
                TimerKind::ConnectTimeout(leg) => self.end_leg(leg, EndReason::NeverConnected),
                TimerKind::ReconnectGrace(leg) => self.end_leg(leg, EndReason::MediaLost),
                TimerKind::InvitationGrace(group, focus) => {
                    self.with_conference(&group, |it, core, routes| it.door_refused(&focus, core, routes));
                }
                TimerKind::Idle(group, focus) => {
                    self.with_conference(&group, |it, core, routes| it.idle_over(&focus, core, routes));
                }
                TimerKind::Linger(group) => self.with_conference(&group, Conference::linger_over),
            }
        }
    }

    /// The next thing to do; drain it until `None`.
    #[must_use]
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.core.effects.pop_front()
    }

    /// When the machine wants to be told the time, and why; `None` if it waits for inputs alone.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Deadline> {
        self.core.timers.next()
    }

    /// The next record that changed; drain it until `None`, and store all of it together with the effects that are requests,
    /// before any of them is carried out.
    #[must_use]
    pub fn poll_change(&mut self) -> Option<Change> {
        let key = self.core.changes.pop_first()?;
        let value = match &key {
            RecordKey::Focus => {
                let counters = self.core.counters.clone();
                Some(write(&FocusRecord { format: FORMAT, now: self.core.now, counters }))
            }
            RecordKey::Conference(group) => self.conferences.get(group).map(write),
            RecordKey::Direct(room) => self.routes.directs.get(room).map(write),
            RecordKey::Ended(number) => self.routes.ended(*number).map(write),
            RecordKey::Leg(id) => self.routes.legs.get(id).and_then(|group| {
                let leg = self.conferences.get(group)?.legs.get(id)?.clone();
                Some(write(&StoredLeg { group: group.clone(), leg }))
            }),
        };
        Some(Change { key: key.to_text(), value })
    }

    // ---- rooms -----------------------------------------------------------------------------------------------------

    fn invited(
        &mut self,
        focus: FocusUser,
        group: RoomKey,
        room: RoomKey,
        by: MemberId,
        via: Vec<ServerName>,
    ) {
        if room == group {
            if self.make_conference(&group) {
                self.with_conference(&group, |it, core, routes| it.door_invited(focus, via, core, routes));
            } else {
                self.core.send(SignalRequest::Leave { focus, room });
            }
            return;
        }
        let limit = self.core.config.limits.direct_rooms;
        if self.routes.directs.len() >= limit && !self.routes.directs.contains_key(&room) {
            self.core.send(SignalRequest::Leave { focus, room });
            return;
        }
        let request = self.core.send(SignalRequest::JoinDirect {
            focus: focus.clone(),
            group: group.clone(),
            room: room.clone(),
            via,
        });
        let purpose = Purpose::JoinDirect { room: room.clone(), focus: focus.clone() };
        self.routes.requests.insert(request, purpose);
        self.routes
            .directs
            .entry(room.clone())
            .or_insert_with(|| DirectRoom { with: by, doors: BTreeMap::new(), told_encrypted: false })
            .doors
            .insert(focus, DirectDoor { group, joining: Some(request) });
        self.core.changed(RecordKey::Direct(room));
    }

    fn focus_removed(&mut self, focus: &FocusUser, room: &RoomKey) {
        self.with_conference(room, |it, core, routes| it.door_removed(focus, core, routes));
        // Not an alternative: whoever invites another room's focus user into a group room makes it a 1:1 room to that one.
        let direct = self.routes.directs.get(room);
        let Some(door) = direct.and_then(|direct| direct.doors.get(focus)) else { return };
        let group = door.group.clone();
        self.with_conference(&group, |it, core, routes| it.focus_left_direct(room, focus, core, routes));
        self.forget_direct_door(room, focus);
    }

    /// A call placed in an encrypted 1:1 room would ring in vain, so whoever made the room is told, once.
    fn room_encrypted(&mut self, room: RoomKey) {
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

    fn forget_direct_door(&mut self, room: &RoomKey, focus: &FocusUser) {
        if let Some(direct) = self.routes.directs.get_mut(room) {
            direct.doors.remove(focus);
            if direct.doors.is_empty() {
                self.routes.directs.remove(room);
            }
            self.core.changed(RecordKey::Direct(room.clone()));
        }
    }

    fn member_removed(&mut self, room: &RoomKey, member: &MemberId) {
        self.with_conference(room, |it, core, routes| it.member_left_group(member, core, routes));
        // A group room may be a 1:1 room too, see `focus_removed`.
        let Some(direct) = self.routes.directs.get(room) else { return };
        let ours = direct.with == *member;
        let doors: Vec<(FocusUser, RoomKey)> =
            direct.doors.iter().map(|(focus, door)| (focus.clone(), door.group.clone())).collect();
        for (focus, group) in doors {
            self.with_conference(&group, |it, core, routes| {
                it.member_left_direct(room, member, core, routes)
            });
            // The room was theirs: without them it is of no more use.
            if ours {
                self.core.send(SignalRequest::Leave { focus: focus.clone(), room: room.clone() });
                self.forget_direct_door(room, &focus);
            }
        }
    }

    // ---- calls -----------------------------------------------------------------------------------------------------

    fn call_invited(&mut self, invite: CallInvite) {
        let key = &invite.key;
        if self.routes.calls.contains_key(key) || self.routes.has_ended(key) || invite.expires_in.0 == 0 {
            return;
        }
        // Calls count only in 1:1 rooms; one in a group room rings at other people's.
        let Some(direct) = self.routes.directs.get(&key.room) else { return };
        let door = match &invite.invitee {
            Some(invitee) => direct.doors.get_key_value(invitee),
            None if direct.doors.len() == 1 => direct.doors.first_key_value(),
            None => {
                if let Some((focus, door)) = direct.doors.first_key_value() {
                    let why = Notice::Refused { why: Refusal::Ambiguous, group: door.group.clone() };
                    let (focus, room) = (focus.clone(), key.room.clone());
                    self.core.send(SignalRequest::Notice { focus, room, notice: why });
                }
                self.routes.remember_ended(invite.key, &mut self.core);
                return;
            }
        };
        let Some((focus, group)) = door.map(|(focus, door)| (focus.clone(), door.group.clone())) else {
            return;
        };
        if !self.make_conference(&group) {
            self.refuse(focus, group, invite, Refusal::Full);
            return;
        }
        let key = invite.key.clone();
        let early = self.routes.take_early(&key, invite.party.as_ref());
        self.with_conference(&group, |it, core, routes| it.ring(focus, invite, core, routes));
        if !early.is_empty() {
            self.with_call(&key, |it, leg, core, _| it.candidates(leg, None, early, core));
        }
    }

    /// Refuses a call for which there is no room even for a leg.
    fn refuse(&mut self, focus: FocusUser, group: RoomKey, invite: CallInvite, why: Refusal) {
        let room = invite.key.room.clone();
        let to = CallAddress {
            focus: focus.clone(),
            room: room.clone(),
            caller: invite.key.caller.clone(),
            call: invite.key.call.clone(),
            version: invite.version,
            party: self.core.new_party(),
        };
        self.core.send(SignalRequest::Reject { to });
        self.core.send(SignalRequest::Notice { focus, room, notice: Notice::Refused { why, group } });
        self.routes.remember_ended(invite.key, &mut self.core);
    }

    fn end_leg(&mut self, leg: LegId, reason: EndReason) {
        self.with_leg(leg, |it, core, routes| it.end_leg(leg, reason, core, routes));
    }

    fn media(&mut self, report: MediaReport) {
        match report {
            MediaReport::AnswerReady { leg, generation, answer, streams } => {
                self.with_session(leg, generation, |it, core, routes| {
                    it.answer_ready(leg, answer, streams, core, routes);
                });
            }
            MediaReport::OfferRefused { leg, generation, why } => {
                self.with_session(leg, generation, |it, core, routes| {
                    it.offer_refused(leg, why, core, routes)
                });
            }
            MediaReport::TransportUp { leg, generation } => {
                self.with_session(leg, generation, |it, core, _| it.transport_up(leg, core));
            }
            MediaReport::TransportLost { leg, generation } => {
                self.with_session(leg, generation, |it, core, routes| {
                    it.transport_lost(leg, false, core, routes)
                });
            }
            MediaReport::TransportFailed { leg, generation } => {
                self.with_session(leg, generation, |it, core, routes| {
                    it.transport_lost(leg, true, core, routes)
                });
            }
            MediaReport::Levels(levels) => {
                for level in levels {
                    if let Some(it) =
                        self.routes.legs.get(&level.leg).and_then(|group| self.conferences.get(group))
                    {
                        it.level(level, &mut self.core);
                    }
                }
            }
        }
    }

    fn request_done(&mut self, id: RequestId, outcome: &RequestOutcome) {
        let failure = match outcome {
            RequestOutcome::Done | RequestOutcome::Admission(_) => None,
            RequestOutcome::Failed(failure) => Some(*failure),
        };
        match self.routes.requests.remove(&id) {
            Some(Purpose::JoinGroup { group, focus }) => {
                self.with_conference(&group, |it, core, routes| {
                    it.door_joined(id, &focus, failure, core, routes)
                });
            }
            Some(Purpose::LeaveGroup { group, focus }) => {
                self.with_conference(&group, |it, core, _| it.door_left(id, &focus, core));
            }
            Some(Purpose::JoinDirect { room, focus }) => self.direct_joined(id, &room, &focus, failure),
            Some(Purpose::Admission(leg)) => {
                let answer = match outcome {
                    RequestOutcome::Admission(admission) => Ok(*admission),
                    // Not an answer to the question that was asked.
                    RequestOutcome::Done => Err(RequestFailure::Rejected),
                    RequestOutcome::Failed(failure) => Err(*failure),
                };
                self.with_leg(leg, |it, core, routes| it.admission(leg, answer, core, routes));
            }
            Some(Purpose::Answer(leg)) if failure.is_some() => {
                self.end_leg(leg, EndReason::AnswerUndeliverable)
            }
            Some(Purpose::Answer(_)) | None => {}
        }
    }

    fn direct_joined(
        &mut self,
        id: RequestId,
        room: &RoomKey,
        focus: &FocusUser,
        failure: Option<RequestFailure>,
    ) {
        let Some(door) = self.routes.directs.get_mut(room).and_then(|direct| direct.doors.get_mut(focus))
        else {
            return;
        };
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

    // ---- finding the way -------------------------------------------------------------------------------------------

    /// There is a conference for the room, or there is now. `false`: there is no room for another.
    fn make_conference(&mut self, group: &RoomKey) -> bool {
        if self.conferences.contains_key(group) {
            return true;
        }
        if self.conferences.len() >= self.core.config.limits.conferences {
            return false;
        }
        let conference = Conference::new(group.clone(), &mut self.core);
        self.conferences.insert(group.clone(), conference);
        true
    }

    fn with_conference(
        &mut self,
        group: &RoomKey,
        act: impl FnOnce(&mut Conference, &mut Core, &mut Routes),
    ) {
        let Some(conference) = self.conferences.get_mut(group) else { return };
        act(conference, &mut self.core, &mut self.routes);
        if conference.is_over() {
            conference.close(&mut self.core);
            self.conferences.remove(group);
        }
    }

    fn with_leg(&mut self, leg: LegId, act: impl FnOnce(&mut Conference, &mut Core, &mut Routes)) {
        if let Some(group) = self.routes.legs.get(&leg).cloned() {
            self.with_conference(&group, act);
        }
    }

    fn with_call(&mut self, key: &CallKey, act: impl FnOnce(&mut Conference, LegId, &mut Core, &mut Routes)) {
        if let Some(leg) = self.routes.calls.get(key).copied() {
            self.with_leg(leg, |it, core, routes| act(it, leg, core, routes));
        }
    }

    /// A report of the engine, unless it is from an older session of the leg.
    fn with_session(
        &mut self,
        leg: LegId,
        generation: Generation,
        act: impl FnOnce(&mut Conference, &mut Core, &mut Routes),
    ) {
        self.with_leg(leg, |it, core, routes| {
            if it.legs.get(&leg).is_some_and(|leg| leg.generation == generation) {
                act(it, core, routes);
            }
        });
    }
}

/// A leg's record names its group room, since the conference's record does not list its legs.
#[derive(Serialize, Deserialize)]
struct StoredLeg {
    group: RoomKey,
    leg: Leg,
}

fn read<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, RestoreError> {
    serde_json::from_slice(bytes).map_err(|source| RestoreError::Malformed { key: key.into(), source })
}

/// JSON, since an operator may want to read it. Our own records have string keys and no failing serialisers, the two things
/// that `serde_json` can fail with; should it all the same, the record is left empty and refused by name at the next start.
fn write<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
