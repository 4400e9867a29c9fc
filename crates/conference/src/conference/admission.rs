//! Calls coming in: ringing, asking who the caller is, letting in or turning away (rules R1, R3).
//!
//! What happens in a call that was let in never lives here.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::{Conference, Member};
use crate::config::SecondDevice;
use crate::core::Core;
use crate::door::DoorState;
use crate::effect::{EndReason, MediaCommand, Refusal, SignalRequest};
use crate::id::{CallKey, FocusUser, Generation, LegId, PartyId};
use crate::input::{Admission, CallInvite, RequestFailure};
use crate::leg::{Leg, LegState, is_muted};
use crate::record::RecordKey;
use crate::routes::{Purpose, Routes};

impl Conference {
    /// A call rings at a door (rules R1 and R3).
    pub(crate) fn ring(
        &mut self,
        focus: FocusUser,
        invite: CallInvite,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let id = core.new_leg();
        let participant = self
            .members
            .entry(invite.key.caller.clone())
            .or_insert_with(|| Member { participant: core.new_participant(), legs: BTreeSet::new() });
        participant.legs.insert(id);
        let leg = Leg {
            id,
            focus: focus.clone(),
            participant: participant.participant,
            version: invite.version,
            caller_party: invite.party,
            party: core.new_party(),
            wants_metadata: invite.metadata.is_some(),
            muted: invite.metadata.as_ref().is_some_and(is_muted),
            generation: Generation(0),
            state: LegState::Ringing {
                offer: invite.offer,
                expires: core.now + invite.expires_in,
                candidates: Vec::new(),
                admission: None,
            },
            key: invite.key,
        };
        routes.legs.insert(id, self.group.clone());
        routes.calls.insert(leg.key.clone(), id);
        self.legs.insert(id, leg);
        self.entered(id, core);
        if self.legs.len() > core.config.limits.legs_per_conference {
            self.end_leg(id, EndReason::Refused(Refusal::Full), core, routes);
            return;
        }
        match self.doors.get(&focus).map(|door| &door.state) {
            Some(DoorState::Waiting { .. } | DoorState::Active) => self.ask_admission(id, core, routes),
            Some(DoorState::Joining { .. } | DoorState::Uninvited { .. }) => {}
            // It has to join (again): by the door's id we know the room (rule R2).
            None | Some(DoorState::Leaving { .. }) => self.join(focus, false, Vec::new(), core, routes),
        }
    }

    pub(super) fn ask_admission(&mut self, id: LegId, core: &mut Core, routes: &mut Routes) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        // The answer to a question under way serves, however often the focus has joined meanwhile.
        let LegState::Ringing { admission: admission @ None, .. } = &mut leg.state else { return };
        let request = core.send(SignalRequest::AskAdmission {
            focus: leg.focus.clone(),
            group: self.group.clone(),
            direct: leg.key.room.clone(),
            member: leg.key.caller.clone(),
        });
        *admission = Some(request);
        routes.requests.insert(request, Purpose::Admission(id));
        core.changed(RecordKey::Leg(id));
    }

    /// The homeserver has said who the caller is to the group room. Only joined members may be in the conference.
    pub(crate) fn admission(
        &mut self,
        id: LegId,
        answer: Result<Admission, RequestFailure>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let refusal = match answer {
            Ok(Admission { joined: false, .. }) => Some(Refusal::NotAMember),
            Ok(Admission { direct_members, .. }) if direct_members > 2 => Some(Refusal::RoomNotDirect),
            Ok(_) => None,
            Err(_) => Some(Refusal::Unknown),
        };
        let Some(leg) = self.legs.get_mut(&id) else { return };
        if let Some(why) = refusal {
            let focus = leg.focus.clone();
            self.end_leg(id, EndReason::Refused(why), core, routes);
            self.leave_if_a_stranger_called(&focus, core, routes);
            return;
        }
        let LegState::Ringing { offer, expires, candidates, .. } = &mut leg.state else { return };
        let candidates = core::mem::take(candidates);
        leg.state = LegState::Answering { offer: offer.clone(), expires: *expires, candidates };
        let (key, party) = (leg.key.clone(), leg.caller_party.clone());
        self.entered(id, core);
        self.open_media(id, core);
        self.replace_others(id, &key, party.as_ref(), core, routes);
    }

    /// A focus user that only came because it was called does not stay for someone who may not be there.
    pub(super) fn leave_if_a_stranger_called(
        &mut self,
        focus: &FocusUser,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let uninvited = self.doors.get(focus).is_some_and(|door| !door.invited && door.is_joined());
        if uninvited
            && !core.config.stay.contains(&self.group)
            && !self.used
            && !self.legs.values().any(|leg| leg.focus == *focus)
        {
            self.leave(focus, core, routes);
        }
    }

    /// The same user is called for already: the same party replaces its old call, another device by policy.
    pub(super) fn replace_others(
        &mut self,
        new: LegId,
        key: &CallKey,
        party: Option<&PartyId>,
        core: &mut Core,
        routes: &mut Routes,
    ) {
        let Some(member) = self.members.get(&key.caller) else { return };
        let others: Vec<LegId> = member.legs.iter().copied().filter(|id| *id < new).collect();
        for other in others {
            let Some(leg) = self.legs.get(&other) else { continue };
            let same_party = leg.key.room == key.room && leg.caller_party.as_ref() == party;
            if same_party || core.config.second_device == SecondDevice::Replace {
                self.end_leg(other, EndReason::Replaced, core, routes);
            }
        }
    }

    pub(super) fn open_media(&self, id: LegId, core: &mut Core) {
        let Some(leg) = self.legs.get(&id) else { return };
        let LegState::Answering { offer, candidates, .. } = &leg.state else { return };
        core.media(MediaCommand::Open {
            leg: id,
            generation: leg.generation,
            conference: self.id,
            participant: leg.participant,
            offer: offer.clone(),
        });
        if !candidates.is_empty() {
            core.media(MediaCommand::AddCandidates {
                leg: id,
                generation: leg.generation,
                candidates: candidates.clone(),
            });
        }
    }
}
