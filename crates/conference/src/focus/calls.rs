//! Calls that come in: which of them ring, which are turned away at once, and which get no word.
//!
//! What becomes of a call that rings never lives here.

use alloc::vec::Vec;

use super::Focus;
use crate::call::{CallAddress, Candidate};
use crate::direct::DirectDoor;
use crate::effect::{ConferenceEvent, Notice, Refusal, SignalRequest, Silence};
use crate::id::{CallKey, ConferenceId, FocusUser, PartyId, RoomKey};
use crate::input::{CallInvite, OfferRefusal};
use crate::rates::Deed;

impl Focus {
    pub(super) fn call_invited(&mut self, invite: CallInvite) {
        let (focus, group) = match self.called(&invite) {
            Ok((focus, door)) => (focus.clone(), door.group.clone()),
            Err(why) => {
                self.ignore(invite, why);
                return;
            }
        };
        self.core.count(&invite.key.caller, Deed::Call);
        self.used_direct(&invite.key.room);
        let conference = match self.may_ring(&focus, &group, &invite) {
            Ok(conference) => conference,
            Err(why) => {
                self.refuse(focus, group, invite, why);
                return;
            }
        };
        let early = self.routes.early.take(&invite.key, invite.party.as_ref(), &mut self.core);
        self.with_conference_of(conference, |it, core, routes| it.ring(focus, invite, early, core, routes));
    }

    /// The door at which a call rings; or why it gets no word.
    fn called(&self, invite: &CallInvite) -> Result<(&FocusUser, &DirectDoor), Silence> {
        let CallInvite { key, party, invitee, .. } = invite;
        if self.routes.calls.leg_of(key).is_some() {
            return Err(Silence::Repeated);
        }
        if self.routes.calls.is_over(key) {
            return Err(Silence::Ended);
        }
        if invite.expires_in.0 == 0 {
            return Err(Silence::Expired);
        }
        // Calls count only in 1:1 rooms; one in a group room rings at other people's.
        let direct = self.routes.directs.get(&key.room).ok_or(Silence::NotInDirectRoom)?;
        if self.too_long(key, party.as_ref()) {
            return Err(Silence::NameTooLong);
        }
        if !self.core.may(&key.caller, Deed::Call) {
            return Err(Silence::TooFast);
        }
        match invitee {
            Some(invitee) => direct.doors.get_key_value(invitee).ok_or(Silence::NotForUs),
            None if direct.doors.len() > 1 => Err(Silence::Ambiguous),
            None => direct.doors.first_key_value().ok_or(Silence::NotInDirectRoom),
        }
    }

    fn too_long(&self, key: &CallKey, party: Option<&PartyId>) -> bool {
        let limit = self.core.config.limits.name_bytes;
        key.call.as_str().len() > limit || party.is_some_and(|party| party.as_str().len() > limit)
    }

    /// A call gets no word. Only the one whom nobody knew to answer is told so, by one of those who could have.
    fn ignore(&mut self, invite: CallInvite, why: Silence) {
        let key = invite.key;
        if why == Silence::Ambiguous {
            let direct = self.routes.directs.get(&key.room);
            if let Some((focus, door)) = direct.and_then(|direct| direct.doors.first_key_value()) {
                let (focus, group) = (focus.clone(), door.group.clone());
                let notice = Notice::Refused { why: Refusal::Ambiguous, group };
                self.core.send(SignalRequest::Notice { focus, room: key.room.clone(), notice });
            }
            self.core.count(&key.caller, Deed::Call);
            self.routes.call_is_over(key.clone(), &mut self.core);
        }
        self.core.notify(ConferenceEvent::CallIgnored { key, why });
    }

    /// The conference in which a call rings, which is made if there is none; or why it does not even ring.
    fn may_ring(
        &mut self,
        focus: &FocusUser,
        group: &RoomKey,
        invite: &CallInvite,
    ) -> Result<ConferenceId, Refusal> {
        let (limits, caller) = (self.core.config.limits, &invite.key.caller);
        if !self.core.config.policy.allows(caller) {
            return Err(Refusal::NotAllowed);
        }
        if invite.offer.0.len() > limits.sdp_bytes {
            return Err(Refusal::Offer(OfferRefusal::TooLarge));
        }
        if self.routes.calls_of_member(caller) >= limits.calls_per_member {
            return Err(Refusal::TooManyCalls);
        }
        if self.routes.calls_of_server(caller.server()) >= limits.calls_per_server {
            return Err(Refusal::ServerFull);
        }
        let Some(id) = self.conferences.id_of(group) else {
            if !self.core.may(caller, Deed::StrangerCall) {
                return Err(Refusal::NotAMember);
            }
            return self.make_conference(group).ok_or(Refusal::Busy);
        };
        match self.conferences.get(id).and_then(|it| it.may_not_ring(focus, caller, &self.core)) {
            Some(why) => Err(why),
            None => Ok(id),
        }
    }

    /// Refuses a call that does not ring.
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
        self.routes.call_is_over(invite.key, &mut self.core);
    }

    pub(super) fn call_candidates(
        &mut self,
        key: CallKey,
        party: Option<PartyId>,
        mut candidates: Vec<Candidate>,
    ) {
        let limit = self.core.config.limits.candidate_bytes;
        candidates.retain(|candidate| {
            candidate.line.len() <= limit && candidate.mid.as_ref().is_none_or(|mid| mid.len() <= limit)
        });
        if let Some(leg) = self.routes.calls.leg_of(&key) {
            self.with_leg(leg, |it, core, _| it.candidates(leg, party.as_ref(), candidates, core));
        } else if self.routes.directs.get(&key.room).is_some()
            && !self.routes.calls.is_over(&key)
            && !self.too_long(&key, party.as_ref())
        {
            self.routes.early.keep(key, party, candidates, &mut self.core);
        }
    }

    pub(super) fn call_hung_up(&mut self, key: CallKey, party: Option<&PartyId>) {
        if let Some(leg) = self.routes.calls.leg_of(&key) {
            self.with_leg(leg, |it, core, routes| it.hung_up(leg, party, core, routes));
        } else if self.routes.directs.get(&key.room).is_some() && !self.too_long(&key, party) {
            // It may have overtaken its invite, which is then not answered.
            self.routes.call_is_over(key, &mut self.core);
        }
    }
}
